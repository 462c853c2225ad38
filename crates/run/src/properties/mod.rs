//! What an explanation does with the relevance it is given, whatever it is worth: does it keep it,
//! is it positive, what do biases absorb, what does it say of another class, and how does it depend
//! on its parameters.
//!
//! With `f` the score, `R` the relevance of the input and `R0` what the method hands back from the
//! output (the score, unless `start` says otherwise; of others what they should sum up to):
//!
//! | property | measured as |
//! |---|---|
//! | conservation | `sum R / R0`, and at each layer what is on its way to the input over `R0` |
//! | size | `sum abs R / abs R0` at each layer: how much cancels, or explodes |
//! | positivity | `sum abs min(R, 0) / sum abs R`, the negative share |
//! | consistency | conserving and positive (Montavon et al. 2017, definition 3); for `R0 > 0` |
//! | bias absorption | relevance given to biases over `R0` |
//! | selectivity | rank correlation of `R / R0` with that of the runner-up class, at each layer |
//! | sensitivity | all this over sweeps of epsilon and gamma ([`sweep`]) |

mod study;
mod sweep;
mod tables;

pub use study::{ENTRY, Measured, Properties};
pub use sweep::{Parameter, Point, SweepRow, Sweeps};
pub use tables::{LayerRow, PointRow, PropertyRow};

use crate::{
    base::registry::{Named, build},
    eval::correlation::rank_correlation,
    explain::{Case, EXPLAINERS, ExplainError, Explainer, lrp::trace},
    nn::{
        graph::{Graph, NodeId},
        tensor::Tensor,
    },
};
use std::collections::{BTreeMap, BTreeSet};

/// A sum of relevance this close to what was handed back, relative to it, counts as conserved; a
/// negative share this small counts as none: rounding of f32 over some dozen layers, and the
/// stabilisers.
pub const TOLERANCE: f64 = 1e-3;

/// A method on a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct ExplainedMethod {
    /// Id of the picture.
    pub image: String,
    /// Canonical name of the method.
    pub method: String,
    /// The class that is explained.
    pub target: usize,
    /// The other class with the largest score, where there is one.
    pub runner_up: Option<usize>,
    /// The explained score.
    pub score: f64,
    /// What was found, or why nothing was.
    pub found: Result<MethodProperties, String>,
}

/// The properties of one explanation.
#[derive(Clone, Debug, PartialEq)]
pub struct MethodProperties {
    /// What was handed back from the output.
    pub start: f64,
    /// Sum of the input's relevance.
    pub sum: f64,
    /// Sum of its absolute values.
    pub size: f64,
    /// Share of negative relevance in that; `None` for a map of zeros.
    pub negative: Option<f64>,
    /// Relevance given to biases; `None` for methods that do not propagate relevance.
    pub to_bias: Option<f64>,
    /// Relevance that got lost elsewhere (stabilisers, empty sides); negative where it was gained.
    pub lost: Option<f64>,
    /// Rank correlation of the heat map with that of the runner-up; `None` where undefined.
    pub selectivity: Option<f64>,
    /// What happened on the way, from the output to the input.
    pub layers: Vec<Layer>,
}

/// The relevance at one node.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Index of the node in the network.
    pub node: usize,
    /// Its name in the model file.
    pub name: String,
    /// Its operator.
    pub op: &'static str,
    /// The rule, or what the node does without one.
    pub by: String,
    /// True where all relevance passes this node: no branch lies beside it.
    pub whole: bool,
    /// Sum of what arrived.
    pub arrived: f64,
    /// Sum of its absolute values.
    pub size: f64,
    /// Sum of what was sent on.
    pub sent: f64,
    /// Given to the bias.
    pub to_bias: f64,
    /// Lost otherwise.
    pub lost: f64,
    /// Relevance on its way to the input once this node has sent its own, on all branches.
    pub total: f64,
    /// Rank correlation of what arrived with the same of the runner-up; `None` where undefined.
    pub selectivity: Option<f64>,
}

