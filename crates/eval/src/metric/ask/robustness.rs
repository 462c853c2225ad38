//! How much a heat map changes when the picture hardly does.

use super::bounded;
use crate::{
    base::{
        registry::{Args, Entry, Kind, Param},
        rng::unit_f32,
    },
    explain::{Case, ExplainError, HeatMap},
    metric::{
        Direction, Range,
        map::{Asked, Look, MapMetric, Undefined},
    },
    nn::tensor::Tensor,
};

const RADIUS: Param = Param {
    key: "radius",
    default: "0.02",
    kind: Kind::Number { min: 1e-6, max: 1.0 },
    help: "largest change of a pixel value, of the range from black to white",
};

const SAMPLES: Param = Param {
    key: "samples",
    default: "10",
    kind: Kind::Integer { min: 1, max: 10_000 },
    help: "changed pictures",
};

/// See the entries.
struct Robustness {
    /// Relative to the change of the picture.
    lipschitz: bool,
    radius: f32,
    samples: usize,
}

fn built(lipschitz: bool, args: &Args) -> Box<dyn MapMetric> {
    let (radius, samples) = (args.f32(RADIUS.key), args.usize(SAMPLES.key));
    Box::new(Robustness { lipschitz, radius, samples })
}

/// `max |H(x') - H(x)| / |H(x)|` over pictures `x'` with every value changed by a uniform draw within
/// the radius (after Yeh et al. 2019, eq. 3, which does not divide by `|H(x)|`: without that a map could be
/// made better by a smaller scale). At least 0, lower is better; 0 for maps that do not look at the picture,
/// `random` among them. Undefined for heat maps from files, which cannot be made again.
pub(in crate::metric) const MAX_SENSITIVITY: Entry<dyn MapMetric> = Entry {
    id: "max-sensitivity",
    summary: "largest relative change of the heat map under small noise on the picture",
    cite: "yeh2019fidelity",
    params: &[RADIUS, SAMPLES],
    build: |args| Ok(built(false, args)),
};

/// `max |H(x') - H(x)| / |x' - x|` over the same pictures (Alvarez-Melis and Jaakkola 2018, eq. 2),
/// with pictures in image space. At least 0, lower is better; it has the scale of the heat map, so methods
/// of different units cannot be compared by it.
pub(in crate::metric) const LIPSCHITZ: Entry<dyn MapMetric> = Entry {
    id: "local-lipschitz",
    summary: "largest change of the heat map (in its own units) relative to the change of the picture",
    cite: "alvarez2018robustness",
    params: &[RADIUS, SAMPLES],
    build: |args| Ok(built(true, args)),
};

impl MapMetric for Robustness {
    fn direction(&self) -> Direction {
        Direction::Lower
    }

    fn range(&self) -> Range {
        Range::NON_NEGATIVE
    }

    fn measure(&self, look: &Look<'_>) -> Result<f64, Undefined> {
        let asked = look.again()?;
        bounded(asked.case)?;
        let own = norm(look.heat.iter().copied());
        let ratio = |draw: usize| {
            let (other, step) = self.changed(&asked, draw)?;
            let pairs = other.iter().zip(look.heat);
            let change = norm(pairs.map(|(a, b)| a - b));
            Ok(change / if self.lipschitz { step } else { own })
        };
        let ratios = (0..self.samples).map(ratio).collect::<Result<Vec<f64>, Undefined>>()?;
        ratios.into_iter().reduce(f64::max).ok_or(Undefined::NonFinite)
    }
}

impl Robustness {
    /// The heat map of a changed picture, and the length of the change in image space.
    fn changed(&self, asked: &Asked<'_>, draw: usize) -> Result<(HeatMap, f64), ExplainError> {
        let case = asked.case;
        let mut rng = case.seed.rng("robustness", case.image, &[draw as u64]);
        let (mut x, mut squares) = (case.input().clone(), 0.0);
        let channels = x.shape.c;
        for pixel in x.data.chunks_exact_mut(channels) {
            for ((v, low), high) in pixel.iter_mut().zip(case.low).zip(case.high) {
                let (before, range) = (*v, high - low);
                *v += self.radius * (2.0 * unit_f32(&mut rng) - 1.0) * range;
                // as far as it came: a small step is rounded
                squares += ((f64::from(*v) - f64::from(before)) / f64::from(range)).powi(2);
            }
        }
        Ok((again(asked, &x)?, squares.sqrt()))
    }
}

/// The method's heat map of another input, for the same class.
fn again(asked: &Asked<'_>, x: &Tensor) -> Result<HeatMap, ExplainError> {
    let acts = asked.case.graph.pass(x)?;
    let case = Case { acts: &acts, ..*asked.case };
    asked.explainer.heat_map(&case)
}

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|v| v * v).sum::<f64>().sqrt()
}
