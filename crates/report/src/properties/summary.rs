//! One line per method.

use crate::{
    eval::stats::quantile::median,
    labels::labels,
    run::properties::{Found, Measured, Row},
    table::{Column, Table},
};

/// What the columns mean.
pub(super) const NOTES: &[(&str, &str)] = &[
    ("method", "canonical name, with all parameters"),
    ("images", "pictures that were explained"),
    ("failed", "pictures on which the method failed"),
    ("ratio", "median of the sum of relevance / what was handed back, 1 where it is conserved"),
    ("bias_share", "median share of the relevance that biases absorb"),
    ("lost_share", "median share that gets lost elsewhere; negative where it is gained"),
    ("negative_share", "median share of negative relevance"),
    ("conserving", "share of pictures on which the sum is conserved within 1e-3"),
    ("positive", "share of pictures with at most 1e-3 of negative relevance"),
    ("consistent", "share of pictures on which both hold, of those with a positive score"),
    ("selectivity", "median rank correlation with the map of the runner-up; 1 is class-blind"),
    ("largest_size", "median of the largest sum of absolute relevance at any layer / |start|"),
    ("largest_size_max", "the same, largest over pictures"),
];

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
            let own: Vec<&Row> = measured.rows.iter().filter(|r| r.method == name).collect();
            method_row(name, &own)
        });
        Summary { rows: rows.collect() }
    }

    /// As a table.
    pub fn table(&self) -> Table {
        let mut t = Table::default();
        let methods = self.rows.iter().map(|r| Some(r.method.clone())).collect();
        t.push("method", Column::Text(methods));
        let whole = |of: fn(&MethodRow) -> usize| {
            Column::Integer(self.rows.iter().map(|r| Some(of(r) as u64)).collect())
        };
        t.push("images", whole(|r| r.images));
        t.push("failed", whole(|r| r.failed));
        let number =
            |of: fn(&MethodRow) -> Option<f64>| Column::Float(self.rows.iter().map(of).collect());
        t.push("ratio", number(|r| r.ratio));
        t.push("bias_share", number(|r| r.bias));
        t.push("lost_share", number(|r| r.lost));
        t.push("negative_share", number(|r| r.negative));
        t.push("conserving", number(|r| r.conserving));
        t.push("positive", number(|r| r.positive));
        t.push("consistent", number(|r| r.consistent));
        t.push("selectivity", number(|r| r.selectivity));
        t.push("largest_size", number(|r| r.largest));
        t.push("largest_size_max", number(|r| r.largest_max));
        t
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

fn method_row(name: &str, rows: &[&Row]) -> MethodRow {
    let found: Vec<&Found> = rows.iter().filter_map(|r| r.found.as_ref().ok()).collect();
    let middle = |of: &dyn Fn(&Found) -> Option<f64>| median(found.iter().filter_map(|f| of(f)));
    let share = |of: fn(&Found) -> Option<bool>| {
        let known: Vec<bool> = found.iter().filter_map(|f| of(f)).collect();
        let yes = known.iter().filter(|v| **v).count();
        (!known.is_empty()).then(|| yes as f64 / known.len() as f64)
    };
    let part = |value: Option<f64>, f: &Found| Some(value? / f.start).filter(|v| v.is_finite());
    MethodRow {
        method: name.to_owned(),
        images: found.len(),
        failed: rows.len() - found.len(),
        ratio: middle(&Found::ratio),
        bias: middle(&|f| part(f.to_bias, f)),
        lost: middle(&|f| part(f.lost, f)),
        negative: middle(&|f| f.negative),
        conserving: share(Found::conserving),
        positive: share(Found::positive),
        consistent: share(Found::consistent),
        selectivity: middle(&|f| f.selectivity),
        largest: middle(&Found::largest),
        largest_max: found.iter().filter_map(|f| f.largest()).reduce(f64::max),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(start: f64, sum: f64) -> Found {
        Found {
            start,
            sum,
            size: sum.abs(),
            negative: Some(0.0),
            to_bias: Some(start - sum),
            lost: Some(0.0),
            selectivity: None,
            layers: vec![],
        }
    }

    #[test]
    fn medians_are_over_pictures_that_have_the_value_and_failures_are_counted() {
        let row = |image: &str, found: Result<Found, String>| Row {
            image: image.to_owned(),
            method: "lrp-zero".to_owned(),
            target: 0,
            runner_up: None,
            score: 1.0,
            found,
        };
        let rows = vec![
            row("a", Ok(found(2.0, 2.0))),
            row("b", Ok(found(4.0, 3.0))),
            row("c", Ok(found(-4.0, -4.0))),
            row("d", Ok(found(0.0, 1.0))),
            row("e", Err("no".to_owned())),
        ];
        let summary = Summary::of(&Measured { rows, sweeps: vec![], skipped: vec![] });
        let [row] = &summary.rows[..] else { panic!("one method") };
        assert_eq!((row.images, row.failed), (4, 1));
        assert_eq!((row.ratio, row.bias), (Some(1.0), Some(0.0)));
        // of the two with a positive score one is conserving
        assert_eq!((row.consistent, row.conserving), (Some(0.5), Some(2.0 / 3.0)));
        assert_eq!(row.selectivity, None);
        let cells = &summary.lines()[1];
        assert_eq!(cells[..2], ["lrp-zero", "1.000"]);
        assert_eq!(cells[6], "-");
        let columns: Vec<&str> = NOTES.iter().map(|(name, _)| *name).collect();
        let table = summary.table();
        let names: Vec<&str> = table.schema().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, columns, "every column has its note");
    }

    #[test]
    fn numbers_are_short_and_zeros_have_no_sign() {
        let values = [None, Some(-1e-9), Some(0.12345), Some(1.5e10)];
        assert_eq!(values.map(short), ["-", "0.000", "0.123", "1.5e10"]);
    }
}
