//! Scores along a chain.

use super::{Patches, Plan, Replay, one_class};
use crate::{
    base::geom::{Rect, Shape},
    nn::{
        graph::{Activations, Graph, Node, NodeId},
        tensor::Tensor,
    },
};

/// What all chains of a picture share: the network (perhaps cut down to one class) and its values
/// for the untouched picture.
#[derive(Debug)]
pub struct Base<'g> {
    graph: Held<'g>,
    acts: Activations,
}

#[derive(Debug)]
enum Held<'g> {
    Whole(&'g Graph),
    OneClass(Graph),
}

/// Class scores along a chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    /// One group of values per step, the untouched picture first; a group is one score per class,
    /// or the one class's.
    pub values: Vec<f32>,
    /// Multiply-adds spent on the steps, per node of the network.
    pub macs: Vec<u64>,
}

impl<'g> Base<'g> {
    /// For the scores of all classes, or of `class` alone. `acts` are the values for the untouched
    /// picture.
    pub fn new(graph: &'g Graph, acts: &Activations, class: Option<usize>) -> Base<'g> {
        match class.and_then(|class| one_class::restrict(graph, acts, class)) {
            Some((graph, acts)) => Base { graph: Held::OneClass(graph), acts },
            None => Base { graph: Held::Whole(graph), acts: acts.clone() },
        }
    }

    /// The network that is evaluated.
    pub fn graph(&self) -> &Graph {
        match &self.graph {
            Held::Whole(graph) => graph,
            Held::OneClass(graph) => graph,
        }
    }

    /// The scores after 0, 1, ... cumulative changes of the input. `pixels(step, out)` writes the
    /// new pixels of `regions[step]`, in input space. Steps are worked on together as far as
    /// `budget` bytes of patches allow (at least one).
    pub fn scores(
        &self,
        regions: &[Rect],
        pixels: impl Fn(usize, &mut [f32]),
        budget: u64,
    ) -> Scores {
        let graph = self.graph();
        let plan = Plan::new(graph, regions);
        let mut values = self.acts.of(graph.output()).data.clone();
        let chunks = chunks(&plan.bytes(graph), budget);
        let replayed = replayed(graph);
        let current = vec![None; graph.len()];
        let mut walk = Walk { graph, base: &self.acts, current, replayed };
        for (i, steps) in chunks.iter().enumerate() {
            let mut input = Patches::new(graph.input_shape().c, regions[steps.clone()].to_vec());
            steps.clone().enumerate().for_each(|(k, step)| pixels(step, input.step_mut(k)));
            let more = i + 1 < chunks.len();
            values.extend(walk.push(input, &plan, steps.clone(), more));
        }
        Scores { values, macs: plan.macs(graph) }
    }
}

/// Consecutive ranges of steps whose bytes stay within the budget, each at least one step, of
/// nearly one size: what is read once per range (weights) is read as seldom as can be.
fn chunks(bytes: &[u64], budget: u64) -> Vec<std::ops::Range<usize>> {
    let total: u64 = bytes.iter().sum();
    let even = total.div_ceil(total.div_ceil(budget.max(1)).max(1));
    let (mut chunks, mut start, mut sum) = (vec![], 0, 0);
    for (step, bytes) in bytes.iter().enumerate() {
        if step > start && (sum + bytes > budget || sum >= even) {
            chunks.push(start..step);
            (start, sum) = (step, 0);
        }
        sum += bytes;
    }
    if start < bytes.len() {
        chunks.push(start..bytes.len());
    }
    chunks
}

/// Nodes whose values before a step someone asks for: not those that only scalar functions read.
fn replayed(graph: &Graph) -> Vec<bool> {
    let mut asked = vec![false; graph.len()];
    asked[graph.output().0] = true;
    for (_, node) in graph.nodes().filter(|(_, node)| node.op.function().is_none()) {
        node.inputs.iter().for_each(|k| asked[k.0] = true);
    }
    asked
}

/// A walk of streams through the graph.
struct Walk<'a> {
    graph: &'a Graph,
    base: &'a Activations,
    /// Values of the nodes after the chunks so far, where they differ from the base.
    current: Vec<Option<Tensor>>,
    /// Nodes whose values are asked for.
    replayed: Vec<bool>,
}

