//! Doing the work of a plan: everything on one picture is one unit, spread over the threads.

use super::{
    event::{Event, Observer},
    lock::Share,
    manifest::{Manifest, Results, Tally},
    measure::{self, Measure},
    memory::{self, MemoryError},
    output::{Output, OutputError},
    picture::{self, Picture},
    plan::{Plan, Record},
    record::{self, AllLogits, Row, Status, Timing},
    stop::Stop,
    subject::Subject,
};
use crate::{
    base::{
        geom::{Rect, RegionId},
        registry::Named,
        rng::unit_f32,
    },
    eval::{
        curve::{Chain, Curve, Removal, Streams, Watch, curve, largest_difference},
        masked::masked_patches,
        order::{self, Order},
    },
    explain::Explainer,
    nn::{stream::Patches, tensor::Tensor},
    perturb::{Fill, Masked, Perturbation, Site},
    table::TableError,
};
use rayon::prelude::*;
use std::{
    collections::BTreeSet,
    thread,
    time::{Duration, Instant},
};

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
    },
    /// Told to stop, or the time is up.
    #[error("stopped with {finished} of {pictures} pictures done")]
    Interrupted {
        /// Pictures of the parts that are done.
        finished: usize,
        /// Pictures there are.
        pictures: usize,
    },
    /// There is not enough memory for the threads.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The threads could not be started.
    #[error("cannot start {threads} threads: {reason}")]
    Threads {
        /// How many were asked for.
        threads: usize,
        /// What the system says.
        reason: String,
    },
}

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
    work(plan, output, stop, observer)?;
    let results = collect(plan, output, &all(plan))?;
    let rows = record::read_folder(&output.curves(), AllLogits::Skip)?;
    Ok(Records { rows, results })
}

/// Numbers of all parts.
pub fn all(plan: &Plan) -> BTreeSet<usize> {
    (0..plan.parts().len()).collect()
}

/// Does the parts of this process's share that are not done yet.
pub fn work(
    plan: &Plan,
    output: &Output,
    stop: &Stop,
    observer: &dyn Observer,
) -> Result<(), RunError> {
    let mine = |part: &usize| match output.share() {
        Share::Whole => true,
        Share::Shard(shard) => shard.takes(*part),
    };
    let parts = plan.parts();
    let finished = output.finished()?;
    let (done, todo): (Vec<usize>, Vec<usize>) =
        (0..parts.len()).filter(mine).partition(|part| finished.contains(part));
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
    if finished == pictures { Ok(()) } else { Err(RunError::Interrupted { finished, pictures }) }
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
    let metrics: Vec<Measure> = done.iter().flat_map(|d| d.metrics.clone()).collect();
    let (rows, timings): (Vec<_>, Vec<_>) = done.into_iter().map(|d| (d.rows, d.timings)).unzip();
    measure::write(&output.metrics_of(index), &metrics)?;
    picture::write(&output.pictures_of(index), &pictures)?;
    record::write_timings(&output.timings_of(index), &timings.concat())?;
    record::write_curves(&output.curves_of(index), &rows.concat())?;
    stop.part_took(start.elapsed());
    let seconds = start.elapsed().as_secs_f64();
    observer.on(&Event::Part { part: index, pictures: images.len(), seconds });
    Ok(true)
}

/// Reads these parts, which must be there, one after the other, and writes what stands beside them.
pub fn collect(plan: &Plan, output: &Output, parts: &BTreeSet<usize>) -> Result<Results, RunError> {
    let mut pictures = Vec::new();
    let mut metrics = measure::growing(&output.metrics());
    let mut timings = record::growing_timings(&output.timings());
    let mut tally = Tally::default();
    for &part in parts {
        pictures.extend(picture::read(&output.pictures_of(part))?);
        metrics.append(&measure::table(&measure::read(&output.metrics_of(part))?))?;
        let times = record::read_timings(&output.timings_of(part))?;
        timings.append(&record::timings_table(&times))?;
        tally.add(&record::read_curves(&output.curves_of(part), AllLogits::Skip)?);
    }
    if let Some(reason) = no_picture(&pictures) {
        return Err(RunError::NoPictures { count: pictures.len(), reason });
    }
    picture::write(&output.pictures(), &pictures)?;
    metrics.finish()?;
    timings.finish()?;
    let missing_parts = plan.parts().len() - parts.len();
    let results = Results { missing_parts, ..Results::of(&pictures, tally) };
    output.write_manifest(&Manifest::new(plan).with(results.clone()))?;
    if missing_parts == 0 {
        output.forget_shards()?;
    }
    Ok(results)
}

