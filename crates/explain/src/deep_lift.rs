//! Differences from a reference picture, handed back layer by layer.

use super::{Case, ExplainError, Explainer, Total, reference::Reference, roles_are_known};
use crate::{
    base::registry::{Entry, Kind, Param},
    nn::{
        graph::{Activations, Graph, NodeId},
        op::{MaxPool, Role},
        tensor::Tensor,
    },
};

/// Changes of a value below this share of it are rounding; the gradient stands for their slope.
const SMALL: f32 = 1e-6;

/// `DeepLIFT` with the rescale rule: `R_i = m_i (x_i - x'_i)`, where the multiplier `m` is handed
/// back from 1 at the target. Linear nodes multiply it by their weights, an activation by
/// `(y - y') / (x - x')`, with the values at the picture and at the reference; where the two inputs
/// are equal, by the gradient. A max-pool hands what its output gained, `max(y, y') - y'`, to the
/// winner at the picture, and what it lost, `y - max(y, y')`, to the winner at the reference. So
/// the relevance adds up to `f(x) - f(x')`. Local response normalisation, for which the paper has no
/// rule, sends its gradient and breaks the sum. Shape of the input.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `baseline` | `black` | `black`, `grey`, `white`, `zero` (after normalisation) |
///
/// Source: Shrikumar et al. 2017, sec. 3.5 (linear and rescale rule).
#[derive(Debug)]
pub struct DeepLift {
    baseline: Reference,
}

/// `deep-lift`
pub const ENTRY: Entry<dyn Explainer> = Entry {
    id: "deep-lift",
    summary: "DeepLIFT, rescale rule: difference from a reference picture, handed back",
    cite: "shrikumar2017learning",
    params: &[Param {
        key: "baseline",
        default: "black",
        kind: Kind::Word(Reference::WORDS),
        help: "the reference picture",
    }],
    build: |args| Ok(Box::new(DeepLift { baseline: args.word("baseline") })),
};

impl Explainer for DeepLift {
    fn fits(&self, graph: &Graph) -> Result<(), ExplainError> {
        roles_are_known(graph, "DeepLIFT", |_, role| !has_no_multiplier(role))
    }

    fn attribute(&self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        let from = self.baseline.picture(case)?;
        let pair = Pair { case, before: &case.graph.forward(&from) };
        let seed = case.graph.seed(case.target, 1.0);
        let mut relevance = case.graph.backward(seed, |id, m| pair.send(id, &m))?;
        let ways = case.input().data.iter().zip(&from.data);
        relevance.data.iter_mut().zip(ways).for_each(|(r, (x, from))| *r *= x - from);
        Ok(relevance)
    }

    fn total(&self, case: &Case<'_>) -> Result<Option<Total>, ExplainError> {
        let from = self.baseline.picture(case)?;
        Ok(Some(Total::proven(f64::from(case.score()) - f64::from(case.score_at(&from)))))
    }
}

/// What the rescale rule says nothing of.
fn has_no_multiplier(role: Role<'_>) -> bool {
    matches!(
        role,
        Role::Product
            | Role::Extreme
            | Role::LayerNorm(_)
            | Role::MatMul(_)
            | Role::Softmax
            | Role::Other
    )
}

/// The network at the picture and at the reference.
struct Pair<'a> {
    case: &'a Case<'a>,
    before: &'a Activations,
}

impl Pair<'_> {
    /// The multipliers of a node's inputs, given that of its output.
    fn send(&self, id: NodeId, m: &Tensor) -> Result<Vec<Tensor>, ExplainError> {
        let node = self.case.graph.node(id);
        let acts = self.case.acts;
        let ins: Vec<&Tensor> = node.inputs.iter().map(|k| acts.value(*k)).collect();
        let gradient = |k| node.op.vjp(&ins, acts.value(id), m, k);
        match node.op.role() {
            Role::Activation => {
                let slopes = Slopes::new(ins[0], self.before.value(node.inputs[0]));
                let (y, y0) = (&acts.value(id).data, &self.before.value(id).data);
                let rises = y.iter().zip(y0).zip(&m.data).map(|((y, y0), m)| m * (y - y0));
                Ok(vec![slopes.slopes(rises, &gradient(0))])
            }
            Role::MaxPool(pool) => Ok(vec![self.max(pool, id, m, &gradient(0))]),
            role if has_no_multiplier(role) => Err(ExplainError::no_rule(node, "DeepLIFT")),
            _ => Ok((0..ins.len()).map(gradient).collect()),
        }
    }

    fn max(&self, pool: &MaxPool, id: NodeId, m: &Tensor, gradient: &Tensor) -> Tensor {
        let input = self.case.graph.node(id).inputs[0];
        let (x, x0) = (self.case.acts.value(input), self.before.value(input));
        let (y, y0) = (self.case.acts.value(id), self.before.value(id));
        let mut rises = vec![0.0; x.data.len()];
        let winners = pool.winners(x, y).into_iter().zip(pool.winners(x0, y0));
        let outputs = y.data.iter().zip(&y0.data).zip(&m.data);
        for ((winner, before), ((y, y0), m)) in winners.zip(outputs) {
            let larger = y.max(*y0);
            for (at, rise) in [(winner, larger - y0), (before, y - larger)] {
                // there is none where all inputs are negative infinity
                if let Some(sum) = rises.get_mut(at) {
                    *sum += m * rise;
                }
            }
        }
        Slopes::new(x, x0).slopes(rises.into_iter(), gradient)
    }
}

