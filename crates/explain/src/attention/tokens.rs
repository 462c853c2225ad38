//! Which token belongs to which patch of the picture.

use super::blocks::{Block, blocks, embedding};
use crate::{
    Case, ExplainError,
    base::geom::Shape,
    nn::{
        graph::{Graph, NodeId},
        op::Role,
        subset::Subset,
        tensor::Tensor,
    },
};

/// The tokens of a network in which every token attends to every other.
#[derive(Clone, Debug, PartialEq)]
pub struct Tokens {
    /// The attentions, from the picture on.
    pub blocks: Vec<Block>,
    /// Rows and columns of patches.
    pub grid: [usize; 2],
    /// For each patch, row by row, its token. Class and register tokens belong to none.
    pub of_patch: Vec<usize>,
    /// How many tokens there are.
    pub count: usize,
    /// For each block the node that holds the tokens as they leave it.
    pub ends: Vec<NodeId>,
}

impl Tokens {
    /// The tokens of a network, or what it lacks.
    pub fn of(graph: &Graph) -> Result<Tokens, ExplainError> {
        let blocks = blocks(graph);
        let first = blocks.first().ok_or(ExplainError::NoLayerAtAll { kind: "attention" })?;
        let missing = |what: &'static str| ExplainError::Attention { what: what.to_owned() };
        let layer = embedding(graph, first)
            .ok_or_else(|| missing("no layer was found that makes tokens of the picture"))?;
        let entry = entry(graph, first);
        let index = places(graph, layer, entry)
            .ok_or_else(|| missing("it is not known which token belongs to which patch"))?;
        let Patches { grid, of_pixel } = patches(graph, layer)
            .ok_or_else(|| missing("its tokens are not the patches of a grid over the picture"))?;
        check_global(graph, &blocks, index.len())?;
        let patch = |p: usize| {
            let pixel = of_pixel.iter().position(|patch| *patch == p)?;
            index.iter().position(|i| *i == pixel + 1)
        };
        let of_patch: Option<Vec<usize>> = (0..grid[0] * grid[1]).map(patch).collect();
        let of_patch = of_patch.ok_or_else(|| missing("some patch of the picture has no token"))?;
        let ends = ends(graph, &blocks, entry)
            .ok_or_else(|| missing("the sums that end its blocks were not found"))?;
        Ok(Tokens { count: index.len(), blocks, grid, of_patch, ends })
    }

    /// The network, prepared to be computed without some patches: unit `p` of the grid, row by row, is number
    /// `p + 1`. The error says what mixes tokens by their places.
    pub fn subset<'g>(&self, graph: &'g Graph) -> Result<Subset<'g>, ExplainError> {
        let mut numbers = vec![0; self.count];
        let patches = self.of_patch.iter().enumerate();
        patches.for_each(|(patch, token)| numbers[*token] = patch as u32 + 1);
        let entry = entry(graph, &self.blocks[0]);
        let start = match graph.node(entry).op.role() {
            Role::LayerNorm(_) => graph.node(entry).inputs[0],
            _ => entry,
        };
        Subset::new(graph, start, numbers)
            .map_err(|error| ExplainError::Attention { what: error.to_string() })
    }

    /// The tokens that the classifier reads, as the explained score depends on them: the class token, or
    /// all patches where the network takes their mean.
    pub fn read(&self, case: &Case<'_>) -> Vec<usize> {
        let last = *self.ends.last().expect("there is a block");
        let gradient = case.gradient_of_node(last);
        let channels = gradient.data.len() / self.count;
        let rows = gradient.data.chunks_exact(channels).enumerate();
        rows.filter(|(_, g)| g.iter().any(|g| *g != 0.0)).map(|(token, _)| token).collect()
    }
}

/// The node whose tokens the first block sees.
fn entry(graph: &Graph, first: &Block) -> NodeId {
    let projection = first.query_key[0].or(first.value).expect("its embedding was found");
    graph.node(projection).inputs[0]
}

/// The patches of a picture.
struct Patches {
    /// Rows and columns.
    grid: [usize; 2],
    /// For each pixel of the layer that makes tokens its patch, row by row.
    of_pixel: Vec<usize>,
}

