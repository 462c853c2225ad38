//! Does a heat map belong to its class and its score?

use super::{correlation, other_map};
use crate::{
    base::{registry::Entry, rng::below},
    eval::{
        metric::{
            Direction, Range,
            map::{Asked, Look, MapMetric},
        },
        stats::ranks::midranks,
    },
    explain::{Case, HeatMap},
};

/// `|T - sum H| / |T|`: how far relevance is from summing up to `T`, what it should sum up to: the score
/// minus that of the reference for methods with one (Sundararajan et al. 2017, proposition 1), what
/// was handed back at the output for LRP, the score for others. At least 0, lower is better. Undefined
/// for a `T` of 0, and for maps from files: nobody knows their `T`.
struct Completeness;

pub(in crate::eval::metric) const COMPLETENESS: Entry<dyn MapMetric> = Entry {
    id: "completeness-gap",
    summary: "distance of the summed relevance from what it should sum up to, relative to that",
    cite: "sundararajan2017axiomatic",
    params: &[],
    build: |_| Ok(Box::new(Completeness)),
};

impl MapMetric for Completeness {
    fn direction(&self) -> Direction {
        Direction::Lower
    }

    fn range(&self) -> Range {
        Range::NON_NEGATIVE
    }

    fn value(&self, look: &Look<'_>) -> Option<f64> {
        // nobody knows what a map from a file should sum up to
        let Asked { case, explainer } = look.asked.filter(|a| !a.explainer.is_imported())?;
        let total = explainer.total(case).ok()?.unwrap_or_else(|| f64::from(case.score()));
        let sum: f64 = look.heat.sum();
        (total.abs() > 0.0).then(|| (total - sum).abs() / total.abs())
    }
}

/// Spearman's rank correlation with the heat map of another class, drawn at random (after Sixt et al.
/// 2020, who compare by SSIM). In [-1, 1], lower is better: a map that does not depend on the class
/// does not explain it. LRP counts as from positive scores. Undefined for a single class, constant
/// maps, and maps from files.
struct RandomLogit;

pub(in crate::eval::metric) const RANDOM_LOGIT: Entry<dyn MapMetric> = Entry {
    id: "random-logit",
    summary: "rank correlation with the heat map of a random other class",
    cite: "sixt2020explanations",
    params: &[],
    build: |_| Ok(Box::new(RandomLogit)),
};

impl MapMetric for RandomLogit {
    fn direction(&self) -> Direction {
        Direction::Lower
    }

    fn range(&self) -> Range {
        Range::SIGNED
    }

    fn value(&self, look: &Look<'_>) -> Option<f64> {
        let asked = look.asked.filter(|a| !a.explainer.is_imported())?;
        let others = asked.case.graph.classes().checked_sub(1).filter(|n| *n > 0)?;
        let mut rng = asked.case.seed.rng("random logit", asked.case.image, &[]);
        let drawn = below(&mut rng, others as u64) as usize;
        let target = drawn + usize::from(drawn >= asked.case.target);
        let other = other_map(&asked, &Case { target, ..*asked.case })?;
        spearman(look.heat, &other)
    }
}

/// Correlation of the ranks of pixels.
pub(super) fn spearman(a: &HeatMap, b: &HeatMap) -> Option<f64> {
    let ranks = |map: &HeatMap| midranks(&map.iter().copied().collect::<Vec<f64>>());
    correlation(&ranks(a), &ranks(b))
}