/// What rises are divided by to become slopes.
struct Slopes<'a> {
    x: &'a Tensor,
    x0: &'a Tensor,
}

impl<'a> Slopes<'a> {
    fn new(x: &'a Tensor, x0: &'a Tensor) -> Self {
        Slopes { x, x0 }
    }

    /// `rise / (x - x')`, or the gradient where that is nothing.
    fn slopes(&self, rises: impl Iterator<Item = f32>, gradient: &Tensor) -> Tensor {
        let runs = self.x.data.iter().zip(&self.x0.data);
        let slope = |((rise, (x, x0)), gradient): ((f32, (&f32, &f32)), &f32)| {
            let run = x - x0;
            if run.abs() <= SMALL * x.abs().max(x0.abs()) { *gradient } else { rise / run }
        };
        Tensor::new(self.x.shape, rises.zip(runs).zip(&gradient.data).map(slope).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::{geom::Shape, rng::Seed},
        nn::{
            graph::Graph,
            op::{Dense, Function, Unary, Window},
        },
    };

    fn explain(graph: &Graph, x: Vec<f32>) -> (Vec<f32>, f64) {
        let acts = graph.forward(&Tensor::new(graph.input_shape(), x));
        let (low, high, seed) = ([0.0; 4], [1.0; 4], Seed(0));
        let case = Case { graph, acts: &acts, target: 0, low: &low, high: &high, seed, image: "" };
        let method = DeepLift { baseline: Reference::Zero };
        (method.attribute(&case).unwrap().data, method.total(&case).unwrap().unwrap().value)
    }

    #[test]
    fn a_saturated_output_is_shared_where_its_gradient_is_zero() {
        // y = 1 - relu(1 - x1 - x2), the example of the paper: at (1, 1) the gradient is 0
        let mut graph = Graph::new(Shape::vector(2));
        let x = graph.input();
        let first = Dense::new(vec![-1.0, -1.0], 1, Shape::vector(2), vec![1.0]).unwrap();
        let at = graph.push("fc1", Box::new(first), &[x]).unwrap();
        let at = graph.push("relu", Box::new(Unary::new(Function::Relu)), &[at]).unwrap();
        let second = Dense::new(vec![-1.0], 1, Shape::vector(1), vec![1.0]).unwrap();
        graph.push("fc2", Box::new(second), &[at]).unwrap();
        // relu: (0 - 1) / (-1 - 1) = 1/2, so each input gets 1 * 1/2
        assert_eq!(explain(&graph, vec![1.0, 1.0]), (vec![0.5, 0.5], 1.0));
    }

    #[test]
    fn a_max_pool_gives_what_it_gained_to_the_new_winner_and_what_it_lost_to_the_old_one() {
        // y = max(2 + x1, x2 - 1): the reference wins with 2 at the first
        let mut graph = Graph::new(Shape::new(1, 1, 2));
        let x = graph.input();
        let weights = vec![1.0, 0.0, 0.0, 1.0];
        let fc = Dense::new(weights, 2, Shape::new(1, 1, 2), vec![2.0, -1.0]).unwrap();
        let at = graph.push("fc", Box::new(fc), &[x]).unwrap();
        let (from, to) = (Shape::vector(2), Shape::new(1, 1, 2));
        let row = crate::nn::op::Transpose::view(from, to).unwrap();
        let at = graph.push("row", Box::new(row), &[at]).unwrap();
        let window =
            Window { kernel: [1, 2], stride: [1; 2], dilation: [1; 2], pads: [0; 4], ceil: false };
        graph.push("max", Box::new(MaxPool::new(window)), &[at]).unwrap();
        // at (-1, 7): 6 wins over 1, a gain of 4 for the second, of 7 that it rose
        assert_eq!(explain(&graph, vec![-1.0, 7.0]), (vec![0.0, 4.0], 4.0));
        // at (-1, 1): 1 stays the winner, a loss of 1 for the first
        assert_eq!(explain(&graph, vec![-1.0, 1.0]), (vec![-1.0, 0.0], -1.0));
        // at (-4, 1): 0 wins over -2, a loss of 2 for the old winner
        assert_eq!(explain(&graph, vec![-4.0, 1.0]), (vec![-2.0, 0.0], -2.0));
    }
}
