//! The derivative of the score.

use super::{Case, ExplainError, Explainer, has_gradient};
use crate::{
    base::{
        registry::{Entry, Kind, Param},
        word_enum,
    },
    nn::{graph::Graph, tensor::Tensor},
};

/// `R_i` is `g_i = df/dx_i`, `|g_i|` or `g_i^2`; shape of the input. Channels are summed: for the
/// pooling by norms see [`super::sensitivity`].
///
/// | parameter | default | range |
/// |---|---|---|
/// | `value` | `signed` | `signed`, `absolute`, `squared` |
///
/// Source: Simonyan et al. 2014, sec. 3; squared: sensitivity analysis of Montavon et al. 2018,
/// sec. 4.1.
#[derive(Debug)]
pub struct Gradient {
    value: fn(f32) -> f32,
}

word_enum! {
    /// What is taken of a derivative.
    enum Part {
        Signed = "signed",
        Absolute = "absolute",
        Squared = "squared",
    }
}

/// `gradient`
pub const ENTRY: Entry<dyn Explainer> = Entry {
    id: "gradient",
    summary: "derivative of the score, summed over channels",
    cite: "simonyan2014deep",
    params: &[Param {
        key: "value",
        default: "signed",
        kind: Kind::Word(Part::WORDS),
        help: "what is taken of each derivative",
    }],
    build: |args| {
        let value = match args.word("value") {
            Part::Signed => |g| g,
            Part::Absolute => f32::abs,
            Part::Squared => |g| g * g,
        };
        Ok(Box::new(Gradient { value }))
    },
};

impl Explainer for Gradient {
    fn fits(&self, graph: &Graph) -> Result<(), ExplainError> {
        has_gradient(graph)
    }

    fn attribute(&self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        Ok(case.gradient()?.map(self.value))
    }

    fn holds_input(&self) -> bool {
        false
    }
}
