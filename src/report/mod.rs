//! Tables, figures and texts for people.

pub mod cells;
pub mod colours;
pub mod curves;
#[cfg(test)]
mod demo;
pub mod figure;
pub mod gallery;
pub mod heatmap;
pub mod labels;
pub mod layers;
pub mod outcome;
pub mod page;
pub mod plot;
pub mod properties;
pub mod ranking;
pub mod sheets;
pub mod summary;
mod text;
pub mod trace;
