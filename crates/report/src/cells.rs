//! Records put in order: setting by setting, picture by picture, method by method.

use super::scratch::Scratch;
use crate::{
    base::words::count,
    eval::{
        curve::ScoreKind,
        metric::{CurveMetric, Curves, Stops, Trial, flip},
        order::Order,
        rounding::settled_means,
    },
    run::record::{Row, Status},
};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

/// Canonical name of the method that relative metrics refer to.
pub const RANDOM: &str = "random";

/// What curves must have in common to be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Canonical name of the perturbation.
    pub perturbation: String,
    /// Side of a region in pixels.
    pub region: u64,
    /// What the scores are.
    pub score_kind: ScoreKind,
    /// Number of scores after the first; `None` when all cells failed.
    pub steps: Option<usize>,
    /// How many regions are gone at each score, where these are not 0, 1, 2, ...
    pub removed: Option<Vec<u32>>,
}

impl Setting {
    /// How many units are gone at the points of the curves.
    pub fn stops(&self) -> Stops<'_> {
        self.removed.as_deref().map_or(Stops::Each, Stops::At)
    }

    /// Number of removed regions `L`; `None` when all cells failed.
    pub fn regions(&self) -> Option<usize> {
        self.steps.map(|steps| self.stops().gone(steps))
    }

    /// ` at 9 stops`; nothing where the score is known after every region.
    pub fn at_stops(&self) -> String {
        let stops = self.removed.as_ref().and(self.steps);
        stops.map_or(String::new(), |n| format!(" at {}", count(n, "stop")))
    }
}

/// Why records cannot be summarised.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CellsError {
    /// Nothing to summarise.
    #[error("there are no records")]
    Empty,
    /// Curves of different length.
    #[error(
        "the records mix curves of {} and of {} steps (image `{image}`, method `{method}`); rank \
         them one by one, or run them with the same `steps`",
        .steps.0, .steps.1
    )]
    Steps {
        /// The two lengths.
        steps: (usize, usize),
        /// Where the second was found.
        image: String,
        /// Where the second was found.
        method: String,
    },
    /// Curves with other stops.
    #[error(
        "the records mix curves with scores after other numbers of removed regions (image `{image}`, \
         method `{method}`); rank them one by one, or run them with the same `at`"
    )]
    Stops {
        /// Where the second kind was found.
        image: String,
        /// Where the second kind was found.
        method: String,
    },
    /// The same curve more than once.
    #[error(
        "the records hold the {order} curve of method `{method}` on image `{image}`, \
         seed {seed}, repeat {repeat}, more than once; was one run given twice?"
    )]
    Twice {
        /// The picture.
        image: String,
        /// The method.
        method: String,
        /// The order.
        order: Order,
        /// The seed.
        seed: u64,
        /// The repeat.
        repeat: u64,
    },
    /// Different classes are followed on one picture.
    #[error(
        "the records follow class {} and class {} on image `{image}`: they come from different \
         models or targets",
        .targets.0, .targets.1
    )]
    Targets {
        /// The picture.
        image: String,
        /// The two classes.
        targets: (u64, u64),
    },
}

/// One curve of a cell.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Score {
    /// Not recorded.
    #[default]
    Missing,
    /// Its number among the curves of the group.
    Known(u32),
    /// The number of the reason why there is none.
    Failed(u32),
}

/// The curves of one method on one picture for one repeat. Small, because a run has millions.
#[derive(Clone, Copy, Debug)]
struct Cell {
    noise: u32,
    method: u16,
    morf: Score,
    lerf: Score,
    flip: Option<u32>,
}

impl Cell {
    fn score(&self, order: Order) -> Score {
        match order {
            Order::Morf => self.morf,
            Order::Lerf => self.lerf,
        }
    }

    fn set(&mut self, order: Order, score: Score) {
        match order {
            Order::Morf => self.morf = score,
            Order::Lerf => self.lerf = score,
        }
    }
}

