//! What is put in the place of a removed region.

mod uniform;

use crate::{
    base::{geom::Grid, registry::Entry, rng::Seed},
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

/// All perturbations, in the order of `pixelflip list perturbations`; the first is the default.
pub const PERTURBATIONS: &[Entry<dyn Perturbation>] = &[uniform::ENTRY];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{
        geom::{Remainder, Shape},
        registry::{Spec, build},
        rng::unit_f32,
    };

    fn picture() -> Tensor {
        let mut rng = Seed(1).rng("test picture", "", &[]);
        let shape = Shape::new(3, 12, 10);
        Tensor::new(shape, (0..shape.len()).map(|_| unit_f32(&mut rng)).collect())
    }

    #[test]
    fn every_fill_is_a_picture_of_the_same_size_and_a_pure_function() {
        let (picture, grid) = (picture(), Grid::new(12, 10, 3, Remainder::Drop).unwrap());
        for entry in PERTURBATIONS {
            let spec: Spec = entry.id.parse().unwrap();
            let named = build("perturbation", PERTURBATIONS, &spec).unwrap();
            let fill = |repeat| named.value.fill(&picture, &grid, Seed(0), "a.png", repeat);
            assert_eq!(fill(0), fill(0), "{}", named.name);
            assert_eq!(fill(1).shape, picture.shape, "{}", named.name);
            assert!(fill(1).data.iter().all(|v| (0.0..=1.0).contains(v)), "{}", named.name);
        }
    }

    #[test]
    fn every_default_prints_canonically() {
        for entry in PERTURBATIONS {
            let spec: Spec = entry.id.parse().unwrap();
            let name = build("perturbation", PERTURBATIONS, &spec).unwrap().name;
            let again = build("perturbation", PERTURBATIONS, &name.parse().unwrap()).unwrap().name;
            assert_eq!(again, name);
        }
    }
}
