//! How uphill is gone.
//!
//! Adding one is one file with an `ENTRY` and one line in [`OPTIMISERS`].

mod adam;
mod gradient;

use crate::base::registry::{Entry, Kind, Param};

/// All optimisers; the first one is the default.
pub const OPTIMISERS: &[Entry<dyn Optimiser>] = &[gradient::ENTRY, adam::ENTRY];

/// A way to go uphill.
pub trait Optimiser: Send + Sync {
    /// At the foot of a climb of so many values.
    fn begin(&self, values: usize) -> Box<dyn Climber>;
}

/// An optimiser on its way.
pub trait Climber {
    /// Changes `x` by a step up the gradient `g`, which is finite.
    fn step(&mut self, x: &mut [f32], g: &[f32], at: Progress);
}

/// How far a climb is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Number of the step, from 0.
    pub step: usize,
    /// How many there are.
    pub steps: usize,
}

/// Size of the steps: it goes from `step` to `end` in equal parts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    step: f64,
    end: f64,
}

impl Sizes {
    fn size(self, Progress { step, steps }: Progress) -> f64 {
        let share = step as f64 / (steps.max(2) - 1) as f64;
        self.step + (self.end - self.step) * share
    }
}

const fn positive(key: &'static str, default: &'static str, help: &'static str) -> Param {
    Param { key, default, kind: Kind::Number { min: 0.0, max: f64::INFINITY }, help }
}
