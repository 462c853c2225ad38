//! `pixelflip run`.

use super::{
    SOME_FAILED,
    args::RunArgs,
    progress::Progress,
    terminal::{self, count},
};
use anyhow::Context;
use pixelflip::{
    report::{gallery, outcome, ranking::ranking},
    run::{
        config::Config,
        machine,
        manifest::{Manifest, Results},
        output::Output,
        plan::Plan,
        runner,
    },
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
    let config = Config::load(args.config.as_deref(), flags(args)?)?;
    let root = folder(&config, args.config.as_deref());
    let pool = runner::pool(config.threads.unwrap_or_else(machine::cores))?;
    let plan = Plan::new(config)?;
    let output = Output::open(&root, &Manifest::new(&plan))?;
    let progress = Progress::new();
    let records = pool.install(|| runner::run(&plan, &output, &progress));
    progress.finish();
    let records = records?;
    let summary = pool.install(|| {
        outcome::write(&root, &records.rows, &gallery::collect(&plan, gallery::KEPT), look)
    })?;
    terminal::data(&ranking(&summary))?;
    terminal::talk(&closing(&records.results, &root));
    let failed = !records.results.skipped.is_empty() || records.results.failed_curves > 0;
    Ok(if failed { ExitCode::from(SOME_FAILED) } else { ExitCode::SUCCESS })
}

/// The flags as a config.
fn flags(args: &RunArgs) -> anyhow::Result<Table> {
    let mut table = Table::try_from(&args.flags).context("reading the flags")?;
    let preprocess = Table::try_from(args.preprocess.settings()).context("reading the flags")?;
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

/// The last line: what was done, what was not, and where it lies.
fn closing(results: &Results, root: &Path) -> String {
    let mut parts = vec![count(results.pictures, "picture")];
    if let (Some(top1), Some(top5)) = (results.top1, results.top5) {
        parts.push(format!("top-1 {:.1} %, top-5 {:.1} %", 100.0 * top1, 100.0 * top5));
    }
    parts.push(count(results.curves - results.failed_curves, "curve"));
    if !results.skipped.is_empty() {
        parts.push(format!("{} skipped", count(results.skipped.len(), "picture")));
    }
    if results.failed_curves > 0 {
        parts.push(format!("{} failed", count(results.failed_curves, "curve")));
    }
    format!("{}; results in `{}`", parts.join(", "), root.display())
}
