//! Properties of explanations for people: one line per method, and figures of what happens on the
//! way through the network.

mod figures;
mod summary;

pub use figures::write as write_figures;
pub use summary::{MethodRow, Summary};
