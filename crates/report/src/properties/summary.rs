//! One line per method.

use crate::{
    columns,
    curves::Heading,
    eval::stats::quantile::median,
    explain::labels::labels,
    naming::Names,
    run::properties::{Measured, PropertyRow},
    table::{Sheet, TableError},
};
use std::path::Path;

/// The columns of the table.
fn sheet(names: &Names) -> Sheet<'_, MethodRow> {
    columns::method(Sheet::default(), names, |r: &MethodRow| &r.method)
        .whole("images", "pictures that were explained", |r| Some(r.images as u64))
        .whole("failed", "pictures on which the method failed", |r| Some(r.failed as u64))
        .number(
            "ratio",
            "median of the sum of relevance / what was handed back, 1 where it is conserved",
            |r| r.ratio,
        )
        .number("bias_share", "median share of the relevance that biases absorb", |r| r.bias)
        .number(
            "lost_share",
            "median share that gets lost elsewhere; negative where it is gained",
            |r| r.lost,
        )
        .number("negative_share", "median share of negative relevance", |r| r.negative)
        .number("conserving", "share of pictures on which the sum is conserved within 1e-3", |r| {
            r.conserving
        })
        .number("positive", "share of pictures with at most 1e-3 of negative relevance", |r| {
            r.positive
        })
        .number(
            "consistent",
            "share of pictures on which both hold, of those with a positive score",
            |r| r.consistent,
        )
        .number(
            "selectivity",
            "median rank correlation with the map of the runner-up; 1 is class-blind",
            |r| r.selectivity,
        )
        .number(
            "largest_size",
            "median of the largest sum of absolute relevance at any layer / |start|",
            |r| r.largest,
        )
        .number("largest_size_max", "the same, largest over pictures", |r| r.largest_max)
}

/// One method over all pictures. Medians and shares are `None` without pictures that have the value.
#[derive(Clone, Debug, PartialEq)]
pub struct MethodRow {
    /// Canonical name.
    pub method: String,
    /// Pictures explained.
    pub images: usize,
    /// Pictures on which it failed.
    pub failed: usize,
    /// Median sum of relevance over what was handed back.
    pub ratio: Option<f64>,
    /// Median share absorbed by biases.
    pub bias: Option<f64>,
    /// Median share lost elsewhere.
    pub lost: Option<f64>,
    /// Median negative share.
    pub negative: Option<f64>,
    /// Share of conserving maps.
    pub conserving: Option<f64>,
    /// Share of positive maps.
    pub positive: Option<f64>,
    /// Share of consistent maps.
    pub consistent: Option<f64>,
    /// Median rank correlation with the runner-up's map.
    pub selectivity: Option<f64>,
    /// Median of the largest size at any layer.
    pub largest: Option<f64>,
    /// Largest of these.
    pub largest_max: Option<f64>,
}

/// All methods, in the order they were named.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// One row per method.
    pub rows: Vec<MethodRow>,
}

impl Summary {
    /// Collects what was measured.
    pub fn of(measured: &Measured) -> Summary {
        let mut names: Vec<&str> = Vec::new();
        for row in &measured.rows {
            if !names.contains(&&row.method[..]) {
                names.push(&row.method);
            }
        }
        let rows = names.into_iter().map(|name| {
            let own: Vec<&PropertyRow> =
                measured.rows.iter().filter(|r| r.method == name).collect();
            method_row(name, &own)
        });
        Summary { rows: rows.collect() }
    }

    /// Writes `summary` as CSV and Parquet into a folder.
    pub fn write(&self, folder: &Path, heading: &Heading) -> Result<(), TableError> {
        let names = Names::of(self.rows.iter().map(|r| &r.method[..]));
        let sheet = sheet(&names).about("model", &heading.model).about("data", &heading.data);
        sheet.write(folder, "summary", &self.rows)
    }

    /// The cells of a table for a terminal, headings first.
    pub fn lines(&self) -> Vec<Vec<String>> {
        let heads = [
            "method",
            "sum",
            "bias",
            "lost",
            "negative",
            "consistent",
            "selectivity",
            "largest",
            "images",
        ];
        let names: Vec<&str> = self.rows.iter().map(|r| &r.method[..]).collect();
        let line = |(row, name): (&MethodRow, String)| {
            let percent =
                |v: Option<f64>| v.map_or("-".to_owned(), |v| format!("{:.0} %", 100.0 * v));
            vec![
                name,
                short(row.ratio),
                short(row.bias),
                short(row.lost),
                percent(row.negative),
                percent(row.consistent),
                short(row.selectivity),
                short(row.largest),
                row.images.to_string(),
            ]
        };
        let rows = self.rows.iter().zip(labels(&names)).map(line);
        std::iter::once(heads.map(str::to_owned).to_vec()).chain(rows).collect()
    }
}

