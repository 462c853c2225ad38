//! Commands: what a person types, and what they get to see. The only place that prints.

mod args;
mod bench;
mod clusters;
mod compare;
mod context;
mod data;
mod diff;
mod dry_run;
mod explain;
mod failure;
mod init;
mod input;
mod keys;
mod list;
mod merge;
mod model;
mod plot;
mod predict;
mod probe;
mod progress;
mod properties;
mod prototype;
mod rank;
mod ranking;
mod report;
mod run;
mod signals;
mod status;
mod study;
mod study_args;
mod terminal;

use args::{Cli, Command};
use clap::Parser;
use std::process::ExitCode;

/// Done, but some pictures or methods failed; each was named.
const SOME_FAILED: u8 = 1;

/// Could not be done.
const IMPOSSIBLE: u8 = 2;

/// Not everything is there yet.
const INCOMPLETE: u8 = 3;

/// Stopped early, the same command goes on (`EX_TEMPFAIL`; SLURM can requeue on it).
const INTERRUPTED: u8 = 75;

/// Parses, runs, and turns an error into one sentence and an exit code.
pub(crate) fn main() -> ExitCode {
    signals::abort_is_an_error();
    let command = Cli::parse().command;
    let log = command.log();
    let done = match command {
        Command::Run(args) => run::run(&args),
        Command::Rank(args) => rank::run(&args),
        Command::Plot(args) => plot::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Init(args) => init::run(&args),
        Command::Merge(args) => merge::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Predict(args) => predict::run(&args),
        Command::Model(args) => model::run(&args),
        Command::List(args) => list::run(&args),
        Command::Data(args) => data::run(&args),
        Command::Properties(args) => properties::run(&args),
        Command::Prototype(args) => prototype::run(&args),
        Command::Probe(args) => probe::run(&args),
        Command::Context(args) => context::run(&args),
        Command::Clusters(args) => clusters::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Bench(args) => bench::run(&args),
    };
    done.unwrap_or_else(|error| failure::report(&error, log))
}

#[cfg(test)]
mod docs_tests;
