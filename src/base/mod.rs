//! Shapes, keyed randomness, the registries, bounded files and plain texts: what every other module may use.

pub mod bounded;
pub mod geom;
pub mod registry;
pub mod rng;
pub mod text;

pub use pixelflip_table::atomic;
