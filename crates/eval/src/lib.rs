//! From a heat map to a curve, from curves to metrics and statistics.

// Lower layers under their names, so that `crate::nn` reads the same everywhere.
use pixelflip_base as base;
use pixelflip_explain as explain;
use pixelflip_nn as nn;
use pixelflip_perturb as perturb;

pub mod correlation;
pub mod curve;
pub mod metric;
pub mod order;
pub mod precision;
pub mod removal;
pub mod rounding;
pub mod spectral;
pub mod stats;
#[cfg(test)]
mod words;
