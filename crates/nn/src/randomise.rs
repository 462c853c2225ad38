//! Networks whose learned weights are put out of order, to test what depends on them.

use super::{
    graph::{Graph, Node, NodeId},
    head::Head,
    op::{Conv, Cpu, Dense, Linear, Op},
};
use crate::base::rng::{Seed, permutation};
use std::{any::Any, sync::Arc};

/// Layers with learned weights (convolutions and dense layers), from the input to the output.
pub fn layers(graph: &Graph) -> Vec<NodeId> {
    let learned = |(id, node): (NodeId, &Node)| {
        let op: &dyn Any = &*node.op;
        (op.is::<Conv>() || op.is::<Dense>()).then_some(id)
    };
    graph.nodes().filter_map(learned).collect()
}

/// The same network with the weights of these layers in random order; biases stay. The order depends
/// on (seed, position of the layer) only. Layers other than those of [`layers`] stay as they are.
pub fn randomise(graph: &Graph, chosen: &[NodeId], seed: Seed) -> Graph {
    graph.with_operators(|id, node| {
        // the input does not count
        let position = id.0 as u64 - 1;
        let other = chosen.contains(&id).then(|| shuffled(graph, node, seed, position));
        other.flatten().unwrap_or_else(|| node.op.clone())
    })
}

fn shuffled(graph: &Graph, node: &Node, seed: Seed, position: u64) -> Option<Arc<dyn Cpu>> {
    let input = graph.node(*node.inputs.first()?).shape;
    let op: &dyn Any = &*node.op;
    let shuffle = |weights: Vec<f32>| -> Vec<f32> {
        // the two sides of one logit stay opposites
        let half = weights.len() / 2;
        let (no, yes) = weights.split_at(half);
        let sides = graph.head() == Head::OneLogit && node.shape.c == 2;
        if sides && no.iter().zip(yes).all(|(a, b)| a.to_bits() == (-b).to_bits()) {
            let yes = in_random_order(yes, seed, position);
            return yes.iter().map(|w| -w).chain(yes.iter().copied()).collect();
        }
        in_random_order(&weights, seed, position)
    };
    if let Some(conv) = op.downcast_ref::<Conv>() {
        let bias = Linear::bias(conv).to_vec();
        let weights = shuffle(conv.weights());
        let shuffled = Conv::new(weights, node.shape.c, input.c, conv.geometry(), bias).ok()?;
        return Some(Arc::new(shuffled.named(conv.name())));
    }
    let dense = op.downcast_ref::<Dense>()?;
    let bias = Linear::bias(dense).to_vec();
    let dense = Dense::new(shuffle(dense.weights()), node.shape.len(), input, bias).ok()?;
    Some(Arc::new(dense))
}

fn in_random_order(weights: &[f32], seed: Seed, position: u64) -> Vec<f32> {
    let order = permutation(&mut seed.rng("randomise", "", &[position]), weights.len());
    order.into_iter().map(|i| weights[i]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{base::geom::Shape, op::ConvGeometry, tensor::Tensor};

    #[test]
    fn only_the_chosen_layers_change_and_their_weights_stay_the_same_values() {
        let shape = Shape::new(2, 5, 5);
        let mut graph = Graph::new(shape);
        let geometry = ConvGeometry {
            kernel: [3; 2],
            stride: [1; 2],
            dilation: [1; 2],
            pads: [1; 4],
            groups: 1,
        };
        let wave = |n: usize| (0..n).map(|i| (i as f32).sin()).collect::<Vec<f32>>();
        let conv = Conv::new(wave(3 * 2 * 9), 3, 2, geometry, wave(3)).unwrap();
        let at = graph.push("conv", Box::new(conv), &[graph.input()]).unwrap();
        let dense = Dense::new(wave(4 * 75), 4, Shape::new(3, 5, 5), wave(4)).unwrap();
        graph.push("dense", Box::new(dense), &[at]).unwrap();
        let learned = layers(&graph);
        assert_eq!(learned.len(), 2);
        let x = Tensor::new(shape, wave(50));
        let none = randomise(&graph, &[], Seed(0));
        assert_eq!(none.logits(&x), graph.logits(&x));
        let top = randomise(&graph, &learned[1..], Seed(0));
        assert_eq!(top.forward(&x).value(at), graph.forward(&x).value(at));
        assert_ne!(top.logits(&x), graph.logits(&x));
        assert_eq!(top.logits(&x), randomise(&graph, &learned[1..], Seed(0)).logits(&x));
        // without a picture only biases are left, and they stay
        let black = Tensor::zeros(shape);
        let bottom = randomise(&graph, &learned[..1], Seed(0));
        assert_eq!(bottom.forward(&black).value(at), graph.forward(&black).value(at));
        assert_ne!(bottom.forward(&x).value(at), graph.forward(&x).value(at));
    }
}