/// The first reason when no picture could be used.
fn no_picture(pictures: &[Picture]) -> Option<String> {
    let first = pictures.first()?.skipped.clone();
    first.filter(|_| pictures.iter().all(|p| p.skipped.is_some()))
}

/// What one picture gives.
struct Done {
    picture: Picture,
    rows: Vec<Row>,
    timings: Vec<Timing>,
    metrics: Vec<Measure>,
}

/// Everything on one picture; `None` when stopped.
fn one_picture(plan: &Plan, index: usize, stop: &Stop, observer: &dyn Observer) -> Option<Done> {
    if stop.is_now() {
        return None;
    }
    match Subject::load(plan, index) {
        Ok(subject) => {
            let done = curves_of(plan, &subject, stop, observer)?;
            observer.on(&Event::Picture { image: subject.id });
            Some(done)
        }
        Err(reason) => {
            let image = plan.data.id(index);
            observer.on(&Event::Skipped { image: image.clone(), reason: reason.clone() });
            let picture = skipped(image, reason);
            let (rows, timings, metrics) = (Vec::new(), Vec::new(), Vec::new());
            Some(Done { picture, rows, timings, metrics })
        }
    }
}

fn skipped(image: String, reason: String) -> Picture {
    Picture {
        image,
        label: None,
        predicted: None,
        target: None,
        label_rank: None,
        verified: None,
        difference: None,
        skipped: Some(reason),
    }
}

/// All curves of one picture: methods, perturbations, repeats, orders, in this nesting; `None` when
/// stopped.
fn curves_of(plan: &Plan, subject: &Subject, stop: &Stop, observer: &dyn Observer) -> Option<Done> {
    let number = |n: usize| n as u64;
    let picture = Picture {
        image: subject.id.clone(),
        label: subject.label.map(number),
        predicted: Some(number(subject.predicted)),
        target: Some(number(subject.target)),
        label_rank: subject.rank.map(number),
        verified: None,
        difference: None,
        skipped: None,
    };
    let fills = fills(plan, subject);
    let graph = &plan.model.graph;
    let keep_all = plan.record == Record::All;
    let watch = Watch::new(subject.target, graph.classes(), plan.score, keep_all)
        .expect("the target is a class: the plan checked it");
    let engine = Streams::new(graph, &subject.acts, &watch, plan.patches);
    let timings = vec![
        passed(subject, "prepare", subject.prepared),
        passed(subject, "forward", subject.seconds),
    ];
    let mut done = Done { picture, rows: Vec::new(), timings, metrics: Vec::new() };
    let at_work = |method: &Named<dyn Explainer>| {
        let (timings, metrics, check) = (Vec::new(), Vec::new(), Check::default());
        let bench =
            Bench { plan, subject, engine: &engine, watch, method, timings, metrics, check };
        bench.work(&fills, stop, observer)
    };
    // with fewer pictures than threads the methods are shared out
    let few = plan.images.len() < rayon::current_num_threads();
    let shares: Option<Vec<Work>> = if few {
        plan.methods.par_iter().map(at_work).collect()
    } else {
        plan.methods.iter().map(at_work).collect()
    };
    for share in shares? {
        done.rows.extend(share.rows);
        done.timings.extend(share.timings);
        done.metrics.extend(share.metrics);
        done.picture.verified = sum(done.picture.verified, share.check.steps);
        done.picture.difference = [done.picture.difference, share.check.difference]
            .into_iter()
            .flatten()
            .reduce(f64::max);
    }
    Some(done)
}

