//! Shapes, keyed randomness, the registries and bounded files: what every other module may use.

pub mod bounded;
pub mod geom;
pub mod registry;
pub mod rng;

pub use pixelflip_table::atomic;
