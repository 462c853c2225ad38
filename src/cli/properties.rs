//! `pixelflip properties`.

use super::{
    args::{IMAGES, PropertiesArgs},
    progress::Progress,
    signals,
    study::{End, Job, Seen, pursue},
    terminal::{self, count},
};
use anyhow::Context;
use pixelflip::{
    report::{
        colours::Look,
        curves::Heading,
        properties::{Summary, write_figures},
    },
    run::{
        config::Config,
        machine, output,
        plan::Plan,
        properties::{Measured, Properties, rules_and_composites},
        runner,
        stop::Stop,
    },
};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};
use toml::Table;

pub(crate) fn run(args: &PropertiesArgs) -> anyhow::Result<ExitCode> {
    let stop = Stop::after(args.max_time);
    signals::listen(&stop, args.talk.log)?;
    let config = Config::load(None, flags(args)?)?;
    let root = folder(&config);
    let pool = runner::pool(config.threads.unwrap_or_else(machine::cores))?;
    let plan = pool.install(|| Plan::new(config, &stop))?;
    let study = Properties::new(&plan)?;
    let shard = args.shard.map(|asked| asked.shard(output::shards(&root))).transpose()?;
    let progress = Progress::new(&args.talk);
    let job = Job {
        root: &root,
        shard,
        look: Look::default(),
        stop: &stop,
        progress: &progress,
        warnings: &[],
    };
    pool.install(|| pursue(&study, &job))
}

/// The flags as a config. What only matters to chains is set to what always fits.
fn flags(args: &PropertiesArgs) -> anyhow::Result<Table> {
    let mut table = args.flags.table.clone();
    let preprocess = Table::try_from(args.preprocess.settings()).context("reading the flags")?;
    if !preprocess.is_empty() {
        table.insert("preprocess".to_owned(), preprocess.into());
    }
    table.insert("region".to_owned(), 1.into());
    table.insert("steps".to_owned(), 1.into());
    table.insert("direct".to_owned(), true.into());
    if !table.contains_key("images") {
        table.insert("select".to_owned(), format!("spread:{IMAGES}").into());
    }
    table.entry("methods").or_insert_with(|| rules_and_composites().into());
    Ok(table)
}

/// `out`, or a folder named after the model.
fn folder(config: &Config) -> PathBuf {
    let model = Path::new(&config.model).file_stem().unwrap_or_default();
    let default = || Path::new("results").join("properties").join(model);
    config.out.as_ref().map_or_else(default, PathBuf::from)
}

/// Where things lie in the results, in the order in which people look at them.
const PLACES: &[(&str, &str)] = &[
    ("summary.csv", "one row per method"),
    ("properties.csv", "one row per picture and method"),
    ("layers.csv", "what happens at each layer"),
    ("sweeps.csv", "how maps depend on epsilon and gamma"),
    ("course.png", "relevance on its way through the network, also as .svg"),
];

/// Writes the summary and the figures.
pub(super) fn view(end: &End<'_>) -> anyhow::Result<Seen> {
    let (plan, root) = (end.study.plan(), end.output.root());
    let heading = Heading { model: plan.model.name.clone(), data: plan.data.name().to_owned() };
    let measured = Measured::read(root)?;
    let summary = Summary::of(&measured);
    summary.write(root, &heading)?;
    write_figures(root, &measured, &heading)?;
    let failed = measured.rows.iter().filter(|row| row.reason.is_some()).count();
    Ok(Seen {
        text: terminal::columns(&summary.lines()),
        parts: vec![count(measured.rows.len() - failed, "explanation")],
        places: PLACES,
        failed: (failed > 0).then(|| format!("{failed} failed")),
    })
}
