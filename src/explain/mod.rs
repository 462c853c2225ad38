//! From (network, picture, class) to one relevance value per input value.

use crate::{
    base::rng::Seed,
    nn::{
        graph::{Activations, Graph},
        tensor::Tensor,
    },
};
use ndarray::Array2;

/// What a method explains: one class score of one picture.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The network; its output are logits.
    pub graph: &'a Graph,
    /// Values of all nodes for the picture.
    pub acts: &'a Activations,
    /// The class whose score is explained.
    pub target: usize,
    /// Input of the network for an all-black picture (pixel value 0), per input channel.
    pub low: &'a [f32],
    /// Input of the network for an all-white picture (pixel value 1), per input channel.
    pub high: &'a [f32],
    /// The experiment's seed, for methods that draw.
    pub seed: Seed,
    /// Id of the picture, for methods that draw.
    pub image: &'a str,
}

impl<'a> Case<'a> {
    /// The network's input.
    pub fn input(&self) -> &'a Tensor {
        self.acts.of(self.graph.input())
    }

    /// The explained score.
    pub fn score(&self) -> f32 {
        self.acts.of(self.graph.output()).data[self.target]
    }
}

/// How relevance `(C, H, W)` becomes a heat map `(H, W)`; part of a method's definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// Signed sum over channels.
    Sum,
    /// Euclidean norm over channels.
    L2,
    /// Largest absolute value over channels.
    Linf,
}

/// Why a method gives no heat map for a picture.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ExplainError {
    /// NaN or infinite relevance.
    #[error("{count} of {total} relevance values are not finite")]
    NonFinite {
        /// How many.
        count: usize,
        /// Of how many.
        total: usize,
    },
    /// A rule or method does not fit an operator.
    #[error("node `{node}` ({op}): {problem}")]
    Unfit {
        /// Name of the node.
        node: String,
        /// Its operator.
        op: &'static str,
        /// What does not fit.
        problem: String,
    },
}

/// A method that explains a class score by relevance values.
pub trait Explainer: Send + Sync {
    /// Relevance before channel pooling: shape of the input, or one channel for methods that give
    /// one value per pixel. Higher is more relevant.
    fn relevance(&self, case: &Case<'_>) -> Result<Tensor, ExplainError>;

    /// How channels are pooled.
    fn pool(&self) -> Pool {
        Pool::Sum
    }

    /// True for the random baseline, whose regions are drawn anew for every repeat.
    fn is_random_order(&self) -> bool {
        false
    }
}

/// Relevance per pixel, shape `(H, W)` of the network's input; higher is more relevant.
pub type HeatMap = Array2<f32>;
