//! A network rewritten into the form that explanations and the engine expect: the same function,
//! fewer kinds of layers.
//!
//! - A trailing softmax or sigmoid is cut off, so the scores are logits; a single logit becomes two
//!   scores ([`head`], and [`ending`] where it is written out).
//! - An activation that the file spells out (`x * Sigmoid(x)`) becomes one operator ([`activation`]).
//! - A factor and a summand per channel of the picture are preprocessing and leave the network ([`prepare`]).
//! - Batch normalisation and arithmetic with constants are folded into the layers before or behind
//!   them where that is exact, and kept as they are elsewhere ([`scale`]).
//! - A dense layer reads the map itself instead of its flattened copy.
//! - Nodes that the scores do not need are dropped.

mod activation;
mod ending;
mod head;
mod prepare;
mod scale;

use super::{
    graph::{Graph, Node, NodeId},
    head::Declared,
    op::{Cpu, Dense, Op, Transpose},
    preprocess::Prepared,
};
use crate::base::geom::Shape;
use std::{any::Any, collections::BTreeMap, sync::Arc};

pub use head::{HeadError, ONE_VALUE, bent};

/// A network as explanations and the engine expect it.
#[derive(Clone, Debug)]
pub struct Canonical {
    /// The network.
    pub graph: Graph,
    /// What the file does to its input before.
    pub prepared: Option<Prepared>,
    /// One line per change.
    pub notes: Vec<String>,
}

