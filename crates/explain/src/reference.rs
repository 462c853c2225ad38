//! Pictures without content, which some methods compare with.

use super::{Case, ExplainError};
use crate::{base::word_enum, nn::tensor::Tensor};

word_enum! {
    /// A picture of one colour.
    pub(super) enum Reference {
        /// Pixel value 0.
        Black = "black",
        /// Pixel value 1/2.
        Grey = "grey",
        /// Pixel value 1.
        White = "white",
        /// 0 after normalisation: the mean colour of the training pictures, where normalisation
        /// subtracts that.
        Zero = "zero",
    }
}

impl Reference {
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

/// The value on the way from `a` to `b`: `(1 - t) a + t b`, in double precision, rounded once. So it is `a`
/// itself at 0 and `b` itself at 1, and what is the same in both stays the same on the way.
pub(super) fn mixed(a: f32, b: f32, t: f64) -> f32 {
    ((1.0 - t) * f64::from(a) + t * f64::from(b)) as f32
}

/// The picture on the way from `a` to `b`, value by value as [`mixed`].
pub(super) fn between(a: &Tensor, b: &Tensor, t: f64) -> Tensor {
    let at = |(a, b): (&f32, &f32)| mixed(*a, *b, t);
    Tensor::new(a.shape, a.data.iter().zip(&b.data).map(at).collect())
}

/// `x - from`, value by value, in double precision.
pub(super) fn way<'a>(x: &'a Tensor, from: &'a Tensor) -> impl Iterator<Item = f64> + 'a {
    x.data.iter().zip(&from.data).map(|(x, from)| f64::from(*x) - f64::from(*from))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn both_ends_of_a_way_are_reached_and_what_is_the_same_stays(
            a in -1e6f32..1e6, b in -1e6f32..1e6, t in 0.0f32..=1.0,
        ) {
            prop_assert_eq!(mixed(a, b, 0.0).to_bits(), (a + 0.0).to_bits());
            prop_assert_eq!(mixed(a, b, 1.0).to_bits(), (b + 0.0).to_bits());
            prop_assert_eq!(mixed(a, a, f64::from(t)).to_bits(), (a + 0.0).to_bits());
            prop_assert!((a.min(b)..=a.max(b)).contains(&mixed(a, b, f64::from(t))));
        }
    }
}
