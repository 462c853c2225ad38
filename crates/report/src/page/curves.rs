//! Curves of every setting, as charts and as the numbers behind their read-outs.

use super::{
    Source,
    contenders::Contenders,
    svg::{self, Chart, Trace, drawn},
};
use crate::{
    curves::Figures,
    figure::{Figure, Line, Panel},
};
use serde::Serialize;

/// The charts of one setting.
#[derive(Serialize)]
pub(super) struct Setting {
    /// What was done, in words.
    title: String,
    /// What bands mean.
    caption: String,
    panels: Vec<Shown>,
}

/// One chart.
#[derive(Serialize)]
struct Shown {
    key: String,
    /// A word for the switch.
    tab: &'static str,
    title: String,
    chart_html: String,
}

/// The numbers of one chart.
#[derive(Serialize)]
pub(super) struct Numbers {
    key: String,
    /// Positions of the values; the last one is at the right end.
    steps: Vec<usize>,
    /// Removed regions at these positions, where they are others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    names: Vec<String>,
    lines: Vec<Series>,
}

/// The numbers of one line.
#[derive(Serialize)]
struct Series {
    m: usize,
    v: Vec<f64>,
    /// Ends of the intervals in turn; empty without intervals.
    i: Vec<f64>,
}

/// What the panels of a setting are called on their switch, in their order in [`Figures`].
const TABS: [&str; 5] = ["AOPC", "against random", "ABPC", "score, MoRF", "score, LeRF"];

pub(super) fn settings(
    source: &Source<'_>,
    contenders: &Contenders<'_>,
) -> (Vec<Setting>, Vec<Numbers>) {
    let mut numbers = Vec::new();
    let mut setting = |(i, figures): (usize, &Figures)| {
        let panels = figures.aopc.panels.iter().chain(&figures.scores.panels).zip(TABS);
        let panels = panels.enumerate().filter(|(_, (panel, _))| !panel.lines.is_empty());
        let panels = panels.map(|(j, (panel, tab))| {
            let key = format!("s{i}p{j}");
            let (shown, series) = chart(&key, tab, panel, &figures.aopc, contenders);
            numbers.push(series);
            shown
        });
        Setting {
            title: figures.aopc.subtitle.clone(),
            caption: figures.aopc.caption.clone(),
            panels: panels.collect(),
        }
    };
    let settings = source.figures.iter().enumerate().map(&mut setting).collect();
    (settings, numbers)
}

fn chart(
    key: &str,
    tab: &'static str,
    panel: &Panel,
    figure: &Figure,
    contenders: &Contenders<'_>,
) -> (Shown, Numbers) {
    let line = |(i, line): (usize, &Line)| trace(line, panel.has_band(i), contenders);
    let traces: Vec<Trace> = panel.lines.iter().enumerate().filter_map(line).collect();
    let (title, y_label) = (panel.title.as_str(), panel.y_label.as_str());
    let (x_label, ticks) = (figure.x_label.as_str(), &figure.ticks[..]);
    let chart_html = svg::chart(&Chart { title, x_label, ticks, y_label, traces: &traces, key });
    let longest = traces.iter().map(|t| t.points.len()).max().unwrap_or(0);
    let steps = drawn(longest);
    let lines = traces.iter().map(|t| series(t, &steps)).collect();
    let shown = Shown { key: key.to_owned(), tab, title: title.to_owned(), chart_html };
    let names = steps.iter().filter_map(|k| figure.ticks.get(*k).cloned()).collect();
    (shown, Numbers { key: key.to_owned(), steps, names, lines })
}

fn trace(line: &Line, banded: bool, contenders: &Contenders<'_>) -> Option<Trace> {
    let (index, contender) = contenders.labelled(&line.name)?;
    Some(Trace {
        contender: index,
        mark: contender.mark.clone(),
        name: line.name.clone(),
        style: contender.style.clone(),
        banded,
        points: line.points.clone(),
    })
}

fn series(trace: &Trace, steps: &[usize]) -> Series {
    let points = steps.iter().filter_map(|&k| trace.points.get(k));
    let ends = points.clone().filter_map(|p| p.interval);
    Series {
        m: trace.contender,
        v: points.map(|p| digits(p.value)).collect(),
        i: ends.flat_map(|(lo, hi)| [digits(lo), digits(hi)]).collect(),
    }
}

/// Rounded to four digits.
fn digits(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::digits;

    #[test]
    fn numbers_for_read_outs_have_four_digits() {
        let rounded = [1.234_56, -0.000_123_456, 0.0, 98_765.4].map(digits);
        for (found, expected) in rounded.iter().zip([1.235, -0.000_123_5, 0.0, 98_770.0]) {
            assert!((found - expected).abs() <= 1e-12 * expected.abs(), "{found}");
        }
    }
}
