//! The incremental engine: all steps of a chain, layer by layer.
//!
//! Step k of a chain differs from step k - 1 in one region, so in every layer only a small
//! rectangle changes; and all regions are known before the first step. So a *stream* of patches,
//! one per step, is pushed through one operator after the other: each keeps one copy of its
//! input, writes patch after patch into it and computes what the patch can reach. Values are
//! recomputed, never corrected by differences, so the scores are those of full passes, bit for
//! bit.

mod chain;
mod one_class;
mod plan;
#[cfg(test)]
mod tests;

pub use super::patch::Patches;
pub use chain::{Base, Scores};
pub use plan::StreamPlan;