/// Times of one picture as a sample of what all will take: every method explains it, and curves are
/// measured until `budget` is spent, at least one for each perturbation. The error says why the
/// picture cannot be used.
pub fn trial(plan: &Plan, index: usize, budget: Duration) -> Result<Vec<Timing>, String> {
    let start = Instant::now();
    let subject = Subject::load(plan, index)?;
    let load = Timing {
        image: subject.id.clone(),
        method: String::new(),
        stage: "load".to_owned(),
        perturbation: None,
        order: None,
        repeat: None,
        seconds: start.elapsed().as_secs_f64(),
    };
    let fills = fills(plan, &subject);
    let graph = &plan.model.graph;
    let watch = Watch::new(subject.target, graph.classes(), plan.score, plan.record == Record::All)
        .expect("the target is a class: the plan checked it");
    let engine = Streams::new(graph, &subject.acts, &watch, plan.patches);
    let mut all = vec![load];
    for (i, method) in plan.methods.iter().enumerate() {
        let (timings, metrics, check) = (Vec::new(), Vec::new(), Check::default());
        let subject = &subject;
        let mut bench =
            Bench { plan, subject, engine: &engine, watch, method, timings, metrics, check };
        // what fails here fails in the run too, and takes no time there either
        if let Ok(ranking) = bench.ranking() {
            for cell in bench.cells().filter(|cell| cell.repeat == 0) {
                if i > 0 && start.elapsed() > budget {
                    break;
                }
                let _ = bench.measure(&ranking, cell, &fills[cell.perturbation][0]);
            }
        }
        all.extend(bench.timings);
    }
    Ok(all)
}

/// The time of a stage that all methods share.
fn passed(subject: &Subject, stage: &str, seconds: f64) -> Timing {
    Timing {
        image: subject.id.clone(),
        method: "model".to_owned(),
        stage: stage.to_owned(),
        perturbation: None,
        order: None,
        repeat: None,
        seconds,
    }
}

/// What the check by full passes found.
#[derive(Clone, Copy, Debug, Default)]
struct Check {
    steps: u64,
    difference: Option<f64>,
}

/// The number of checked steps, null while there are none.
fn sum(before: Option<u64>, more: u64) -> Option<u64> {
    let all = before.unwrap_or(0) + more;
    (all > 0).then_some(all)
}

/// What takes the place of removed pixels, ready for the network.
enum Ready<'a> {
    /// One fill image in input space.
    Local(Tensor),
    /// A fill, in image space, that depends on what else is gone.
    Masked(Box<dyn Masked + 'a>),
}

/// Per perturbation one fill for each repeat.
fn fills<'a>(plan: &'a Plan, subject: &'a Subject) -> Vec<Vec<Ready<'a>>> {
    let one = |p: &Named<dyn Perturbation>, repeat| {
        let site = Site {
            picture: &subject.picture,
            grid: &plan.grid,
            seed: plan.seed,
            image: &subject.id,
            repeat,
            data: plan,
        };
        match p.value.fill(&site) {
            Fill::Local(fill) => Ready::Local(plan.preprocess.normalise(&fill)),
            Fill::Masked(fill) => Ready::Masked(fill),
        }
    };
    let all = |p| (0..plan.repeats).map(|repeat| one(p, repeat)).collect();
    plan.perturbations.iter().map(all).collect()
}

/// In which order a method removes the regions.
enum Ranking {
    /// One order, with the scores it comes from.
    Scores { scores: Vec<f64>, morf: Vec<RegionId> },
    /// A new one for each repeat.
    Random,
}

/// One curve of a method on a picture.
#[derive(Clone, Copy)]
struct Cell {
    perturbation: usize,
    repeat: usize,
    order: Order,
}

