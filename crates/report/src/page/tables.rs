//! Tables of the page: the ranking that counts, and all numbers.

use super::{
    contenders::{Contenders, ranked},
    svg,
};
use crate::{
    agreement,
    base::{registry::id, words::count},
    contest::Contest,
    eval::{metric::map::MAP_METRICS, order::Order, stats::Estimate},
    figure::Point,
    map_metrics::{MapRow, Maps},
    summary::{Summary, SummaryRow},
};
use serde::Serialize;

/// The ranking that counts.
#[derive(Serialize)]
pub(super) struct Ranking {
    /// What AOPC is better: `higher` or `lower`.
    direction: &'static str,
    /// What was measured, in words.
    title: String,
    /// The perturbation and regions by which it ranks, and the order.
    setting: String,
    order: &'static str,
    /// Whether there is a random order to compare with.
    has_random: bool,
    rows: Vec<Place>,
}

/// One method.
#[derive(Serialize)]
struct Place {
    index: usize,
    rank: String,
    /// The places it takes in 95 % of the resamples.
    places: String,
    label: String,
    method: String,
    sample_html: String,
    images: usize,
    aopc: Number,
    interval_html: String,
    interval: String,
    relative: Number,
    relative_html: String,
    relative_interval: String,
    abpc: Number,
    tied: Number,
}

/// A number as it is shown and as it is sorted by.
#[derive(Serialize)]
struct Number {
    text: String,
    /// In full; empty where undefined.
    value: String,
}

fn number(value: Option<f64>, show: impl Fn(f64) -> String) -> Number {
    match value {
        Some(v) => Number { text: show(v).replace('-', "−"), value: format!("{v:e}") },
        None => Number { text: "–".to_owned(), value: String::new() },
    }
}

/// The interval of an estimate.
fn range(estimate: Option<Estimate>, show: impl Fn(f64) -> String) -> String {
    let ends = estimate.and_then(|e| e.lo().zip(e.hi()));
    let text = ends.map(|(lo, hi)| format!("{} to {}", show(lo), show(hi)).replace('-', "−"));
    text.unwrap_or_else(|| "–".to_owned())
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// Digits after the point, so that the largest of the values shows four digits in all.
fn decimals(values: impl Iterator<Item = f64>) -> usize {
    let largest = values.map(f64::abs).fold(0.0, f64::max);
    if largest > 0.0 { (3 - largest.log10().floor() as i32).clamp(0, 8) as usize } else { 3 }
}

fn point(e: Estimate) -> Point {
    Point { value: e.mean, interval: e.lo().zip(e.hi()) }
}

/// From the lowest to the highest end of some estimates.
fn span(estimates: impl Iterator<Item = Estimate>) -> (f64, f64) {
    let ends = estimates.flat_map(|e| [e.lo().unwrap_or(e.mean), e.hi().unwrap_or(e.mean)]);
    ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)))
}

/// The places that a method takes in 95 % of the resamples.
fn places(contest: Option<&Contest>, method: &str) -> String {
    let found = contest.and_then(|contest| {
        let at = contest.methods.iter().position(|m| m == method)?;
        contest.comparison.rank_intervals.as_ref()?.get(at).copied()
    });
    found.map_or("–".to_owned(), |i| {
        let (lo, hi) = (svg::number(i.lo), svg::number(i.hi));
        if lo == hi { lo } else { format!("{lo}–{hi}") }
    })
}

/// How much rankings agree.
#[derive(Serialize)]
pub(super) struct Agreement {
    /// The answer, in one sentence.
    answer: String,
    /// The ranking that counts.
    main: String,
    /// Each other way against it, the most alike first.
    bars: Vec<Bar>,
    names: Vec<String>,
    /// What stands above the columns: `A`, `B`, ..., since numbers look like the ranks of methods.
    marks: Vec<String>,
    cells: Vec<Vec<Tau>>,
}

/// How alike one way ranks.
#[derive(Serialize)]
struct Bar {
    name: String,
    tau: Tau,
    /// Ends of the bar in percent of the scale from -1 to 1.
    left: f64,
    width: f64,
}

/// Agreement of two rankings.
#[derive(Serialize)]
struct Tau {
    text: String,
    /// Class: `better` (alike), `worse` (opposed) or `none`.
    verdict: &'static str,
    strength: f64,
}

/// `A` to `Z`, then `AA`, `AB` and so on.
fn letters(index: usize) -> String {
    let last = char::from(b'A' + (index % 26) as u8);
    match index / 26 {
        0 => last.to_string(),
        more => letters(more - 1) + &last.to_string(),
    }
}

