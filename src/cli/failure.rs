//! Errors as one sentence and, where the person can do something, a hint.

use super::{IMPOSSIBLE, INCOMPLETE, INTERRUPTED, args::Log, terminal};
use pixelflip::{
    base::text::plain,
    data::fetch::FetchError,
    run::{
        lock::LockError, merge::MergeError, output::OutputError, plan::PlanError,
        prototypes::PrototypeError, runner::RunError,
    },
    table::TableError,
};
use std::{io, process::ExitCode};

/// Prints an error with its causes and gives the exit code.
pub(crate) fn report(error: &anyhow::Error, log: Log) -> ExitCode {
    let (sentence, hint, code) = (sentence(error), hint(error), code(error));
    match (log, hint) {
        (Log::Json, hint) => {
            let object = serde_json::json!({
                "event": "error", "message": sentence, "hint": hint, "exit_code": code,
            });
            terminal::object(&object);
        }
        (Log::Text, Some(hint)) => terminal::talk(&format!("error: {sentence}\n\nhint: {hint}")),
        (Log::Text, None) => terminal::talk(&format!("error: {sentence}")),
    }
    ExitCode::from(code)
}

fn code(error: &anyhow::Error) -> u8 {
    // no network, or a server that does not answer (22 is one that answers no): trying again later helps
    if let Some(FetchError::Download { reason, .. }) = error.downcast_ref()
        && !reason.contains("curl: (22)")
    {
        return INTERRUPTED;
    }
    if let Some(PlanError::Stopped | PlanError::Unread { .. }) = error.downcast_ref() {
        return INTERRUPTED;
    }
    if let Some(PrototypeError::Interrupted { .. }) = error.downcast_ref() {
        return INTERRUPTED;
    }
    match (error.downcast_ref::<RunError>(), error.downcast_ref::<MergeError>()) {
        (
            Some(
                RunError::Interrupted { .. }
                | RunError::Vain { .. }
                | RunError::Dropped { .. }
                | RunError::Gone { .. }
                | RunError::NoPictures { momentary: true, .. },
            ),
            _,
        ) => INTERRUPTED,
        (_, Some(MergeError::Incomplete { .. })) => INCOMPLETE,
        _ => match output(error) {
            // somebody else is at work, so trying again later helps
            Some(OutputError::Lock(LockError::Taken { .. }) | OutputError::Shards { .. }) => {
                INTERRUPTED
            }
            _ => IMPOSSIBLE,
        },
    }
}

/// What is wrong with the folder, where it is that.
fn output(error: &anyhow::Error) -> Option<&OutputError> {
    if let Some(PrototypeError::Output(output)) = error.downcast_ref() {
        return Some(output);
    }
    error.downcast_ref().or_else(|| match (error.downcast_ref(), error.downcast_ref()) {
        (Some(RunError::Output(output)), _) | (_, Some(MergeError::Output(output))) => Some(output),
        _ => None,
    })
}

/// The error and its causes, each once, on one line.
fn sentence(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !text.contains(&cause) {
            text = if text.is_empty() { cause } else { format!("{text}: {cause}") };
        }
    }
    let line = text.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    plain(&line).into_owned()
}

/// True where there is no room left to write.
fn is_full(error: &anyhow::Error) -> bool {
    let full = |e: &io::Error| {
        matches!(e.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    };
    error.chain().any(|cause| cause.downcast_ref().is_some_and(full))
}

/// What to do about it.
fn hint(error: &anyhow::Error) -> Option<&'static str> {
    match error.downcast_ref() {
        Some(RunError::Vain { .. } | RunError::Dropped { vain: Some(_) }) => {
            return Some(
                "give it more time, more `--threads` or less to do for each picture, until one part is \
                 finished in that time: `--dry-run` measures how long the whole takes, and in how many parts",
            );
        }
        Some(RunError::Interrupted { .. } | RunError::Dropped { vain: None }) => {
            return Some("the same command goes on from there");
        }
        Some(RunError::Gone { .. } | RunError::NoPictures { momentary: true, .. }) => {
            return Some("bring them back, and the same command goes on from there");
        }
        _ => (),
    }
    if let Some(PrototypeError::Interrupted { vain, .. }) = error.downcast_ref() {
        return Some(match vain {
            None => "the same command goes on from there",
            Some(_) => "give it more time, more `--threads`, or fewer `--steps`",
        });
    }
    match error.downcast_ref::<MergeError>() {
        Some(MergeError::Incomplete { missing, parts, .. }) if missing == parts => {
            return Some("run the shards first");
        }
        Some(MergeError::Incomplete { .. }) => {
            return Some("run those shards again, what they have done is kept, or add `--partial`");
        }
        Some(MergeError::Output(OutputError::OtherRun { .. } | OutputError::Foreign { .. })) => {
            return Some(
                "name folders that one run of `pixelflip run` has written, also with `--out`, and no \
                 others",
            );
        }
        _ => (),
    }
    if is_full(error) {
        return Some("make room there, and the same command goes on from what is done");
    }
    if let Some(hint) = output(error).and_then(of_output) {
        return Some(hint);
    }
    if let Some(RunError::Table(TableError::Content { .. })) = error.downcast_ref() {
        return Some("delete this file, and the same command makes its part again");
    }
    match error.downcast_ref::<PlanError>()? {
        PlanError::Stopped => {
            Some("give it more time, or choose pictures without asking the network")
        }
        PlanError::Unread { .. } => Some(
            "when it can be read again, the same command goes on; else take it out of the data set",
        ),
        PlanError::Region { .. } => Some("choose a smaller `--region`"),
        PlanError::Steps { .. } => Some(
            "choose fewer `--steps`, or leave them out: all regions are removed then, at most 100",
        ),
        PlanError::Images { .. } => Some("leave `--images` out to use all pictures"),
        _ => None,
    }
}

/// What helps where a folder of results cannot be used.
fn of_output(error: &OutputError) -> Option<&'static str> {
    Some(match error {
        OutputError::Lock(LockError::Taken { .. }) => {
            "wait until it is done, or choose another folder with `--out`"
        }
        OutputError::Shards { .. } => {
            "keep to that number of shards, or wait until none is at work and cut the rest anew"
        }
        OutputError::OtherRun { .. } => {
            "choose another folder with `--out`, or remove the old results"
        }
        OutputError::OtherPictures { .. } => {
            "bring the pictures back that it was made from, or choose another folder with `--out`"
        }
        OutputError::Foreign { .. } => "choose a new folder with `--out`",
        OutputError::Unwritable { .. } | OutputError::Lock(LockError::Unwritable { .. }) => {
            "choose a folder you can write to with `--out`"
        }
        OutputError::Unreadable { .. } | OutputError::Study { .. } => return None,
    })
}
