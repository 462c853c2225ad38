//! What happens during a run, for whoever shows it.

use serde::Serialize;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The work begins.
    Started {
        /// Pictures of the whole run, or of the shard.
        pictures: usize,
        /// Pictures that an earlier run of the same command finished.
        finished: usize,
        /// Curves per picture.
        curves: usize,
        /// How many of them have a mask-dependent perturbation: up to a full pass per step.
        masked: usize,
    },
    /// None of the first pictures fits the network: all others are looked at before the work begins.
    Misfit {
        /// Pictures that were looked at.
        tried: usize,
        /// Pictures there are.
        of: usize,
        /// What is wrong with the first.
        reason: String,
    },
    /// Pictures of parts that are done cannot be read now, so nobody knows whether they are the same.
    NotCompared {
        /// How many.
        pictures: usize,
        /// What the system says of the first.
        reason: String,
    },
    /// A method begins with a picture: first to explain it, later with its curves.
    Method {
        /// The picture.
        image: String,
        /// The method.
        method: String,
    },
    /// Properties are about to be measured.
    Explaining {
        /// Pictures in all.
        pictures: usize,
        /// Pictures that an earlier run of the same command finished.
        finished: usize,
        /// Explanations per picture.
        explanations: usize,
    },
    /// Prototypes are about to be made.
    Climbing {
        /// How many in all.
        prototypes: usize,
        /// Those that an earlier run of the same command finished.
        finished: usize,
        /// Steps of each.
        steps: usize,
    },
    /// A step of a climb is done.
    Step,
    /// A prototype is done.
    Prototype {
        /// Its name.
        name: String,
        /// What its own network says.
        probability: Option<f64>,
    },
    /// A prototype cannot be made.
    NoPrototype {
        /// Its name.
        name: String,
        /// Why.
        reason: String,
    },
    /// A curve is done, or an explanation of a study without curves.
    Curve {
        /// The picture.
        image: String,
    },
    /// A picture is done.
    Picture {
        /// Its id.
        image: String,
    },
    /// A picture cannot be used.
    Skipped {
        /// Its id.
        image: String,
        /// Why.
        reason: String,
    },
    /// A method gives nothing for a picture.
    Failed {
        /// The picture.
        image: String,
        /// The method.
        method: String,
        /// Why.
        reason: String,
    },
    /// All regions of a heat map are equally relevant: their order is chance.
    Even {
        /// The picture.
        image: String,
        /// The method.
        method: String,
    },
    /// A part is done and written.
    Part {
        /// Its number.
        part: usize,
        /// Its pictures.
        pictures: usize,
        /// How long it took.
        seconds: f64,
    },
}

/// Listens to a run. Called from several threads.
pub trait Observer: Sync {
    /// Takes notice.
    fn on(&self, event: &Event);
}

/// Listens to nothing.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Observer for Silent {
    fn on(&self, _: &Event) {}
}
