//! Everything on one picture: all methods explain it, then all curves are measured. In this order,
//! because explanations need the values of all layers and curves only some of them.

mod kept;

use crate::{
    base::{
        registry::Named,
        rng::unit_f32,
        unit::{Grid, Regions, UnitId, Units},
    },
    config::Record,
    eval::{
        curve::{Curve, CurveError, Engine, Watch, curve, curve_without, largest_difference},
        order::{self, Order, Ties},
        removal::{Chain, Removal, Steps},
    },
    event::{Event, Observer},
    explain::{ExplainError, Explainer, HeatMap},
    gallery::{self, Exhibit, Map},
    measure::{self, Measure},
    nn::{graph::Activations, kernel::parallel::let_streams_go, subset::Subset, tensor::Tensor},
    perturb::{Fill, Masked, Perturbation, Range, Site},
    picture::Picture,
    plan::Plan,
    record::{Row, Status, Timing},
    spread::spread,
    study::Work,
    subject::{Subject, Unusable},
};
use kept::Kept;
use ndarray::Array2;
use std::{
    mem,
    time::{Duration, Instant},
};

/// What one picture gives.
pub(super) struct Done {
    pub(super) picture: Picture,
    /// Methods, sizes of the regions, perturbations, repeats, orders, in this nesting.
    pub(super) rows: Vec<Row>,
    pub(super) timings: Vec<Timing>,
    pub(super) metrics: Vec<Measure>,
    /// Why it is to be done again: a heat map of it could not be read just now.
    pub(super) unread: Option<String>,
    /// What people are shown of it, if they are.
    pub(super) exhibit: Option<Exhibit>,
}

/// What is known of a picture that is used.
pub(super) fn used(plan: &Plan, subject: &Subject) -> Picture {
    let name = |class: usize| plan.class_names()?.get(class).cloned();
    let number = |n: usize| n as u64;
    let numbers = |all: &[usize]| all.iter().copied().map(number).collect();
    let sets = subject.logits.is_some();
    Picture {
        image: subject.id.clone(),
        label: subject.label.map(number),
        labels: sets.then(|| numbers(&subject.labels)),
        unsure: sets.then(|| numbers(&subject.unsure)),
        logits: subject.logits.clone(),
        predicted: Some(number(subject.predicted)),
        target: Some(number(subject.target)),
        label_name: subject.label.and_then(name),
        predicted_name: name(subject.predicted),
        target_name: name(subject.target),
        score: Some(subject.score),
        probability: subject.probability,
        label_rank: subject.rank.map(number),
        right: subject.right,
        verified: None,
        difference: None,
        skipped: None,
        content: None,
    }
}

/// Everything on one picture; `None` when stopped, with what is finished kept for the next try. Heat maps of
/// pictures that are `shown` stay.
pub(super) fn measured(
    plan: &Plan,
    mut subject: Subject,
    shown: bool,
    work: &Work<'_>,
) -> Option<Done> {
    let mut timings = vec![
        passed(&subject, "prepare", subject.prepared),
        passed(&subject, "forward", subject.seconds),
    ];
    let kept = Kept::of(work.begun);
    let one = |method| match kept.explained(plan, &subject.id, method, shown) {
        Some(explained) => Some(explained),
        None => explain(plan, &subject, method, shown, work),
    };
    let mut all = spread(plan, plan.methods.len()).over(&plan.methods, one)?;
    let mut exhibit = shown.then(|| gallery::exhibit(plan, &subject));
    let acts = mem::take(&mut subject.acts);
    let bench = Bench::new(plan, &subject, acts);
    let cells: Vec<Cell> = cells(plan).collect();
    let jobs: Vec<(&Explained, Cell)> =
        all.iter().flat_map(|e| cells.iter().map(move |cell| (e, *cell))).collect();
    let one = |&(explained, cell): &(&Explained, Cell)| {
        let place = bench.place(explained.method, cell);
        kept.curve(&place).or_else(|| bench.cell(explained, cell, cells[0], work))
    };
    let curves = spread(plan, jobs.len()).over(&jobs, one)?;
    // the next picture begins with the values of all layers
    let_streams_go();
    let (mut picture, mut rows) = (used(plan, &subject), Vec::with_capacity(curves.len()));
    let (mut metrics, mut curves) = (Vec::new(), curves.into_iter());
    let mut unread = None;
    for explained in &mut all {
        unread = unread.or(explained.unread.take());
        timings.extend(explained.timing.take());
        metrics.append(&mut explained.metrics);
        if let Some((exhibit, map)) = exhibit.as_mut().zip(explained.map.take()) {
            exhibit.maps.push(map);
        }
        for one in curves.by_ref().take(cells.len()) {
            rows.push(one.row);
            timings.extend(one.timing);
            one.check.add_to(&mut picture);
        }
    }
    Some(Done { picture, rows, timings, metrics, unread, exhibit })
}