impl MethodProperties {
    /// Sum of the input's relevance over what was handed back; `None` when that is 0.
    pub fn ratio(&self) -> Option<f64> {
        (self.start != 0.0).then(|| self.sum / self.start)
    }

    /// Whether the sum is conserved; `None` when nothing was handed back.
    pub fn conserving(&self) -> Option<bool> {
        Some((self.ratio()? - 1.0).abs() <= TOLERANCE)
    }

    /// Whether no relevance is negative; `None` for a map of zeros.
    pub fn positive(&self) -> Option<bool> {
        Some(self.negative? <= TOLERANCE)
    }

    /// Conserving and positive; `None` unless something positive was handed back.
    pub fn consistent(&self) -> Option<bool> {
        let both = self.conserving()? && self.positive().unwrap_or(false);
        (self.start > 0.0).then_some(both)
    }

    /// The largest size at any layer over what was handed back.
    pub fn largest(&self) -> Option<f64> {
        let sizes = self.layers.iter().map(|layer| layer.size).chain([self.size]);
        (self.start != 0.0).then(|| sizes.fold(0.0, f64::max) / self.start.abs())
    }
}

/// The methods that are measured when none are named: all that propagate relevance.
pub fn rules_and_composites() -> Vec<String> {
    // the box is that of the picture: on hidden layers the rule has no meaning
    let ids = EXPLAINERS.iter().map(|entry| entry.id).filter(|id| *id != "lrp-z-box");
    let propagates = |id: &&str| {
        let spec = id.parse().ok();
        let method = spec.and_then(|spec| build("method", EXPLAINERS, &spec).ok());
        method.is_some_and(|method| method.value.propagates())
    };
    ids.filter(propagates).map(str::to_owned).collect()
}

/// A method on a picture.
fn row(case: &Case<'_>, method: &Named<dyn Explainer>) -> ExplainedMethod {
    let runner_up = runner_up(case);
    ExplainedMethod {
        image: case.image.to_owned(),
        method: method.name.clone(),
        target: case.target,
        runner_up,
        score: f64::from(case.score()),
        found: found(case, &*method.value, runner_up).map_err(|e| e.to_string()),
    }
}

/// The class with the largest score besides the target, the first of several.
fn runner_up(case: &Case<'_>) -> Option<usize> {
    let scores = &case.acts.value(case.graph.output()).data;
    let others = (0..scores.len()).filter(|class| *class != case.target);
    others.reduce(|best, class| if scores[class] > scores[best] { class } else { best })
}

/// The sign of what a map shares out; maps that hold no input share out nothing.
fn sign(case: &Case<'_>, method: &dyn Explainer) -> Result<f64, ExplainError> {
    let total = if method.holds_input() { method.total(case)? } else { None };
    Ok(if total.is_some_and(|total| total.value < 0.0) { -1.0 } else { 1.0 })
}

/// The properties of one method's explanation.
pub fn found(
    case: &Case<'_>,
    method: &dyn Explainer,
    runner_up: Option<usize>,
) -> Result<MethodProperties, ExplainError> {
    let (relevance, trace) = method.traced(case)?;
    let (maps, own) = maps(case, method)?;
    let against = runner_up.map(|target| Case { target, ..*case });
    let other = against.as_ref().map(|case| self::maps(case, method)).transpose()?;
    // a score below 0 turns all signs of what is shared out of it: that is not selective
    let turned = match &against {
        Some(other) => sign(case, method)? * sign(other, method)?,
        None => 1.0,
    };
    let alike = |node: Option<NodeId>| {
        let (others, other) = other.as_ref()?;
        let found = match node {
            Some(id) => rank_correlation(&maps.get(&id)?.values, &others.get(&id)?.values),
            None => rank_correlation(&own.values, &other.values),
        };
        found.map(|rho| turned * rho)
    };
    let start = match trace.as_ref().and_then(|rows| rows.first()) {
        Some(row) => row.arrived,
        None => method.total(case)?.map_or(f64::from(case.score()), |total| total.value),
    };
    let mut total = start;
    let whole = without_branches(case.graph);
    let layer = |row: &trace::NodeRelevance| {
        total += row.sent - row.arrived;
        Layer {
            node: row.node.0,
            name: row.name.clone(),
            op: row.op,
            by: row.by.clone(),
            whole: whole[row.node.0],
            arrived: row.arrived,
            size: maps.get(&row.node).map_or(0.0, |map| map.size),
            sent: row.sent,
            to_bias: row.to_bias,
            lost: row.lost(),
            total,
            // one class each arrives at the output: that says nothing
            selectivity: if row.node == case.graph.output() { None } else { alike(Some(row.node)) },
        }
    };
    let layers: Vec<Layer> = trace.iter().flatten().map(layer).collect();
    let summed = |of: fn(&Layer) -> f64| trace.is_some().then(|| layers.iter().map(of).sum());
    Ok(MethodProperties {
        start,
        sum: relevance.sum(),
        size: own.size,
        negative: negative_share(&relevance),
        to_bias: summed(|layer| layer.to_bias),
        lost: summed(|layer| layer.lost),
        selectivity: alike(None),
        layers,
    })
}

