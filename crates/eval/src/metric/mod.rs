//! Numbers that say how good a method is.
//!
//! The metrics here read curves. Those that read a heat map, a mask, or ask the network get their
//! own trait and their own table beside this one.

mod abpc;
mod aopc;
mod ask;
mod drop;
mod drop_at;
mod flip;
pub mod map;
mod relative_aopc;
mod rise;
mod srg;
mod stops;

use super::order::Order;
use crate::base::{
    registry::{Args, Entry, Kind, Param},
    word_enum,
};
use std::fmt;

word_enum! {
    /// Which way a metric is better.
    pub enum Direction {
        /// More is better.
        Higher = "higher",
        /// Less is better.
        Lower = "lower",
    }
}

/// What values a metric takes; infinite where it is not bounded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// The smallest.
    pub low: f64,
    /// The largest.
    pub high: f64,
}

impl Range {
    /// Any number; metrics in units of the score.
    pub const ANY: Range = Range { low: f64::NEG_INFINITY, high: f64::INFINITY };
    /// 0 and more.
    pub const NON_NEGATIVE: Range = Range { low: 0.0, high: f64::INFINITY };
    /// 0 to 1.
    pub const UNIT: Range = Range { low: 0.0, high: 1.0 };
    /// -1 to 1.
    pub const SIGNED: Range = Range { low: -1.0, high: 1.0 };

    /// Whether a value lies in it.
    pub fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.low.is_finite(), self.high.is_finite()) {
            (true, true) => write!(f, "{} to {}", self.low, self.high),
            (true, false) => write!(f, "{} or more", self.low),
            (false, true) => write!(f, "{} or less", self.high),
            (false, false) => f.write_str("any number"),
        }
    }
}

/// The curves of one contender on one picture, for one perturbation and one repeat: the score after 0,
/// 1, ..., `L` removed units, or at some [`Stops`] of these.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Curves<'a> {
    /// Most relevant regions first.
    pub morf: Option<&'a [f32]>,
    /// Least relevant regions first.
    pub lerf: Option<&'a [f32]>,
    /// The point of the MoRF curve at which another class is predicted for the first time ([`mod@flip`]), where the
    /// logits of all classes were recorded.
    pub flip: Option<usize>,
}

impl<'a> Curves<'a> {
    /// The curve of one order.
    pub fn curve(&self, order: Order) -> Option<&'a [f32]> {
        match order {
            Order::Morf => self.morf,
            Order::Lerf => self.lerf,
        }
    }
}

/// What a curve metric looks at: a method, and the random order under the same noise.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Trial<'a> {
    /// The method's curves.
    pub own: Curves<'a>,
    /// Those of the random order on the same picture, perturbation and repeat.
    pub random: Curves<'a>,
    /// How many units are gone at the points of all these curves.
    pub stops: Stops<'a>,
}

/// A metric of curves.
pub trait CurveMetric: Send + Sync {
    /// Which way is better.
    fn direction(&self) -> Direction;

    /// What values it takes.
    fn range(&self) -> Range;

    /// The metric after `L` removed units, for the `L` of every point of the curves. `None` where a curve
    /// that it needs is missing or has another length.
    fn along(&self, trial: &Trial<'_>) -> Option<Vec<f64>>;

    /// True when it needs the logits of all classes, which only `--record all` writes.
    fn needs_all_logits(&self) -> bool {
        false
    }

    /// What it means when no method has a value above 0; `None` where 0 says nothing of that kind.
    fn worthless(&self) -> Option<&'static str> {
        None
    }

    /// The metric at the last step.
    fn value(&self, trial: &Trial<'_>) -> Option<f64> {
        self.along(trial)?.last().copied()
    }
}

/// A metric with its canonical name.
pub struct Chosen<'a> {
    /// Canonical name.
    pub name: &'a str,
    /// The metric.
    pub metric: &'a dyn CurveMetric,
}

/// All metrics of curves, in the order of `pixelflip list metrics`.
pub const METRICS: &[Entry<dyn CurveMetric>] = &[
    aopc::ENTRY,
    relative_aopc::ENTRY,
    abpc::ENTRY,
    abpc::SUM,
    srg::ENTRY,
    rise::DELETION,
    rise::INSERTION,
    drop::ENTRY,
    drop_at::ENTRY,
    flip::ENTRY,
];

