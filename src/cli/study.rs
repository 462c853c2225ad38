//! What commands do with a study: its work, and what people see of it in the end.

use super::{
    INCOMPLETE, SOME_FAILED, clusters, compare, context, probe,
    progress::Progress,
    properties, ranking,
    terminal::{self, count},
};
use pixelflip::{
    base::text::plain_path,
    report::colours::Look,
    run::{
        known,
        lock::{Lock, Share},
        manifest::{Manifest, Outcome, Skipped},
        output::Output,
        runner,
        shard::Shard,
        stop::Stop,
        study::Study,
    },
};
use std::{collections::BTreeSet, path::Path, process::ExitCode};

/// How people see the end of a study: by its name, what is written of its tables and told.
type View = fn(&End<'_>) -> anyhow::Result<Seen>;

/// The views of all studies that have more to show than their tables.
const VIEWS: &[(&str, View)] = &[
    ("ranking", ranking::view),
    ("properties", properties::view),
    ("probe", probe::view),
    ("context", context::view),
    ("clusters", clusters::view),
    ("compare", compare::view),
];

/// A study whose tables are put together.
pub(super) struct End<'a> {
    pub(super) study: &'a dyn Study,
    pub(super) output: &'a Output,
    pub(super) outcome: &'a Outcome,
    pub(super) look: Look,
    pub(super) progress: &'a Progress,
}

/// What a view found.
pub(super) struct Seen {
    /// For people and other programs, on stdout.
    pub(super) text: String,
    /// What came out, as the last line begins.
    pub(super) parts: Vec<String>,
    /// Where to look.
    pub(super) places: &'static [(&'static str, &'static str)],
    /// What failed, if something did.
    pub(super) failed: Option<String>,
}

/// What becomes of what could not be read, at the end of a run.
const AGAIN: &str = "the same command tries again";

/// How a study is done.
pub(super) struct Job<'a> {
    pub(super) root: &'a Path,
    pub(super) shard: Option<Shard>,
    pub(super) look: Look,
    pub(super) stop: &'a Stop,
    pub(super) progress: &'a Progress,
    /// Said when the work begins.
    pub(super) warnings: &'a [String],
}

/// Does what is not done yet of a study, in the pool it is called in, and puts everything together.
pub(super) fn pursue(study: &dyn Study, job: &Job<'_>) -> anyhow::Result<ExitCode> {
    let Job { root, shard, look, stop, progress, .. } = *job;
    let share = shard.map_or(Share::Whole, Share::Shard);
    runner::check_pictures(study.plan(), stop, progress)?;
    // before anything is written
    let again = known::in_folder(study, root, share, progress)?;
    let output = Output::open(root, study, share)?;
    say_about_lock(output.lock(), progress);
    job.warnings.iter().for_each(|line| progress.warn(line));
    let worked = runner::work(study, &output, &again, stop, progress);
    progress.pause();
    worked?;
    if let Some(shard) = shard {
        progress.note(&format!("shard {shard} is done; `pixelflip merge` puts shards together"));
        let left = runner::left(study, &output)?;
        name_skipped(&left.skipped, &left.unread, AGAIN, progress);
        let failed = left.failed || !left.skipped.is_empty();
        return Ok(if failed { ExitCode::from(SOME_FAILED) } else { ExitCode::SUCCESS });
    }
    finish(study, &output, &runner::all_parts(study.plan()), look, AGAIN, progress)
}

/// Puts the parts together, writes what people look at, and says what came out.
pub(super) fn finish(
    study: &dyn Study,
    output: &Output,
    parts: &BTreeSet<usize>,
    look: Look,
    again: &str,
    progress: &Progress,
) -> anyhow::Result<ExitCode> {
    progress.end(COLLECTING);
    let outcome = &runner::collect(study, output, parts)?;
    let end = End { study, output, outcome, look, progress };
    let view = VIEWS.iter().find(|(name, _)| *name == study.entry().name);
    let seen = view.map_or_else(|| Ok(tables_alone(&end)), |(_, view)| view(&end))?;
    output.complete(&Manifest::new(study).with(outcome.clone()))?;
    progress.finish();
    progress.result(&seen.text)?;
    progress.ended(serde_json::json!({
        "event": "finished", "results": outcome, "folder": output.root(),
    }));
    let (skipped, unread) = outcome.left_out();
    name_skipped(skipped, unread, again, progress);
    progress.note(&closing(&seen, &end));
    let failed = seen.failed.is_some() || !skipped.is_empty();
    Ok(match (outcome.missing_parts(), failed) {
        (1.., _) => ExitCode::from(INCOMPLETE),
        (0, true) => ExitCode::from(SOME_FAILED),
        (0, false) => ExitCode::SUCCESS,
    })
}

/// What is done first in the end.
const COLLECTING: &str = "putting the parts together";

/// Of a study without a view.
fn tables_alone(_: &End<'_>) -> Seen {
    Seen { text: String::new(), parts: Vec::new(), places: &[], failed: None }
}

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

pub(super) fn say_about_lock(lock: &Lock, progress: &Progress) {
    if let Some(owner) = lock.stale() {
        progress.note(&format!("{owner} ended before it was done: going on from there"));
    }
    if !lock.is_guarded() {
        progress.warn(
            "this file system has no locks, so nothing keeps a second process from writing here",
        );
    }
}

/// The last line: what was done, what was not, and where it lies.
fn closing(seen: &Seen, end: &End<'_>) -> String {
    let (mut parts, root) = (seen.parts.clone(), end.output.root());
    let skipped = end.outcome.left_out().0;
    if !skipped.is_empty() {
        parts.push(format!("{} skipped", count(skipped.len(), "picture")));
    }
    parts.extend(seen.failed.clone());
    if end.outcome.missing_parts() > 0 {
        parts.push(format!("{} missing", count(end.outcome.missing_parts(), "part")));
    }
    let place = |(name, what): &(&str, &str)| {
        root.join(name).exists().then(|| vec![format!("  {name}"), (*what).to_owned()])
    };
    let places: Vec<Vec<String>> = seen.places.iter().filter_map(place).collect();
    let places = terminal::columns(&places);
    let text =
        format!("{}; results in `{}`\n{}", parts.join(", "), plain_path(root), places.trim_end());
    text.trim_end().to_owned()
}
