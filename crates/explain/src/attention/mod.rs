//! Attention: where it stands in a network, and methods that explain by it.
//!
//! The methods give one value per token, for which the rows of the tokens that the classifier reads are
//! averaged; a token's value belongs to its patch. They need attention between all tokens.

mod blocks;
mod grad_cam;
mod legrad;
mod matrix;
mod raw;
mod relevance;
mod rollout;
#[cfg(test)]
mod tests;
mod tokens;

pub use blocks::{Block, Part, blocks, parts};
pub use grad_cam::ENTRY as GRAD_CAM;
pub use legrad::ENTRY as LEGRAD;
pub use raw::ENTRY as RAW;
pub use relevance::{GENERIC, TRANSFORMER_ATTRIBUTION};
pub use rollout::ENTRY as ROLLOUT;
pub use tokens::Tokens;

use crate::{
    Case, ExplainError, Explainer,
    base::{
        geom::Shape,
        registry::{Args, Kind, Param},
    },
    has_gradient,
    nn::{graph::Graph, tensor::Tensor},
    resize::Upsample,
};

/// How token values become a map of the picture.
pub(crate) const UPSAMPLE: Param = Param {
    key: "upsample",
    default: Upsample::Nearest.name(),
    kind: Kind::Word(Upsample::WORDS),
    help: "a token's value belongs to its patch, or is interpolated, or the map has one value per patch",
};

/// A method that gives one value per token.
trait ByTokens: Send + Sync {
    /// One value per token, the tokens of no patch included.
    fn values(&self, case: &Case<'_>, tokens: &Tokens) -> Result<Vec<f64>, ExplainError>;

    /// Whether the method can explain anything of a network with such tokens.
    fn fits(&self, _graph: &Graph, _tokens: &Tokens) -> Result<(), ExplainError> {
        Ok(())
    }
}

/// A [`ByTokens`] as a method: shape `(1, H, W)`.
struct TokenMap<M> {
    method: M,
    upsample: Upsample,
}

impl<M: ByTokens + 'static> TokenMap<M> {
    fn boxed(method: M, args: &Args) -> Box<dyn Explainer> {
        Box::new(TokenMap { method, upsample: args.word(UPSAMPLE.key) })
    }
}

impl<M: ByTokens> Explainer for TokenMap<M> {
    fn fits(&self, graph: &Graph) -> Result<(), ExplainError> {
        has_gradient(graph)?;
        self.method.fits(graph, &Tokens::of(graph)?)
    }

    fn attribute(&self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        let tokens = Tokens::of(case.graph)?;
        let values = self.method.values(case, &tokens)?;
        let [h, w] = tokens.grid;
        let patches = tokens.of_patch.iter().map(|token| values[*token] as f32).collect();
        let map = Tensor::new(Shape::new(1, h, w), patches);
        let Shape { h, w, .. } = case.graph.input_shape();
        Ok(self.upsample.resize().map_or_else(|| map.clone(), |resize| resize.enlarge(&map, h, w)))
    }

    fn holds_input(&self) -> bool {
        false
    }
}
