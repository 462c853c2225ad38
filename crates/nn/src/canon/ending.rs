//! Ends of networks that are written out as several operators.
//!
//! `exp(z) / sum exp(z)`, the logarithm of a softmax, `1 - sigmoid(z)` or a sigmoid kept away from 0 and 1
//! make probabilities of the scores `z` as a softmax or a sigmoid does. Files differ in how they spell
//! them, so they are recognised by their values, as activations are ([`super::activation`]).

use super::Draft;
use crate::{
    head::Declared,
    op::{Conv, Dense, Function, Softmax, softmax},
    tensor::Tensor,
};
use std::collections::{BTreeMap, BTreeSet};

/// More operators than any spelling has.
const LONGEST: usize = 16;

/// How often an end is tried, each time with other scores.
const TRIALS: usize = 6;

/// f32 rounding of logarithms and sums over thousands of classes.
const TOLERANCE: f32 = 1e-5;

/// What operators do to the scores before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// A softmax over them, or its logarithm.
    Softmax,
    /// The sigmoid of each, or its logarithm.
    Sigmoid,
    /// 1 minus that.
    Complement,
}

impl Ending {
    const ALL: [Ending; 3] = [Ending::Softmax, Ending::Sigmoid, Ending::Complement];

    /// What a sidecar calls it.
    pub(super) fn declared(self) -> Declared {
        match self {
            Ending::Softmax => Declared::Softmax,
            Ending::Sigmoid | Ending::Complement => Declared::Sigmoid,
        }
    }

    fn probabilities(self, scores: &[f32]) -> Vec<f32> {
        match self {
            Ending::Softmax => softmax(scores),
            Ending::Sigmoid => scores.iter().map(|z| Function::Sigmoid.value(*z)).collect(),
            Ending::Complement => scores.iter().map(|z| Function::Sigmoid.value(-z)).collect(),
        }
    }
}

impl Draft<'_> {
    /// What the operators up to a node do to the scores of an earlier one, and that one.
    pub(super) fn ending(&self, last: usize) -> Option<(usize, Ending)> {
        let mut inside = BTreeSet::from([last]);
        let mut open: BTreeSet<usize> = self.nodes[last].inputs.iter().copied().collect();
        while inside.len() <= LONGEST && !inside.iter().any(|at| self.is_layer(*at)) {
            // nodes are in topological order: the last one open is no input of the others
            let next = open.pop_last()?;
            let alone = open.iter().all(|at| self.is_constant(*at));
            if alone && let Some(ending) = self.does(next, last, &inside, &open) {
                return Some((next, ending));
            }
            inside.insert(next);
            open.extend(&self.nodes[next].inputs);
        }
        None
    }

    fn is_layer(&self, at: usize) -> bool {
        at == 0 || self.nodes[at].op::<Dense>().is_some() || self.nodes[at].op::<Conv>().is_some()
    }

    fn is_constant(&self, at: usize) -> bool {
        at > 0 && self.nodes[at].inputs.is_empty()
    }

    fn does(
        &self,
        source: usize,
        last: usize,
        inside: &BTreeSet<usize>,
        constants: &BTreeSet<usize>,
    ) -> Option<Ending> {
        let (from, to) = (self.nodes[source].shape, self.nodes[last].shape);
        // over several pixels it would be no probability of a class
        if from.len() != to.len() || to.h * to.w != 1 {
            return None;
        }
        let both = |ending| Written::ALL.map(|written| (ending, written));
        let mut possible: Vec<(Ending, Written)> = Ending::ALL.into_iter().flat_map(both).collect();
        for trial in 0..TRIALS {
            let wave = |i: usize| 4.0 * (1.7 * i as f32 + 2.9 * trial as f32 + 0.3).sin();
            let scores: Vec<f32> = (0..from.len()).map(wave).collect();
            let mut values = BTreeMap::from([(source, Tensor::new(from, scores.clone()))]);
            for at in constants.union(inside) {
                let node = &self.nodes[*at];
                let ins: Option<Vec<&Tensor>> = node.inputs.iter().map(|k| values.get(k)).collect();
                let value = node.op.forward(&ins?);
                values.insert(*at, value);
            }
            let found = &values[&last].data;
            possible.retain(|(ending, written)| written.is(&ending.probabilities(&scores), found));
        }
        possible.first().map(|(ending, _)| *ending)
    }

    /// Whether only functions of each score and changes of shape lie between a softmax or sigmoid and a
    /// node, so that its values are no logits.
    pub(super) fn bends_probabilities(&self, mut at: usize) -> bool {
        loop {
            let node = &self.nodes[at];
            let sigmoid = node.op.function() == Some(Function::Sigmoid);
            if sigmoid || node.op::<Softmax>().is_some() {
                return true;
            }
            let [input] = node.inputs[..] else { return false };
            if self.is_layer(at) || self.nodes[input].shape.len() != node.shape.len() {
                return false;
            }
            at = input;
        }
    }
}

