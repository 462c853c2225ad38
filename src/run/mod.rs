//! What to compute, and computing it.

pub mod bench;
pub mod config;
pub mod embedded;
pub mod event;
pub mod machine;
pub mod manifest;
pub mod memory;
pub mod output;
pub mod picture;
pub mod plan;
pub mod record;
pub mod runner;
mod statistics;
pub mod subject;

#[cfg(test)]
mod tests;
