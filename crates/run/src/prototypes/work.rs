//! Making prototypes.

use super::{
    Files, Gathered, Judged, PriorRow, PrototypeError, PrototypePlan, PrototypeRow, TraceRow, Unit,
    nearest,
};
use crate::{
    answer::predicted,
    event::{Event, Observer},
    nn::{graph::Graph, kernel::parallel::layers_here, tensor::Tensor},
    prototype::{
        ascent::{Ascent, AscentError, Path, Point},
        prior::{Bound, Domain, PriorError},
        start::noisy,
    },
    stop::Stop,
};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// What came out of one unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// The prototype.
    pub row: PrototypeRow,
    /// Its way.
    pub trace: Vec<TraceRow>,
    /// What others say of it.
    pub judged: Vec<Judged>,
}

/// Does the units of this process's share that are not done yet, spread over the threads of the pool it is called in;
/// where there are fewer of them than threads, their climbs are, then the layers of each.
pub fn work(
    plan: &PrototypePlan,
    files: &Files,
    stop: &Stop,
    observer: &dyn Observer,
) -> Result<(), PrototypeError> {
    let finished = files.finished()?;
    let mine: Vec<Unit> =
        plan.units().into_iter().filter(|unit| files.share().takes(unit.index)).collect();
    let todo: Vec<Unit> =
        mine.iter().copied().filter(|unit| !finished.contains(&unit.index)).collect();
    let (all, before) = (mine.len(), mine.len() - todo.len());
    let steps = plan.config.steps * plan.config.restarts;
    observer.on(&Event::Climbing { prototypes: all, finished: before, steps });
    if !todo.is_empty() {
        files.reopen(plan)?;
    }
    let one = |unit: &Unit| -> Result<bool, PrototypeError> {
        if !stop.may_begin() {
            return Ok(false);
        }
        let start = Instant::now();
        let Some((done, made)) = unit_of(plan, *unit, stop, observer)? else { return Ok(false) };
        files.write(plan, *unit, &done, made.as_ref())?;
        stop.part_took(start.elapsed());
        let name = files.name(plan, *unit);
        match done.row.reason {
            // that was said of the whole row
            Some(_) if done.row.impossible => (),
            Some(reason) => observer.on(&Event::NoPrototype { name, reason }),
            None => observer.on(&Event::Prototype { name, probability: done.row.probability }),
        }
        Ok(true)
    };
    let more = each(&todo, one).into_iter().collect::<Result<Vec<bool>, PrototypeError>>()?;
    let done = before + more.iter().filter(|done| **done).count();
    if done < all {
        return Err(PrototypeError::Interrupted { finished: done, all, vain: stop.vain()() });
    }
    Ok(())
}

/// Each of some things: over the threads where there are as many, else one after the other with the threads for the
/// layers inside.
fn each<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync + Send) -> Vec<R> {
    if items.len() >= rayon::current_num_threads() {
        return items.par_iter().map(work).collect();
    }
    items.iter().map(|item| layers_here(|| work(item))).collect()
}

/// A prototype: what was climbed, and its canvas.
pub(super) struct Made {
    pub(super) climbed: Tensor,
    pub(super) canvas: Tensor,
    /// Whether that is a code.
    pub(super) painted: bool,
}

/// One unit; `None` when stopped.
fn unit_of(
    plan: &PrototypePlan,
    unit: Unit,
    stop: &Stop,
    observer: &dyn Observer,
) -> Result<Option<(Done, Option<Made>)>, PrototypeError> {
    let row = &plan.rows[unit.row];
    let empty = |reason: String, impossible: bool| {
        let row = no_picture(plan, row, unit, reason, impossible);
        Ok(Some((Done { row, trace: vec![], judged: vec![] }, None)))
    };
    if let Some(reason) = &row.obstacle {
        return empty(reason.clone(), true);
    }
    let start = match plan.start(row, unit.class) {
        Ok(start) => start,
        Err(error) => return empty(lasting(error)?, false),
    };
    let restarts: Vec<usize> = (0..plan.config.restarts).collect();
    let climbs = restarts.iter().map(|restart| climb(plan, unit, &start, *restart, stop, observer));
    let climbs: Vec<Result<Path, Failed>> = match restarts.len() {
        1 => climbs.collect(),
        _ => restarts
            .par_iter()
            .map(|restart| climb(plan, unit, &start, *restart, stop, observer))
            .collect(),
    };
    let mut first = None;
    let mut paths = vec![];
    for (restart, path) in climbs.into_iter().enumerate() {
        match path {
            Ok(path) => paths.push((restart, path)),
            Err(Failed::Climb(AscentError::Stopped)) => return Ok(None),
            Err(Failed::Prior(error)) => _ = first.get_or_insert(lasting(error)?),
            Err(Failed::Climb(error)) => _ = first.get_or_insert(error.to_string()),
        }
    }
    let total = |(_, path): &(usize, Path)| path.points[path.kept].total();
    let best = paths
        .into_iter()
        .reduce(|best, next| if total(&next) > total(&best) { next } else { best });
    match (best, first) {
        (Some((restart, path)), _) => Ok(Some(finished(plan, row, unit, restart, path))),
        (None, reason) => empty(reason.unwrap_or_default(), false),
    }
}

/// Why one climb has no end.
enum Failed {
    Prior(PriorError),
    Climb(AscentError),
}

/// The reason that stays with a unit; what could not be read just now is an error, and the unit is tried again.
fn lasting(error: PriorError) -> Result<String, PrototypeError> {
    match error {
        PriorError::Picture { momentary: true, .. } => Err(error.into()),
        error => Ok(error.to_string()),
    }
}

