//! Prototypes: for each class, or a neuron, and each row of priors one climb, its picture, its trace, what other networks
//! say of it, and which pictures of a data set are like it.
//!
//! One class under one row of priors is one unit of work: it is done or not done, and a run that was stopped goes on with
//! those that are not. They are no pictures of a plan, so the frame of studies is not theirs, but lock, manifest, stop and
//! progress are the same.

mod config;
mod error;
mod examples;
mod files;
mod nearest;
mod plan;
mod record;
mod rows;
mod work;

pub use config::Config;
pub use error::PrototypeError;
pub use files::{Facts, Files, MANIFEST_OF};
pub use plan::{Judge, PrototypePlan, Unit};
pub use record::{Gathered, Judged, Nearest, PrototypeRow, TraceRow};
pub use rows::PriorRow;
pub use work::{Done, collect, work};
