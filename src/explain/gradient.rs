//! The derivative of the score.

use super::{Case, ExplainError, Explainer};
use crate::{base::registry::Entry, nn::tensor::Tensor};

/// `R_i = df/dx_i`, signed; shape of the input. Channels are summed with their sign: for the
/// pooling by norms see [`super::sensitivity`].
///
/// Source: Simonyan et al. 2014, sec. 3.
#[derive(Debug)]
pub struct Gradient;

/// `gradient`
pub const ENTRY: Entry<dyn Explainer> = Entry {
    id: "gradient",
    summary: "derivative of the score, signed, summed over channels",
    cite: "simonyan2014deep",
    params: &[],
    build: |_| Ok(Box::new(Gradient)),
};

impl Explainer for Gradient {
    fn attribute(&self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        Ok(case.gradient())
    }
}