/// All methods on one picture.
#[derive(Clone, Debug, Default)]
struct Picture {
    target: Option<u64>,
    cells: Vec<Cell>,
}

impl Picture {
    fn has(&self, noise: u32) -> bool {
        self.cells.iter().any(|cell| cell.noise == noise)
    }

    fn cell(&self, noise: u32, method: u16) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.noise == noise && cell.method == method)
    }

    /// The cell of a method for a repeat, made where there is none.
    fn cell_mut(&mut self, noise: u32, method: u16) -> &mut Cell {
        let is = |cell: &Cell| cell.noise == noise && cell.method == method;
        let at = self.cells.iter().position(is).unwrap_or_else(|| {
            let (morf, lerf) = (Score::Missing, Score::Missing);
            self.cells.push(Cell { noise, method, morf, lerf, flip: None });
            self.cells.len() - 1
        });
        &mut self.cells[at]
    }
}

/// The scores of all curves of a group.
#[derive(Debug)]
enum Scores<'a> {
    /// With the records.
    Here(Vec<&'a [f32]>),
    /// In a file.
    Away(&'a Scratch),
}

impl<'a> Scores<'a> {
    fn get(&self, number: u32) -> Cow<'a, [f32]> {
        match self {
            Scores::Here(all) => Cow::Borrowed(all[number as usize]),
            Scores::Away(file) => Cow::Owned(file.read(number)),
        }
    }
}

/// The curves of a method as metrics look at them.
#[derive(Default)]
struct Loaded<'a> {
    morf: Option<Cow<'a, [f32]>>,
    lerf: Option<Cow<'a, [f32]>>,
    flip: Option<usize>,
}

impl Loaded<'_> {
    fn curves(&self) -> Curves<'_> {
        Curves { morf: self.morf.as_deref(), lerf: self.lerf.as_deref(), flip: self.flip }
    }
}

/// All curves of one setting.
#[derive(Debug)]
pub struct Group<'a> {
    /// What they have in common.
    pub setting: Setting,
    methods: BTreeMap<&'a str, u16>,
    orders: BTreeSet<Order>,
    /// Numbers of the noise images, by seed and repeat.
    noises: BTreeMap<(u64, u64), u32>,
    pictures: BTreeMap<&'a str, Picture>,
    reasons: Vec<&'a str>,
    scores: Scores<'a>,
    /// Sums over the curves of a (method, order).
    costs: BTreeMap<(&'a str, Order), Costs>,
    /// Pictures on which the place of every region is chance, by method.
    all_tied: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

/// What a group keeps of a record: words that outlive it, and its scores where these do.
#[derive(Clone, Copy)]
pub(super) struct Kept<'a> {
    pub(super) image: &'a str,
    pub(super) method: &'a str,
    pub(super) reason: Option<&'a str>,
    pub(super) scores: Option<&'a [f32]>,
}

impl<'a> Kept<'a> {
    fn of(row: &'a Row) -> Kept<'a> {
        let (reason, scores) = (row.reason.as_deref(), row.scores.as_deref());
        Kept { image: &row.image, method: &row.method, reason, scores }
    }
}

/// What curves cost, and how much of their order was chance.
#[derive(Clone, Copy, Debug, Default)]
struct Costs {
    macs: Sum,
    tied_fraction: Sum,
}

/// For a mean over the values that there are.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    total: f64,
    count: usize,
}

impl Sum {
    fn add(&mut self, value: Option<f64>) {
        self.total += value.unwrap_or(0.0);
        self.count += usize::from(value.is_some());
    }

    fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.total / self.count as f64)
    }
}

/// Puts records in order. Settings stand in the order of their first record; within a setting
/// everything is sorted by name, so shards and parts may come in any order.
pub fn group(rows: &[Row]) -> Result<Vec<Group<'_>>, CellsError> {
    let mut groups: Vec<Group> = Vec::new();
    rows.iter().try_for_each(|row| add(&mut groups, row, Kept::of(row), None))?;
    if groups.is_empty() { Err(CellsError::Empty) } else { Ok(groups) }
}

