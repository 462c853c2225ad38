//! How maps change with epsilon and with gamma.

use super::negative_share;
use crate::{
    base::{
        registry::{Named, SpecError, build},
        word_enum,
    },
    eval::correlation::rank_correlation,
    explain::{Case, EXPLAINERS, ExplainError, Explainer},
    nn::tensor::Tensor,
};

word_enum! {
    /// What is swept, in a rule that is put on all layers.
    pub enum Parameter {
        /// `eps` of `lrp-epsilon`, compared with its limit at 0, `lrp-zero`.
        Epsilon = "epsilon",
        /// `gamma` of `lrp-gamma`, compared with `lrp-z-plus`, to which it tends for large gamma where
        /// outputs are positive.
        Gamma = "gamma",
    }
}

impl Parameter {
    /// The method that the maps are compared with.
    pub const fn limit(self) -> &'static str {
        match self {
            Parameter::Epsilon => "lrp-zero",
            Parameter::Gamma => "lrp-z-plus",
        }
    }

    /// The swept values, as they are written in a method's name.
    pub const fn values(self) -> &'static [&'static str] {
        match self {
            Parameter::Epsilon => {
                &["1e-6", "1e-5", "1e-4", "1e-3", "0.01", "0.1", "1", "10", "100", "1000"]
            }
            Parameter::Gamma => {
                &["0", "0.01", "0.1", "0.25", "1", "10", "100", "1000", "1e4", "1e5", "1e6"]
            }
        }
    }

    fn method(self, value: &str) -> String {
        match self {
            Parameter::Epsilon => format!("lrp-epsilon:eps={value}"),
            Parameter::Gamma => format!("lrp-gamma:gamma={value}"),
        }
    }
}

/// The methods of all points.
pub struct Sweeps(Vec<Sweep>);

/// The methods of the points of one parameter.
pub(super) struct Sweep {
    parameter: Parameter,
    limit: Named<dyn Explainer>,
    points: Vec<Named<dyn Explainer>>,
}

/// One point of a sweep on one picture.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepRow {
    /// Id of the picture.
    pub image: String,
    /// What is swept.
    pub parameter: Parameter,
    /// Its value, as in the method's name.
    pub value: &'static str,
    /// Canonical name of the method.
    pub method: String,
    /// The explained score.
    pub score: f64,
    /// What was found, or why nothing was.
    pub found: Result<Point, String>,
}

/// A map of a sweep, and the map it is compared with.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Sum of the input's relevance over the score; `None` for a score of 0.
    pub ratio: Option<f64>,
    /// Share of negative relevance; `None` for a map of zeros.
    pub negative: Option<f64>,
    /// Rank correlation with the limit's map, channels apart; `None` where one is constant.
    pub correlation: Option<f64>,
    /// `sum abs (R - L) / sum abs L` with the limit's map `L`; `None` where that is 0.
    pub distance: Option<f64>,
}

impl Sweeps {
    /// All points of all parameters.
    pub fn new() -> Result<Sweeps, SpecError> {
        let named = |name: &str| build("method", EXPLAINERS, &name.parse()?);
        let sweep = |parameter: Parameter| {
            let points = parameter.values().iter().map(|v| named(&parameter.method(v)));
            Ok(Sweep {
                parameter,
                limit: named(parameter.limit())?,
                points: points.collect::<Result<_, SpecError>>()?,
            })
        };
        Ok(Sweeps(Parameter::ALL.into_iter().map(sweep).collect::<Result<_, SpecError>>()?))
    }

    /// Explanations per picture.
    pub fn len(&self) -> usize {
        self.0.iter().map(|sweep| sweep.points.len() + 1).sum()
    }

    /// True without any.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The sweep of each parameter.
    pub(super) fn each(&self) -> &[Sweep] {
        &self.0
    }
}

impl Sweep {
    pub(super) fn parameter(&self) -> Parameter {
        self.parameter
    }

