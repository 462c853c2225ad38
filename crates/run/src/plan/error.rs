//! Why there is no plan.

use crate::{
    base::{registry::SpecError, words::count},
    data::{DataError, select::SelectError},
    eval::metric::map::MetricError,
    explain::MethodError,
    imported::{ImportError, NameProblem},
    memory::MemoryError,
    nn::{head::NO_PROBABILITY, model::ModelError, op::foreign::EngineError},
    stops::StopsError,
};
use std::collections::BTreeMap;

/// Why a config cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A perturbation, order or score that does not exist.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// A method that cannot be built.
    #[error(transparent)]
    Method(#[from] MethodError),
    /// The same thing listed twice.
    #[error("`{name}` is listed twice in `{key}`")]
    Twice {
        /// The key.
        key: &'static str,
        /// The canonical name.
        name: String,
    },
    /// A method of the caller's own with a name that it cannot have.
    #[error("a method of your own: {problem}")]
    Own {
        /// What is wrong with the name.
        problem: NameProblem,
    },
    /// What is asked of texts is for pictures.
    #[error("`{key}`: expected {expected}, since the network takes texts, found {found}")]
    Texts {
        /// The key.
        key: &'static str,
        /// What it may be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// Tokens cannot be left out.
    #[error("`perturbation = \"tokens\"`: {problem}")]
    Tokens {
        /// Why.
        problem: String,
    },
    /// Methods that can explain nothing of this network.
    #[error("{}", unfit_methods(.unfit, .fit))]
    Unfit {
        /// Their canonical names, by the reason.
        unfit: BTreeMap<String, Vec<String>>,
        /// Canonical names of the others.
        fit: Vec<String>,
    },
    /// The model cannot be used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The engine of the network gives no scores of pictures to choose from.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// There is not enough memory.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The data cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Told to stop, or the time is up, before the pictures were chosen.
    #[error("stopped while the pictures were chosen")]
    Stopped,
    /// What is computed depends on a picture that cannot be read just now.
    #[error("{what} cannot be had without all pictures: {source}")]
    Unread {
        /// What is to be computed.
        what: &'static str,
        /// What the system says.
        source: DataError,
    },
    /// A study that cannot be made of the plan.
    #[error("{problem}")]
    Study {
        /// What is wrong.
        problem: String,
    },
    /// Heat maps from files cannot take part.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The grid has no region.
    #[error("`region` is {region}, but the network's pictures are only {height}x{width} pixels")]
    Region {
        /// Side of a region.
        region: usize,
        /// Rows of a picture.
        height: usize,
        /// Columns of a picture.
        width: usize,
    },
    /// More steps than regions.
    #[error(
        "`steps` is {steps}, but a picture of {height}x{width} pixels has only {} of {region}x{region}",
        count(*.regions, "region")
    )]
    Steps {
        /// Steps asked for.
        steps: usize,
        /// Rows of a picture.
        height: usize,
        /// Columns of a picture.
        width: usize,
        /// Regions there are.
        regions: usize,
        /// Side of a region.
        region: usize,
    },
    /// Stops cannot be used.
    #[error(transparent)]
    Stops(#[from] StopsError),
    /// A metric cannot be measured on this network.
    #[error(transparent)]
    Metric(#[from] MetricError),
    /// The score asked for does not exist.
    #[error("`score` is softmax, but {NO_PROBABILITY}")]
    NoProbability,
    /// Pictures cannot be selected.
    #[error(transparent)]
    Select(#[from] SelectError),
    /// More pictures than there are.
    #[error("`images` is {asked}, but {from} only {}", count(*.found, "picture"))]
    Images {
        /// Pictures asked for.
        asked: usize,
        /// What the pictures come from, with a verb.
        from: String,
        /// Pictures there are.
        found: usize,
    },
    /// A class index beyond the last class.
    #[error("`target` is {target}, but the network has only the classes 0 to {}", .classes - 1)]
    TargetIndex {
        /// The class asked for.
        target: usize,
        /// How many there are.
        classes: usize,
    },
    /// A seed that cannot be written into a config.
    #[error("`seed` must be at most {}, found {found}", i64::MAX)]
    Seed {
        /// The seed.
        found: u64,
    },
}

fn unfit_methods(unfit: &BTreeMap<String, Vec<String>>, fit: &[String]) -> String {
    let one = |(reason, names): (&String, &Vec<String>)| {
        format!("`{}` cannot explain this network: {reason}", names.join("`, `"))
    };
    let problems: Vec<String> = unfit.iter().map(one).collect();
    let problems = problems.join("; ");
    if fit.is_empty() {
        return problems;
    }
    format!("{problems}; all others: `--methods {}`", fit.join(","))
}