/// Rewrites a network. `remarks` are details of nodes, by name, for the notes about them; `head` is
/// what the scores are said to be.
pub fn canonicalise(
    graph: &Graph,
    remarks: &BTreeMap<String, String>,
    head: Option<Declared>,
) -> Result<Canonical, HeadError> {
    let mut draft = Draft::of(graph, remarks);
    draft.name_activations();
    let head = draft.cut_head(head)?;
    let prepared = draft.take_preparation();
    draft.fold_scales();
    draft.read_maps();
    let head = draft.settle(head);
    let mut graph = draft.build(graph.input_shape());
    graph.set_head(head);
    let mut notes = draft.notes;
    notes.extend(bent(&graph));
    Ok(Canonical { graph, prepared, notes })
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
    op: Arc<dyn Cpu>,
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

    fn read_maps(&mut self) {
        let live = self.live();
        for (i, _) in live.into_iter().enumerate().filter(|(_, live)| *live) {
            let Some(dense) = self.nodes[i].op::<Dense>() else { continue };
            let flat = &self.nodes[self.nodes[i].inputs[0]];
            let Some(flatten) = flat.op::<Transpose>() else { continue };
            let (map, name) = (flat.inputs[0], flat.name);
            let shape = self.nodes[map].shape;
            let op = Arc::new(dense.over(shape, &flatten.destinations()));
            self.nodes[i].op = op;
            self.nodes[i].inputs = vec![map];
            let layer = self.nodes[i].name;
            self.notes
                .push(format!("flatten `{name}` left out: `{layer}` reads the {shape} map itself"));
        }
    }

    fn build(&self, input: Shape) -> Graph {
        let live = self.live();
        let nodes = self.nodes.iter().enumerate().skip(1).filter(|(i, _)| live[*i]);
        let inputs = |part: &Part<'_>| part.inputs.iter().map(|k| NodeId(*k)).collect::<Vec<_>>();
        let nodes: Vec<(NodeId, &Part<'_>, Vec<NodeId>)> =
            nodes.map(|(i, part)| (NodeId(i), part, inputs(part))).collect();
        let nodes = nodes
            .iter()
            .map(|(id, part, inputs)| (*id, part.name, Arc::clone(&part.op), &inputs[..]));
        Graph::rebuilt(input, nodes, NodeId(self.output))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::geom::Axis,
        op::{Add, Affine, Concat, Conv, ConvGeometry, Function, Mul, Pick, Softmax, Unary},
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
        let Canonical { graph: canonical, prepared, notes } =
            canonicalise(graph, &remarks, None).unwrap();
        let names: Vec<&str> = canonical.nodes().map(|(_, n)| &n.name[..]).collect();
        assert_eq!(names, nodes);
        let ready = prepared.map_or(picture(), |prepared| prepared.apply(&picture()));
        let (want, got) = (graph.logits(&picture()), canonical.logits(&ready));
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
        let f = g.push("flat", Box::new(Transpose::flatten(g.node(r).shape)), &[r]).unwrap();
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
        let f = g.push("flat", Box::new(Transpose::flatten(g.node(sum).shape)), &[sum]).unwrap();
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
        let r = g.push("relu", Box::new(Unary::new(Function::Relu)), &[a]).unwrap();
        let f = g.push("flat", Box::new(Transpose::flatten(g.node(r).shape)), &[r]).unwrap();
        g.push("fc", Box::new(dense(36, 2)), &[f]).unwrap();
        rewritten(&g, &["input", "conv", "map", "relu", "fc"]);
    }

    #[test]
    fn what_the_scores_do_not_need_is_dropped() {
        let mut g = Graph::new(INPUT);
        let f = g.push("flat", Box::new(Transpose::flatten(INPUT)), &[g.input()]).unwrap();
        let d = g.push("fc", Box::new(dense(24, 2)), &[f]).unwrap();
        g.push("side", Box::new(Unary::new(Function::Relu)), &[f]).unwrap();
        g.set_output(d);
        rewritten(&g, &["input", "fc"]);
    }

    #[test]
    fn a_trailing_softmax_is_cut_off_but_no_other() {
        let mut g = Graph::new(INPUT);
        let f = g.push("flat", Box::new(Transpose::flatten(INPUT)), &[g.input()]).unwrap();
        let d = g.push("fc", Box::new(dense(24, 2)), &[f]).unwrap();
        let inner = g.push("inner", Box::new(Softmax::new()), &[d]).unwrap();
        let top = g.push("top", Box::new(dense(2, 2)), &[inner]).unwrap();
        g.push("prob", Box::new(Softmax::new()), &[top]).unwrap();
        let Canonical { graph: canonical, notes, .. } =
            canonicalise(&g, &BTreeMap::new(), None).unwrap();
        let names: Vec<&str> = canonical.nodes().map(|(_, n)| &n.name[..]).collect();
        assert_eq!(names, ["input", "fc", "inner", "top"]);
        assert_eq!(notes[0], "trailing softmax `prob` cut off: scores are logits");
        let logits = g.forward(&picture());
        assert_eq!(canonical.logits(&picture()).len(), logits.value(top).data.len());
    }

    /// A graph under construction, read by name.
    struct Net {
        graph: Graph,
        ids: BTreeMap<&'static str, NodeId>,
    }

    impl Net {
        /// A convolution `stem` over the picture, without padding: 3x3x2 values.
        fn new() -> Net {
            let graph = Graph::new(INPUT);
            let ids = BTreeMap::from([("input", graph.input())]);
            let mut net = Net { graph, ids };
            net.add("stem", conv_of(2, 3, 0), "input");
            net
        }

        fn add(&mut self, name: &'static str, op: impl Cpu, inputs: &str) -> &mut Net {
            let inputs: Vec<NodeId> = inputs.split(' ').map(|i| self.ids[i]).collect();
            let id = self.graph.push(name, Box::new(op), &inputs).unwrap();
            self.ids.insert(name, id);
            self
        }

        fn relu(&mut self, name: &'static str, input: &str) -> &mut Net {
            self.add(name, Unary::new(Function::Relu), input)
        }

        /// Ends in a dense layer over the flattened map.
        fn dense(&mut self, input: &str) -> &mut Net {
            let n = self.graph.node(self.ids[input]).shape.len();
            self.flat("flat", input).add("fc", dense(n, 2), "flat")
        }

        fn flat(&mut self, name: &'static str, input: &str) -> &mut Net {
            let shape = self.graph.node(self.ids[input]).shape;
            self.add(name, Transpose::flatten(shape), input)
        }
    }

    /// A convolution of 2x2 windows with 3 outputs.
    fn conv_of(inputs: usize, groups: usize, pad: usize) -> Conv {
        let groups = if inputs.is_multiple_of(groups) { groups } else { 1 };
        let geometry = ConvGeometry {
            kernel: [2, 2],
            stride: [1, 1],
            dilation: [1, 1],
            pads: [pad, 0, 0, pad],
            groups,
        };
        let weight = (0..3 * inputs / groups * 4).map(|i| (i as f32 * 0.9).sin()).collect();
        Conv::new(weight, 3, inputs, geometry, vec![0.5, -1.0, 0.25]).unwrap()
    }

    #[test]
    fn a_norm_behind_maps_one_below_the_other_is_folded_into_each() {
        let mut net = Net::new();
        net.relu("relu", "stem").add("a", conv_of(3, 1, 0), "relu").add(
            "b",
            conv_of(3, 3, 0),
            "relu",
        );
        net.add("below", Concat::along(Axis::Row), "a b").add("bn", norm(3), "below").dense("bn");
        rewritten(&net.graph, &["input", "stem", "relu", "a", "b", "below", "fc"]);
    }

    #[test]
    fn a_norm_before_a_convolution_is_folded_where_padding_allows_it() {
        let with = |norm: Affine, conv: Conv, nodes: &[&str]| {
            let mut net = Net::new();
            net.relu("relu", "stem").add("bn", norm, "relu").add("conv", conv, "bn").dense("conv");
            rewritten(&net.graph, nodes)[0].clone()
        };
        let scale = || Affine::new("Mul", vec![2.0, -1.0, 0.5], vec![0.0; 3]);
        let folded = ["input", "stem", "relu", "conv", "fc"];
        let kept = ["input", "stem", "relu", "bn", "conv", "fc"];
        insta::assert_snapshot!(
            [
                with(norm(3), conv_of(3, 1, 0), &folded),
                with(norm(3), conv_of(3, 3, 0), &folded),
                with(scale(), conv_of(3, 1, 1), &folded),
                with(norm(3), conv_of(3, 1, 1), &kept),
                with(norm(3), conv_of(3, 3, 1), &kept),
            ]
            .join("\n")
        );
    }

    #[test]
    fn a_norm_before_a_dense_layer_is_folded_across_the_flattening() {
        let mut net = Net::new();
        net.relu("relu", "stem").add("bn", norm(3), "relu").dense("bn");
        rewritten(&net.graph, &["input", "stem", "relu", "fc"]);
        // one factor per value, behind the flattening
        let mut net = Net::new();
        net.relu("relu", "stem").flat("flat", "relu");
        net.add("bn", norm(18), "flat").add("fc", dense(18, 2), "bn");
        rewritten(&net.graph, &["input", "stem", "relu", "fc"]);
        // two readers take it both
        let mut net = Net::new();
        net.relu("relu", "stem").add("bn", norm(3), "relu");
        net.add("conv", conv_of(3, 1, 0), "bn").flat("long", "conv");
        net.add("a", dense(6, 2), "long").flat("flat", "bn");
        net.add("b", dense(18, 2), "flat").add("sum", Add::new(vec![1.0, 1.0]), "a b");
        rewritten(&net.graph, &["input", "stem", "relu", "conv", "a", "b", "sum"]);
    }

    #[test]
    fn a_norm_after_a_sum_or_concatenation_is_folded_into_all_its_parts() {
        let two = || {
            let mut net = Net::new();
            net.relu("relu", "stem").add("a", conv_of(3, 1, 1), "relu");
            net.add("b", conv_of(3, 3, 1), "relu");
            net
        };
        let mut net = two();
        net.add("sub", Add::new(vec![-1.0, 1.0]), "a b").add("bn", norm(3), "sub").dense("bn");
        let mut notes = rewritten(&net.graph, &["input", "stem", "relu", "a", "b", "sub", "fc"]);
        notes.truncate(1);
        let mut net = two();
        net.add("both", Concat::new(), "a b").add("bn", norm(6), "both").relu("top", "bn");
        net.dense("top");
        let nodes = ["input", "stem", "relu", "a", "b", "both", "top", "fc"];
        notes.extend(rewritten(&net.graph, &nodes).into_iter().take(1));
        // a shortcut cannot be scaled: the norm stays
        let mut net = two();
        net.add("sum", Add::new(vec![1.0, 1.0]), "a relu").add("bn", norm(3), "sum");
        net.relu("top", "bn").dense("top");
        let nodes = ["input", "stem", "relu", "a", "sum", "bn", "top", "fc"];
        notes.extend(rewritten(&net.graph, &nodes).into_iter().take(1));
        let mut net = two();
        net.add("both", Concat::new(), "a relu").add("bn", norm(6), "both").relu("top", "bn");
        net.dense("top");
        let nodes = ["input", "stem", "relu", "a", "both", "bn", "top", "fc"];
        notes.extend(rewritten(&net.graph, &nodes).into_iter().take(1));
        insta::assert_snapshot!(notes.join("\n"));
    }

    #[test]
    fn a_scaling_of_the_picture_is_preprocessing_and_scalings_in_a_row_are_one() {
        let mut net = Net::new();
        net.relu("relu", "stem").add("bn", norm(3), "relu");
        net.add("twice", Affine::new("Mul", vec![2.0], vec![1.0]), "bn").relu("top", "twice");
        net.dense("top");
        rewritten(&net.graph, &["input", "stem", "relu", "bn", "top", "fc"]);
        let mut graph = Graph::new(INPUT);
        let at = graph.push("mean", Box::new(norm(2)), &[graph.input()]).unwrap();
        let at = graph.push("conv", Box::new(conv_of(2, 1, 0)), &[at]).unwrap();
        let at =
            graph.push("flat", Box::new(Transpose::flatten(graph.node(at).shape)), &[at]).unwrap();
        graph.push("fc", Box::new(dense(18, 2)), &[at]).unwrap();
        let notes = rewritten(&graph, &["input", "conv", "fc"]);
        assert_eq!(
            notes[0],
            "`mean` scales and shifts the channels of the picture: part of the preprocessing"
        );
    }

    /// A dense layer over what `prepare` makes of the picture.
    fn prepared_by(prepare: impl Fn(&mut Graph, NodeId) -> NodeId) -> (Graph, Canonical) {
        let mut graph = Graph::new(INPUT);
        let input = graph.input();
        let at = prepare(&mut graph, input);
        let shape = graph.node(at).shape;
        let at = graph.push("flat", Box::new(Transpose::flatten(shape)), &[at]).unwrap();
        graph.push("fc", Box::new(dense(shape.len(), 2)), &[at]).unwrap();
        let canonical = canonicalise(&graph, &BTreeMap::new(), None).unwrap();
        let ready = canonical.prepared.as_ref().map_or(picture(), |p| p.apply(&picture()));
        let pairs = graph.logits(&picture()).into_iter().zip(canonical.graph.logits(&ready));
        pairs.for_each(|(want, got)| assert!((want - got).abs() < 1e-4, "{want} {got}"));
        (graph, canonical)
    }

    /// Channel `k` alone, scaled.
    fn channel(g: &mut Graph, x: NodeId, k: usize, scale: f32, shift: f32) -> NodeId {
        let one = Shape { c: 1, ..INPUT };
        let lists = vec![None, Some(vec![Some(k)])];
        let pick = Pick::new("Gather", INPUT, vec![INPUT.h * INPUT.w, 2], lists, 0.0, one).unwrap();
        let at = g.push(&format!("pick{k}"), Box::new(pick), &[x]).unwrap();
        let affine = Affine::new("Mul", vec![scale], vec![shift]);
        g.push(&format!("mul{k}"), Box::new(affine), &[at]).unwrap()
    }

    #[test]
    fn channels_scaled_one_by_one_are_the_picture_itself() {
        let (_, found) = prepared_by(|g, x| {
            let parts = [channel(g, x, 0, 2.0, 1.0), channel(g, x, 1, 0.5, -1.0)];
            g.push("concat", Box::new(Concat::new()), &parts).unwrap()
        });
        let names: Vec<&str> = found.graph.nodes().map(|(_, n)| &n.name[..]).collect();
        assert_eq!(names, ["input", "fc"]);
        let prepared = found.prepared.unwrap();
        assert_eq!((prepared.scale, prepared.shift), (vec![2.0, 0.5], vec![1.0, -1.0]));
    }

    #[test]
    fn channels_that_change_places_keep_their_own_scale() {
        let (_, found) = prepared_by(|g, x| {
            let parts = [channel(g, x, 1, 2.0, 1.0), channel(g, x, 0, 0.5, -1.0)];
            g.push("concat", Box::new(Concat::new()), &parts).unwrap()
        });
        assert_eq!(found.graph.nodes().count(), 5, "picture, two channels, concat, layer");
        let prepared = found.prepared.unwrap();
        assert_eq!((prepared.scale, prepared.shift), (vec![0.5, 2.0], vec![-1.0, 1.0]));
    }

    #[test]
    fn what_is_no_scale_per_channel_stays_in_the_network() {
        type Net<'a> = &'a dyn Fn(&mut Graph, NodeId) -> NodeId;
        let affine = |scale: Vec<f32>, shift: Vec<f32>| Box::new(Affine::new("Mul", scale, shift));
        // each pixel its own, a channel in two ways, the other way round, and nothing at all
        let nets: [Net<'_>; 4] = [
            &|g, x| {
                let all = (0..INPUT.len()).map(|i| i as f32).collect();
                g.push("a", affine(vec![1.0; INPUT.len()], all), &[x]).unwrap()
            },
            &|g, x| {
                let parts = [channel(g, x, 0, 2.0, 1.0), x];
                g.push("concat", Box::new(Concat::new()), &parts).unwrap()
            },
            &|g, x| g.push("a", affine(vec![-1.0], vec![1.0]), &[x]).unwrap(),
            &|g, x| g.push("a", affine(vec![1.0], vec![0.0]), &[x]).unwrap(),
        ];
        for (k, net) in nets.into_iter().enumerate() {
            let (before, found) = prepared_by(net);
            assert_eq!(found.prepared, None, "{k}");
            // only the flattening is gone
            assert_eq!(found.graph.nodes().count(), before.nodes().count() - 1, "{k}");
        }
    }

    type Spelling = Box<dyn Fn(&mut Net)>;

    /// Activations as exporters write them out, from `stem` to `act`.
    fn spelled_out() -> Vec<(&'static str, Spelling)> {
        let factor = |v: f32| Affine::new("Mul", vec![v], vec![0.0]);
        let plus = |v: f32| Affine::new("Add", vec![1.0], vec![v]);
        let unary = Unary::new;
        let half = std::f32::consts::FRAC_1_SQRT_2;
        vec![
            (
                "Swish",
                Box::new(move |n| {
                    n.add("s", unary(Function::Sigmoid), "stem").add("act", Mul::new(), "s stem");
                }),
            ),
            (
                "Gelu",
                Box::new(move |n| {
                    n.add("d", factor(half), "stem").add("e", unary(Function::Erf), "d");
                    n.add("p", plus(1.0), "e").add("m", Mul::new(), "stem p").add(
                        "act",
                        factor(0.5),
                        "m",
                    );
                }),
            ),
            (
                "Gelu",
                Box::new(move |n| {
                    let slope = (2.0 / std::f32::consts::PI).sqrt();
                    n.add("q", Mul::new(), "stem stem").add("c", Mul::new(), "q stem");
                    n.add("k", factor(0.044_715), "c").add("i", Add::new(vec![1.0, 1.0]), "stem k");
                    n.add("r", factor(slope), "i").add("t", unary(Function::Tanh), "r");
                    n.add("p", plus(1.0), "t").add("h", factor(0.5), "stem").add(
                        "act",
                        Mul::new(),
                        "h p",
                    );
                }),
            ),
            (
                "HardSwish",
                Box::new(move |n| {
                    n.add("p", plus(3.0), "stem");
                    n.add("c", unary(Function::Clip { min: 0.0, max: 6.0 }), "p");
                    n.add("m", Mul::new(), "stem c").add("act", factor(1.0 / 6.0), "m");
                }),
            ),
            (
                "Sigmoid",
                Box::new(move |n| {
                    n.add("m", factor(-1.0), "stem").add("e", unary(Function::Exp), "m");
                    n.add("p", plus(1.0), "e");
                    n.add("act", unary(Function::Power { exponent: -1.0 }), "p");
                }),
            ),
            (
                "Sigmoid",
                Box::new(move |n| {
                    n.add("h", factor(0.5), "stem").add("t", unary(Function::Tanh), "h");
                    n.add("p", plus(1.0), "t").add("act", factor(0.5), "p");
                }),
            ),
            (
                "Mish",
                Box::new(move |n| {
                    n.add("s", unary(Function::Softplus), "stem").add(
                        "t",
                        unary(Function::Tanh),
                        "s",
                    );
                    n.add("act", Mul::new(), "stem t");
                }),
            ),
        ]
    }

    #[test]
    fn activations_that_are_written_out_are_read_as_one_operator() {
        for (known, spell) in spelled_out() {
            let mut net = Net::new();
            spell(&mut net);
            net.dense("act");
            let notes = rewritten(&net.graph, &["input", "stem", "act", "fc"]);
            let wanted = format!("operators up to `act` read as the activation {known}");
            assert_eq!(notes[0], wanted);
        }
    }

    #[test]
    fn a_scale_behind_a_concatenation_of_rows_is_that_of_each_part() {
        let mut net = Net::new();
        net.relu("relu", "stem").add("a", conv_of(3, 1, 1), "relu");
        net.add("b", conv_of(3, 3, 1), "relu").add("rows", Concat::along(Axis::Row), "a b");
        net.add("bn", norm(3), "rows").dense("bn");
        rewritten(&net.graph, &["input", "stem", "relu", "a", "b", "rows", "fc"]);
        let mut net = Net::new();
        net.relu("relu", "stem").add("a", conv_of(3, 1, 1), "relu");
        net.add("b", conv_of(3, 3, 1), "relu").add("columns", Concat::along(Axis::Column), "a b");
        net.add("twice", Affine::new("Mul", vec![2.0], vec![0.5]), "columns").dense("twice");
        rewritten(&net.graph, &["input", "stem", "relu", "a", "b", "columns", "fc"]);
    }

    #[test]
    fn gates_and_unknown_products_stay_products() {
        let mut net = Net::new();
        net.add("s", Unary::new(Function::Tanh), "stem").add("act", Mul::new(), "s stem");
        rewritten(&net.dense("act").graph, &["input", "stem", "s", "act", "fc"]);
        // the gate is made from another map
        let mut net = Net::new();
        net.relu("other", "stem").add("conv", conv_of(3, 1, 1), "other");
        net.add("s", Unary::new(Function::Sigmoid), "conv").add("act", Mul::new(), "s stem");
        let nodes = ["input", "stem", "other", "conv", "s", "act", "fc"];
        rewritten(&net.dense("act").graph, &nodes);
    }
}
