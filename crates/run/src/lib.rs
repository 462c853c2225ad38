//! What to compute, and computing it.

// Lower layers under their names, so that `crate::nn` reads the same everywhere.
use pixelflip_base as base;
use pixelflip_data as data;
use pixelflip_eval as eval;
use pixelflip_explain as explain;
use pixelflip_nn as nn;
use pixelflip_perturb as perturb;
use pixelflip_prototype as prototype;
use pixelflip_table as table;

pub mod accuracy;
pub mod answer;
pub mod bench;
pub mod classes;
pub mod clusters;
pub mod compare;
pub mod config;
pub mod context;
mod curves;
pub mod doubt;
pub mod embedded;
pub mod estimate;
pub mod event;
pub mod gallery;
pub mod identity;
pub mod imported;
pub mod inputs;
pub mod lock;
pub mod machine;
pub mod measure;
pub mod memory;
pub mod merge;
pub mod methods;
pub mod models;
pub mod picture;
pub mod plan;
pub mod probe;
pub mod properties;
pub mod prototypes;
pub mod ranking;
pub mod record;
pub mod results;
pub mod shard;
mod spread;
pub mod status;
pub mod stop;
pub mod stops;
pub mod studies;
pub mod study;
pub mod subject;

pub use study::{known, manifest, output, runner};

#[cfg(test)]
mod tests;
