//! Errors as one sentence and, where the person can do something, a hint.

use super::{IMPOSSIBLE, terminal};
use pixelflip::run::{output::OutputError, plan::PlanError, runner::RunError};
use std::process::ExitCode;

/// Prints an error with its causes and gives the exit code.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    terminal::talk(&format!("error: {}", sentence(error)));
    if let Some(hint) = hint(error) {
        terminal::talk(&format!("\nhint: {hint}"));
    }
    ExitCode::from(IMPOSSIBLE)
}

/// The error and its causes, each once, on one line.
fn sentence(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !text.contains(&cause) {
            text = if text.is_empty() { cause } else { format!("{text}: {cause}") };
        }
    }
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

/// What to do about it.
fn hint(error: &anyhow::Error) -> Option<&'static str> {
    let output = error.downcast_ref::<OutputError>();
    let output = output.or_else(|| match error.downcast_ref::<RunError>() {
        Some(RunError::Output(output)) => Some(output),
        _ => None,
    });
    match output {
        Some(OutputError::OtherRun { .. }) => {
            return Some("choose another folder with `--out`, or remove the old results");
        }
        Some(OutputError::Foreign { .. }) => return Some("choose a new folder with `--out`"),
        Some(OutputError::Unwritable { .. }) => {
            return Some("choose a folder you can write to with `--out`");
        }
        None => (),
    }
    match error.downcast_ref::<PlanError>()? {
        PlanError::Region { .. } => Some("choose a smaller `--region`"),
        PlanError::Steps { .. } => Some("leave `--steps` out to remove all regions, at most 100"),
        PlanError::Images { .. } => Some("leave `--images` out to use all pictures"),
        _ => None,
    }
}