/// What people are shown of a picture whose curves are done; `None` where it cannot be used.
pub(super) fn exhibit_again(plan: &Plan, index: usize) -> Option<Exhibit> {
    let subject = Subject::load(plan, index).ok()?;
    let map = |method| asked(plan, &subject, method, true).map;
    let maps = plan.methods.iter().filter_map(map).collect();
    Some(Exhibit { maps, ..gallery::exhibit(plan, &subject) })
}

/// One picture as a sample of what all will take.
pub(super) struct Trial {
    /// Times of what went well.
    pub(super) timings: Vec<Timing>,
    /// Methods that give nothing for the picture, with the reasons.
    pub(super) failed: Vec<(String, String)>,
}

/// Every method explains the picture, and curves are measured until `budget` is spent, at least one
/// for each perturbation. The error says why the picture cannot be used.
pub(super) fn trial(plan: &Plan, index: usize, budget: Duration) -> Result<Trial, Unusable> {
    let start = Instant::now();
    let mut subject = Subject::load(plan, index)?;
    let mut timings = vec![passed(&subject, "load", start.elapsed().as_secs_f64())];
    let explained: Vec<Explained> =
        plan.methods.iter().map(|method| asked(plan, &subject, method, false)).collect();
    let well = |e: &&Explained| e.ranking.is_ok();
    timings.extend(explained.iter().filter(well).filter_map(|e| e.timing.clone()));
    let reason = |e: &Explained| Some((e.method.name.clone(), e.ranking.as_ref().err()?.clone()));
    let failed = explained.iter().filter_map(reason).collect();
    let acts = mem::take(&mut subject.acts);
    let bench = Bench::new(plan, &subject, acts);
    // what fails here fails in the run too, and takes no time there either
    let fine = explained.iter().filter_map(|e| Some((e.method, e.ranking.as_ref().ok()?)));
    for (i, (method, ranking)) in fine.enumerate() {
        for cell in cells(plan).filter(|cell| cell.repeat == 0) {
            if i > 0 && start.elapsed() > budget {
                break;
            }
            timings.push(bench.measure(method, ranking, cell).1);
        }
    }
    Ok(Trial { timings, failed })
}

/// The time of a stage that all methods share.
fn passed(subject: &Subject, stage: &str, seconds: f64) -> Timing {
    Timing {
        image: subject.id.clone(),
        method: "model".to_owned(),
        stage: stage.to_owned(),
        perturbation: None,
        region: None,
        order: None,
        repeat: None,
        seconds,
    }
}

/// What the check by full passes found.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Check {
    pub(super) steps: u64,
    pub(super) difference: Option<f64>,
}

impl Check {
    fn add_to(self, picture: &mut Picture) {
        let steps = picture.verified.unwrap_or(0) + self.steps;
        picture.verified = (steps > 0).then_some(steps);
        picture.difference =
            [picture.difference, self.difference].into_iter().flatten().reduce(f64::max);
    }
}

/// What takes the place of removed pixels, ready for the network.
enum Ready<'a> {
    /// One fill image in input space.
    Local(Tensor),
    /// A fill, in image space, that depends on what else is gone.
    Masked(Box<dyn Masked + 'a>),
    /// None: the network is computed without the regions.
    LeftOut,
}

