//! A network rewritten into the form that explanations and the engine expect: the same function,
//! fewer kinds of layers.
//!
//! - A trailing softmax is cut off, so the scores are logits.
//! - Batch normalisation and arithmetic with constants are folded into the convolution or dense
//!   layer before them, where that has no other reader: with `y = s z + t` per channel the weights
//!   become `s W` and the bias `s b + t`. This also makes a `MatMul` and an `Add` one dense layer.
//! - A dense layer reads the map itself instead of its flattened copy.
//! - Nodes that the scores do not need are dropped.

use super::{
    graph::{Graph, Node, NodeId},
    op::{Affine, Conv, Dense, Op, Reshape, Softmax},
};
use crate::base::geom::Shape;
use std::{any::Any, collections::BTreeMap, sync::Arc};

/// Rewrites a network. `remarks` are details of nodes, by name, for the notes about them. Returns
/// the new network and one line per change.
pub fn canonicalise(graph: &Graph, remarks: &BTreeMap<String, String>) -> (Graph, Vec<String>) {
    let mut draft = Draft::of(graph, remarks);
    draft.cut_softmax();
    draft.fold_scales();
    draft.read_maps();
    (draft.build(graph.input_shape()), draft.notes)
}

/// A network while it is rewritten. Nodes keep their positions; nodes without readers go at the end.
struct Draft<'a> {
    nodes: Vec<Part<'a>>,
    output: usize,
    remarks: &'a BTreeMap<String, String>,
    notes: Vec<String>,
}

struct Part<'a> {
    name: &'a str,
    op: Arc<dyn Op>,
    inputs: Vec<usize>,
    shape: Shape,
}

impl<'a> Part<'a> {
    fn of(node: &'a Node) -> Part<'a> {
        let inputs = node.inputs.iter().map(|id| id.0).collect();
        Part { name: &node.name, op: Arc::clone(&node.op), inputs, shape: node.shape }
    }

    /// The operator, where it is a `T`.
    fn op<T: Op>(&self) -> Option<&T> {
        (&*self.op as &dyn Any).downcast_ref()
    }
}

/// A convolution or dense layer, followed by a factor and a summand per output channel.
fn scaled_after(layer: &Part<'_>, scale: &[f32], shift: &[f32]) -> Option<Arc<dyn Op>> {
    if let Some(conv) = layer.op::<Conv>() {
        return Some(Arc::new(conv.scaled_after(scale, shift)));
    }
    let dense = layer.op::<Dense>()?;
    Some(Arc::new(dense.scaled_after(scale, shift)))
}

impl<'a> Draft<'a> {
    fn of(graph: &'a Graph, remarks: &'a BTreeMap<String, String>) -> Draft<'a> {
        let nodes = graph.nodes().map(|(_, node)| Part::of(node)).collect();
        Draft { nodes, output: graph.output().0, remarks, notes: vec![] }
    }

    /// Everyone who reads `from` reads `to` instead.
    fn redirect(&mut self, from: usize, to: usize) {
        let inputs = self.nodes.iter_mut().flat_map(|n| &mut n.inputs);
        inputs.filter(|k| **k == from).for_each(|k| *k = to);
        if self.output == from {
            self.output = to;
        }
    }

    /// Which nodes the output depends on.
    fn live(&self) -> Vec<bool> {
        let mut live = vec![false; self.nodes.len()];
        live[self.output] = true;
        live[0] = true;
        for i in (0..self.nodes.len()).rev() {
            if live[i] {
                self.nodes[i].inputs.iter().for_each(|k| live[*k] = true);
            }
        }
        live
    }

    /// How often each node is read by those that are needed, the output counted as a reader.
    fn readers(&self) -> Vec<usize> {
        let mut readers = vec![0; self.nodes.len()];
        readers[self.output] += 1;
        for (node, live) in self.nodes.iter().zip(self.live()) {
            if live {
                node.inputs.iter().for_each(|k| readers[*k] += 1);
            }
        }
        readers
    }

    fn cut_softmax(&mut self) {
        while let last = &self.nodes[self.output]
            && last.op::<Softmax>().is_some()
        {
            self.notes.push(format!("trailing softmax `{}` cut off: scores are logits", last.name));
            self.output = last.inputs[0];
        }
    }

