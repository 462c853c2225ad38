//! pixelflip referees explanation methods for image classifiers: it destroys a picture region by
//! region in the order a heat map gives, watches the class score fall, and reports the area over
//! that curve (AOPC, Samek et al. 2017) for every method, with intervals and tests.
//!
//! The modules form layers; each uses lower ones only (`tests/layers.rs`):
//! [`base`] < [`nn`] < [`explain`], [`perturb`], [`data`] < [`eval`] < [`run`] < [`report`] < `cli`.

pub mod base;
pub mod data;
pub mod eval;
pub mod explain;
pub mod nn;
pub mod perturb;
pub mod report;
pub mod run;

pub use pixelflip_table as table;
