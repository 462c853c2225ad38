//! Accuracy after regions (or words) are removed, where the logits of all classes were recorded: of pictures that
//! are right untouched it falls when the most relevant regions go, of those that are wrong it rises when the least
//! relevant ones go (Arras et al. 2017).

use super::{answer::right, picture::Picture, record::Row};
use crate::{
    eval::{
        order::Order,
        stats::{Resampling, estimates},
    },
    table::{record, record::Word},
};
use ndarray::Array2;
use std::collections::BTreeMap;

record! {
    /// The share of pictures that are right after some regions are gone.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Accuracy {
        /// as in the curves
        pub method: String,
        /// as in the curves
        pub order: Order as Word => column("removal_order", once "order"),
        /// as in the curves
        pub perturbation: String,
        /// as in the curves
        pub region: u64,
        /// 1 for the pictures that are right with nothing removed, 0 for those that are wrong
        pub right: bool,
        /// how many regions are gone
        pub removed: u64,
        /// number of pictures
        pub pictures: u64,
        /// share of them of which a label is said then, the mean over repeats
        pub accuracy: f64,
        /// lower end of its 95 % bootstrap interval over pictures; null for fewer than three
        pub lo: Option<f64>,
        /// upper end
        pub hi: Option<f64>,
    }
}

/// Curves that share a line of the table.
type Key = (String, String, u64, Order, bool);

/// Sums over repeats of hits after each number of removed regions, by picture.
#[derive(Default)]
struct Line {
    removed: Vec<u64>,
    hits: BTreeMap<String, (u32, Vec<u32>)>,
}

/// Hits of curves, gathered part by part.
#[derive(Default)]
pub(super) struct Hits {
    labels: BTreeMap<String, Vec<usize>>,
    lines: BTreeMap<Key, Line>,
}

impl Hits {
    /// For curves of these pictures, some of which may show several classes.
    pub(super) fn of(pictures: &[Picture]) -> Hits {
        let known = |p: &Picture| {
            let labels = p.labels.clone().unwrap_or_else(|| p.label.into_iter().collect());
            (p.image.clone(), labels.into_iter().map(|label| label as usize).collect())
        };
        Hits { labels: pictures.iter().map(known).collect(), lines: BTreeMap::new() }
    }

    /// Adds curves; those without labels or recorded logits say nothing.
    pub(super) fn add(&mut self, rows: &[Row]) {
        for row in rows {
            let (Some(logits), Some(scores)) = (&row.all_logits, &row.scores) else { continue };
            let Some(labels) = self.labels.get(&row.image) else { continue };
            let classes = logits.len() / scores.len().max(1);
            let steps = logits.chunks_exact(classes.max(1));
            let said: Option<Vec<bool>> = steps.map(|step| right(row.head, step, labels)).collect();
            let (Some(said), Some(was_right)) = (said, row.right) else { continue };
            let (method, perturbation) = (row.method.clone(), row.perturbation.clone());
            let key = (method, perturbation, row.region, row.order, was_right);
            let line = self.lines.entry(key).or_default();
            line.removed = match &row.removed {
                Some(removed) => removed.iter().map(|n| u64::from(*n)).collect(),
                None => (0..said.len() as u64).collect(),
            };
            let none = || (0, vec![0; said.len()]);
            let (repeats, hits) = line.hits.entry(row.image.clone()).or_insert_with(none);
            *repeats += 1;
            hits.iter_mut().zip(&said).for_each(|(sum, hit)| *sum += u32::from(*hit));
        }
    }

    /// The table, by method, perturbation, size of the regions, order, and what was right before.
    pub(super) fn rows(&self) -> Vec<Accuracy> {
        self.lines.iter().flat_map(|(key, line)| rows(key, line)).collect()
    }
}

fn rows(key: &Key, line: &Line) -> Vec<Accuracy> {
    let pictures: Vec<&(u32, Vec<u32>)> = line.hits.values().collect();
    let shares = Array2::from_shape_fn((pictures.len(), line.removed.len()), |(i, k)| {
        let (repeats, hits) = pictures[i];
        f64::from(hits[k]) / f64::from(*repeats)
    });
    let found = estimates(&shares.view(), Resampling::default()).unwrap_or_default();
    let (method, perturbation, region, order, was_right) = key;
    let one = |(removed, estimate): (&u64, crate::eval::stats::Estimate)| Accuracy {
        method: method.clone(),
        order: *order,
        perturbation: perturbation.clone(),
        region: *region,
        right: *was_right,
        removed: *removed,
        pictures: pictures.len() as u64,
        accuracy: estimate.mean,
        lo: estimate.lo(),
        hi: estimate.hi(),
    };
    line.removed.iter().zip(found).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{eval::curve::ScoreKind, nn::head::Head, record::Status};

    fn picture(image: &str, label: u64) -> Picture {
        let none = Picture::skipped(image.to_owned(), String::new(), None);
        Picture { label: Some(label), skipped: None, ..none }
    }

    /// Two classes; `said` is the class with the larger logit after each removal.
    fn curve(image: &str, label: u64, repeat: u64, said: &[u64]) -> Row {
        let logits = said.iter().flat_map(|s| if *s == 0 { [1.0, 0.0] } else { [0.0, 1.0] });
        Row {
            image: image.to_owned(),
            label: Some(label),
            predicted: Some(said[0]),
            right: Some(said[0] == label),
            target: Some(label),
            method: "gradient".to_owned(),
            order: Order::Morf,
            perturbation: "input-zero".to_owned(),
            region: 1,
            repeat,
            seed: 0,
            head: Head::Softmax,
            score_kind: ScoreKind::Logit,
            scores: Some(vec![0.0; said.len()]),
            all_logits: Some(logits.collect()),
            tied_fraction: None,
            macs: None,
            status: Status::Ok,
            reason: None,
            removed: None,
        }
    }

    #[test]
    fn accuracy_is_counted_apart_for_pictures_that_were_right_and_wrong() {
        let pictures = [picture("a", 1), picture("b", 0), picture("c", 1)];
        let mut hits = Hits::of(&pictures);
        // a: right, falls at the second step in one of two repeats; b: right throughout; c: wrong, then right
        hits.add(&[curve("a", 1, 0, &[1, 1, 0]), curve("b", 0, 0, &[0, 0, 0])]);
        hits.add(&[curve("a", 1, 1, &[1, 1, 1]), curve("c", 1, 0, &[0, 1, 1])]);
        let rows = hits.rows();
        let of = |right: bool| {
            let own = rows.iter().filter(|row| row.right == right);
            own.map(|row| (row.removed, row.pictures, row.accuracy)).collect::<Vec<_>>()
        };
        assert_eq!(of(true), [(0, 2, 1.0), (1, 2, 1.0), (2, 2, 0.75)]);
        assert_eq!(of(false), [(0, 1, 0.0), (1, 1, 1.0), (2, 1, 1.0)]);
    }

    #[test]
    fn without_recorded_logits_nothing_is_said() {
        let mut hits = Hits::of(&[picture("a", 1)]);
        hits.add(&[Row { all_logits: None, ..curve("a", 1, 0, &[1, 0]) }]);
        assert_eq!(hits.rows(), []);
    }
}
