//! Shapes, keyed randomness and the registries: what every other module may use.

pub mod geom;
pub mod registry;
pub mod rng;

pub use pixelflip_table::atomic;