/// Per size of the regions and perturbation one fill for each repeat.
type Fills<'a> = Vec<Vec<Vec<Ready<'a>>>>;

fn fills<'a>(plan: &'a Plan, subject: &'a Subject) -> Fills<'a> {
    let one = |regions: &'a Regions, p: &'a Named<dyn Perturbation>, repeat| {
        let site = Site {
            picture: &subject.picture,
            range: Range::PICTURE,
            neutral: &plan.neutral,
            units: &regions.grid,
            seed: plan.seed,
            image: &subject.id,
            repeat,
            data: plan,
        };
        match p.value.fill(&site) {
            Fill::Local(fill) => Ready::Local(plan.preprocess.normalise(&fill)),
            Fill::Masked(fill) => Ready::Masked(fill),
            Fill::LeftOut => Ready::LeftOut,
        }
    };
    let of = |regions: &'a Regions| {
        let all = |p| (0..plan.repeats).map(|repeat| one(regions, p, repeat)).collect();
        plan.perturbations.iter().map(all).collect()
    };
    plan.regions.iter().map(of).collect()
}

/// In which order a method removes the regions.
pub(super) enum Ranking {
    /// One order per size of the regions.
    Scores(Vec<Sorted>),
    /// A new one for each repeat.
    Random,
}

/// The regions of one size by their scores.
pub(super) struct Sorted {
    /// Share of those whose place is chance.
    pub(super) tied: f64,
    /// True where all have the same score.
    pub(super) even: bool,
    /// All of them, most relevant first.
    pub(super) order: Vec<UnitId>,
    /// All of them, least relevant first, where that is not the reverse.
    pub(super) lerf: Option<Vec<UnitId>>,
}

impl Sorted {
    /// The regions of a picture by the scores that a heat map gives them; whole numbers where it has such.
    fn of(
        plan: &Plan,
        image: &str,
        grid: &Grid,
        heat: &HeatMap,
        whole: Option<&Array2<i128>>,
    ) -> Result<Sorted, String> {
        let scores = order::scores(heat, whole, grid).map_err(|e| e.to_string())?;
        let same = |pair: &[f64]| pair[0].total_cmp(&pair[1]).is_eq();
        Ok(Sorted {
            tied: order::tied_fraction(&scores),
            even: scores.windows(2).all(same),
            order: match plan.config.ties {
                Ties::Chance => order::morf(&scores, plan.seed, image),
                Ties::Place => order::by_place(&scores, Order::Morf),
            },
            lerf: (plan.config.ties == Ties::Place).then(|| order::by_place(&scores, Order::Lerf)),
        })
    }
}

/// A heat map of another model in the frame of a picture's own.
pub(super) struct Foreign<'a> {
    /// The method that made it.
    pub(super) method: &'a Named<dyn Explainer>,
    /// The map, or why there is none.
    pub(super) heat: Result<(HeatMap, Option<Array2<i128>>), String>,
}