/// A number in few characters; what is undefined is a dash.
fn short(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(v) if v.abs() >= 1e4 => format!("{v:.1e}"),
        // no minus sign before zeros
        Some(v) if v.abs() < 5e-4 => "0.000".to_owned(),
        Some(v) => format!("{v:.3}"),
    }
}

fn method_row(name: &str, rows: &[&PropertyRow]) -> MethodRow {
    let found: Vec<&PropertyRow> = rows.iter().filter(|r| r.reason.is_none()).copied().collect();
    let middle =
        |of: fn(&PropertyRow) -> Option<f64>| median(found.iter().filter_map(|row| of(row)));
    let share = |of: fn(&PropertyRow) -> Option<bool>| {
        let known: Vec<bool> = found.iter().filter_map(|row| of(row)).collect();
        let yes = known.iter().filter(|v| **v).count();
        (!known.is_empty()).then(|| yes as f64 / known.len() as f64)
    };
    MethodRow {
        method: name.to_owned(),
        images: found.len(),
        failed: rows.len() - found.len(),
        ratio: middle(|r| r.ratio),
        bias: middle(|r| r.bias_share.filter(|v| v.is_finite())),
        lost: middle(|r| r.lost_share.filter(|v| v.is_finite())),
        negative: middle(|r| r.negative_share),
        conserving: share(|r| r.conserving),
        positive: share(|r| r.positive),
        consistent: share(|r| r.consistent),
        selectivity: middle(|r| r.selectivity),
        largest: middle(|r| r.largest_size),
        largest_max: found.iter().filter_map(|r| r.largest_size).reduce(f64::max),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row of a method that hands back `start`, of which the input gets `sum` and biases the rest.
    fn row(image: &str, start: f64, sum: f64) -> PropertyRow {
        let ratio = (start != 0.0).then(|| sum / start);
        let conserving = ratio.map(|ratio| (ratio - 1.0).abs() <= 1e-3);
        PropertyRow {
            image: image.to_owned(),
            method: "lrp-zero".to_owned(),
            target: 0,
            runner_up: None,
            score: 1.0,
            start: Some(start),
            relevance_sum: Some(sum),
            relevance_size: Some(sum.abs()),
            ratio,
            negative_share: Some(0.0),
            conserving,
            positive: Some(true),
            consistent: conserving.filter(|_| start > 0.0),
            bias_share: ratio.map(|ratio| 1.0 - ratio),
            lost_share: ratio.map(|_| 0.0),
            largest_size: ratio.map(f64::abs),
            selectivity: None,
            reason: None,
        }
    }

    #[test]
    fn medians_are_over_pictures_that_have_the_value_and_failures_are_counted() {
        let failed = PropertyRow {
            ratio: None,
            conserving: None,
            reason: Some("no".to_owned()),
            ..row("e", 1.0, 1.0)
        };
        let rows = vec![
            row("a", 2.0, 2.0),
            row("b", 4.0, 3.0),
            row("c", -4.0, -4.0),
            row("d", 0.0, 1.0),
            failed,
        ];
        let summary = Summary::of(&Measured { rows, ..Measured::default() });
        let [row] = &summary.rows[..] else { panic!("one method") };
        assert_eq!((row.images, row.failed), (4, 1));
        assert_eq!((row.ratio, row.bias), (Some(1.0), Some(0.0)));
        // of the two with a positive score one is conserving
        assert_eq!((row.consistent, row.conserving), (Some(0.5), Some(2.0 / 3.0)));
        assert_eq!(row.selectivity, None);
        let cells = &summary.lines()[1];
        assert_eq!(cells[..2], ["lrp-zero", "1.000"]);
        assert_eq!(cells[6], "-");
        let names = Names::default();
        let sheet = sheet(&names);
        let noted = |name: &str| sheet.notes().contains_key(&format!("column {name}"));
        assert!(sheet.names().all(noted), "every column has its note");
    }

    #[test]
    fn numbers_are_short_and_zeros_have_no_sign() {
        let values = [None, Some(-1e-9), Some(0.12345), Some(1.5e10)];
        assert_eq!(values.map(short), ["-", "0.000", "0.123", "1.5e10"]);
    }
}
