//! Noise with the colours of the pictures.

use super::{Fill, Origin, Perturbation, Site, statistics::Moments};
use crate::{
    base::{
        registry::{Entry, Kind, Param},
        rng::{KeyedRng, normal_pair, unit_f32},
    },
    nn::tensor::Tensor,
};

/// Every pixel becomes an independent draw from a Dirichlet distribution that is fitted to pixels
/// (Samek et al. 2017, appendix, which leaves the parametrisation open; this one is ours).
///
/// The values `v` of the `C` channels become `C + 1` shares, `v_c / C` and the rest to white,
/// `1 - sum_c v_c / C`. Their distribution `Dir(a)` has the means `m` of the pixels and their total
/// variance `V` (moment matching): `a = s m` with `s = sum_k m_k (1 - m_k) / V - 1`. A draw is turned
/// back into values by `v_c = C share_c`, cut off at 1. With one channel it is a Beta distribution.
///
/// What the noise has in common with the pixels it is fitted to: the mean of each channel (where nothing
/// is cut off) and the sum of the variances of all shares. With one channel that is mean and variance.
/// What it has not: the variance of each channel (that of share `k` is in proportion to
/// `m_k (1 - m_k)`), and how channels go together. Shares of a Dirichlet distribution are always
/// negatively correlated, those of pictures hardly ever: the noise is more colourful than its pictures.
/// Neighbouring pixels are independent.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `fit` | `data` | `data` (pixels of the data set), `picture` (of the picture itself) |
#[derive(Debug)]
struct Dirichlet {
    of_data: bool,
}

pub(super) const ENTRY: Entry<dyn Perturbation> = Entry {
    id: "dirichlet",
    summary: "independent pixels from a Dirichlet distribution fitted to those of the pictures",
    cite: "samek2017evaluating",
    params: &[Param {
        key: "fit",
        default: "data",
        kind: Kind::Word(Origin::WORDS),
        help: "whose pixels are imitated: those of the data set, or of the picture itself",
    }],
    build: |args| Ok(Box::new(Dirichlet { of_data: args.word::<Origin>("fit") == Origin::Data })),
};

impl Perturbation for Dirichlet {
    fn fill<'a>(&self, site: &Site<'a>) -> Fill<'a> {
        let shape = site.picture.shape;
        let channels = shape.c as f64;
        let moments = if self.of_data {
            site.data.statistics().pixels.clone()
        } else {
            Moments::of(site.picture)
        };
        let Some(parameters) = parameters(&moments) else {
            let colour: Vec<f32> =
                moments.means[..shape.c].iter().map(|m| (m * channels).min(1.0) as f32).collect();
            return Fill::Local(site.plain(&colour));
        };
        let mut rng = site.rng("dirichlet", &[]);
        let mut data = Vec::with_capacity(shape.len());
        for _ in 0..shape.h * shape.w {
            let shares = draw(&mut rng, &parameters);
            data.extend(shares[..shape.c].iter().map(|s| (s * channels).min(1.0) as f32));
        }
        Fill::Local(Tensor::new(shape, data))
    }

    fn asks_data(&self) -> bool {
        self.of_data
    }
}

/// `a_k` of the distribution with these moments; `None` when all pixels are alike. A share that is
/// always 0 keeps a tiny parameter, and so does a distribution that would be wider than any
/// Dirichlet distribution is.
fn parameters(moments: &Moments) -> Option<Vec<f64>> {
    const SMALLEST: f64 = 1e-3;
    let widest: f64 = moments.means.iter().map(|m| m * (1.0 - m)).sum();
    let precision = widest / moments.variance - 1.0;
    let parameter = |m: &f64| (m * precision).max(SMALLEST);
    (precision < 1e6).then(|| moments.means.iter().map(parameter).collect())
}

/// A point of the simplex: independent gamma draws over their sum.
fn draw(rng: &mut KeyedRng, parameters: &[f64]) -> Vec<f64> {
    let draws: Vec<f64> = parameters.iter().map(|a| gamma(rng, *a)).collect();
    let sum: f64 = draws.iter().sum();
    // with tiny parameters all draws may be too small for a double: then the likeliest corner
    let largest = (0..parameters.len())
        .fold(0, |best, k| if parameters[k] > parameters[best] { k } else { best });
    let corner = |k: usize| if k == largest { 1.0 } else { 0.0 };
    let share = |(k, v): (usize, &f64)| if sum > 0.0 { v / sum } else { corner(k) };
    draws.iter().enumerate().map(share).collect()
}