    fn fold_scales(&mut self) {
        let mut readers = self.readers();
        for i in 1..self.nodes.len() {
            if readers[i] == 0 {
                continue;
            }
            let Some(affine) = self.nodes[i].op::<Affine>() else { continue };
            let (before, name) = (self.nodes[i].inputs[0], affine.name());
            let folded = (readers[before] == 1).then(|| self.folded(before, affine)).flatten();
            self.note_scale(name, i, before, folded.is_some());
            if let Some(op) = folded {
                self.nodes[before].op = op;
                self.redirect(i, before);
                readers[before] = readers[i];
                readers[i] = 0;
            }
        }
    }

    /// The layer at `layer` with `affine` folded in, where both fit.
    fn folded(&self, layer: usize, affine: &Affine) -> Option<Arc<dyn Op>> {
        let layer = &self.nodes[layer];
        let per_channel = |values: &[f32]| match values {
            [v] => Some(vec![*v; layer.shape.c]),
            many => (many.len() == layer.shape.c).then(|| many.to_vec()),
        };
        scaled_after(layer, &per_channel(affine.scale())?, &per_channel(affine.shift())?)
    }

    fn note_scale(&mut self, op: &str, node: usize, layer: usize, folded: bool) {
        let (name, layer) = (self.nodes[node].name, self.nodes[layer].name);
        let remark = self.remarks.get(name).map(|r| format!(" ({r})")).unwrap_or_default();
        let what = if op == "BatchNormalization" {
            format!("batch normalisation `{name}`")
        } else {
            format!("{op} `{name}`")
        };
        self.notes.push(if folded {
            format!("{what} folded into `{layer}`{remark}")
        } else {
            format!("{what} kept as scale and shift{remark}: `{layer}` before it cannot take it")
        });
    }

    fn read_maps(&mut self) {
        let live = self.live();
        for (i, _) in live.into_iter().enumerate().filter(|(_, live)| *live) {
            let Some(dense) = self.nodes[i].op::<Dense>() else { continue };
            let flat = &self.nodes[self.nodes[i].inputs[0]];
            if flat.op::<Reshape>().is_none() {
                continue;
            }
            let (map, name) = (flat.inputs[0], flat.name);
            let shape = self.nodes[map].shape;
            let op = Arc::new(dense.over(shape));
            self.nodes[i].op = op;
            self.nodes[i].inputs = vec![map];
            let layer = self.nodes[i].name;
            self.notes
                .push(format!("flatten `{name}` left out: `{layer}` reads the {shape} map itself"));
        }
    }

