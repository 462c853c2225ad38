//! Does a heat map belong to its class and its score?

use super::{RELEVANCE, as_compared, correlation, is_absolute};
use crate::{
    base::{registry::Entry, rng::below},
    explain::{Case, HeatMap},
    metric::{
        Direction, Range,
        map::{Asked, Look, MapMetric, Undefined},
    },
    stats::ranks::midranks,
};

/// `|T - sum H| / |T|`: how far relevance is from summing up to `T`, which the method, its wrappers
/// included, says ([`crate::explain::Explainer::total`]): the logit minus that of the reference for methods
/// with one (Sundararajan et al. 2017, proposition 1), what was handed back at the output for LRP, the
/// logit of the target for others; with `contrast` the difference of two such totals, with `translate` the
/// mean over the moved pictures. At least 0, lower is better; few pictures with a `T` near 0 can make most of
/// a mean, so look at the median. Undefined for a `T` of 0, and for maps from files: nobody knows their `T`.
struct Completeness;

pub(in crate::metric) const COMPLETENESS: Entry<dyn MapMetric> = Entry {
    id: "completeness-gap",
    summary: "distance of the summed relevance from what it should sum up to (in logits), relative to that",
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

    fn measure(&self, look: &Look<'_>) -> Result<f64, Undefined> {
        let Asked { case, explainer } = look.asked()?;
        let total = explainer.total(case)?.ok_or(Undefined::NoTotal)?.value;
        let sum = look.heat.sum();
        if total == 0.0 { Err(Undefined::ZeroTotal) } else { Ok((total - sum).abs() / total.abs()) }
    }
}

/// Spearman's rank correlation with the heat map of another class, drawn at random (after Sixt et al.
/// 2020, who compare by SSIM). In [-1, 1], lower is better: a
/// map that does not depend on the class does not explain it. Undefined for a single class, constant
/// maps, and maps from files.
///
/// | parameter | default | meaning |
/// |---|---|---|
/// | `relevance` | signed | `signed`: maps as they are; `absolute`: their magnitudes |
struct RandomLogit {
    absolute: bool,
}

pub(in crate::metric) const RANDOM_LOGIT: Entry<dyn MapMetric> = Entry {
    id: "random-logit",
    summary: "rank correlation with the heat map of a random other class",
    cite: "sixt2020explanations",
    params: &[RELEVANCE],
    build: |args| Ok(Box::new(RandomLogit { absolute: is_absolute(args) })),
};

impl MapMetric for RandomLogit {
    fn direction(&self) -> Direction {
        Direction::Lower
    }

    fn range(&self) -> Range {
        Range::SIGNED
    }

    fn measure(&self, look: &Look<'_>) -> Result<f64, Undefined> {
        let asked = look.again()?;
        let others = asked.case.graph.classes() - 1;
        if others == 0 {
            return Err(Undefined::OneClass);
        }
        let mut rng = asked.case.seed.rng("random logit", asked.case.image, &[]);
        let drawn = below(&mut rng, others as u64) as usize;
        let target = drawn + usize::from(drawn >= asked.case.target);
        let other = asked.explainer.heat_map(&Case { target, ..*asked.case })?;
        let compared = |map: &HeatMap| as_compared(map, self.absolute);
        spearman(&compared(look.heat), &compared(&other))
    }
}

/// Correlation of the ranks of pixels.
pub(super) fn spearman(a: &HeatMap, b: &HeatMap) -> Result<f64, Undefined> {
    let ranks = |map: &HeatMap| midranks(&map.iter().copied().collect::<Vec<f64>>());
    correlation(&ranks(a), &ranks(b)).ok_or(Undefined::Constant)
}
