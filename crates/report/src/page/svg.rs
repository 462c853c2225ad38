//! Charts as SVG inside the page: coloured by the page's style sheet, so that they follow its dark
//! and light appearance, and readable without a script.

use crate::{
    base::text::plain,
    figure::{Point, spread},
    ranking::shorten,
    scale::{self, Zero},
};
use std::fmt::Write as _;

/// Text as part of HTML or SVG, also inside quotes.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in plain(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Most points that a line is drawn with.
const POINTS: usize = 200;

/// Positions of a curve of `count` values that are drawn: all, or evenly spread ones with both ends.
pub(super) fn drawn(count: usize) -> Vec<usize> {
    let shown = count.min(POINTS);
    if shown < 2 {
        return (0..shown).collect();
    }
    (0..shown).map(|i| i * (count - 1) / (shown - 1)).collect()
}

/// One contender's line in a chart.
pub(super) struct Trace {
    /// Which contender, as numbered all over the page.
    pub(super) contender: usize,
    /// What stands at its end.
    pub(super) mark: String,
    /// Its name, for those who cannot see it.
    pub(super) name: String,
    /// Class of its colour and dashes.
    pub(super) style: String,
    /// Whether its band is seen at once.
    pub(super) banded: bool,
    /// Values at x = 0, 1, 2, ...
    pub(super) points: Vec<Point>,
}

/// A chart of lines.
pub(super) struct Chart<'a> {
    /// What it shows, for those who cannot see it.
    pub(super) title: &'a str,
    /// Name of the horizontal axis.
    pub(super) x_label: &'a str,
    /// What stands below the points; without any their numbers.
    pub(super) ticks: &'a [String],
    /// Name of the vertical axis.
    pub(super) y_label: &'a str,
    /// The lines; later ones are drawn on top.
    pub(super) traces: &'a [Trace],
    /// Key by which the script finds its numbers; empty for none.
    pub(super) key: &'a str,
}

const WIDTH: f64 = 680.0;
const HEIGHT: f64 = 380.0;
/// Ends of the plot in the picture.
const LEFT: f64 = 66.0;
const RIGHT: f64 = WIDTH - 46.0;
/// From the end of a line to its mark.
const LEADER: f64 = 14.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = HEIGHT - 54.0;
const MARK_GAP: f64 = 15.0;
/// Longest name at the end of a line, in characters; it stands right of the picture, where the page has room for it.
const NAME: usize = 26;

/// Where values lie in the picture.
#[derive(Clone, Copy)]
struct Frame {
    steps: usize,
    low: f64,
    high: f64,
}

impl Frame {
    fn of(traces: &[Trace]) -> Frame {
        let steps = traces.iter().map(|t| t.points.len()).max().unwrap_or(1).max(2) - 1;
        let (low, high) = scale::range(traces.iter().flat_map(|t| &t.points), Zero::IfNear);
        Frame { steps, low, high }
    }

    fn x(self, step: f64) -> f64 {
        LEFT + (RIGHT - LEFT) * step / self.steps as f64
    }

    fn y(self, value: f64) -> f64 {
        BOTTOM - (BOTTOM - TOP) * (value - self.low) / (self.high - self.low)
    }
}

/// A number as people read it, with a minus sign.
pub(super) fn number(value: f64) -> String {
    scale::number(value).replace('-', "−")
}

/// The chart with axes, bands, lines and a mark at the end of each line.
pub(super) fn chart(chart: &Chart<'_>) -> String {
    let frame = Frame::of(chart.traces);
    let mut svg = format!(
        "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\" \
         data-key=\"{}\" data-left=\"{LEFT}\" data-right=\"{RIGHT}\">",
        escape(chart.title),
        escape(chart.key),
    );
    axes(&mut svg, chart, frame);
    for trace in chart.traces {
        band(&mut svg, trace, frame);
    }
    for trace in chart.traces {
        line(&mut svg, trace, frame);
    }
    marks(&mut svg, chart.traces, frame);
    svg.push_str("</svg>");
    svg
}