/// A method at work on a picture.
struct Bench<'a> {
    plan: &'a Plan,
    subject: &'a Subject,
    engine: &'a Streams<'a>,
    watch: Watch,
    method: &'a Named<dyn Explainer>,
    timings: Vec<Timing>,
    metrics: Vec<Measure>,
    check: Check,
}

/// What one method did on a picture.
struct Work {
    rows: Vec<Row>,
    timings: Vec<Timing>,
    metrics: Vec<Measure>,
    check: Check,
}

impl Bench<'_> {
    /// Explains the picture and measures all curves; `None` when stopped.
    fn work(
        mut self,
        fills: &[Vec<Ready<'_>>],
        stop: &Stop,
        observer: &dyn Observer,
    ) -> Option<Work> {
        let (image, name) = (self.subject.id.clone(), self.method.name.clone());
        observer.on(&Event::Method { image, method: name });
        let rows = match self.ranking() {
            Ok(ranking) => self.curves(&ranking, fills, stop, observer),
            Err(reason) => {
                observer.on(&self.failed(&reason));
                self.cells().map(|cell| self.row(&cell, Err(reason.clone()))).collect()
            }
        };
        let Bench { timings, metrics, check, .. } = self;
        (!stop.is_now()).then_some(Work { rows, timings, metrics, check })
    }

    /// Explains the picture and sorts its regions; the error says why there is no order.
    fn ranking(&mut self) -> Result<Ranking, String> {
        if self.method.value.is_random_order() {
            return Ok(Ranking::Random);
        }
        let start = Instant::now();
        let heat = self.method.value.heat_map(&self.subject.case(self.plan));
        let stage = if self.method.value.is_imported() { "read" } else { "explain" };
        self.note(stage, None, start);
        let heat = heat.map_err(|e| e.to_string())?;
        let scores = order::region_scores(&heat, &self.plan.grid).map_err(|e| e.to_string())?;
        self.metrics = measure::measure(self.plan, self.subject, self.method, &heat);
        let morf = order::morf(&scores, self.plan.seed, &self.subject.id);
        Ok(Ranking::Scores { scores, morf })
    }

    fn cells(&self) -> impl Iterator<Item = Cell> + use<> {
        let orders = self.plan.orders.clone();
        let (perturbations, repeats) = (self.plan.perturbations.len(), self.plan.repeats);
        let with_orders = move |(perturbation, repeat)| {
            let cell = move |order| Cell { perturbation, repeat, order };
            orders.clone().into_iter().map(cell)
        };
        let pairs = (0..perturbations).flat_map(move |p| (0..repeats).map(move |r| (p, r)));
        pairs.flat_map(with_orders)
    }

    /// The curves of all cells, or of some when stopped.
    fn curves(
        &mut self,
        ranking: &Ranking,
        fills: &[Vec<Ready<'_>>],
        stop: &Stop,
        observer: &dyn Observer,
    ) -> Vec<Row> {
        let mut rows = Vec::new();
        for cell in self.cells().take_while(|_| !stop.is_now()) {
            let measured = self.measure(ranking, cell, &fills[cell.perturbation][cell.repeat]);
            if let Err(reason) = &measured {
                observer.on(&self.failed(reason));
            }
            rows.push(self.row(&cell, measured));
        }
        rows
    }

    /// One curve, and the share of tied regions.
    fn measure(
        &mut self,
        ranking: &Ranking,
        cell: Cell,
        fill: &Ready<'_>,
    ) -> Result<(Curve, Option<f64>), String> {
        let Plan { grid, steps, seed, .. } = self.plan;
        let morf = match ranking {
            Ranking::Scores { morf, .. } => morf.clone(),
            Ranking::Random => order::random(grid.len(), *seed, &self.subject.id, cell.repeat),
        };
        let regions = cell.order.arrange(morf);
        let tied = match ranking {
            Ranking::Scores { scores, .. } => Some(order::tied_fraction(scores, &regions, *steps)),
            Ranking::Random => None,
        };
        let regions = &regions[..*steps];
        let start = Instant::now();
        let removal: Box<dyn Removal + '_> = match fill {
            Ready::Local(fill) => Box::new(Chain { fill, grid, regions }),
            Ready::Masked(fill) => Box::new(self.patches(&**fill, regions)),
        };
        let curve = curve(self.engine, &*removal, &self.watch);
        self.note("flip", Some(cell), start);
        let curve = curve.map_err(|e| e.to_string())?;
        self.verify(cell, &*removal, &curve);
        Ok((curve, tied))
    }

    /// The pixels that each step of a mask-dependent perturbation changes, in input space.
    fn patches(&self, fill: &dyn Masked, regions: &[RegionId]) -> Patches {
        let rects: Vec<Rect> = regions.iter().map(|id| self.plan.grid.rect(*id)).collect();
        let preprocess = &self.plan.preprocess;
        let normalise = |pixels: &[f32], out: &mut [f32]| preprocess.normalise_pixels(pixels, out);
        masked_patches(&self.subject.picture, &rects, fill, normalise)
    }

    /// Checks a random share of the steps by full passes.
    fn verify(&mut self, cell: Cell, removal: &dyn Removal, curve: &Curve) {
        let (plan, subject) = (self.plan, self.subject);
        if plan.config.verify <= 0.0 {
            return;
        }
        let purpose = format!("verify {} {}", self.method.name, cell.order);
        let at = [cell.perturbation as u64, cell.repeat as u64];
        let rng = &mut plan.seed.rng(&purpose, &subject.id, &at);
        let chosen = |_: &usize| f64::from(unit_f32(rng)) < plan.config.verify;
        let steps: Vec<usize> = (0..curve.scores.len()).filter(chosen).collect();
        if steps.is_empty() {
            return;
        }
        let graph = &plan.model.graph;
        let input = subject.acts.of(graph.input());
        let found = largest_difference(graph, input, removal, &self.watch, curve, &steps);
        self.check.steps += steps.len() as u64;
        self.check.difference = Some(self.check.difference.unwrap_or(0.0).max(found));
    }

    fn note(&mut self, stage: &str, cell: Option<Cell>, start: Instant) {
        let name = |c: Cell| self.plan.perturbations[c.perturbation].name.clone();
        self.timings.push(Timing {
            image: self.subject.id.clone(),
            method: self.method.name.clone(),
            stage: stage.to_owned(),
            perturbation: cell.map(name),
            order: cell.map(|c| c.order),
            repeat: cell.map(|c| c.repeat as u64),
            seconds: start.elapsed().as_secs_f64(),
        });
    }

    fn failed(&self, reason: &str) -> Event {
        Event::Failed {
            image: self.subject.id.clone(),
            method: self.method.name.clone(),
            reason: reason.to_owned(),
        }
    }

    fn row(&self, cell: &Cell, measured: Result<(Curve, Option<f64>), String>) -> Row {
        let (curve, tied_fraction, reason) = match measured {
            Ok((curve, tied)) => (Some(curve), tied, None),
            Err(reason) => (None, None, Some(reason)),
        };
        let (scores, all_logits, macs) =
            curve.map_or((None, None, None), |c| (Some(c.scores), c.all_logits, Some(c.macs)));
        Row {
            image: self.subject.id.clone(),
            label: self.subject.label.map(|l| l as u64),
            predicted: Some(self.subject.predicted as u64),
            target: Some(self.subject.target as u64),
            method: self.method.name.clone(),
            order: cell.order,
            perturbation: self.plan.perturbations[cell.perturbation].name.clone(),
            region: self.plan.grid.side() as u64,
            repeat: cell.repeat as u64,
            seed: self.plan.seed.0,
            score_kind: self.plan.score,
            status: if scores.is_some() { Status::Ok } else { Status::Failed },
            scores,
            all_logits,
            tied_fraction,
            macs,
            reason,
        }
    }
}
