use super::{ByTokens, TokenMap, Tokens, UPSAMPLE};
use crate::{Case, ExplainError, Explainer, base::registry::Entry};

/// Grad-CAM with the attention of the last block in place of channels: the weight of a head's row is the
/// mean of its gradient over the patches, the map the positive part of the mean over heads and over the rows
/// that the classifier reads.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `upsample` | `nearest` | `nearest`, `bilinear`, `none` (one value per patch) |
///
/// Source: Chefer et al. 2021 (ICCV), sec. 4, after Selvaraju et al. 2017.
struct AttentionGradCam;

/// `attention-grad-cam`
pub const ENTRY: Entry<dyn Explainer> = Entry {
    id: "attention-grad-cam",
    summary: "attention of the last block, weighted by its mean gradient",
    cite: "chefer2021generic",
    params: &[UPSAMPLE],
    build: |args| Ok(TokenMap::boxed(AttentionGradCam, args)),
};

impl ByTokens for AttentionGradCam {
    fn values(&self, case: &Case<'_>, tokens: &Tokens) -> Result<Vec<f64>, ExplainError> {
        let last = tokens.blocks.last().expect("there is a block").weights;
        let (weights, gradient) = (case.acts.value(last), case.gradient_of_node(last));
        let rows = tokens.read(case);
        let (heads, n) = (weights.shape.h, tokens.count);
        let mut values = vec![0.0; n];
        for (head, row) in (0..heads).flat_map(|head| rows.iter().map(move |row| (head, row))) {
            let at = (head * n + row) * n;
            let slopes = tokens.of_patch.iter().map(|k| f64::from(gradient.data[at + k]));
            let weight = slopes.sum::<f64>() / tokens.of_patch.len() as f64;
            let terms = values.iter_mut().zip(&weights.data[at..at + n]);
            terms.for_each(|(v, a)| *v += weight * f64::from(*a));
        }
        let count = (heads * rows.len()) as f64;
        Ok(values.into_iter().map(|v| (v / count).max(0.0)).collect())
    }
}
