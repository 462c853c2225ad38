//! `pixelflip run`.

use super::{
    args::{PreprocessFlags, RunArgs},
    dry_run,
    progress::Progress,
    signals,
    study::{Job, pursue},
};
use anyhow::Context;
use pixelflip::run::{
    config::Config, event::Silent, known, lock::Share, machine, output, plan::Plan,
    ranking::Ranking, runner, stop::Stop,
};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};
use toml::Table;

/// Folder below which results go when nothing else is said.
const RESULTS: &str = "results";

pub(crate) fn run(args: &RunArgs) -> anyhow::Result<ExitCode> {
    let look = args.look.look()?;
    let stop = Stop::after(args.max_time);
    // a dry run has nothing to lose
    if !args.dry_run {
        signals::listen(&stop, args.talk.log)?;
    }
    let given = flags(&args.flags.table, &args.preprocess)?;
    let config = Config::load(args.config.as_deref(), given)?;
    let root = folder(&config, args.config.as_deref());
    let pool = runner::pool(config.threads.unwrap_or_else(machine::cores))?;
    let plan = pool.install(|| Plan::new(config, &stop))?;
    let study = Ranking::showing(&plan, args.gallery);
    let shard = args.shard.map(|asked| asked.shard(output::shards(&root))).transpose()?;
    if args.dry_run {
        let share = shard.map_or(Share::Whole, Share::Shard);
        pool.install(|| known::in_folder(&study, &root, share, &Silent))?;
        return pool.install(|| dry_run::show(&study, &root, shard));
    }
    let progress = Progress::new(&args.talk);
    let warnings = plan.warnings();
    let job =
        Job { root: &root, shard, look, stop: &stop, progress: &progress, warnings: &warnings };
    pool.install(|| pursue(&study, &job))
}

/// The flags as a config.
pub(super) fn flags(given: &Table, preprocess: &PreprocessFlags) -> anyhow::Result<Table> {
    let mut table = given.clone();
    let preprocess = Table::try_from(preprocess.settings()).context("reading the flags")?;
    if !preprocess.is_empty() {
        table.insert("preprocess".to_owned(), preprocess.into());
    }
    Ok(table)
}

/// Where the results go: `out`, or a folder named after the config or the model.
fn folder(config: &Config, file: Option<&Path>) -> PathBuf {
    let named = |path: &Path| path.file_stem().map(|stem| Path::new(RESULTS).join(stem));
    let toml = file.filter(|path| path.extension().is_some_and(|e| e == "toml"));
    let default = || toml.and_then(named).or_else(|| named(Path::new(&config.model)));
    let out = config.out.as_ref().map(PathBuf::from).or_else(default);
    out.unwrap_or_else(|| PathBuf::from(RESULTS))
}
