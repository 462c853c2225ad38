//! A network computed on some of its tokens: those left out are not in the sequence at all.
//!
//! From the node on where tokens have their positions, each value belongs to a token, to some
//! tokens (a weight of attention), or to none. Operators on single tokens and products of matrices take any
//! number of tokens; what only moves values moves those that are left; what mixes tokens by place (a
//! convolution, a window, a position bias) cannot be done with fewer and is refused.
//!
//! Missingness without a fill: Jain et al. 2022, Missingness Bias in Model Debugging.

use super::{
    graph::{Activations, Graph, Node, NodeId},
    op::Role,
    tensor::Tensor,
};
use crate::base::geom::Shape;

/// Along one axis of a map for each place the number of its token, 0 for those that always stay.
type Labels = Option<Vec<u32>>;

/// The tokens of a map: along channels, rows and columns.
#[derive(Clone, Debug, Default, PartialEq)]
struct Axes {
    c: Labels,
    h: Labels,
    w: Labels,
}

/// How a node is computed on fewer tokens.
#[derive(Clone, Debug)]
enum Way {
    /// It does not depend on the tokens: its value stays.
    Same,
    /// By its operator, which takes any number.
    Apply,
    /// Each value is one of the inputs': for each value of the output the input and its place there.
    Move(Vec<(usize, usize)>),
}

/// A network, prepared to be computed on some of its tokens.
#[derive(Debug)]
pub struct Subset<'g> {
    graph: &'g Graph,
    start: NodeId,
    ways: Vec<Way>,
    axes: Vec<Axes>,
}

/// Why a network cannot be computed on some of its tokens.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("node `{node}` ({op}) {problem}")]
pub struct SubsetError {
    /// Name of the node.
    pub node: String,
    /// Its operator.
    pub op: &'static str,
    /// What stands against it.
    pub problem: &'static str,
}

const BY_PLACE: &str = "mixes tokens by their places";
const MIXED: &str = "mixes tokens and features in one axis";
const OUTSIDE: &str = "reads the picture beside the tokens";

impl<'g> Subset<'g> {
    /// `start` holds the tokens as its pixels, `token` names for each of them its number from 1, or 0 for those
    /// that always stay (class and register tokens).
    pub fn new(graph: &'g Graph, start: NodeId, token: Vec<u32>) -> Result<Self, SubsetError> {
        let shape = graph.node(start).shape;
        let along = if shape.w == 1 { Some(token) } else { None };
        let mut subset = Subset {
            graph,
            start,
            ways: vec![Way::Same; graph.len()],
            axes: vec![Axes::default(); graph.len()],
        };
        let refuse = |id: NodeId, problem| {
            let node = graph.node(id);
            SubsetError { node: node.name.clone(), op: node.op.name(), problem }
        };
        if along.as_ref().is_none_or(|token| token.len() != shape.h) {
            return Err(refuse(start, "does not hold one token after the other"));
        }
        subset.axes[start.0].h = along;
        let from_picture = depends_on(graph, graph.input());
        let from_tokens = depends_on(graph, start);
        for (id, node) in graph.nodes().skip(start.0 + 1).filter(|(id, _)| from_tokens[id.0]) {
            if node.inputs.iter().any(|k| from_picture[k.0] && !from_tokens[k.0]) {
                return Err(refuse(id, OUTSIDE));
            }
            let (way, axes) = subset.step(node).map_err(|problem| refuse(id, problem))?;
            (subset.ways[id.0], subset.axes[id.0]) = (way, axes);
        }
        if subset.axes[graph.output().0] != Axes::default() {
            return Err(refuse(graph.output(), "gives scores of single tokens"));
        }
        Ok(subset)
    }

    /// The class scores and the multiply-adds with the tokens for which `stays` is true of their number; `acts`
    /// are the values of all nodes with all tokens.
    pub fn scores(&self, acts: &Activations, stays: impl Fn(u32) -> bool) -> (Vec<f32>, u64) {
        let mut values: Vec<Option<Tensor>> = vec![None; self.graph.len()];
        values[self.start.0] = Some(self.left(acts.value(self.start), self.start, &stays));
        let last_use = self.graph.last_use();
        let mut macs = 0;
        for (id, node) in self.graph.nodes().skip(self.start.0 + 1) {
            let value = |k: &NodeId| values[k.0].as_ref().unwrap_or_else(|| acts.value(*k));
            let ins: Vec<&Tensor> = node.inputs.iter().map(value).collect();
            let new = match &self.ways[id.0] {
                Way::Same => continue,
                Way::Apply => {
                    let shapes: Vec<Shape> = ins.iter().map(|x| x.shape).collect();
                    let out = node.op.forward(&ins);
                    macs += node.op.macs(&shapes, out.shape.rect());
                    out
                }
                Way::Move(from) => self.moved(node, id, from, &ins, &stays),
            };
            values[id.0] = Some(new);
            for k in node.inputs.iter().filter(|k| last_use[k.0] == id.0) {
                values[k.0].take().into_iter().for_each(Tensor::give_back);
            }
        }
        let output = self.graph.output();
        let scores = values[output.0].take();
        (scores.map_or_else(|| acts.value(output).data.clone(), |scores| scores.data), macs)
    }

