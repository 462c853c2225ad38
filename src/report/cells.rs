//! Records put in order: setting by setting, picture by picture, method by method.

use crate::{
    eval::{
        curve::ScoreKind,
        metric::{CurveMetric, Curves, Trial, flip},
        order::Order,
    },
    run::record::{Row, Status},
};
use std::collections::{BTreeMap, BTreeSet};

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
    /// Number of removed regions `L`; `None` when all cells failed.
    pub steps: Option<usize>,
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

/// The curves of one method on one picture for one repeat, or why they are missing.
#[derive(Clone, Copy, Debug, Default)]
struct Cell<'a> {
    curves: Curves<'a>,
    morf_failed: Option<&'a str>,
    lerf_failed: Option<&'a str>,
}

impl<'a> Cell<'a> {
    fn failed(&self, order: Order) -> Option<&'a str> {
        match order {
            Order::Morf => self.morf_failed,
            Order::Lerf => self.lerf_failed,
        }
    }

    fn set(&mut self, order: Order, scores: Result<&'a [f32], &'a str>) {
        let (curve, failed) = match order {
            Order::Morf => (&mut self.curves.morf, &mut self.morf_failed),
            Order::Lerf => (&mut self.curves.lerf, &mut self.lerf_failed),
        };
        match scores {
            Ok(scores) => *curve = Some(scores),
            Err(reason) => *failed = Some(reason),
        }
    }
}

/// All methods on one picture.
#[derive(Clone, Debug, Default)]
struct Picture<'a> {
    target: Option<u64>,
    /// By (seed, repeat), then by method.
    repeats: BTreeMap<(u64, u64), BTreeMap<&'a str, Cell<'a>>>,
}

/// All curves of one setting.
#[derive(Clone, Debug)]
pub struct Group<'a> {
    /// What they have in common.
    pub setting: Setting,
    methods: BTreeSet<&'a str>,
    orders: BTreeSet<Order>,
    pictures: BTreeMap<&'a str, Picture<'a>>,
    /// Sums over the curves of a (method, order).
    costs: BTreeMap<(&'a str, Order), Costs>,
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
    for row in rows {
        let at = groups.iter().position(|g| g.takes(row)).unwrap_or_else(|| {
            groups.push(Group::new(row));
            groups.len() - 1
        });
        groups[at].add(row)?;
    }
    if groups.is_empty() { Err(CellsError::Empty) } else { Ok(groups) }
}

/// The scores of a row, or why there are none.
fn scores(row: &Row) -> Result<&[f32], &str> {
    let failed = || row.reason.as_deref().unwrap_or("no reason recorded");
    match (row.status, &row.scores) {
        (Status::Failed, _) => Err(failed()),
        (Status::Ok, None) => Err("the record has no scores"),
        (Status::Ok, Some(s)) if s.is_empty() => Err("the record has no scores"),
        (Status::Ok, Some(s)) if s.iter().any(|v| !v.is_finite()) => {
            Err("a score is not a finite number")
        }
        (Status::Ok, Some(s)) => Ok(s),
    }
}

/// When another class is predicted, where the logits of all classes are there.
fn flip_of(row: &Row) -> Option<usize> {
    let (logits, scores) = (row.all_logits.as_ref()?, row.scores.as_ref()?);
    let classes = logits.len() / scores.len().max(1);
    let target = usize::try_from(row.target?).ok().filter(|t| *t < classes)?;
    (classes * scores.len() == logits.len()).then(|| flip(logits, target, classes))
}