pub use abpc::Abpc;
pub use aopc::Aopc;
pub use drop::Drop;
pub use flip::flip;
pub use relative_aopc::RelativeAopc;
pub use stops::Stops;

/// The parameter `order`, shared by metrics that exist for both.
const ORDER: Param = Param {
    key: "order",
    default: Order::Morf.name(),
    kind: Kind::Word(Order::WORDS),
    help: "which curve is read",
};

fn order(args: &Args) -> Order {
    args.word(ORDER.key)
}

/// Removing relevant regions should make the score fall fast (MoRF), irrelevant ones slowly (LeRF).
fn direction_of_fall(order: Order) -> Direction {
    match order {
        Order::Morf => Direction::Higher,
        Order::Lerf => Direction::Lower,
    }
}

/// What it means that the score does not fall on average, whatever method says what is relevant.
fn worthless_fall(order: Order) -> Option<&'static str> {
    let meaning = "removing the most relevant regions first does not make the score fall";
    (order == Order::Morf).then_some(meaning)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::registry::build;

    /// The score while nine of ten regions worth 9, 8, ..., 0 are removed. (After all ten, every
    /// order has arrived at the same score.)
    fn falling(worth: impl Iterator<Item = u8>) -> Vec<f32> {
        let mut score = 45.0;
        let step = |w: u8| {
            score -= f32::from(w);
            score
        };
        std::iter::once(45.0).chain(worth.take(9).map(step)).collect()
    }

    #[test]
    fn the_truth_beats_random_in_the_declared_direction() {
        let (best, worst) = (falling((0..10).rev()), falling(0..10));
        let mixed = [4, 9, 0, 7, 2, 5, 8, 1, 6, 3];
        let (chance, reverse) = (falling(mixed.into_iter()), falling(mixed.into_iter().rev()));
        let random = Curves { morf: Some(&chance), lerf: Some(&reverse), flip: Some(5) };
        let truth = Trial {
            own: Curves { morf: Some(&best), lerf: Some(&worst), flip: Some(2) },
            random,
            stops: Stops::Each,
        };
        let guess = Trial { own: random, random, stops: Stops::Each };
        for entry in METRICS {
            let specs = [entry.id.to_owned(), format!("{}:order=lerf", entry.id)];
            let specs = if entry.id == "drop-at" {
                ["drop-at:k=3".to_owned(), "drop-at:k=3:order=lerf".to_owned()]
            } else {
                specs
            };
            for spec in &specs[..=usize::from(entry.params.iter().any(|p| p.key == ORDER.key))] {
                let metric = build("metric", METRICS, &spec.parse().unwrap()).unwrap().value;
                let (a, b) = (metric.value(&truth).unwrap(), metric.value(&guess).unwrap());
                assert!(metric.range().holds(a) && metric.range().holds(b), "{spec}: {a}, {b}");
                match metric.direction() {
                    Direction::Higher => assert!(a > b, "{spec}: {a} > {b}"),
                    Direction::Lower => assert!(a < b, "{spec}: {a} < {b}"),
                }
            }
        }
    }

    #[test]
    fn without_its_curves_a_metric_is_undefined() {
        for entry in METRICS {
            let spec = entry.id.parse().unwrap();
            let metric = build("metric", METRICS, &spec).unwrap().value;
            assert_eq!(metric.value(&Trial::default()), None, "{}", entry.id);
            let empty = Curves { morf: Some(&[]), lerf: Some(&[]), flip: None };
            assert_eq!(
                metric.value(&Trial { own: empty, random: empty, stops: Stops::Each }),
                None,
                "{}",
                entry.id
            );
        }
    }

    #[test]
    fn a_constant_model_scores_zero_everywhere() {
        let flat = [3.5; 11];
        let curves = Curves { morf: Some(&flat), lerf: Some(&flat), flip: None };
        let trial = Trial { own: curves, random: curves, stops: Stops::Each };
        for entry in METRICS {
            let metric = build("metric", METRICS, &entry.id.parse().unwrap()).unwrap().value;
            let expected = match entry.id {
                "deletion" | "insertion" => Some(vec![1.0; 11]),
                "steps-to-flip" => None,
                _ => Some(vec![0.0; 11]),
            };
            assert_eq!(metric.along(&trial), expected, "{}", entry.id);
        }
    }
}