fn tau(tau: Option<f64>) -> Tau {
    match tau {
        Some(tau) => Tau {
            text: format!("{tau:.2}").replace('-', "−"),
            verdict: if tau >= 0.0 { "better" } else { "worse" },
            strength: tau.abs(),
        },
        None => Tau { text: "–".to_owned(), verdict: "none", strength: 0.0 },
    }
}

/// The matrix has the ways that say something: with a tau to the first, and not the same by definition.
pub(super) fn agreement(
    found: &agreement::Agreement,
    contenders: &Contenders<'_>,
) -> Option<Agreement> {
    let named = |method: &str| {
        contenders.find(method).map_or_else(|| method.to_owned(), |(_, c)| c.label.clone())
    };
    let answer = found.answer(&named)?.replace('-', "−");
    let mut others = found.others();
    let shown: Vec<usize> = std::iter::once(0).chain(others.iter().map(|(i, _)| *i)).collect();
    let cells = shown.iter().map(|a| shown.iter().map(|b| tau(found.tau[*a][*b])).collect());
    others.sort_by(|a, b| b.1.total_cmp(&a.1));
    let bar = |(i, t): &(usize, f64)| Bar {
        name: agreement::spoken(&found.names[*i]),
        tau: tau(Some(*t)),
        left: 50.0 + 50.0 * t.min(0.0),
        width: 50.0 * t.abs(),
    };
    Some(Agreement {
        answer,
        main: agreement::spoken(&found.names[0]),
        bars: others.iter().map(bar).collect(),
        names: shown.iter().map(|i| agreement::spoken(&found.names[*i])).collect(),
        marks: (0..shown.len()).map(letters).collect(),
        cells: cells.collect(),
    })
}

pub(super) fn ranking(
    summary: &Summary,
    contenders: &Contenders<'_>,
    contest: Option<&Contest>,
) -> Ranking {
    let rows = ranked(summary);
    let digits = decimals(rows.iter().filter_map(|r| Some(r.aopc?.mean)));
    let (low, high) = span(rows.iter().filter_map(|r| r.aopc));
    let all = (low.min(0.0), high.max(0.0));
    let relative = span(rows.iter().filter_map(|r| r.relative_aopc));
    let relative = (relative.0.min(0.0), relative.1.max(0.0));
    let place = |r: &&SummaryRow| {
        let (index, contender) = contenders.find(&r.method)?;
        let plain = |v: f64| format!("{v:.digits$}");
        let drawn = |e: Option<Estimate>, axis| {
            e.map_or(String::new(), |e| svg::interval(point(e), axis, true, &contender.style))
        };
        Some(Place {
            index,
            rank: contender.mark.clone(),
            places: places(contest, &r.method),
            label: contender.label.clone(),
            method: r.method.clone(),
            sample_html: svg::sample(&contender.style),
            images: r.images,
            aopc: number(r.aopc.map(|e| e.mean), plain),
            interval_html: drawn(r.aopc, all),
            interval: range(r.aopc, plain),
            relative: number(r.relative_aopc.map(|e| e.mean), |v| format!("{v:+.digits$}")),
            relative_html: drawn(r.relative_aopc, relative),
            relative_interval: range(r.relative_aopc, |v| format!("{v:+.digits$}")),
            abpc: number(r.abpc.map(|e| e.mean), plain),
            tied: number(r.tied_fraction, percent),
        })
    };
    let first = rows.first();
    Ranking {
        direction: first.map_or("higher", |r| r.direction.name()),
        title: first.map_or(String::new(), |r| setting(r)),
        setting: first.map_or(String::new(), |r| {
            format!("{}, regions of {side}x{side}", r.setting.perturbation, side = r.setting.region)
        }),
        order: first.map_or(Order::Morf, |r| r.order).name(),
        has_random: rows.iter().any(|r| r.relative_aopc.is_some()),
        rows: rows.iter().filter_map(place).collect(),
    }
}

fn setting(r: &SummaryRow) -> String {
    let s = &r.setting;
    let first = match r.order {
        Order::Morf => "most relevant regions first, higher is better",
        Order::Lerf => "least relevant regions first, lower is better",
    };
    let steps = s.regions().map_or("no removed regions".to_owned(), |n| count(n, "removed region"));
    format!(
        "AOPC of the {} after {steps} of {r}x{r} pixels{at}, perturbation {}: {first}",
        s.score_kind,
        s.perturbation,
        r = s.region,
        at = s.at_stops(),
    )
}

/// All numbers, one row per setting, order and method.
#[derive(Serialize)]
pub(super) struct Numbers {
    heads: Vec<&'static str>,
    /// Which columns hold numbers.
    numeric: Vec<bool>,
    rows: Vec<Vec<Number>>,
}