    fn build(&self, input: Shape) -> Graph {
        let mut graph = Graph::new(input);
        let mut ids = vec![NodeId(0); self.nodes.len()];
        let live = self.live();
        for (i, node) in self.nodes.iter().enumerate().skip(1).filter(|(i, _)| live[*i]) {
            let inputs: Vec<NodeId> = node.inputs.iter().map(|k| ids[*k]).collect();
            let op = Arc::clone(&node.op);
            ids[i] = graph
                .push_shared(node.name, op, &inputs)
                .expect("an operator is replaced by one of the same shapes");
        }
        graph.set_output(ids[self.output]);
        graph
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{
        op::{Add, ConvGeometry, Function, Unary},
        tensor::Tensor,
    };

    const INPUT: Shape = Shape::new(2, 4, 3);

    fn conv() -> Conv {
        let geometry = ConvGeometry {
            kernel: [2, 2],
            stride: [1, 1],
            dilation: [1, 1],
            pads: [0, 0, 1, 1],
            groups: 1,
        };
        let weight = (0..3 * 2 * 4).map(|i| (i as f32 * 0.7).sin()).collect();
        Conv::new(weight, 3, 2, geometry, vec![0.5, -1.0, 0.25]).unwrap()
    }

    fn dense(inputs: usize, outputs: usize) -> Dense {
        let weight = (0..inputs * outputs).map(|i| (i as f32 * 1.3).cos()).collect();
        Dense::new(weight, outputs, Shape::vector(inputs), vec![]).unwrap()
    }

    fn norm(n: usize) -> Affine {
        let scale = (0..n).map(|i| 0.5 + i as f32).collect();
        let shift = (0..n).map(|i| i as f32 - 1.0).collect();
        Affine::new("BatchNormalization", scale, shift)
    }

    fn picture() -> Tensor {
        Tensor::new(INPUT, (0..INPUT.len()).map(|i| (i as f32 * 0.37).sin()).collect())
    }

    /// The notes, after checking that the function is the same and the nodes are those named.
    fn rewritten(graph: &Graph, nodes: &[&str]) -> Vec<String> {
        let remarks = BTreeMap::from([("bn".to_owned(), "epsilon 1e-5".to_owned())]);
        let (canonical, notes) = canonicalise(graph, &remarks);
        let names: Vec<&str> = canonical.nodes().map(|(_, n)| &n.name[..]).collect();
        assert_eq!(names, nodes);
        let (want, got) = (graph.logits(&picture()), canonical.logits(&picture()));
        for (a, b) in want.iter().zip(&got) {
            assert!((a - b).abs() < 1e-4, "{want:?} {got:?}");
        }
        notes
    }

    #[test]
    fn norms_are_folded_and_dense_layers_read_maps() {
        let mut g = Graph::new(INPUT);
        let c = g.push("conv", Box::new(conv()), &[g.input()]).unwrap();
        let b = g.push("bn", Box::new(norm(3)), &[c]).unwrap();
        let twice = Affine::new("Mul", vec![2.0], vec![0.0]);
        let m = g.push("twice", Box::new(twice), &[b]).unwrap();
        let r = g.push("relu", Box::new(Unary::new(Function::Relu)), &[m]).unwrap();
        let f = g.push("flat", Box::new(Reshape::new(Shape::vector(36))), &[r]).unwrap();
        let d = g.push("fc", Box::new(dense(36, 4)), &[f]).unwrap();
        let bias = Affine::new("Add", vec![1.0; 4], vec![1.0, 2.0, 3.0, 4.0]);
        g.push("bias", Box::new(bias), &[d]).unwrap();
        let notes = rewritten(&g, &["input", "conv", "relu", "fc"]);
        insta::assert_snapshot!(notes.join("\n"));
    }

    #[test]
    fn a_layer_with_another_reader_keeps_its_weights() {
        let mut g = Graph::new(INPUT);
        let c = g.push("conv", Box::new(conv()), &[g.input()]).unwrap();
        let b = g.push("bn", Box::new(norm(3)), &[c]).unwrap();
        let sum = g.push("sum", Box::new(Add::new(vec![1.0, 1.0])), &[b, c]).unwrap();
        let f = g.push("flat", Box::new(Reshape::new(Shape::vector(36))), &[sum]).unwrap();
        g.push("fc", Box::new(dense(36, 2)), &[f]).unwrap();
        let notes = rewritten(&g, &["input", "conv", "bn", "sum", "fc"]);
        insta::assert_snapshot!(notes.join("\n"));
    }

    #[test]
    fn a_summand_per_value_is_no_bias() {
        let mut g = Graph::new(INPUT);
        let c = g.push("conv", Box::new(conv()), &[g.input()]).unwrap();
        let values: Vec<f32> = (0..36).map(|i| i as f32).collect();
        let map = Affine::new("Add", vec![1.0; 36], values);
        let a = g.push("map", Box::new(map), &[c]).unwrap();
        let f = g.push("flat", Box::new(Reshape::new(Shape::vector(36))), &[a]).unwrap();
        g.push("fc", Box::new(dense(36, 2)), &[f]).unwrap();
        rewritten(&g, &["input", "conv", "map", "fc"]);
    }

    #[test]
    fn what_the_scores_do_not_need_is_dropped() {
        let mut g = Graph::new(INPUT);
        let f = g.push("flat", Box::new(Reshape::new(Shape::vector(24))), &[g.input()]).unwrap();
        let d = g.push("fc", Box::new(dense(24, 2)), &[f]).unwrap();
        g.push("side", Box::new(Unary::new(Function::Relu)), &[f]).unwrap();
        g.set_output(d);
        rewritten(&g, &["input", "fc"]);
    }

    #[test]
    fn a_trailing_softmax_is_cut_off_but_no_other() {
        let mut g = Graph::new(INPUT);
        let f = g.push("flat", Box::new(Reshape::new(Shape::vector(24))), &[g.input()]).unwrap();
        let d = g.push("fc", Box::new(dense(24, 2)), &[f]).unwrap();
        let inner = g.push("inner", Box::new(Softmax::new()), &[d]).unwrap();
        let top = g.push("top", Box::new(dense(2, 2)), &[inner]).unwrap();
        g.push("prob", Box::new(Softmax::new()), &[top]).unwrap();
        let (canonical, notes) = canonicalise(&g, &BTreeMap::new());
        let names: Vec<&str> = canonical.nodes().map(|(_, n)| &n.name[..]).collect();
        assert_eq!(names, ["input", "fc", "inner", "top"]);
        assert_eq!(notes[0], "trailing softmax `prob` cut off: scores are logits");
        let logits = g.forward(&picture());
        assert_eq!(canonical.logits(&picture()).len(), logits.of(top).data.len());
    }
}