impl<'a> Group<'a> {
    fn new(row: &Row) -> Group<'a> {
        let setting = Setting {
            perturbation: row.perturbation.clone(),
            region: row.region,
            score_kind: row.score_kind,
            steps: None,
        };
        Group {
            setting,
            methods: BTreeSet::new(),
            orders: BTreeSet::new(),
            pictures: BTreeMap::new(),
            costs: BTreeMap::new(),
        }
    }

    fn takes(&self, row: &Row) -> bool {
        let s = &self.setting;
        s.region == row.region
            && s.score_kind == row.score_kind
            && s.perturbation == row.perturbation
    }

    fn add(&mut self, row: &'a Row) -> Result<(), CellsError> {
        let scores = scores(row);
        if let Ok(scores) = scores {
            self.check_steps(row, scores.len() - 1)?;
            let costs = self.costs.entry((&row.method, row.order)).or_default();
            costs.macs.add(row.macs.map(|m| m as f64));
            costs.tied_fraction.add(row.tied_fraction);
        }
        self.methods.insert(&row.method);
        self.orders.insert(row.order);
        let picture = self.pictures.entry(&row.image).or_default();
        picture.check_target(row)?;
        let repeat = picture.repeats.entry((row.seed, row.repeat)).or_default();
        let cell = repeat.entry(&row.method).or_default();
        if cell.curves.of(row.order).is_some() || cell.failed(row.order).is_some() {
            return Err(CellsError::Twice {
                image: row.image.clone(),
                method: row.method.clone(),
                order: row.order,
                seed: row.seed,
                repeat: row.repeat,
            });
        }
        cell.set(row.order, scores);
        if row.order == Order::Morf {
            cell.curves.flip = flip_of(row);
        }
        Ok(())
    }

    fn check_steps(&mut self, row: &Row, found: usize) -> Result<(), CellsError> {
        let steps = *self.setting.steps.get_or_insert(found);
        if steps == found {
            return Ok(());
        }
        let (image, method) = (row.image.clone(), row.method.clone());
        Err(CellsError::Steps { steps: (steps, found), image, method })
    }

    /// Methods by name.
    pub fn methods(&self) -> impl Iterator<Item = &'a str> {
        self.methods.iter().copied()
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
        self.pictures.values().map(|p| p.repeats.len()).max().unwrap_or(0)
    }

    /// True when the random order was evaluated.
    pub fn has_random(&self) -> bool {
        self.methods.contains(RANDOM)
    }

    /// Mean multiply-adds of a curve.
    pub fn macs(&self, method: &str, order: Order) -> Option<f64> {
        self.costs.get(&(method, order))?.macs.mean()
    }

    /// Mean fraction of regions tied at the cut.
    pub fn tied_fraction(&self, method: &str, order: Order) -> Option<f64> {
        self.costs.get(&(method, order))?.tied_fraction.mean()
    }

    /// Why a method lacks curves of an order: the first reason in the order of the pictures'
    /// names.
    pub fn first_failure(&self, method: &str, order: Order) -> Option<&'a str> {
        let cells = self.pictures.values().flat_map(|p| p.repeats.values());
        cells.filter_map(|repeat| repeat.get(method)).find_map(|cell| cell.failed(order))
    }

    /// The metric of a method, picture by picture in the order of their names, averaged over
    /// repeats. A picture counts only when all its repeats have the curves that are needed: a mean
    /// over some of them would compare other noise.
    pub fn values(&self, method: &str, metric: &dyn CurveMetric) -> Vec<Option<f64>> {
        self.pictures.values().map(|p| p.mean(method, |trial| metric.value(trial))).collect()
    }

    /// The same repeat by repeat, in the order of their seeds and numbers.
    pub fn values_by_repeat(
        &self,
        method: &str,
        metric: &dyn CurveMetric,
    ) -> Vec<Option<Vec<f64>>> {
        let of = |p: &Picture<'_>| p.trials(method).map(|trial| metric.value(&trial)).collect();
        self.pictures.values().map(of).collect()
    }

    /// Names of the pictures, in the order of the values.
    pub fn image_names(&self) -> impl Iterator<Item = &'a str> {
        self.pictures.keys().copied()
    }

    /// The same for every number of removed regions.
    pub fn values_along(&self, method: &str, metric: &dyn CurveMetric) -> Vec<Option<Vec<f64>>> {
        self.pictures.values().map(|p| p.mean_along(method, metric)).collect()
    }
}

impl Picture<'_> {
    fn check_target(&mut self, row: &Row) -> Result<(), CellsError> {
        let Some(found) = row.target else { return Ok(()) };
        let target = *self.target.get_or_insert(found);
        if target == found {
            return Ok(());
        }
        Err(CellsError::Targets { image: row.image.clone(), targets: (target, found) })
    }

    fn trials(&self, method: &str) -> impl Iterator<Item = Trial<'_>> {
        let random = |repeat| curves(repeat, RANDOM);
        self.repeats.values().map(move |r| Trial { own: curves(r, method), random: random(r) })
    }

    fn mean(&self, method: &str, value: impl Fn(&Trial<'_>) -> Option<f64>) -> Option<f64> {
        let values: Option<Vec<f64>> = self.trials(method).map(|t| value(&t)).collect();
        let values = values?;
        Some(values.iter().sum::<f64>() / values.len() as f64)
    }

    fn mean_along(&self, method: &str, metric: &dyn CurveMetric) -> Option<Vec<f64>> {
        let mut sum: Vec<f64> = Vec::new();
        for trial in self.trials(method) {
            let along = metric.along(&trial)?;
            sum.resize(along.len(), 0.0);
            sum.iter_mut().zip(along).for_each(|(s, v)| *s += v);
        }
        let repeats = self.repeats.len() as f64;
        Some(sum.into_iter().map(|s| s / repeats).collect())
    }
}

fn curves<'a>(repeat: &BTreeMap<&str, Cell<'a>>, method: &str) -> Curves<'a> {
    repeat.get(method).map(|cell| cell.curves).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        eval::metric::{Abpc, Aopc, RelativeAopc},
        report::demo,
    };

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
        let reason = groups[0].first_failure("m", Order::Morf);
        assert_eq!(reason, Some("9 relevance values are not finite"));
        assert_eq!(groups[0].first_failure("n", Order::Morf), None);
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
