//! Which convolutions are computed by Winograd tiles.
//!
//! Tiles save products but widen patches to whole tiles, and a wider patch is carried into all
//! later layers. So the choice is made for the whole network at once, for the rectangles that
//! chains will bring, by a count of work that is the same on every machine: with the same choice
//! every pass has the same bits.

use super::{
    graph::{Graph, Node, NodeId},
    kernel::winograd::Tile,
    op::{Conv, Cpu},
    stream::StreamPlan,
};
use crate::base::geom::Rect;
use std::{any::Any, sync::Arc};

/// Moving a float into a gathered row, in multiply-adds: measured ratio of the two speeds.
const GATHER: u64 = 16;

/// Transforming a float of a tile, in multiply-adds: measured ratio of the two speeds.
const TRANSFORM: u64 = 40;

/// Reading a weight from memory, in multiply-adds: measured ratio of the two speeds. Products that
/// use each weight less often wait for it.
const READ: u64 = 48;

/// Rows of a product that share one reading of the weights, roughly.
const ROWS: u64 = 112;

fn as_conv(op: &Arc<dyn Cpu>) -> Option<&Conv> {
    (&**op as &dyn Any).downcast_ref()
}

/// The tiles by which a node is computed, `None` for the direct form.
pub fn tile(node: &Node) -> Option<Tile> {
    as_conv(&node.op).and_then(Conv::tile)
}

/// Work of a convolution on the output pixels of `rects`, in multiply-adds.
fn work(conv: &Conv, graph: &Graph, node: &Node, rects: &[Rect]) -> u64 {
    let shapes = graph.shapes(&node.inputs);
    let macs: u64 = rects.iter().map(|rect| conv.macs(&shapes, *rect)).sum();
    let (inputs, outputs) = (graph.node(node.inputs[0]).shape.c as u64, node.shape.c as u64);
    let [kh, kw] = conv.geometry().kernel;
    let pairs = inputs * outputs / conv.geometry().groups as u64;
    // products of one row with all weights of a tile or window, and floats moved for them
    let (weights, moved) = match conv.tile() {
        Some(tile) => {
            (pairs * tile.products() as u64, macs / pairs * (inputs + outputs) * TRANSFORM)
        }
        None => (pairs * (kh * kw) as u64, macs / outputs * GATHER),
    };
    let readings = (macs / weights).div_ceil(ROWS);
    moved + macs.max(readings * weights * READ)
}

fn total(graph: &Graph, regions: &[Rect]) -> u64 {
    let plan = StreamPlan::new(graph, regions);
    let of = |(id, node): (NodeId, &Node)| -> u64 {
        as_conv(&node.op).map_or(0, |conv| work(conv, graph, node, plan.rects(id)))
    };
    graph.nodes().map(of).sum()
}

/// The same graph with another operator at one node.
fn with_op(graph: &Graph, at: NodeId, op: &Arc<dyn Cpu>) -> Graph {
    graph.with_operators(|id, node| if id == at { op.clone() } else { node.op.clone() })
}

/// The other forms of a convolution.
fn others(op: &Arc<dyn Cpu>) -> Vec<Conv> {
    let Some(conv) = as_conv(op) else { return vec![] };
    let forms = conv.tiles().into_iter().map(Some).chain([None]);
    forms.filter(|tile| *tile != conv.tile()).filter_map(|tile| conv.with_tile(tile)).collect()
}

/// The same network with all convolutions computed directly.
pub fn direct(graph: &Graph) -> Graph {
    graph.with_operators(|_, node| match as_conv(&node.op) {
        Some(conv) if conv.tile().is_some() => {
            Arc::new(conv.with_tile(None).expect("the direct form fits every convolution"))
        }
        _ => node.op.clone(),
    })
}

/// The same network with the tiles that need least work when `regions` of the input change, one at
/// a time: pass the regions of some chains, or the whole picture for full passes. Layer by layer
/// from the last to the first, as a layer's tiles cost most in the layers after it, and once more. Tiles that
/// the network has already make no difference.
pub fn tuned(graph: &Graph, regions: &[Rect]) -> Graph {
    let mut best = direct(graph);
    let mut least = total(&best, regions);
    for _ in 0..2 {
        let convs: Vec<NodeId> = best.nodes().map(|(id, _)| id).rev().collect();
        for id in convs {
            for other in others(&best.node(id).op) {
                let candidate = with_op(&best, id, &(Arc::new(other) as Arc<dyn Cpu>));
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
        op::{ConvGeometry, Function, Unary},
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
        let graph = chain(56, 64, 3);
        let tuned = tuned(&graph, &[graph.input_shape().rect()]);
        assert!(tiles(&tuned).iter().flatten().all(|t| t.side() >= 4), "{:?}", tiles(&tuned));
        assert!(tiles(&tuned).iter().all(Option::is_some));
        assert_eq!(tiles(&graph), [None; 3]);
    }

    #[test]
    fn small_patches_in_deep_networks_do_not_grow_without_need() {
        let graph = chain(64, 64, 4);
        let regions = [Rect { y0: 27, y1: 30, x0: 33, x1: 36 }; 100];
        let tuned = tuned(&graph, &regions);
        let large = tiles(&tuned).iter().flatten().filter(|t| t.side() >= 4).count();
        assert!(large < 4, "{:?}", tiles(&tuned));
        assert!(total(&tuned, &regions) < total(&graph, &regions));
    }

    #[test]
    fn weights_that_few_rows_would_use_are_not_made_larger() {
        let graph = chain(7, 512, 1);
        let tuned = tuned(&graph, &[graph.input_shape().rect()]);
        assert_eq!(tiles(&tuned), [None]);
    }

    #[test]
    fn grids_of_tiles_are_shifted_where_that_keeps_patches_small() {
        let graph = chain(56, 128, 3);
        let at = |i: usize| Rect { y0: i, y1: i + 5, x0: 3 * i, x1: 3 * i + 5 };
        let regions: Vec<Rect> = (4..12).map(at).collect();
        let tuned = tuned(&graph, &regions);
        let shifts: Vec<usize> = tiles(&tuned).iter().flatten().map(|t| t.shift()).collect();
        assert!(shifts.iter().any(|s| *s > 0), "{:?}", tiles(&tuned));
        let straight = |tile: Tile| Tile::new(tile.side(), tile.window(), 0);
        let mut other = tuned.clone();
        for (id, node) in tuned.nodes() {
            if let Some(tile) = tile(node) {
                let conv = as_conv(&node.op).unwrap().with_tile(straight(tile)).unwrap();
                other = with_op(&other, id, &(Arc::new(conv) as Arc<dyn Cpu>));
            }
        }
        assert!(total(&tuned, &regions) < total(&other, &regions));
    }
}