/// Puts one more record in order; with `scratch`, its scores are moved there.
pub(super) fn add<'a>(
    groups: &mut Vec<Group<'a>>,
    row: &Row,
    kept: Kept<'a>,
    scratch: Option<&'a Scratch>,
) -> Result<(), CellsError> {
    let at = groups.iter().position(|g| g.takes(row)).unwrap_or_else(|| {
        let scores = scratch.map_or(Scores::Here(Vec::new()), Scores::Away);
        groups.push(Group::new(row, scores));
        groups.len() - 1
    });
    groups[at].add(row, kept)
}

/// Why a record has no scores.
enum Lack {
    /// It says so itself.
    Recorded,
    /// It should have some.
    Wrong(&'static str),
}

/// The scores of a row, or why there are none.
fn scores(row: &Row) -> Result<&[f32], Lack> {
    match (row.status, &row.scores) {
        (Status::Failed, _) => Err(Lack::Recorded),
        (Status::Ok, None) => Err(Lack::Wrong("the record has no scores")),
        (Status::Ok, Some(s)) if s.is_empty() => Err(Lack::Wrong("the record has no scores")),
        (Status::Ok, Some(s)) if s.iter().any(|v| !v.is_finite()) => {
            Err(Lack::Wrong("a score is not a finite number"))
        }
        (Status::Ok, Some(s))
            if row.removed.as_ref().is_some_and(|all| !are_stops(all, s.len())) =>
        {
            Err(Lack::Wrong("the numbers of removed regions do not fit the scores"))
        }
        (Status::Ok, Some(s)) => Ok(s),
    }
}

/// Whether so many scores may lie at these numbers of removed regions.
fn are_stops(removed: &[u32], scores: usize) -> bool {
    removed.len() == scores && removed.first() == Some(&0) && removed.is_sorted_by(|a, b| a < b)
}

/// When another class is predicted, where the logits of all classes are there.
fn flip_of(row: &Row) -> Option<usize> {
    let (logits, scores) = (row.all_logits.as_ref()?, row.scores.as_ref()?);
    let classes = logits.len() / scores.len().max(1);
    let target = usize::try_from(row.target?).ok().filter(|t| *t < classes)?;
    if classes * scores.len() != logits.len() {
        return None;
    }
    flip(row.head, logits, target, classes)
}

/// Positions of the pictures on which all methods with any value have one; `values` per method and
/// picture. Whatever compares methods looks at these alone.
pub(super) fn common<T>(values: &[impl AsRef<[Option<T>]>]) -> Vec<usize> {
    let all = values.iter().map(AsRef::as_ref);
    let known: Vec<&[Option<T>]> = all.filter(|v| v.iter().any(Option::is_some)).collect();
    let pictures = known.first().map_or(0, |v| v.len());
    (0..pictures).filter(|i| known.iter().all(|v| v[*i].is_some())).collect()
}

/// The mean of each method on [`common`] pictures; `None` for methods without values, and where there
/// is no such picture. Means that differ by rounding only are equal.
pub(super) fn common_means(values: &[impl AsRef<[Option<f64>]>]) -> Vec<Option<f64>> {
    let common = common(values);
    let mean = |v: &[Option<f64>]| {
        let known = common.iter().map(|i| v[*i]).collect::<Option<Vec<f64>>>()?;
        let (n, size) = (known.len() as f64, known.iter().map(|v| v.abs()).sum::<f64>());
        (!known.is_empty()).then(|| (known.iter().sum::<f64>() / n, size / n))
    };
    let means: Vec<Option<(f64, f64)>> = values.iter().map(|v| mean(v.as_ref())).collect();
    let known: Vec<(f64, f64)> = means.iter().flatten().copied().collect();
    let mut settled = settled_means(&known).into_iter();
    means.iter().map(|mean| mean.and_then(|_| settled.next())).collect()
}

impl<'a> Group<'a> {
    fn new(row: &Row, scores: Scores<'a>) -> Group<'a> {
        let setting = Setting {
            perturbation: row.perturbation.clone(),
            region: row.region,
            score_kind: row.score_kind,
            steps: None,
            removed: None,
        };
        Group {
            setting,
            methods: BTreeMap::new(),
            orders: BTreeSet::new(),
            noises: BTreeMap::new(),
            pictures: BTreeMap::new(),
            reasons: Vec::new(),
            scores,
            costs: BTreeMap::new(),
            all_tied: BTreeMap::new(),
        }
    }

    fn takes(&self, row: &Row) -> bool {
        let s = &self.setting;
        s.region == row.region
            && s.score_kind == row.score_kind
            && s.perturbation == row.perturbation
    }

    fn add(&mut self, row: &Row, kept: Kept<'a>) -> Result<(), CellsError> {
        let scores = scores(row);
        if let Ok(scores) = scores {
            self.check_steps(row, scores.len() - 1)?;
            let costs = self.costs.entry((kept.method, row.order)).or_default();
            costs.macs.add(row.macs.map(|m| m as f64));
            costs.tied_fraction.add(row.tied_fraction);
            if row.is_all_tied() {
                self.all_tied.entry(kept.method).or_default().insert(kept.image);
            }
        }
        let methods = self.methods.len() as u16;
        let method = *self.methods.entry(kept.method).or_insert(methods);
        let noises = self.noises.len() as u32;
        let noise = *self.noises.entry((row.seed, row.repeat)).or_insert(noises);
        self.orders.insert(row.order);
        let score = self.keep(scores, kept);
        let picture = self.pictures.entry(kept.image).or_default();
        picture.check_target(row)?;
        let cell = picture.cell_mut(noise, method);
        if cell.score(row.order) != Score::Missing {
            return Err(CellsError::Twice {
                image: row.image.clone(),
                method: row.method.clone(),
                order: row.order,
                seed: row.seed,
                repeat: row.repeat,
            });
        }
        cell.set(row.order, score);
        if row.order == Order::Morf {
            cell.flip = flip_of(row).map(|step| step as u32);
        }
        Ok(())
    }

    /// Keeps the scores of a record, or the reason why there are none.
    fn keep(&mut self, scores: Result<&[f32], Lack>, kept: Kept<'a>) -> Score {
        let reason = match (scores, &mut self.scores) {
            (Ok(scores), Scores::Away(file)) => return Score::Known(file.append(scores)),
            (Ok(_), Scores::Here(all)) => {
                all.push(kept.scores.expect("records in memory have their scores"));
                return Score::Known(all.len() as u32 - 1);
            }
            (Err(Lack::Wrong(reason)), _) => reason,
            (Err(Lack::Recorded), _) => kept.reason.unwrap_or("no reason recorded"),
        };
        self.reasons.push(reason);
        Score::Failed(self.reasons.len() as u32 - 1)
    }

    fn check_steps(&mut self, row: &Row, found: usize) -> Result<(), CellsError> {
        if self.setting.steps.is_none() {
            self.setting.removed.clone_from(&row.removed);
        }
        let steps = *self.setting.steps.get_or_insert(found);
        let (image, method) = (row.image.clone(), row.method.clone());
        if steps != found {
            return Err(CellsError::Steps { steps: (steps, found), image, method });
        }
        if self.setting.removed != row.removed {
            return Err(CellsError::Stops { image, method });
        }
        Ok(())
    }

    /// Methods by name.
    pub fn methods(&self) -> impl Iterator<Item = &'a str> {
        self.methods.keys().copied()
    }

