//! From relevance per channel to relevance per pixel.

use super::HeatMap;
use crate::{base::word_enum, nn::tensor::Tensor};

/// How relevance `(C, H, W)` becomes a heat map `(H, W)`; part of a method's definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// Signed sum over channels.
    Sum,
    /// Euclidean norm over channels.
    L2,
    /// Largest absolute value over channels.
    Linf,
}

word_enum! {
    /// Norms over the channels of a pixel.
    pub(super) enum Norm {
        L2 = "l2",
        Linf = "linf",
    }
}

impl Norm {
    pub(super) fn pool(self) -> Pool {
        match self {
            Norm::L2 => Pool::L2,
            Norm::Linf => Pool::Linf,
        }
    }
}

impl Pool {
    /// The heat map of `relevance`, in double precision.
    pub fn apply(self, relevance: &Tensor) -> HeatMap {
        let shape = relevance.shape;
        HeatMap::from_shape_fn((shape.h, shape.w), |(y, x)| self.pixel(relevance.pixel(y, x)))
    }

    fn pixel(self, channels: &[f32]) -> f64 {
        let wide = channels.iter().map(|&v| f64::from(v));
        match self {
            Pool::Sum => wide.sum(),
            Pool::L2 => wide.map(|v| v * v).sum::<f64>().sqrt(),
            Pool::Linf => wide.fold(0.0, |most, v| most.max(v.abs())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::geom::Shape;

    #[test]
    fn each_pooling_is_its_definition() {
        // two pixels with the channels (3, -4) and (1, 0)
        let t = Tensor::new(Shape::new(2, 1, 2), vec![3.0, -4.0, 1.0, 0.0]);
        let row = |pool: Pool| pool.apply(&t).into_raw_vec_and_offset().0;
        assert_eq!(row(Pool::Sum), [-1.0, 1.0]);
        assert_eq!(row(Pool::L2), [5.0, 1.0]);
        assert_eq!(row(Pool::Linf), [4.0, 1.0]);
    }
}