/// All curves of a picture in the orders of heat maps from elsewhere, per map; `None` when stopped. The subject is used
/// up: no method can be asked of it afterwards.
pub(super) fn flipped(
    plan: &Plan,
    mut subject: Subject,
    maps: &[Foreign<'_>],
    work: &Work<'_>,
) -> Option<Vec<Vec<Row>>> {
    let acts = mem::take(&mut subject.acts);
    let bench = Bench::new(plan, &subject, acts);
    let cells: Vec<Cell> = cells(plan).collect();
    let explained = |map: &'_ Foreign<'_>| {
        let sizes = map.heat.as_ref().map_err(Clone::clone).and_then(|(heat, whole)| {
            let of = |regions: &Regions| {
                let grid = subject.grid(regions);
                Sorted::of(plan, &subject.id, &grid, heat, whole.as_ref())
            };
            plan.regions.iter().map(of).collect::<Result<Vec<Sorted>, String>>()
        });
        sizes.map(Ranking::Scores)
    };
    let rankings: Vec<Result<Ranking, String>> = maps.iter().map(explained).collect();
    let jobs: Vec<(usize, Cell)> =
        (0..maps.len()).flat_map(|map| cells.iter().map(move |cell| (map, *cell))).collect();
    let one = |&(map, cell): &(usize, Cell)| {
        if work.is_over() {
            return None;
        }
        let method = maps[map].method;
        let measured = rankings[map].as_ref().map_err(Clone::clone).and_then(|ranking| {
            let (found, _) = bench.measure(method, ranking, cell);
            found.map(|found| (found.curve, found.tied))
        });
        Some(bench.row(method, cell, measured))
    };
    let rows = spread(plan, jobs.len()).over(&jobs, one)?;
    let_streams_go();
    Some(rows.chunks(cells.len().max(1)).map(<[Row]>::to_vec).collect())
}

impl Ranking {
    /// True where the heat map does not say which regions go first, of any size.
    fn is_even(&self) -> bool {
        matches!(self, Ranking::Scores(sizes) if sizes.iter().all(|sorted| sorted.even))
    }
}

/// One curve of a method on a picture.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Cell {
    region: usize,
    perturbation: usize,
    repeat: usize,
    order: Order,
}

impl Cell {
    fn fill<'f, 'a>(&self, fills: &'f Fills<'a>) -> &'f Ready<'a> {
        &fills[self.region][self.perturbation][self.repeat]
    }
}

/// What a method says about a picture.
pub(super) struct Explained<'a> {
    pub(super) method: &'a Named<dyn Explainer>,
    /// The error says why there is no order.
    pub(super) ranking: Result<Ranking, String>,
    pub(super) metrics: Vec<Measure>,
    pub(super) timing: Option<Timing>,
    /// Why its heat map could not be read just now.
    pub(super) unread: Option<String>,
    /// What people are shown of it, if they are.
    pub(super) map: Option<Map>,
}

/// Asks one method, says so and keeps the answer; `None` when stopped.
fn explain<'a>(
    plan: &Plan,
    subject: &Subject,
    method: &'a Named<dyn Explainer>,
    shown: bool,
    work: &Work<'_>,
) -> Option<Explained<'a>> {
    if work.is_over() {
        return None;
    }
    let observer = work.observer;
    begins(subject, method, observer);
    let explained = asked(plan, subject, method, shown);
    match &explained.ranking {
        Err(reason) => failed(subject, method, reason, observer),
        Ok(ranking) if ranking.is_even() => {
            let (image, method) = (subject.id.clone(), method.name.clone());
            observer.on(&Event::Even { image, method });
        }
        Ok(_) => (),
    }
    kept::keep_explained(work, &subject.id, &explained);
    Some(explained)
}

fn begins(subject: &Subject, method: &Named<dyn Explainer>, observer: &dyn Observer) {
    let (image, method) = (subject.id.clone(), method.name.clone());
    observer.on(&Event::Method { image, method });
}

fn failed(subject: &Subject, method: &Named<dyn Explainer>, reason: &str, observer: &dyn Observer) {
    let (image, method) = (subject.id.clone(), method.name.clone());
    observer.on(&Event::Failed { image, method, reason: reason.to_owned() });
}

/// Why a heat map could not be read, if that may be otherwise the next time.
fn momentary(error: &ExplainError) -> Option<String> {
    matches!(error, ExplainError::Import { momentary: true, .. }).then(|| error.to_string())
}