    /// Orders, MoRF first.
    pub fn orders(&self) -> impl Iterator<Item = Order> {
        self.orders.iter().copied()
    }

    /// Number of pictures on which at least one method was tried.
    pub fn images(&self) -> usize {
        self.pictures.len()
    }

    /// Number of noise images per picture, the most there are.
    pub fn repeats(&self) -> usize {
        let of = |p: &Picture| self.noises_of(p).count();
        self.pictures.values().map(of).max().unwrap_or(0)
    }

    /// True when the random order was evaluated.
    pub fn has_random(&self) -> bool {
        self.methods.contains_key(RANDOM)
    }

    /// Mean multiply-adds of a curve.
    pub fn macs(&self, method: &str, order: Order) -> Option<f64> {
        self.costs.get(&(method, order))?.macs.mean()
    }

    /// Mean share of regions whose place is chance.
    pub fn tied_fraction(&self, method: &str, order: Order) -> Option<f64> {
        self.costs.get(&(method, order))?.tied_fraction.mean()
    }

    /// Methods by which the place of every region is chance on some pictures, and on how many.
    pub fn all_tied(&self) -> impl Iterator<Item = (&'a str, usize)> {
        self.all_tied.iter().map(|(method, images)| (*method, images.len()))
    }

    /// Why a method lacks curves of an order, with the number of pictures, the most frequent reason
    /// first. A picture counts with its first one.
    pub fn failures(&self, method: &str, order: Order) -> Vec<(usize, &'a str)> {
        let Some(&method) = self.methods.get(method) else { return Vec::new() };
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for picture in self.pictures.values() {
            let cells = self.noises_of(picture).filter_map(|n| picture.cell(n, method));
            let reason = cells.map(|cell| cell.score(order)).find_map(|score| match score {
                Score::Failed(reason) => Some(self.reasons[reason as usize]),
                _ => None,
            });
            reason.into_iter().for_each(|reason| *counts.entry(reason).or_default() += 1);
        }
        let mut failures: Vec<(usize, &str)> = counts.into_iter().map(|(r, n)| (n, r)).collect();
        failures.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
        failures
    }

