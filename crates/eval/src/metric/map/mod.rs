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
    base::registry::Entry,
    curve::ScoreKind,
    explain::{Case, ExplainError, Explainer, HeatMap},
    nn::{graph::Graph, head::NO_PROBABILITY},
};
use std::fmt;

/// The object that a picture's annotation shows: one value per pixel of the network's input, row by row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectPixels {
    /// The class that it belongs to; `None` where nothing says so.
    pub class: Option<usize>,
    /// True on the object, where it is known pixel by pixel.
    pub mask: Option<Vec<bool>>,
    /// True in its bounding boxes, where there are some.
    pub boxes: Option<Vec<bool>>,
}

/// A heat map and what is known of its picture.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// The heat map, finite.
    pub heat: &'a HeatMap,
    /// Where the object is, from boxes or a mask of the data set.
    pub object: Option<&'a ObjectPixels>,
    /// Network and method, for metrics that ask them.
    pub asked: Option<Asked<'a>>,
}

impl<'a> Look<'a> {
    /// Network and method.
    pub(super) fn asked(&self) -> Result<Asked<'a>, Undefined> {
        self.asked.ok_or(Undefined::NoNetwork)
    }

    /// Network and a method that can be asked for another heat map.
    pub(super) fn again(&self) -> Result<Asked<'a>, Undefined> {
        let asked = self.asked()?;
        if asked.explainer.is_imported() { Err(Undefined::Imported) } else { Ok(asked) }
    }
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

/// Why a metric has no value for a heat map.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Undefined {
    /// A map that says nothing.
    #[error("all relevance is 0")]
    Zero,
    /// A map that prefers nothing.
    #[error("all relevance is the same")]
    Constant,
    /// The value is infinite or no number.
    #[error("the value is not finite")]
    NonFinite,
    /// The data set does not say where the object is.
    #[error("no {kind} of the object is known")]
    NoObject {
        /// Mask or box.
        kind: &'static str,
    },
    /// The object is not what the heat map explains.
    #[error("the object that is marked is not of the explained class")]
    OtherClass,
    /// An object outside of the network's input.
    #[error("nothing of the object is left in the network's input")]
    Cropped,
    /// The object fills the picture.
    #[error("the object fills the picture")]
    Everywhere,
    /// All positive relevance is elsewhere.
    #[error("no positive relevance on the object")]
    NotOnObject,
    /// No relevance that could be on the object.
    #[error("no positive relevance")]
    NotPositive,
    /// The method cannot be asked again.
    #[error("a map from a file cannot be made for another picture, class or network")]
    Imported,
    /// Nothing is known about the sum of relevance.
    #[error("nobody knows what a map from a file should sum up to")]
    NoTotal,
    /// The sum should be 0, so that no difference is small.
    #[error("relevance should sum up to 0")]
    ZeroTotal,
    /// There is no other class.
    #[error("the network has one class")]
    OneClass,
    /// The score is always the same.
    #[error("the score does not depend on what is removed")]
    SameScore,
    /// The outputs are no logits.
    #[error("{NO_PROBABILITY}")]
    NoProbability,
    /// The probability of the class is 0.
    #[error("the probability of the class is 0")]
    Impossible,
    /// There is no network.
    #[error("there is no network to ask")]
    NoNetwork,
    /// Noise and imputation need the picture.
    #[error("nothing says what black and white pictures are as inputs of the network")]
    NoBounds,
    /// Too few pixels.
    #[error("the picture is smaller than a window")]
    TooSmall,
    /// A format that cannot hold the map.
    #[error("the file format has no room for the map")]
    NoFile,
    /// The network has no weights.
    #[error("the network has no such layer with weights")]
    NoLayer,
    /// The method has no heat map for what it is asked.
    #[error("{0}")]
    Explain(#[from] ExplainError),
}

