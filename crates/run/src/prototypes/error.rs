//! Why there are no prototypes.

use crate::{
    base::{registry::SpecError, words::count},
    data::DataError,
    lock::LockError,
    memory::MemoryError,
    nn::{model::ModelError, preprocess::PreprocessError},
    output::OutputError,
    plan::PlanError,
    prototype::{generator::GeneratorError, objective::ObjectiveError, prior::PriorError},
    stop::Vain,
    table::TableError,
};
use std::path::PathBuf;

/// Why prototypes cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PrototypeError {
    /// A key that no config has.
    #[error("there is no key `{key}`{}", did_you_mean(.near))]
    Key {
        /// The key.
        key: String,
        /// Similar ones, in backticks.
        near: Vec<String>,
    },
    /// A value of another type.
    #[error("a value of the config does not fit: {problem}")]
    Value {
        /// What is wrong.
        problem: String,
    },
    /// A value out of its range.
    #[error("`{key}` must be {rule}, found `{found}`")]
    Range {
        /// The key.
        key: &'static str,
        /// What it must be.
        rule: &'static str,
        /// What was given.
        found: String,
    },
    /// A file with a config that cannot be used.
    #[error("cannot use `{}` as a config: {problem}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// A name in a table.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// A network cannot be read.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The data set cannot be opened.
    #[error(transparent)]
    Data(#[from] DataError),
    /// As in runs.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// There is not enough memory.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The objective does not fit the network.
    #[error(transparent)]
    Objective(#[from] ObjectiveError),
    /// The generator does not fit.
    #[error(transparent)]
    Generator(#[from] GeneratorError),
    /// A prior cannot be used.
    #[error(transparent)]
    Prior(#[from] PriorError),
    /// A prior that is in the wrong place.
    #[error("{reason}")]
    Row {
        /// Why.
        reason: String,
    },
    /// The same row of priors twice.
    #[error("the row `{name}` is listed twice in `prior`")]
    Twice {
        /// The row.
        name: String,
    },
    /// A class that does not exist.
    #[error("the network has no class `{found}`{}; its classes are 0 to {}", did_you_mean(.near), .classes - 1)]
    Class {
        /// What was given.
        found: String,
        /// Names that are similar.
        near: Vec<String>,
        /// How many classes there are.
        classes: usize,
    },
    /// Something that needs a generator.
    #[error(
        "`{key}` says something of the codes of a generator, and there is none: name it with `--generator`"
    )]
    NoGenerator {
        /// The key.
        key: &'static str,
    },
    /// Something that needs pictures.
    #[error("{what}: name a data set with `--data`")]
    NeedsData {
        /// What needs it.
        what: String,
    },
    /// A start that does not fit.
    #[error("`{file}` cannot be a start: expected {expected}, found {found}")]
    Start {
        /// The file.
        file: String,
        /// What it must be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// Codes that do not fit.
    #[error(
        "codes `{file}`: expected an array ({classes}, {values}), one code per class of the network, found {found}"
    )]
    Codes {
        /// The file.
        file: String,
        /// Classes of the network.
        classes: usize,
        /// Values of a code.
        values: usize,
        /// What it is.
        found: String,
    },
    /// A judge of other classes.
    #[error("judge `{judge}` has {}, but the network has {classes}: their classes are not the same", count(*.found, "class"))]
    JudgeClasses {
        /// The judge.
        judge: String,
        /// Its classes.
        found: usize,
        /// Those of the network.
        classes: usize,
    },
    /// A judge that cannot look at the pictures.
    #[error("judge `{judge}` cannot look at the pictures: {source}")]
    JudgeSize {
        /// The judge.
        judge: String,
        /// What does not fit.
        source: Box<PreprocessError>,
    },
    /// The folder.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// A table cannot be written.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A file of a unit that cannot be read back.
    #[error("`{}` is damaged: {problem}; delete it, and the same command makes it again", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// Told to stop, or the time is up.
    #[error("stopped with {finished} of {} done{}", count(*.all, "prototype"), in_vain(.vain.as_ref()))]
    Interrupted {
        /// Prototypes that are done.
        finished: usize,
        /// All of them.
        all: usize,
        /// The limit, if nothing was finished within it.
        vain: Option<Vain>,
    },
}

impl From<LockError> for PrototypeError {
    fn from(error: LockError) -> PrototypeError {
        PrototypeError::Output(error.into())
    }
}

fn did_you_mean(near: &[String]) -> String {
    if near.is_empty() { String::new() } else { format!(", did you mean {}?", near.join(" or ")) }
}

fn in_vain(vain: Option<&Vain>) -> String {
    vain.map_or_else(String::new, |vain| {
        format!(": nothing was finished within the {vain} of `--max-time`")
    })
}
