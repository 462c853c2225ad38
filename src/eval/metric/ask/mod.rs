//! Metrics of a heat map that ask the network or the method again. They have the trait and the table
//! of [`super::map`]; without a network they are undefined. Where parts of a picture change, the
//! incremental engine computes the scores.

pub(super) mod class;
pub(super) mod correlation;
pub(super) mod irof;
pub(super) mod randomisation;
pub(super) mod road;
pub(super) mod robustness;

use super::map::Asked;
use crate::{
    base::{
        geom::{Rect, Shape},
        rng::below,
    },
    explain::{Case, HeatMap},
    nn::{stream::Base, tensor::Tensor},
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

/// The input in image space; `None` where nothing says how to get there.
fn visible(case: &Case<'_>) -> Option<Tensor> {
    let known = case.low.iter().chain(case.high).all(|v| v.is_finite());
    let mut x = case.input().clone();
    for pixel in x.data.chunks_exact_mut(case.low.len()) {
        for ((v, low), high) in pixel.iter_mut().zip(case.low).zip(case.high) {
            *v = (*v - low) / (high - low);
        }
    }
    known.then_some(x)
}

/// The heat map of another class or network, to be compared with that of `asked`: where relevance
/// starts from a score, two scores of different sign do not make maps unlike.
fn other_map(asked: &Asked<'_>, other: &Case<'_>) -> Option<HeatMap> {
    let sign = asked.explainer.start_sign(asked.case) * asked.explainer.start_sign(other);
    let map = asked.explainer.heat_map(other).ok()?;
    Some(map.mapv_into(|v| f64::from(sign) * v))
}

/// Squares of a grid over the picture, cut off at its edges.
fn squares(shape: Shape, side: usize) -> Vec<Rect> {
    let rows = (0..shape.h).step_by(side);
    let rect = |y: usize, x: usize| Rect {
        y0: y,
        y1: (y + side).min(shape.h),
        x0: x,
        x1: (x + side).min(shape.w),
    };
    rows.flat_map(|y| (0..shape.w).step_by(side).map(move |x| rect(y, x))).collect()
}

/// Sum of the heat map over a rectangle.
fn relevance(heat: &HeatMap, r: Rect) -> f64 {
    heat.slice(ndarray::s![r.y0..r.y1, r.x0..r.x1]).sum()
}

/// How far the score falls when these sets of rectangles (without overlaps inside a set) are
/// replaced by the means of their channels, each set on the untouched picture.
fn falls(case: &Case<'_>, sets: &[Vec<Rect>]) -> Vec<f64> {
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
    let base = Base::new(case.graph, case.acts.clone(), Some(case.target));
    let scores = base.scores(&rects, pixels, BUDGET).values;
    let mut at = 0;
    let fall = |set: &Vec<Rect>| {
        let score = scores[at + set.len()];
        at += 2 * set.len();
        f64::from(scores[0]) - f64::from(score)
    };
    sets.iter().map(fall).collect()
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
