//! Where in a network a line of a composite applies.

use crate::{
    attention::{Part, parts},
    nn::{
        graph::{Graph, Node},
        op::Role,
    },
};
use serde::{Deserialize, Deserializer, de::Error as _};

/// Kinds of linear layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Convolutions.
    Conv,
    /// Fully connected layers.
    Dense,
    /// A factor and a summand per value or channel: batch normalisation that could not be folded,
    /// constants. These do not count as layers of the network.
    Scale,
}

/// Ends of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum End {
    /// Layers that see the picture with no other layer between.
    First,
    /// Layers that no other layer follows.
    Last,
}

/// A set of layers: all conditions that are given must hold.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Only this end of the network.
    pub at: Option<End>,
    /// Only layers of this kind.
    pub kind: Option<Kind>,
    /// First and last index among all layers, counted from the picture, from 0. A file may give one
    /// number for both.
    #[serde(default, deserialize_with = "index")]
    pub index: Option<[usize; 2]>,
    /// First and last position among the layers of the same kind: 0 is the first, 1 the last.
    pub depth: Option<[f64; 2]>,
    /// Name of the node in the model file; `*` stands for any text.
    pub name: Option<String>,
    /// ONNX operator.
    pub operator: Option<String>,
    /// What the layer is for in a network with attention.
    pub part: Option<Part>,
    /// Only layers that add something to their weighted sums, or only those that do not.
    pub bias: Option<bool>,
}

/// Reads an index or a range of them.
fn index<'de, D: Deserializer<'de>>(file: D) -> Result<Option<[usize; 2]>, D::Error> {
    let value = toml::Value::deserialize(file)?;
    let number = |v: &toml::Value| v.as_integer().and_then(|i| usize::try_from(i).ok());
    let range = match value.as_array().map(Vec::as_slice) {
        Some([first, last]) => number(first).zip(number(last)).map(|(a, b)| [a, b]),
        Some(_) => None,
        None => number(&value).map(|i| [i, i]),
    };
    let wrong = || D::Error::custom(format!("`index` must be N or [FIRST, LAST], found `{value}`"));
    range.map(Some).ok_or_else(wrong)
}

impl Place {
    /// Every layer.
    pub fn any() -> Place {
        Place::default()
    }

    /// One end of the network.
    pub fn at(end: End) -> Place {
        Place { at: Some(end), ..Place::default() }
    }

    /// Layers of one kind.
    pub fn kind(kind: Kind) -> Place {
        Place { kind: Some(kind), ..Place::default() }
    }

    /// True where all conditions hold.
    pub(super) fn holds(&self, layer: &Layer, node: &Node) -> bool {
        let at_end = |end| match end {
            End::First => layer.first,
            End::Last => layer.last,
        };
        self.at.is_none_or(at_end)
            && self.kind.is_none_or(|kind| kind == layer.kind)
            && self.index.is_none_or(|[a, b]| layer.index.is_some_and(|i| a <= i && i <= b))
            && self.depth.is_none_or(|[a, b]| a <= layer.depth && layer.depth <= b)
            && self.name.as_ref().is_none_or(|glob| matches(glob, &node.name))
            && self.operator.as_ref().is_none_or(|op| op == node.op.name())
            && self.part.is_none_or(|part| layer.parts.contains(&part))
            && self.bias.is_none_or(|bias| bias == has_bias(node))
    }
}

/// A linear layer as a [`Place`] sees it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Layer {
    pub(super) kind: Kind,
    /// No convolution or dense layer lies between it and the picture.
    pub(super) first: bool,
    /// No convolution or dense layer lies between it and the output.
    last: bool,
    /// Among convolutions and dense layers.
    index: Option<usize>,
    /// Among the layers of its kind, in [0, 1].
    depth: f64,
    parts: Vec<Part>,
}

/// Each node that is a linear layer, as places see it.
pub(super) fn layers(graph: &Graph) -> Vec<Option<Layer>> {
    let kinds: Vec<Option<Kind>> = graph.nodes().map(|(_, node)| kind(node)).collect();
    let (before, after) = (layers_before(graph, &kinds), layers_after(graph, &kinds));
    let mut parts = parts(graph);
    let mut counts = Counts::default();
    let count = kinds.iter().flatten().fold(Counts::default(), |mut all, kind| {
        all.add(*kind);
        all
    });
    let layer = |(i, kind): (usize, &Option<Kind>)| {
        let kind = (*kind)?;
        let (index, position) = counts.add(kind);
        let depth = position as f64 / (count.number(kind).max(2) - 1) as f64;
        let parts = std::mem::take(&mut parts[i]);
        Some(Layer { kind, first: !before[i], last: !after[i], index, depth, parts })
    };
    kinds.iter().enumerate().map(layer).collect()
}

/// How many layers of each kind there were so far.
#[derive(Default)]
struct Counts {
    conv: usize,
    dense: usize,
    scale: usize,
}

impl Counts {
    fn number(&self, kind: Kind) -> usize {
        match kind {
            Kind::Conv => self.conv,
            Kind::Dense => self.dense,
            Kind::Scale => self.scale,
        }
    }

