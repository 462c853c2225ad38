//! What a chain touches, before anything is computed.

use crate::{
    base::geom::Rect,
    nn::graph::{Graph, Node, NodeId},
};

/// The rectangles that change in every node at every step.
#[derive(Clone, Debug)]
pub struct Plan {
    /// `rects[node][step]`
    rects: Vec<Vec<Rect>>,
}

impl Plan {
    /// Follows the rectangles `regions` of the input, one per step, through the graph.
    pub fn new(graph: &Graph, regions: &[Rect]) -> Plan {
        let mut rects: Vec<Vec<Rect>> = Vec::with_capacity(graph.len());
        for (id, node) in graph.nodes() {
            if id == graph.input() {
                rects.push(regions.to_vec());
                continue;
            }
            let shapes = graph.shapes(&node.inputs);
            let reached = |step: usize| {
                let each = node.inputs.iter().enumerate();
                each.fold(Rect::EMPTY, |all, (k, input)| {
                    all.union(node.op.reach(&shapes, k, rects[input.0][step]))
                })
            };
            rects.push((0..regions.len()).map(reached).collect());
        }
        Plan { rects }
    }

    /// The rectangles of one node.
    pub fn of(&self, id: NodeId) -> &[Rect] {
        &self.rects[id.0]
    }

    /// Multiply-adds of the steps, per node, when all are worked on together: the first step keeps
    /// nothing from a step before.
    pub fn macs(&self, graph: &Graph) -> Vec<u64> {
        let of = |(id, node): (NodeId, &Node)| {
            let (shapes, rects) = (graph.shapes(&node.inputs), self.of(id));
            let first = rects.iter().position(|rect| !rect.is_empty());
            let step = |step: usize| {
                if Some(step) <= first {
                    return node.op.macs(&shapes, rects[step]);
                }
                let dirty: Vec<Rect> = node.inputs.iter().map(|k| self.of(*k)[step]).collect();
                node.op.step_macs(&shapes, &dirty, rects[step])
            };
            (0..rects.len()).map(step).sum()
        };
        graph.nodes().map(of).collect()
    }

    /// Bytes of the streams that are alive at once, for each step: the most over the walk through
    /// the graph.
    pub fn bytes(&self, graph: &Graph) -> Vec<u64> {
        let last = graph.last_use();
        let size = |id: usize, step: usize| {
            let channels = graph.node(NodeId(id)).shape.c;
            (self.rects[id][step].area() * channels * size_of::<f32>()) as u64
        };
        let peak = |step: usize| {
            let (mut alive, mut most) = (0, 0);
            for (NodeId(id), node) in graph.nodes() {
                alive += size(id, step);
                most = most.max(alive);
                let mut ended: Vec<usize> =
                    node.inputs.iter().map(|k| k.0).filter(|k| last[*k] == id).collect();
                ended.dedup();
                alive -= ended.iter().map(|k| size(*k, step)).sum::<u64>();
            }
            most
        };
        let steps = self.rects.first().map_or(0, Vec::len);
        (0..steps).map(peak).collect()
    }
}
