//! pixelflip referees explanation methods for image classifiers: it destroys a picture region by
//! region in the order a heat map gives, watches the class score fall, and reports the area over
//! that curve (AOPC, Samek et al. 2017) for every method, with intervals and tests.
//!
//! The modules form layers, each a crate of its own that uses lower ones only (`tests/layers.rs`):
//! [`base`] < [`nn`] < [`explain`], [`perturb`], [`data`] < [`eval`] < [`run`] < [`report`] < `cli`.

pub use pixelflip_base as base;
pub use pixelflip_data as data;
pub use pixelflip_eval as eval;
pub use pixelflip_explain as explain;
pub use pixelflip_nn as nn;
pub use pixelflip_perturb as perturb;
pub use pixelflip_report as report;
pub use pixelflip_run as run;

pub use pixelflip_table as table;
