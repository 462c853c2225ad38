//! Doing the work of a study: everything on one picture is one unit, spread over the threads.

use super::{
    Done, Gathered, PICTURES, Study, Work,
    begun::{Begun, Pieces},
    known,
    manifest::{Manifest, Outcome, Skipped},
    output::{self, Output, OutputError},
};
use crate::{
    base::words::count,
    event::{Event, Observer},
    memory::{self, MemoryError},
    picture::Picture,
    plan::Plan,
    spread::spread,
    stop::{Stop, Vain},
    subject::{self, Subject, Unusable},
    table::{TableError, record::Record},
};
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
    study: &dyn Study,
    output: &Output,
    stop: &Stop,
    observer: &dyn Observer,
) -> Result<Outcome, RunError> {
    let again = known::in_folder(study, output.root(), output.share(), observer)?;
    work(study, output, &again, stop, observer)?;
    let outcome = collect(study, output, &all_parts(study.plan()))?;
    output.complete(&Manifest::new(study).with(outcome.clone()))?;
    Ok(outcome)
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
pub fn all_parts(plan: &Plan) -> BTreeSet<usize> {
    (0..plan.parts().len()).collect()
}

/// Does the parts of this process's share that are not done yet, and these `again` ([`known::again`]).
pub fn work(
    study: &dyn Study,
    output: &Output,
    again: &BTreeSet<usize>,
    stop: &Stop,
    observer: &dyn Observer,
) -> Result<(), RunError> {
    let plan = study.plan();
    let mine = |part: &usize| output.share().takes(*part);
    let parts = plan.parts();
    let finished = output.finished()?;
    let (done, todo): (Vec<usize>, Vec<usize>) = (0..parts.len())
        .filter(mine)
        .partition(|part| finished.contains(part) && !again.contains(part));
    if !todo.is_empty() {
        output.reopen(&Manifest::new(study))?;
    }
    let count = |numbers: &[usize]| numbers.iter().map(|&i| parts[i].len()).sum::<usize>();
    let (finished, pictures) = (count(&done), count(&done) + count(&todo));
    observer.on(&study.begins(pictures, finished));
    let pieces = Pieces::find(output.root());
    let shift = Shift { study, output, pieces: &pieces, stop, observer };
    let ahead = |at: usize| todo.get(at + 1).map_or(&[][..], |&next| parts[next]);
    let pictures_of = |(at, &i): (usize, &usize)| {
        let done = thread::scope(|scope| {
            let read_ahead = || ahead(at).iter().for_each(|&next| plan.data.read_ahead(next));
            // without this thread the next part only waits for its pictures
            let _ = thread::Builder::new().spawn_scoped(scope, read_ahead);
            shift.part(i, parts[i])
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
pub fn left(study: &dyn Study, output: &Output) -> Result<Left, RunError> {
    let mut left = Left::default();
    for part in (0..study.plan().parts().len()).filter(|part| output.share().takes(*part)) {
        left.skipped.extend(Picture::read(&output.pictures_of(part))?.iter().filter_map(skip));
        left.unread.extend(output::read_unread(output.root(), part)?);
        left.failed = left.failed || study.any_failed(output, part)?;
    }
    Ok(left)
}

/// Why a picture was left out, if it was.
pub(crate) fn skip(picture: &Picture) -> Option<Skipped> {
    let reason = picture.skipped.clone()?;
    Some(Skipped { image: picture.image.clone(), reason })
}

/// What all parts that a call does have in common.
struct Shift<'a> {
    study: &'a dyn Study,
    output: &'a Output,
    pieces: &'a Pieces,
    stop: &'a Stop,
    observer: &'a dyn Observer,
}

impl Shift<'_> {
    /// Does one part and writes its files; false when it was left out, or dropped but for the pieces that are kept.
    fn part(&self, index: usize, images: &[usize]) -> Result<bool, RunError> {
        let Shift { study, output, stop, .. } = *self;
        if !stop.may_begin() {
            return Ok(false);
        }
        let start = Instant::now();
        let one = |(place, &i): (usize, &usize)| self.picture(index, place, i);
        let (done, begun): (Vec<Option<Done>>, Vec<Begun>) =
            images.par_iter().enumerate().map(one).unzip();
        let Some(done) = done.into_iter().collect::<Option<Vec<Done>>>() else {
            let around = images.iter().zip(&begun).map(|(&index, begun)| self.around(index, begun));
            around.for_each(|work| work.save());
            return Ok(false);
        };
        let unread: Vec<Skipped> = done.iter().filter_map(Done::unread).collect();
        output.undo(index)?;
        output.note_unread(index, &unread)?;
        let pictures: Vec<Picture> = done.iter().map(|d| d.picture.clone()).collect();
        PICTURES.write(output, index, std::iter::once(&Picture::table(&pictures)))?;
        for (k, file) in study.entry().files.iter().enumerate() {
            file.write(output, index, done.iter().filter_map(|d| d.tables.get(k)))?;
        }
        begun.iter().for_each(Begun::remove);
        stop.part_took(start.elapsed());
        let seconds = start.elapsed().as_secs_f64();
        self.observer.on(&Event::Part { part: index, pictures: images.len(), seconds });
        Ok(true)
    }

    fn around<'b>(&'b self, index: usize, begun: &'b Begun) -> Work<'b> {
        Work { stop: self.stop, observer: self.observer, begun, index }
    }

    fn picture(&self, part: usize, place: usize, index: usize) -> (Option<Done>, Begun) {
        let Shift { study, output, stop, observer, .. } = *self;
        let begun = |content: Option<&str>| self.pieces.begun(output.root(), part, place, content);
        one_picture(study, index, stop, observer, begun)
    }
}

/// Everything on one picture, and what was kept of it, which `begun` finds by its content; `None` when stopped, and
/// when the whole data set went away.
pub(crate) fn one_picture(
    study: &dyn Study,
    index: usize,
    stop: &Stop,
    observer: &dyn Observer,
    begun: impl Fn(Option<&str>) -> Begun,
) -> (Option<Done>, Begun) {
    let plan = study.plan();
    if stop.is_now() {
        return (None, begun(None));
    }
    let image = plan.data.id(index);
    let (content, subject) = match plan.data.content(index) {
        Err(e) if e.is_momentary() => (None, Err(Unusable::from(e))),
        content => (content.ok(), spread(plan, 1).run(|| Subject::load(plan, index))),
    };
    let begun = begun(content.as_deref());
    let done = match subject {
        Ok(subject) => {
            let work = Work { stop, observer, begun: &begun, index };
            study.picture(subject, &work).map(|mut done| {
                done.picture.content = content;
                observer.on(&Event::Picture { image });
                done
            })
        }
        Err(_) if !plan.data.is_there() => None,
        Err(Unusable { reason, momentary }) => {
            observer.on(&Event::Skipped { image: image.clone(), reason: reason.clone() });
            let unread = momentary.then(|| reason.clone());
            let content = content.filter(|_| !momentary);
            let picture = Picture::skipped(image, reason, content);
            Some(Done { picture, tables: Vec::new(), unread })
        }
    };
    (done, begun)
}

/// Reads these parts, which must be there, one after the other, and writes the tables that stand beside
/// them. What came out is not in the manifest yet: [`Output::complete`].
pub fn collect(
    study: &dyn Study,
    output: &Output,
    parts: &BTreeSet<usize>,
) -> Result<Outcome, RunError> {
    let (mut pictures, mut unread) = (Vec::new(), Vec::new());
    for &part in parts {
        unread.extend(output::read_unread(output.root(), part)?);
        pictures.extend(Picture::read(&output.pictures_of(part))?);
    }
    let all = study.plan().parts().len();
    if let Some(reason) = no_picture(&pictures) {
        // other parts may have some
        if parts.len() == all {
            output.forget()?;
        }
        let (count, momentary) = (pictures.len(), !unread.is_empty());
        return Err(RunError::NoPictures { count, reason, momentary });
    }
    Picture::write(&output.pictures(), &pictures)?;
    let missing = all - parts.len();
    study.collect(output, Gathered { parts, pictures: &pictures, unread, missing })
}

/// The first reason when no picture could be used.
pub(crate) fn no_picture(pictures: &[Picture]) -> Option<String> {
    let first = pictures.first()?.skipped.clone();
    first.filter(|_| pictures.iter().all(|p| p.skipped.is_some()))
}