impl Walk<'_> {
    /// Pushes the patches of some steps through the network and returns the outputs after each.
    /// With `more` steps to come, the nodes' values are kept.
    fn push(
        &mut self,
        input: Patches,
        plan: &Plan,
        steps: std::ops::Range<usize>,
        more: bool,
    ) -> Vec<f32> {
        let graph = self.graph;
        let last = graph.last_use();
        let mut streams: Vec<Option<Patches>> = vec![None; graph.len()];
        streams[0] = Some(input);
        for (id, node) in graph.nodes().skip(1) {
            if let (Some(function), &[k]) = (node.op.function(), &node.inputs[..])
                && last[k.0] == id.0
                && !self.replayed[k.0]
            {
                let mut stream = streams[k.0].take().expect("streams live until their last use");
                function.apply(&mut stream.data);
                streams[id.0] = Some(stream);
                continue;
            }
            let rects = plan.of(id)[steps.clone()].to_vec();
            let out = self.node(node, rects, &mut streams);
            streams[id.0] = Some(out);
            for k in node.inputs.iter().filter(|k| last[k.0] == id.0 && **k != graph.output()) {
                if let Some(done) = streams[k.0].take()
                    && more
                    && self.replayed[k.0]
                {
                    self.keep(*k, &done);
                }
            }
        }
        let output = streams[graph.output().0].take().expect("the output is kept");
        let scores = self.replayed(graph.output(), &output);
        if more {
            self.keep(graph.output(), &output);
        }
        scores
    }

    fn value(&self, id: NodeId) -> &Tensor {
        self.current[id.0].as_ref().unwrap_or_else(|| self.base.of(id))
    }

    /// Applies all patches to a node's value.
    fn keep(&mut self, id: NodeId, patches: &Patches) {
        let mut value = self.current[id.0].take().unwrap_or_else(|| self.base.of(id).clone());
        (0..patches.len()).for_each(|k| value.write(patches.rects[k], patches.step(k)));
        self.current[id.0] = Some(value);
    }

    /// A node's values after each step.
    fn replayed(&self, id: NodeId, patches: &Patches) -> Vec<f32> {
        let mut value = self.value(id).clone();
        let mut all = Vec::with_capacity(value.data.len() * patches.len());
        for k in 0..patches.len() {
            value.write(patches.rects[k], patches.step(k));
            all.extend_from_slice(&value.data);
        }
        all
    }

    /// True when the new pixels of the inputs alone make those of the output.
    fn works_on_pixels(&self, node: &Node, rects: &[Rect], streams: &[Option<Patches>]) -> bool {
        let once = |k: &NodeId| node.inputs.iter().filter(|other| *other == k).count() == 1;
        node.op.is_per_pixel(&self.graph.shapes(&node.inputs))
            && node.inputs.iter().all(|k| once(k) && stream(streams, *k).rects == rects)
    }

    fn node(&self, node: &Node, rects: Vec<Rect>, streams: &mut [Option<Patches>]) -> Patches {
        let mut out = Patches::new(node.shape.c, rects);
        if self.works_on_pixels(node, &out.rects, streams) {
            let inputs: Vec<Tensor> = node
                .inputs
                .iter()
                .map(|k| pixels(streams[k.0].as_mut().expect("streams live until their last use")))
                .collect();
            let refs: Vec<&Tensor> = inputs.iter().collect();
            let all = refs[0].shape.rect();
            node.op.eval(&refs, all, &mut out.data);
            for (k, tensor) in node.inputs.iter().zip(inputs) {
                give_back(streams[k.0].as_mut().expect("as above"), tensor);
            }
            return out;
        }
        let inputs = node.inputs.iter().map(|k| (self.value(*k), stream(streams, *k)));
        let mut replay = Replay::new(inputs);
        node.op.eval_steps(&mut replay, &out.rects, out.channels, &mut out.data);
        out
    }
}

fn stream(streams: &[Option<Patches>], k: NodeId) -> &Patches {
    streams[k.0].as_ref().expect("streams live until their last use")
}

/// All pixels of a stream as one map of a single column; the stream is empty meanwhile.
fn pixels(patches: &mut Patches) -> Tensor {
    let data = std::mem::take(&mut patches.data);
    let shape = Shape::new(patches.channels, data.len() / patches.channels, 1);
    Tensor::new(shape, data)
}

fn give_back(patches: &mut Patches, tensor: Tensor) {
    patches.data = tensor.data;
}