/// Explains a picture, sorts its regions and measures the heat map, which stays if it is `shown`.
fn asked<'a>(
    plan: &Plan,
    subject: &Subject,
    method: &'a Named<dyn Explainer>,
    shown: bool,
) -> Explained<'a> {
    if method.value.is_random_order() {
        let (ranking, metrics) = (Ok(Ranking::Random), chance(plan, subject, method));
        let map = shown.then(|| map_of_chance(plan, subject, method));
        return Explained { method, ranking, metrics, timing: None, unread: None, map };
    }
    let start = Instant::now();
    let case = subject.case(plan);
    let (heat, whole) = (method.value.heat_map(&case), method.value.whole_heat_map(&case));
    let unread = heat.as_ref().err().or(whole.as_ref().err()).and_then(momentary);
    let heat = heat.map_err(|e| e.to_string());
    let whole = whole.map_err(|e| e.to_string());
    let stage = if method.value.is_imported() { "read" } else { "explain" };
    let timing = Some(Timing {
        method: method.name.clone(),
        ..passed(subject, stage, start.elapsed().as_secs_f64())
    });
    let sorted = |regions: &Regions| {
        let grid = subject.grid(regions);
        Sorted::of(plan, &subject.id, &grid, heat.as_ref()?, whole.as_ref()?.as_ref())
    };
    let orders: Vec<Result<Sorted, String>> = plan.regions.iter().map(sorted).collect();
    let map = shown.then(|| {
        let first = orders[0].as_ref().map_err(Clone::clone);
        let found =
            first.and_then(|sorted| Ok((heat.as_ref().map_err(Clone::clone)?, ids(&sorted.order))));
        Map::of(&method.name, found)
    });
    let orders = orders.into_iter().collect::<Result<Vec<Sorted>, String>>();
    let metrics = match (&heat, &orders) {
        (Ok(heat), Ok(_)) => measure::measure(plan, subject, method, &subject.used(heat)),
        _ => Vec::new(),
    };
    Explained { method, ranking: orders.map(Ranking::Scores), metrics, timing, unread, map }
}

fn ids(order: &[UnitId]) -> Vec<u32> {
    order.iter().map(|id| id.0).collect()
}

/// The map of the random order, with its order of the first repeat.
fn map_of_chance(plan: &Plan, subject: &Subject, method: &Named<dyn Explainer>) -> Map {
    let heat = method.value.heat_map(&subject.case(plan)).map_err(|e| e.to_string());
    let regions = subject.grid(&plan.regions[0]).len();
    let order = ids(&order::random(regions, plan.seed, &subject.id, 0));
    Map::of(&method.name, heat.as_ref().map(|heat| (heat, order)).map_err(Clone::clone))
}

/// What chance gives by the metrics of heat maps: those of the random method's map, of which there is one
/// for each picture. (In curves its regions are drawn anew for every repeat.)
fn chance(plan: &Plan, subject: &Subject, method: &Named<dyn Explainer>) -> Vec<Measure> {
    if plan.metrics.is_empty() {
        return Vec::new();
    }
    let heat = method.value.heat_map(&subject.case(plan));
    heat.map_or_else(
        |_| Vec::new(),
        |heat| measure::measure(plan, subject, method, &subject.used(&heat)),
    )
}

/// All cells of a method, in the order of the record.
fn cells(plan: &Plan) -> impl Iterator<Item = Cell> + use<> {
    let (orders, repeats) = (plan.orders.clone(), plan.repeats);
    let (regions, perturbations) = (plan.regions.len(), plan.perturbations.len());
    let with_orders = move |(region, perturbation, repeat)| {
        let cell = move |order| Cell { region, perturbation, repeat, order };
        orders.clone().into_iter().map(cell)
    };
    let pairs = (0..regions).flat_map(move |g| (0..perturbations).map(move |p| (g, p)));
    let triples = pairs.flat_map(move |(g, p)| (0..repeats).map(move |r| (g, p, r)));
    triples.flat_map(with_orders)
}

/// A picture with what all its curves share.
struct Bench<'a> {
    plan: &'a Plan,
    subject: &'a Subject,
    engine: Box<dyn Engine + 'a>,
    watch: Watch,
    fills: Fills<'a>,
    /// The network without some tokens and the values it begins with, where a perturbation leaves them out.
    left_out: Option<(Subset<'a>, Activations)>,
}

/// A curve, the share of regions whose place in its order is chance, and what checking it found.
struct CheckedCurve {
    curve: Curve,
    tied: Option<f64>,
    check: Check,
}

/// One row of the record.
pub(super) struct Measured {
    pub(super) row: Row,
    pub(super) timing: Option<Timing>,
    pub(super) check: Check,
}

