use super::{
    ByTokens, TokenMap, Tokens, UPSAMPLE,
    matrix::{mean_of_heads, mean_of_rows},
};
use crate::{
    Case, ExplainError, Explainer,
    base::registry::{Entry, Kind, Param},
    nn::graph::Graph,
};

/// The attention of one block: the mean over heads of the rows that the classifier reads. The class has no
/// influence.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `layer` | `last` | `first`, `last`, a number from 0, or the name of a softmax node |
/// | `upsample` | `nearest` | `nearest`, `bilinear`, `none` (one value per patch) |
///
/// Source: Vaswani et al. 2017, eq. 1; as a map of pictures Dosovitskiy et al. 2021, appendix D.8.
struct Raw {
    layer: String,
}

/// `raw-attention`
pub const ENTRY: Entry<dyn Explainer> = Entry {
    id: "raw-attention",
    summary: "the attention of one block, averaged over heads",
    cite: "vaswani2017attention",
    params: &[
        Param {
            key: "layer",
            default: "last",
            kind: Kind::Text,
            help: "`first`, `last`, number of a block from 0, or the name of its softmax",
        },
        UPSAMPLE,
    ],
    build: |args| Ok(TokenMap::boxed(Raw { layer: args.text("layer").to_owned() }, args)),
};

impl Raw {
    fn find(&self, graph: &Graph, tokens: &Tokens) -> Result<usize, ExplainError> {
        let last = tokens.blocks.len() - 1;
        let named = |layer: &str| {
            let is = |k: &usize| graph.node(tokens.blocks[*k].weights).name == layer;
            (0..=last).find(is)
        };
        let found = match &self.layer[..] {
            "first" => Some(0),
            "last" => Some(last),
            layer => layer.parse().ok().filter(|k| *k <= last).or_else(|| named(layer)),
        };
        found.ok_or_else(|| ExplainError::NoLayer { layer: self.layer.clone(), kind: "attention" })
    }
}

impl ByTokens for Raw {
    fn fits(&self, graph: &Graph, tokens: &Tokens) -> Result<(), ExplainError> {
        self.find(graph, tokens).map(drop)
    }

    fn values(&self, case: &Case<'_>, tokens: &Tokens) -> Result<Vec<f64>, ExplainError> {
        let block = &tokens.blocks[self.find(case.graph, tokens)?];
        let weights = case.acts.value(block.weights);
        Ok(mean_of_rows(&mean_of_heads(weights, weights, |a, _| a), &tokens.read(case)))
    }
}
