//! Layer-wise relevance propagation: the score is handed back through the network, each layer
//! sharing what it receives among its inputs (Bach et al. 2015).
//!
//! What happens at a node depends on its [`Role`] and is written once, here:
//!
//! | role | relevance sent to input `i` |
//! |---|---|
//! | linear | by the rule that the [`Composite`] names for the layer ([`rule`]) |
//! | scale and shift (unfolded batch norm, constants) | likewise; all of it before the first layer |
//! | average pooling, sum | `x_i w_ij / z_j R_j`: in proportion to the summands ([`Sum`]) |
//! | max-pool | to the winner ([`Max`]) |
//! | larger or smaller of two maps | to the winner |
//! | normalisation | all of it ([`Norm`]) |
//! | layer normalisation | in proportion, its deviation taken as a constant |
//! | product of two maps | to the signal, or to both ([`Product`]) |
//! | product of matrices, softmax | to both, and by its Taylor expansion; or attention is a constant ([`attention`]) |
//! | activation | all of it |
//! | concat, flatten, padding | to the value that was passed on |

#[cfg(test)]
mod architectures;
mod attention;
pub mod composite;
pub mod composites;
pub mod file;
mod gate;
mod layer;
mod options;
pub mod place;
mod products;
pub mod rule;
mod share;
#[cfg(test)]
mod tests;
pub mod trace;
pub mod transformers;

pub use options::{Attention, Max, Norm, Options, Product, START, Start, Sum};

use super::{Case, ExplainError, Explainer, Kind, Propagate, Total, Watch, roles_are_known};
use crate::{
    base::registry::{Args, Entry, Param, SpecError},
    nn::{
        graph::{Graph, Node, NodeId},
        op::{LayerNorm, Linear, Lrn, MatMul, MaxPool, Role},
        tensor::Tensor,
    },
};
use composite::{Assignment, Composite, NamedRule};
use layer::Layer;
use options::OPTIONS;
use place::Place;
use rule::{BIAS, Bias, RuleKind};
use trace::{NodeRelevance, Trace};

/// A composite as a method.
#[derive(Debug)]
pub struct Lrp {
    composite: Composite,
    options: Options,
}

impl Lrp {
    /// The method that a composite makes.
    pub fn new(composite: Composite, options: Options) -> Lrp {
        Lrp { composite, options }
    }

    /// The map from layers to rules.
    pub fn composite(&self) -> &Composite {
        &self.composite
    }
}

impl Propagate for Lrp {
    fn propagate(
        &self,
        case: &Case<'_>,
        trace: Option<&mut Trace>,
        watch: Watch<'_>,
    ) -> Result<Tensor, ExplainError> {
        let exact = case.graph.careful_values(case.acts);
        let case = &Case { acts: exact.as_ref().unwrap_or(case.acts), ..*case };
        let plan = self.composite.resolve(case.graph)?;
        let seed = self.options.start.relevance(case)?;
        let mut rows = trace;
        case.graph.backward(seed, |id, arrived| {
            let (options, node) = (self.options, case.graph.node(id));
            let step = Step { case, options, id, node, arrived: &arrived };
            watch(id, &arrived);
            let sent = step.send(plan[id.0], rows.is_some())?;
            step.check(&sent)?;
            if let Some(rows) = &mut rows {
                rows.push(NodeRelevance::new(&step, &sent));
            }
            let Some(messages) = sent.messages else { return Ok(vec![arrived]) };
            arrived.give_back();
            Ok(messages)
        })
    }
}

impl Explainer for Lrp {
    fn fits(&self, graph: &Graph) -> Result<(), ExplainError> {
        rules_are_known(graph, self.options)?;
        self.composite.resolve(graph).map(drop)
    }

    fn attribute(&self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        self.propagate(case, None, &mut |_, _| ())
    }

    fn total(&self, case: &Case<'_>) -> Result<Option<Total>, ExplainError> {
        Ok(Some(Total::proven(self.options.start.relevance(case)?.sum())))
    }

    fn kind(&self) -> Kind<'_> {
        Kind::Propagated(self)
    }
}

/// Whether there is a rule for every node that relevance can come to.
pub fn rules_are_known(graph: &Graph, options: Options) -> Result<(), ExplainError> {
    let receives = receivers(graph, options);
    roles_are_known(graph, "LRP", |id, role| !receives[id.0] || !matches!(role, Role::Other))
}

/// For each node whether relevance can come to it: all that the scores depend on but for gates, where
/// the signal gets all, and attention that is a constant.
fn receivers(graph: &Graph, options: Options) -> Vec<bool> {
    let mut receives = vec![false; graph.len()];
    receives[graph.output().0] = true;
    for (id, node) in graph.nodes().rev().filter(|(id, _)| id.0 > 0) {
        if !receives[id.0] {
            continue;
        }
        let constant = match (options, node.op.role()) {
            (Options { product: Product::Signal, .. }, Role::Product) => gate::gate_of(graph, node),
            (Options { attention, .. }, Role::MatMul(_)) => {
                attention::constant(graph, node, attention)
            }
            _ => None,
        };
        let inputs = node.inputs.iter().enumerate().filter(|(k, _)| Some(*k) != constant);
        inputs.for_each(|(_, from)| receives[from.0] = true);
    }
    receives
}

