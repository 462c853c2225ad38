//! Shapes, keyed randomness, the registries, bounded files and plain texts: what every other module may use.

pub mod bounded;
pub mod geom;
mod hex;
pub mod registry;
pub mod rng;
pub mod text;

pub use hex::hex;
pub use pixelflip_table::atomic;