fn axes(svg: &mut String, chart: &Chart<'_>, frame: Frame) {
    for (value, text) in scale::ticks(frame.low, frame.high, 5) {
        let y = frame.y(value);
        let kind = if value.abs() < 1e-12 { "zero" } else { "grid" };
        let _ = write!(
            svg,
            "<path class=\"{kind}\" d=\"M{LEFT} {y:.1}H{RIGHT}\"/>\
             <text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 8.0,
            y + 5.0,
            text.replace('-', "−")
        );
    }
    for (value, text) in scale::counts(frame.steps, 6) {
        let x = frame.x(value);
        let name = chart.ticks.get(value as usize).map_or(text, |tick| escape(tick));
        let _ = write!(
            svg,
            "<path class=\"axis\" d=\"M{x:.1} {BOTTOM}v5\"/>\
             <text class=\"tick\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{name}</text>",
            BOTTOM + 21.0,
        );
    }
    let _ = write!(
        svg,
        "<path class=\"axis\" d=\"M{LEFT} {TOP}V{BOTTOM}H{RIGHT}\"/>\
         <text class=\"name\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\
         <text class=\"name\" transform=\"translate(18 {:.1}) rotate(-90)\" \
         text-anchor=\"middle\">{}</text>",
        f64::midpoint(LEFT, RIGHT),
        HEIGHT - 10.0,
        escape(chart.x_label),
        f64::midpoint(TOP, BOTTOM),
        escape(chart.y_label),
    );
}

fn band(svg: &mut String, trace: &Trace, frame: Frame) {
    let at = drawn(trace.points.len());
    let ends: Vec<(f64, f64, f64)> = at
        .into_iter()
        .filter_map(|k| trace.points[k].interval.map(|(lo, hi)| (frame.x(k as f64), lo, hi)))
        .collect();
    if ends.len() < 2 {
        return;
    }
    let mut path = String::new();
    let upper = ends.iter().map(|(x, _, hi)| (x, hi));
    let lower = ends.iter().rev().map(|(x, lo, _)| (x, lo));
    for (x, value) in upper.chain(lower) {
        let _ = write!(path, "{x:.1},{:.1} ", frame.y(*value));
    }
    let Trace { contender, style, .. } = trace;
    let quiet = if trace.banded { "" } else { " quiet" };
    let _ = write!(
        svg,
        "<polygon class=\"band {style}{quiet}\" data-m=\"{contender}\" points=\"{}\"/>",
        path.trim_end()
    );
}

fn line(svg: &mut String, trace: &Trace, frame: Frame) {
    let mut path = String::new();
    for k in drawn(trace.points.len()) {
        let (x, y) = (frame.x(k as f64), frame.y(trace.points[k].value));
        let _ = write!(path, "{x:.1},{y:.1} ");
    }
    let _ = write!(
        svg,
        "<polyline class=\"line {}\" data-m=\"{}\" points=\"{}\"><title>{}</title></polyline>",
        trace.style,
        trace.contender,
        path.trim_end(),
        escape(&trace.name),
    );
}

/// Marks at the ends of the lines, moved apart where they would overlap, each with a thin line to the
/// end that it belongs to.
fn marks(svg: &mut String, traces: &[Trace], frame: Frame) {
    let mut ends: Vec<(f64, &Trace)> =
        traces.iter().filter_map(|t| Some((frame.y(t.points.last()?.value), t))).collect();
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    let wanted: Vec<f64> = ends.iter().map(|(y, _)| *y).collect();
    let placed = spread(&wanted, MARK_GAP, TOP, BOTTOM);
    for ((end, trace), y) in ends.into_iter().zip(placed) {
        let Trace { contender, style, points, .. } = trace;
        let x = frame.x(points.len() as f64 - 1.0);
        let _ = write!(
            svg,
            "<path class=\"leader\" data-m=\"{contender}\" d=\"M{x:.1} {end:.1}L{:.1} {y:.1}\"/>\
             <text class=\"mark {style}\" data-m=\"{contender}\" x=\"{:.1}\" y=\"{:.1}\">{}<tspan class=\"long\"> \
             {}</tspan></text>",
            RIGHT + LEADER,
            RIGHT + LEADER + 2.0,
            y + 5.0,
            escape(&trace.mark),
            escape(&shorten(&trace.name, NAME)),
        );
    }
}

