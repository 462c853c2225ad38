//! Scores along a chain.

use super::{StreamPlan, one_class, plan::Stage};
use crate::{
    base::geom::{Rect, Shape},
    graph::{Activations, Graph, Node, NodeId},
    kernel::parallel,
    op::Function,
    patch::{Patches, Replay},
    tensor::Tensor,
};
use std::ops::Range;

/// What all chains of a picture share: the network (perhaps cut down to one class) and its values
/// for the untouched picture.
#[derive(Debug)]
pub struct Base<'g> {
    graph: Held<'g>,
    acts: Activations,
    /// Nodes whose values are asked for.
    replayed: Vec<bool>,
    /// The class to be picked from the scores of all, where the network does not end in a way that gives
    /// it alone.
    pick: Option<usize>,
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
    /// picture; those that no step asks for are let go.
    pub fn new(graph: &'g Graph, acts: Activations, class: Option<usize>) -> Base<'g> {
        let (graph, mut acts, pick) = match class.and_then(|c| one_class::restrict(graph, &acts, c))
        {
            Some((graph, acts)) => (Held::OneClass(graph), acts, None),
            None => (Held::Whole(graph), acts, class),
        };
        let replayed = replayed(graph.get());
        acts.keep(|id| id == graph.get().input() || replayed[id.0]);
        Base { graph, acts, replayed, pick }
    }

    /// The network that is evaluated.
    pub fn graph(&self) -> &Graph {
        self.graph.get()
    }

    /// The untouched picture in input space.
    pub fn picture(&self) -> &Tensor {
        self.acts.value(self.graph().input())
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
        let plan = StreamPlan::new(graph, regions);
        let mut stream = Patches::new(graph.input_shape().c, regions.to_vec());
        (0..regions.len()).for_each(|step| pixels(step, stream.step_mut(step)));
        for Stage { nodes, chunks } in plan.stages(graph, budget) {
            let end = if nodes.end == graph.len() { graph.output() } else { NodeId(nodes.end - 1) };
            let current = vec![None; graph.len()];
            let mut walk = Walk { base: self, nodes, end, current };
            stream = walk.push_all(stream, &plan, &chunks);
        }
        let mut values = self.acts.value(graph.output()).data.clone();
        values.extend(replayed_values(self.acts.value(graph.output()), &stream));
        if let Some(class) = self.pick {
            values = values.chunks_exact(graph.classes()).map(|scores| scores[class]).collect();
        }
        Scores { values, macs: plan.macs(graph) }
    }
}

impl Held<'_> {
    fn get(&self) -> &Graph {
        match self {
            Held::Whole(graph) => graph,
            Held::OneClass(graph) => graph,
        }
    }
}

/// A map's values after each step.
fn replayed_values(before: &Tensor, patches: &Patches) -> Vec<f32> {
    let mut value = before.clone();
    let mut all = Vec::with_capacity(value.data.len() * patches.len());
    for k in 0..patches.len() {
        value.write(patches.rects[k], patches.step(k));
        all.extend_from_slice(&value.data);
    }
    all
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

/// A walk of streams through some consecutive nodes of the graph.
struct Walk<'a> {
    base: &'a Base<'a>,
    nodes: Range<usize>,
    /// The node whose stream is wanted.
    end: NodeId,
    /// Values of the nodes after the chunks so far, where they differ from the base.
    current: Vec<Option<Tensor>>,
}

