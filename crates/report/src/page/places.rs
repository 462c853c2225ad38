//! The place of each method in each setting, as a chart.

use super::{contenders::Contenders, svg::escape};
use crate::{
    bump::{Bump, Places as Line},
    ranking::shorten,
};
use serde::Serialize;
use std::fmt::Write as _;

/// The chart.
#[derive(Serialize)]
pub(super) struct Places {
    pub(super) chart_html: String,
    metric: String,
    /// What the numbers below the chart stand for.
    settings: Vec<String>,
}

const WIDTH: f64 = 1000.0;
/// Where the first and the last setting stand.
const LEFT: f64 = 290.0;
const RIGHT: f64 = WIDTH - LEFT;
const TOP: f64 = 24.0;
const ROW: f64 = 28.0;
/// Longest name, in characters.
const NAME: usize = 30;

/// `None` with one setting.
pub(super) fn chart(found: &Bump<'_>, contenders: &Contenders<'_>) -> Option<Places> {
    if found.settings.len() < 2 {
        return None;
    }
    let last = found.settings.len() - 1;
    let places = found.lines.iter().flat_map(|line| &line.places).flatten();
    let bottom = TOP + ROW * places.fold(1.0, |most: f64, place| most.max(*place));
    let mut svg = format!(
        "<svg class=\"chart places\" viewBox=\"0 0 {WIDTH} {:.0}\" role=\"img\" aria-label=\"place of each method \
         in each setting\">",
        bottom + 30.0
    );
    for at in 0..=last {
        let x = x(at, last);
        let _ = write!(
            svg,
            "<path class=\"grid\" d=\"M{x:.1} {TOP}V{bottom}\"/><text class=\"tick\" x=\"{x:.1}\" y=\"{:.1}\" \
             text-anchor=\"middle\">{}</text>",
            bottom + 20.0,
            at + 1
        );
    }
    found.lines.iter().for_each(|one| line(&mut svg, one, last, contenders));
    svg.push_str("</svg>");
    Some(Places { chart_html: svg, metric: found.metric.clone(), settings: found.settings.clone() })
}

fn x(at: usize, last: usize) -> f64 {
    LEFT + (RIGHT - LEFT) * at as f64 / last as f64
}

fn y(place: f64) -> f64 {
    TOP + ROW * (place - 0.5)
}

/// One method: its line from setting to setting, and its name at both ends.
fn line(svg: &mut String, line: &Line<'_>, last: usize, contenders: &Contenders<'_>) {
    let Some((index, contender)) = contenders.find(line.method) else { return };
    let style = &contender.style;
    let mut path = String::new();
    let mut pen = 'M';
    for (at, place) in line.places.iter().enumerate() {
        let Some(place) = place else {
            pen = 'M';
            continue;
        };
        let (x, y) = (x(at, last), y(*place));
        let _ = write!(path, "{pen}{x:.1} {y:.1}");
        let _ = write!(
            svg,
            "<circle class=\"dot {style}\" data-m=\"{index}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.5\"/>"
        );
        pen = 'L';
    }
    let name = escape(&shorten(&contender.label, NAME));
    let _ = write!(
        svg,
        "<path class=\"line {style}\" data-m=\"{index}\" d=\"{path}\"><title>{}</title></path>",
        escape(&contender.label)
    );
    for (at, end, anchor) in [(0, LEFT - 14.0, "end"), (last, RIGHT + 14.0, "start")] {
        let Some(place) = line.places[at] else { continue };
        let text =
            if at == 0 { format!("{name} {place:.0}") } else { format!("{place:.0} {name}") };
        let _ = write!(
            svg,
            "<text class=\"mark {style}\" data-m=\"{index}\" x=\"{end:.1}\" y=\"{:.1}\" \
             text-anchor=\"{anchor}\">{text}</text>",
            y(place) + 5.0
        );
    }
}
