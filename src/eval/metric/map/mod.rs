//! Metrics of a heat map itself: how complex it is, and where it lies. The network is not asked.

mod complexity;
mod file_size;
mod gini;
mod location;

use super::{
    Direction, Range,
    ask::{class, correlation, irof, randomisation, road, robustness},
};
use crate::{
    base::registry::{Entry, Spec},
    explain::{Case, Explainer, HeatMap},
    nn::graph::Graph,
};
use std::fmt;

/// The labelled object of a picture: one value per pixel of the network's input, row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// True inside.
    pub inside: Vec<bool>,
}

/// A heat map and what is known of its picture.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// The heat map, finite.
    pub heat: &'a HeatMap,
    /// Where the object is, from boxes or a mask of the data set.
    pub object: Option<&'a Object>,
    /// Network and method, for metrics that ask them.
    pub asked: Option<Asked<'a>>,
}

/// Whom metrics may ask.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// Network, picture and class.
    pub case: &'a Case<'a>,
    /// The method that made the heat map.
    pub explainer: &'a dyn Explainer,
}

impl fmt::Debug for Asked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked").field("image", &self.case.image).finish_non_exhaustive()
    }
}

/// A layer that a metric names and a network does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{metric}`: the network has no layer `{layer}` with weights{}", hint(.near))]
pub struct LayerError {
    /// Id of the metric.
    pub metric: &'static str,
    /// What was given.
    pub layer: String,
    /// Similar names, in backticks.
    pub near: Vec<String>,
}

fn hint(near: &[String]) -> String {
    if near.is_empty() { String::new() } else { format!(", did you mean {}?", near.join(" or ")) }
}

/// A metric of heat maps.
pub trait MapMetric: Send + Sync {
    /// Which way is better.
    fn direction(&self) -> Direction;

    /// What values it takes.
    fn range(&self) -> Range;

    /// The value; `None` where it is not defined (no object, an all-zero map).
    fn value(&self, look: &Look<'_>) -> Option<f64>;

    /// The metrics of the same kind that this one stands for on a network, where it is none itself:
    /// one for each layer. The error says which layer there is not.
    fn stands_for(&self, _: &Graph) -> Result<Option<Vec<Spec>>, LayerError> {
        Ok(None)
    }
}

/// All metrics of heat maps, in the order of `pixelflip list metrics`.
pub const MAP_METRICS: &[Entry<dyn MapMetric>] = &[
    gini::ENTRY,
    complexity::ENTROPY,
    complexity::GREY_ENTROPY,
    complexity::EFFECTIVE,
    file_size::PNG,
    file_size::JPEG,
    location::POINTING,
    location::MASS,
    location::RANK,
    location::IOU,
    location::CONTEXT,
    class::COMPLETENESS,
    class::RANDOM_LOGIT,
    correlation::FAITHFULNESS,
    correlation::SENSITIVITY_N,
    correlation::INFIDELITY,
    robustness::MAX_SENSITIVITY,
    robustness::LIPSCHITZ,
    irof::ENTRY,
    road::ENTRY,
    randomisation::ENTRY,
];

/// Absolute values in double precision.
fn magnitudes(heat: &HeatMap) -> Vec<f64> {
    heat.iter().map(|v| v.abs()).collect()
}

/// Grey levels of 8 bits: 0 is the middle of the range and the largest magnitude one of its ends,
/// as heat maps are shown. `None` for an all-zero map: nothing is shown, and an even grey would count
/// as the simplest of all.
fn grey(heat: &HeatMap) -> Option<Vec<u8>> {
    let largest = heat.iter().fold(0.0f64, |most, v| most.max(v.abs()));
    let level = |v: &f64| (127.5 + 127.5 * (v / largest)).round() as u8;
    (largest > 0.0).then(|| heat.iter().map(level).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{
        registry::build,
        rng::{Seed, unit_f32},
    };

    /// A linear model whose object is the upper left quarter of 16x16 pixels: the perfect map is its
    /// weight there and 0 elsewhere.
    fn maps() -> ([HeatMap; 3], Object) {
        let mut rng = Seed(4).rng("maps", "", &[]);
        let perfect =
            HeatMap::from_shape_fn((16, 16), |(y, x)| f64::from(u8::from(y < 8 && x < 8)));
        let random =
            HeatMap::from_shape_simple_fn((16, 16), || f64::from(unit_f32(&mut rng)) - 0.5);
        let constant = HeatMap::ones((16, 16));
        let inside = perfect.iter().map(|v| *v > 0.0).collect();
        ([perfect, constant, random], Object { inside })
    }

    #[test]
    fn the_perfect_map_beats_a_random_one_in_the_declared_direction() {
        let ([perfect, _, random], object) = maps();
        // the others ask a network and are tested with one
        for entry in &MAP_METRICS[..11] {
            let metric = build("metric", MAP_METRICS, &entry.id.parse().unwrap()).unwrap().value;
            let of =
                |heat| metric.value(&Look { heat, object: Some(&object), asked: None }).unwrap();
            let (a, b) = (of(&perfect), of(&random));
            match metric.direction() {
                Direction::Higher => assert!(a > b, "{}: {a} > {b}", entry.id),
                Direction::Lower => assert!(a < b, "{}: {a} < {b}", entry.id),
            }
        }
    }

    #[test]
    fn a_constant_map_has_the_values_that_follow_from_the_formulas() {
        let ([_, constant, _], object) = maps();
        let of = |id: &str| {
            let metric = build("metric", MAP_METRICS, &id.parse().unwrap()).unwrap().value;
            metric.value(&Look { heat: &constant, object: Some(&object), asked: None }).unwrap()
        };
        let close = |id: &str, expected: f64| {
            assert!((of(id) - expected).abs() < 1e-12, "{id}: {}", of(id));
        };
        close("sparseness", 0.0);
        close("entropy", 8.0);
        close("grey-entropy", 0.0);
        close("effective-complexity", 256.0);
        // a quarter of the pixels is inside; ties are shared evenly
        close("pointing-game", 0.25);
        close("mass-accuracy", 0.25);
        close("rank-accuracy", 0.25);
        close("iou", 0.25);
        close("context-ratio", 1.0);
    }

    #[test]
    fn what_is_not_defined_is_nothing() {
        let zeros = HeatMap::zeros((4, 4));
        // some because the map is all zero, others because there is no object or no network
        for entry in MAP_METRICS {
            let id = entry.id;
            let metric = build("metric", MAP_METRICS, &id.parse().unwrap()).unwrap().value;
            assert_eq!(
                metric.value(&Look { heat: &zeros, object: None, asked: None }),
                None,
                "{id}"
            );
        }
    }

    #[test]
    fn every_citation_is_in_the_bibliography() {
        let bibliography = include_str!("../../../../docs/references.bib");
        for entry in MAP_METRICS {
            assert!(bibliography.contains(&format!("{{{},", entry.cite)), "{}", entry.id);
        }
    }
}