fn climb(
    plan: &PrototypePlan,
    unit: Unit,
    start: &Tensor,
    restart: usize,
    stop: &Stop,
    observer: &dyn Observer,
) -> Result<Path, Failed> {
    let row = &plan.rows[unit.row];
    let (lens, generator) = (plan.lens(row), plan.generator(row));
    let canvas = lens.blank();
    let zero =
        generator.map_or_else(|| canvas.clone(), |generator| Tensor::zeros(generator.code()));
    let centre = plan.centre(row, unit.class);
    let pictures = plan.pictures(row);
    let bind = |prior: &crate::base::registry::Named<dyn crate::prototype::prior::Prior>| {
        let place = prior.value.place();
        let around = if place == Domain::Canvas { [&canvas, &canvas] } else { [&zero, &centre] };
        let site = plan.site(around, unit, restart, &pictures);
        Ok((place, prior.value.bind(&site)?))
    };
    let priors =
        row.priors.iter().map(bind).collect::<Result<Vec<(Domain, Box<dyn Bound>)>, PriorError>>();
    let priors = priors.map_err(Failed::Prior)?;
    let bounds = if row.painted { None } else { lens.bounds() };
    let start = noisy(start, plan.noise(restart), plan.seed, (unit.class, restart), bounds);
    let ascent = Ascent {
        net: &plan.net,
        objective: &*plan.objective.value,
        class: unit.class,
        lens,
        generator,
        priors: &priors,
        optimiser: &*plan.optimiser.value,
        steps: plan.config.steps,
        keep: plan.keep,
    };
    let begun = std::cell::Cell::new(false);
    let told = || {
        // asked at the start and after each step
        if begun.replace(true) {
            observer.on(&Event::Step);
        }
        stop.is_now()
    };
    ascent.climb(&start, &told).map_err(Failed::Climb)
}

fn no_picture(
    plan: &PrototypePlan,
    row: &PriorRow,
    unit: Unit,
    reason: String,
    impossible: bool,
) -> PrototypeRow {
    PrototypeRow {
        class: unit.class.map(|class| class as u64),
        name: plan.name(unit.class),
        prior: row.label.clone(),
        priors: row.name(),
        picture: None,
        objective: None,
        penalty: None,
        score: None,
        probability: None,
        predicted: None,
        restart: None,
        step: None,
        reason: Some(reason),
        impossible,
    }
}

fn finished(
    plan: &PrototypePlan,
    row: &PriorRow,
    unit: Unit,
    restart: usize,
    path: Path,
) -> (Done, Option<Made>) {
    let Path { points, kept, climbed, canvas } = path;
    let own = Said::of(&plan.model.graph, &plan.lens(row).see(&canvas), unit.class);
    let end = points[kept];
    let done = PrototypeRow {
        picture: Some(format!("pictures/{}", Files::stem(plan, unit))),
        objective: Some(end.objective),
        penalty: Some(end.penalty),
        score: own.as_ref().and_then(|own| own.score),
        probability: own.as_ref().and_then(|own| own.probability),
        predicted: own.as_ref().map(|own| own.predicted as u64),
        restart: Some(restart as u64),
        step: Some(end.step as u64),
        reason: None,
        ..no_picture(plan, row, unit, String::new(), false)
    };
    let trace = points.iter().map(|point| trace(row, unit, point)).collect();
    let judged = plan.judges.iter().filter_map(|judge| {
        let picture = judge.preprocess.picture(&canvas).ok()?;
        let said = Said::of(&judge.model.graph, &judge.preprocess.normalise(&picture), unit.class)?;
        Some(Judged {
            class: unit.class.map(|class| class as u64),
            prior: row.label.clone(),
            judge: judge.model.name.clone(),
            score: said.score?,
            probability: said.probability,
            predicted: said.predicted as u64,
            agrees: unit.class == Some(said.predicted),
        })
    });
    let judged = judged.collect();
    (Done { row: done, trace, judged }, Some(Made { climbed, canvas, painted: row.painted }))
}

/// What a network says of an input.
struct Said {
    score: Option<f64>,
    probability: Option<f64>,
    predicted: usize,
}

impl Said {
    /// `None` where its scores are not finite.
    fn of(graph: &Graph, input: &Tensor, class: Option<usize>) -> Option<Said> {
        let scores = graph.logits(input);
        let predicted = predicted(&scores).ok()?;
        let score = class.map(|class| f64::from(scores[class]));
        let probability =
            class.and_then(|class| graph.head().probability_in_double(&scores, class));
        Some(Said { score, probability, predicted })
    }
}

fn trace(row: &PriorRow, unit: Unit, point: &Point) -> TraceRow {
    TraceRow {
        class: unit.class.map(|class| class as u64),
        prior: row.label.clone(),
        step: point.step as u64,
        objective: point.objective,
        penalty: point.penalty,
        score: point.score,
        probability: point.probability,
    }
}

/// Puts all units together, which must be there, and writes the tables.
pub fn collect(
    plan: &PrototypePlan,
    files: &Files,
    stop: &Stop,
) -> Result<Gathered, PrototypeError> {
    let units = plan.units();
    let done = units
        .iter()
        .map(|unit| files.read(*unit))
        .collect::<Result<Vec<Done>, PrototypeError>>()?;
    let nearest = nearest::nearest(plan, files, &done, stop)?;
    let mut gathered = Gathered { nearest, ..Gathered::default() };
    for Done { row, trace, judged } in done {
        gathered.prototypes.push(row);
        gathered.traces.extend(trace);
        gathered.judged.extend(judged);
    }
    files.write_tables(&gathered)?;
    Ok(gathered)
}
