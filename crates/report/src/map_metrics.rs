//! Metrics of heat maps, summarised over pictures.

use super::{cells::common, columns, naming::Names, ranking::align};
use crate::{
    eval::{
        metric::Direction,
        stats::{Estimate, Resampling, estimate, quantile::median},
    },
    explain::labels::labels,
    run::measure::Measure,
    table::{Sheet, Table},
};
use rayon::prelude::*;
use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

/// One metric of one method.
#[derive(Clone, Debug, PartialEq)]
pub struct MapRow {
    /// Canonical name of the metric.
    pub metric: String,
    /// Which way it is better.
    pub direction: String,
    /// Canonical name of the method.
    pub method: String,
    /// Over the pictures on which it is defined for all methods that have it at all; `None` when there
    /// are none.
    pub estimate: Option<Estimate>,
    /// Median over the same pictures: some metrics have no bound, so that a few pictures can make a mean.
    pub median: Option<f64>,
    /// Pictures on which it is not defined for this method.
    pub undefined: usize,
}

/// All that is to be said about metrics of heat maps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Maps {
    /// Means with intervals, by metric, then best first, undefined ones last.
    pub rows: Vec<MapRow>,
    /// Metrics without a value on any picture.
    pub undefined: Vec<String>,
    /// Metrics that have values, but on no picture for all methods, so that there is nothing to compare.
    pub apart: Vec<String>,
    /// By metric: why it is not defined, and how many values are missing for that, most first.
    pub reasons: BTreeMap<String, Vec<(String, usize)>>,
}

/// Values of one metric: by method, then by picture.
type ByMethod<'a> = BTreeMap<&'a str, BTreeMap<&'a str, Option<f64>>>;

impl Maps {
    /// Summarises these values and names the metrics that have no mean.
    pub fn of(measures: &[Measure], resampling: Resampling) -> Maps {
        let mut found: BTreeMap<(&str, &str), ByMethod<'_>> = BTreeMap::new();
        for m in measures {
            let methods = found.entry((&m.metric, &m.direction)).or_default();
            methods.entry(&m.method).or_default().insert(&m.image, m.value);
        }
        let each: Vec<_> = found
            .into_par_iter()
            .map(|((metric, direction), methods)| {
                let known = methods.values().flat_map(BTreeMap::values).any(Option::is_some);
                (metric, known, rows_of(metric, direction, &methods, resampling))
            })
            .collect();
        let mut maps = Maps { reasons: reasons(measures), ..Maps::default() };
        for (metric, known, rows) in each {
            if rows.iter().any(|row| row.estimate.is_some()) {
                maps.rows.extend(rows);
            } else {
                let nothing = if known { &mut maps.apart } else { &mut maps.undefined };
                nothing.push(metric.to_owned());
            }
        }
        maps
    }
}

/// Why values are missing, by metric.
fn reasons(measures: &[Measure]) -> BTreeMap<String, Vec<(String, usize)>> {
    let mut counts: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for m in measures.iter().filter(|m| m.value.is_none()) {
        let reason = m.reason.as_deref().unwrap_or("unknown reason");
        *counts.entry(&m.metric).or_default().entry(reason).or_default() += 1;
    }
    let sorted = |found: BTreeMap<&str, usize>| {
        let mut found: Vec<(String, usize)> =
            found.into_iter().map(|(reason, count)| (reason.to_owned(), count)).collect();
        found.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        found
    };
    counts.into_iter().map(|(metric, found)| (metric.to_owned(), sorted(found))).collect()
}

/// The methods by one metric, best first.
fn rows_of(
    metric: &str,
    direction: &str,
    methods: &ByMethod<'_>,
    resampling: Resampling,
) -> Vec<MapRow> {
    let compared = compared(methods, resampling);
    let rows =
        compared.into_iter().map(|Compared { method, undefined, estimate, median }| MapRow {
            metric: metric.to_owned(),
            direction: direction.to_owned(),
            method: method.to_owned(),
            estimate,
            median,
            undefined,
        });
    let mut rows: Vec<MapRow> = rows.collect();
    rows.sort_by(better);
    rows
}

/// A method by one metric.
struct Compared<'a> {
    method: &'a str,
    /// Pictures on which it has no value.
    undefined: usize,
    /// Over the pictures on which all have a value.
    estimate: Option<Estimate>,
    /// Over the same.
    median: Option<f64>,
}

