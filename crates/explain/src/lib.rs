//! From (network, picture, class) to one relevance value per input value.
//!
//! A method is one file with one entry in [`EXPLAINERS`]; LRP rules and composites live in [`lrp`].

// Lower layers under their names, so that `crate::nn` reads the same everywhere.
use pixelflip_base as base;
use pixelflip_nn as nn;

pub mod attention;
pub mod backprop;
mod coalition;
pub mod contrast;
pub mod controls;
pub mod deep_lift;
pub mod expected_gradients;
pub mod grad_cam;
pub mod gradient;
pub mod gradient_x_input;
pub mod held;
pub mod integrated_gradients;
pub mod kernel_shap;
pub mod labels;
mod least_squares;
pub mod lime;
pub mod lrp;
mod method;
pub mod occlusion;
mod pool;
mod quadrature;
pub mod random;
mod reference;
pub mod resize;
pub mod rise;
pub mod sensitivity;
pub mod slide;
pub mod smoothgrad;
pub mod superpixel;
pub mod taylor;
pub mod translate;
pub mod wrap;

pub use method::{MethodError, file_name, method, params};
pub use pool::Pool;

use crate::{
    base::{geom::Shape, registry::Entry, rng::Seed, words},
    nn::{
        graph::{Activations, Graph, Node, NodeId},
        head::{self, NO_PROBABILITY},
        op::{Role, foreign::EngineError},
        session::BATCH,
        tensor::Tensor,
    },
};
use lrp::{composites, rule, trace::Trace, transformers};
use ndarray::Array2;
use std::sync::Arc;

/// All methods, in the order in which `list` prints them.
pub const EXPLAINERS: &[Entry<dyn Explainer>] = &[
    random::ENTRY,
    controls::SOBEL,
    controls::CENTER_BIAS,
    controls::CONSTANT,
    gradient::ENTRY,
    sensitivity::ENTRY,
    gradient_x_input::ENTRY,
    taylor::ENTRY,
    integrated_gradients::ENTRY,
    expected_gradients::ENTRY,
    smoothgrad::SMOOTH_GRAD,
    smoothgrad::SQUARE_GRAD,
    smoothgrad::VAR_GRAD,
    backprop::DECONVOLUTION,
    backprop::GUIDED,
    deep_lift::ENTRY,
    grad_cam::GRAD_CAM,
    grad_cam::GRAD_CAM_PLUS_PLUS,
    grad_cam::LAYER_CAM,
    grad_cam::GUIDED_GRAD_CAM,
    occlusion::ENTRY,
    rise::ENTRY,
    lime::ENTRY,
    kernel_shap::ENTRY,
    lrp::method::<rule::Zero>(),
    lrp::method::<rule::Epsilon>(),
    lrp::method::<rule::EpsilonStd>(),
    lrp::method::<rule::Gamma>(),
    lrp::method::<rule::AlphaBeta>(),
    lrp::method::<rule::ZPlus>(),
    lrp::method::<rule::ZBox>(),
    lrp::method::<rule::WSquare>(),
    lrp::method::<rule::Flat>(),
    composites::EPSILON_PLUS,
    composites::EPSILON_PLUS_FLAT,
    composites::EPSILON_ALPHA2_BETA1,
    composites::EPSILON_ALPHA2_BETA1_FLAT,
    composites::EPSILON_GAMMA_BOX,
    composites::EXCITATION_BACKPROP,
    composites::DEEP_TAYLOR,
    composites::TUTORIAL,
    composites::SAMEK2017,
    composites::SAMEK2017_EPS,
    transformers::ATTNLRP,
    transformers::ATTNLRP_GAMMA,
    transformers::CP_LRP,
    transformers::CP_LRP_GAMMA,
    attention::ROLLOUT,
    attention::TRANSFORMER_ATTRIBUTION,
    attention::GENERIC,
    attention::GRAD_CAM,
    attention::LEGRAD,
    attention::RAW,
];

/// What a method explains: one class score of one picture.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The network; its output are logits.
    pub graph: &'a Graph,
    /// Values of all nodes for the picture.
    pub acts: &'a Activations,
    /// The class whose score is explained.
    pub target: usize,
    /// Input of the network for an all-black picture (pixel value 0), per input channel; NaN where
    /// unknown.
    pub low: &'a [f32],
    /// Input of the network for an all-white picture (pixel value 1), per input channel; NaN where
    /// unknown.
    pub high: &'a [f32],
    /// The experiment's seed, for methods that draw.
    pub seed: Seed,
    /// Id of the picture, for methods that draw.
    pub image: &'a str,
}

