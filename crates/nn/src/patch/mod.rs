//! What changes in a map from step to step of a chain, and inputs as they are after each step: the
//! language in which streams ask operators for new pixels.

mod patches;
mod replay;

pub use patches::Patches;
pub use replay::Replay;
