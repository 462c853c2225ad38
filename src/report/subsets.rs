//! The ranking on parts of the pictures: predicted right or wrong, and class by class.

use super::{cells::Group, contest::Contest, rank::Chosen};
use crate::{eval::stats::Resampling, run::record::Row};
use std::collections::{BTreeMap, BTreeSet};

/// A part of the pictures with its ranking.
#[derive(Debug)]
pub struct Subset {
    /// What the pictures were parted by: `prediction` or `class`.
    pub by: &'static str,
    /// `right` or `wrong`, or the index of the class.
    pub value: String,
    /// The ranking on these pictures.
    pub contest: Contest,
}

/// The ranking of a group on pictures predicted right and wrong, and on those of each class (the
/// label where it is known, else the prediction), where there is more than one.
pub(super) fn subsets(
    rows: &[Row],
    group: &Group<'_>,
    chosen: &Chosen<'_>,
    resampling: Resampling,
) -> Vec<Subset> {
    let mut predictions: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let mut classes: BTreeMap<u64, BTreeSet<&str>> = BTreeMap::new();
    for row in rows {
        if let (Some(label), Some(predicted)) = (row.label, row.predicted) {
            let value = if label == predicted { "right" } else { "wrong" };
            predictions.entry(value.to_owned()).or_default().insert(&row.image);
        }
        if let Some(class) = row.label.or(row.predicted) {
            classes.entry(class).or_default().insert(&row.image);
        }
    }
    let classes = classes.into_iter().map(|(class, images)| (class.to_string(), images)).collect();
    let mut found = Vec::new();
    for (by, parts) in [("prediction", predictions.into_iter().collect()), ("class", classes)] {
        let parts: Vec<(String, BTreeSet<&str>)> = parts;
        if parts.len() < 2 {
            continue;
        }
        found.extend(parts.into_iter().filter_map(|(value, images)| {
            let only = Some(&images);
            let contest = Contest::new(group, chosen.name, chosen.metric, only, resampling)?;
            Some(Subset { by, value, contest })
        }));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        eval::{metric::Aopc, order::Order},
        report::{cells::group, demo},
    };

    #[test]
    fn pictures_are_parted_by_prediction_and_class() {
        let mut rows = demo::records(9, 1, 10);
        for row in &mut rows {
            let n: u64 = row.image[4..8].parse().unwrap();
            (row.label, row.predicted) = (Some(n % 3), Some(if n == 4 { 9 } else { n % 3 }));
        }
        let groups = group(&rows).unwrap();
        let chosen = Chosen { name: "aopc", metric: &Aopc(Order::Morf) };
        let resampling = Resampling { count: 100, ..Resampling::default() };
        let found = subsets(&rows, &groups[0], &chosen, resampling);
        let sizes: Vec<_> =
            found.iter().map(|s| (s.by, s.value.as_str(), s.contest.images.len())).collect();
        let expected = [
            ("prediction", "right", 8),
            ("prediction", "wrong", 1),
            ("class", "0", 3),
            ("class", "1", 3),
            ("class", "2", 3),
        ];
        assert_eq!(sizes, expected);
    }
}