/// What is written of probabilities, the same in all trials.
#[derive(Clone, Copy)]
enum Written {
    Themselves,
    Logarithms,
}

impl Written {
    const ALL: [Written; 2] = [Written::Themselves, Written::Logarithms];

    fn is(self, probabilities: &[f32], found: &[f32]) -> bool {
        let of: fn(f32) -> f32 = match self {
            Written::Themselves => |p| p,
            Written::Logarithms => f32::ln,
        };
        let close = |(p, f): (&f32, &f32)| (of(*p) - f).abs() <= TOLERANCE * f.abs().max(1.0);
        probabilities.iter().zip(found).all(close)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::geom::Shape,
        canon::{Canonical, canonicalise},
        graph::{Graph, NodeId},
        head::Head,
        op::{Add, Affine, AvgPool, Cpu, Mul, Transpose, Unary},
    };

    /// A dense layer of `outputs` scores of three values, and operators by name behind it.
    struct Net(Graph);

    impl Net {
        fn new(outputs: usize) -> Net {
            let mut graph = Graph::new(Shape::vector(3));
            let weight = (0..3 * outputs).map(|i| (i as f32 * 0.7).sin()).collect();
            let dense = Dense::new(weight, outputs, Shape::vector(3), vec![]).unwrap();
            graph.push("fc", Box::new(dense), &[graph.input()]).unwrap();
            Net(graph)
        }

        fn then(mut self, op: impl Cpu) -> Net {
            let last = self.0.output();
            self.push(op, &[last]);
            self
        }

        fn push(&mut self, op: impl Cpu, inputs: &[NodeId]) -> NodeId {
            let name = format!("n{}", self.0.nodes().count());
            self.0.push(&name, Box::new(op), inputs).unwrap()
        }

        /// `exp(z) / sum exp(z)`, as files spell it.
        fn quotient(mut self) -> Net {
            let z = self.0.output();
            let shape = self.0.node(z).shape;
            let exp = self.push(Unary::new(Function::Exp), &[z]);
            let spread = Transpose::view(shape, Shape::new(1, shape.c, 1)).unwrap();
            let spread = self.push(spread, &[exp]);
            let mean = self.push(AvgPool::global("ReduceMean"), &[spread]);
            let sum = self.push(Affine::new("Mul", vec![shape.c as f32], vec![0.0]), &[mean]);
            let inverse = self.push(Unary::new(Function::Power { exponent: -1.0 }), &[sum]);
            self.push(Mul::new(), &[exp, inverse]);
            self
        }

        /// The head, and whether the scores are those of `fc` times `sign`.
        fn is(self, head: Head, sign: f32) {
            let Canonical { graph: found, notes, .. } =
                canonicalise(&self.0, &BTreeMap::new(), None).unwrap();
            assert_eq!(found.head(), head, "{notes:?}");
            let x = Tensor::new(Shape::vector(3), vec![0.5, -1.0, 2.0]);
            let raw = self.0.forward(&x);
            let fc = self.0.nodes().find(|(_, n)| &*n.name == "fc").unwrap().0;
            let expected: Vec<f32> = raw.value(fc).data.iter().map(|v| sign * v).collect();
            assert_eq!(found.logits(&x), expected, "{notes:?}");
        }
    }

