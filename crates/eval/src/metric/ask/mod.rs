//! Metrics of a heat map that ask the network or the method again. They have the trait and the table
//! of [`super::map`]; without a network they are undefined. Where parts of a picture change, the
//! incremental engine computes the scores.

pub(super) mod class;
pub(super) mod correlation;
pub(super) mod irof;
pub(super) mod randomisation;
pub(super) mod road;
pub(super) mod robustness;

use super::map::Undefined;
use crate::{
    base::{
        geom::{Rect, Shape},
        registry::{Args, Kind, Param},
        rng::below,
        unit::{Grid, Remainder, Units},
        word_enum,
    },
    curve::{Passes, ScoreKind, Watch},
    explain::{Case, ExplainError, HeatMap},
    nn::tensor::Tensor,
    removal::Removal,
};

/// Bytes of patches that one chain of questions holds at a time.
const BUDGET: u64 = 64 << 20;

/// The picture with every pixel replaced by the mean of its channel, in input space.
fn channel_means(x: &Tensor) -> Vec<f32> {
    let c = x.shape.c;
    let pixels = (x.data.len() / c) as f64;
    let sum = |k: usize| x.data.iter().skip(k).step_by(c).map(|v| f64::from(*v)).sum::<f64>();
    (0..c).map(|k| (sum(k) / pixels) as f32).collect()
}

/// An error where nothing says what black and white are as inputs of the network.
fn bounded(case: &Case<'_>) -> Result<(), Undefined> {
    let known = case.low.iter().chain(case.high).all(|v| v.is_finite());
    if known { Ok(()) } else { Err(Undefined::NoBounds) }
}

/// The input in image space.
fn visible(case: &Case<'_>) -> Result<Tensor, Undefined> {
    bounded(case)?;
    let mut x = case.input().clone();
    for pixel in x.data.chunks_exact_mut(case.low.len()) {
        for ((v, low), high) in pixel.iter_mut().zip(case.low).zip(case.high) {
            *v = (*v - low) / (high - low);
        }
    }
    Ok(x)
}

word_enum! {
    enum Relevance {
        Signed = "signed",
        Absolute = "absolute",
    }
}

/// Whether heat maps are compared with their signs. Nothing is turned for any method: where relevance
/// starts from the score (LRP) or holds it (gradient x input), a negative score turns all signs, and maps
/// that differ in nothing else have the correlation -1; `absolute` does not see that.
const RELEVANCE: Param = Param {
    key: "relevance",
    default: "signed",
    kind: Kind::Word(Relevance::WORDS),
    help: "maps are compared as they are, for all methods alike, or by their magnitudes",
};

/// Reads [`RELEVANCE`].
fn is_absolute(args: &Args) -> bool {
    args.word::<Relevance>(RELEVANCE.key) == Relevance::Absolute
}

/// A map as it is compared.
fn as_compared(map: &HeatMap, absolute: bool) -> HeatMap {
    if absolute { map.mapv(f64::abs) } else { map.clone() }
}

/// Whole squares of a grid over the picture. The remainder is left alone, as in the curves: pieces of other
/// sizes would give any map a correlation.
fn squares(shape: Shape, side: usize) -> Vec<Rect> {
    let grid = Grid::new(shape.h, shape.w, side, Remainder::Drop);
    grid.iter().flat_map(|grid| grid.ids().map(|id| grid.rect(id))).collect()
}

/// Sum of the heat map over a rectangle.
fn relevance(heat: &HeatMap, r: Rect) -> f64 {
    heat.slice(ndarray::s![r.y0..r.y1, r.x0..r.x1]).sum()
}

/// The probability of the target.
fn probability(case: &Case<'_>, logits: &[f32]) -> Result<f64, Undefined> {
    let found = case.graph.head().probability_in_double(logits, case.target);
    found.ok_or(Undefined::NoProbability)
}

/// Changes of the input, each on top of the one before.
struct Changes<'a, P> {
    rects: &'a [Rect],
    /// Writes the new pixels of a step, in input space.
    pixels: P,
}

