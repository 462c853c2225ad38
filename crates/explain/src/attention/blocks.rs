//! Where attention stands in a network: found from the graph alone, so that networks of the same weights
//! have the same blocks however they were exported.

use crate::nn::{
    graph::{Graph, Node, NodeId},
    op::Role,
};
use std::collections::BTreeSet;

/// One attention: `O = A V` with `A = softmax(Q K^T + ...)`, of all heads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The softmax, whose output are the weights `A`: one pixel per query and one channel per key.
    pub weights: NodeId,
    /// The layers that make queries and keys; the same node where one layer makes both, `None` where there
    /// is none.
    pub query_key: [Option<NodeId>; 2],
    /// The layer that makes the values.
    pub value: Option<NodeId>,
    /// The layer that mixes the heads.
    pub output: Option<NodeId>,
}

/// What a layer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Makes queries and nothing else.
    Query,
    /// Makes keys and nothing else.
    Key,
    /// Makes values and nothing else.
    Value,
    /// Makes queries, keys or values, or several of them at once.
    Projection,
    /// Mixes the heads after attention.
    Output,
    /// One of the layers around an activation in a residual branch.
    FeedForward,
    /// Makes tokens of the picture.
    PatchEmbedding,
}

/// All attentions, from the picture on.
pub fn blocks(graph: &Graph) -> Vec<Block> {
    let users = Users::new(graph);
    graph.nodes().filter_map(|(id, node)| block(graph, &users, id, node)).collect()
}

/// What each node is for; nothing for most.
pub fn parts(graph: &Graph) -> Vec<Vec<Part>> {
    let mut parts: Vec<BTreeSet<Part>> = vec![BTreeSet::new(); graph.len()];
    let blocks = blocks(graph);
    for block in &blocks {
        mark_projections(block, &mut parts);
        if let Some(id) = block.output {
            parts[id.0].insert(Part::Output);
        }
    }
    let taken: BTreeSet<NodeId> =
        (0..parts.len()).filter(|i| !parts[*i].is_empty()).map(NodeId).collect();
    for id in feed_forward(graph, &taken) {
        parts[id.0].insert(Part::FeedForward);
    }
    if let Some(id) = blocks.first().and_then(|block| embedding(graph, block)) {
        parts[id.0].insert(Part::PatchEmbedding);
    }
    parts.into_iter().map(|parts| parts.into_iter().collect()).collect()
}

fn mark_projections(block: &Block, parts: &mut [BTreeSet<Part>]) {
    let [query, key] = block.query_key;
    let named = [(query, Part::Query), (key, Part::Key), (block.value, Part::Value)];
    for (id, part) in named.into_iter().filter_map(|(id, part)| Some((id?, part))) {
        parts[id.0].insert(Part::Projection);
        if named.iter().filter(|(other, _)| *other == Some(id)).count() == 1 {
            parts[id.0].insert(part);
        }
    }
}

fn block(graph: &Graph, users: &Users, id: NodeId, node: &Node) -> Option<Block> {
    let (Role::MatMul(_), &[a, b]) = (node.op.role(), &node.inputs[..]) else { return None };
    let (weights, values) = [(a, b), (b, a)].into_iter().find_map(|(weights, values)| {
        let softmax = source(graph, weights);
        matches!(graph.node(softmax).op.role(), Role::Softmax).then_some((softmax, values))
    })?;
    let scores = product_behind(graph, graph.node(weights).inputs[0])?;
    let [query, key] = graph.node(scores).inputs[..] else { return None };
    let layer = |at| layer_behind(graph, at);
    Some(Block {
        weights,
        query_key: [layer(query), layer(key)],
        value: layer(values),
        output: layer_after(graph, users, id),
    })
}

/// Where values that are only moved or repeated come from.
fn source(graph: &Graph, at: NodeId) -> NodeId {
    walk_back(graph, at, |role| matches!(role, Role::Route))
}

/// The product of matrices behind scalings, masks and position biases.
fn product_behind(graph: &Graph, at: NodeId) -> Option<NodeId> {
    let at = walk_back(graph, at, |role| matches!(role, Role::Route | Role::Scale(_)));
    match graph.node(at).op.role() {
        Role::MatMul(_) => Some(at),
        // a position bias that depends on the picture
        Role::Sum(_) => graph.node(at).inputs.iter().find_map(|k| product_behind(graph, *k)),
        _ => None,
    }
}

