//! What a file did to its picture before the first layer.

use crate::tensor::Tensor;

/// `scale * x + shift` per channel of the input.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    /// Factors, above 0.
    pub scale: Vec<f64>,
    /// Summands.
    pub shift: Vec<f64>,
}

impl Prepared {
    /// An input of the file as an input of the network.
    #[must_use]
    pub fn apply(&self, x: &Tensor) -> Tensor {
        let c = self.scale.len();
        let value =
            |(i, v): (usize, &f32)| (self.scale[i % c] * f64::from(*v) + self.shift[i % c]) as f32;
        Tensor::new(x.shape, x.data.iter().enumerate().map(value).collect())
    }
}
