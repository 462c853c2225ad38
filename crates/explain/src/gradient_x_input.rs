//! The first-order contribution of each input value.

use super::{Case, ExplainError, Explainer, has_gradient};
use crate::{
    base::registry::Entry,
    nn::{graph::Graph, tensor::Tensor},
};

/// `R_i = x_i df/dx_i`, with `x` after normalisation; shape of the input.
///
/// Source: Shrikumar et al. 2016.
#[derive(Debug)]
pub struct GradientXInput;

/// `gradient-x-input`
pub const ENTRY: Entry<dyn Explainer> = Entry {
    id: "gradient-x-input",
    summary: "derivative of the score times the normalised input",
    cite: "shrikumar2016not",
    params: &[],
    build: |_| Ok(Box::new(GradientXInput)),
};

impl Explainer for GradientXInput {
    fn fits(&self, graph: &Graph) -> Result<(), ExplainError> {
        has_gradient(graph)
    }

    fn attribute(&self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        let mut relevance = case.gradient()?;
        relevance.data.iter_mut().zip(&case.input().data).for_each(|(r, x)| *r *= x);
        Ok(relevance)
    }
}
