//! Pictures without content, which some methods compare with.

use super::Case;
use crate::{base::registry::Kind, nn::tensor::Tensor};

/// The words for a reference picture.
pub(super) const KIND: Kind = Kind::Word(&["black", "grey", "white", "zero"]);

/// A picture of one colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reference {
    /// Pixel value 0.
    Black,
    /// Pixel value 1/2.
    Grey,
    /// Pixel value 1.
    White,
    /// 0 after normalisation: the mean colour of the training pictures, where normalisation
    /// subtracts that.
    Zero,
}

impl Reference {
    /// From a word of [`KIND`].
    pub(super) fn from_word(word: &str) -> Reference {
        match word {
            "black" => Reference::Black,
            "grey" => Reference::Grey,
            "white" => Reference::White,
            _ => Reference::Zero,
        }
    }

    /// One value per channel, as input of the network.
    pub(super) fn pixel(self, case: &Case<'_>) -> Vec<f32> {
        let bounds = case.low.iter().zip(case.high);
        bounds
            .map(|(&low, &high)| match self {
                Reference::Black => low,
                Reference::Grey => f32::midpoint(low, high),
                Reference::White => high,
                Reference::Zero => 0.0,
            })
            .collect()
    }

    /// The whole picture, as input of the network.
    pub(super) fn picture(self, case: &Case<'_>) -> Tensor {
        let shape = case.graph.input_shape();
        let values = self.pixel(case).into_iter().cycle().take(shape.len()).collect();
        Tensor::new(shape, values)
    }
}