/// For each node, whether all paths from the output to the input lead through it.
fn without_branches(graph: &Graph) -> Vec<bool> {
    let mut waiting = BTreeSet::from([graph.output()]);
    let mut whole = vec![false; graph.len()];
    // inputs stand before their readers: the last one that waits has all it gets
    while let Some(node) = waiting.pop_last() {
        whole[node.0] = waiting.is_empty();
        waiting.extend(&graph.node(node).inputs);
    }
    whole
}

/// The relevance at a node.
struct Map {
    /// Pooled over channels where the map has more than one pixel.
    values: Vec<f64>,
    /// Sum of the absolute values.
    size: f64,
}

impl Map {
    fn of(relevance: &Tensor) -> Map {
        let wide = |v: &f32| f64::from(*v);
        let size = relevance.data.iter().map(|v| wide(v).abs()).sum();
        let channels = relevance.shape.c;
        let values = match relevance.data.len() {
            n if n == channels => relevance.data.iter().map(wide).collect(),
            _ => {
                let pixels = relevance.data.chunks_exact(channels);
                pixels.map(|pixel| pixel.iter().map(wide).sum()).collect()
            }
        };
        Map { values, size }
    }
}

/// The relevance of all nodes that it reaches, and that of the input.
fn maps(
    case: &Case<'_>,
    method: &dyn Explainer,
) -> Result<(BTreeMap<NodeId, Map>, Map), ExplainError> {
    let mut maps = BTreeMap::new();
    let relevance = method.watched(case, &mut |node, relevance| {
        maps.insert(node, Map::of(relevance));
    })?;
    Ok((maps, Map::of(&relevance)))
}

