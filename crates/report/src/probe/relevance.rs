//! Where the positive relevance lies: on the object, and on other annotated classes.

use super::About;
use crate::{
    eval::stats::{Estimate, Resampling, estimate},
    run::probe::Share,
    table::{Sheet, TableError},
};
use std::{collections::BTreeMap, path::Path};

/// A method on the pictures of a class, and the objects of a class in them.
#[derive(Clone, Debug, PartialEq)]
pub struct RelevanceRow {
    /// Canonical name of the method.
    pub method: String,
    /// The explained class; `None` for all.
    pub target: Option<u64>,
    /// The class of the objects; the same as the explained one for the object itself, `None` for all.
    pub class: Option<u64>,
    /// Mean share of the positive relevance that is on them.
    pub share: Option<Estimate>,
    /// Mean share of the pixels that they have.
    pub area: Option<f64>,
    /// Pictures without a share.
    pub undefined: usize,
}

/// Method, explained class and class of the objects.
type Key<'a> = (&'a str, Option<u64>, Option<u64>);

/// By method, explained class and class of the objects; for the object itself all classes together first.
pub(super) fn rows(shares: &[Share]) -> Vec<RelevanceRow> {
    let mut groups: BTreeMap<Key<'_>, Vec<&Share>> = BTreeMap::new();
    for share in shares {
        let (target, class) = (Some(share.target), Some(share.class));
        groups.entry((&share.method, target, class)).or_default().push(share);
        if share.target == share.class {
            groups.entry((&share.method, None, None)).or_default().push(share);
        }
    }
    let row = |((method, target, class), shares): (Key<'_>, Vec<&Share>)| {
        let values: Vec<f64> = shares.iter().filter_map(|share| share.relevance).collect();
        let known = shares.iter().filter(|share| share.relevance.is_some());
        let areas: Vec<f64> = known.filter_map(|share| share.area).collect();
        RelevanceRow {
            method: method.to_owned(),
            target,
            class,
            share: estimate(&values, Resampling::default()),
            area: (!areas.is_empty()).then(|| areas.iter().sum::<f64>() / areas.len() as f64),
            undefined: shares.len() - values.len(),
        }
    };
    groups.into_iter().map(row).collect()
}

type Named<'a> = (&'a RelevanceRow, String, String);

/// The columns of the table.
pub(crate) fn sheet<'a>() -> Sheet<'a, Named<'a>> {
    Sheet::default()
        .text("method", "canonical name, with all parameters", |r: &Named<'a>| Some(&r.0.method))
        .text("target", "explained class, or all", |r| Some(&r.1))
        .text(
            "class",
            "class of the annotated objects; `object` for those of the explained class",
            |r| Some(&r.2),
        )
        .whole("pictures", "pictures with a share", |r| r.0.share.map(|s| s.n as u64))
        .number("relevance", "mean share of the positive relevance that is on the objects", |r| {
            r.0.share.map(|s| s.mean)
        })
        .number("relevance_lo", "lower end of its 95 % bootstrap interval", |r| {
            r.0.share.and_then(|s| s.lo())
        })
        .number("relevance_hi", "upper end", |r| r.0.share.and_then(|s| s.hi()))
        .number("area", "mean share of the pixels of these pictures that are the objects", |r| {
            r.0.area
        })
        .whole("undefined", "pictures without a share", |r| Some(r.0.undefined as u64))
}

/// A row with the names of its classes.
pub(super) fn named<'a>(row: &'a RelevanceRow, about: &About) -> Named<'a> {
    let target = row.target.map_or_else(|| "all".to_owned(), |class| about.class(class));
    let class = match row.class {
        Some(class) if row.target != row.class => about.class(class),
        _ => "object".to_owned(),
    };
    (row, target, class)
}

/// Writes `relevance` as CSV and Parquet.
pub(super) fn write(folder: &Path, rows: &[RelevanceRow], about: &About) -> Result<(), TableError> {
    let rows: Vec<Named<'_>> = rows.iter().map(|row| named(row, about)).collect();
    sheet().about("model", &about.model).about("data", &about.data).write(
        folder,
        "relevance",
        &rows,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_object_comes_over_all_classes_and_others_by_their_own() {
        let share = |image: &str, target, class, relevance| Share {
            image: image.to_owned(),
            method: "gradient".to_owned(),
            target,
            class,
            area: Some(0.5),
            relevance,
            failed: false,
            reason: None,
        };
        let found = rows(&[
            share("a", 0, 0, Some(0.25)),
            share("a", 0, 7, Some(0.5)),
            share("b", 1, 1, Some(0.75)),
            share("c", 1, 1, None),
        ]);
        let about = About::default();
        let cells: Vec<String> = found
            .iter()
            .map(|row| {
                let (row, target, class) = named(row, &about);
                format!("{target}, {class}: {:?}, {}", row.share.map(|s| s.mean), row.undefined)
            })
            .collect();
        assert_eq!(
            cells,
            [
                "all, object: Some(0.5), 1",
                "class 0, object: Some(0.25), 0",
                "class 0, class 7: Some(0.5), 0",
                "class 1, object: Some(0.75), 1"
            ]
        );
    }
}
