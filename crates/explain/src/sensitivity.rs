//! How much the score reacts to each pixel, whatever the sign.

use super::{Case, ExplainError, Explainer, Pool, has_gradient, pool::Norm};
use crate::{
    base::registry::{Entry, Kind, Param},
    nn::{graph::Graph, tensor::Tensor},
};

/// `h_p = || (df/dx_i)_{i in p} ||_q` over the channels `i` of pixel `p`. The relevance before
/// pooling is the signed gradient, shape of the input.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `norm` | `l2` | `l2` (q = 2), `linf` (q = infinity) |
///
/// Source: Simonyan et al. 2014 (q = infinity); Samek et al. 2017, sec. III-A, compares both.
#[derive(Debug)]
pub struct Sensitivity {
    pool: Pool,
}

/// `sensitivity`
pub const ENTRY: Entry<dyn Explainer> = Entry {
    id: "sensitivity",
    summary: "norm over channels of the derivative of the score",
    cite: "simonyan2014deep",
    params: &[Param {
        key: "norm",
        default: "l2",
        kind: Kind::Word(Norm::WORDS),
        help: "norm over the channels of a pixel",
    }],
    build: |args| {
        let pool = args.word::<Norm>("norm").pool();
        Ok(Box::new(Sensitivity { pool }))
    },
};

impl Explainer for Sensitivity {
    fn fits(&self, graph: &Graph) -> Result<(), ExplainError> {
        has_gradient(graph)
    }

    fn attribute(&self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        case.gradient()
    }

    fn pool(&self) -> Pool {
        self.pool
    }

    fn holds_input(&self) -> bool {
        false
    }
}
