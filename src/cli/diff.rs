//! `pixelflip diff`.

use super::{SOME_FAILED, args::DiffArgs, terminal};
use pixelflip::{
    base::registry,
    eval::{
        metric::{Chosen, METRICS},
        stats::Resampling,
    },
    report::diff::{Side, diff},
    run::{
        record::AllLogits,
        results::{self, Loaded},
    },
};
use std::{path::PathBuf, process::ExitCode};

pub(crate) fn run(args: &DiffArgs) -> anyhow::Result<ExitCode> {
    let metric = registry::build("metric of curves", METRICS, &args.metric.parse()?)?;
    let load = |path: &PathBuf| results::load(std::slice::from_ref(path), AllLogits::Read);
    let (first, second) = (load(&args.first)?, load(&args.second)?);
    let chosen = Chosen { name: &metric.name, metric: &*metric.value };
    let found = diff(side(&first), side(&second), &chosen, Resampling::default())?;
    terminal::data(&found.text())?;
    if let Some(path) = &args.out {
        found.table().write_csv(path)?;
    }
    Ok(if found.changes.is_empty() { ExitCode::from(SOME_FAILED) } else { ExitCode::SUCCESS })
}

fn side(loaded: &Loaded) -> Side<'_> {
    Side { rows: &loaded.rows, manifest: loaded.manifests.first() }
}