pub(super) fn numbers(summary: &Summary, contenders: &Contenders<'_>) -> Numbers {
    let heads = [
        ("method", false),
        ("perturbation", false),
        ("region", true),
        ("score", false),
        ("steps", true),
        ("order", false),
        ("rank", true),
        ("better", false),
        ("images", true),
        ("missing", true),
        ("AOPC", true),
        ("std. error", true),
        ("from", true),
        ("to", true),
        ("vs random", true),
        ("vs random from", true),
        ("vs random to", true),
        ("ABPC", true),
        ("ties", true),
        ("multiply-adds per curve", true),
    ];
    let all = summary.rows.iter().filter_map(|r| Some(r.aopc?.mean));
    let digits = decimals(all);
    let word = |text: &str| Number { text: text.to_owned(), value: text.to_owned() };
    let whole = |n: Option<u64>| number(n.map(|n| n as f64), |v| format!("{v:.0}"));
    let plain = |v: Option<f64>| number(v, |v| format!("{v:.digits$}"));
    let row = |r: &SummaryRow| {
        let label = contenders.find(&r.method).map_or(r.method.as_str(), |(_, c)| &c.label);
        let (aopc, relative) = (r.aopc, r.relative_aopc);
        vec![
            word(label),
            word(&r.setting.perturbation),
            whole(Some(r.setting.region)),
            word(r.setting.score_kind.name()),
            whole(r.setting.regions().map(|s| s as u64)),
            word(r.order.name()),
            whole(r.rank),
            word(r.direction.name()),
            whole(Some(r.images as u64)),
            whole(Some(r.images_missing as u64)),
            plain(aopc.map(|e| e.mean)),
            plain(aopc.and_then(|e| e.stderr)),
            plain(aopc.and_then(|e| e.lo())),
            plain(aopc.and_then(|e| e.hi())),
            plain(relative.map(|e| e.mean)),
            plain(relative.and_then(|e| e.lo())),
            plain(relative.and_then(|e| e.hi())),
            plain(r.abpc.map(|e| e.mean)),
            number(r.tied_fraction, percent),
            number(r.macs, |v| format!("{v:.3e}")),
        ]
    };
    Numbers {
        heads: heads.iter().map(|(name, _)| *name).collect(),
        numeric: heads.iter().map(|(_, numeric)| *numeric).collect(),
        rows: summary.rows.iter().map(row).collect(),
    }
}

/// Metrics of heat maps: methods in rows, metrics in columns.
#[derive(Serialize)]
pub(super) struct HeatMaps {
    heads: Vec<MetricHead>,
    rows: Vec<MapLine>,
    /// Metrics without a value on any picture.
    undefined: Vec<String>,
    /// Metrics without a picture on which all methods have a value.
    apart: Vec<String>,
}

/// One metric.
#[derive(Serialize)]
struct MetricHead {
    label: String,
    /// Canonical name.
    full: String,
    /// What value is better: `higher` or `lower`.
    direction: String,
    /// What the values are measured in; empty for plain numbers.
    unit: &'static str,
    /// Over how many pictures the means are.
    images: usize,
}

/// One method.
#[derive(Serialize)]
struct MapLine {
    mark: String,
    label: String,
    method: String,
    sample_html: String,
    cells: Vec<Mean>,
}

/// One metric of one method; as it is by default, it has no heat map.
#[derive(Serialize)]
struct Mean {
    number: Number,
    interval: String,
    /// Pictures on which it is not defined.
    undefined: usize,
    /// The same in words.
    words: String,
}

impl Default for Mean {
    fn default() -> Self {
        let (interval, words) = (String::new(), String::new());
        Mean { number: number(None, |_| String::new()), interval, undefined: 0, words }
    }
}

/// The metrics of heat maps, where some were measured.
pub(super) fn heat_maps(maps: &Maps, contenders: &Contenders<'_>) -> Option<HeatMaps> {
    let by_metric: Vec<&[MapRow]> = maps.rows.chunk_by(|a, b| a.metric == b.metric).collect();
    let names: Vec<&str> = by_metric.iter().map(|rows| rows[0].metric.as_str()).collect();
    let columns: Vec<Vec<(&str, Mean)>> =
        by_metric.iter().map(|rows| means(rows, contenders)).collect();
    let head = |rows: &&[MapRow]| MetricHead {
        label: short_name(&rows[0].metric, &names),
        full: rows[0].metric.clone(),
        direction: rows[0].direction.clone(),
        unit: unit(&rows[0].metric),
        images: rows.iter().find_map(|r| r.estimate).map_or(0, |e| e.n),
    };
    let found = HeatMaps {
        heads: by_metric.iter().map(head).collect(),
        rows: map_lines(columns, contenders),
        undefined: maps.undefined.clone(),
        apart: maps.apart.clone(),
    };
    let is_empty = found.heads.is_empty() && found.undefined.is_empty() && found.apart.is_empty();
    (!is_empty).then_some(found)
}

