//! The ranking on parts of the pictures: predicted right or wrong, and class by class.

use super::contest::Contest;
use crate::{
    eval::{
        metric::Direction,
        stats::{
            Resampling,
            paired::{Standing, standing},
        },
    },
    run::record::Row,
};
use ndarray::Axis;
use std::collections::{BTreeMap, BTreeSet};

/// A part of the pictures with its ranking.
#[derive(Debug)]
pub struct Subset {
    /// What the pictures were parted by: `prediction` or `class`.
    pub by: &'static str,
    /// `right` or `wrong`, or the index of the class.
    pub value: String,
    /// Pictures in it that all methods have.
    pub images: usize,
    /// The ranking on these; methods in the order of those of the contest.
    pub standing: Standing,
}

/// All classes of pictures that show several, by the names of the pictures.
pub type Sets = BTreeMap<String, Vec<u64>>;

/// Pictures by name.
type Part<'a> = BTreeSet<&'a str>;

/// Parts with their names.
type Parts<'a> = Vec<(String, Part<'a>)>;

/// The ranking of a contest on pictures predicted right and wrong, and on those of each class (the
/// label where it is known, else the prediction), where there is more than one.
///
/// `sets` has the classes of pictures that show several; these count with each of them.
pub(super) fn subsets(
    rows: &[Row],
    sets: &Sets,
    contest: &Contest,
    resampling: Resampling,
) -> Vec<Subset> {
    let (predictions, classes) = parts(rows, sets);
    let mut found = Vec::new();
    for (by, parts) in [("prediction", predictions), ("class", classes)] {
        if parts.len() > 1 {
            let one = |(value, part)| subset(contest, by, value, &part, resampling);
            found.extend(parts.into_iter().filter_map(one));
        }
    }
    found
}

/// Pictures by prediction, and by class in the order of their indices.
fn parts<'r>(rows: &'r [Row], sets: &Sets) -> (Parts<'r>, Parts<'r>) {
    let mut predictions: BTreeMap<&str, Part<'_>> = BTreeMap::new();
    let mut classes: BTreeMap<u64, Part<'_>> = BTreeMap::new();
    for row in rows {
        if let Some(right) = row.right {
            let value = if right { "right" } else { "wrong" };
            predictions.entry(value).or_default().insert(&row.image);
        }
        let one = || row.label.or(row.predicted).into_iter().collect();
        for class in sets.get(&row.image).cloned().unwrap_or_else(one) {
            classes.entry(class).or_default().insert(&row.image);
        }
    }
    let predictions = predictions.into_iter().map(|(value, part)| (value.to_owned(), part));
    let classes = classes.into_iter().map(|(class, part)| (class.to_string(), part));
    (predictions.collect(), classes.collect())
}

fn subset(
    contest: &Contest,
    by: &'static str,
    value: String,
    part: &Part<'_>,
    resampling: Resampling,
) -> Option<Subset> {
    let inside = |i: &usize| part.contains(contest.images[*i].as_str());
    let rows: Vec<usize> = (0..contest.images.len()).filter(inside).collect();
    let means = contest.means.select(Axis(0), &rows);
    let higher = contest.direction == Direction::Higher;
    let standing = standing(&means.view(), higher, resampling)?;
    Some(Subset { by, value, images: rows.len(), standing })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cells::group,
        demo,
        eval::{metric::Aopc, order::Order},
    };

    #[test]
    fn pictures_are_parted_by_prediction_and_class() {
        let mut rows = demo::records(9, 1, 10);
        for row in &mut rows {
            let n: u64 = row.image[4..8].parse().unwrap();
            (row.label, row.right) = (Some(n % 3), Some(n != 4));
        }
        let resampling = Resampling { count: 100, ..Resampling::default() };
        let groups = group(&rows).unwrap();
        let contest = Contest::new(&groups[0], "aopc", &Aopc(Order::Morf), resampling).unwrap();
        let found = subsets(&rows, &Sets::new(), &contest, resampling);
        let sizes: Vec<_> = found.iter().map(|s| (s.by, s.value.as_str(), s.images)).collect();
        let expected = [
            ("prediction", "right", 8),
            ("prediction", "wrong", 1),
            ("class", "0", 3),
            ("class", "1", 3),
            ("class", "2", 3),
        ];
        assert_eq!(sizes, expected);
        // a picture of class 0 that shows class 5, too
        let sets = Sets::from([("val/0003.png".to_owned(), vec![0, 5])]);
        let with_sets = subsets(&rows, &sets, &contest, resampling);
        let sizes: Vec<_> = with_sets.iter().map(|s| (s.value.as_str(), s.images)).collect();
        assert_eq!(sizes[2..], [("0", 3), ("1", 3), ("2", 3), ("5", 1)]);
        // the same as a contest on the records of these pictures alone
        let class = |row: &Row| row.label == Some(1);
        let alone: Vec<Row> = rows.iter().filter(|r| class(r)).cloned().collect();
        let groups = group(&alone).unwrap();
        let alone = Contest::new(&groups[0], "aopc", &Aopc(Order::Morf), resampling).unwrap();
        let names: Vec<&String> =
            found[3].standing.order.iter().map(|&j| &contest.methods[j]).collect();
        assert_eq!(names, alone.methods.iter().collect::<Vec<_>>());
        for (&j, estimate) in found[3].standing.order.iter().zip(&alone.comparison.estimates) {
            assert_eq!(found[3].standing.estimates[j], *estimate);
        }
    }
}