impl<'a> Case<'a> {
    /// The network's input.
    pub fn input(&self) -> &'a Tensor {
        self.acts.value(self.graph.input())
    }

    /// The explained score.
    pub fn score(&self) -> f32 {
        self.acts.value(self.graph.output()).data[self.target]
    }

    /// Gradient of the explained score with respect to the input; an error where another engine gives
    /// scores only.
    pub fn gradient(&self) -> Result<Tensor, ExplainError> {
        has_gradient(self.graph)?;
        Ok(self.graph.careful_gradient(self.acts, &self.graph.seed(self.target, 1.0)))
    }

    /// The explained class's scores at other inputs, as many as it takes, in batches.
    pub fn scores_at(
        &self,
        inputs: impl IntoIterator<Item = Tensor>,
    ) -> Result<Vec<f32>, ExplainError> {
        let scores = self.all_scores_at(inputs)?;
        Ok(scores.iter().map(|scores| scores[self.target]).collect())
    }

    /// The scores of all classes at other inputs, in batches.
    pub fn all_scores_at(
        &self,
        inputs: impl IntoIterator<Item = Tensor>,
    ) -> Result<Vec<Vec<f32>>, ExplainError> {
        let (mut inputs, mut scores) = (inputs.into_iter(), Vec::new());
        loop {
            let batch: Vec<Tensor> = inputs.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                return Ok(scores);
            }
            scores.append(&mut self.graph.scores(&batch)?);
        }
    }

    /// [`Case::low`] and [`Case::high`], which are NaN where nothing says what they are.
    fn bounds(&self) -> Result<(&'a [f32], &'a [f32]), ExplainError> {
        let known = self.low.iter().chain(self.high).all(|v| v.is_finite());
        if known { Ok((self.low, self.high)) } else { Err(ExplainError::NoBounds) }
    }

    /// Score of the same class at another input.
    fn score_at(&self, x: &Tensor) -> f32 {
        self.graph.logits(x)[self.target]
    }

    /// Gradient of the same class's score at another input.
    fn gradient_at(&self, x: &Tensor) -> Tensor {
        let acts = self.graph.forward(x);
        self.graph.careful_gradient(&acts, &self.graph.seed(self.target, 1.0))
    }

    /// Gradient of the explained score with respect to the output of a node.
    fn gradient_of_node(&self, id: NodeId) -> Tensor {
        let mut found = Tensor::zeros(self.graph.node(id).shape);
        let seed = self.graph.seed(self.target, 1.0);
        self.graph.watched_gradient(self.acts, seed, |at, grad| {
            if at == id {
                found = grad.clone();
            }
        });
        found
    }

    /// The class with the highest score besides the explained one.
    fn runner_up(&self) -> Result<usize, ExplainError> {
        let scores = &self.acts.value(self.graph.output()).data;
        head::best(scores, Some(self.target)).ok_or(ExplainError::OneClass)
    }

    /// An error where a map does not have one value for each pixel of the picture.
    pub fn check_per_pixel(&self, map: &Tensor) -> Result<(), ExplainError> {
        let (found, picture) = (map.shape, self.graph.input_shape());
        if (found.h, found.w) == (picture.h, picture.w) {
            return Ok(());
        }
        let (h, w, height, width) = (found.h, found.w, picture.h, picture.w);
        Err(ExplainError::NotPerPixel { h, w, height, width })
    }

    /// An error where the class does not exist.
    pub fn check(&self) -> Result<(), ExplainError> {
        let (target, classes) = (self.target, self.graph.classes());
        if target < classes { Ok(()) } else { Err(ExplainError::Target { target, classes }) }
    }
}