/// The layer with weights whose output this is, but for scalings, normalisations and moves.
fn layer_behind(graph: &Graph, at: NodeId) -> Option<NodeId> {
    let between =
        |role: Role<'_>| matches!(role, Role::Route | Role::Scale(_) | Role::LayerNorm(_));
    let at = walk_back(graph, at, between);
    matches!(graph.node(at).op.role(), Role::Linear(_)).then_some(at)
}

/// Goes back through nodes of one input that comes from the picture, as long as `between` says so.
fn walk_back(graph: &Graph, mut at: NodeId, between: impl Fn(Role<'_>) -> bool) -> NodeId {
    while between(graph.node(at).op.role()) {
        let mut inputs = graph.node(at).inputs.iter().filter(|k| !is_constant(graph, **k));
        let Some(from) = inputs.next() else { return at };
        at = *from;
    }
    at
}

fn is_constant(graph: &Graph, id: NodeId) -> bool {
    id != graph.input() && graph.node(id).inputs.is_empty()
}

/// The next layer with weights, through nodes that only move values.
fn layer_after(graph: &Graph, users: &Users, mut at: NodeId) -> Option<NodeId> {
    loop {
        let &[user] = users.users(at) else { return None };
        match graph.node(user).op.role() {
            Role::Linear(_) => return Some(user),
            Role::Route | Role::Scale(_) => at = user,
            _ => return None,
        }
    }
}

/// The layers around the activations of residual branches that work on tokens or single pixels.
fn feed_forward(graph: &Graph, taken: &BTreeSet<NodeId>) -> BTreeSet<NodeId> {
    let mut found = BTreeSet::new();
    for (_, node) in graph.nodes().filter(|(_, node)| matches!(node.op.role(), Role::Sum(_))) {
        for last in node.inputs.iter().filter_map(|k| layer_behind(graph, *k)) {
            if taken.contains(&last) || !is_pointwise(graph, last) {
                continue;
            }
            let first = before_activation(graph, graph.node(last).inputs[0], false);
            let first: Vec<NodeId> =
                first.into_iter().filter(|id| is_pointwise(graph, *id)).collect();
            if !first.is_empty() {
                found.insert(last);
                found.extend(first.iter().filter(|id| !taken.contains(id)));
            }
        }
    }
    found
}

/// The layers behind `at` with an activation or a gate between.
fn before_activation(graph: &Graph, at: NodeId, seen: bool) -> Vec<NodeId> {
    let node = graph.node(at);
    match node.op.role() {
        Role::Linear(_) => {
            if seen {
                vec![at]
            } else {
                vec![]
            }
        }
        Role::Activation | Role::Product => {
            node.inputs.iter().flat_map(|k| before_activation(graph, *k, true)).collect()
        }
        Role::Route | Role::Scale(_) | Role::LayerNorm(_) => {
            let inputs = node.inputs.iter().filter(|k| !is_constant(graph, **k));
            inputs.take(1).flat_map(|k| before_activation(graph, *k, seen)).collect()
        }
        _ => vec![],
    }
}

/// Whether a layer sees each token or pixel alone.
fn is_pointwise(graph: &Graph, id: NodeId) -> bool {
    let node = graph.node(id);
    node.op.is_per_pixel(&graph.shapes(&node.inputs))
}

/// The layer that makes the tokens that the first block sees.
pub(super) fn embedding(graph: &Graph, first: &Block) -> Option<NodeId> {
    let projection = first.query_key[0].or(first.value)?;
    let between = |role: Role<'_>| {
        matches!(
            role,
            Role::Route | Role::Scale(_) | Role::LayerNorm(_) | Role::Activation | Role::Sum(_)
        )
    };
    let at = walk_back(graph, graph.node(projection).inputs[0], between);
    matches!(graph.node(at).op.role(), Role::Linear(_)).then_some(at)
}

/// For each node those that read it.
struct Users(Vec<Vec<NodeId>>);

impl Users {
    fn new(graph: &Graph) -> Users {
        let mut users = vec![vec![]; graph.len()];
        for (id, node) in graph.nodes() {
            node.inputs.iter().for_each(|k| users[k.0].push(id));
        }
        Users(users)
    }

    fn users(&self, id: NodeId) -> &[NodeId] {
        &self.0[id.0]
    }
}
