//! Noise: the paper's perturbation.

use super::{Fill, Perturbation, Range, Site};
use crate::{
    base::{registry::Entry, rng::unit_f32},
    nn::tensor::Tensor,
};

/// Every pixel and channel becomes an independent draw from U(low, high) of the values that the input may
/// take: of pictures U(0, 1) in image space, that is before mean and standard deviation are applied (Samek et al. 2017, sec. III-B).
///
/// There is one noise image per (seed, image, repeat); it depends on the picture's shape and on
/// nothing else, least of all on the method or on the regions removed before.
#[derive(Debug)]
struct Uniform;

pub(super) const ENTRY: Entry<dyn Perturbation> = Entry {
    id: "uniform",
    summary: "independent uniform noise in [0, 1] for every pixel and channel",
    cite: "samek2017evaluating",
    params: &[],
    build: |_| Ok(Box::new(Uniform)),
};

impl Perturbation for Uniform {
    fn fill<'a>(&self, site: &Site<'a>) -> Fill<'a> {
        let mut rng = site.rng("uniform", &[]);
        let Range { low, high } = site.range;
        let draw = |_| low + (high - low) * unit_f32(&mut rng);
        let noise = (0..site.picture.data.len()).map(draw).collect();
        Fill::Local(Tensor::new(site.picture.shape, noise))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::{
            geom::Shape,
            rng::Seed,
            unit::{Grid, Remainder},
        },
        testing::{SET, picture_of},
    };

    fn noise(picture: &Tensor, side: usize, seed: u64, image: &str, repeat: usize) -> Tensor {
        let grid = Grid::new(picture.shape.h, picture.shape.w, side, Remainder::Drop).unwrap();
        let seed = Seed(seed);
        let site = Site {
            picture,
            range: Range::PICTURE,
            neutral: &[],
            units: &grid,
            seed,
            image,
            repeat,
            data: &*SET,
        };
        picture_of(Uniform.fill(&site))
    }

    #[test]
    fn noise_depends_on_seed_image_and_repeat_but_not_on_content_or_grid() {
        let black = Tensor::zeros(Shape::new(3, 8, 8));
        let white = black.map(|_| 1.0);
        let base = noise(&black, 2, 0, "a", 0);
        assert_eq!(base, noise(&white, 4, 0, "a", 0));
        for other in [noise(&black, 2, 1, "a", 0), noise(&black, 2, 0, "b", 0)] {
            assert_ne!(base, other);
        }
        assert_ne!(base, noise(&black, 2, 0, "a", 1));
    }

    #[test]
    fn noise_fills_the_range_of_the_input() {
        let signal = Tensor::zeros(Shape::new(2, 50, 1));
        let grid = Grid::new(50, 1, 1, Remainder::Drop).unwrap();
        let noise = |range| {
            let (picture, units, seed) = (&signal, &grid, Seed(0));
            let site = Site {
                picture,
                range,
                neutral: &[],
                units,
                seed,
                image: "a",
                repeat: 0,
                data: &*SET,
            };
            picture_of(Uniform.fill(&site))
        };
        let expected = noise(Range::PICTURE).map(|v| 6.0 * v - 4.0);
        let found = noise(Range { low: -4.0, high: 2.0 });
        assert!(found.data.iter().zip(&expected.data).all(|(a, b)| (a - b).abs() < 1e-5));
    }

    #[test]
    fn pixels_and_channels_are_independent_and_fill_the_interval() {
        let n = noise(&Tensor::zeros(Shape::new(3, 100, 100)), 9, 0, "a", 0);
        let mean = |v: &mut dyn Iterator<Item = f64>| v.sum::<f64>() / 10_000.0;
        let channel = |c: usize| n.data.chunks_exact(3).map(move |p| f64::from(p[c]) - 0.5);
        // variance of U(0, 1) is 1/12; the standard error of each figure below is under 0.003
        for c in 0..3 {
            assert!(mean(&mut channel(c)).abs() < 0.012);
            assert!((mean(&mut channel(c).map(|v| v * v)) - 1.0 / 12.0).abs() < 0.004);
            let next = channel((c + 1) % 3);
            assert!(mean(&mut channel(c).zip(next).map(|(a, b)| a * b)).abs() < 0.004);
        }
    }
}