    /// The class scores with all tokens.
    pub fn whole<'a>(&self, acts: &'a Activations) -> &'a Tensor {
        acts.value(self.graph.output())
    }

    /// How a node is computed, and where its tokens lie.
    fn step(&self, node: &Node) -> Result<(Way, Axes), &'static str> {
        let ins: Vec<&Axes> = node.inputs.iter().map(|k| &self.axes[k.0]).collect();
        if ins.iter().all(|axes| **axes == Axes::default()) {
            return Ok((Way::Apply, Axes::default()));
        }
        let shapes = self.graph.shapes(&node.inputs);
        match node.op.role() {
            Role::Route => self.route(node),
            Role::MatMul(product) => {
                let axes = product_of(ins[0], ins[1], product.is_transposed())?;
                Ok((Way::Apply, axes))
            }
            Role::Average(_) if node.shape.rect().area() == 1 && ins[0].c.is_none() => {
                Ok((Way::Apply, Axes::default()))
            }
            // a constant per value, or per channel where these are tokens
            Role::Scale(_) if !node.op.is_per_pixel(&shapes) || ins[0].c.is_some() => {
                if node.op.parameters() <= 2 {
                    Ok((Way::Apply, ins[0].clone()))
                } else {
                    Err(BY_PLACE)
                }
            }
            Role::Activation | Role::Softmax | Role::Scale(_) => Ok((Way::Apply, ins[0].clone())),
            Role::Sum(_) | Role::Product | Role::Extreme => {
                let first =
                    ins.iter().find(|axes| ***axes != Axes::default()).expect("one has tokens");
                let same = ins.iter().zip(&shapes).all(|(axes, shape)| {
                    *axes == *first || (**axes == Axes::default() && shape.len() == 1)
                });
                if same { Ok((Way::Apply, (*first).clone())) } else { Err(BY_PLACE) }
            }
            _ if node.op.is_per_pixel(&shapes) && ins[0].c.is_none() => {
                Ok((Way::Apply, Axes { c: None, ..ins[0].clone() }))
            }
            _ => Err(BY_PLACE),
        }
    }

    /// A node that moves values: numbers that tell input, place and token go through it.
    fn route(&self, node: &Node) -> Result<(Way, Axes), &'static str> {
        let through = |number: &dyn Fn(usize, usize) -> f32| {
            let ins = node.inputs.iter().enumerate().map(|(k, id)| {
                let shape = self.graph.node(*id).shape;
                Tensor::new(shape, (0..shape.len()).map(|i| number(k, i)).collect())
            });
            let ins: Vec<Tensor> = ins.collect();
            node.op.forward(&ins.iter().collect::<Vec<_>>()).data
        };
        let input = through(&|k, _| k as f32 + 1.0);
        if input.contains(&0.0) {
            return Err("adds values that belong to no token");
        }
        let place = through(&|_, i| i as f32);
        let tokens: Vec<Vec<u32>> = node
            .inputs
            .iter()
            .map(|id| by_value(&self.axes[id.0], self.graph.node(*id).shape).ok_or(MIXED))
            .collect::<Result<_, _>>()?;
        let from: Vec<(usize, usize)> =
            input.iter().zip(place).map(|(k, i)| (*k as usize - 1, i as usize)).collect();
        let token: Vec<u32> = from.iter().map(|(k, i)| tokens[*k][*i]).collect();
        let axes = by_axis(&token, node.shape).ok_or(MIXED)?;
        Ok((Way::Move(from), axes))
    }

    /// The values of a map that are left, in their order.
    fn left(&self, x: &Tensor, id: NodeId, stays: &impl Fn(u32) -> bool) -> Tensor {
        let kept = self.kept(id, x.shape, stays);
        Tensor::new(kept.shape(), kept.places(x.shape).map(|i| x.data[i]).collect())
    }

    fn moved(
        &self,
        node: &Node,
        id: NodeId,
        from: &[(usize, usize)],
        ins: &[&Tensor],
        stays: &impl Fn(u32) -> bool,
    ) -> Tensor {
        let kept = self.kept(id, node.shape, stays);
        let ranks: Vec<Vec<usize>> = node
            .inputs
            .iter()
            .map(|k| {
                let full = self.graph.node(*k).shape;
                let mut ranks = vec![0; full.len()];
                let places = self.kept(*k, full, stays);
                places.places(full).enumerate().for_each(|(rank, at)| ranks[at] = rank);
                ranks
            })
            .collect();
        let value = |i: usize| {
            let (k, at) = from[i];
            ins[k].data[ranks[k][at]]
        };
        Tensor::new(kept.shape(), kept.places(node.shape).map(value).collect())
    }

    fn kept(&self, id: NodeId, shape: Shape, stays: &impl Fn(u32) -> bool) -> Kept {
        let along = |labels: &Labels, n: usize| match labels {
            None => (0..n).collect(),
            Some(labels) => (0..n).filter(|i| labels[*i] == 0 || stays(labels[*i])).collect(),
        };
        let axes = &self.axes[id.0];
        Kept { c: along(&axes.c, shape.c), h: along(&axes.h, shape.h), w: along(&axes.w, shape.w) }
    }
}

