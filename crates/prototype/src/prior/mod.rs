//! What keeps a prototype from being noise: penalties, changes between steps, and ways of looking.
//!
//! Adding one is one file with an `ENTRY` and one line in [`PRIORS`].

mod blur;
mod centre_bias;
mod clip_small_norm;
mod decay;
mod expert;
pub(crate) mod jitter;
mod l2;
mod painted;
mod patch;
mod total_variation;

use crate::{
    base::{
        geom::Shape,
        registry::{Entry, Kind, Param},
        rng::{KeyedRng, Seed},
    },
    nn::{model::ModelError, preprocess::PreprocessError, tensor::Tensor},
};

/// All priors and regularisers.
pub const PRIORS: &[Entry<dyn Prior>] = &[
    l2::ENTRY,
    decay::ENTRY,
    total_variation::ENTRY,
    blur::ENTRY,
    jitter::ENTRY,
    centre_bias::ENTRY,
    clip_small_norm::ENTRY,
    patch::ENTRY,
    expert::ENTRY,
    painted::ENTRY,
];

/// Something that makes prototypes more like pictures.
pub trait Prior: Send + Sync {
    /// Of what it is a prior.
    fn place(&self) -> Domain {
        Domain::Canvas
    }

    /// Whether it changes pixels between steps, which cannot be done to what a generator paints.
    fn changes_pixels(&self) -> bool {
        false
    }

    /// Whether it is learned from pictures.
    fn asks_data(&self) -> bool {
        false
    }

    /// Whether it takes a generator, whose code is climbed instead of pixels.
    fn asks_generator(&self) -> bool {
        false
    }

    /// Whether it makes sense for inputs that are no pictures.
    fn is_for_all_inputs(&self) -> bool {
        false
    }

    /// Made ready for one climb.
    fn bind(&self, site: &Site<'_>) -> Result<Box<dyn Bound>, PriorError>;
}

/// Of what something is a prior.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// Of the picture, also where a generator paints it.
    Canvas,
    /// Of what is climbed: the code where there is a generator, else the picture.
    Climbed,
}

/// A prior on its way. What it does not do stays with the default.
pub trait Bound: Send + Sync {
    /// What is taken from the objective at `x`, with its gradient.
    fn penalty(&self, _x: &Tensor) -> Option<(f64, Tensor)> {
        None
    }

    /// Changes the gradient of the objective with respect to the canvas.
    fn bend(&self, _gradient: &mut Tensor) {}

    /// By how many rows and columns the canvas is moved before the network sees it at a step.
    fn shift(&self, _step: usize) -> (isize, isize) {
        (0, 0)
    }

    /// Changes what is climbed after so many steps.
    fn after(&self, _x: &mut Tensor, _steps: usize) {}
}

/// Where a climb takes place.
#[derive(Clone, Copy)]
pub struct Site<'a> {
    /// Shape of what the prior is of.
    pub shape: Shape,
    /// Its zero: for a canvas the colour at which the input is 0, for a code zeros; shape as above.
    pub zero: &'a Tensor,
    /// Around which l2 keeps: the mean code of the class where there is one, else the zero.
    pub centre: &'a Tensor,
    /// The class to see; `None` for neurons.
    pub class: Option<usize>,
    /// Seed of the experiment.
    pub seed: Seed,
    /// Number of the restart.
    pub restart: usize,
    /// Pictures to learn from.
    pub examples: &'a dyn Examples,
}

impl Site<'_> {
    /// The generator of random numbers for a purpose at `coordinates`, for this class and restart.
    fn rng(&self, purpose: &str, coordinates: &[u64]) -> KeyedRng {
        let own = [self.class.map_or(u64::MAX, |c| c as u64), self.restart as u64];
        self.seed.rng(purpose, "prototype", &[&own, coordinates].concat())
    }
}

/// Pictures of a data set as canvases.
pub trait Examples: Sync {
    /// Pictures of a class, or of all; never none.
    fn of_class(&self, class: Option<usize>) -> Result<Vec<Tensor>, PriorError>;
}

/// Why a prior cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PriorError {
    /// There is nothing to learn from.
    #[error(
        "`{prior}` is learned from pictures, and there are none; name a data set with `--data`"
    )]
    NoData {
        /// The prior.
        prior: &'static str,
    },
    /// No picture of a class.
    #[error("`{data}` has no picture of class {class} to learn from; `of=all` takes all pictures")]
    NoPicture {
        /// The data set.
        data: String,
        /// The class.
        class: usize,
    },
    /// A picture cannot be used.
    #[error("{reason}")]
    Picture {
        /// Why.
        reason: String,
        /// True where it could not be read just now.
        momentary: bool,
    },
    /// The network of a density cannot be read.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Pictures do not fit the density.
    #[error("density `{name}`: {source}")]
    Fit {
        /// The file.
        name: String,
        /// What does not fit.
        source: PreprocessError,
    },
    /// The network of a density gives something else.
    #[error("density `{name}`: expected {expected}, found {found}")]
    Density {
        /// The file.
        name: String,
        /// What it must be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// A patch does not fit.
    #[error(
        "`patch-prior`: patches of {side}x{side} pixels do not fit into pictures of {shape}; choose a smaller `side`"
    )]
    Patch {
        /// Side of a patch.
        side: usize,
        /// Shape of the pictures.
        shape: Shape,
    },
}

/// How much a penalty counts.
const fn weight(default: &'static str, help: &'static str) -> Param {
    Param { key: "weight", default, kind: Kind::Number { min: 0.0, max: f64::INFINITY }, help }
}

/// Pictures of which class a prior is learned from.
const OF: Param = Param {
    key: "of",
    default: "class",
    kind: Kind::Word(&["class", "all"]),
    help: "learned from the pictures of the class, or from all",
};

/// The class that [`OF`] asks for.
fn asked_class(of: &str, site: &Site<'_>) -> Option<usize> {
    site.class.filter(|_| of == "class")
}

/// Every how many steps something is done.
const fn every(default: &'static str) -> Param {
    Param {
        key: "every",
        default,
        kind: Kind::Integer { min: 1, max: 1_000_000 },
        help: "after every so many steps",
    }
}
