//! Mean ranks of the methods over pictures, and which of them the pictures tell apart: the
//! critical-difference diagram of Demšar (2006).

use super::{
    contenders::{Contender, Contenders},
    pairs::title,
    svg::{escape, number},
};
use crate::{
    eval::stats::friedman::{Friedman, cliques},
    report::{colours::short, contest::Contest, ranking::shorten},
};
use serde::Serialize;
use std::fmt::Write as _;

/// The diagram of one setting.
#[derive(Serialize)]
pub(super) struct Diagram {
    title: String,
    chart_html: String,
    /// What the tests say.
    words: String,
}

/// One diagram per contest of at least two methods on two pictures.
pub(super) fn diagrams(contests: &[Contest], contenders: &Contenders<'_>) -> Vec<Diagram> {
    let diagram = |contest: &Contest| {
        let found = contest.comparison.friedman.as_ref()?;
        let methods = contest.methods.iter().map(|m| Some(contenders.find(m)?.1));
        let methods: Vec<&Contender<'_>> = methods.collect::<Option<_>>()?;
        let title = title(&contest.setting, &contest.metric);
        Some(Diagram { title, chart_html: chart(&methods, found), words: words(found) })
    };
    contests.iter().filter_map(diagram).collect()
}

fn words(found: &Friedman) -> String {
    let p = match found.p {
        Some(p) if p < 1e-4 => "p < 0.0001".to_owned(),
        Some(p) => format!("p = {p:.4}"),
        None => "all are tied".to_owned(),
    };
    format!(
        "Mean rank over {} pictures, 1 is best. Friedman's test that all methods are alike: {p}. \
         Methods under one bar are closer than the critical difference of {} (Nemenyi, 5 %), so \
         these pictures do not tell their ranks apart.",
        found.n,
        short(found.critical_difference)
    )
}

const WIDTH: f64 = 980.0;
/// Ends of the axis; names of methods stand outside.
const LEFT: f64 = 340.0;
const RIGHT: f64 = 640.0;
/// Longest name, in characters.
const NAME: usize = 32;
const AXIS: f64 = 56.0;
const BAR: f64 = 9.0;
const ROW: f64 = 22.0;

fn chart(methods: &[&Contender<'_>], found: &Friedman) -> String {
    let count = methods.len();
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|&a, &b| found.mean_ranks[a].total_cmp(&found.mean_ranks[b]));
    let ranks: Vec<f64> = order.iter().map(|&i| found.mean_ranks[i]).collect();
    let groups = cliques(&ranks, found.critical_difference);
    let unit = (RIGHT - LEFT) / (count as f64 - 1.0);
    let x = |rank: f64| LEFT + unit * (rank - 1.0);
    let names = AXIS + 28.0 + BAR * groups.len() as f64;
    let half = count.div_ceil(2);
    let mut svg = format!(
        "<svg class=\"chart ranks\" viewBox=\"0 0 {WIDTH} {:.0}\" role=\"img\" \
         aria-label=\"critical-difference diagram\"><path class=\"axis\" d=\"M{LEFT} {AXIS}H{RIGHT}\"/>",
        names + ROW * half as f64
    );
    scale(&mut svg, count, unit, found.critical_difference);
    for (k, (first, last)) in groups.iter().enumerate() {
        let (y, from) = (AXIS + 12.0 + BAR * k as f64, x(ranks[*first]) - 4.0);
        let to = x(ranks[*last]) + 4.0;
        let _ = write!(svg, "<path class=\"clique\" d=\"M{from:.1} {y:.1}H{to:.1}\"/>");
    }
    for (k, &i) in order.iter().enumerate() {
        // the better half on the left from above, the others on the right from below
        let is_left = k < half;
        let row = if is_left { k } else { count - 1 - k };
        let (end, text, anchor) =
            if is_left { (LEFT, LEFT - 8.0, "end") } else { (RIGHT, RIGHT + 8.0, "start") };
        let y = names + ROW * row as f64;
        let _ = write!(
            svg,
            "<path class=\"line solid {}\" d=\"M{:.1} {AXIS}V{y:.1}H{end}\"/>\
             <text class=\"name\" x=\"{text}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{} ({})</text>",
            methods[i].style,
            x(ranks[k]),
            y + 5.0,
            escape(&shorten(&methods[i].label, NAME)),
            number((ranks[k] * 100.0).round() / 100.0),
        );
    }
    svg.push_str("</svg>");
    svg
}

/// Ticks of the axis, and above it the length of the critical difference.
fn scale(svg: &mut String, count: usize, unit: f64, difference: f64) {
    for rank in 1..=count {
        let x = LEFT + unit * (rank as f64 - 1.0);
        let _ = write!(
            svg,
            "<path class=\"axis\" d=\"M{x:.1} {AXIS}v-6\"/>\
             <text class=\"tick\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{rank}</text>",
            AXIS - 11.0
        );
    }
    let to = (LEFT + difference * unit).min(WIDTH - 4.0);
    let _ = write!(
        svg,
        "<path class=\"axis\" d=\"M{LEFT} 10v8M{LEFT} 14H{to:.1}M{to:.1} 10v8\"/>\
         <text class=\"tick\" x=\"{:.1}\" y=\"19\" text-anchor=\"end\">critical difference</text>",
        LEFT - 8.0
    );
}
