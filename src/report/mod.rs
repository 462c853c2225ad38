//! Tables, figures and texts for people.

pub mod cells;
#[cfg(test)]
mod demo;
pub mod layers;
pub mod ranking;
pub mod summary;
