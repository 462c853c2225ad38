//! The end of a network: what makes probabilities of its scores is cut off, and said.
//!
//! Probabilities saturate, so what is explained and watched are the logits before them. A single
//! logit `z` decides between two classes. They become scores of their own, `-z` for class 0 and `z`
//! for class 1: both are computed by the last layer, so that relevance propagation from either side
//! begins with weights of the right signs.

use super::{Draft, Part, ending::Ending};
use crate::{
    base::geom::Shape,
    graph::{Graph, Node, NodeId},
    head::{Declared, Head},
    op::{Affine, AvgPool, Concat, Conv, Cpu, Dense, Function, Softmax, Transpose},
};
use std::sync::Arc;

/// What the scores are said to be, and cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// The file says otherwise.
    #[error("the network ends in `{node}` ({op}), so it cannot be \"{}\"", .declared)]
    Otherwise {
        /// What was said.
        declared: Declared,
        /// The node at the end.
        node: String,
        /// Its operator.
        op: &'static str,
    },
    /// A softmax of one score.
    #[error("the network has a single output, whose softmax is 1 for every picture")]
    SoftmaxOfOne,
}

impl Draft<'_> {
    /// Cuts off what makes probabilities, and tells what is left.
    pub(super) fn cut_head(&mut self, declared: Option<Declared>) -> Result<Head, HeadError> {
        let last = self.behind_reshapes(self.output);
        if let Some(head) = self.cut_complement(last, declared)? {
            return Ok(head);
        }
        let single = self.nodes[last].shape.len() == 1;
        let head = match (self.end(last), declared) {
            (End::Makes(_, Ending::Softmax), None | Some(Declared::Softmax))
            | (End::Open | End::Bent, Some(Declared::Softmax))
                if single =>
            {
                return Err(HeadError::SoftmaxOfOne);
            }
            (End::Makes(scores, ending), declared)
                if declared.is_none_or(|declared| declared == ending.declared()) =>
            {
                self.cut(last, scores, ending);
                match ending {
                    Ending::Softmax => Head::Softmax,
                    Ending::Sigmoid | Ending::Complement if single => Head::OneLogit,
                    Ending::Sigmoid | Ending::Complement => Head::Sigmoid,
                }
            }
            (End::Open | End::Bent, None) if single => {
                self.notes.push(ONE_VALUE.to_owned());
                Head::Values
            }
            (End::Bounded, None | Some(Declared::Values)) | (End::Bent, None) => {
                self.notes.push(self.stays(last));
                Head::Values
            }
            (End::Open | End::Bent, Some(Declared::Sigmoid)) if single => Head::OneLogit,
            (End::Open | End::Bent, Some(Declared::Sigmoid)) => Head::Sigmoid,
            (End::Open | End::Bent, Some(Declared::Values)) => Head::Values,
            (End::Open, None) | (End::Open | End::Bent, Some(Declared::Softmax)) => Head::Softmax,
            (_, Some(declared)) => return Err(self.otherwise(last, declared)),
            (End::Makes(..), None) => unreachable!("what nobody declares is cut off"),
        };
        Ok(head)
    }

    fn stays(&self, last: usize) -> String {
        let Part { name, op, .. } = &self.nodes[last];
        let what = "stays at the end: scores are its values, which have no probabilities";
        format!("`{name}` ({}) {what}", op.name())
    }

    fn otherwise(&self, last: usize, declared: Declared) -> HeadError {
        let Part { name, op, .. } = &self.nodes[last];
        HeadError::Otherwise { declared, node: (*name).to_owned(), op: op.name() }
    }

    /// Cuts off `[1 - sigmoid(z), sigmoid(z)]`, in either order.
    fn cut_complement(
        &mut self,
        last: usize,
        declared: Option<Declared>,
    ) -> Result<Option<Head>, HeadError> {
        let Some((sigmoid, second)) = self.complement(last) else { return Ok(None) };
        if let Some(other) = declared.filter(|d| *d != Declared::Sigmoid) {
            return Err(self.otherwise(last, other));
        }
        self.notes.push(format!(
            "trailing sigmoid `{}` and its complement cut off: scores are logits",
            self.nodes[sigmoid].name
        ));
        self.output = self.nodes[sigmoid].inputs[0];
        if !second {
            // the sigmoid is the probability of class 0
            self.negate("the logit of class 1");
        }
        Ok(Some(Head::OneLogit))
    }

    /// The sigmoid of a single value that a node puts beside its complement, and whether it stands in
    /// the second place.
    fn complement(&self, last: usize) -> Option<(usize, bool)> {
        self.nodes[last].op::<Concat>()?;
        let &[a, b] = &self.nodes[last].inputs[..] else { return None };
        let of = |one: usize, other: usize| {
            let (one, other) = (self.behind_reshapes(one), self.behind_reshapes(other));
            let affine = self.nodes[other].op::<Affine>()?;
            let minus = affine.scale() == [-1.0] && affine.shift() == [1.0];
            let same = self.behind_reshapes(*self.nodes[other].inputs.first()?) == one;
            let is_sigmoid = self.nodes[one].op.function() == Some(Function::Sigmoid);
            let single = self.nodes[one].shape.len() == 1;
            (minus && same && is_sigmoid && single).then_some(one)
        };
        of(b, a).map(|at| (at, true)).or_else(|| of(a, b).map(|at| (at, false)))
    }

    /// Makes minus the output the output.
    fn negate(&mut self, name: &'static str) {
        let (input, shape) = (self.output, self.nodes[self.output].shape);
        let op: Arc<dyn Cpu> = Arc::new(Affine::new("Neg", vec![-1.0], vec![0.0]));
        self.nodes.push(Part { name, op, inputs: vec![input], shape });
        self.output = self.nodes.len() - 1;
    }

    /// The node from `at` backwards that does more than give values another shape.
    fn behind_reshapes(&self, mut at: usize) -> usize {
        while self.nodes[at].op::<Transpose>().is_some() {
            at = self.nodes[at].inputs[0];
        }
        at
    }

    fn end(&self, last: usize) -> End {
        let node = &self.nodes[last];
        let (function, softmax) = (node.op.function(), node.op::<Softmax>().is_some());
        // of a map with several pixels it is no softmax over the classes
        let of_classes = node.shape.h * node.shape.w == 1;
        if softmax && of_classes {
            return End::Makes(node.inputs[0], Ending::Softmax);
        }
        if function == Some(Function::Sigmoid) {
            return End::Makes(node.inputs[0], Ending::Sigmoid);
        }
        if let Some((scores, ending)) = self.ending(last) {
            return End::Makes(scores, ending);
        }
        if self.bends_probabilities(last) {
            return End::Bounded;
        }
        function.map_or(End::Open, end_of)
    }

    /// Makes the scores before an ending those of the network.
    fn cut(&mut self, last: usize, scores: usize, ending: Ending) {
        let (name, source) = (self.nodes[last].name, self.nodes[scores].name);
        let what = ending.declared().name();
        if self.nodes[last].inputs == [scores] {
            self.notes.push(format!("trailing {what} `{name}` cut off: scores are logits"));
            self.redirect_scores(last, scores);
        } else {
            let note =
                format!("operators up to `{name}` read as a {what} of `{source}` and cut off");
            self.notes.push(format!("{note}: scores are logits"));
            self.output = scores;
        }
        if ending == Ending::Complement {
            self.negate("minus the scores");
        }
    }

    /// The way from `from` to the scores begins at `to`; other readers stay.
    fn redirect_scores(&mut self, from: usize, to: usize) {
        if self.output == from {
            self.output = to;
            return;
        }
        let mut at = self.output;
        while self.nodes[at].inputs[0] != from {
            at = self.nodes[at].inputs[0];
        }
        self.nodes[at].inputs[0] = to;
    }

    /// Makes two scores of a single logit, at the last layer where that has no other reader.
    pub(super) fn settle(&mut self, head: Head) -> Head {
        if head == Head::OneLogit {
            let by = self.both_sides_of_last_layer().unwrap_or_else(|| self.add_other_side());
            self.notes.push(format!(
                "one logit for two classes: class 1 has it as score, class 0 has minus the logit \
                 (`{by}` gives both)"
            ));
        }
        head
    }

    /// Name of the last layer, which gives both scores afterwards; `None` where something lies behind
    /// it that mixes or bends.
    fn both_sides_of_last_layer(&mut self) -> Option<String> {
        let readers = self.readers();
        let (mut at, mut behind) = (self.output, vec![]);
        let layer: Arc<dyn Cpu> = loop {
            let node = &self.nodes[at];
            if readers[at] != 1 {
                return None;
            }
            if let Some(conv) = node.op::<Conv>() {
                break Arc::new(conv.both_sides()?);
            }
            if let Some(dense) = node.op::<Dense>() {
                break Arc::new(dense.both_sides()?);
            }
            // these take any number of channels
            let flat =
                node.op::<Transpose>().is_some() && self.nodes[node.inputs[0]].shape.len() == 1;
            if !flat && node.op::<AvgPool>().is_none() {
                return None;
            }
            behind.push(at);
            at = node.inputs[0];
        };
        self.nodes[at].op = layer;
        self.nodes[at].shape.c = 2;
        for k in behind {
            if self.nodes[k].op::<Transpose>().is_some() {
                let to = Shape::vector(2);
                self.nodes[k].op = Arc::new(Transpose::view(to, to).expect("as many values"));
            }
            self.nodes[k].shape.c = 2;
        }
        Some(self.nodes[at].name.to_owned())
    }

    /// Puts minus the logit beside it.
    fn add_other_side(&mut self) -> String {
        let logit = self.output;
        let shape = self.nodes[logit].shape;
        self.negate("minus the logit");
        let inputs = vec![self.output, logit];
        let (name, shape) = ("both scores", Shape { c: 2, ..shape });
        self.nodes.push(Part { name, op: Arc::new(Concat::new()), inputs, shape });
        self.output = self.nodes.len() - 1;
        name.to_owned()
    }
}