    /// Counts one more; returns its index among convolutions and dense layers, if it is one, and
    /// among its kind.
    fn add(&mut self, kind: Kind) -> (Option<usize>, usize) {
        let index = (kind != Kind::Scale).then_some(self.conv + self.dense);
        let position = self.number(kind);
        match kind {
            Kind::Conv => self.conv += 1,
            Kind::Dense => self.dense += 1,
            Kind::Scale => self.scale += 1,
        }
        (index, position)
    }
}

fn kind(node: &Node) -> Option<Kind> {
    match node.op.role() {
        Role::Linear(_) if node.op.name() == "Conv" => Some(Kind::Conv),
        Role::Linear(_) => Some(Kind::Dense),
        Role::Scale(_) => Some(Kind::Scale),
        _ => None,
    }
}

fn has_bias(node: &Node) -> bool {
    match node.op.role() {
        Role::Linear(linear) | Role::Scale(linear) => linear.has_bias(),
        _ => false,
    }
}

fn counts_as_layer(kind: Option<Kind>) -> bool {
    kind.is_some_and(|kind| kind != Kind::Scale)
}

/// For each node, whether a layer lies between the picture and it.
fn layers_before(graph: &Graph, kinds: &[Option<Kind>]) -> Vec<bool> {
    let mut before = vec![false; graph.len()];
    for (id, node) in graph.nodes() {
        before[id.0] = node.inputs.iter().any(|k| before[k.0] || counts_as_layer(kinds[k.0]));
    }
    before
}

/// For each node, whether a layer lies between it and the output.
fn layers_after(graph: &Graph, kinds: &[Option<Kind>]) -> Vec<bool> {
    let mut after = vec![false; graph.len()];
    for (id, node) in graph.nodes().rev() {
        let seen = after[id.0] || counts_as_layer(kinds[id.0]);
        node.inputs.iter().for_each(|k| after[k.0] |= seen);
    }
    after
}

/// True when `text` is `glob` with some text in place of each `*`.
fn matches(glob: &str, text: &str) -> bool {
    let Some((head, tail)) = glob.split_once('*') else { return glob == text };
    let Some(rest) = text.strip_prefix(head) else { return false };
    let starts = rest.char_indices().map(|(i, _)| i).chain([rest.len()]);
    starts.into_iter().any(|i| matches(tail, &rest[i..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::geom::Shape,
        nn::op::{Add, Affine, Conv, ConvGeometry, Dense},
    };

    /// scale - conv a - (conv b, conv c) - add - scale - dense
    fn graph() -> Graph {
        let mut g = Graph::new(Shape::new(1, 2, 2));
        let geometry = ConvGeometry {
            kernel: [1; 2],
            stride: [1; 2],
            dilation: [1; 2],
            pads: [0; 4],
            groups: 1,
        };
        let conv = || Box::new(Conv::new(vec![1.0], 1, 1, geometry, vec![]).unwrap());
        let scale = || Box::new(Affine::new("Mul", vec![2.0], vec![0.0]));
        let x = g.input();
        let x = g.push("scale0", scale(), &[x]).unwrap();
        let a = g.push("block1.a", conv(), &[x]).unwrap();
        let b = g.push("block2.b", conv(), &[a]).unwrap();
        let c = g.push("block2.c", conv(), &[a]).unwrap();
        let sum = g.push("sum", Box::new(Add::new(vec![1.0, 1.0])), &[b, c]).unwrap();
        let sum = g.push("scale1", scale(), &[sum]).unwrap();
        let dense = Dense::new(vec![1.0; 4], 1, Shape::new(1, 2, 2), vec![]).unwrap();
        g.push("head", Box::new(dense), &[sum]).unwrap();
        g
    }

    fn found(place: &Place) -> Vec<String> {
        let graph = graph();
        let all = layers(&graph);
        let nodes = graph
            .nodes()
            .filter(|(id, node)| all[id.0].as_ref().is_some_and(|layer| place.holds(layer, node)));
        nodes.map(|(_, node)| node.name.clone()).collect()
    }

    #[test]
    fn places_find_their_layers() {
        let any = Place::any;
        assert_eq!(found(&any()).len(), 6);
        assert_eq!(found(&Place::at(End::First)), ["scale0", "block1.a"]);
        assert_eq!(found(&Place::at(End::Last)), ["head"]);
        assert_eq!(found(&Place::kind(Kind::Scale)), ["scale0", "scale1"]);
        assert_eq!(found(&Place { index: Some([1, 2]), ..any() }), ["block2.b", "block2.c"]);
        let upper = Place { depth: Some([0.4, 1.0]), ..Place::kind(Kind::Conv) };
        assert_eq!(found(&upper), ["block2.b", "block2.c"]);
        let named = |glob: &str| found(&Place { name: Some(glob.to_owned()), ..any() });
        assert_eq!(named("block2.*"), ["block2.b", "block2.c"]);
        assert_eq!(named("*.a"), ["block1.a"]);
        assert_eq!(named("*a*"), ["scale0", "block1.a", "scale1", "head"]);
        assert_eq!(named("block"), [""; 0]);
        assert_eq!(found(&Place { operator: Some("Gemm".to_owned()), ..any() }), ["head"]);
    }
}
