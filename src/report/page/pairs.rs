//! Every method against every other, picture by picture.

use super::contenders::Contenders;
use crate::{
    eval::{
        metric::{Aopc, CurveMetric as _, Direction},
        order::Order,
        stats::{Estimate, Resampling, estimates_of_known},
    },
    report::{cells::Group, colours::short},
};
use serde::Serialize;

/// Mean differences between the methods of one setting, oriented so that positive is better for the
/// method of the row.
#[derive(Serialize)]
pub(super) struct Matrix {
    /// The setting and order, in words.
    pub(super) title: String,
    /// Short names of the methods of rows and columns.
    pub(super) names: Vec<String>,
    /// Places of the methods.
    pub(super) marks: Vec<String>,
    /// Row by row.
    pub(super) cells: Vec<Vec<Cell>>,
    /// The estimates behind the cells, by contender; those of a method with itself are `None`.
    #[serde(skip)]
    pub(super) estimates: Vec<Vec<Option<Estimate>>>,
}

/// One method against another.
#[derive(Serialize)]
pub(super) struct Cell {
    /// The mean difference, or a dash.
    text: String,
    /// Class: `better`, `worse`, `open` (the interval holds 0) or `none`.
    verdict: &'static str,
    /// How strong the colour is, from 0 to 1.
    strength: f64,
    /// The same in words, with the interval.
    words: String,
}

/// One matrix per setting: of MoRF curves, or of LeRF curves where there are no others.
pub(super) fn matrices(groups: &[Group<'_>], contenders: &Contenders<'_>) -> Vec<Matrix> {
    groups.iter().filter_map(|group| matrix(group, contenders)).collect()
}

fn matrix(group: &Group<'_>, contenders: &Contenders<'_>) -> Option<Matrix> {
    let metric = Aopc(group.orders().next()?);
    let sign = if metric.direction() == Direction::Lower { -1.0 } else { 1.0 };
    let values: Vec<Vec<Option<f64>>> =
        contenders.0.iter().map(|c| group.values(c.method, &metric)).collect();
    let count = values.len();
    let pairs: Vec<(usize, usize)> =
        (0..count).flat_map(|i| (i + 1..count).map(move |j| (i, j))).collect();
    let difference = |&(i, j): &(usize, usize)| {
        let both = values[i].iter().zip(&values[j]);
        both.map(|(a, b)| Some(sign * ((*a)? - (*b)?))).collect()
    };
    let columns: Vec<Vec<Option<f64>>> = pairs.iter().map(difference).collect();
    let found = estimates_of_known(&columns, Resampling::default());
    let mut estimates = vec![vec![None; count]; count];
    for (&(i, j), estimate) in pairs.iter().zip(found) {
        estimates[i][j] = estimate;
        estimates[j][i] = estimate.map(reversed);
    }
    let largest = estimates.iter().flatten().flatten().map(|e| e.mean.abs()).fold(0.0, f64::max);
    let cell = |i: usize, j: usize| {
        let names = (contenders.0[i].label.as_str(), contenders.0[j].label.as_str());
        cell(estimates[i][j], largest, names)
    };
    Some(Matrix {
        title: title(group, metric.0),
        names: contenders.0.iter().map(|c| c.label.clone()).collect(),
        marks: contenders.0.iter().map(|c| c.mark.clone()).collect(),
        cells: (0..count).map(|i| (0..count).map(|j| cell(i, j)).collect()).collect(),
        estimates,
    })
}

fn title(group: &Group<'_>, order: Order) -> String {
    let s = &group.setting;
    format!(
        "AOPC, {order}, {} of the target, {}, regions of {r}x{r}",
        s.score_kind,
        s.perturbation,
        r = s.region
    )
}

/// The same difference seen from the other side.
fn reversed(e: Estimate) -> Estimate {
    let turn =
        |i: crate::eval::stats::Interval| crate::eval::stats::Interval { lo: -i.hi, hi: -i.lo };
    Estimate { mean: -e.mean, bca: e.bca.map(turn), percentile: e.percentile.map(turn), ..e }
}

/// True when an interval is on one side of 0.
pub(super) fn is_clear(e: &Estimate) -> bool {
    e.lo().zip(e.hi()).is_some_and(|(lo, hi)| lo > 0.0 || hi < 0.0)
}

fn cell(estimate: Option<Estimate>, largest: f64, (row, column): (&str, &str)) -> Cell {
    let Some(e) = estimate else {
        return Cell { text: String::new(), verdict: "none", strength: 0.0, words: String::new() };
    };
    let interval = e.lo().zip(e.hi());
    let verdict = match interval {
        _ if !is_clear(&e) => "open",
        _ if e.mean > 0.0 => "better",
        _ => "worse",
    };
    let range =
        interval.map_or(String::new(), |(lo, hi)| format!(" [{}, {}]", short(lo), short(hi)));
    Cell {
        text: short(e.mean).replace('-', "−"),
        verdict,
        strength: if largest > 0.0 { (e.mean.abs() / largest).sqrt() } else { 0.0 },
        words: format!("{row} minus {column}: {}{range}, {} pictures", short(e.mean), e.n),
    }
}
