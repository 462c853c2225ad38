//! What callers of the library get wrong.

use crate::{
    data::DataError,
    explain::{ExplainError, MethodError},
    nn::{model::ModelError, op::foreign::EngineError, preprocess::PreprocessError},
    report::cells::CellsError,
    run::{config::ConfigError, output::OutputError, plan::PlanError, runner::RunError},
    table::TableError,
};

/// Why something cannot be done, in one sentence.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each is what went wrong in the step of its name")]
pub enum Error {
    #[error(transparent)]
    Model(Box<ModelError>),
    #[error(transparent)]
    Engine(Box<EngineError>),
    #[error(transparent)]
    Data(Box<DataError>),
    #[error("cannot use `{picture}`: {source}")]
    Picture { picture: String, source: Box<PreprocessError> },
    #[error(transparent)]
    Method(Box<MethodError>),
    #[error("`{method}` cannot explain `{picture}`: {source}")]
    Explain { method: String, picture: String, source: Box<ExplainError> },
    #[error(transparent)]
    Config(Box<ConfigError>),
    #[error(transparent)]
    Plan(Box<PlanError>),
    #[error(transparent)]
    Run(Box<RunError>),
    #[error(transparent)]
    Output(Box<OutputError>),
    #[error(transparent)]
    Records(Box<CellsError>),
    #[error(transparent)]
    Table(Box<TableError>),
    /// What was handed over does not fit.
    #[error("{0}")]
    Unfit(String),
}

/// Errors of the layers below, boxed: a result is no larger than what it holds when all is well.
macro_rules! from {
    ($($variant:ident($error:ty),)*) => {
        $(impl From<$error> for Error {
            fn from(error: $error) -> Error {
                Error::$variant(Box::new(error))
            }
        })*
    };
}

from! {
    Model(ModelError),
    Engine(EngineError),
    Data(DataError),
    Method(MethodError),
    Config(ConfigError),
    Plan(PlanError),
    Run(RunError),
    Output(OutputError),
    Records(CellsError),
    Table(TableError),
}
