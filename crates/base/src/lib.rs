//! Shapes, units of removal, keyed randomness, the registries, bounded files, plain texts and words: what every other module may
//! use.

pub mod bounded;
pub mod geom;
mod hex;
pub mod key;
pub mod registry;
pub mod rng;
pub mod text;
pub mod unit;
pub mod word;
pub mod words;

pub use hex::hex;
pub use pixelflip_table::atomic;