/// What metrics are measured on: a network, and pictures that are watched by a score.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// The network.
    pub graph: &'a Graph,
    /// The score that is watched while regions disappear.
    pub score: ScoreKind,
    /// How the objects of the pictures are marked.
    pub marks: Marks,
}

/// How the objects of a set of pictures are marked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Some have a mask.
    pub masks: bool,
    /// Some have boxes and no mask.
    pub only_boxes: bool,
}

/// Parameters with the values they get.
pub type Settings = Vec<(&'static str, String)>;

/// Why a metric cannot be measured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetricError {
    /// A layer that a metric names and the network does not have.
    #[error("`{metric}`: the network has no layer `{layer}` with weights{}", hint(.near))]
    Layer {
        /// Id of the metric.
        metric: &'static str,
        /// What was given.
        layer: String,
        /// Similar names, in backticks.
        near: Vec<String>,
    },
    /// A metric that asks for a probability, of a network whose outputs are no logits.
    #[error("`{metric}`: {NO_PROBABILITY}")]
    NoProbability {
        /// Id of the metric.
        metric: &'static str,
    },
    /// Squares of which there are too few.
    #[error(
        "`{metric}`: `region` is {region}, but pictures of {height}x{width} pixels have only {squares} \
         whole squares of that side, at least {least} are needed; `{metric}:region={enough}` has enough"
    )]
    Squares {
        /// Id of the metric.
        metric: &'static str,
        /// Side of a square.
        region: usize,
        /// Rows of a picture.
        height: usize,
        /// Columns of a picture.
        width: usize,
        /// How many there are.
        squares: usize,
        /// How many there must be.
        least: usize,
        /// The largest side of which there are as many.
        enough: usize,
    },
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

    /// The metric itself; callers use [`MapMetric::value`], which has the rules for all.
    fn measure(&self, look: &Look<'_>) -> Result<f64, Undefined>;

    /// The value, or why there is none. A map of zeros says nothing, so no metric has a value for it.
    fn value(&self, look: &Look<'_>) -> Result<f64, Undefined> {
        if look.heat.iter().all(|v| *v == 0.0) {
            return Err(Undefined::Zero);
        }
        let value = self.measure(look)?;
        if value.is_finite() { Ok(value) } else { Err(Undefined::NonFinite) }
    }

    /// What is still open is settled by the network and the pictures: the metrics that this one stands
    /// for, each by the parameters that differ; none where it is measured as it is. The error says why
    /// it cannot be.
    fn stands_for(&self, _: &Ground<'_>) -> Result<Vec<Settings>, MetricError> {
        Ok(Vec::new())
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

/// An error where no pixel differs from another by more than the rounding of sums (as where regions tie,
/// [`crate::order`]): such a map shows nothing, and it would count as the simplest of all.
fn uneven(heat: &HeatMap) -> Result<&HeatMap, Undefined> {
    let fold = |pick: fn(f64, f64) -> f64, start| heat.iter().copied().fold(start, pick);
    let (low, high) = (fold(f64::min, f64::INFINITY), fold(f64::max, f64::NEG_INFINITY));
    let slack = 2.0 * f64::EPSILON * high.abs().max(low.abs());
    if high - low <= slack { Err(Undefined::Constant) } else { Ok(heat) }
}

/// Absolute values in double precision.
fn magnitudes(heat: &HeatMap) -> Vec<f64> {
    heat.iter().map(|v| v.abs()).collect()
}

/// Grey levels of 8 bits: 0 is the middle of the range and the largest magnitude one of its ends,
/// as heat maps are shown.
fn grey(heat: &HeatMap) -> Result<Vec<u8>, Undefined> {
    let largest = uneven(heat)?.iter().fold(0.0f64, |most, v| most.max(v.abs()));
    let level = |v: &f64| (127.5 + 127.5 * (v / largest)).round() as u8;
    Ok(heat.iter().map(level).collect())
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
    fn maps() -> ([HeatMap; 3], ObjectPixels) {
        let mut rng = Seed(4).rng("maps", "", &[]);
        let perfect =
            HeatMap::from_shape_fn((16, 16), |(y, x)| f64::from(u8::from(y < 8 && x < 8)));
        let random =
            HeatMap::from_shape_simple_fn((16, 16), || f64::from(unit_f32(&mut rng)) - 0.5);
        let constant = HeatMap::ones((16, 16));
        let inside = perfect.iter().map(|v| *v > 0.0).collect::<Vec<bool>>();
        let object = ObjectPixels { mask: Some(inside), ..ObjectPixels::default() };
        ([perfect, constant, random], object)
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
    fn a_constant_map_has_no_complexity_and_is_as_near_the_object_as_chance() {
        let ([_, constant, _], object) = maps();
        // 0.1 + 0.2 is 0.3 but for rounding
        let mut rounded = HeatMap::from_elem((16, 16), 0.3);
        rounded[[3, 4]] = 0.1 + 0.2;
        for heat in [constant, rounded, HeatMap::from_elem((16, 16), -1e-30)] {
            let of = |id: &str| {
                let metric = build("metric", MAP_METRICS, &id.parse().unwrap()).unwrap().value;
                metric.value(&Look { heat: &heat, object: Some(&object), asked: None })
            };
            for entry in &MAP_METRICS[..6] {
                assert_eq!(of(entry.id), Err(Undefined::Constant), "{}", entry.id);
            }
            if heat[[0, 0]] < 1.0 {
                continue;
            }
            // a quarter of the pixels is inside; ties are shared evenly
            let close = |id: &str, expected: f64| {
                assert!((of(id).unwrap() - expected).abs() < 1e-12, "{id}: {:?}", of(id));
            };
            close("pointing-game", 0.25);
            close("mass-accuracy", 0.25);
            close("rank-accuracy", 0.25);
            close("iou", 0.25);
            close("context-ratio", 1.0);
        }
        let mut almost = HeatMap::ones((16, 16));
        almost[[3, 4]] = 1.0 + 1e-12;
        let look = Look { heat: &almost, object: None, asked: None };
        let sparseness = build("metric", MAP_METRICS, &"sparseness".parse().unwrap()).unwrap();
        assert!(sparseness.value.value(&look).unwrap() > 0.0);
    }

    #[test]
    fn a_map_of_zeros_has_no_value_by_any_metric() {
        let (_, object) = maps();
        for v in [0.0, -0.0] {
            let heat = HeatMap::from_elem((16, 16), v);
            for entry in MAP_METRICS {
                let id = entry.id;
                let metric = build("metric", MAP_METRICS, &id.parse().unwrap()).unwrap().value;
                let look = Look { heat: &heat, object: Some(&object), asked: None };
                assert_eq!(metric.value(&look), Err(Undefined::Zero), "{id}");
            }
        }
    }

    #[test]
    fn metrics_of_shape_and_place_do_not_depend_on_the_scale() {
        let ([.., random], object) = maps();
        // powers of two change no digit
        for scale in [2.0f64.powi(-500), 2.0f64.powi(500)] {
            let scaled = random.mapv(|v| scale * v);
            for entry in &MAP_METRICS[..11] {
                let metric = build("metric", MAP_METRICS, &entry.id.parse().unwrap()).unwrap();
                let of = |heat| {
                    metric.value.value(&Look { heat, object: Some(&object), asked: None }).unwrap()
                };
                let (a, b) = (of(&random), of(&scaled));
                assert!((a - b).abs() <= 1e-12 * a.abs(), "{}: {a}, {b}", entry.id);
            }
        }
    }

    #[test]
    fn every_citation_is_in_the_bibliography() {
        let bibliography = include_str!("../../../../../docs/references.bib");
        for entry in MAP_METRICS {
            assert!(bibliography.contains(&format!("{{{},", entry.cite)), "{}", entry.id);
        }
    }
}
