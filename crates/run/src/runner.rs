//! Doing the work of a plan: everything on one picture is one unit, spread over the threads.

use super::{
    classes,
    curves::{Done, one_picture},
    event::{Event, Observer},
    known,
    manifest::{Manifest, Results, Skipped, Tally},
    measure::{self, Measure},
    memory::{self, MemoryError},
    output::{self, Output, OutputError},
    picture::{self, Picture},
    plan::Plan,
    record::{self, AllLogits, Row},
    stop::{Stop, Vain},
    subject::{self, Unusable},
};
use crate::{base::words::count, table::TableError};
use rayon::prelude::*;
use std::{collections::BTreeSet, thread, time::Instant};

/// Why a run ends without results.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A file of the results cannot be written or read back.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The folder cannot be written to.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// No picture was usable.
    #[error("no picture could be used, {count} were tried; the first one: {reason}")]
    NoPictures {
        /// How many were tried.
        count: usize,
        /// What was wrong with the first.
        reason: String,
        /// True where it could not be read, which may be otherwise the next time.
        momentary: bool,
    },
    /// Told to stop, or the time is up.
    #[error("stopped with {finished} of {} done", count(*.pictures, "picture"))]
    Interrupted {
        /// Pictures of the parts that are done.
        finished: usize,
        /// Pictures there are.
        pictures: usize,
    },
    /// The time is up before anything was finished that the next try could build on.
    #[error("stopped with {finished} of {pictures} pictures done{}", in_vain(Some(.vain)))]
    Vain {
        /// The limit.
        vain: Vain,
        /// Pictures of the parts that are done.
        finished: usize,
        /// Pictures there are.
        pictures: usize,
    },
    /// Told to stop, or the time is up, while something was in hand that takes long.
    #[error("stopped, and what was in hand is dropped{}", in_vain(.vain.as_ref()))]
    Dropped {
        /// The limit, if the time was up before anything was finished.
        vain: Option<Vain>,
    },
    /// The data set went away in the middle.
    #[error("the pictures of `{data}` cannot be read any more; {finished} of {pictures} are done")]
    Gone {
        /// Name of the data set.
        data: String,
        /// Pictures of the parts that are done.
        finished: usize,
        /// Pictures there are.
        pictures: usize,
    },
    /// There is not enough memory for the threads.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The threads could not be started.
    #[error("cannot start {}: {reason}", count(*.threads, "thread"))]
    Threads {
        /// How many were asked for.
        threads: usize,
        /// What the system says.
        reason: String,
    },
}

fn in_vain(vain: Option<&Vain>) -> String {
    let told = |vain| {
        format!(
            ": nothing was finished within the {vain} of `--max-time`, and the same time again comes no \
             further"
        )
    };
    vain.map_or_else(String::new, told)
}

/// Pictures that are looked at first.
const TRIED: usize = 16;

/// Everything that was measured, in the order of the files.
#[derive(Debug)]
pub struct Records {
    /// One row per curve, without the logits of all classes.
    pub rows: Vec<Row>,
    /// Counts and accuracy.
    pub results: Results,
}

/// A pool of its own for this many threads.
pub fn pool(threads: usize) -> Result<rayon::ThreadPool, RunError> {
    memory::admit_threads(threads)?;
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|e| RunError::Threads { threads, reason: e.to_string() })
}

/// Does what is not done yet, then collects everything. Uses the threads of the pool it is called
/// in; the results do not depend on their number.
pub fn run(
    plan: &Plan,
    output: &Output,
    stop: &Stop,
    observer: &dyn Observer,
) -> Result<Records, RunError> {
    let again = known::in_folder(plan, output.root(), output.share(), observer)?;
    work(plan, output, &again, stop, observer)?;
    let results = collect(plan, output, &all(plan))?;
    output.complete(&Manifest::new(plan).with(results.clone()))?;
    let rows = record::read_folder(&output.curves(), AllLogits::Skip)?;
    Ok(Records { rows, results })
}

/// Does everything and keeps it in memory; nothing is written.
pub fn measure(plan: &Plan, stop: &Stop, observer: &dyn Observer) -> Result<Records, RunError> {
    check_pictures(plan, stop, observer)?;
    let (count, curves) = (plan.images.len(), plan.curves_per_picture());
    let masked = plan.masked_curves_per_picture();
    observer.on(&Event::Started { pictures: count, finished: 0, curves, masked });
    let one = |&i: &usize| one_picture(plan, i, stop, observer);
    let done = plan.images.par_iter().map(one).collect::<Option<Vec<Done>>>();
    let done = done.ok_or_else(|| interrupted(stop, 0, count))?;
    let unread: Vec<Skipped> = done.iter().filter_map(unread).collect();
    let (mut pictures, mut rows, mut tally) = (Vec::new(), Vec::new(), Tally::default());
    for Done { picture, rows: mut more, .. } in done {
        tally.add(&more);
        rows.append(&mut more);
        pictures.push(picture);
    }
    if let Some(reason) = no_picture(&pictures) {
        return Err(RunError::NoPictures { count, reason, momentary: !unread.is_empty() });
    }
    let doubts = plan.doubts(&pictures);
    let results = Results::of(&pictures, tally, plan.model.graph.classes());
    Ok(Records { rows, results: Results { unread, doubts, ..results } })
}