/// Why a method gives no heat map for a picture.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ExplainError {
    /// The class does not exist.
    #[error("class {target} cannot be explained, the network has classes 0 to {}", classes - 1)]
    Target {
        /// The class asked for.
        target: usize,
        /// How many there are.
        classes: usize,
    },
    /// Only one class where two are compared.
    #[error("a class can only be contrasted with another, the network has one")]
    OneClass,
    /// A method that asks for a probability, of a network whose outputs are no logits.
    #[error("{NO_PROBABILITY}; {instead}")]
    NoProbability {
        /// What can be had.
        instead: &'static str,
    },
    /// A method that needs the inputs for black and white, which are unknown.
    #[error(
        "nothing says what black and white pictures are as inputs of the network: a sidecar beside \
         the model would"
    )]
    NoBounds,
    /// A regression whose samples do not determine its result.
    #[error("{samples} samples do not determine the result, more are needed")]
    TooFewSamples {
        /// How many there were.
        samples: usize,
    },
    /// NaN or infinite relevance.
    #[error("{count} of {total} relevance values are not finite")]
    NonFinite {
        /// How many.
        count: usize,
        /// Of how many.
        total: usize,
    },
    /// NaN or infinite relevance at a node on the way back.
    #[error("node `{node}` ({op}) hands on relevance that is not finite: {value}")]
    NonFiniteAt {
        /// Name of the node.
        node: String,
        /// Its operator.
        op: &'static str,
        /// The first such value.
        value: f32,
    },
    /// A layer that the method needs does not exist.
    #[error("the network has no {kind} named `{layer}` (`pixelflip model` lists its layers)")]
    NoLayer {
        /// The name asked for.
        layer: String,
        /// What it should be.
        kind: &'static str,
    },
    /// No layer is of the kind that the method needs.
    #[error("the network has no {kind}")]
    NoLayerAtAll {
        /// What there should be.
        kind: &'static str,
    },
    /// One value per pixel is needed, and the method gave another map.
    #[error("the map has {h}x{w} values, one for each of {height}x{width} pixels is needed")]
    NotPerPixel {
        /// Rows found.
        h: usize,
        /// Columns found.
        w: usize,
        /// Rows of the picture.
        height: usize,
        /// Columns of the picture.
        width: usize,
    },
    /// A method that needs gradients or layers, of a network that another engine computes.
    #[error("it needs gradients or layers, and `{engine}` gives scores only")]
    ScoresOnly {
        /// The engine.
        engine: String,
    },
    /// The other engine fails.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// What a method of your own says.
    #[error("{reason}")]
    Failed {
        /// Why it has no relevance for this case.
        reason: String,
    },
    /// A heat map from a file cannot be used.
    #[error("{reason}")]
    Import {
        /// Why.
        reason: String,
        /// True where the file could not be read just now.
        momentary: bool,
    },
    /// A method that goes back through the network node by node, and has no rule for some.
    #[error("{}", no_rule(.method, .nodes))]
    NoRule {
        /// What has no rule: `LRP`, `DeepLIFT`.
        method: &'static str,
        /// The nodes, operator by operator.
        nodes: Vec<Ruleless>,
    },
    /// The network's attention is not of the form that the method needs.
    #[error("it needs tokens of patches that all attend to each other: {what}")]
    Attention {
        /// What was looked for and what there is.
        what: String,
    },
    /// A rule or method does not fit an operator.
    #[error("node `{node}` ({op}): {problem}")]
    Unfit {
        /// Name of the node.
        node: String,
        /// Its operator.
        op: &'static str,
        /// What does not fit.
        problem: String,
    },
}

/// Nodes of one operator for which a method has no rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruleless {
    /// The operator.
    pub op: &'static str,
    /// How many nodes.
    pub count: usize,
    /// Name of the first, from the picture on.
    pub first: String,
}

impl ExplainError {
    fn no_rule(node: &Node, method: &'static str) -> ExplainError {
        ExplainError::NoRule { method, nodes: ruleless([node]) }
    }
}

/// Nodes, operator by operator.
fn ruleless<'a>(nodes: impl IntoIterator<Item = &'a Node>) -> Vec<Ruleless> {
    let mut all: Vec<Ruleless> = vec![];
    for node in nodes {
        match all.iter_mut().find(|known| known.op == node.op.name()) {
            Some(known) => known.count += 1,
            None => all.push(Ruleless { op: node.op.name(), count: 1, first: node.name.clone() }),
        }
    }
    all
}

fn no_rule(method: &str, nodes: &[Ruleless]) -> String {
    match nodes {
        [Ruleless { op, count: 1, first }] => {
            format!("node `{first}` ({op}): {method} has no rule for this operator")
        }
        _ => {
            let count = nodes.iter().map(|n| n.count).sum();
            format!("{method} has no rule for {}: {}", words::count(count, "node"), kinds(nodes))
        }
    }
}