/// The unit of a metric, as its summary in the table of metrics says it.
fn unit(metric: &str) -> &'static str {
    let summary =
        MAP_METRICS.iter().find(|entry| entry.id == id(metric)).map_or("", |entry| entry.summary);
    let units = [(" in KB", "KB"), (" in bits", "bits")];
    units.iter().find(|(words, _)| summary.contains(words)).map_or("", |(_, unit)| unit)
}

/// One line for each method that has a heat map.
fn map_lines(mut columns: Vec<Vec<(&str, Mean)>>, contenders: &Contenders<'_>) -> Vec<MapLine> {
    let mut lines = Vec::new();
    for contender in &contenders.0 {
        let take = |column: &mut Vec<(&str, Mean)>| {
            let at = column.iter().position(|(method, _)| *method == contender.method)?;
            Some(column.swap_remove(at).1)
        };
        let cells: Vec<Option<Mean>> = columns.iter_mut().map(take).collect();
        if cells.iter().all(Option::is_none) {
            continue;
        }
        lines.push(MapLine {
            mark: contender.mark.clone(),
            label: contender.label.clone(),
            method: contender.method.to_owned(),
            sample_html: svg::sample(&contender.style),
            cells: cells.into_iter().map(Option::unwrap_or_default).collect(),
        });
    }
    lines
}

/// Four digits: methods may lie orders of magnitude apart, and none should look like 0.
fn four_digits(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let text = match value.abs().log10().floor() as i32 {
        magnitude @ -3..=5 => format!("{value:.*}", (3 - magnitude).max(0) as usize),
        _ => format!("{value:.3e}"),
    };
    text.replace('-', "−")
}

/// The means of one metric by method.
fn means<'a>(rows: &'a [MapRow], contenders: &Contenders<'_>) -> Vec<(&'a str, Mean)> {
    let mean = |r: &'a MapRow| {
        let label = contenders.find(&r.method).map_or(r.method.as_str(), |(_, c)| &c.label);
        let range = r.estimate.and_then(|e| e.lo().zip(e.hi()));
        let interval = range.map_or(String::new(), |(lo, hi)| {
            format!("{} to {}", four_digits(lo), four_digits(hi))
        });
        let shown = number(r.estimate.map(|e| e.mean), four_digits);
        let words = match interval.as_str() {
            "" => format!("{label}: {}", shown.text),
            interval => format!("{label}: {}, 95 % interval {interval}", shown.text),
        };
        let median = r.median.map(|m| format!(", median {}", four_digits(m)));
        let words = words + &median.unwrap_or_default();
        (r.method.as_str(), Mean { number: shown, interval, undefined: r.undefined, words })
    };
    rows.iter().map(mean).collect()
}

/// A metric without the parameters that have their default in all of `names` of its kind.
fn short_name(name: &str, names: &[&str]) -> String {
    let entry = MAP_METRICS.iter().find(|entry| entry.id == id(name));
    let is_default = |param: &str| {
        let mut params = entry.iter().flat_map(|entry| entry.params);
        params.any(|p| param.split_once('=') == Some((p.key, p.default)))
    };
    let is_shared = |param: &str| {
        let mut alike = names.iter().filter(|other| id(other) == id(name));
        alike.all(|other| other.split(':').any(|p| p == param))
    };
    let kept = name.split(':').filter(|part| !(is_default(part) && is_shared(part)));
    kept.collect::<Vec<_>>().join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_letters_that_are_all_different() {
        let marks = [0, 1, 25, 26, 51, 52, 701, 702].map(letters);
        assert_eq!(marks, ["A", "B", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]);
    }

    #[test]
    fn sizes_and_entropies_have_units_and_shares_have_none() {
        let names =
            ["png-size", "jpeg-size", "entropy", "grey-entropy", "sparseness", "iou", "new"];
        assert_eq!(names.map(unit), ["KB", "KB", "bits", "bits", "", "", ""]);
    }

    #[test]
    fn small_and_large_means_are_shown_with_four_digits() {
        let shown = [0.0, 0.788, 138.04, -0.034_123, 12_345.6, 1.5e-7].map(four_digits);
        assert_eq!(shown, ["0", "0.7880", "138.0", "−0.03412", "12346", "1.500e−7"]);
    }
}
