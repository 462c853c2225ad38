//! Mean ranks of the methods over pictures, and which of them the pictures tell apart: the
//! critical-difference diagram of Demšar (2006).

use super::{
    contenders::{Contender, Contenders},
    pairs::title,
    svg::escape,
};
use crate::{
    base::words::count,
    cells::Group,
    colours::short,
    contest::Contest,
    eval::stats::friedman::Friedman,
    ladder::{Ladder, Rung, numbered},
    naming::spoken,
    ranking::shorten,
};
use serde::Serialize;
use std::fmt::Write as _;

/// The diagram of one setting.
#[derive(Serialize)]
pub(super) struct Diagram {
    /// Number of its setting.
    setting: Option<usize>,
    title: String,
    chart_html: String,
    /// What the tests say.
    words: String,
}

/// One diagram per contest of at least two methods on two pictures.
pub(super) fn diagrams(
    contests: &[Contest],
    contenders: &Contenders<'_>,
    groups: &[Group<'_>],
) -> Vec<Diagram> {
    let diagram = |contest: &Contest| {
        let found = contest.comparison.friedman.as_ref()?;
        let methods = contest.methods.iter().map(|m| Some(contenders.find(m)?.1));
        let methods: Vec<&Contender<'_>> = methods.collect::<Option<_>>()?;
        let title = title(&contest.setting, &spoken(&contest.metric));
        let setting = groups.iter().position(|g| g.setting == contest.setting);
        Some(Diagram { setting, title, chart_html: charts(&methods, found), words: words(found) })
    };
    contests.iter().filter_map(diagram).collect()
}

fn words(found: &Friedman) -> String {
    let p = match found.p {
        Some(p) if p < 1e-4 => "p < 0.0001".to_owned(),
        Some(p) => format!("p = {p:.4}"),
        None => "all are tied".to_owned(),
    };
    let p = match found.p {
        Some(_) if !found.can_differ() => {
            format!("{p}, which cannot reach 5 % on so few pictures")
        }
        _ => p,
    };
    let difference = short(found.critical_difference);
    let bars = if found.can_tell_apart() {
        format!(
            "Methods under one bar are closer than the critical difference of {difference} (Nemenyi, \
             5 %), so these pictures do not tell their ranks apart."
        )
    } else {
        format!(
            "The critical difference of {difference} (Nemenyi, 5 %) is more than any two of {} mean \
             ranks can lie apart, so on so few pictures no two methods can be told apart by their ranks.",
            found.mean_ranks.len()
        )
    };
    format!(
        "Mean rank over {}, 1 is best. Friedman's test that all methods are alike: {p}. {bars}",
        count(found.n, "picture")
    )
}

/// How a diagram is laid out.
struct Layout {
    /// Class by which the style sheet shows one layout and hides the other.
    class: &'static str,
    width: f64,
    /// Ends of the axis; names of methods stand outside.
    left: f64,
    right: f64,
    /// From one name to the next.
    row: f64,
    /// Least distance between numbers at the axis, so that they do not run together.
    gap: f64,
    /// How many of so many methods, the best ones, have their names on the left.
    on_the_left: fn(usize) -> usize,
    /// Whether a mean rank stands below its name, not behind it.
    is_stacked: bool,
}

/// For screens and paper: the better half on the left, the others on the right.
const BROAD: Layout = Layout {
    class: "broad",
    width: 1120.0,
    left: 310.0,
    right: 810.0,
    row: 22.0,
    gap: 24.0,
    on_the_left: |count| count.div_ceil(2),
    is_stacked: false,
};

/// For phones: all names on the left, one under the other, so that they can be read.
const NARROW: Layout = Layout {
    class: "narrow",
    width: 352.0,
    left: 238.0,
    right: 340.0,
    row: 34.0,
    gap: 20.0,
    on_the_left: |count| count,
    is_stacked: true,
};

/// Longest name, in characters.
const NAME: usize = 32;
const AXIS: f64 = 56.0;
const BAR: f64 = 9.0;

/// The diagram in both layouts, of which the style sheet shows the one that fits.
fn charts(methods: &[&Contender<'_>], found: &Friedman) -> String {
    let ladder = Ladder::of(found);
    [BROAD, NARROW].iter().map(|layout| layout.chart(methods, &ladder)).collect()
}

impl Layout {
    fn chart(&self, methods: &[&Contender<'_>], ladder: &Ladder) -> String {
        let Layout { class, width, left, right, .. } = self;
        let count = ladder.ranks.len();
        let names = AXIS + 28.0 + BAR * ladder.bars.len() as f64;
        let on_the_left = (self.on_the_left)(count);
        let mut svg = format!(
            "<svg class=\"chart ranks {class}\" viewBox=\"0 0 {width} {:.0}\" role=\"img\" \
             aria-label=\"critical-difference diagram\">\
             <path class=\"axis\" d=\"M{left} {AXIS}H{right}\"/>",
            names + self.row * on_the_left as f64
        );
        self.scale(&mut svg, count, ladder.difference);
        for (k, (first, last)) in ladder.bars.iter().enumerate() {
            let y = AXIS + 12.0 + BAR * k as f64;
            let from = self.x(ladder.ranks[*first], count) - 4.0;
            let to = self.x(ladder.ranks[*last], count) + 4.0;
            let _ = write!(svg, "<path class=\"clique\" d=\"M{from:.1} {y:.1}H{to:.1}\"/>");
        }
        for Rung { method, rank, is_left, row } in ladder.rungs(on_the_left) {
            let at = (self.x(rank, count), names + self.row * row as f64);
            self.name(&mut svg, methods[method], rank, at, is_left);
        }
        svg.push_str("</svg>");
        svg
    }

    /// From one rank to the next.
    fn unit(&self, count: usize) -> f64 {
        (self.right - self.left) / (count as f64 - 1.0)
    }

    fn x(&self, rank: f64, count: usize) -> f64 {
        self.left + self.unit(count) * (rank - 1.0)
    }

    /// A method's name beside the axis, with a line to its mean rank.
    fn name(
        &self,
        svg: &mut String,
        method: &Contender<'_>,
        rank: f64,
        (x, y): (f64, f64),
        is_left: bool,
    ) {
        let (end, text, anchor) = if is_left {
            (self.left, self.left - 8.0, "end")
        } else {
            (self.right, self.right + 8.0, "start")
        };
        let name = escape(&shorten(&method.label, NAME));
        let rank = format!("{rank:.2}");
        let (name, below) = if self.is_stacked {
            let place = format!("x=\"{text}\" y=\"{:.1}\" text-anchor=\"{anchor}\"", y + 18.0);
            (name, format!("<text {place}>{rank}</text>"))
        } else {
            (format!("{name} ({rank})"), String::new())
        };
        let _ = write!(
            svg,
            "<path class=\"line solid {}\" d=\"M{x:.1} {AXIS}V{y:.1}H{end}\"/>\
             <text class=\"name\" x=\"{text}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{name}</text>{below}",
            method.style,
            y + 5.0,
        );
    }

    /// Ticks of the axis, and above it the length of the critical difference.
    fn scale(&self, svg: &mut String, count: usize, difference: f64) {
        let (left, unit) = (self.left, self.unit(count));
        for rank in 1..=count {
            let x = self.x(rank as f64, count);
            let _ = write!(svg, "<path class=\"axis\" d=\"M{x:.1} {AXIS}v-6\"/>");
        }
        for rank in numbered(count, unit, self.gap) {
            let _ = write!(
                svg,
                "<text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{rank}</text>",
                self.x(rank as f64, count),
                AXIS - 11.0
            );
        }
        let to = (left + difference * unit).min(self.width - 4.0);
        let _ = write!(
            svg,
            "<path class=\"axis\" d=\"M{left} 10v8M{left} 14H{to:.1}M{to:.1} 10v8\"/>\
             <text class=\"tick\" x=\"{:.1}\" y=\"19\" text-anchor=\"end\">critical difference</text>",
            left - 8.0
        );
    }
}