/// Looks at pictures, before anything is written, until one fits the network: some all over the set,
/// and where none of these does, after a word to `observer`, all others.
pub fn check_pictures(plan: &Plan, stop: &Stop, observer: &dyn Observer) -> Result<(), RunError> {
    let count = plan.images.len();
    let some = (0..count.min(TRIED)).map(|k| plan.images[k * count / count.min(TRIED)]);
    let mut first = None;
    for i in some {
        match subject::check(plan, i) {
            Ok(()) => return Ok(()),
            Err(why) => _ = first.get_or_insert(why),
        }
    }
    let Some(Unusable { reason, momentary }) = first else { return Ok(()) };
    if count > TRIED {
        observer.on(&Event::Misfit { tried: TRIED, of: count, reason: reason.clone() });
    }
    let fits = |&i: &usize| stop.is_now() || subject::check(plan, i).is_ok();
    match plan.images.par_iter().any(fits) {
        true if stop.is_now() => Err(RunError::Interrupted { finished: 0, pictures: count }),
        true => Ok(()),
        false => Err(RunError::NoPictures { count, reason, momentary }),
    }
}

/// Numbers of all parts.
pub fn all(plan: &Plan) -> BTreeSet<usize> {
    (0..plan.parts().len()).collect()
}

/// Does the parts of this process's share that are not done yet, and these `again` ([`known::again`]).
pub fn work(
    plan: &Plan,
    output: &Output,
    again: &BTreeSet<usize>,
    stop: &Stop,
    observer: &dyn Observer,
) -> Result<(), RunError> {
    let mine = |part: &usize| output.share().takes(*part);
    let parts = plan.parts();
    let finished = output.finished()?;
    let (done, todo): (Vec<usize>, Vec<usize>) = (0..parts.len())
        .filter(mine)
        .partition(|part| finished.contains(part) && !again.contains(part));
    if !todo.is_empty() {
        output.reopen(&Manifest::new(plan))?;
    }
    let count = |numbers: &[usize]| numbers.iter().map(|&i| parts[i].len()).sum::<usize>();
    let (finished, pictures) = (count(&done), count(&done) + count(&todo));
    let (curves, masked) = (plan.curves_per_picture(), plan.masked_curves_per_picture());
    observer.on(&Event::Started { pictures, finished, curves, masked });
    let ahead = |at: usize| todo.get(at + 1).map_or(&[][..], |&next| parts[next]);
    let pictures_of = |(at, &i): (usize, &usize)| {
        let done = thread::scope(|scope| {
            let read_ahead = || ahead(at).iter().for_each(|&next| plan.data.read_ahead(next));
            // without this thread the next part only waits for its pictures
            let _ = thread::Builder::new().spawn_scoped(scope, read_ahead);
            part(plan, output, stop, observer, i, parts[i])
        })?;
        Ok(if done { parts[i].len() } else { 0 })
    };
    let more = todo.par_iter().enumerate().map(pictures_of);
    let more = more.collect::<Result<Vec<usize>, RunError>>()?;
    let finished = finished + more.iter().sum::<usize>();
    match finished == pictures {
        true => Ok(()),
        false if plan.data.is_there() => Err(interrupted(stop, finished, pictures)),
        false => Err(RunError::Gone { data: plan.data.name().to_owned(), finished, pictures }),
    }
}

/// What a run says that is stopped: with this many pictures done.
pub fn interrupted(stop: &Stop, finished: usize, pictures: usize) -> RunError {
    match stop.vain()() {
        Some(vain) => RunError::Vain { vain, finished, pictures },
        None => RunError::Interrupted { finished, pictures },
    }
}

/// What a share of a run could not do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Pictures that could not be used.
    pub skipped: Vec<Skipped>,
    /// What could not be read, as [`Results::unread`].
    pub unread: Vec<Skipped>,
    /// True when some curve failed.
    pub failed: bool,
}

/// What could not be done of this process's share, whose parts must be there.
pub fn left(plan: &Plan, output: &Output) -> Result<Left, RunError> {
    let mut left = Left::default();
    for part in (0..plan.parts().len()).filter(|part| output.share().takes(*part)) {
        left.skipped.extend(picture::read(&output.pictures_of(part))?.iter().filter_map(skip));
        left.unread.extend(output::read_unread(output.root(), part)?);
        left.failed = left.failed || record::any_failed(&output.curves_of(part))?;
    }
    Ok(left)
}