/// Places along the axes of a map that are left.
struct Kept {
    c: Vec<usize>,
    h: Vec<usize>,
    w: Vec<usize>,
}

impl Kept {
    fn shape(&self) -> Shape {
        Shape::new(self.c.len(), self.h.len(), self.w.len())
    }

    /// Where they lie in memory of the whole map, in order.
    fn places(&self, full: Shape) -> impl Iterator<Item = usize> {
        let pixels = self.h.iter().flat_map(move |y| self.w.iter().map(move |x| y * full.w + x));
        pixels.flat_map(move |pixel| self.c.iter().map(move |c| pixel * full.c + c))
    }
}

/// The tokens of `A B`: rows of `A`, columns of `B`; what is summed over must be the same tokens.
fn product_of(a: &Axes, b: &Axes, transposed: bool) -> Result<Axes, &'static str> {
    let (columns, summed) = if transposed { (&b.w, &b.c) } else { (&b.c, &b.w) };
    if a.c != *summed || a.h != b.h {
        return Err(BY_PLACE);
    }
    Ok(Axes { c: columns.clone(), h: a.h.clone(), w: a.w.clone() })
}

/// The token of each value; `None` where a value belongs to two.
fn by_value(axes: &Axes, shape: Shape) -> Option<Vec<u32>> {
    let along = [&axes.c, &axes.h, &axes.w];
    if along.iter().filter(|labels| labels.is_some()).count() > 1 {
        return None;
    }
    let label = |i: usize| {
        let (c, x, y) = (i % shape.c, i / shape.c % shape.w, i / shape.c / shape.w);
        let at = |labels: &Labels, k: usize| labels.as_ref().map_or(0, |labels| labels[k]);
        at(&axes.c, c).max(at(&axes.h, y)).max(at(&axes.w, x))
    };
    Some((0..shape.len()).map(label).collect())
}

/// The axis along which tokens lie; `None` where they lie along several.
fn by_axis(token: &[u32], shape: Shape) -> Option<Axes> {
    if token.iter().all(|t| *t == 0) {
        return Some(Axes::default());
    }
    let row = shape.w * shape.c;
    let along = |n: usize, step: usize| -> Vec<u32> { (0..n).map(|k| token[k * step]).collect() };
    let (c, h, w) = (along(shape.c, 1), along(shape.h, row), along(shape.w, shape.c));
    let candidates = [
        Axes { h: Some(h), ..Axes::default() },
        Axes { w: Some(w), ..Axes::default() },
        Axes { c: Some(c), ..Axes::default() },
    ];
    candidates.into_iter().find(|axes| by_value(axes, shape).is_some_and(|all| all == token))
}

/// For each node whether it depends on `from`, which does.
fn depends_on(graph: &Graph, from: NodeId) -> Vec<bool> {
    let mut depends = vec![false; graph.len()];
    depends[from.0] = true;
    for (id, node) in graph.nodes().skip(from.0 + 1) {
        depends[id.0] = node.inputs.iter().any(|k| depends[k.0]);
    }
    depends
}