    /// The metric of a method, picture by picture in the order of their names, averaged over
    /// repeats. A picture counts only when all its repeats have the curves that are needed: a mean
    /// over some of them would compare other noise.
    pub fn values(&self, method: &str, metric: &dyn CurveMetric) -> Vec<Option<f64>> {
        let mean = |repeats: Vec<f64>| repeats.iter().sum::<f64>() / repeats.len() as f64;
        self.each(method, metric).map(|repeats| repeats.map(mean)).collect()
    }

    /// The same repeat by repeat, in the order of their seeds and numbers.
    pub fn values_by_repeat(
        &self,
        method: &str,
        metric: &dyn CurveMetric,
    ) -> Vec<Option<Vec<f64>>> {
        self.each(method, metric).collect()
    }

    fn each<'s>(
        &'s self,
        method: &'s str,
        metric: &'s dyn CurveMetric,
    ) -> impl Iterator<Item = Option<Vec<f64>>> + 's {
        let value = |[own, random]: [Loaded<'_>; 2]| metric.value(&self.trial(&own, &random));
        let of = move |p| self.trials(p, method).map(value).collect();
        self.pictures.values().map(of)
    }

    /// Names of the pictures, in the order of the values.
    pub fn image_names(&self) -> impl Iterator<Item = &'a str> {
        self.pictures.keys().copied()
    }

    /// The same for the number of removed regions at every point of the curves.
    pub fn values_along(&self, method: &str, metric: &dyn CurveMetric) -> Vec<Option<Vec<f64>>> {
        self.values_within(method, metric, 0..usize::MAX)
    }

    /// The same for some points of the curves.
    pub fn values_within(
        &self,
        method: &str,
        metric: &dyn CurveMetric,
        steps: Range<usize>,
    ) -> Vec<Option<Vec<f64>>> {
        let of = |p| self.mean_within(p, method, metric, &steps);
        self.pictures.values().map(of).collect()
    }

    fn mean_within(
        &self,
        picture: &Picture,
        method: &str,
        metric: &dyn CurveMetric,
        steps: &Range<usize>,
    ) -> Option<Vec<f64>> {
        let (mut sum, mut repeats) = (Vec::new(), 0.0);
        for [own, random] in self.trials(picture, method) {
            let along = metric.along(&self.trial(&own, &random))?;
            let along = &along[steps.start.min(along.len())..steps.end.min(along.len())];
            sum.resize(along.len(), 0.0);
            sum.iter_mut().zip(along).for_each(|(s, v)| *s += v);
            repeats += 1.0;
        }
        Some(sum.into_iter().map(|s: f64| s / repeats).collect())
    }

    /// Numbers of the noise images that a picture has, in the order of their seeds and repeats.
    fn noises_of<'s>(&'s self, picture: &'s Picture) -> impl Iterator<Item = u32> + 's {
        self.noises.values().copied().filter(|noise| picture.has(*noise))
    }

    /// The curves of a method and of the random order, repeat by repeat.
    fn trials<'s>(
        &'s self,
        picture: &'s Picture,
        method: &str,
    ) -> impl Iterator<Item = [Loaded<'a>; 2]> + 's {
        let methods = [method, RANDOM].map(|name| self.methods.get(name).copied());
        let loaded = move |noise, method: Option<u16>| {
            let cell = method.and_then(|method| picture.cell(noise, method));
            cell.map(|cell| self.loaded(cell)).unwrap_or_default()
        };
        self.noises_of(picture).map(move |noise| methods.map(|method| loaded(noise, method)))
    }

    fn trial<'s>(&'s self, own: &'s Loaded<'_>, random: &'s Loaded<'_>) -> Trial<'s> {
        Trial { own: own.curves(), random: random.curves(), stops: self.setting.stops() }
    }

    fn loaded(&self, cell: &Cell) -> Loaded<'a> {
        let get = |score| match score {
            Score::Known(number) => Some(self.scores.get(number)),
            Score::Missing | Score::Failed(_) => None,
        };
        let flip = cell.flip.map(|step| step as usize);
        Loaded { morf: get(cell.morf), lerf: get(cell.lerf), flip }
    }
}

