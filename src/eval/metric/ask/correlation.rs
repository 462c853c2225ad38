//! Does relevance say how far the score falls? Random sets of squares are replaced by the means of
//! their channels.

use super::{choose, correlation, falls, relevance, squares};
use crate::{
    base::{
        geom::Rect,
        registry::{Args, Entry, Kind, Param},
    },
    eval::metric::{
        Direction, Range,
        map::{Look, MapMetric},
    },
};

const REGION: Param = Param {
    key: "region",
    default: "8",
    kind: Kind::Integer { min: 1, max: 1024 },
    help: "side of the squares in pixels",
};

const SAMPLES: Param = Param {
    key: "samples",
    default: "50",
    kind: Kind::Integer { min: 3, max: 10_000 },
    help: "random sets",
};

/// What is made of relevance sums and falls of the same sets.
#[derive(Clone, Copy, Debug)]
enum Kinds {
    /// Correlation over sets of one size.
    Faithfulness,
    /// Mean of the correlations over sets of 1, 2, 4, ... squares, up to half of them.
    SensitivityN,
    /// What relevance leaves unexplained.
    Infidelity,
}

/// See the entries.
struct Correlation {
    kind: Kinds,
    region: usize,
    samples: usize,
}

fn built(kind: Kinds, args: &Args) -> Box<dyn MapMetric> {
    let (region, samples) = (args.usize(REGION.key), args.usize(SAMPLES.key));
    Box::new(Correlation { kind, region, samples })
}

/// Pearson correlation between the relevance of random sets (an eighth of the squares) and the fall of
/// the score (Bhatt et al. 2020, eq. 5). In [-1, 1], higher is better; undefined for a constant.
pub(in crate::eval::metric) const FAITHFULNESS: Entry<dyn MapMetric> = Entry {
    id: "faithfulness-correlation",
    summary: "correlation of relevance and fall of the score over random sets of squares",
    cite: "bhatt2020evaluating",
    params: &[REGION, SAMPLES],
    build: |args| Ok(built(Kinds::Faithfulness, args)),
};

/// The same averaged over sets of 1, 2, 4, ... squares (Ancona et al. 2018, sec. 4, who average over
/// set sizes n). In [-1, 1], higher is better.
pub(in crate::eval::metric) const SENSITIVITY_N: Entry<dyn MapMetric> = Entry {
    id: "sensitivity-n",
    summary: "the same averaged over sets of 1, 2, 4, ... squares",
    cite: "ancona2018towards",
    params: &[REGION, SAMPLES],
    build: |args| Ok(built(Kinds::SensitivityN, args)),
};

/// `sum (b r - d)^2 / sum d^2` over random sets with relevance `r`, fall `d` and the best factor
/// `b = sum r d / sum r^2` (Yeh et al. 2019, eq. 1, with their optimal scaling; the divisor makes it
/// independent of the model's scale and is ours). In [0, 1], lower is better.
pub(in crate::eval::metric) const INFIDELITY: Entry<dyn MapMetric> = Entry {
    id: "infidelity",
    summary: "share of squared falls that scaled relevance leaves unexplained",
    cite: "yeh2019fidelity",
    params: &[REGION, SAMPLES],
    build: |args| Ok(built(Kinds::Infidelity, args)),
};

impl MapMetric for Correlation {
    fn direction(&self) -> Direction {
        match self.kind {
            Kinds::Faithfulness | Kinds::SensitivityN => Direction::Higher,
            Kinds::Infidelity => Direction::Lower,
        }
    }

    fn range(&self) -> Range {
        match self.kind {
            Kinds::Faithfulness | Kinds::SensitivityN => Range::SIGNED,
            Kinds::Infidelity => Range::UNIT,
        }
    }

    fn value(&self, look: &Look<'_>) -> Option<f64> {
        let count = squares(look.asked?.case.graph.input_shape(), self.region).len();
        match self.kind {
            Kinds::Faithfulness => {
                let (r, d) = self.sample(look, (count / 8).max(1))?;
                correlation(&r, &d)
            }
            Kinds::SensitivityN => {
                let sizes = (0..).map(|k| 1 << k).take_while(|n| *n == 1 || 2 * n <= count);
                let one = |n: usize| self.sample(look, n).and_then(|(r, d)| correlation(&r, &d));
                let values = sizes.map(one).collect::<Option<Vec<f64>>>()?;
                Some(values.iter().sum::<f64>() / values.len() as f64)
            }
            Kinds::Infidelity => {
                let (r, d) = self.sample(look, (count / 8).max(1))?;
                infidelity(&r, &d)
            }
        }
    }
}

impl Correlation {
    /// Relevance and fall of random sets of `size` squares.
    fn sample(&self, look: &Look<'_>, size: usize) -> Option<(Vec<f64>, Vec<f64>)> {
        let case = look.asked?.case;
        let all = squares(case.graph.input_shape(), self.region);
        let set = |draw: usize| -> Vec<Rect> {
            let chosen = choose(case, "sets of squares", draw as u64, all.len(), size);
            chosen.into_iter().map(|i| all[i]).collect()
        };
        let sets: Vec<Vec<Rect>> = (0..self.samples).map(set).collect();
        let sum = |set: &Vec<Rect>| set.iter().map(|r| relevance(look.heat, *r)).sum();
        Some((sets.iter().map(sum).collect(), falls(case, &sets)))
    }
}

fn infidelity(r: &[f64], d: &[f64]) -> Option<f64> {
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let (rr, rd, dd) = (product(r, r), product(r, d), product(d, d));
    let factor = if rr > 0.0 { rd / rr } else { 0.0 };
    let rest: f64 = r.iter().zip(d).map(|(r, d)| (factor * r - d).powi(2)).sum();
    (dd > 0.0).then(|| rest / dd)
}
