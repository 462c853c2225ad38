//! What a chain touches, before anything is computed.

use crate::{
    base::geom::Rect,
    graph::{Graph, Node, NodeId},
};
use std::ops::Range;

/// The rectangles that change in every node at every step.
#[derive(Clone, Debug)]
pub struct StreamPlan {
    /// `rects[node][step]`
    rects: Vec<Vec<Rect>>,
}

impl StreamPlan {
    /// Follows the rectangles `regions` of the input, one per step, through the graph.
    pub fn new(graph: &Graph, regions: &[Rect]) -> StreamPlan {
        let mut rects: Vec<Vec<Rect>> = Vec::with_capacity(graph.len());
        for (id, node) in graph.nodes() {
            if id == graph.input() {
                rects.push(regions.to_vec());
                continue;
            }
            let shapes = graph.shapes(&node.inputs);
            let mut reached = vec![Rect::EMPTY; regions.len()];
            for (k, input) in node.inputs.iter().enumerate() {
                for (all, dirty) in reached.iter_mut().zip(&rects[input.0]) {
                    *all = all.union(node.op.touched(&shapes, k, *dirty));
                }
            }
            rects.push(reached);
        }
        StreamPlan { rects }
    }

    /// The rectangles of one node.
    pub fn rects(&self, id: NodeId) -> &[Rect] {
        &self.rects[id.0]
    }

    /// Multiply-adds of the steps, per node, when all are worked on together: the first step keeps
    /// nothing from a step before.
    pub fn macs(&self, graph: &Graph) -> Vec<u64> {
        let of = |(id, node): (NodeId, &Node)| {
            let (shapes, rects) = (graph.shapes(&node.inputs), self.rects(id));
            let first = rects.iter().position(|rect| !rect.is_empty());
            let mut dirty = vec![Rect::EMPTY; node.inputs.len()];
            let step = |step: usize| {
                if Some(step) <= first {
                    return node.op.macs(&shapes, rects[step]);
                }
                dirty.iter_mut().zip(&node.inputs).for_each(|(d, k)| *d = self.rects(*k)[step]);
                node.op.step_macs(&shapes, &dirty, rects[step])
            };
            (0..rects.len()).map(step).sum()
        };
        graph.nodes().map(of).collect()
    }

    /// Bytes of the patches of one node at one step.
    fn size(&self, graph: &Graph, id: NodeId, step: usize) -> u64 {
        (self.rects(id)[step].area() * graph.node(id).shape.c * size_of::<f32>()) as u64
    }

    /// Bytes of the streams that are alive while the walk through the graph is at a node:
    /// `[node][step]`.
    fn alive(&self, graph: &Graph) -> Vec<Vec<u64>> {
        let last = graph.last_use();
        let mut alive = vec![0; self.rects.first().map_or(0, Vec::len)];
        let at = |(id, node): (NodeId, &Node)| {
            let mut ended: Vec<NodeId> =
                node.inputs.iter().copied().filter(|k| last[k.0] == id.0).collect();
            ended.sort();
            ended.dedup();
            for (step, alive) in alive.iter_mut().enumerate() {
                *alive += self.size(graph, id, step);
            }
            let here = alive.clone();
            for (step, alive) in alive.iter_mut().enumerate() {
                *alive -= ended.iter().map(|k| self.size(graph, *k, step)).sum::<u64>();
            }
            here
        };
        graph.nodes().map(at).collect()
    }

    /// Bytes of the streams that are alive at once, for each step: the most over the walk through
    /// the graph.
    pub fn bytes(&self, graph: &Graph) -> Vec<u64> {
        most(&self.alive(graph), self.rects.first().map_or(0, Vec::len))
    }

    /// How to walk through the graph with at most `budget` bytes of patches, as far as that is
    /// possible: in stages from bottleneck to bottleneck. Where a stage has too many bytes, it takes
    /// the steps in chunks; so only some layers do, and the large weights of the dense layers at the
    /// end are read once per chain.
    pub fn stages(&self, graph: &Graph, budget: u64) -> Vec<Stage> {
        let steps = self.rects.first().map_or(0, Vec::len);
        let held = |id: usize| (0..steps).map(|k| self.size(graph, NodeId(id), k)).sum::<u64>();
        let bytes = self.alive(graph);
        // what waits in front of a stage and what has come out of it takes up to half of the budget
        let cuts = bottlenecks(graph).filter(|id| held(*id) <= budget / 4).map(|id| id + 1);
        let (mut stages, mut start) = (Vec::new(), 0);
        for end in cuts.chain([graph.len()]) {
            let nodes = start..end;
            let most = most(&bytes[nodes.clone()], steps);
            let all = most.iter().sum::<u64>() <= budget;
            let chunks =
                if all { std::iter::once(0..steps).collect() } else { chunks(&most, budget / 2) };
            stages.push(Stage { nodes, chunks });
            start = end;
        }
        stages
    }
}

/// For each step the most over some nodes.
fn most(bytes: &[Vec<u64>], steps: usize) -> Vec<u64> {
    (0..steps).map(|k| bytes.iter().map(|b| b[k]).max().unwrap_or(0)).collect()
}

/// A part of the walk through the graph.
#[derive(Clone, Debug)]
pub struct Stage {
    /// The nodes.
    pub nodes: Range<usize>,
    /// Steps that are worked on together.
    pub chunks: Vec<Range<usize>>,
}

/// Nodes that all later ones see the picture through, in ascending order.
fn bottlenecks(graph: &Graph) -> impl Iterator<Item = usize> {
    let last = graph.last_use();
    let output = graph.output().0;
    let mut reach = 0;
    (0..output).filter(move |id| {
        let alone = reach <= *id;
        reach = reach.max(last[*id]);
        alone && *id > 0
    })
}

/// Consecutive ranges of steps whose bytes stay within the budget, each at least one step, of
/// nearly one size: what is read once per range (weights) is read as seldom as can be.
fn chunks(bytes: &[u64], budget: u64) -> Vec<Range<usize>> {
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
