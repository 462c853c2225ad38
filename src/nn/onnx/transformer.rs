//! Tells transformers by their operators, so that a person learns what is not supported from one
//! sentence, and not from whichever detail of attention happens to stand first in the file.

use super::proto::{GraphProto, NodeProto};
use std::collections::HashSet;

/// Operators that stand for attention.
const ATTENTION: &[&str] =
    &["Attention", "EmbedLayerNormalization", "MultiHeadAttention", "RotaryEmbedding"];

/// Operators that normalise the features of a token.
const NORMALISATION: &[&str] = &[
    "LayerNormalization",
    "RMSNormalization",
    "SimplifiedLayerNormalization",
    "SkipLayerNormalization",
];

/// The first node that only transformers have, and what it does. `weights` are the names of the
/// initializers.
pub(super) fn sign(
    graph: &GraphProto,
    weights: impl Fn(&str) -> bool,
) -> Option<(&NodeProto, &'static str)> {
    let inputs = graph.input.iter().map(|v| &v.name[..]);
    let mut computed: HashSet<&str> = inputs.filter(|name| !weights(name)).collect();
    for node in &graph.node {
        if let Some(what) = what(node, &computed) {
            return Some((node, what));
        }
        // shapes are numbers, whatever they are the shapes of
        if node.op_type != "Shape" && node.input.iter().any(|i| computed.contains(&i[..])) {
            computed.extend(node.output.iter().map(|o| &o[..]));
        }
    }
    None
}

fn what(node: &NodeProto, computed: &HashSet<&str>) -> Option<&'static str> {
    let op = &node.op_type[..];
    let is_product = matches!(op, "MatMul" | "Einsum");
    let maps = node.input.iter().filter(|i| computed.contains(&i[..])).count();
    match op {
        _ if ATTENTION.contains(&op) => Some("computes attention"),
        _ if NORMALISATION.contains(&op) => Some("normalises the features of each position"),
        _ if is_product && maps > 1 => {
            Some("multiplies two matrices that both depend on the picture, as attention does")
        }
        _ => None,
    }
}