/// The patches that a layer makes tokens of: one per place of a convolution, or those into which the picture was
/// cut before a dense layer.
fn patches(graph: &Graph, layer: NodeId) -> Option<Patches> {
    let node = graph.node(layer);
    let Shape { h, w, .. } = node.shape;
    if !node.op.is_per_pixel(&graph.shapes(&node.inputs)) {
        return Some(Patches { grid: [h, w], of_pixel: (0..h * w).collect() });
    }
    let picture = graph.input_shape();
    let cut = moved(graph, graph.input(), node.inputs[0])?;
    let channels = cut.shape.c;
    let area = channels / picture.c;
    let corner = |token: &[f32]| {
        let at = token.iter().map(|v| (*v as usize).checked_sub(1));
        let at: Vec<(usize, usize)> =
            at.map(|at| at.map(|at| (at / picture.w, at % picture.w))).collect::<Option<_>>()?;
        let (y0, y1) = (at.iter().map(|p| p.0).min()?, at.iter().map(|p| p.0).max()?);
        let (x0, x1) = (at.iter().map(|p| p.1).min()?, at.iter().map(|p| p.1).max()?);
        let size = [y1 + 1 - y0, x1 + 1 - x0];
        (size[0] * size[1] == area).then_some(([y0, x0], size))
    };
    let found: Vec<([usize; 2], [usize; 2])> =
        cut.data.chunks_exact(channels).map(corner).collect::<Option<_>>()?;
    let [height, width] = found.first()?.1;
    let grid = [picture.h / height, picture.w / width];
    let tiles = |([y, x], size): &([usize; 2], [usize; 2])| {
        *size == [height, width] && y % height == 0 && x % width == 0
    };
    let fits =
        found.iter().all(tiles) && grid[0] * height == picture.h && grid[1] * width == picture.w;
    let of_pixel = found.iter().map(|([y, x], _)| y / height * grid[1] + x / width).collect();
    fits.then_some(Patches { grid, of_pixel })
}

/// For each token at node `entry` 1 + the pixel of node `layer` that it is, 0 for none.
fn places(graph: &Graph, layer: NodeId, entry: NodeId) -> Option<Vec<usize>> {
    let tokens = moved(graph, layer, entry)?;
    let channels = tokens.shape.c;
    Some(tokens.data.chunks_exact(channels).map(|token| token[0] as usize).collect())
}

/// For each value at node `to` 1 + the pixel of node `from` that it comes from, 0 for none: the numbers are sent
/// through all nodes between that only move values; others must keep the shape.
fn moved(graph: &Graph, from: NodeId, to: NodeId) -> Option<Tensor> {
    let shape = graph.node(from).shape;
    let numbers = (0..shape.h * shape.w).flat_map(|p| vec![(p + 1) as f32; shape.c]).collect();
    let mut known: Vec<Option<Tensor>> = vec![None; graph.len()];
    known[from.0] = Some(Tensor::new(shape, numbers));
    for (id, node) in graph.nodes().filter(|(id, _)| *id > from && *id <= to) {
        let ins: Vec<Option<&Tensor>> = node.inputs.iter().map(|k| known[k.0].as_ref()).collect();
        let Some(given) = ins.iter().flatten().next() else { continue };
        known[id.0] = match node.op.role() {
            Role::Route => {
                let zeros: Vec<Tensor> =
                    node.inputs.iter().map(|k| Tensor::zeros(graph.node(*k).shape)).collect();
                let ins: Vec<&Tensor> =
                    ins.iter().zip(&zeros).map(|(known, zero)| known.unwrap_or(zero)).collect();
                Some(node.op.forward(&ins))
            }
            _ if node.shape == given.shape => Some((*given).clone()),
            _ => None,
        };
    }
    known[to.0].take()
}

/// An error where attention is not between all tokens.
fn check_global(graph: &Graph, blocks: &[Block], tokens: usize) -> Result<(), ExplainError> {
    let local = blocks.iter().find(|block| {
        let shape = graph.node(block.weights).shape;
        shape.c != tokens || shape.w != tokens
    });
    local.map_or(Ok(()), |block| {
        let node = graph.node(block.weights);
        Err(ExplainError::Attention {
            what: format!(
                "attention `{}` is between {} queries and {} keys, not between all {tokens} tokens",
                node.name, node.shape.w, node.shape.c
            ),
        })
    })
}

/// For each block the sum with which it ends: what the next one sees, and the last sum of the network's
/// tokens.
fn ends(graph: &Graph, blocks: &[Block], entry: NodeId) -> Option<Vec<NodeId>> {
    let tokens = graph.node(entry).shape;
    let is_sum = |id: NodeId| {
        let node = graph.node(id);
        matches!(node.op.role(), Role::Sum(_)) && node.shape.len() == tokens.len()
    };
    let last_before = |end: usize| (0..end).rev().map(NodeId).find(|id| is_sum(*id));
    let starts = blocks.iter().skip(1).map(|block| Some(super::tokens::entry(graph, block).0 + 1));
    starts.chain([Some(graph.len())]).map(|end| last_before(end?)).collect()
}