/// A gamma draw with shape `a` and scale 1 (Marsaglia and Tsang 2000).
fn gamma(rng: &mut KeyedRng, a: f64) -> f64 {
    if a < 1.0 {
        let u = 1.0 - f64::from(unit_f32(rng));
        return gamma(rng, a + 1.0) * u.powf(1.0 / a);
    }
    let d = a - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = normal_pair(rng)[0];
        let v = (1.0 + c * x).powi(3);
        let u = 1.0 - f64::from(unit_f32(rng));
        if v > 0.0 && u.ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            return d * v;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::{geom::Shape, rng::Seed},
        testing::{local, ramp},
    };

    #[test]
    fn parameters_match_the_moments_by_hand() {
        // means 1/4 and 3/4, each with variance 3/80: 3/8 / (6/80) - 1 = 4, so Dir(1, 3)
        let moments = Moments { means: vec![0.25, 0.75], variance: 6.0 / 80.0 };
        let found = parameters(&moments).unwrap();
        assert!((found[0] - 1.0).abs() < 1e-12 && (found[1] - 3.0).abs() < 1e-12, "{found:?}");
    }

    #[test]
    fn gamma_draws_have_mean_and_variance_of_their_shape() {
        for (k, a) in [0.3, 1.0, 4.5].into_iter().enumerate() {
            let mut rng = Seed(0).rng("test gamma", "", &[k as u64]);
            let draws: Vec<f64> = (0..20_000).map(|_| gamma(&mut rng, a)).collect();
            let mean = draws.iter().sum::<f64>() / 20_000.0;
            let variance = draws.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 20_000.0;
            // standard errors: sqrt(a / n), and sqrt((6 / a + 2) a^2 / n) for the variance
            assert!((mean - a).abs() < 5.0 * (a / 20_000.0).sqrt(), "{a}: {mean}");
            let error = ((6.0 / a + 2.0) * a * a / 20_000.0).sqrt();
            assert!((variance - a).abs() < 5.0 * error, "{a}: {variance}");
        }
    }

    #[test]
    fn draws_have_the_moments_they_were_fitted_to() {
        let parameters = [0.7, 1.1, 0.4, 2.5];
        let total: f64 = parameters.iter().sum();
        let mut rng = Seed(0).rng("test dirichlet", "", &[]);
        let draws: Vec<Vec<f64>> = (0..20_000).map(|_| draw(&mut rng, &parameters)).collect();
        assert!(draws.iter().all(|s| (s.iter().sum::<f64>() - 1.0).abs() < 1e-12));
        for (k, a) in parameters.iter().enumerate() {
            let mean = draws.iter().map(|s| s[k]).sum::<f64>() / 20_000.0;
            // standard error below sqrt(0.25 / n / (total + 1))
            assert!((mean - a / total).abs() < 5.0 * 0.0016, "{k}: {mean}");
        }
    }

    #[test]
    fn the_noise_imitates_the_picture() {
        // dark and almost grey: far from the corners of the simplex, so nothing is cut off
        let shape = Shape::new(3, 60, 60);
        let mut rng = Seed(0).rng("test picture", "", &[]);
        let value = |_| 0.3 + 0.1 * unit_f32(&mut rng);
        let picture = Tensor::new(shape, (0..shape.len()).map(value).collect());
        let noise = local("dirichlet:fit=picture", &picture, 0);
        let (want, found) = (Moments::of(&picture), Moments::of(&noise));
        let near = |(a, b): (&f64, &f64)| (a - b).abs() < 0.002;
        assert!(want.means.iter().zip(&found.means).all(near), "{want:?}, {found:?}");
        // squared distances from the mean, pixel by pixel: their mean within five standard errors, which
        // other draws would miss once in a million times
        let distance = |pixel: &[f32]| {
            let shares = pixel.iter().map(|v| f64::from(*v) / 3.0).collect::<Vec<_>>();
            let rest = 1.0 - shares.iter().sum::<f64>();
            let all = shares.into_iter().chain([rest]).zip(&want.means);
            all.map(|(share, mean)| (share - mean).powi(2)).sum::<f64>()
        };
        let distances: Vec<f64> = noise.data.chunks_exact(3).map(distance).collect();
        let n = distances.len() as f64;
        let mean = distances.iter().sum::<f64>() / n;
        let spread = distances.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / n;
        let error = (spread / n).sqrt();
        assert!((mean - want.variance).abs() < 5.0 * error, "{mean}, {want:?}");
        assert!(error < 0.03 * mean, "the interval is narrow: {error} of {mean}");
    }

    #[test]
    fn a_plain_picture_gives_plain_noise() {
        let plain = ramp().map(|_| 0.75);
        assert!(
            local("dirichlet:fit=picture", &plain, 0)
                .data
                .iter()
                .all(|v| v.to_bits() == 0.75f32.to_bits())
        );
        let black = ramp().map(|_| 0.0);
        assert!(local("dirichlet:fit=picture", &black, 0).data.iter().all(|v| *v == 0.0));
    }

    #[test]
    fn black_and_white_pixels_are_wider_than_any_fit_and_stay_in_range() {
        let checks = Tensor::new(Shape::new(1, 2, 2), vec![0.0, 1.0, 1.0, 0.0]);
        let noise = local("dirichlet:fit=picture", &checks, 0);
        assert!(noise.data.iter().all(|v| (0.0..=1.0).contains(v)), "{noise:?}");
    }
}
