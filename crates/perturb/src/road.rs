//! Noisy linear imputation, as ROAD does it.

use super::{
    Fill, Mask, Masked, Perturbation, Range, Site,
    diffusion::{Neighbour, fill_holes},
};
use crate::{
    base::{
        geom::Rect,
        registry::{Entry, Kind, Param},
        rng::{KeyedRng, normal_pair},
    },
    nn::tensor::Tensor,
};

/// Every removed pixel becomes the weighted mean of its eight neighbours, removed or not (1/6 for
/// those beside it, 1/12 for the diagonal ones; at the edge of the picture those that exist), plus
/// a little normal noise: Rong et al. 2022, sec. 5. So a hole is closed as smoothly as the rest of
/// the picture predicts it, and its outline tells the network little.
///
/// The noise is a function of (seed, image, repeat, pixel), the same for all methods and steps; the
/// sum is cut off at black and white. The original adds the noise after normalisation; here it is
/// added in image space.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `noise` | 0.01 | [0, 1], standard deviation |
#[derive(Debug)]
struct Road {
    noise: f64,
}

pub(super) const ENTRY: Entry<dyn Perturbation> = Entry {
    id: "road",
    summary: "weighted means of the neighbours, plus a little noise (mask-dependent)",
    cite: "rong2022consistent",
    params: &[Param {
        key: "noise",
        default: "0.01",
        kind: Kind::Number { min: 0.0, max: 1.0 },
        help: "standard deviation of the noise",
    }],
    build: |args| Ok(Box::new(Road { noise: args.f64("noise") })),
};

const NEIGHBOURS: [Neighbour; 8] = [
    (-1, -1, 1.0 / 12.0),
    (-1, 0, 1.0 / 6.0),
    (-1, 1, 1.0 / 12.0),
    (0, -1, 1.0 / 6.0),
    (0, 1, 1.0 / 6.0),
    (1, -1, 1.0 / 12.0),
    (1, 0, 1.0 / 6.0),
    (1, 1, 1.0 / 12.0),
];

impl Perturbation for Road {
    fn fill<'a>(&self, site: &Site<'a>) -> Fill<'a> {
        let rng = site.rng("road", &[]);
        Fill::Masked(Box::new(Imputed::new(site.picture, site.range, self.noise, rng)))
    }

    fn is_local(&self) -> bool {
        false
    }
}

/// A picture whose removed pixels are imputed, each with noise of its own.
#[derive(Debug)]
pub struct Imputed<'a> {
    picture: &'a Tensor,
    range: Range,
    /// One value for each of the picture's.
    noise: Vec<f32>,
}

impl<'a> Imputed<'a> {
    /// For a picture in image space, with noise of this standard deviation drawn from `rng`.
    pub fn new(
        picture: &'a Tensor,
        range: Range,
        deviation: f64,
        mut rng: KeyedRng,
    ) -> Imputed<'a> {
        let mut noise = Vec::with_capacity(picture.data.len() + 1);
        while noise.len() < picture.data.len() {
            noise.extend(normal_pair(&mut rng).map(|n| (deviation * n) as f32));
        }
        Imputed { picture, range, noise }
    }
}

impl Masked for Imputed<'_> {
    fn update(&self, gone: &Mask, new: Rect, current: &mut Tensor) {
        let channels = self.picture.shape.c;
        let Range { low, high } = self.range;
        let write = |(y, x), colour: &[f32]| {
            let noise = &self.noise[(y * self.picture.shape.w + x) * channels..];
            let noisy: Vec<f32> =
                colour.iter().zip(noise).map(|(v, n)| (v + n).clamp(low, high)).collect();
            current.write(Rect { y0: y, y1: y + 1, x0: x, x1: x + 1 }, &noisy);
        };
        fill_holes(self.picture, self.range, gone, new, &NEIGHBOURS, write);
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        Mask,
        base::geom::{Rect, Shape},
        nn::tensor::Tensor,
        testing::{masked, ramp, random_mask},
    };

    #[test]
    fn two_pixels_of_a_row_are_solved_by_hand() {
        // 0 ? ? 1: each is the mean of its two neighbours, so 1/3 and 2/3
        let picture = Tensor::new(Shape::new(1, 1, 4), vec![0.0, 0.9, 0.9, 1.0]);
        let mut gone = Mask::none(1, 4);
        gone.remove(Rect { y0: 0, y1: 1, x0: 1, x1: 3 });
        let found = masked("road:noise=0", &picture, &gone);
        let expected = [0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0];
        assert!(found.data.iter().zip(expected).all(|(a, b): (&f32, f32)| (a - b).abs() < 1e-6));
    }

    #[test]
    fn neighbours_beside_weigh_twice_as_much_as_diagonal_ones() {
        // one hole in a 3x3 picture: four corners 0.3, four sides 0.6
        let values = vec![0.3, 0.6, 0.3, 0.6, 0.0, 0.6, 0.3, 0.6, 0.3];
        let picture = Tensor::new(Shape::new(1, 3, 3), values);
        let mut gone = Mask::none(3, 3);
        gone.remove(Rect { y0: 1, y1: 2, x0: 1, x1: 2 });
        let found = masked("road:noise=0", &picture, &gone);
        assert!((found.data[4] - 0.5).abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn the_noise_has_the_given_deviation_and_is_the_same_for_every_mask() {
        let picture = Tensor::zeros(Shape::new(3, 40, 40)).map(|_| 0.5);
        let gone = random_mask(40, 40, 0, 0.6);
        let found = masked("road", &picture, &gone);
        let noise: Vec<f64> = gone
            .pixels()
            .flat_map(|(y, x)| found.pixel(y, x))
            .map(|v| f64::from(*v) - 0.5)
            .collect();
        let variance = noise.iter().map(|n| n * n).sum::<f64>() / noise.len() as f64;
        // about 2,900 draws: five standard errors of 2.6 %, missed once in a million times by other draws
        assert!((variance / 1e-4 - 1.0).abs() < 0.13, "{variance}");
        let more = random_mask(40, 40, 0, 0.9);
        let other = masked("road", &picture, &more);
        let close = |(y, x)| (found.pixel(y, x)[0] - other.pixel(y, x)[0]).abs() < 1e-6;
        assert!(gone.pixels().filter(|(y, x)| more.has(*y, *x)).all(close));
    }

    #[test]
    fn with_nothing_left_the_mean_colour_remains() {
        let picture = ramp();
        let gone = random_mask(12, 10, 0, 1.1);
        let found = masked("road:noise=0", &picture, &gone);
        assert!(found.data.chunks(3).all(|pixel| pixel == &found.data[..3]));
    }
}
