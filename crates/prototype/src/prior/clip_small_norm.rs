//! Pixels that matter little are set to zero.

use super::{Bound, Prior, PriorError, Site, every};
use crate::{
    base::registry::{Entry, Kind, Param},
    nn::tensor::Tensor,
};

/// After every so many steps the pixels whose distance to the zero input (its length over channels) is among the smallest
/// `percent` become zero.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `percent` | 20 | [0, 100] |
/// | `every` | 4 | whole number >= 1 |
#[derive(Clone, Copy)]
struct ClipSmallNorm {
    percent: f64,
    every: usize,
}

pub(super) const ENTRY: Entry<dyn Prior> = Entry {
    id: "clip-small-norm",
    summary: "pixels nearest to the zero input are set to it after every so many steps",
    cite: "yosinski2015understanding",
    params: &[
        Param {
            key: "percent",
            default: "20",
            kind: Kind::Number { min: 0.0, max: 100.0 },
            help: "share of the pixels",
        },
        every("4"),
    ],
    build: |args| {
        Ok(Box::new(ClipSmallNorm { percent: args.f64("percent"), every: args.usize("every") }))
    },
};

impl Prior for ClipSmallNorm {
    fn changes_pixels(&self) -> bool {
        true
    }

    fn bind(&self, site: &Site<'_>) -> Result<Box<dyn Bound>, PriorError> {
        Ok(Box::new(Clipping { prior: *self, zero: site.zero.clone() }))
    }
}

struct Clipping {
    prior: ClipSmallNorm,
    zero: Tensor,
}

impl Bound for Clipping {
    fn after(&self, x: &mut Tensor, steps: usize) {
        if !steps.is_multiple_of(self.prior.every) {
            return;
        }
        let c = x.shape.c;
        let pixels = x.data.chunks_exact(c).zip(self.zero.data.chunks_exact(c));
        let square = |(x, zero): (&[f32], &[f32])| -> f64 {
            x.iter().zip(zero).map(|(x, zero)| f64::from(x - zero).powi(2)).sum()
        };
        let sizes: Vec<f64> = pixels.map(square).collect();
        let mut order: Vec<usize> = (0..sizes.len()).collect();
        order.sort_by(|a, b| sizes[*a].total_cmp(&sizes[*b]).then(a.cmp(b)));
        let clipped = (sizes.len() as f64 * self.prior.percent / 100.0).floor() as usize;
        for pixel in order.into_iter().take(clipped) {
            let at = pixel * c..(pixel + 1) * c;
            x.data[at.clone()].copy_from_slice(&self.zero.data[at]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::geom::Shape;

    #[test]
    fn the_smallest_pixels_are_clipped_as_pixels() {
        let shape = Shape::new(2, 1, 4);
        let prior = ClipSmallNorm { percent: 50.0, every: 2 };
        let clipping = Clipping { prior, zero: Tensor::new(shape, [0.5, 0.25].repeat(4)) };
        let mut x = Tensor::new(shape, vec![0.5, 0.5, 0.6, 0.25, 0.0, 0.25, 0.4, 0.2]);
        let before = x.clone();
        clipping.after(&mut x, 1);
        assert_eq!(x, before);
        clipping.after(&mut x, 2);
        // distances 0.25, 0.1, 0.5 and 0.11
        assert_eq!(x.data, [0.5, 0.5, 0.5, 0.25, 0.0, 0.25, 0.5, 0.25]);
    }
}
