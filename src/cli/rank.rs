//! `pixelflip rank`.

use super::{SOME_FAILED, args::RankArgs, terminal};
use anyhow::Context;
use pixelflip::{
    base::{registry, rng::Seed, text::plain_path},
    eval::{
        metric::{Chosen, METRICS},
        stats::Resampling,
    },
    report::{
        cells::group,
        contest::Contest,
        curves::{self, Dress, Heading},
        map_metrics::Maps,
        rank::{Note, Rank, rank},
        rank_figures,
        subsets::Sets,
    },
    run::{
        machine,
        manifest::Manifest,
        record::{AllLogits, other_scores},
        results::{self, Loaded},
        runner,
    },
};
use std::{collections::BTreeMap, fs, path::Path, process::ExitCode};

pub(crate) fn run(args: &RankArgs) -> anyhow::Result<ExitCode> {
    let metric = args
        .metric
        .as_deref()
        .map(|spec| registry::build("metric of curves", METRICS, &spec.parse()?));
    let metric = metric.transpose()?;
    let resampling = Resampling { seed: Seed(args.seed), count: args.resamples };
    let mut loaded = results::load(&args.results, AllLogits::Read)?;
    loaded.rows.extend(other_scores(&loaded.rows));
    let pool = runner::pool(args.threads.unwrap_or_else(machine::cores))?;
    let chosen = metric.as_ref().map(|m| Chosen { name: &m.name, metric: &*m.value });
    let maps = pool.install(|| Maps::of(&loaded.metrics, resampling));
    let several = loaded.pictures.iter().filter_map(|p| Some((p.image.clone(), p.labels.clone()?)));
    let sets: Sets = several.filter(|(_, labels)| labels.len() > 1).collect();
    let mut found = pool
        .install(|| rank(&loaded.rows, &sets, &loaded.timings, &maps.rows, chosen, resampling))?;
    if !loaded.manifests.iter().all(Manifest::is_whole) {
        found.notes.push(Note::Unfinished);
    }
    terminal::data(&(found.text() + &maps.text()))?;
    if let Some(folder) = &args.out {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot make `{}`", folder.display()))?;
        found.write(folder)?;
        let table = maps.table();
        table.write_csv(&folder.join("heatmaps.csv"))?;
        table.write_parquet(&folder.join("heatmaps.parquet"), &BTreeMap::new())?;
        pool.install(|| draw(folder, &loaded, &found))?;
        terminal::talk(&format!("tables and figures in `{}`", plain_path(folder)));
    }
    let lacks = |c: &Contest| c.left_out > 0 || !c.without.is_empty();
    let partial = found.contests.is_empty() || found.contests.iter().any(lacks);
    Ok(if partial { ExitCode::from(SOME_FAILED) } else { ExitCode::SUCCESS })
}

fn draw(folder: &Path, loaded: &Loaded, found: &Rank) -> anyhow::Result<()> {
    let heading = Heading::of(loaded.manifests.first());
    let groups = group(&loaded.rows)?;
    let dress = Dress::of(&groups);
    curves::write(folder, &curves::figures(&groups, &heading, &dress))?;
    rank_figures::write(folder, found, &heading, &dress)?;
    Ok(())
}
