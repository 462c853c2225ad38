//! Computing one class score only: at the end of a network most work is for the other classes.

use crate::{
    graph::{Activations, Graph, NodeId},
    op::{Cpu, OneChannel},
    tensor::Tensor,
};
use std::{collections::BTreeMap, sync::Arc};

/// The nodes at the end of `graph` that need only the channel of one class, with the operators
/// that compute it.
fn reduced(graph: &Graph, class: usize) -> BTreeMap<NodeId, Arc<dyn Cpu>> {
    let mut users = vec![0; graph.len()];
    graph.nodes().flat_map(|(_, n)| &n.inputs).for_each(|k| users[k.0] += 1);
    let mut found = BTreeMap::new();
    let mut id = graph.output();
    let shape = graph.node(id).shape;
    if shape.h != 1 || shape.w != 1 {
        return found;
    }
    loop {
        let node = graph.node(id);
        let op: Arc<dyn Cpu> = match node.op.for_channel(&graph.shapes(&node.inputs), class) {
            None => return BTreeMap::new(),
            Some(OneChannel::FromAll(op)) => {
                found.insert(id, op.into());
                return found;
            }
            Some(OneChannel::FromOne) => node.op.clone(),
            Some(OneChannel::FromOneBy(op)) => op.into(),
        };
        found.insert(id, op);
        id = node.inputs[0];
        if users[id.0] != 1 || id == graph.input() {
            return BTreeMap::new();
        }
    }
}

/// The graph and activations that compute the score of `class` alone; `None` where the network
/// does not end in a way that allows it.
pub(super) fn restrict(
    graph: &Graph,
    acts: &Activations,
    class: usize,
) -> Option<(Graph, Activations)> {
    let reduced = reduced(graph, class);
    if reduced.is_empty() {
        return None;
    }
    let small = graph.with_operators(|id, node| reduced.get(&id).unwrap_or(&node.op).clone());
    let mut acts = acts.clone();
    for id in reduced.keys() {
        let value = channel(acts.value(*id), class);
        acts.replace(*id, value);
    }
    Some((small, acts))
}

fn channel(all: &Tensor, c: usize) -> Tensor {
    let data = all.data.iter().skip(c).step_by(all.shape.c).copied().collect();
    Tensor::new(crate::base::geom::Shape { c: 1, ..all.shape }, data)
}
