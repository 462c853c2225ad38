//! Metrics of heat maps, summarised over pictures.

use super::{labels::labels, ranking::align};
use crate::{
    eval::{
        metric::Direction,
        stats::{Estimate, Resampling, estimate},
    },
    run::measure::Measure,
    table::{Column, Table},
};
use rayon::prelude::*;
use std::{cmp::Ordering, collections::BTreeMap};

/// One metric of one method.
#[derive(Clone, Debug, PartialEq)]
pub struct MapRow {
    /// Canonical name of the metric.
    pub metric: String,
    /// Which way it is better.
    pub direction: String,
    /// Canonical name of the method.
    pub method: String,
    /// Over the pictures on which it is defined; `None` when it is on none.
    pub estimate: Option<Estimate>,
    /// Pictures on which it is not defined.
    pub undefined: usize,
}

/// Means with intervals, by metric, then best first, undefined ones last. A metric that is defined nowhere is left out.
pub fn summarise(measures: &[Measure], resampling: Resampling) -> Vec<MapRow> {
    let mut found: BTreeMap<(&str, &str, &str), Vec<Option<f64>>> = BTreeMap::new();
    for m in measures {
        found.entry((&m.metric, &m.direction, &m.method)).or_default().push(m.value);
    }
    let row = |((metric, direction, method), values): ((&str, &str, &str), Vec<Option<f64>>)| {
        let known: Vec<f64> = values.iter().flatten().copied().collect();
        MapRow {
            metric: metric.to_owned(),
            direction: direction.to_owned(),
            method: method.to_owned(),
            undefined: values.len() - known.len(),
            estimate: estimate(&known, resampling),
        }
    };
    let mut rows: Vec<MapRow> = found.into_par_iter().map(row).collect();
    rows.sort_by(|a, b| a.metric.cmp(&b.metric).then_with(|| better(a, b)));
    let defined: Vec<String> =
        rows.iter().filter(|r| r.estimate.is_some()).map(|r| r.metric.clone()).collect();
    rows.into_iter().filter(|r| defined.contains(&r.metric)).collect()
}

/// The better mean first.
fn better(a: &MapRow, b: &MapRow) -> Ordering {
    let sign = if a.direction == Direction::Higher.name() { -1.0 } else { 1.0 };
    match (a.estimate, b.estimate) {
        (Some(x), Some(y)) => (sign * x.mean).total_cmp(&(sign * y.mean)),
        (x, y) => y.is_some().cmp(&x.is_some()),
    }
}

/// As a table.
pub fn table(rows: &[MapRow]) -> Table {
    let text = |of: fn(&MapRow) -> &String| {
        Column::Text(rows.iter().map(|r| Some(of(r).clone())).collect())
    };
    let number = |of: fn(&Estimate) -> Option<f64>| {
        Column::Float(rows.iter().map(|r| r.estimate.as_ref().and_then(of)).collect())
    };
    let whole = |of: fn(&MapRow) -> usize| {
        Column::Integer(rows.iter().map(|r| Some(of(r) as u64)).collect())
    };
    let mut t = Table::default();
    t.push("metric", text(|r| &r.metric));
    t.push("direction", text(|r| &r.direction));
    t.push("method", text(|r| &r.method));
    t.push("images", whole(|r| r.estimate.map_or(0, |e| e.n)));
    t.push("images_undefined", whole(|r| r.undefined));
    t.push("mean", number(|e| Some(e.mean)));
    t.push("stderr", number(|e| e.stderr));
    t.push("lo", number(Estimate::lo));
    t.push("hi", number(Estimate::hi));
    t
}

/// As text: methods against metrics, with an arrow for the better direction.
pub fn text(rows: &[MapRow]) -> String {
    let mut by_metric: BTreeMap<&str, Vec<&MapRow>> = BTreeMap::new();
    rows.iter().for_each(|row| by_metric.entry(&row.metric).or_default().push(row));
    let part = |(metric, rows): (&str, Vec<&MapRow>)| {
        let better = &rows[0].direction;
        let names: Vec<&str> = rows.iter().map(|r| r.method.as_str()).collect();
        let mut cells = vec![["mean", "method", "95 % interval"].map(str::to_owned)];
        cells.extend(rows.iter().zip(labels(&names)).map(|(row, label)| {
            let mean = row.estimate.map_or("-".to_owned(), |e| format!("{:.4}", e.mean));
            let interval = row.estimate.and_then(|e| e.bca);
            let interval =
                interval.map_or("-".to_owned(), |i| format!("[{:.4}, {:.4}]", i.lo, i.hi));
            [mean, label, interval]
        }));
        format!("\n{metric}: {better} is better\n{}", align(&cells, 1))
    };
    by_metric.into_iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undefined_values_are_counted_and_not_averaged() {
        let row = |method: &str, value: Option<f64>| Measure {
            image: "a".to_owned(),
            method: method.to_owned(),
            metric: "sparseness".to_owned(),
            direction: "higher".to_owned(),
            value,
        };
        let nowhere = Measure { metric: "iou".to_owned(), ..row("gradient", None) };
        let rows = [
            row("gradient", Some(0.5)),
            row("gradient", None),
            row("gradient", Some(0.7)),
            row("random", None),
            nowhere,
        ];
        let found = summarise(&rows, Resampling::default());
        assert_eq!(found.len(), 2);
        assert!((found[0].estimate.unwrap().mean - 0.6).abs() < 1e-15);
        assert_eq!((found[0].undefined, found[1].estimate), (1, None));
        insta::assert_snapshot!(text(&found));
        assert_eq!(table(&found).rows(), 2);
    }
}
