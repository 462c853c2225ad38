//! What is put in the place of a removed region.

use crate::{
    base::{geom::Grid, rng::Seed},
    nn::tensor::Tensor,
};

/// A *local* perturbation: the fill of a region does not depend on which other regions are gone,
/// so there is one fill image per (seed, image, repeat), shared by all methods and orders.
pub trait Perturbation: Send + Sync {
    /// The fill image in image space, shape of `picture` (values in [0, 1]); perturbing a region
    /// copies its pixels. A pure function of its arguments.
    fn fill(&self, picture: &Tensor, grid: &Grid, seed: Seed, image: &str, repeat: usize)
    -> Tensor;
}
