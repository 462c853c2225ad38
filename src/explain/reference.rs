//! Pictures without content, which some methods compare with.

use super::{Case, ExplainError};
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
    pub(super) fn pixel(self, case: &Case<'_>) -> Result<Vec<f32>, ExplainError> {
        if self == Reference::Zero {
            return Ok(vec![0.0; case.graph.input_shape().c]);
        }
        let (low, high) = case.bounds()?;
        let colour = |(&low, &high): (&f32, &f32)| match self {
            Reference::Black => low,
            Reference::White => high,
            _ => f32::midpoint(low, high),
        };
        Ok(low.iter().zip(high).map(colour).collect())
    }

    /// The whole picture, as input of the network.
    pub(super) fn picture(self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        let shape = case.graph.input_shape();
        let values = self.pixel(case)?.into_iter().cycle().take(shape.len()).collect();
        Ok(Tensor::new(shape, values))
    }
}

/// The picture on the way from `a` to `b`: `a + t (b - a)`.
pub(super) fn between(a: &Tensor, b: &Tensor, t: f64) -> Tensor {
    let at = |(a, b): (&f32, &f32)| (f64::from(*a) + t * f64::from(b - a)) as f32;
    Tensor::new(a.shape, a.data.iter().zip(&b.data).map(at).collect())
}