/// `sum abs min(R, 0) / sum abs R`; `None` for a map of zeros.
fn negative_share(relevance: &Tensor) -> Option<f64> {
    let sum = |of: fn(f64) -> f64| relevance.data.iter().map(|v| of(f64::from(*v))).sum::<f64>();
    let size = sum(f64::abs);
    (size > 0.0).then(|| -sum(|v| v.min(0.0)) / size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::{geom::Shape, rng::Seed},
        explain,
        nn::{graph::Graph, op::Dense},
    };
    use std::io;

    /// `f_0 = 3 x_0 - x_1 + 2`, `f_1 = x_0`, at `x = (2, 1)`.
    fn on_a_linear_model<T>(f: impl Fn(&Case<'_>) -> T) -> T {
        with_other_class(1.0, f)
    }

    /// The same with `f_1 = other x_0`.
    fn with_other_class<T>(other: f32, f: impl Fn(&Case<'_>) -> T) -> T {
        let mut graph = Graph::new(Shape::vector(2));
        let weight = vec![3.0, -1.0, other, 0.0];
        let dense = Dense::new(weight, 2, Shape::vector(2), vec![2.0, 0.0]).unwrap();
        graph.push("fc", Box::new(dense), &[graph.input()]).unwrap();
        let acts = graph.forward(&Tensor::vector(vec![2.0, 1.0]));
        f(&Case {
            graph: &graph,
            acts: &acts,
            target: 0,
            low: &[0.0; 2],
            high: &[1.0; 2],
            seed: Seed(0),
            image: "x",
        })
    }

    fn method(name: &str) -> Named<dyn Explainer> {
        explain::method(&name.parse().unwrap(), |_| Err(io::Error::other("no file"))).unwrap()
    }

    fn near(a: Option<f64>, b: f64) -> bool {
        a.is_some_and(|a| (a - b).abs() < 1e-4)
    }

    #[test]
    fn the_properties_of_a_linear_model_by_hand() {
        // z = 6 - 1 + 2 = 7: the inputs get 6 and -1, the bias 2
        let measured = |name: &str| on_a_linear_model(|case| row(case, &method(name)));
        let zero = measured("lrp-zero");
        assert_eq!((zero.target, zero.runner_up), (0, Some(1)));
        let found = zero.found.unwrap();
        assert!(near(Some(found.start), 7.0) && near(Some(found.sum), 5.0), "{found:?}");
        assert!(near(found.ratio(), 5.0 / 7.0) && near(found.to_bias, 2.0));
        assert!(near(found.negative, 1.0 / 7.0) && near(found.largest(), 1.0));
        assert!(near(Some(found.layers[0].total), 5.0) && near(found.lost, 0.0));
        assert_eq!(found.consistent(), Some(false));
        // the map of the other class is (2, 0): the same order
        assert!(near(found.selectivity, 1.0));
        assert_eq!(found.layers[0].selectivity, None, "one class each at the output");
        // without the bias and the negative product all 7 go to the first input
        let positive = measured("lrp-z-plus:bias=ignore").found.unwrap();
        assert_eq!(positive.consistent(), Some(true));
    }

    #[test]
    fn a_negative_score_is_not_selective_whatever_the_method() {
        // the map of the other class is (-2, 0) from -2 and (1, 0) from 1; the method's own is (6, -1)
        for name in ["lrp-zero", "lrp-zero:start=one", "gradient-x-input"] {
            let found = with_other_class(-1.0, |case| row(case, &method(name))).found.unwrap();
            assert!(near(found.selectivity, 1.0), "{name}: {:?}", found.selectivity);
        }
        // the gradients are what they are: (3, -1) and (-1, 0)
        let found = with_other_class(-1.0, |case| row(case, &method("gradient"))).found.unwrap();
        assert!(near(found.selectivity, -1.0), "{:?}", found.selectivity);
    }

    #[test]
    fn what_a_wrapped_method_starts_from_is_its_own_total() {
        // 7 for the class, -2 for the other; bias 2
        let of = |name: &str| {
            with_other_class(-1.0, |case| row(case, &method(name))).found.unwrap().start
        };
        assert!(near(Some(of("lrp-zero:contrast=runner-up")), 7.0 + 2.0));
        assert!(near(Some(of("lrp-zero:start=one:contrast=runner-up")), 0.0));
    }

    #[test]
    fn what_is_undefined_is_none() {
        let zero = Tensor::vector(vec![0.0, 0.0]);
        assert_eq!(negative_share(&zero), None);
        let found =
            on_a_linear_model(|case| found(case, &*method("gradient").value, None).unwrap());
        assert_eq!((found.to_bias, found.selectivity), (None, None));
        assert!(found.layers.is_empty());
        let negative = MethodProperties { start: -1.0, sum: -1.0, ..found };
        assert_eq!((negative.conserving(), negative.consistent()), (Some(true), None));
    }

    #[test]
    fn all_rules_and_composites_are_measured() {
        let names = rules_and_composites();
        for name in ["lrp-zero", "lrp-gamma", "deep-taylor", "excitation-backprop", "lrp-tutorial"]
        {
            assert!(names.iter().any(|n| n == name), "{name} is not in {names:?}");
        }
        assert!(names.iter().all(|n| n != "gradient" && n != "random"));
    }
}