/// Says through which activations relevance should not be handed as it is: those that are not 0 at 0.
/// Gates, which are only multiplied with, are left out.
pub fn bent(graph: &Graph) -> Option<String> {
    let is_gate = |id: NodeId| {
        let mut readers = graph.nodes().filter(|(_, node)| node.inputs.contains(&id)).peekable();
        readers.peek().is_some() && readers.all(|(_, node)| node.op.name() == "Mul")
    };
    let of = |(id, node): (NodeId, &Node)| {
        let function = node.op.function()?;
        let at_zero = function.value(0.0);
        let bent = at_zero != 0.0 && !is_gate(id);
        bent.then(|| format!("`{}` ({} of 0 is {at_zero:.4})", node.name, function.name()))
    };
    let all: Vec<String> = graph.nodes().filter_map(of).collect();
    (!all.is_empty()).then(|| {
        format!(
            "relevance propagation hands relevance through activations as if they were 0 at 0, which \
             {} not; below them signs may be turned",
            match &all[..] {
                [one] => format!("{one} is"),
                [first, rest @ ..] => format!("{first} and {} more are", rest.len()),
                [] => String::new(),
            }
        )
    })
}

fn end_of(function: Function) -> End {
    match function {
        Function::HardSigmoid { .. } | Function::Tanh | Function::Erf => End::Bounded,
        Function::Clip { min, max } if min.is_finite() && max.is_finite() => End::Bounded,
        Function::Exp | Function::Log | Function::Softplus | Function::Power { .. } => End::Bent,
        _ => End::Open,
    }
}