    fn unary(function: Function) -> Unary {
        Unary::new(function)
    }

    fn affine(scale: f32, shift: f32) -> Affine {
        Affine::new("Affine", vec![scale], vec![shift])
    }

    #[test]
    fn ends_are_cut_off_however_they_are_spelled() {
        let (sigmoid, log) = (|| unary(Function::Sigmoid), || unary(Function::Log));
        let clip = || unary(Function::Clip { min: 1e-7, max: 1.0 - 1e-7 });
        Net::new(4).quotient().is(Head::Softmax, 1.0);
        Net::new(4).quotient().then(log()).is(Head::Softmax, 1.0);
        Net::new(4).then(Softmax::new()).then(log()).is(Head::Softmax, 1.0);
        Net::new(4).then(Softmax::new()).then(clip()).is(Head::Softmax, 1.0);
        Net::new(4).then(sigmoid()).then(log()).is(Head::Sigmoid, 1.0);
        Net::new(4).then(sigmoid()).then(clip()).is(Head::Sigmoid, 1.0);
        Net::new(4).then(sigmoid()).then(affine(-1.0, 1.0)).is(Head::Sigmoid, -1.0);
        let sigmoid_of_minus = Net::new(4).then(affine(-1.0, 0.0)).then(sigmoid());
        sigmoid_of_minus.is(Head::Sigmoid, -1.0);
    }

    #[test]
    fn one_logit_may_be_that_of_class_0() {
        one_logit(&Net::new(1).then(unary(Function::Sigmoid)).then(affine(-1.0, 1.0)));
    }

    /// Its bounds are 1 and almost 0, as are the softmax of one score and the logarithm of that.
    #[test]
    fn one_probability_kept_away_from_0_and_1_is_a_sigmoid() {
        let clip = unary(Function::Clip { min: 1e-7, max: 1.0 - 1e-7 });
        one_logit(&Net::new(1).then(unary(Function::Sigmoid)).then(clip));
    }

    /// The network has one logit, and probabilities as before.
    fn one_logit(net: &Net) {
        let Canonical { graph: found, .. } = canonicalise(&net.0, &BTreeMap::new(), None).unwrap();
        assert_eq!(found.head(), Head::OneLogit);
        let x = Tensor::new(Shape::vector(3), vec![0.5, -1.0, 2.0]);
        let scores = found.logits(&x);
        let [probability] = net.0.logits(&x)[..] else { panic!("one output") };
        assert!((found.head().probability(&scores, 1).unwrap() - probability).abs() < 1e-6);
        assert!((scores[0] + scores[1]).abs() < 1e-6);
    }

    #[test]
    fn what_is_done_to_probabilities_gives_no_logits() {
        let values = |net: Net| {
            let Canonical { graph: found, notes, .. } =
                canonicalise(&net.0, &BTreeMap::new(), None).unwrap();
            let x = Tensor::new(Shape::vector(3), vec![0.5, -1.0, 2.0]);
            assert_eq!(found.head(), Head::Values, "{notes:?}");
            assert_eq!(found.logits(&x), net.0.logits(&x));
        };
        values(Net::new(4).then(unary(Function::Sigmoid)).then(affine(2.0, 0.0)));
        values(Net::new(4).then(Softmax::new()).then(affine(100.0, 0.0)));
        values(Net::new(4).then(unary(Function::Exp)));
        values(Net::new(4).then(unary(Function::Softplus)));
    }

    #[test]
    fn sums_of_scores_are_scores() {
        let mut net = Net::new(4);
        let z = net.0.output();
        net.push(Add::new(vec![1.0, 1.0]), &[z, z]);
        let Canonical { graph: found, .. } = canonicalise(&net.0, &BTreeMap::new(), None).unwrap();
        assert_eq!(found.head(), Head::Softmax);
        assert_eq!(found.node(found.output()).op.name(), "Add");
    }
}