/// Why a picture was left out, if it was.
pub(super) fn skip(picture: &Picture) -> Option<Skipped> {
    let reason = picture.skipped.clone()?;
    Some(Skipped { image: picture.image.clone(), reason })
}

/// Why something of a picture could not be read, if that is so.
fn unread(done: &Done) -> Option<Skipped> {
    let reason = done.unread.clone()?;
    Some(Skipped { image: done.picture.image.clone(), reason })
}

/// Does one part and writes its files, the curves last; false when it was left out or dropped.
fn part(
    plan: &Plan,
    output: &Output,
    stop: &Stop,
    observer: &dyn Observer,
    index: usize,
    images: &[usize],
) -> Result<bool, RunError> {
    if !stop.may_begin() {
        return Ok(false);
    }
    let start = Instant::now();
    let one = |&i: &usize| one_picture(plan, i, stop, observer);
    let Some(done) = images.par_iter().map(one).collect::<Option<Vec<Done>>>() else {
        return Ok(false);
    };
    let pictures: Vec<Picture> = done.iter().map(|d| d.picture.clone()).collect();
    let unread: Vec<Skipped> = done.iter().filter_map(unread).collect();
    let metrics: Vec<Measure> = done.iter().flat_map(|d| d.metrics.clone()).collect();
    let (rows, timings): (Vec<_>, Vec<_>) = done.into_iter().map(|d| (d.rows, d.timings)).unzip();
    output.undo(index)?;
    output.note_unread(index, &unread)?;
    measure::write(&output.metrics_of(index), &metrics)?;
    picture::write(&output.pictures_of(index), &pictures)?;
    record::write_timings(&output.timings_of(index), &timings.concat())?;
    record::write_curves(&output.curves_of(index), &rows.concat())?;
    stop.part_took(start.elapsed());
    let seconds = start.elapsed().as_secs_f64();
    observer.on(&Event::Part { part: index, pictures: images.len(), seconds });
    Ok(true)
}

/// Reads these parts, which must be there, one after the other, and writes the tables that stand beside
/// them. What came out is not in the manifest yet: [`Output::complete`].
pub fn collect(plan: &Plan, output: &Output, parts: &BTreeSet<usize>) -> Result<Results, RunError> {
    let mut pictures = Vec::new();
    let mut metrics = measure::growing(&output.metrics());
    let mut timings = record::growing_timings(&output.timings());
    let mut tally = Tally::default();
    let mut unread = Vec::new();
    for &part in parts {
        unread.extend(output::read_unread(output.root(), part)?);
        pictures.extend(picture::read(&output.pictures_of(part))?);
        metrics.append(&measure::table(&measure::read(&output.metrics_of(part))?))?;
        let times = record::read_timings(&output.timings_of(part))?;
        timings.append(&record::timings_table(&times))?;
        tally.add(&record::read_curves(&output.curves_of(part), AllLogits::Skip)?);
    }
    if let Some(reason) = no_picture(&pictures) {
        // other parts may have some
        if parts.len() == plan.parts().len() {
            output.forget()?;
        }
        let (count, momentary) = (pictures.len(), !unread.is_empty());
        return Err(RunError::NoPictures { count, reason, momentary });
    }
    picture::write(&output.pictures(), &pictures)?;
    metrics.finish()?;
    timings.finish()?;
    let missing_parts = plan.parts().len() - parts.len();
    let doubts = plan.doubts(&pictures);
    let results = Results::of(&pictures, tally, plan.model.graph.classes());
    let mean_ap = write_classes(plan, output, &pictures)?;
    Ok(Results { unread, mean_ap, doubts, missing_parts, ..results })
}

/// Writes the table of classes, where pictures show several; their mean average precision.
fn write_classes(
    plan: &Plan,
    output: &Output,
    pictures: &[Picture],
) -> Result<Option<f64>, RunError> {
    if !plan.has_label_sets {
        return Ok(None);
    }
    let names = plan.model.classes.as_deref().or(plan.data.classes()).unwrap_or_default();
    let rows = classes::by_class(pictures, plan.model.graph.head(), names);
    let note = |(name, help): &(&str, &str)| (format!("column {name}"), (*help).to_owned());
    let table = classes::table(&rows);
    table.write_parquet(&output.classes("parquet"), &classes::NOTES.iter().map(note).collect())?;
    table.write_csv(&output.classes("csv"))?;
    Ok(classes::mean_precision(&rows))
}

/// The first reason when no picture could be used.
fn no_picture(pictures: &[Picture]) -> Option<String> {
    let first = pictures.first()?.skipped.clone();
    first.filter(|_| pictures.iter().all(|p| p.skipped.is_some()))
}
