//! Backward passes that treat rectifiers differently from the gradient: deconvolution and guided
//! backpropagation.

use super::{Case, ExplainError, Explainer, Pool, has_gradient, pool::Norm};
use crate::{
    base::registry::{Args, Entry, Kind, Param},
    nn::{
        graph::Graph,
        graph::NodeId,
        op::{Cpu, Function},
        tensor::Tensor,
    },
};

/// What a rectifier sends back, given the signal `s` that arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rectifier {
    /// `max(s, 0)`, whatever its input was.
    Deconvolution,
    /// The gradient where `s > 0`, else 0.
    Guided,
}

/// The backward pass of the gradient, started with 1 at the target, except at rectifiers
/// (`ReLU` and its clipped and leaky forms): *deconvolution* passes on the positive part of the
/// signal, *guided backpropagation* the gradient where the signal is positive. Max-pools send the
/// signal to the winner. Channels are pooled by a norm, as for the sensitivity.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `norm` | `l2` | `l2`, `linf` |
///
/// Source: Zeiler and Fergus 2014, sec. 2; Springenberg et al. 2015, sec. 3.4; pooling as in Samek
/// et al. 2017, sec. III-B.
#[derive(Debug)]
pub struct Backprop {
    rectifier: Rectifier,
    pool: Pool,
}

/// `deconvolution`
pub const DECONVOLUTION: Entry<dyn Explainer> = Entry {
    id: "deconvolution",
    summary: "backward pass that rectifies the signal; norm over channels",
    cite: "zeiler2014visualizing",
    params: &[NORM],
    build: |args| Ok(Box::new(Backprop::new(Rectifier::Deconvolution, args))),
};

/// `guided-backprop`
pub const GUIDED: Entry<dyn Explainer> = Entry {
    id: "guided-backprop",
    summary: "gradient that only positive signals get through; norm over channels",
    cite: "springenberg2015striving",
    params: &[NORM],
    build: |args| Ok(Box::new(Backprop::new(Rectifier::Guided, args))),
};

const NORM: Param = Param {
    key: "norm",
    default: "l2",
    kind: Kind::Word(Norm::WORDS),
    help: "norm over the channels of a pixel",
};

impl Backprop {
    fn new(rectifier: Rectifier, args: &Args) -> Backprop {
        let pool = args.word::<Norm>(NORM.key).pool();
        Backprop { rectifier, pool }
    }
}

impl Explainer for Backprop {
    fn fits(&self, graph: &Graph) -> Result<(), ExplainError> {
        has_gradient(graph)
    }

    fn attribute(&self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        signal(case, self.rectifier)
    }

    fn pool(&self) -> Pool {
        self.pool
    }

    fn holds_input(&self) -> bool {
        false
    }
}

/// Guided backpropagation, shape of the input.
pub(super) fn guided(case: &Case<'_>) -> Result<Tensor, ExplainError> {
    signal(case, Rectifier::Guided)
}

fn signal(case: &Case<'_>, rectifier: Rectifier) -> Result<Tensor, ExplainError> {
    let seed = case.graph.seed(case.target, 1.0);
    case.graph.backward(seed, |id, arrived| Ok(step(case, rectifier, id, &arrived)))
}

fn step(case: &Case<'_>, rectifier: Rectifier, id: NodeId, arrived: &Tensor) -> Vec<Tensor> {
    let node = case.graph.node(id);
    let positive = |v: f32| v.max(0.0);
    if is_rectifier(&*node.op) && rectifier == Rectifier::Deconvolution {
        return vec![arrived.map(positive)];
    }
    let clipped = is_rectifier(&*node.op).then(|| arrived.map(positive));
    let signal = clipped.as_ref().unwrap_or(arrived);
    let ins: Vec<&Tensor> = node.inputs.iter().map(|k| case.acts.value(*k)).collect();
    (0..ins.len()).map(|k| node.op.vjp(&ins, case.acts.value(id), signal, k)).collect()
}

fn is_rectifier(op: &dyn Cpu) -> bool {
    matches!(
        op.function(),
        Some(Function::Relu | Function::LeakyRelu { .. } | Function::Clip { .. })
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::op::Unary;
    use crate::{
        base::{geom::Shape, rng::Seed},
        nn::{graph::Graph, op::Dense},
    };

    #[test]
    fn signals_through_a_rectifier_by_hand() {
        // hidden sums (1, -1, 2) of x = 1, output weights (3, 4, -5): the gradient of the rectifier's
        // input is (3, 0, -5), its positive signals are 3 and 4
        let mut graph = Graph::new(Shape::vector(1));
        let x = graph.input();
        let first = Dense::new(vec![1.0, -1.0, 2.0], 3, Shape::vector(1), vec![]).unwrap();
        let at = graph.push("fc1", Box::new(first), &[x]).unwrap();
        let at = graph.push("relu", Box::new(Unary::new(Function::Relu)), &[at]).unwrap();
        let second = Dense::new(vec![3.0, 4.0, -5.0], 1, Shape::vector(3), vec![]).unwrap();
        graph.push("fc2", Box::new(second), &[at]).unwrap();
        let acts = graph.forward(&Tensor::vector(vec![1.0]));
        let (graph, acts, seed) = (&graph, &acts, Seed(0));
        let case = Case { graph, acts, target: 0, low: &[0.0], high: &[1.0], seed, image: "" };
        let of = |rectifier| signal(&case, rectifier).unwrap().data;
        assert_eq!(case.gradient().unwrap().data, [3.0 - 10.0]);
        assert_eq!(of(Rectifier::Deconvolution), [3.0 - 4.0]);
        assert_eq!(of(Rectifier::Guided), [3.0]);
    }
}
