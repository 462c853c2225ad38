//! `pixelflip run`.

use super::{
    INCOMPLETE, SOME_FAILED,
    args::RunArgs,
    dry_run,
    progress::Progress,
    signals,
    terminal::{self, count},
};
use anyhow::Context;
use pixelflip::{
    base::text::plain_path,
    report::{
        colours::Look,
        gallery::{self, Collected},
        outcome,
        ranking::ranking,
    },
    run::{
        config::Config,
        event::Silent,
        known,
        lock::{Lock, Share},
        machine,
        manifest::{Manifest, Results, Skipped},
        output::{self, Output},
        plan::Plan,
        runner,
        stop::Stop,
    },
};
use std::{
    collections::BTreeSet,
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
    let config = Config::load(args.config.as_deref(), flags(args)?)?;
    let root = folder(&config, args.config.as_deref());
    let pool = runner::pool(config.threads.unwrap_or_else(machine::cores))?;
    let plan = pool.install(|| Plan::new(config, &stop))?;
    let shard = args.shard.map(|asked| asked.of(output::shards(&root))).transpose()?;
    let share = shard.map_or(Share::Whole, Share::Shard);
    if args.dry_run {
        pool.install(|| known::in_folder(&plan, &root, share, &Silent))?;
        return pool.install(|| dry_run::show(&plan, &root, shard));
    }
    let progress = Progress::new(&args.talk);
    pool.install(|| runner::check_pictures(&plan, &stop, &progress))?;
    // before anything is written
    let again = pool.install(|| known::in_folder(&plan, &root, share, &progress))?;
    let output = Output::open(&root, &Manifest::new(&plan), share)?;
    say_about_lock(output.lock(), &progress);
    plan.warnings().iter().for_each(|line| progress.warn(line));
    let worked = pool.install(|| runner::work(&plan, &output, &again, &stop, &progress));
    progress.finish();
    worked?;
    if let Some(shard) = shard {
        progress.note(&format!("shard {shard} is done; `pixelflip merge` puts shards together"));
        let left = pool.install(|| runner::left(&plan, &output))?;
        name_skipped(&left.skipped, &left.unread, AGAIN, &progress);
        let failed = left.failed || !left.skipped.is_empty();
        return Ok(if failed { ExitCode::from(SOME_FAILED) } else { ExitCode::SUCCESS });
    }
    pool.install(|| finish(&plan, &output, &runner::all(&plan), look, AGAIN, &stop, &progress))
}

/// What becomes of what could not be read, at the end of a run.
const AGAIN: &str = "the same command tries again";

/// Pictures that are named one by one; the others are counted.
const NAMED: usize = 10;

/// Names what is missing from the results, also what an earlier call of the command left out: what could not
/// be read, with what tries it `again`, and what cannot be used.
fn name_skipped(skipped: &[Skipped], unread: &[Skipped], again: &str, progress: &Progress) {
    let for_good: Vec<&Skipped> = skipped.iter().filter(|s| !unread.contains(s)).collect();
    let unread: Vec<&Skipped> = unread.iter().collect();
    for (what, list, then) in [
        ("could not be read or had a heat map that could not", unread, format!("; {again}")),
        ("cannot be used", for_good, String::new()),
    ] {
        if !list.is_empty() {
            let (pictures, names) = (count(list.len(), "picture"), names(&list));
            progress.warn(&format!("{pictures} {what}: {names}{then}"));
        }
    }
}

fn names(list: &[&Skipped]) -> String {
    let shown = list.iter().take(NAMED).map(|s| format!("`{}` ({})", s.image, s.reason));
    let more = list.len().saturating_sub(NAMED);
    let more = (more > 0).then(|| format!("{more} more"));
    shown.chain(more).collect::<Vec<_>>().join(", ")
}

fn say_about_lock(lock: &Lock, progress: &Progress) {
    if let Some(owner) = lock.stale() {
        progress.note(&format!("{owner} ended before it was done: going on from there"));
    }
    if !lock.is_guarded() {
        progress.warn(
            "this file system has no locks, so nothing keeps a second process from writing here",
        );
    }
}

/// Puts the parts together, writes what people look at, and says what came out.
pub(crate) fn finish(
    plan: &Plan,
    output: &Output,
    parts: &BTreeSet<usize>,
    look: Look,
    again: &str,
    stop: &Stop,
    progress: &Progress,
) -> anyhow::Result<ExitCode> {
    let results = &runner::collect(plan, output, parts)?;
    let manifest = Manifest::new(plan).with(results.clone());
    let pictures = plan.images.len();
    let Collected { exhibits, unread } = gallery::collect(plan, gallery::KEPT, stop)
        .ok_or_else(|| runner::interrupted(stop, pictures, pictures))?;
    let summary = outcome::write(output.root(), &manifest, &exhibits, look)?;
    output.complete(&manifest)?;
    // those about inputs were said at the beginning
    let begun = plan.warnings();
    let doubts = results.doubts.iter().map(ToString::to_string);
    doubts.filter(|doubt| !begun.contains(doubt)).for_each(|doubt| progress.warn(&doubt));
    terminal::data(&ranking(&summary))?;
    progress.ended(serde_json::json!({
        "event": "finished", "results": results, "folder": output.root(),
    }));
    name_skipped(&results.skipped, &results.unread, again, progress);
    let unshown: Vec<&Skipped> = unread.iter().filter(|s| !results.skipped.contains(s)).collect();
    if !unshown.is_empty() {
        let names = names(&unshown);
        progress
            .warn(&format!("the page lacks pictures that cannot be read now: {names}; {again}"));
    }
    progress.note(&closing(results, output.root()));
    let failed = !results.skipped.is_empty() || results.failed_curves > 0;
    Ok(match (results.missing_parts, failed) {
        (1.., _) => ExitCode::from(INCOMPLETE),
        (0, true) => ExitCode::from(SOME_FAILED),
        (0, false) => ExitCode::SUCCESS,
    })
}

/// Where things lie in the results, in the order in which people look at them.
const PLACES: &[(&str, &str)] = &[
    ("report.html", "everything to look at, in one file for a browser"),
    ("summary.csv", "the ranking with intervals; `pixelflip rank` tests the differences"),
    ("aopc.png", "the figure of the paper, also as .svg"),
    ("heatmaps", "heat maps of some pictures"),
    ("classes.csv", "how well the network tells each class, since pictures show several"),
    ("curves", "one row per curve, as Parquet"),
    ("manifest.json", "what was run; `pixelflip run` takes it to do it again"),
];

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
    let right = [("top-1", results.top1), ("top-5", results.top5), ("mAP", results.mean_ap)];
    let right = right.into_iter().filter_map(|(name, share)| Some((name, share?)));
    parts.extend(right.map(|(name, share)| format!("{name} {:.1} %", 100.0 * share)));
    parts.push(count(results.curves - results.failed_curves, "curve"));
    if !results.skipped.is_empty() {
        parts.push(format!("{} skipped", count(results.skipped.len(), "picture")));
    }
    if results.failed_curves > 0 {
        parts.push(format!("{} failed", count(results.failed_curves, "curve")));
    }
    if results.missing_parts > 0 {
        parts.push(format!("{} missing", count(results.missing_parts, "part")));
    }
    let place = |(name, what): &(&str, &str)| {
        root.join(name).exists().then(|| vec![format!("  {name}"), (*what).to_owned()])
    };
    let places: Vec<Vec<String>> = PLACES.iter().filter_map(place).collect();
    let places = terminal::columns(&places);
    format!("{}; results in `{}`\n{}", parts.join(", "), plain_path(root), places.trim_end())
}