impl<'a> Bench<'a> {
    /// `acts` are the values of all layers for the picture, of which the engine keeps some: no method
    /// can be asked afterwards.
    fn new(plan: &'a Plan, subject: &'a Subject, acts: Activations) -> Bench<'a> {
        let graph = &plan.model.graph;
        let all = plan.record == Record::All;
        let watch = Watch::new(subject.target, graph, plan.score, all)
            .expect("the plan checked target and score");
        let left_out = plan.tokens.as_ref().map(|tokens| {
            (tokens.subset(graph).expect("the plan checked the network"), acts.clone())
        });
        let engine = plan.passes.engine(graph, acts, &watch, plan.patches);
        Bench { plan, subject, engine, watch, fills: fills(plan, subject), left_out }
    }

    /// Where a curve belongs.
    fn place(
        &self,
        method: &Named<dyn Explainer>,
        cell: Cell,
    ) -> (String, String, u64, Order, u64) {
        let perturbation = self.plan.perturbations[cell.perturbation].name.clone();
        let side = self.plan.regions[cell.region].grid.side() as u64;
        (method.name.clone(), perturbation, side, cell.order, cell.repeat as u64)
    }

    /// One row of the record, which is kept; `None` when stopped. With the `first` cell a method begins.
    fn cell(
        &self,
        explained: &Explained<'_>,
        cell: Cell,
        first: Cell,
        work: &Work<'_>,
    ) -> Option<Measured> {
        if work.is_over() {
            return None;
        }
        let observer = work.observer;
        let method = explained.method;
        let ranking = match &explained.ranking {
            Ok(ranking) => ranking,
            Err(reason) => {
                let row = self.row(method, cell, Err(reason.clone()));
                return Some(Measured { row, timing: None, check: Check::default() });
            }
        };
        if cell == first {
            begins(self.subject, method, observer);
        }
        let (measured, timing) = self.measure(method, ranking, cell);
        if let Err(reason) = &measured {
            failed(self.subject, method, reason, observer);
        }
        let (measured, check) = match measured {
            Ok(CheckedCurve { curve, tied, check }) => (Ok((curve, tied)), check),
            Err(reason) => (Err(reason), Check::default()),
        };
        let measured =
            Measured { row: self.row(method, cell, measured), timing: Some(timing), check };
        kept::keep_curve(work, &measured);
        observer.on(&Event::Curve { image: self.subject.id.clone() });
        Some(measured)
    }

    /// One curve, and how long it took.
    fn measure(
        &self,
        method: &Named<dyn Explainer>,
        ranking: &Ranking,
        cell: Cell,
    ) -> (Result<CheckedCurve, String>, Timing) {
        let regions = &self.plan.regions[cell.region];
        let (grid, stops) = (&self.subject.grid(regions), &regions.stops);
        let (order, tied) = self.ranked(ranking, cell);
        let start = Instant::now();
        let steps = Steps { units: grid, order: &order, stops };
        let removal = self.removal(cell.fill(&self.fills), &steps);
        let curve = match (&removal, &self.left_out) {
            (None, Some((subset, acts))) => curve_without(subset, acts, &steps, &self.watch),
            (None, None) => {
                unreachable!("the plan has tokens where a perturbation leaves them out")
            }
            (Some(removal), _) => curve(&*self.engine, removal, &self.watch),
        };
        let timing = Timing {
            method: method.name.clone(),
            perturbation: Some(self.plan.perturbations[cell.perturbation].name.clone()),
            region: Some(grid.side() as u64),
            order: Some(cell.order),
            repeat: Some(cell.repeat as u64),
            ..passed(self.subject, "flip", start.elapsed().as_secs_f64())
        };
        let checked = curve.and_then(|curve| {
            let check = match &removal {
                Some(removal) => self.verify(method, cell, removal, &curve)?,
                // there is no picture that a full pass could be made of
                None => Check::default(),
            };
            Ok(CheckedCurve { curve, tied, check })
        });
        (checked.map_err(|e| e.to_string()), timing)
    }

    /// All units in the order of the cell, and the share of those whose place is chance.
    fn ranked(&self, ranking: &Ranking, cell: Cell) -> (Vec<UnitId>, Option<f64>) {
        match ranking {
            Ranking::Scores(sizes) => {
                let sorted = &sizes[cell.region];
                let order = match (&sorted.lerf, cell.order) {
                    (Some(lerf), Order::Lerf) => lerf.clone(),
                    _ => cell.order.arrange(sorted.order.clone()),
                };
                (order, Some(sorted.tied))
            }
            Ranking::Random => {
                let grid = self.subject.grid(&self.plan.regions[cell.region]);
                let (seed, image) = (self.plan.seed, &self.subject.id);
                let morf = order::random(grid.len(), seed, image, cell.repeat);
                (cell.order.arrange(morf), None)
            }
        }
    }

    /// What the network gets to see, in input space; `None` where that is not a picture.
    fn removal<'f>(&self, fill: &'f Ready<'_>, steps: &Steps<'_>) -> Option<Chain<'f>> {
        let preprocess = &self.plan.preprocess;
        let normalise = |pixels: &[f32], out: &mut [f32]| preprocess.normalise_pixels(pixels, out);
        match fill {
            Ready::Local(fill) => Some(Chain::local(self.engine.picture(), fill, steps)),
            Ready::Masked(fill) => {
                Some(Chain::masked(&self.subject.picture, &**fill, steps, normalise))
            }
            Ready::LeftOut => None,
        }
    }

    /// Checks a random share of the steps by full passes.
    fn verify(
        &self,
        method: &Named<dyn Explainer>,
        cell: Cell,
        removal: &dyn Removal,
        curve: &Curve,
    ) -> Result<Check, CurveError> {
        let (plan, image) = (self.plan, &self.subject.id);
        if plan.config.verify.0 <= 0.0 {
            return Ok(Check::default());
        }
        let purpose = format!("verify {} {}", method.name, cell.order);
        let at = [cell.region, cell.perturbation, cell.repeat].map(|i| i as u64);
        let rng = &mut plan.seed.rng(&purpose, image, &at);
        let chosen = |_: &usize| f64::from(unit_f32(rng)) < plan.config.verify.0;
        let steps: Vec<usize> = (0..curve.scores.len()).filter(chosen).collect();
        if steps.is_empty() {
            return Ok(Check::default());
        }
        let (graph, picture) = (&plan.model.graph, self.engine.picture());
        let found = largest_difference(graph, picture, removal, &self.watch, curve, &steps)?;
        Ok(Check { steps: steps.len() as u64, difference: Some(found) })
    }

    fn row(
        &self,
        method: &Named<dyn Explainer>,
        cell: Cell,
        measured: Result<(Curve, Option<f64>), String>,
    ) -> Row {
        let (curve, tied_fraction, reason) = match measured {
            Ok((curve, tied)) => (Some(curve), tied, None),
            Err(reason) => (None, None, Some(reason)),
        };
        let regions = &self.plan.regions[cell.region];
        let stops = || std::iter::once(0).chain(regions.stops.iter().map(|n| *n as u32)).collect();
        let (scores, all_logits, macs) =
            curve.map_or((None, None, None), |c| (Some(c.scores), c.all_logits, Some(c.macs)));
        Row {
            image: self.subject.id.clone(),
            label: self.subject.label.map(|l| l as u64),
            predicted: Some(self.subject.predicted as u64),
            right: self.subject.right,
            target: Some(self.subject.target as u64),
            method: method.name.clone(),
            order: cell.order,
            perturbation: self.plan.perturbations[cell.perturbation].name.clone(),
            region: regions.grid.side() as u64,
            repeat: cell.repeat as u64,
            seed: self.plan.seed.0,
            head: self.plan.model.graph.head(),
            score_kind: self.plan.score,
            status: if scores.is_some() { Status::Ok } else { Status::Failed },
            scores,
            removed: (!regions.is_one_by_one()).then(stops),
            all_logits,
            tied_fraction,
            macs,
            reason,
        }
    }
}