/// `12 Softmax (first `a`) and 1 MatMul (`b`)`.
fn kinds(nodes: &[Ruleless]) -> String {
    let kind = |Ruleless { op, count, first }: &Ruleless| {
        format!("{count} {op} ({}`{first}`)", if *count > 1 { "first " } else { "" })
    };
    words::list(&nodes.iter().map(kind).collect::<Vec<_>>())
}

/// Whether there is more than scores to ask for.
fn has_gradient(graph: &Graph) -> Result<(), ExplainError> {
    let engine = graph.engine().map(|engine| engine.engine().to_owned());
    engine.map_or(Ok(()), |engine| Err(ExplainError::ScoresOnly { engine }))
}

/// Whether all nodes have a role that such a method knows.
fn roles_are_known(
    graph: &Graph,
    method: &'static str,
    known: impl Fn(NodeId, Role<'_>) -> bool,
) -> Result<(), ExplainError> {
    has_gradient(graph)?;
    let unknown = graph.nodes().filter(|(id, node)| !known(*id, node.op.role()));
    let nodes = ruleless(unknown.map(|(_, node)| node));
    if nodes.is_empty() { Ok(()) } else { Err(ExplainError::NoRule { method, nodes }) }
}

/// Sees the relevance that arrives at a node.
pub type Watch<'a> = &'a mut dyn FnMut(NodeId, &Tensor);

/// A method that explains a class score by relevance values. A method of your own needs
/// [`Explainer::attribute`]; what callers use ([`relevance`](#method.relevance),
/// [`heat_map`](#method.heat_map) and others) is there for all of them and checks what goes in and out.
pub trait Explainer: Send + Sync {
    /// The method itself: relevance before channel pooling, of the shape of the input, or with one
    /// channel for methods that give one value per pixel. Higher is more relevant.
    fn attribute(&self, case: &Case<'_>) -> Result<Tensor, ExplainError>;

    /// Whether the method can explain anything of this network, known without a picture: its layers are
    /// there and have rules.
    fn fits(&self, _graph: &Graph) -> Result<(), ExplainError> {
        Ok(())
    }

    /// How channels are pooled.
    fn pool(&self) -> Pool {
        Pool::Sum
    }

    /// What is special about where its relevance comes from.
    fn kind(&self) -> Kind<'_> {
        Kind::Computed
    }

    /// What the relevance of the whole method should add up to: `f(x) - f(reference)`, what was handed back
    /// at the output, or the score for lack of a theory. The difference is a method's completeness gap.
    /// `None` where nobody knows: maps from files.
    fn total(&self, case: &Case<'_>) -> Result<Option<Total>, ExplainError> {
        Ok(Some(Total { value: case.score().into(), theory: false }))
    }

    /// Whether relevance holds the input, so that it is a share of the score. False for methods that only
    /// say how the score reacts to a change: their maps are to be multiplied by the change.
    fn holds_input(&self) -> bool {
        true
    }

    /// What keeps the relevance from adding up to [`Explainer::total`] beside rounding, as a parameter
    /// with its value: the gap becomes smaller with more of it.
    fn approximation(&self) -> Option<String> {
        None
    }
}

/// Where the relevance of a method comes from.
pub enum Kind<'a> {
    /// From the network, by [`Explainer::attribute`] alone.
    Computed,
    /// From nowhere: the random baseline, whose regions are drawn anew for every repeat.
    RandomOrder,
    /// From files: heat maps that were computed elsewhere and cost nothing here.
    Imported(&'a dyn Given),
    /// From the output down through the network, node by node.
    Propagated(&'a dyn Propagate),
}

/// A method whose heat maps are there already, in the precision of their files.
pub trait Given {
    /// The heat map, of the size of the network's input.
    fn heat_map(&self, case: &Case<'_>) -> Result<HeatMap, ExplainError>;

    /// The heat map in whole numbers, where it comes from a file with such numbers: double precision
    /// holds them up to 2^53, and sums of regions are exact beyond that, too.
    fn whole_heat_map(&self, case: &Case<'_>) -> Result<Option<Array2<i128>>, ExplainError>;
}

/// A method that propagates relevance through the network.
pub trait Propagate {
    /// As [`Explainer::attribute`]. `trace` gets what happened at each layer; `watch` sees what arrives
    /// at each node, from the output down to the first layer.
    fn propagate(
        &self,
        case: &Case<'_>,
        trace: Option<&mut Trace>,
        watch: Watch<'_>,
    ) -> Result<Tensor, ExplainError>;
}

/// What callers ask of any method.
impl dyn Explainer + '_ {
    /// Relevance before channel pooling: shape of the input, or one channel for methods that give
    /// one value per pixel. Higher is more relevant; all values are finite.
    pub fn relevance(&self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        case.check()?;
        finite(self.attribute(case)?)
    }

    /// As `relevance`, with what happened at each layer for methods that propagate relevance through the
    /// network.
    pub fn traced(&self, case: &Case<'_>) -> Result<(Tensor, Option<Trace>), ExplainError> {
        let Kind::Propagated(method) = self.kind() else {
            return Ok((self.relevance(case)?, None));
        };
        case.check()?;
        let mut trace = Trace::new();
        let relevance = finite(method.propagate(case, Some(&mut trace), &mut |_, _| ())?)?;
        Ok((relevance, Some(trace)))
    }

    /// As `relevance`; of a method that propagates relevance through the network, `watch` sees what
    /// arrives at each node, from the output down to the first layer.
    pub fn watched(&self, case: &Case<'_>, watch: Watch<'_>) -> Result<Tensor, ExplainError> {
        let Kind::Propagated(method) = self.kind() else { return self.relevance(case) };
        case.check()?;
        finite(method.propagate(case, None, watch)?)
    }

    /// Relevance, pooled over channels: one value per pixel.
    pub fn heat_map(&self, case: &Case<'_>) -> Result<HeatMap, ExplainError> {
        if let Kind::Imported(maps) = self.kind() {
            return maps.heat_map(case);
        }
        let relevance = self.relevance(case)?;
        case.check_per_pixel(&relevance)?;
        Ok(self.pool().apply(&relevance))
    }

    /// The heat map in whole numbers, where it comes from a file with such numbers.
    pub fn whole_heat_map(&self, case: &Case<'_>) -> Result<Option<Array2<i128>>, ExplainError> {
        match self.kind() {
            Kind::Imported(maps) => maps.whole_heat_map(case),
            _ => Ok(None),
        }
    }

    /// Relevance whose sum over channels is the heat map: pooled where that is done by a norm.
    pub fn pooled_by_sum(&self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        if self.pool() == Pool::Sum {
            let relevance = self.relevance(case)?;
            return case.check_per_pixel(&relevance).map(|()| relevance);
        }
        let heat = self.heat_map(case)?.iter().map(|v| *v as f32).collect();
        let picture = case.graph.input_shape();
        Ok(Tensor::new(Shape::new(1, picture.h, picture.w), heat))
    }

    /// True for the random baseline, whose regions are drawn anew for every repeat.
    pub fn is_random_order(&self) -> bool {
        matches!(self.kind(), Kind::RandomOrder)
    }

    /// True for heat maps from files, which were computed elsewhere and cost nothing here.
    pub fn is_imported(&self) -> bool {
        matches!(self.kind(), Kind::Imported(_))
    }

    /// True for methods that propagate relevance through the network.
    pub fn propagates(&self) -> bool {
        matches!(self.kind(), Kind::Propagated(_))
    }
}

/// A method that several owners share.
impl<E: Explainer + ?Sized> Explainer for Arc<E> {
    fn attribute(&self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        (**self).attribute(case)
    }

    fn fits(&self, graph: &Graph) -> Result<(), ExplainError> {
        (**self).fits(graph)
    }

    fn pool(&self) -> Pool {
        (**self).pool()
    }

    fn kind(&self) -> Kind<'_> {
        (**self).kind()
    }

    fn total(&self, case: &Case<'_>) -> Result<Option<Total>, ExplainError> {
        (**self).total(case)
    }

    fn holds_input(&self) -> bool {
        (**self).holds_input()
    }

    fn approximation(&self) -> Option<String> {
        (**self).approximation()
    }
}

/// What relevance should add up to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Total {
    /// The sum, in units of the score.
    pub value: f64,
    /// True where the method's theory says so.
    pub theory: bool,
}

impl Total {
    /// A sum that the method's theory gives.
    fn proven(value: f64) -> Total {
        Total { value, theory: true }
    }
}

/// Relevance per pixel, shape `(H, W)` of the network's input; higher is more relevant. In double
/// precision, because maps from files may have values that single precision does not tell apart.
pub type HeatMap = Array2<f64>;

fn finite(relevance: Tensor) -> Result<Tensor, ExplainError> {
    let count = relevance.data.iter().filter(|r| !r.is_finite()).count();
    let total = relevance.data.len();
    if count == 0 { Ok(relevance) } else { Err(ExplainError::NonFinite { count, total }) }
}

#[cfg(test)]
mod tests {
    use super::{lrp::rule::RuleKind, *};
    use crate::{
        base::registry::build,
        nn::op::{Conv, ConvGeometry, Dense, Function, Unary},
    };
    use std::collections::BTreeSet;

    /// conv - relu - dense on a 2 x 6 x 5 picture, 3 classes.
    fn network() -> Graph {
        let mut graph = Graph::new(Shape::new(2, 6, 5));
        let wave = |n: usize| (0..n).map(|i| (i as f32 * 0.7).sin()).collect::<Vec<f32>>();
        let geometry = ConvGeometry {
            kernel: [3; 2],
            stride: [1; 2],
            dilation: [1; 2],
            pads: [1; 4],
            groups: 1,
        };
        let conv = Conv::new(wave(4 * 2 * 9), 4, 2, geometry, wave(4)).unwrap();
        let at = graph.input();
        let at = graph.push("conv", Box::new(conv), &[at]).unwrap();
        let at = graph.push("relu", Box::new(Unary::new(Function::Relu)), &[at]).unwrap();
        let dense = Dense::new(wave(3 * 120), 3, Shape::new(4, 6, 5), wave(3)).unwrap();
        graph.push("dense", Box::new(dense), &[at]).unwrap();
        graph
    }

    fn explain<T>(f: impl Fn(&Case<'_>) -> T) -> T {
        let graph = network();
        let x = (0..60).map(|i| (i as f32 * 1.3).cos()).collect();
        let acts = graph.forward(&Tensor::new(Shape::new(2, 6, 5), x));
        f(&Case {
            graph: &graph,
            acts: &acts,
            target: 1,
            low: &[-1.0; 2],
            high: &[1.0; 2],
            seed: Seed(3),
            image: "picture",
        })
    }

    #[test]
    fn every_method_explains_a_picture_and_prints_a_name_that_parses_back() {
        // the box rule fits nothing but layers that see the picture
        for entry in EXPLAINERS.iter().filter(|e| e.id != rule::ZBox::ID) {
            let named = build("method", EXPLAINERS, &entry.id.parse().unwrap()).unwrap();
            let again = build("method", EXPLAINERS, &named.name.parse().unwrap()).unwrap();
            assert_eq!(named.name, again.name);
            if let Err(ExplainError::NoLayerAtAll { kind: "attention" }) =
                named.value.fits(&network())
            {
                continue; // `attention::tests` has networks with attention
            }
            let relevance = explain(|case| named.value.relevance(case)).unwrap();
            let shape = relevance.shape;
            assert!(shape.c == 1 || shape.c == 2, "{}: {shape}", named.name);
            assert_eq!((shape.h, shape.w), (6, 5), "{}", named.name);
            assert!(relevance.data.iter().any(|r| *r != 0.0), "{}", named.name);
            assert_eq!(relevance, explain(|case| again.value.relevance(case)).unwrap());
        }
    }

    #[test]
    fn ids_are_unique_and_every_citation_is_in_the_bibliography() {
        let ids: BTreeSet<&str> = EXPLAINERS.iter().map(|e| e.id).collect();
        assert_eq!(ids.len(), EXPLAINERS.len());
        let bibliography = include_str!("../../../docs/references.bib");
        for entry in EXPLAINERS.iter().filter(|e| !e.cite.is_empty()) {
            assert!(bibliography.contains(&format!("{{{},", entry.cite)), "{}", entry.id);
        }
    }

    #[test]
    fn alpha_minus_beta_must_be_one() {
        let error = build("method", EXPLAINERS, &"lrp-alpha-beta:alpha=3".parse().unwrap());
        assert_eq!(
            error.unwrap_err().to_string(),
            "`lrp-alpha-beta`: `beta` must be alpha - 1 = 2, found `1`"
        );
    }

    #[test]
    fn the_box_rule_as_a_method_names_the_first_layer_that_it_does_not_fit() {
        let method = build("method", EXPLAINERS, &"lrp-z-box".parse().unwrap()).unwrap().value;
        assert_eq!(
            explain(|case| method.relevance(case)).unwrap_err().to_string(),
            "node `dense` (Gemm): the z-box rule fits only layers that see the picture"
        );
    }

    #[test]
    fn relevance_that_is_not_finite_is_an_error() {
        struct Broken;
        impl Explainer for Broken {
            fn attribute(&self, _case: &Case<'_>) -> Result<Tensor, ExplainError> {
                Ok(Tensor::vector(vec![1.0, f32::NAN, f32::INFINITY]))
            }
        }
        let broken: &dyn Explainer = &Broken;
        let error = explain(|case| broken.relevance(case)).unwrap_err();
        assert_eq!(error.to_string(), "2 of 3 relevance values are not finite");
    }

    #[test]
    fn on_a_linear_model_methods_that_should_agree_do() {
        // f = w x without bias, reference 0: what each value, or patch, contributes is w x
        let shape = Shape::new(1, 4, 4);
        let mut graph = Graph::new(shape);
        let weights: Vec<f32> = (0..16).map(|i| (i as f32 * 1.9).sin()).collect();
        let dense = Dense::new(weights.clone(), 1, shape, vec![]).unwrap();
        let at = graph.input();
        graph.push("fc", Box::new(dense), &[at]).unwrap();
        let x: Vec<f32> = (0..16).map(|i| (i as f32 * 0.8).cos()).collect();
        let acts = graph.forward(&Tensor::new(shape, x.clone()));
        let (low, high) = ([-1.0], [1.0]);
        let (graph, acts, seed) = (&graph, &acts, Seed(0));
        let case = Case { graph, acts, target: 0, low: &low, high: &high, seed, image: "" };
        for (name, tolerance) in [
            ("gradient-x-input", 1e-6),
            // the stabiliser takes a millionth of the score
            ("lrp-zero", 1e-4),
            ("lrp-zero:bias=ignore", 1e-4),
            ("integrated-gradients:baseline=zero", 1e-6),
            ("deep-lift:baseline=zero", 1e-6),
            ("simple-taylor:toward=zero", 1e-6),
            ("occlusion:window=1:stride=1:value=zero", 1e-6),
            ("kernel-shap:segments=16:value=zero", 1e-5),
            // the ridge shrinks by 1 in about 60
            ("lime:segments=16:value=zero", 0.04),
        ] {
            let method = build("method", EXPLAINERS, &name.parse().unwrap()).unwrap().value;
            let relevance = method.relevance(&case).unwrap();
            for ((r, w), x) in relevance.data.iter().zip(&weights).zip(&x) {
                assert!((r - w * x).abs() < tolerance, "{name}: {r} is not {}", w * x);
            }
        }
    }

    #[test]
    fn unknown_black_and_white_stop_only_methods_that_need_them() {
        let nowhere = [f32::NAN; 2];
        let with = |name: &str| {
            let method = build("method", EXPLAINERS, &name.parse().unwrap()).unwrap().value;
            explain(|case| method.relevance(&Case { low: &nowhere, high: &nowhere, ..*case }))
        };
        assert!(with("integrated-gradients:baseline=zero").is_ok());
        assert!(with("lrp-zero").is_ok());
        for name in ["integrated-gradients", "occlusion", "deep-taylor", "sobel"] {
            assert_eq!(with(name), Err(ExplainError::NoBounds), "{name}");
        }
    }

    #[test]
    fn sensitivity_pools_the_gradient_by_norms() {
        let of = |name: &str| build("method", EXPLAINERS, &name.parse().unwrap()).unwrap().value;
        let gradient = explain(|case| of("gradient").relevance(case)).unwrap();
        for (name, pool) in [("sensitivity", Pool::L2), ("sensitivity:norm=linf", Pool::Linf)] {
            assert_eq!(explain(|case| of(name).relevance(case)).unwrap(), gradient);
            let map = explain(|case| of(name).heat_map(case)).unwrap();
            assert_eq!(map, pool.apply(&gradient));
        }
    }
}