impl Walk<'_> {
    /// Pushes all steps through, chunk by chunk. `input` is the stream of the node before the first
    /// (of the first node itself if that is the input).
    fn push_all(&mut self, input: Patches, plan: &StreamPlan, chunks: &[Range<usize>]) -> Patches {
        if let [steps] = chunks {
            return self.push(input, plan, steps, false);
        }
        let channels = self.base.graph().node(self.end).shape.c;
        let mut out = Patches::new(channels, plan.rects(self.end).to_vec());
        for (i, steps) in chunks.iter().enumerate() {
            let some = input.slice(steps.clone());
            out.put(steps.start, &self.push(some, plan, steps, i + 1 < chunks.len()));
        }
        out
    }

    /// Pushes the patches of some steps through. With `more` steps to come, the nodes' values are
    /// kept.
    fn push(
        &mut self,
        input: Patches,
        plan: &StreamPlan,
        steps: &Range<usize>,
        more: bool,
    ) -> Patches {
        let graph = self.base.graph();
        let last = graph.last_use();
        let first = self.nodes.start.max(1);
        let mut streams: Vec<Option<Patches>> = vec![None; graph.len()];
        streams[first - 1] = Some(input);
        for id in (first..self.nodes.end).map(NodeId) {
            let node = graph.node(id);
            if let (Some(function), &[k]) = (node.op.function(), &node.inputs[..])
                && last[k.0] == id.0
                && !self.base.replayed[k.0]
            {
                let mut stream = streams[k.0].take().expect(LIVES);
                apply(function, stream.all_mut());
                streams[id.0] = Some(stream);
                continue;
            }
            let rects = plan.rects(id)[steps.clone()].to_vec();
            streams[id.0] = Some(self.node(node, rects, &mut streams));
            for k in &node.inputs {
                if last[k.0] == id.0
                    && *k != self.end
                    && let Some(done) = streams[k.0].take()
                    && more
                    && self.base.replayed[k.0]
                {
                    self.keep(*k, &done);
                }
            }
        }
        streams[self.end.0].take().expect("the end is kept")
    }

    fn value(&self, id: NodeId) -> &Tensor {
        self.current[id.0].as_ref().unwrap_or_else(|| self.base.acts.value(id))
    }

    /// Applies all patches to a node's value.
    fn keep(&mut self, id: NodeId, patches: &Patches) {
        let mut value =
            self.current[id.0].take().unwrap_or_else(|| self.base.acts.value(id).clone());
        (0..patches.len()).for_each(|k| value.write(patches.rects[k], patches.step(k)));
        self.current[id.0] = Some(value);
    }

    fn node(&self, node: &Node, rects: Vec<Rect>, streams: &mut [Option<Patches>]) -> Patches {
        let shapes = self.base.graph().shapes(&node.inputs);
        let out = Patches::new(node.shape.c, rects);
        let work = out.rects.iter().map(|rect| node.op.macs(&shapes, *rect)).sum::<u64>();
        let work = work + out.values() as u64;
        if works_on_pixels(node, &shapes, &out.rects, streams) {
            on_pixels(node, work, out, streams)
        } else {
            self.in_steps(node, work, out, streams)
        }
    }

    /// The new values of a node, step by step; several ranges of steps at once where other threads
    /// have nothing to do.
    fn in_steps(
        &self,
        node: &Node,
        work: u64,
        mut out: Patches,
        streams: &[Option<Patches>],
    ) -> Patches {
        let (channels, rects) = (out.channels, out.rects.clone());
        // each part reads the weights once: few steps would not be worth it
        let most = rects.len().div_ceil(STEPS_PER_PART).max(1);
        let parts = out.split(parallel::parts(work).min(most));
        parallel::for_parts(parts, |(steps, out)| {
            let inputs = node.inputs.iter().map(|k| (self.value(*k), stream(streams, *k)));
            let mut replay = Replay::new(inputs, steps.start);
            node.op.eval_steps(&mut replay, &rects[steps], channels, out);
        });
        out
    }
}

/// True when the new pixels of the inputs alone make those of the output.
fn works_on_pixels(
    node: &Node,
    shapes: &[Shape],
    rects: &[Rect],
    streams: &[Option<Patches>],
) -> bool {
    let once = |k: &NodeId| node.inputs.iter().filter(|other| *other == k).count() == 1;
    node.op.is_per_pixel(shapes)
        && !node.inputs.is_empty()
        && node.inputs.iter().all(|k| once(k) && stream(streams, *k).rects == rects)
}

/// The new pixels of a node from those of its inputs, all steps at once.
fn on_pixels(node: &Node, work: u64, mut out: Patches, streams: &mut [Option<Patches>]) -> Patches {
    let taken = |k: &NodeId| streams[k.0].as_mut().expect(LIVES).take_pixels();
    let inputs: Vec<Tensor> = node.inputs.iter().map(taken).collect();
    let refs: Vec<&Tensor> = inputs.iter().collect();
    let (pixels, channels) = (refs[0].shape.h, out.channels);
    let strip = pixels.div_ceil(parallel::strips(work)).max(1);
    parallel::for_chunks(out.all_mut(), strip * channels, work, |i, out| {
        let y0 = i * strip;
        let rect = Rect { y0, y1: y0 + out.len() / channels, x0: 0, x1: 1 };
        node.op.eval(&refs, rect, out);
    });
    for (k, tensor) in node.inputs.iter().zip(inputs) {
        streams[k.0].as_mut().expect(LIVES).put_pixels(tensor);
    }
    out
}

/// Applies a function of single values.
fn apply(function: Function, values: &mut [f32]) {
    let work = values.len() as u64;
    let strip = values.len().div_ceil(parallel::strips(work)).max(1);
    parallel::for_chunks(values, strip, work, |_, values| function.apply(values));
}

/// Steps of a part at least, where there are enough.
const STEPS_PER_PART: usize = if cfg!(test) { 1 } else { 8 };

const LIVES: &str = "streams live until their last use";

fn stream(streams: &[Option<Patches>], k: NodeId) -> &Patches {
    streams[k.0].as_ref().expect(LIVES)
}