/// A rule on every linear layer, as a method.
pub const fn method<K: RuleKind>() -> Entry<dyn Explainer> {
    Entry {
        id: K::ID,
        summary: K::SUMMARY,
        cite: K::CITE,
        params: AsMethod::<K>::PARAMS,
        build: |args| Ok(Box::new(everywhere::<K>(args)?)),
    }
}

fn everywhere<K: RuleKind>(args: &Args) -> Result<Lrp, SpecError> {
    let lines = vec![(Place::any(), rule::named::<K>(args)?.name)];
    Ok(Lrp::new(Composite::with_scalings(lines, args.text(BIAS.key))?, Options::of(args)))
}

/// The parameters of a rule used as a method: its own, then [`OPTIONS`].
struct AsMethod<K>(std::marker::PhantomData<K>);

impl<K: RuleKind> AsMethod<K> {
    const COUNT: usize = K::PARAMS.len() + OPTIONS.len();
    const PADDED: [Param; 16] = {
        let mut all = [START; 16];
        let mut i = 0;
        while i < Self::COUNT {
            let own = K::PARAMS.len();
            all[i] = if i < own { K::PARAMS[i] } else { OPTIONS[i - own] };
            i += 1;
        }
        all
    };
    const PARAMS: &'static [Param] = Self::PADDED.split_at(Self::COUNT).0;
}

/// One node on the way back.
struct Step<'a> {
    case: &'a Case<'a>,
    options: Options,
    id: NodeId,
    node: &'a Node,
    arrived: &'a Tensor,
}

/// What a node does with the relevance that arrived.
struct Sent {
    /// One tensor per input; `None` where what arrived goes on as it is to the only one.
    messages: Option<Vec<Tensor>>,
    /// What was done, as a trace prints it.
    by: String,
    /// Whether the bias takes part; `None` without a rule.
    bias: Option<Bias>,
    /// Relevance given to the bias; computed for traces only.
    to_bias: f64,
}

