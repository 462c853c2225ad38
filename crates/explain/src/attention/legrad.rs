use super::{ByTokens, TokenMap, Tokens, UPSAMPLE};
use crate::{
    Case, ExplainError, Explainer,
    base::registry::Entry,
    nn::{graph::NodeId, tensor::Tensor},
};
use std::convert::Infallible;

/// What each block's attention does for the score that the classifier would give to the tokens as they leave
/// that block: the mean over blocks, heads and all queries of `max(dA, 0)`, key by key.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `upsample` | `nearest` | `nearest`, `bilinear`, `none` (one value per patch) |
///
/// Source: Bousselham et al. 2024, eqs. 7 to 11.
struct LeGrad;

/// `legrad`
pub const ENTRY: Entry<dyn Explainer> = Entry {
    id: "legrad",
    summary: "positive gradient of each block's own score with respect to its attention",
    cite: "bousselham2024legrad",
    params: &[UPSAMPLE],
    build: |args| Ok(TokenMap::boxed(LeGrad, args)),
};

impl ByTokens for LeGrad {
    fn values(&self, case: &Case<'_>, tokens: &Tokens) -> Result<Vec<f64>, ExplainError> {
        let mut values = vec![0.0; tokens.count];
        for (block, end) in tokens.blocks.iter().zip(&tokens.ends) {
            let of_end = gradient_of_end(case, tokens, *end);
            let gradient = gradient_between(case, *end, of_end, block.weights);
            for row in gradient.data.chunks_exact(tokens.count) {
                let positive = values.iter_mut().zip(row);
                positive.for_each(|(v, g)| *v += f64::from(g.max(0.0)));
            }
        }
        let shape = case.acts.value(tokens.blocks[0].weights).shape;
        let count = (tokens.blocks.len() * shape.h * shape.w) as f64;
        Ok(values.into_iter().map(|v| v / count).collect())
    }
}

/// The gradient of the classifier's score at the tokens `end`, as if they were those of the last block.
fn gradient_of_end(case: &Case<'_>, tokens: &Tokens, end: NodeId) -> Tensor {
    let last = *tokens.ends.last().expect("there is a block");
    let shape = case.graph.node(last).shape;
    let value = Tensor::new(shape, case.acts.value(end).data.clone());
    let acts = case.graph.forward_from(case.acts, last, value);
    let seed = case.graph.seed(case.target, 1.0);
    let case = &Case { acts: &acts, ..*case };
    let of_last = gradient_between(case, case.graph.output(), seed, last);
    Tensor::new(case.graph.node(end).shape, of_last.data)
}

/// The gradient with respect to node `to`, given that of the later node `from`.
fn gradient_between(case: &Case<'_>, from: NodeId, gradient: Tensor, to: NodeId) -> Tensor {
    let mut found = Tensor::zeros(case.graph.node(to).shape);
    let Ok(_) = case.graph.backward_from(from, gradient, |id, here| -> Result<_, Infallible> {
        if id == to {
            found = here.clone();
        }
        Ok(if id <= to { vec![] } else { case.graph.vjps(case.acts, id, &here) })
    });
    found
}