fn compared<'a>(methods: &ByMethod<'a>, resampling: Resampling) -> Vec<Compared<'a>> {
    let images: BTreeSet<&str> = methods.values().flat_map(|v| v.keys().copied()).collect();
    let values: Vec<Vec<Option<f64>>> = methods
        .values()
        .map(|of| images.iter().map(|image| of.get(image).copied().flatten()).collect())
        .collect();
    let common = common(&values);
    let one = |(method, values): (&&'a str, &Vec<Option<f64>>)| {
        let known: Vec<f64> = common.iter().filter_map(|i| values[*i]).collect();
        let undefined = methods[method].values().filter(|v| v.is_none()).count();
        let (estimate, median) = (estimate(&known, resampling), median(known));
        Compared { method, undefined, estimate, median }
    };
    methods.keys().zip(&values).map(one).collect()
}

/// The better mean first.
fn better(a: &MapRow, b: &MapRow) -> Ordering {
    let sign = if a.direction == Direction::Higher.name() { -1.0 } else { 1.0 };
    match (a.estimate, b.estimate) {
        (Some(x), Some(y)) => (sign * x.mean).total_cmp(&(sign * y.mean)),
        (x, y) => y.is_some().cmp(&x.is_some()),
    }
}

/// The columns of the table.
fn sheet(names: &Names) -> Sheet<'_, MapRow> {
    let sheet = Sheet::default().text("metric", "", |r: &MapRow| Some(&r.metric)).text(
        "direction",
        "",
        |r| Some(&r.direction),
    );
    columns::method(sheet, names, |r| &r.method)
        .whole("images", "", |r| Some(r.estimate.map_or(0, |e| e.n as u64)))
        .whole("images_undefined", "", |r| Some(r.undefined as u64))
        .number("mean", "", |r| Some(r.estimate?.mean))
        .number("median", "", |r| r.median)
        .number("stderr", "", |r| r.estimate?.stderr)
        .number("lo", "", |r| r.estimate?.lo())
        .number("hi", "", |r| r.estimate?.hi())
}

impl Maps {
    fn names(&self) -> Names {
        Names::of(self.rows.iter().map(|r| &r.method[..]))
    }

    /// As a table, one row per metric and method.
    pub fn table(&self) -> Table {
        sheet(&self.names()).table(&self.rows)
    }

    /// As text: a table per metric, and the metrics that have no mean.
    pub fn text(&self) -> String {
        let tables = self.rows.chunk_by(|a, b| a.metric == b.metric).map(|rows| {
            let why = self.reasons.get(&rows[0].metric);
            table_of(rows) + &why.map_or_else(String::new, |why| reasons_in_words(why))
        });
        let without = |metrics: &[String], why: &str| match metrics {
            [] => String::new(),
            some => format!("\n{}: {why}\n", some.join(", ")),
        };
        let undefined = self.undefined.iter().map(|metric| {
            let why = self.reasons.get(metric).and_then(|why| why.first());
            let why = why.map_or_else(String::new, |(reason, _)| format!(" ({reason})"));
            format!("\n{metric}: not defined on any picture{why}\n")
        });
        let undefined: String = undefined.collect();
        let apart = without(
            &self.apart,
            "not defined on any picture for all methods, so there is nothing to compare",
        );
        tables.chain([undefined, apart]).collect()
    }
}

/// The methods by one metric, as text.
fn table_of(rows: &[MapRow]) -> String {
    let (metric, better) = (&rows[0].metric, &rows[0].direction);
    let names: Vec<&str> = rows.iter().map(|r| r.method.as_str()).collect();
    let mut cells = vec![["mean", "method", "95 % interval", "median", ""].map(str::to_owned)];
    cells.extend(rows.iter().zip(labels(&names)).map(|(row, label)| {
        let mean = row.estimate.map_or("-".to_owned(), |e| format!("{:.4}", e.mean));
        let interval = row.estimate.and_then(|e| e.bca);
        let interval = interval.map_or("-".to_owned(), |i| format!("[{:.4}, {:.4}]", i.lo, i.hi));
        let lacking = match row.undefined {
            0 => String::new(),
            n => format!("{n} undefined"),
        };
        let median = row.median.map_or("-".to_owned(), |m| format!("{m:.4}"));
        [mean, label, interval, median, lacking]
    }));
    format!("\n{metric}: {better} is better\n{}", align(&cells, 1))
}