impl Step<'_> {
    fn send(&self, assignment: Assignment<'_>, trace: bool) -> Result<Sent, ExplainError> {
        match (self.node.op.role(), assignment) {
            (Role::Linear(linear) | Role::Scale(linear), Assignment::Rule(rule)) => {
                self.by_rule(linear, rule, trace)
            }
            (Role::Linear(_) | Role::Scale(_) | Role::Activation, _) => self.pass(),
            (Role::Normalisation(lrn), _) => self.normalisation(lrn),
            (Role::LayerNorm(_), _) if self.options.attention == Attention::Passed => self.pass(),
            (Role::LayerNorm(norm), _) => Ok(self.layer_norm(norm, trace)),
            (Role::Product, _) => Ok(self.product()),
            (Role::MatMul(product), _) => Ok(self.matrices(product)),
            (Role::Softmax, _) => self.softmax(),
            (Role::Average(_), _) => Ok(self.sum(&[1.0])),
            (Role::Sum(signs), _) => Ok(self.sum(signs)),
            (Role::MaxPool(pool), _) => Ok(self.max(pool)),
            (Role::Extreme, _) => Ok(Sent::new(self.vjp(self.arrived), "winner")),
            (Role::Route, _) => Ok(Sent::new(self.vjp(self.arrived), "route")),
            // behind a gate, to which nothing comes
            (Role::Other, _) if !self.arrived.any(|r| r != 0.0) => Ok(self.nothing("gate")),
            (Role::Other, _) => Err(ExplainError::no_rule(self.node, "LRP")),
        }
    }

    /// Names the node where relevance ceases to be finite.
    fn check(&self, sent: &Sent) -> Result<(), ExplainError> {
        let wild = sent.messages.iter().flatten().find(|m| m.any(|v| !v.is_finite()));
        let mut values = wild.into_iter().flat_map(|m| &m.data);
        let (node, op) = (&self.node.name, self.node.op.name());
        let wrong = |value| ExplainError::NonFiniteAt { node: node.clone(), op, value };
        values.find(|v| !v.is_finite()).map_or(Ok(()), |value| Err(wrong(*value)))
    }

    fn by_rule(
        &self,
        linear: &dyn Linear,
        rule: &NamedRule,
        trace: bool,
    ) -> Result<Sent, ExplainError> {
        let layer = Layer::new(self, linear, &*rule.value)?;
        let messages = layer.messages(self.arrived);
        let to_bias = if trace { layer.to_bias(&messages) } else { 0.0 };
        let relevance = Some(vec![layer.gather(messages)]);
        let bias = Some(rule.value.bias());
        Ok(Sent { messages: relevance, by: rule.name.clone(), bias, to_bias })
    }

    fn pass(&self) -> Result<Sent, ExplainError> {
        let shape = self.inputs()[0].shape;
        if shape != self.arrived.shape {
            let problem = format!("its {shape} inputs cannot each pass on one output's relevance");
            return Err(self.unfit(problem));
        }
        Ok(Sent { messages: None, by: "pass".to_owned(), bias: None, to_bias: 0.0 })
    }

    fn normalisation(&self, lrn: &Lrn) -> Result<Sent, ExplainError> {
        match self.options.norm {
            Norm::Identity => self.pass(),
            Norm::Taylor => {
                let relevance = share::by_taylor(lrn, self.inputs()[0], self.arrived);
                Ok(Sent::new(vec![relevance], "taylor"))
            }
        }
    }

    fn sum(&self, signs: &[f32]) -> Sent {
        let (op, x, r, eps) = (&*self.node.op, self.inputs(), self.arrived, self.options.eps);
        match self.options.sum {
            Sum::Signed => Sent::new(share::in_proportion(op, &x, self.output(), r, eps), "norm"),
            Sum::Abs => Sent::new(share::by_size(op, &x, signs, r, eps), "norm:sum=abs"),
            Sum::Totals => {
                let shared = share::in_proportion(op, &x, self.output(), r, eps);
                Sent::new(share::by_totals(shared, r), "norm:sum=totals")
            }
        }
    }

    fn product(&self) -> Sent {
        let gate = match self.options.product {
            Product::Signal => gate::gate_of(self.case.graph, self.node),
            Product::Half => None,
            Product::Epsilon => {
                let (x, eps) = (self.inputs(), self.options.eps);
                let shared = share::product(&x, self.output(), self.arrived, eps);
                return Sent::new(shared, "product=epsilon");
            }
        };
        let shares = match gate {
            None => [0.5, 0.5],
            Some(0) => [0.0, 1.0],
            Some(_) => [1.0, 0.0],
        };
        let by = if gate.is_some() { "product=signal" } else { "product=half" };
        Sent::new(share::parts(&self.inputs(), self.arrived, shares), by)
    }

    fn layer_norm(&self, norm: &LayerNorm, trace: bool) -> Sent {
        let (x, y, r, eps) = (self.inputs()[0], self.output(), self.arrived, self.options.eps);
        let sent = Sent::new(vec![share::by_layer_norm(norm, x, y, r, eps)], "layer-norm");
        let to_bias = if trace { share::to_bias_of_norm(norm, y, r, eps) } else { 0.0 };
        Sent { to_bias, ..sent }
    }

    fn matrices(&self, product: &MatMul) -> Sent {
        let (x, y, r, eps) = (self.inputs(), self.output(), self.arrived, self.options.eps);
        match attention::constant(self.case.graph, self.node, self.options.attention) {
            None => Sent::new(attention::halves(product, &x, y, r, eps), "matmul"),
            Some(weights) => {
                let shared = attention::to_values(product, weights, &x, y, r, eps);
                Sent::new(shared, "matmul:attention=constant")
            }
        }
    }

    fn softmax(&self) -> Result<Sent, ExplainError> {
        match self.options.attention {
            Attention::Passed => self.pass(),
            Attention::Constant => Ok(self.nothing("softmax:attention=constant")),
            Attention::Shared => {
                let sent = attention::by_softmax(self.inputs()[0], self.output(), self.arrived);
                Ok(Sent::new(vec![sent], "softmax"))
            }
        }
    }

    fn nothing(&self, by: &str) -> Sent {
        Sent::new(self.inputs().into_iter().map(|x| Tensor::zeros(x.shape)).collect(), by)
    }

    fn max(&self, pool: &MaxPool) -> Sent {
        let (x, r) = (self.inputs()[0], self.arrived);
        match self.options.max {
            Max::Winner => Sent::new(self.vjp(r), "winner"),
            Max::Ties => {
                Sent::new(vec![share::among_winners(pool, x, self.output(), r)], "winners")
            }
            Max::Average => {
                Sent::new(vec![share::as_average(pool, x, r, self.options.eps)], "average")
            }
        }
    }

    fn vjp(&self, s: &Tensor) -> Vec<Tensor> {
        let ins = self.inputs();
        (0..ins.len()).map(|k| self.node.op.vjp(&ins, self.output(), s, k)).collect()
    }

    fn inputs(&self) -> Vec<&Tensor> {
        self.node.inputs.iter().map(|k| self.case.acts.value(*k)).collect()
    }

    fn output(&self) -> &Tensor {
        self.case.acts.value(self.id)
    }

    fn unfit(&self, problem: String) -> ExplainError {
        ExplainError::Unfit { node: self.node.name.clone(), op: self.node.op.name(), problem }
    }
}

impl Sent {
    fn new(messages: Vec<Tensor>, by: &str) -> Sent {
        Sent { messages: Some(messages), by: by.to_owned(), bias: None, to_bias: 0.0 }
    }
}
