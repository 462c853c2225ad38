//! Which convolutions are computed by Winograd tiles.
//!
//! Tiles save products but widen patches to whole tiles, and a wider patch is carried into all
//! later layers. So the choice is made for the whole network at once, for the rectangles that
//! chains will bring, by a count of work that is the same on every machine: with the same choice
//! every pass has the same bits.

use super::{
    graph::{Graph, Node, NodeId},
    kernel::winograd::Tile,
    op::{Conv, Op},
    stream::Plan,
};
use crate::base::geom::Rect;
use std::{any::Any, sync::Arc};

/// Moving a float into a gathered row, in multiply-adds: measured ratio of the two speeds.
const GATHER: u64 = 16;

/// Transforming a float of a tile, in multiply-adds: measured ratio of the two speeds.
const TRANSFORM: u64 = 28;

fn as_conv(op: &Arc<dyn Op>) -> Option<&Conv> {
    (&**op as &dyn Any).downcast_ref()
}

/// The tiles by which a node is computed, `None` for the direct form.
pub fn tile(node: &Node) -> Option<Tile> {
    as_conv(&node.op).and_then(Conv::tile)
}

/// Work of a convolution on output pixels `rect`, in multiply-adds.
fn work(conv: &Conv, graph: &Graph, node: &Node, rect: Rect) -> u64 {
    let macs = conv.macs(&graph.shapes(&node.inputs), rect);
    let (inputs, outputs) = (graph.node(node.inputs[0]).shape.c as u64, node.shape.c as u64);
    if conv.tile().is_some() {
        let pairs = inputs * outputs;
        macs + macs / pairs * (inputs + outputs) * TRANSFORM
    } else {
        macs + macs / outputs * GATHER
    }
}

fn total(graph: &Graph, regions: &[Rect]) -> u64 {
    let plan = Plan::new(graph, regions);
    let of = |(id, node): (NodeId, &Node)| -> u64 {
        let Some(conv) = as_conv(&node.op) else { return 0 };
        plan.of(id).iter().map(|rect| work(conv, graph, node, *rect)).sum()
    };
    graph.nodes().map(of).sum()
}

/// The other forms of a convolution.
fn others(op: &Arc<dyn Op>) -> Vec<Conv> {
    let Some(conv) = as_conv(op) else { return vec![] };
    let forms = conv.tiles().into_iter().map(Some).chain([None]);
    forms.filter(|tile| *tile != conv.tile()).filter_map(|tile| conv.with_tile(tile)).collect()
}

/// The same graph with another operator at one node.
fn with_op(graph: &Graph, at: NodeId, op: &Arc<dyn Op>) -> Graph {
    let mut new = Graph::new(graph.input_shape());
    for (id, node) in graph.nodes().skip(1) {
        let op = if id == at { op } else { &node.op };
        new.push_shared(&node.name, op.clone(), &node.inputs).expect("it fitted before");
    }
    new.set_output(graph.output());
    new
}

/// The same network with the tiles that need least work when `regions` of the input change, one at
/// a time: pass the regions of some chains, or the whole picture for full passes. Layer by layer
/// from the last to the first, as a layer's tiles cost most in the layers after it, and once more.
pub fn tuned(graph: &Graph, regions: &[Rect]) -> Graph {
    let mut best = with_op(graph, graph.input(), &graph.node(graph.input()).op);
    let mut least = total(&best, regions);
    for _ in 0..2 {
        let convs: Vec<NodeId> = best.nodes().map(|(id, _)| id).rev().collect();
        for id in convs {
            for other in others(&best.node(id).op) {
                let candidate = with_op(&best, id, &(Arc::new(other) as Arc<dyn Op>));
                let work = total(&candidate, regions);
                if work < least {
                    (best, least) = (candidate, work);
                }
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::geom::Shape,
        nn::op::{ConvGeometry, Function, Unary},
    };

    fn chain(size: usize, channels: usize, convs: usize) -> Graph {
        let mut graph = Graph::new(Shape::new(channels, size, size));
        let geometry = ConvGeometry {
            kernel: [3; 2],
            stride: [1; 2],
            dilation: [1; 2],
            pads: [1; 4],
            groups: 1,
        };
        for i in 0..convs {
            let weight = vec![0.1; channels * channels * 9];
            let conv = Conv::new(weight, channels, channels, geometry, vec![]).unwrap();
            let last = graph.output();
            let id = graph.push(&format!("conv{i}"), Box::new(conv), &[last]).unwrap();
            graph.push(&format!("relu{i}"), Box::new(Unary::new(Function::Relu)), &[id]).unwrap();
        }
        graph
    }

    fn tiles(graph: &Graph) -> Vec<Option<Tile>> {
        graph.nodes().filter_map(|(_, n)| Some(as_conv(&n.op)?.tile())).collect()
    }

    #[test]
    fn full_passes_take_large_tiles() {
        let graph = chain(28, 64, 3);
        let tuned = tuned(&graph, &[graph.input_shape().rect()]);
        assert!(tiles(&tuned).iter().flatten().all(|t| t.side() >= 4), "{:?}", tiles(&tuned));
        assert!(tiles(&tuned).iter().all(Option::is_some));
        assert_eq!(tiles(&graph), [None; 3]);
    }

    #[test]
    fn small_patches_in_deep_networks_do_not_grow_without_need() {
        let graph = chain(64, 64, 4);
        let region = Rect { y0: 27, y1: 30, x0: 33, x1: 36 };
        let tuned = tuned(&graph, &[region]);
        let large = tiles(&tuned).iter().flatten().filter(|t| t.side() >= 4).count();
        assert!(large < 4, "{:?}", tiles(&tuned));
        assert!(total(&tuned, &[region]) < total(&graph, &[region]));
    }
}