impl Picture {
    fn check_target(&mut self, row: &Row) -> Result<(), CellsError> {
        let Some(found) = row.target else { return Ok(()) };
        let target = *self.target.get_or_insert(found);
        if target == found {
            return Ok(());
        }
        Err(CellsError::Targets { image: row.image.clone(), targets: (target, found) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        demo,
        eval::metric::{Abpc, Aopc, RelativeAopc},
    };

    #[test]
    fn curves_with_other_stops_are_not_put_together() {
        let at = |method: &str, removed: Option<&[u32]>| Row {
            removed: removed.map(<[u32]>::to_vec),
            ..row("a", method, 0, &[4.0, 3.0, 1.0])
        };
        let one = [at("gradient", Some(&[0, 1, 5])), at("random", Some(&[0, 1, 5]))];
        let groups = group(&one).unwrap();
        let setting = &groups[0].setting;
        assert_eq!((setting.steps, setting.regions()), (Some(2), Some(5)));
        assert_eq!(setting.at_stops(), " at 2 stops");
        // falls 0, 1 and, on the line to 3, 1.5, 2, 2.5, 3
        let values = groups[0].values("gradient", &Aopc(Order::Morf));
        assert!((values[0].unwrap() - 10.0 / 6.0).abs() < 1e-12, "{values:?}");
        let mixed = [at("gradient", Some(&[0, 1, 5])), at("random", Some(&[0, 1, 6]))];
        insta::assert_snapshot!(group(&mixed).unwrap_err(), @"the records mix curves with scores after other numbers of removed regions (image `a`, method `random`); rank them one by one, or run them with the same `at`");
        let mixed = [at("gradient", None), at("random", Some(&[0, 1, 2]))];
        assert!(matches!(group(&mixed), Err(CellsError::Stops { .. })));
        let damaged = [at("gradient", Some(&[0, 5, 5]))];
        let failures = group(&damaged).unwrap()[0].failures("gradient", Order::Morf);
        assert_eq!(failures, [(1, "the numbers of removed regions do not fit the scores")]);
    }

    fn row(image: &str, method: &str, repeat: u64, scores: &[f32]) -> Row {
        let mut row = demo::records(1, 1, 2).remove(0);
        (row.image, row.method, row.repeat) = (image.to_owned(), method.to_owned(), repeat);
        row.scores = Some(scores.to_vec());
        row
    }

    #[test]
    fn repeats_are_averaged_inside_a_picture() {
        let rows = [
            row("b", "m", 0, &[4.0, 2.0]),
            row("b", "m", 1, &[4.0, 0.0]),
            row("a", "m", 0, &[4.0, 3.0]),
            row("a", "m", 1, &[4.0, 3.0]),
        ];
        let groups = group(&rows).unwrap();
        // falls 2 and 4 over two steps: 1 and 2; pictures in the order of their names
        assert_eq!(groups[0].values("m", &Aopc(Order::Morf)), [Some(0.5), Some(1.5)]);
        let along = groups[0].values_along("m", &Aopc(Order::Morf));
        assert_eq!(along, [Some(vec![0.0, 0.5]), Some(vec![0.0, 1.5])]);
        assert_eq!((groups[0].images(), groups[0].repeats()), (2, 2));
    }

    #[test]
    fn relative_values_pair_each_repeat_with_the_random_order_under_the_same_noise() {
        let rows = [
            row("a", "m", 0, &[4.0, 2.0]),
            row("a", "m", 1, &[4.0, 0.0]),
            row("a", "random", 1, &[4.0, 4.0]),
            row("a", "random", 0, &[4.0, 3.0]),
        ];
        let values = group(&rows).unwrap()[0].values("m", &RelativeAopc(Order::Morf));
        assert_eq!(values, [Some(1.25)], "mean of 0.5 and 2");
    }

    #[test]
    fn a_picture_counts_only_with_all_its_repeats() {
        let mut failed = row("a", "m", 1, &[]);
        (failed.status, failed.scores) = (Status::Failed, None);
        failed.reason = Some("9 relevance values are not finite".to_owned());
        let mut nan = row("c", "m", 0, &[1.0, f32::NAN]);
        nan.repeat = 0;
        let rows = [
            row("a", "m", 0, &[4.0, 2.0]),
            failed,
            row("b", "m", 0, &[4.0, 2.0]),
            nan,
            row("b", "n", 0, &[4.0, 2.0]),
            row("d", "n", 0, &[4.0, 2.0]),
        ];
        let groups = group(&rows).unwrap();
        assert_eq!(groups[0].values("m", &Aopc(Order::Morf)), [None, Some(1.0), None, None]);
        let failures = groups[0].failures("m", Order::Morf);
        assert_eq!(failures[0], (1, "9 relevance values are not finite"));
        assert!(groups[0].failures("n", Order::Morf).is_empty());
        assert_eq!(groups[0].values("n", &Abpc { sum: false }), [None; 4]);
    }

    #[test]
    fn settings_are_kept_apart_in_the_order_of_the_records() {
        let mut other = row("a", "m", 0, &[4.0, 2.0, 1.0]);
        other.perturbation = "blur:sigma=3".to_owned();
        let rows = [row("a", "m", 0, &[4.0, 2.0]), other];
        let groups = group(&rows).unwrap();
        let found: Vec<_> =
            groups.iter().map(|g| (g.setting.perturbation.as_str(), g.setting.steps)).collect();
        assert_eq!(found, [("uniform", Some(1)), ("blur:sigma=3", Some(2))]);
    }

    #[test]
    fn records_that_do_not_belong_together_are_refused() {
        let say = |rows: &[Row]| group(rows).unwrap_err().to_string();
        let one = row("a", "m", 0, &[4.0, 2.0]);
        let longer = row("b", "m", 0, &[4.0, 2.0, 1.0]);
        let mut target = row("a", "n", 0, &[4.0, 2.0]);
        target.target = Some(7);
        insta::assert_snapshot!(
            [
                say(&[]),
                say(&[one.clone(), longer]),
                say(&[one.clone(), one.clone()]),
                say(&[one, target]),
            ]
            .join("\n")
        );
    }
}
