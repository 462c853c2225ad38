//! Smooth pictures.

use super::{Bound, Prior, PriorError, Site, weight};
use crate::{
    base::{
        geom::Shape,
        registry::{Entry, Kind, Param},
    },
    nn::tensor::Tensor,
};

/// `weight * sum over pixels and channels of (dx^2 + dy^2)^(beta/2)`, where `dx` and `dy` are the differences to the right
/// and lower neighbour (0 at the edge). Below `beta` 2 a small constant keeps the slope finite at 0.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `weight` | 0.01 | >= 0 |
/// | `beta` | 2 | [1, 3] |
#[derive(Clone, Copy)]
struct TotalVariation {
    weight: f64,
    beta: f64,
}

pub(super) const ENTRY: Entry<dyn Prior> = Entry {
    id: "total-variation",
    summary: "penalty on differences between neighbouring pixels",
    cite: "mahendran2015understanding",
    params: &[
        weight("0.01", "what a difference of 1 costs"),
        Param {
            key: "beta",
            default: "2",
            kind: Kind::Number { min: 1.0, max: 3.0 },
            help: "exponent of the size of differences; 1 allows sharp edges, 2 does not",
        },
    ],
    build: |args| {
        Ok(Box::new(TotalVariation { weight: args.f64("weight"), beta: args.f64("beta") }))
    },
};

/// A difference of a hundredth of a grey level, squared.
const EDGE: f64 = 1.5e-9;

impl Prior for TotalVariation {
    fn bind(&self, _: &Site<'_>) -> Result<Box<dyn Bound>, PriorError> {
        Ok(Box::new(*self))
    }
}

impl Bound for TotalVariation {
    fn penalty(&self, x: &Tensor) -> Option<(f64, Tensor)> {
        let Shape { c, h, w } = x.shape;
        let edge = if self.beta < 2.0 { EDGE } else { 0.0 };
        let mut gradient = Tensor::zeros(x.shape);
        let mut sum = 0.0;
        for i in 0..x.data.len() {
            let (column, row) = (i / c % w, i / c / w);
            let to = |inside: bool, by: usize| {
                if inside { f64::from(x.data[i + by]) - f64::from(x.data[i]) } else { 0.0 }
            };
            let (right, below) = (column + 1 < w, row + 1 < h);
            let (dx, dy) = (to(right, c), to(below, w * c));
            let square = dx * dx + dy * dy + edge;
            sum += square.powf(self.beta / 2.0) - edge.powf(self.beta / 2.0);
            let slope = self.weight * self.beta * square.powf(self.beta / 2.0 - 1.0);
            let mut add = |inside: bool, by: usize, d: f64| {
                if inside && d != 0.0 {
                    gradient.data[i + by] += (slope * d) as f32;
                    gradient.data[i] -= (slope * d) as f32;
                }
            };
            add(right, c, dx);
            add(below, w * c, dy);
        }
        Some((self.weight * sum, gradient))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_of_four_pixels_worked_by_hand() {
        let x = Tensor::new(Shape::new(1, 2, 2), vec![0.0, 0.5, 1.0, 0.5]);
        let of = |beta| TotalVariation { weight: 2.0, beta }.penalty(&x).unwrap().0;
        // pixels: (0.5, 1), (0, 0), (-0.5, 0), (0, 0)
        assert!((of(2.0) - 2.0 * (1.25 + 0.25)).abs() < 1e-12);
        assert!((of(1.0) - 2.0 * (1.25f64.sqrt() + 0.5)).abs() < 1e-3);
    }
}
