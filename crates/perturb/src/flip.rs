//! The negative of the picture.

use super::{Fill, Perturbation, Site};
use crate::base::registry::Entry;

/// `x -> (low + high) - x` with the range of pixel values [low, high], which is [0, 1] in image
/// space: black becomes white. Pixel flipping of Bach et al. 2015, sec. "Experiments on MNIST",
/// meant for pictures of strokes; a medium grey stays as it is.
#[derive(Debug)]
struct Flip;

pub(super) const ENTRY: Entry<dyn Perturbation> = Entry {
    id: "flip",
    summary: "the negative of the picture",
    cite: "bach2015pixel",
    params: &[],
    build: |_| Ok(Box::new(Flip)),
};

impl Perturbation for Flip {
    fn fill<'a>(&self, site: &Site<'a>) -> Fill<'a> {
        let sum = site.range.low + site.range.high;
        Fill::Local(site.picture.map(|v| sum - v))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{local, ramp};

    #[test]
    fn a_picture_and_its_negative_sum_to_white() {
        let picture = ramp();
        let negative = local("flip", &picture, 0);
        assert!(picture.data.iter().zip(&negative.data).all(|(a, b)| (a + b - 1.0).abs() < 1e-7));
        assert_eq!(negative.data[0].to_bits(), 1.0f32.to_bits());
    }
}
