use super::{
    ByTokens, TokenMap, Tokens, UPSAMPLE,
    matrix::{mean_of_heads, mean_of_rows},
};
use crate::{Case, ExplainError, Explainer, base::registry::Entry};
use ndarray::Array2;

/// How much of each token reaches those that the classifier reads, if a block handed on half of itself and
/// half by its attention: `C = M_L ... M_1` with `M = (mean over heads of A + I)`, each row divided by its
/// sum. The class has no influence.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `upsample` | `nearest` | `nearest`, `bilinear`, `none` (one value per patch) |
///
/// Source: Abnar & Zuidema 2020, sec. 4.
struct Rollout;

/// `attention-rollout`
pub const ENTRY: Entry<dyn Explainer> = Entry {
    id: "attention-rollout",
    summary: "attention of all blocks multiplied, residual connections as halves",
    cite: "abnar2020quantifying",
    params: &[UPSAMPLE],
    build: |args| Ok(TokenMap::boxed(Rollout, args)),
};

impl ByTokens for Rollout {
    fn values(&self, case: &Case<'_>, tokens: &Tokens) -> Result<Vec<f64>, ExplainError> {
        let mut reached = Array2::eye(tokens.count);
        for block in &tokens.blocks {
            let weights = case.acts.value(block.weights);
            let mut mixed =
                mean_of_heads(weights, weights, |a, _| a) + Array2::<f64>::eye(tokens.count);
            mixed.rows_mut().into_iter().for_each(|mut row| row /= row.sum());
            reached = mixed.dot(&reached);
        }
        Ok(mean_of_rows(&reached, &tokens.read(case)))
    }
}
