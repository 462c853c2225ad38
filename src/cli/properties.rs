//! `pixelflip properties`.

use super::{
    SOME_FAILED,
    args::{IMAGES, PropertiesArgs},
    progress::Progress,
    terminal::{self, count},
};
use anyhow::Context;
use pixelflip::{
    base::text::plain_path,
    report::{
        curves::Heading,
        properties::{Summary, write_figures, write_tables},
    },
    run::{
        config::Config,
        machine,
        plan::Plan,
        properties::{Measured, Sweeps, measure, rules_and_composites},
        runner,
        stop::Stop,
    },
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};
use toml::Table;

pub(crate) fn run(args: &PropertiesArgs) -> anyhow::Result<ExitCode> {
    let config = Config::load(None, flags(args)?)?;
    let root = folder(&config);
    let pool = runner::pool(config.threads.unwrap_or_else(machine::cores))?;
    let mut plan = pool.install(|| Plan::new(config, &Stop::default()))?;
    if args.flags.images.is_none() {
        plan.images = some_of(&plan.images);
    }
    let sweeps = Sweeps::new()?;
    let progress = Progress::new(&args.talk);
    let measured = pool.install(|| measure(&plan, &sweeps, &progress));
    progress.finish();
    let summary = Summary::of(&measured);
    report(&plan, &measured, &summary, &root)?;
    terminal::data(&terminal::columns(&summary.lines()))?;
    progress.note(&closing(&measured, &root));
    let failed = !measured.skipped.is_empty() || measured.rows.iter().any(|r| r.found.is_err());
    Ok(if failed { ExitCode::from(SOME_FAILED) } else { ExitCode::SUCCESS })
}

/// The flags as a config. What only matters to chains is set to what always fits.
fn flags(args: &PropertiesArgs) -> anyhow::Result<Table> {
    let mut table = Table::try_from(&args.flags).context("reading the flags")?;
    let preprocess = Table::try_from(args.preprocess.settings()).context("reading the flags")?;
    if !preprocess.is_empty() {
        table.insert("preprocess".to_owned(), preprocess.into());
    }
    table.insert("region".to_owned(), 1.into());
    table.insert("steps".to_owned(), 1.into());
    table.insert("direct".to_owned(), true.into());
    table.entry("methods").or_insert_with(|| rules_and_composites().into());
    Ok(table)
}

/// At most [`IMAGES`] of the pictures, evenly spread.
fn some_of(images: &[usize]) -> Vec<usize> {
    let wanted = IMAGES.min(images.len());
    (0..wanted).map(|i| images[i * images.len() / wanted]).collect()
}

/// `out`, or a folder named after the model.
fn folder(config: &Config) -> PathBuf {
    let model = Path::new(&config.model).file_stem().unwrap_or_default();
    let default = || Path::new("results").join("properties").join(model);
    config.out.as_ref().map_or_else(default, PathBuf::from)
}

fn report(plan: &Plan, measured: &Measured, summary: &Summary, root: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(root).with_context(|| format!("cannot make `{}`", root.display()))?;
    let heading = Heading { model: plan.model.name.clone(), data: plan.data.name().to_owned() };
    write_tables(root, measured, summary, &heading)?;
    Ok(write_figures(root, measured, &heading)?)
}

fn closing(measured: &Measured, root: &Path) -> String {
    let failed = measured.rows.iter().filter(|r| r.found.is_err()).count();
    let mut parts = vec![count(measured.rows.len() - failed, "explanation")];
    if failed > 0 {
        parts.push(format!("{failed} failed"));
    }
    if !measured.skipped.is_empty() {
        parts.push(format!("{} skipped", count(measured.skipped.len(), "picture")));
    }
    format!("{}; results in `{}`", parts.join(", "), plain_path(root))
}
