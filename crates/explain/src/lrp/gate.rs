//! Which operand of a product is the gate.

use crate::nn::{
    graph::{Graph, Node, NodeId},
    op::{Function, Role},
};

/// The operand of a product of two maps that only lets the other through: the one that went through a
/// sigmoid or a like function, or else the one that is spread over the other. `None` where that is
/// neither or both.
pub(super) fn gate_of(graph: &Graph, product: &Node) -> Option<usize> {
    let &[a, b] = &product.inputs[..] else { return None };
    let squashed = [is_squashed(graph, a), is_squashed(graph, b)];
    let spread = [a, b].map(|k| graph.node(source(graph, k)).shape.len() < product.shape.len());
    let alone = |found: [bool; 2]| (found[0] != found[1]).then_some(usize::from(found[1]));
    alone(squashed).or_else(|| alone(spread))
}

/// Where values that are only moved or repeated come from.
pub(super) fn source(graph: &Graph, mut at: NodeId) -> NodeId {
    while let (Role::Route, &[from]) = (graph.node(at).op.role(), &graph.node(at).inputs[..]) {
        at = from;
    }
    at
}

/// True for values between 0 and 1, or -1 and 1, by the function they come from.
fn is_squashed(graph: &Graph, at: NodeId) -> bool {
    let op = &graph.node(source(graph, at)).op;
    let bounded = |f: Function| match f {
        Function::Sigmoid | Function::HardSigmoid { .. } | Function::Tanh => true,
        Function::Clip { min, max } => min >= -1.0 && max <= 1.0,
        _ => false,
    };
    op.function().is_some_and(bounded) || op.name() == "Softmax"
}