/// A value with its interval on an axis from `low` to `high`, for a cell of a table.
pub(super) fn interval(point: Point, (low, high): (f64, f64), zero: bool, style: &str) -> String {
    const W: f64 = 180.0;
    let span = if high > low { high - low } else { 1.0 };
    let x = |v: f64| 6.0 + (W - 12.0) * (v - low) / span;
    let mut svg = format!("<svg class=\"interval\" viewBox=\"0 0 {W} 20\" aria-hidden=\"true\">");
    if zero && low <= 0.0 && high >= 0.0 {
        let _ = write!(svg, "<path class=\"zero\" d=\"M{:.1} 0v20\"/>", x(0.0));
    }
    if let Some((lo, hi)) = point.interval {
        let _ = write!(
            svg,
            "<path class=\"line solid {style}\" d=\"M{:.1} 10H{:.1}M{:.1} 6v8M{:.1} 6v8\"/>",
            x(lo),
            x(hi),
            x(lo),
            x(hi)
        );
    }
    let _ = write!(
        svg,
        "<circle class=\"dot {style}\" cx=\"{:.1}\" cy=\"10\" r=\"4\"/></svg>",
        x(point.value)
    );
    svg
}

/// A sample of a line, for legends.
pub(super) fn sample(style: &str) -> String {
    format!(
        "<svg class=\"sample\" viewBox=\"0 0 34 12\" aria-hidden=\"true\">\
         <path class=\"line {style}\" d=\"M1 6H33\"/></svg>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(contender: usize, values: &[f64]) -> Trace {
        let point = |&value: &f64| Point { value, interval: Some((value - 0.1, value + 0.1)) };
        Trace {
            contender,
            mark: contender.to_string(),
            name: format!("<b>&\"{contender}\"</b>"),
            style: "s0".to_owned(),
            banded: true,
            points: values.iter().map(point).collect(),
        }
    }

    #[test]
    fn numbers_have_a_minus_sign() {
        assert_eq!([0.25, -1.5, -1e-5].map(number), ["0.25", "−1.5", "−1.0e−5"]);
    }

    #[test]
    fn long_curves_are_drawn_with_few_points_and_both_ends() {
        assert_eq!(drawn(0), Vec::<usize>::new());
        assert_eq!(drawn(1), [0]);
        assert_eq!(drawn(4), [0, 1, 2, 3]);
        let some = drawn(50_000);
        assert_eq!((some.len(), some[0], some[199]), (200, 0, 49_999));
    }

    #[test]
    fn charts_hold_their_lines_inside_the_frame_and_escape_names() {
        let traces = [trace(3, &[0.0, 1.0, 2.0]), trace(4, &[0.0, 1.0, 2.0])];
        let svg = chart(&Chart {
            title: "a \"title\"",
            x_label: "x <",
            ticks: &[],
            y_label: "y",
            traces: &traces,
            key: "k",
        });
        assert!(svg.contains("x &lt;") && svg.contains("a &quot;title&quot;"));
        assert!(svg.contains("&lt;b&gt;&amp;&quot;3&quot;"), "{svg}");
        let polyline = svg.split("<polyline").nth(1).unwrap();
        let points = polyline.split("points=\"").nth(1).unwrap().split('"').next().unwrap();
        for pair in points.split(' ') {
            let (x, y) = pair.split_once(',').unwrap();
            let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
            assert!((LEFT..=RIGHT).contains(&x) && (TOP..=BOTTOM).contains(&y), "{pair}");
        }
        // the two marks at one place are moved apart
        let heights: Vec<f64> = svg
            .split("class=\"mark")
            .skip(1)
            .map(|t| t.split(" y=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap())
            .collect();
        assert!((heights[1] - heights[0]).abs() >= MARK_GAP - 1e-9);
        assert_eq!(svg.matches("class=\"leader\"").count(), 2, "each with a line to its mark");
    }

    #[test]
    fn a_chart_without_lines_or_of_one_value_is_drawn() {
        for traces in [vec![], vec![trace(0, &[])], vec![trace(0, &[0.0])]] {
            let parts =
                Chart { title: "", x_label: "", ticks: &[], y_label: "", traces: &traces, key: "" };
            assert!(!chart(&parts).contains("NaN"));
        }
    }
}
