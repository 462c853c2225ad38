//! Shapes, keyed randomness and the registries: what every other module may use.

pub mod atomic;
pub mod geom;
pub mod registry;
pub mod rng;
