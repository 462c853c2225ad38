use super::{
    ByTokens, TokenMap, Tokens, UPSAMPLE,
    matrix::{mean_of_heads, mean_of_rows},
};
use crate::{
    Case, ExplainError, Explainer, Propagate,
    base::registry::Entry,
    lrp::{self, Lrp},
    nn::{
        graph::{Graph, NodeId},
        tensor::Tensor,
    },
};
use ndarray::Array2;
use std::collections::BTreeMap;

/// How far each token takes part in those that the classifier reads: from `C = I`, each block adds
/// `mean over heads of max(dA * A, 0) C`, with the gradient `dA` of the explained score.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `upsample` | `nearest` | `nearest`, `bilinear`, `none` (one value per patch) |
///
/// Source: Chefer et al. 2021 (ICCV), eqs. 5 and 6.
struct Generic;

/// `generic-attention`
pub const GENERIC: Entry<dyn Explainer> = Entry {
    id: "generic-attention",
    summary: "attention times its gradient, added up block by block",
    cite: "chefer2021generic",
    params: &[UPSAMPLE],
    build: |args| Ok(TokenMap::boxed(Generic, args)),
};

/// As rollout, with `M = I + mean over heads of max(dA * R_A, 0)`: `R_A` is the relevance of the weights,
/// handed back from 1 at the class by z+ without biases, halves at products of matrices, and sums whose two
/// sides keep the shares of their total relevance; layer normalisation, activations and softmax pass it on.
/// Rows are not divided by their sums.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `upsample` | `nearest` | `nearest`, `bilinear`, `none` (one value per patch) |
///
/// Source: Chefer et al. 2021 (CVPR), sec. 3. The authors' code takes the totals of sums over a batch; here
/// each picture has its own.
struct TransformerAttribution {
    relevance: Lrp,
}

/// `transformer-attribution`
pub const TRANSFORMER_ATTRIBUTION: Entry<dyn Explainer> = Entry {
    id: "transformer-attribution",
    summary: "relevance of attention times its gradient, multiplied block by block",
    cite: "chefer2021transformer",
    params: &[UPSAMPLE],
    build: |args| {
        let relevance = lrp::transformers::of_attention()?;
        Ok(TokenMap::boxed(TransformerAttribution { relevance }, args))
    },
};

impl ByTokens for Generic {
    fn values(&self, case: &Case<'_>, tokens: &Tokens) -> Result<Vec<f64>, ExplainError> {
        let gradients = gradients(case, tokens);
        let mut taken = Array2::<f64>::eye(tokens.count);
        for block in &tokens.blocks {
            let weights = case.acts.value(block.weights);
            let part = mean_of_heads(weights, &gradients[&block.weights], |a, g| (a * g).max(0.0));
            taken = &taken + &part.dot(&taken);
        }
        Ok(mean_of_rows(&taken, &tokens.read(case)))
    }
}

impl ByTokens for TransformerAttribution {
    fn fits(&self, graph: &Graph, _tokens: &Tokens) -> Result<(), ExplainError> {
        self.relevance.fits(graph)
    }

    fn values(&self, case: &Case<'_>, tokens: &Tokens) -> Result<Vec<f64>, ExplainError> {
        let gradients = gradients(case, tokens);
        let mut relevance = BTreeMap::new();
        self.relevance.propagate(case, None, &mut |id, arrived| {
            if gradients.contains_key(&id) {
                relevance.insert(id, arrived.clone());
            }
        })?;
        let mut taken = Array2::<f64>::eye(tokens.count);
        for block in &tokens.blocks {
            let (of, slope) = (&relevance[&block.weights], &gradients[&block.weights]);
            let part = mean_of_heads(of, slope, |r, g| (r * g).max(0.0));
            taken = &taken + &part.dot(&taken);
        }
        Ok(mean_of_rows(&taken, &tokens.read(case)))
    }
}

/// The gradient of the explained score with respect to the weights of each block.
fn gradients(case: &Case<'_>, tokens: &Tokens) -> BTreeMap<NodeId, Tensor> {
    let mut found = BTreeMap::new();
    let seed = case.graph.seed(case.target, 1.0);
    case.graph.watched_gradient(case.acts, seed, |id, gradient| {
        if tokens.blocks.iter().any(|block| block.weights == id) {
            found.insert(id, gradient.clone());
        }
    });
    found
}
