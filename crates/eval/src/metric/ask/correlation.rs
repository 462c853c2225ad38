//! Does relevance say how far the score falls? Random sets of squares are replaced by the means of
//! their channels.

use super::{channel_means, choose, correlation, falls, relevance, squares};
use crate::{
    base::{
        geom::{Rect, Shape},
        registry::{Args, Entry, Kind, Param},
        word_enum,
    },
    curve::ScoreKind,
    explain::HeatMap,
    metric::{
        Direction, Range,
        map::{Asked, Ground, Look, MapMetric, MetricError, Settings, Undefined},
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

word_enum! {
    enum Watched {
        Run = "run",
        Logit = "logit",
        Softmax = "softmax",
    }
}

const SCORE: Param = Param {
    key: "score",
    default: "run",
    kind: Kind::Word(Watched::WORDS),
    help: "what falls: the target's logit or its probability, by default what the curves watch",
};

word_enum! {
    enum TimesInput {
        Auto = "auto",
        Yes = "yes",
        No = "no",
    }
}

const TIMES_INPUT: Param = Param {
    key: "times-input",
    default: "auto",
    kind: Kind::Word(TimesInput::WORDS),
    help: "whether relevance is multiplied by what is removed; auto: for maps that do not hold the input",
};

/// Whole squares that a picture must have: sets of two squares correlate whatever the map, and with
/// one there is a single set.
const LEAST: usize = 3;

/// What is made of relevance sums and falls of the same sets.
#[derive(Clone, Copy, Debug)]
enum Kinds {
    /// Correlation over sets of one size.
    Faithfulness,
    /// Mean of the correlations over sets of 1, 2, 4, ... squares, up to half of them.
    SensitivityN,
    /// What relevance leaves unexplained.
    Infidelity {
        /// Whether relevance is multiplied by what is removed; `None` asks the method.
        times_input: Option<bool>,
    },
}

/// See the entries.
struct Correlation {
    id: &'static str,
    kind: Kinds,
    region: usize,
    samples: usize,
    /// `None` where the run says.
    score: Option<ScoreKind>,
}

fn built(id: &'static str, kind: Kinds, args: &Args) -> Box<dyn MapMetric> {
    let (region, samples) = (args.usize(REGION.key), args.usize(SAMPLES.key));
    let score = match args.word(SCORE.key) {
        Watched::Run => None,
        Watched::Logit => Some(ScoreKind::Logit),
        Watched::Softmax => Some(ScoreKind::Softmax),
    };
    Box::new(Correlation { id, kind, region, samples, score })
}

/// Pearson correlation between the relevance of random sets (an eighth of the squares) and the fall of
/// the score (Bhatt et al. 2020, eq. 5). Squares are whole: the remainder of the picture is not
/// touched. In [-1, 1], higher is better; undefined for a constant map or score.
pub(in crate::metric) const FAITHFULNESS: Entry<dyn MapMetric> = Entry {
    id: "faithfulness-correlation",
    summary: "correlation of relevance and fall of the score over random sets of squares",
    cite: "bhatt2020evaluating",
    params: &[REGION, SAMPLES, SCORE],
    build: |args| Ok(built(FAITHFULNESS.id, Kinds::Faithfulness, args)),
};

/// The same averaged over sets of 1, 2, 4, ... squares (Ancona et al. 2018, sec. 4, who average over
/// set sizes n). In [-1, 1], higher is better.
pub(in crate::metric) const SENSITIVITY_N: Entry<dyn MapMetric> = Entry {
    id: "sensitivity-n",
    summary: "the same averaged over sets of 1, 2, 4, ... squares",
    cite: "ancona2018towards",
    params: &[REGION, SAMPLES, SCORE],
    build: |args| Ok(built(SENSITIVITY_N.id, Kinds::SensitivityN, args)),
};

/// `sum (b r - d)^2 / sum d^2` over random sets (an eighth of the whole squares) with fall `d` of the score,
/// `r` what the map says of it, and the best factor `b = max(0, sum r d / sum r^2)` (Yeh et al. 2019, eq. 1,
/// `r = I . Phi`, with their optimal scaling). `I` is what removal takes from the input: `x` minus the mean
/// of its channel in the set, 0 elsewhere. For maps that do not hold the input (the gradient and its like)
/// `r = sum I_i H_i`, channel by channel where the method has channels; for maps that hold it (LRP,
/// integrated gradients, ...; unknown maps from files, too) `r = sum H_i` over the set. In [0, 1], lower is
/// better: 0 for a map that says the falls up to scale, 1 for one that says nothing of them or has
/// the wrong sign. The divisor, which makes it independent of the model's scale, and the bound of the
/// factor are choices made here.
///
/// | parameter | default | meaning |
/// |---|---|---|
/// | `region` | 8 | side of the squares in pixels |
/// | `samples` | 50 | random sets |
/// | `score` | run | `logit` or `softmax`; `run`: what the curves watch |
/// | `times-input` | auto | `yes`: `r = sum I_i H_i`; `no`: `r = sum H_i`; `auto`: by the method |
pub(in crate::metric) const INFIDELITY: Entry<dyn MapMetric> = Entry {
    id: "infidelity",
    summary: "share of squared falls that scaled relevance leaves unexplained",
    cite: "yeh2019fidelity",
    params: &[REGION, SAMPLES, SCORE, TIMES_INPUT],
    build: |args| {
        let times_input = match args.word(TIMES_INPUT.key) {
            TimesInput::Yes => Some(true),
            TimesInput::No => Some(false),
            TimesInput::Auto => None,
        };
        Ok(built(INFIDELITY.id, Kinds::Infidelity { times_input }, args))
    },
};

impl MapMetric for Correlation {
    fn direction(&self) -> Direction {
        match self.kind {
            Kinds::Faithfulness | Kinds::SensitivityN => Direction::Higher,
            Kinds::Infidelity { .. } => Direction::Lower,
        }
    }

    fn range(&self) -> Range {
        match self.kind {
            Kinds::Faithfulness | Kinds::SensitivityN => Range::SIGNED,
            Kinds::Infidelity { .. } => Range::UNIT,
        }
    }

    fn measure(&self, look: &Look<'_>) -> Result<f64, Undefined> {
        let asked = look.asked()?;
        let all = squares(asked.case.graph.input_shape(), self.region);
        if all.len() < LEAST {
            return Err(Undefined::TooSmall);
        }
        let eighth = (all.len() / 8).max(1);
        match self.kind {
            Kinds::Faithfulness => self.correlation(look.heat, asked, &all, eighth),
            Kinds::SensitivityN => {
                let sizes = (0..).map(|k| 1 << k).take_while(|n| *n == 1 || 2 * n <= all.len());
                let one = |n: usize| self.correlation(look.heat, asked, &all, n);
                let values = sizes.map(one).collect::<Result<Vec<f64>, _>>()?;
                Ok(values.iter().sum::<f64>() / values.len() as f64)
            }
            Kinds::Infidelity { times_input } => {
                let times = times_input.unwrap_or(!asked.explainer.holds_input());
                let heat = if times { times_removed(look.heat, asked)? } else { look.heat.clone() };
                let (r, d) = self.sample(&heat, asked, &all, eighth)?;
                infidelity(&r, &d)
            }
        }
    }

    fn stands_for(&self, on: &Ground<'_>) -> Result<Vec<Settings>, MetricError> {
        let Shape { h: height, w: width, .. } = on.graph.input_shape();
        let count = |side: usize| (height / side) * (width / side);
        if count(self.region) < LEAST {
            return Err(MetricError::Squares {
                metric: self.id,
                region: self.region,
                height,
                width,
                squares: count(self.region),
                least: LEAST,
                enough: (1..=height.min(width)).rev().find(|n| count(*n) >= LEAST).unwrap_or(1),
            });
        }
        let open = self.score.is_none().then(|| vec![(SCORE.key, on.score.name().to_owned())]);
        Ok(open.into_iter().collect())
    }
}

impl Correlation {
    fn correlation(
        &self,
        heat: &HeatMap,
        asked: Asked<'_>,
        all: &[Rect],
        size: usize,
    ) -> Result<f64, Undefined> {
        let (r, d) = self.sample(heat, asked, all, size)?;
        if let Some(found) = correlation(&r, &d) {
            return Ok(found);
        }
        let same = correlation(&d, &d).is_none();
        Err(if same { Undefined::SameScore } else { Undefined::Constant })
    }

    /// Relevance and fall of random sets of `size` squares.
    fn sample(
        &self,
        heat: &HeatMap,
        asked: Asked<'_>,
        all: &[Rect],
        size: usize,
    ) -> Result<(Vec<f64>, Vec<f64>), Undefined> {
        let set = |draw: usize| -> Vec<Rect> {
            let chosen = choose(asked.case, "sets of squares", draw as u64, all.len(), size);
            chosen.into_iter().map(|i| all[i]).collect()
        };
        let sets: Vec<Vec<Rect>> = (0..self.samples).map(set).collect();
        let sum = |set: &Vec<Rect>| set.iter().map(|r| relevance(heat, *r)).sum();
        let score = self.score.unwrap_or(ScoreKind::Logit);
        let sums = in_units_of_the_largest(sets.iter().map(sum).collect());
        Ok((sums, falls(asked.case, score, &sets)?))
    }
}

/// No metric here depends on the scale of a map, so no square of a value may overflow or vanish.
fn in_units_of_the_largest(mut values: Vec<f64>) -> Vec<f64> {
    let largest = values.iter().fold(0.0f64, |most, v| most.max(v.abs()));
    if largest > 0.0 {
        values.iter_mut().for_each(|v| *v /= largest);
    }
    values
}

/// Per pixel the sum over channels of relevance times what removal takes from the input.
fn times_removed(heat: &HeatMap, asked: Asked<'_>) -> Result<HeatMap, Undefined> {
    let x = asked.case.input();
    let means = channel_means(x);
    // one channel stands for all: a map from a file, or a norm over the channels
    let again = |asked: Asked<'_>| asked.explainer.pooled_by_sum(asked.case);
    let map = (!asked.explainer.is_imported()).then(|| again(asked)).transpose()?;
    let of = |(row, column): (usize, usize)| {
        let removed = x.pixel(row, column).iter().zip(&means).map(|(v, mean)| f64::from(v - mean));
        match map.as_ref().filter(|map| map.shape.c == x.shape.c) {
            Some(map) => {
                let own = map.pixel(row, column).iter();
                removed.zip(own).map(|(i, h)| i * f64::from(*h)).sum()
            }
            None => removed.sum::<f64>() * heat[(row, column)],
        }
    };
    Ok(HeatMap::from_shape_fn(heat.dim(), of))
}

fn infidelity(r: &[f64], d: &[f64]) -> Result<f64, Undefined> {
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let (rr, rd, dd) = (product(r, r), product(r, d), product(d, d));
    let factor = if rr > 0.0 { (rd / rr).max(0.0) } else { 0.0 };
    let rest: f64 = r.iter().zip(d).map(|(r, d)| (factor * r - d).powi(2)).sum();
    // the best factor leaves no more than there was, but for rounding
    if dd > 0.0 { Ok((rest / dd).min(1.0)) } else { Err(Undefined::SameScore) }
}