    /// Number of points.
    pub(super) fn len(&self) -> usize {
        self.points.len()
    }

    /// Every point on one picture.
    pub(super) fn rows(&self, case: &Case<'_>) -> Vec<SweepRow> {
        let limit = self.limit.value.relevance(case);
        let row = |(method, value): (&Named<dyn Explainer>, &&'static str)| SweepRow {
            image: case.image.to_owned(),
            parameter: self.parameter,
            value,
            method: method.name.clone(),
            score: f64::from(case.score()),
            found: point(case, &*method.value, limit.as_ref()).map_err(|e| e.to_string()),
        };
        self.points.iter().zip(self.parameter.values()).map(row).collect()
    }
}

fn point(
    case: &Case<'_>,
    method: &dyn Explainer,
    limit: Result<&Tensor, &ExplainError>,
) -> Result<Point, ExplainError> {
    let relevance = method.relevance(case)?;
    let limit = limit.map_err(Clone::clone)?;
    let wide = |map: &Tensor| map.data.iter().map(|v| f64::from(*v)).collect::<Vec<f64>>();
    let (own, other, score) = (wide(&relevance), wide(limit), f64::from(case.score()));
    let apart: f64 = own.iter().zip(&other).map(|(a, b)| (a - b).abs()).sum();
    let size: f64 = other.iter().map(|v| v.abs()).sum();
    Ok(Point {
        ratio: (score != 0.0).then(|| relevance.sum() / score),
        negative: negative_share(&relevance),
        correlation: rank_correlation(&own, &other),
        distance: (size > 0.0).then(|| apart / size),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::{geom::Shape, rng::Seed},
        nn::{
            graph::Graph,
            op::{Dense, Function, Unary},
        },
    };

    #[test]
    fn small_epsilon_is_lrp_zero_and_large_gamma_is_z_plus_where_outputs_are_positive() {
        let wave = |n: usize| (0..n).map(|i| (i as f32 * 0.7).sin()).collect::<Vec<f32>>();
        let mut graph = Graph::new(Shape::vector(8));
        let first = Dense::new(wave(64), 8, Shape::vector(8), wave(8)).unwrap();
        let at = graph.push("a", Box::new(first), &[graph.input()]).unwrap();
        let at = graph.push("relu", Box::new(Unary::new(Function::Relu)), &[at]).unwrap();
        let last = Dense::new(wave(16), 2, Shape::vector(8), vec![]).unwrap();
        graph.push("b", Box::new(last), &[at]).unwrap();
        let acts = graph.forward(&Tensor::vector(wave(8)));
        let scores = &acts.value(graph.output()).data;
        let target = usize::from(scores[1] > scores[0]);
        assert!(scores[target] > 0.1, "{scores:?}");
        let bounds = [0.0; 8];
        let (low, high) = (&bounds[..], &bounds[..]);
        let case =
            Case { graph: &graph, acts: &acts, target, low, high, seed: Seed(0), image: "x" };
        let sweeps = Sweeps::new().unwrap();
        let rows: Vec<SweepRow> =
            sweeps.each().iter().flat_map(|sweep| sweep.rows(&case)).collect();
        let distance = |parameter: Parameter, value: &str| {
            let row = rows.iter().find(|r| r.parameter == parameter && r.value == value);
            row.unwrap().found.as_ref().unwrap().distance.unwrap()
        };
        assert!(distance(Parameter::Epsilon, "1e-6") < 1e-4);
        assert!(distance(Parameter::Epsilon, "1000") > 0.9);
        assert!(distance(Parameter::Gamma, "0.1") > 0.05);
        let decades = ["1", "100", "1e4"].map(|value| distance(Parameter::Gamma, value));
        assert!(decades[0] > decades[1] && decades[1] > decades[2], "{decades:?}");
        assert!(decades[2] < 1e-2, "{decades:?}");
    }
}