impl<P: Fn(usize, &mut [f32]) + Sync> Removal for Changes<'_, P> {
    fn rects(&self) -> Vec<Rect> {
        self.rects.to_vec()
    }

    fn read(&self, step: usize, pixels: &mut [f32]) {
        (self.pixels)(step, pixels);
    }

    fn gone(&self, step: usize) -> usize {
        step + 1
    }
}

/// The target's score after 0, 1, ... changes.
fn scores(
    case: &Case<'_>,
    score: ScoreKind,
    rects: &[Rect],
    pixels: impl Fn(usize, &mut [f32]) + Sync,
) -> Result<Vec<f64>, Undefined> {
    let changes = Changes { rects, pixels };
    let watch = Watch::new(case.target, case.graph, ScoreKind::Logit, score != ScoreKind::Logit);
    let watch = watch.expect("the case has a class of the network");
    let passes = Passes::cheapest(case.graph, rects);
    let engine = passes.engine(case.graph, case.acts.clone(), &watch, BUDGET);
    let values = engine.logits(&changes).map_err(ExplainError::from)?.values;
    match score {
        ScoreKind::Logit => Ok(values.iter().map(|v| f64::from(*v)).collect()),
        ScoreKind::Softmax => {
            values.chunks_exact(case.graph.classes()).map(|v| probability(case, v)).collect()
        }
    }
}

/// How far the score falls when these sets of rectangles (without overlaps inside a set) are
/// replaced by the means of their channels, each set on the untouched picture.
fn falls(case: &Case<'_>, score: ScoreKind, sets: &[Vec<Rect>]) -> Result<Vec<f64>, Undefined> {
    let x = case.input();
    let means = channel_means(x);
    // each rectangle is replaced, and put back after the score of its set
    let steps: Vec<(Rect, bool)> = sets
        .iter()
        .flat_map(|set| {
            let away = set.iter().map(|r| (*r, true));
            away.chain(set.iter().map(|r| (*r, false)))
        })
        .collect();
    let rects: Vec<Rect> = steps.iter().map(|(r, _)| *r).collect();
    let pixels = |step: usize, out: &mut [f32]| {
        if steps[step].1 {
            out.chunks_exact_mut(means.len()).for_each(|pixel| pixel.copy_from_slice(&means));
        } else {
            x.read(rects[step], out);
        }
    };
    let scores = scores(case, score, &rects, pixels)?;
    let mut at = 0;
    let fall = |set: &Vec<Rect>| {
        let score = scores[at + set.len()];
        at += 2 * set.len();
        scores[0] - score
    };
    Ok(sets.iter().map(fall).collect())
}

/// `count` different indices below `n`, drawn with the picture's own randomness.
fn choose(case: &Case<'_>, purpose: &str, draw: u64, n: usize, count: usize) -> Vec<usize> {
    let mut rng = case.seed.rng(purpose, case.image, &[draw, n as u64, count as u64]);
    let mut all: Vec<usize> = (0..n).collect();
    for i in 0..count.min(n) {
        let j = i + below(&mut rng, (n - i) as u64) as usize;
        all.swap(i, j);
    }
    all.truncate(count);
    all
}

/// Pearson's correlation; `None` when one side is constant.
fn correlation(a: &[f64], b: &[f64]) -> Option<f64> {
    let n = a.len() as f64;
    let (ma, mb) = (a.iter().sum::<f64>() / n, b.iter().sum::<f64>() / n);
    let product =
        |f: fn(f64, f64) -> f64| a.iter().zip(b).map(|(x, y)| f(x - ma, y - mb)).sum::<f64>();
    let (both, aa, bb) = (product(|x, y| x * y), product(|x, _| x * x), product(|_, y| y * y));
    let scale = |m: f64| 1e-24 * n * m * m;
    (aa > scale(ma) && bb > scale(mb)).then(|| (both / (aa * bb).sqrt()).clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests;