/// What a file does to its scores last.
enum End {
    /// Probabilities (or their logarithms) of the scores of a node.
    Makes(usize, Ending),
    /// Something else that no logit comes out of.
    Bounded,
    /// Values that hardly are logits; the sidecar may say otherwise.
    Bent,
    /// Nothing of the kind.
    Open,
}

/// Said of a single output that no sigmoid follows.
pub const ONE_VALUE: &str = "one output and no sigmoid: the score is the output itself, a value \
                         without probability (where it is the logit of two classes, `head = \
                         \"sigmoid\"` in the sidecar says so)";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        canon::canonicalise,
        op::{Add, ConvGeometry, Unary},
        tensor::Tensor,
    };
    use std::collections::BTreeMap;

    const INPUT: Shape = Shape::new(2, 3, 2);

    fn wave(n: usize) -> Vec<f32> {
        (0..n).map(|i| (i as f32 * 0.7).sin()).collect()
    }

    fn dense(outputs: usize) -> Graph {
        let mut graph = Graph::new(INPUT);
        let dense = Dense::new(wave(12 * outputs), outputs, INPUT, wave(outputs + 1)[1..].to_vec());
        graph.push("fc", Box::new(dense.unwrap()), &[graph.input()]).unwrap();
        graph
    }

    fn then(mut graph: Graph, name: &str, op: impl Cpu) -> Graph {
        let last = graph.output();
        graph.push(name, Box::new(op), &[last]).unwrap();
        graph
    }

    fn sigmoid() -> Unary {
        Unary::new(Function::Sigmoid)
    }

    fn picture() -> Tensor {
        Tensor::new(INPUT, wave(13)[1..].to_vec())
    }

    fn canonical(
        graph: &Graph,
        declared: Option<Declared>,
    ) -> Result<(Graph, Vec<String>), HeadError> {
        canonicalise(graph, &BTreeMap::new(), declared).map(|found| (found.graph, found.notes))
    }

    /// The two scores and the notes of a network with one logit, after checking the probability
    /// against the network as it is.
    fn sides(graph: &Graph, last: &str) -> Vec<String> {
        let (found, notes) = canonical(graph, None).unwrap();
        assert_eq!(found.head(), Head::OneLogit);
        let scores = found.logits(&picture());
        assert_eq!(scores.len(), 2);
        assert_eq!(scores[0].to_bits(), (-scores[1]).to_bits());
        let [whole] = graph.logits(&picture())[..] else { panic!("one output") };
        assert!((found.head().probability(&scores, 1).unwrap() - whole).abs() < 1e-6);
        assert_eq!(found.node(found.output()).name, last);
        notes
    }

    #[test]
    fn a_sigmoid_of_one_logit_gives_two_scores() {
        let notes = sides(&then(dense(1), "prob", sigmoid()), "fc");
        assert_eq!(
            notes,
            [
                "trailing sigmoid `prob` cut off: scores are logits",
                "one logit for two classes: class 1 has it as score, class 0 has minus the logit \
                 (`fc` gives both)"
            ]
        );
        // a squeeze behind it, as PyTorch writes it
        let squeezed = then(then(dense(1), "prob", sigmoid()), "squeeze", flat(1));
        sides(&squeezed, "squeeze");
    }

    fn flat(n: usize) -> Transpose {
        Transpose::view(Shape::vector(n), Shape::vector(n)).unwrap()
    }

    #[test]
    fn the_last_layer_gives_both_scores_also_through_a_pool_and_else_another_node_does() {
        let geometry = ConvGeometry {
            kernel: [2; 2],
            stride: [1; 2],
            dilation: [1; 2],
            pads: [0; 4],
            groups: 1,
        };
        let conv = || Conv::new(wave(8), 1, 2, geometry, vec![0.25]).unwrap();
        let pooled = then(then(Graph::new(INPUT), "conv", conv()), "gap", AvgPool::global("Mean"));
        sides(&then(then(pooled, "flat", flat(1)), "prob", sigmoid()), "flat");
        // two branches: no layer is the last
        let mut sum = Graph::new(INPUT);
        let fc = |seed: f32| {
            let weight = wave(12).iter().map(|w| w * seed).collect();
            Box::new(Dense::new(weight, 1, INPUT, vec![seed]).unwrap())
        };
        let a = sum.push("a", fc(0.5), &[sum.input()]).unwrap();
        let b = sum.push("b", fc(-2.0), &[sum.input()]).unwrap();
        sum.push("sum", Box::new(Add::new(vec![1.0, 1.0])), &[a, b]).unwrap();
        sides(&then(sum, "prob", sigmoid()), "both scores");
    }

    #[test]
    fn a_sigmoid_beside_its_complement_is_one_logit() {
        let both = |second: bool| {
            let mut graph = then(dense(1), "prob", sigmoid());
            let prob = graph.output();
            let complement = Affine::new("Sub", vec![-1.0], vec![1.0]);
            let other = graph.push("other", Box::new(complement), &[prob]).unwrap();
            let order = if second { [other, prob] } else { [prob, other] };
            graph.push("both", Box::new(Concat::new()), &order).unwrap();
            graph
        };
        for graph in [both(true), both(false)] {
            let (found, notes) = canonical(&graph, None).unwrap();
            assert!(
                notes[0].starts_with("trailing sigmoid `prob` and its complement"),
                "{notes:?}"
            );
            let names: Vec<&str> = found.nodes().map(|(_, n)| &n.name[..]).collect();
            assert_eq!((found.head(), &names[..]), (Head::OneLogit, &["input", "fc"][..]));
            let probabilities = found.head().probabilities(&found.logits(&picture())).unwrap();
            for (found, whole) in probabilities.iter().zip(graph.logits(&picture())) {
                assert!((found - whole).abs() < 1e-6, "{probabilities:?}");
            }
        }
    }

    #[test]
    fn each_class_has_its_own_sigmoid() {
        let graph = then(dense(3), "prob", sigmoid());
        let (found, notes) = canonical(&graph, None).unwrap();
        assert_eq!(found.head(), Head::Sigmoid);
        assert_eq!(notes, ["trailing sigmoid `prob` cut off: scores are logits"]);
        let probabilities = found.head().probabilities(&found.logits(&picture())).unwrap();
        for (found, whole) in probabilities.iter().zip(graph.logits(&picture())) {
            assert!((found - whole).abs() < 1e-6);
        }
    }

    #[test]
    fn bare_scores_are_what_the_sidecar_says() {
        let head = |outputs, declared| canonical(&dense(outputs), declared).unwrap().0.head();
        assert_eq!(head(1, None), Head::Values);
        assert_eq!(head(1, Some(Declared::Sigmoid)), Head::OneLogit);
        assert_eq!(head(3, None), Head::Softmax);
        assert_eq!(head(3, Some(Declared::Sigmoid)), Head::Sigmoid);
        assert_eq!(head(3, Some(Declared::Values)), Head::Values);
        let (graph, notes) = canonical(&dense(1), None).unwrap();
        assert_eq!((graph.classes(), &notes[..]), (1, &[ONE_VALUE.to_owned()][..]));
        assert_eq!(graph.logits(&picture()), dense(1).logits(&picture()));
    }

    #[test]
    fn what_no_logit_comes_out_of_stays() {
        let hard = Unary::new(Function::HardSigmoid { alpha: 0.2, beta: 0.5 });
        let graph = then(dense(3), "hard", hard);
        let (found, notes) = canonical(&graph, None).unwrap();
        assert_eq!(found.head(), Head::Values);
        assert_eq!(found.logits(&picture()), graph.logits(&picture()));
        assert!(notes[0].starts_with("`hard` (HardSigmoid) stays at the end"), "{notes:?}");
        // of two softmaxes in a row the second makes the probabilities
        let twice = then(then(dense(3), "first", Softmax::new()), "second", Softmax::new());
        let (found, _) = canonical(&twice, None).unwrap();
        let scores = found.logits(&picture());
        assert_eq!(found.node(found.output()).name, "first");
        assert_eq!(found.head().probabilities(&scores).unwrap(), twice.logits(&picture()));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let refused = |graph: &Graph, declared| canonical(graph, declared).unwrap_err().to_string();
        let soft = then(dense(3), "soft", Softmax::new());
        let single = then(dense(1), "soft", Softmax::new());
        insta::assert_snapshot!(
            [
                refused(&soft, Some(Declared::Sigmoid)),
                refused(&then(dense(3), "prob", sigmoid()), Some(Declared::Softmax)),
                refused(&single, None),
                refused(&dense(1), Some(Declared::Softmax)),
            ]
            .join("\n")
        );
    }

    #[test]
    fn activations_that_are_not_0_at_0_are_named_but_for_gates() {
        let inner = then(dense(12), "inner", sigmoid());
        let inner = then(inner, "top", Dense::new(wave(24), 2, Shape::vector(12), vec![]).unwrap());
        let (_, notes) = canonical(&inner, None).unwrap();
        insta::assert_snapshot!(notes.join("\n"));
        let mut gated = dense(12);
        let fc = gated.output();
        let gate = gated.push("gate", Box::new(sigmoid()), &[fc]).unwrap();
        gated.push("product", Box::new(crate::op::Mul::new()), &[gate, fc]).unwrap();
        assert_eq!(bent(&gated), None);
        assert_eq!(bent(&then(dense(2), "tanh", Unary::new(Function::Tanh))), None);
    }
}
