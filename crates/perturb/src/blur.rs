//! The picture, out of focus.

use super::{Fill, Perturbation, Site};
use crate::{
    base::{
        geom::Shape,
        registry::{Entry, Kind, Param},
    },
    nn::tensor::Tensor,
};

/// The picture under a Gaussian: `g_d ~ exp(-d^2 / (2 sigma^2))` for `|d| <= 4 sigma`, normalised,
/// along rows and columns. At the edges the picture is mirrored (the edge pixel twice).
///
/// | parameter | default | range |
/// |---|---|---|
/// | `sigma` | 3 | [0.1, 100] pixels |
#[derive(Debug)]
struct Blur {
    sigma: f64,
}

pub(super) const ENTRY: Entry<dyn Perturbation> = Entry {
    id: "blur",
    summary: "the picture blurred by a Gaussian",
    cite: "samek2017evaluating",
    params: &[Param {
        key: "sigma",
        default: "3",
        kind: Kind::Number { min: 0.1, max: 100.0 },
        help: "standard deviation in pixels",
    }],
    build: |args| Ok(Box::new(Blur { sigma: args.f64("sigma") })),
};

impl Perturbation for Blur {
    fn fill<'a>(&self, site: &Site<'a>) -> Fill<'a> {
        let mut picture = blurred(site.picture, self.sigma);
        // rounding may lift the largest value by the last bit
        picture.data.iter_mut().for_each(|v| *v = v.min(site.range.high));
        Fill::Local(picture)
    }
}

/// A picture under a Gaussian of standard deviation `sigma` > 0 in pixels, which is mirrored at the edges.
pub fn blurred(picture: &Tensor, sigma: f64) -> Tensor {
    let kernel = kernel(sigma);
    let Shape { c, h, w } = picture.shape;
    let rows = along(&picture.data, h, w * c, &kernel);
    let columns = rows.chunks_exact(w * c).flat_map(|row| along(row, w, c, &kernel));
    Tensor::new(picture.shape, columns.collect())
}

/// Weights at the distances 0, 1, ..., such that both sides together sum to 1.
fn kernel(sigma: f64) -> Vec<f64> {
    let radius = (4.0 * sigma).round().max(1.0) as usize;
    let raw = (0..=radius).map(|d| (-0.5 * (d as f64 / sigma).powi(2)).exp()).collect::<Vec<_>>();
    let total = 2.0 * raw.iter().sum::<f64>() - raw[0];
    raw.into_iter().map(|g| g / total).collect()
}

/// Weighted means along the first axis of `values`, an array of `len` x `inner`.
fn along(values: &[f32], len: usize, inner: usize, kernel: &[f64]) -> Vec<f32> {
    let mut out = Vec::with_capacity(values.len());
    let mut sums = vec![0.0f64; inner];
    for i in 0..len as isize {
        sums.fill(0.0);
        let radius = kernel.len() as isize - 1;
        for d in -radius..=radius {
            let weight = kernel[d.unsigned_abs()];
            let source = &values[mirrored(i + d, len) * inner..][..inner];
            sums.iter_mut().zip(source).for_each(|(sum, v)| *sum += weight * f64::from(*v));
        }
        out.extend(sums.iter().map(|sum| *sum as f32));
    }
    out
}

/// Index into `0..len` continued by `... 1 0 | 0 1 ... len-1 | len-1 len-2 ...`.
fn mirrored(i: isize, len: usize) -> usize {
    let period = 2 * len as isize;
    let i = i.rem_euclid(period) as usize;
    if i < len { i } else { 2 * len - 1 - i }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{local, ramp};

    #[test]
    fn the_kernel_sums_to_one_and_falls_like_a_gaussian() {
        let g = kernel(3.0);
        assert_eq!(g.len(), 13);
        assert!((g[0] + 2.0 * g[1..].iter().sum::<f64>() - 1.0).abs() < 1e-15);
        assert!((g[3] / g[0] - (-0.5f64).exp()).abs() < 1e-15);
    }

    #[test]
    fn a_plain_picture_stays_as_it_is() {
        for value in [0.0, 0.1, 0.375, 0.7, 1.0] {
            let plain = ramp().map(|_| value);
            assert_eq!(local("blur:sigma=2", &plain, 0), plain, "{value}");
        }
    }

    #[test]
    fn pictures_are_mirrored_at_their_edges() {
        let ends: Vec<usize> = (-4..8).map(|i| mirrored(i, 3)).collect();
        assert_eq!(ends, [2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1]);
    }

    /// The sum over both axes at once, as the definition has it.
    fn slow(picture: &Tensor, sigma: f64) -> Vec<f64> {
        let g = kernel(sigma);
        let Shape { c, h, w } = picture.shape;
        let radius = g.len() as isize - 1;
        let mut out = Vec::new();
        for (y, x) in (0..h).flat_map(|y| (0..w).map(move |x| (y, x))) {
            for channel in 0..c {
                let offsets =
                    (-radius..=radius).flat_map(|a| (-radius..=radius).map(move |b| (a, b)));
                let terms = offsets.map(|(a, b)| {
                    let at = (mirrored(y as isize + a, h), mirrored(x as isize + b, w));
                    let weight = g[a.unsigned_abs()] * g[b.unsigned_abs()];
                    weight * f64::from(picture.pixel(at.0, at.1)[channel])
                });
                out.push(terms.sum());
            }
        }
        out
    }

    #[test]
    fn rows_and_columns_in_turn_are_the_two_dimensional_sum() {
        let picture = ramp();
        for (spec, sigma) in [("blur", 3.0), ("blur:sigma=0.7", 0.7), ("blur:sigma=20", 20.0)] {
            let (fast, slow) = (local(spec, &picture, 0), slow(&picture, sigma));
            // values in [0, 1], rounded to single precision twice
            let close = |(a, b): (&f32, &f64)| (f64::from(*a) - b).abs() < 2e-7;
            assert!(fast.data.iter().zip(&slow).all(close), "{spec}");
        }
    }
}