/// Why values are missing.
fn reasons_in_words(why: &[(String, usize)]) -> String {
    why.iter().fold(String::new(), |text, (reason, count)| {
        let values = if *count == 1 { "value" } else { "values" };
        format!("{text}  {count} {values} undefined: {reason}\n")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undefined_values_are_counted_and_not_averaged() {
        let of = |image: &str, method: &str, value: Option<f64>| Measure {
            image: image.to_owned(),
            method: method.to_owned(),
            metric: "sparseness".to_owned(),
            direction: "higher".to_owned(),
            reason: value.is_none().then(|| "all relevance is 0".to_owned()),
            value,
        };
        let nowhere = Measure {
            metric: "iou".to_owned(),
            reason: Some("no mask of the object is known".to_owned()),
            ..of("a", "gradient", None)
        };
        let rows = [
            of("a", "gradient", Some(0.5)),
            of("b", "gradient", None),
            of("c", "gradient", Some(0.7)),
            of("a", "random", None),
            nowhere,
        ];
        let maps = Maps::of(&rows, Resampling::default());
        let found = &maps.rows;
        assert_eq!(found.len(), 2);
        assert!((found[0].estimate.unwrap().mean - 0.6).abs() < 1e-15);
        assert_eq!((found[0].undefined, found[1].estimate), (1, None));
        insta::assert_snapshot!(maps.text());
        assert_eq!(maps.table().rows(), 2);
        assert_eq!(maps.undefined, ["iou"]);
        assert!(maps.apart.is_empty());
    }

    #[test]
    fn one_picture_can_make_a_mean_but_no_median() {
        let of = |image: usize, method: &str, value: f64| Measure {
            image: image.to_string(),
            method: method.to_owned(),
            metric: "irof:segments=100".to_owned(),
            direction: "higher".to_owned(),
            value: Some(value),
            reason: None,
        };
        let values = [0.5, 0.25, -999.0, 0.75, 0.5];
        let rows: Vec<Measure> =
            values.into_iter().enumerate().map(|(i, v)| of(i, "gradient", v)).collect();
        let maps = Maps::of(&rows, Resampling::default());
        assert!((maps.rows[0].estimate.unwrap().mean + 199.4).abs() < 1e-12);
        assert_eq!(maps.rows[0].median, Some(0.5));
        assert!(maps.text().contains("0.5000"), "{}", maps.text());
        assert!(maps.table().schema().iter().any(|(name, _)| *name == "median"));
    }

    #[test]
    fn a_metric_without_a_picture_in_common_is_not_called_undefined() {
        let of = |image: &str, method: &str| Measure {
            image: image.to_owned(),
            method: method.to_owned(),
            metric: "iou".to_owned(),
            direction: "higher".to_owned(),
            value: Some(0.5),
            reason: None,
        };
        let maps = Maps::of(&[of("a", "on"), of("b", "off")], Resampling::default());
        let apart = vec!["iou".to_owned()];
        assert_eq!(maps, Maps { apart, ..Maps::default() });
    }

    #[test]
    fn methods_are_compared_on_the_pictures_where_all_have_a_value() {
        let of = |image: &str, method: &str, value: Option<f64>| Measure {
            image: image.to_owned(),
            method: method.to_owned(),
            metric: "context-ratio".to_owned(),
            direction: "lower".to_owned(),
            value,
            reason: None,
        };
        // on the second picture all relevance of `off` lies beside the object: no ratio
        let rows = [
            of("a", "off", Some(1.0)),
            of("b", "off", None),
            of("c", "off", Some(3.0)),
            of("c", "on", Some(2.5)),
            of("b", "on", Some(9.0)),
            of("a", "on", Some(0.5)),
        ];
        let maps = Maps::of(&rows, Resampling::default());
        let found = &maps.rows;
        let row = |i: usize| (found[i].method.as_str(), found[i].estimate.unwrap().mean);
        assert_eq!([row(0), row(1)], [("on", 1.5), ("off", 2.0)]);
        assert_eq!((found[0].undefined, found[1].undefined), (0, 1));
        assert!(maps.text().contains("1 undefined"), "{}", maps.text());
    }
}
