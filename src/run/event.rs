//! What happens during a run, for whoever shows it.

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The work begins.
    Started {
        /// Pictures of the whole run.
        pictures: usize,
        /// Pictures that an earlier run of the same command finished.
        finished: usize,
        /// Curves per picture.
        curves: usize,
        /// How many of them have a mask-dependent perturbation: up to a full pass per step.
        masked: usize,
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
