//! Tables, figures and texts for people.

pub mod cells;
pub mod curves;
#[cfg(test)]
mod demo;
pub mod figure;
pub mod heatmap;
pub mod labels;
pub mod layers;
pub mod plot;
pub mod ranking;
pub mod sheets;
pub mod summary;
