//! Figures of a ranking: paired differences, critical differences, agreement, cost.

use super::{
    bump::Bump,
    contest::Contest,
    curves::{Dress, Heading},
    drawing::{Anchor, Axis, Drawing, FAINT, GREY, INK},
    figure::{Figure, Rgb},
    ladder::{Ladder, Rung, numbered},
    naming::spoken,
    plot::{FigureError, save},
    plot_drawing::{png, svg, text_width},
    rank::Rank,
    ranking::shorten,
};
use crate::base::words::count;
use std::path::Path;

const TOP: f64 = 84.0;
const ROW: f64 = 24.0;

/// Least distance between the numbers of ranks.
const TICK: f64 = 24.0;

/// Longest name of a method, in characters.
const NAME: usize = 40;

/// Pairs in a forest plot: more cannot be read.
const MOST_PAIRS: usize = 45;

/// A difference that is significant, and one that is not.
const CLEAR: Rgb = (0, 114, 178);
const UNCLEAR: Rgb = (150, 150, 150);

/// How figures are made: of what, for whom.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    /// What was evaluated.
    pub heading: &'a Heading,
    /// What methods are called, and their colours.
    pub dress: &'a Dress,
    /// Width of a page in units; names that need more make it wider.
    pub width: f64,
}

/// Writes `forest`, `critical-difference`, `agreement`, `cost` and `settings` as PNG and SVG into a folder, as
/// far as there is something to show.
pub fn write(
    folder: &Path,
    rank: &Rank,
    heading: &Heading,
    dress: &Dress,
) -> Result<(), FigureError> {
    let look = &Look { heading, dress, width: Figure::WIDTH };
    let figures = [
        ("forest", forest(rank, look)?),
        ("critical-difference", critical_difference(rank, look)?),
        ("agreement", agreement(rank, look)?),
        ("cost", cost(rank, look)?),
        ("settings", settings(rank, look)?),
    ];
    for (name, figure) in figures {
        let Some(drawing) = figure else { continue };
        save(&folder.join(format!("{name}.png")), &png(&drawing)?)?;
        save(&folder.join(format!("{name}.svg")), svg(&drawing)?.as_bytes())?;
    }
    Ok(())
}

impl Look<'_> {
    fn names(&self, contest: &Contest) -> Vec<String> {
        contest.methods.iter().map(|name| shorten(&self.dress.names.get(name), NAME)).collect()
    }
}

fn subject(contest: &Contest, heading: &Heading) -> String {
    format!(
        "{} on {}, {}, {}, perturbation {}, regions of {r}x{r}",
        heading.model,
        heading.data,
        count(contest.images.len(), "image"),
        spoken(&contest.metric),
        contest.setting.perturbation,
        r = contest.setting.region,
    )
}

fn widest(names: impl Iterator<Item = impl AsRef<str>>, size: f64) -> Result<f64, FigureError> {
    let mut widths = names.map(|name| text_width(name.as_ref(), size));
    widths.try_fold(0.0, |most, width| Ok(f64::max(most, width?)))
}

/// A horizontal scale: its numbers, its ends, and what it measures.
struct Scale<'a> {
    axis: &'a Axis,
    ticks: Vec<(f64, String)>,
    ends: (f64, f64),
    label: &'a str,
    /// How far below the scale its label stands.
    below: f64,
}

impl Scale<'_> {
    /// Vertical grid lines with their numbers below.
    fn draw(&self, page: &mut Drawing, top: f64, bottom: f64) {
        for (value, text) in &self.ticks {
            let x = self.axis.position(*value);
            page.line((x, top), (x, bottom), 1.0, FAINT);
            page.text((x, bottom + 14.0), text, Anchor::Middle);
        }
        page.text(
            (f64::midpoint(self.ends.0, self.ends.1), bottom + self.below),
            self.label,
            Anchor::Middle,
        );
    }
}

/// About how many numbers there is room for.
fn ticks(axis: &Axis, (from, to): (f64, f64)) -> Vec<(f64, String)> {
    axis.ticks((((to - from) / 90.0).round() as usize).clamp(4, 7))
}

/// Forest plot: the mean difference of every two methods with its 95 % interval.
pub fn forest(rank: &Rank, look: &Look<'_>) -> Result<Option<Drawing>, FigureError> {
    let Some(contest) = rank.contests.first() else { return Ok(None) };
    let pairs = &contest.comparison.pairs;
    let shown = &pairs[..pairs.len().min(MOST_PAIRS)];
    if shown.is_empty() {
        return Ok(None);
    }
    let names = look.names(contest);
    let left = 24.0 + widest(names.iter(), 15.0)?;
    let start = 2.0 * left + 30.0;
    let width = look.width.max(start + 0.5 * look.width);
    let bottom = TOP + ROW * shown.len() as f64;
    let more = match pairs.len() - shown.len() {
        0 => String::new(),
        n => format!("; {n} more pairs are in pairs.csv"),
    };
    let mut page = Drawing::new(
        width,
        bottom + 92.0,
        "Paired differences between methods",
        &subject(contest, look.heading),
    );
    let ends = shown.iter().flat_map(|p| {
        let d = &p.difference;
        [0.0, d.mean, d.lo().unwrap_or(d.mean), d.hi().unwrap_or(d.mean)]
    });
    let end = width - 120.0;
    let axis = Axis::new(ends, start, end);
    let label = format!("difference in {}", spoken(&contest.metric));
    let ticks = ticks(&axis, (start, end));
    let scale = Scale { axis: &axis, ticks, ends: (start, end), label: &label, below: 38.0 };
    scale.draw(&mut page, TOP - 10.0, bottom);
    page.line((axis.position(0.0), TOP - 10.0), (axis.position(0.0), bottom), 1.5, GREY);
    page.label((width - 60.0, TOP - 22.0), "p (Holm)", 15.0, Anchor::Middle, GREY);
    for (i, pair) in shown.iter().enumerate() {
        let y = TOP + ROW * (i as f64 + 0.5);
        let clear = pair.is_found();
        let (ink, text) = if clear { (CLEAR, INK) } else { (UNCLEAR, GREY) };
        page.label((left, y), &names[pair.first], 15.0, Anchor::Right, text);
        page.label((left + 14.0, y), "-", 15.0, Anchor::Middle, GREY);
        page.label((left + 28.0, y), &names[pair.second], 15.0, Anchor::Left, text);
        if let (Some(lo), Some(hi)) = (pair.difference.lo(), pair.difference.hi()) {
            page.line((axis.position(lo), y), (axis.position(hi), y), 2.0, ink);
        }
        page.dot((axis.position(pair.difference.mean), y), 4.0, ink);
        let p = pair.p_holm.map_or("-".to_owned(), |p| match p {
            p if p < 1e-4 => "<0.0001".to_owned(),
            p => format!("{p:.4}"),
        });
        page.label((width - 60.0, y), &p, 15.0, Anchor::Middle, text);
    }
    let note = format!(
        "Mean differences image by image with 95 % bootstrap intervals (BCa). Blue: p < 0.05 after Holm's \
         correction{more}."
    );
    Ok(Some(page.noted(note)))
}

/// Critical-difference diagram (Demsar 2006): mean ranks on a line, bars over methods that cannot be
/// told apart.
pub fn critical_difference(rank: &Rank, look: &Look<'_>) -> Result<Option<Drawing>, FigureError> {
    let Some(contest) = rank.contests.first() else { return Ok(None) };
    let Some(test) = contest.comparison.friedman.as_ref().filter(|f| f.statistic.is_some()) else {
        return Ok(None);
    };
    let k = contest.methods.len();
    let names = look.names(contest);
    let ladder = Ladder::of(test);
    let Ladder { order, ranks, bars: groups, difference } = &ladder;
    let half = k.div_ceil(2);
    let (first, second) = order.split_at(half);
    let left = 60.0 + widest(first.iter().map(|&j| &names[j]), 15.0)?;
    let right = 60.0 + widest(second.iter().map(|&j| &names[j]), 15.0)?;
    let (from, to) = (left, look.width.max(left + right + 0.4 * look.width) - right);
    let axis = Axis::exact(1.0, k as f64, from, to);
    let line = TOP + 56.0;
    let bars = line + 18.0 + 11.0 * groups.len() as f64;
    let height = bars + ROW * k.div_ceil(2) as f64 + 66.0;
    let title = "Critical differences of mean ranks";
    let mut page = Drawing::new(to + right, height, title, &subject(contest, look.heading));
    let width = axis.position(1.0 + difference) - from;
    page.line((from, TOP + 6.0), (from + width, TOP + 6.0), 3.0, INK);
    let text = format!("critical difference {difference:.3}");
    page.text((from + width + 10.0, TOP + 6.0), &text, Anchor::Left);
    page.line((from, line), (to, line), 1.5, INK);
    for rank in 1..=k {
        let x = axis.position(rank as f64);
        page.line((x, line - 6.0), (x, line), 1.5, INK);
    }
    for rank in numbered(k, axis.position(2.0) - axis.position(1.0), TICK) {
        page.text((axis.position(rank as f64), line - 18.0), &rank.to_string(), Anchor::Middle);
    }
    for (i, (a, b)) in groups.iter().enumerate() {
        let y = line + 14.0 + 11.0 * i as f64;
        let ends = (axis.position(ranks[*a]) - 4.0, axis.position(ranks[*b]) + 4.0);
        page.line((ends.0, y), (ends.1, y), 4.0, CLEAR);
    }
    for Rung { method, rank, is_left: left, row } in ladder.rungs(half) {
        let y = bars + ROW * (row as f64 + 0.6);
        let x = axis.position(rank);
        let end = if left { from - 12.0 } else { to + 12.0 };
        page.line((x, line), (x, y), 1.2, GREY);
        page.line((x, y), (end, y), 1.2, GREY);
        let (at, anchor) =
            if left { (end - 6.0, Anchor::Right) } else { (end + 6.0, Anchor::Left) };
        page.text((at, y), &names[method], anchor);
        let (at, anchor) =
            if left { (end + 4.0, Anchor::Left) } else { (end - 4.0, Anchor::Right) };
        page.label((at, y - 9.0), &format!("{rank:.2}"), 12.0, anchor, GREY);
    }
    let p = test.p.unwrap_or(1.0);
    let p = if p < 1e-4 { "< 0.0001".to_owned() } else { format!("= {p:.4}") };
    let note = format!(
        "Rank 1 is best. Bars join methods whose mean ranks cannot be told apart (Nemenyi, 5 %). Friedman: p {p}."
    );
    Ok(Some(page.noted(note)))
}

/// Heat map of Kendall's tau between ways to rank.
pub fn agreement(rank: &Rank, look: &Look<'_>) -> Result<Option<Drawing>, FigureError> {
    let found = &rank.agreement;
    let n = found.names.len();
    if n < 2 {
        return Ok(None);
    }
    let names: Vec<String> = found.names.iter().map(|name| shorten(name, NAME)).collect();
    let left = 66.0 + widest(names.iter(), 15.0)?;
    let cell = 46.0;
    let width = (left + cell * n as f64 + 40.0).max(760.0);
    let bottom = TOP + 20.0 + cell * n as f64;
    let title = "Agreement of rankings (Kendall's tau)";
    let line = format!("{} on {}", look.heading.model, look.heading.data);
    let mut page = Drawing::new(width, bottom + 50.0, title, &line);
    for (i, name) in names.iter().enumerate() {
        let y = TOP + 20.0 + cell * (i as f64 + 0.5);
        page.text((left - 8.0, y), &format!("{name}  {}", i + 1), Anchor::Right);
        let x = left + cell * (i as f64 + 0.5);
        page.text((x, TOP + 6.0), &(i + 1).to_string(), Anchor::Middle);
        for (j, tau) in found.tau[i].iter().enumerate() {
            let x = left + cell * j as f64;
            let y = TOP + 20.0 + cell * i as f64;
            let (fill, ink) = shade(*tau);
            page.rectangle((x + 1.0, y + 1.0), (x + cell - 1.0, y + cell - 1.0), fill);
            let text = tau.map_or("-".to_owned(), |t| format!("{t:.2}"));
            let at = (x + cell / 2.0, y + cell / 2.0);
            page.label(at, &text, 13.0, Anchor::Middle, ink);
        }
    }
    let note = "1: the same ranking, -1: the reverse. Grey: too few methods in common.";
    Ok(Some(page.noted(note.to_owned())))
}

/// Blue for agreement, red for disagreement, white for neither; and a text colour that can be read.
fn shade(tau: Option<f64>) -> (Rgb, Rgb) {
    let Some(tau) = tau else { return ((235, 235, 235), GREY) };
    let end = if tau >= 0.0 { CLEAR } else { (213, 94, 0) };
    let share = tau.abs().min(1.0) * 0.9;
    let mix = |to: u8| (255.0 + (f64::from(to) - 255.0) * share).round() as u8;
    let ink = if share > 0.62 { (255, 255, 255) } else { INK };
    ((mix(end.0), mix(end.1), mix(end.2)), ink)
}

/// Quality and the cost of an explanation, one row per method.
pub fn cost(rank: &Rank, look: &Look<'_>) -> Result<Option<Drawing>, FigureError> {
    let Some(contest) = rank.contests.first() else { return Ok(None) };
    let cost = |j: usize| rank.costs.get(&contest.methods[j])?.milliseconds.filter(|v| *v > 0.0);
    let costs: Vec<f64> = (0..contest.methods.len()).filter_map(cost).map(f64::log10).collect();
    if costs.len() < 2 {
        return Ok(None);
    }
    let names = look.names(contest);
    let start = 36.0 + widest(names.iter(), 15.0)?;
    let width = look.width.max(start + 0.55 * look.width);
    let end = width - 84.0;
    let middle = f64::midpoint(start, end);
    let (left, right) = ((start, middle - 26.0), (middle + 26.0, end));
    let estimates = &contest.comparison.estimates;
    let ends =
        estimates.iter().flat_map(|e| [e.mean, e.lo().unwrap_or(e.mean), e.hi().unwrap_or(e.mean)]);
    let quality = Axis::new(ends, left.0, left.1);
    let time = Axis::new(costs.into_iter(), right.0, right.1);
    let bottom = TOP + ROW * names.len() as f64;
    let title = "Quality and cost";
    let mut page = Drawing::new(width, bottom + 102.0, title, &subject(contest, look.heading));
    let (metric, times) = (spoken(&contest.metric), "time of an explanation in ms");
    let numbers = ticks(&quality, left);
    // side by side, or one below the other
    let both = text_width(&metric, 15.0)? + text_width(times, 15.0)?;
    let below = if both < right.1 - left.0 { 38.0 } else { 58.0 };
    let scale = Scale { axis: &quality, ticks: numbers, ends: left, label: &metric, below: 38.0 };
    scale.draw(&mut page, TOP - 6.0, bottom);
    let numbers = time.log_ticks();
    let scale = Scale { axis: &time, ticks: numbers, ends: right, label: times, below };
    scale.draw(&mut page, TOP - 6.0, bottom);
    for (j, (name, estimate)) in names.iter().zip(estimates).enumerate() {
        let y = TOP + ROW * (j as f64 + 0.5);
        let colour = look.dress.styles.style(&contest.methods[j]).colour;
        page.text((start - 14.0, y), name, Anchor::Right);
        if let (Some(lo), Some(hi)) = (estimate.lo(), estimate.hi()) {
            page.line((quality.position(lo), y), (quality.position(hi), y), 2.0, colour);
        }
        page.dot((quality.position(estimate.mean), y), 4.5, colour);
        let Some(ms) = cost(j) else { continue };
        page.dot((time.position(ms.log10()), y), 4.5, colour);
        page.label((width - 18.0, y), &duration(ms), 15.0, Anchor::Right, GREY);
    }
    let note = "Lines: 95 % bootstrap intervals over images (BCa). Times: medians; the random order and heat maps from files have none.";
    Ok(Some(page.noted(note.to_owned())))
}

/// Milliseconds, seconds or minutes, with two or three digits.
fn duration(ms: f64) -> String {
    let digits = |value: f64| match value {
        v if v < 1.0 => format!("{v:.2}"),
        v if v < 10.0 => format!("{v:.1}"),
        v => format!("{v:.0}"),
    };
    match ms {
        ms if ms < 1000.0 => format!("{} ms", digits(ms)),
        ms if ms < 100_000.0 => format!("{} s", digits(ms / 1000.0)),
        ms => format!("{} min", digits(ms / 60_000.0)),
    }
}

/// The place of each method in each setting.
pub fn settings(rank: &Rank, look: &Look<'_>) -> Result<Option<Drawing>, FigureError> {
    let found = Bump::of(&rank.contests);
    let Some(last) = found.settings.len().checked_sub(1).filter(|last| *last > 0) else {
        return Ok(None);
    };
    let name = |method: &str| shorten(&look.dress.names.get(method), NAME);
    let side = 44.0 + widest(found.lines.iter().map(|line| name(line.method)), 15.0)?;
    let width = look.width.max(2.0 * side + 0.3 * look.width);
    let rows = found
        .lines
        .iter()
        .flat_map(|line| &line.places)
        .flatten()
        .fold(1.0, |a, b| f64::max(a, *b));
    let bottom = TOP + ROW * rows;
    let keys = found.settings.len() as f64;
    let line = format!("{} on {}, {}", look.heading.model, look.heading.data, found.metric);
    let mut page = Drawing::new(width, bottom + 66.0 + 20.0 * keys, "Places by setting", &line);
    let x = |at: usize| side + (width - 2.0 * side) * at as f64 / last as f64;
    let y = |place: f64| TOP + ROW * (place - 0.5);
    for (at, setting) in found.settings.iter().enumerate() {
        page.line((x(at), TOP), (x(at), bottom), 1.0, FAINT);
        page.text((x(at), bottom + 14.0), &(at + 1).to_string(), Anchor::Middle);
        let text = format!("{}: {setting}", at + 1);
        page.label((18.0, bottom + 40.0 + 20.0 * at as f64), &text, 15.0, Anchor::Left, INK);
    }
    for line in &found.lines {
        let style = look.dress.styles.style(line.method);
        let known = |at: usize| Some((x(at), y((*line.places.get(at)?)?)));
        for at in 0..last {
            if let (Some(from), Some(to)) = (known(at), known(at + 1)) {
                page.dashed(from, to, 2.0, style);
            }
        }
        (0..=last).filter_map(known).for_each(|at| page.dot(at, 4.5, style.colour));
        let name = name(line.method);
        for (at, end, anchor) in
            [(0, x(0) - 32.0, Anchor::Right), (last, x(last) + 32.0, Anchor::Left)]
        {
            let Some((_, y)) = known(at) else { continue };
            let place = line.places[at].unwrap_or_default();
            page.text((end, y), &name, anchor);
            let number = f64::midpoint(end, x(at));
            page.label((number, y), &format!("{place:.0}"), 13.0, Anchor::Middle, GREY);
        }
    }
    let note = "Place 1 is best; equal means share the better place.";
    Ok(Some(page.noted(note.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        demo,
        drawing::Shape,
        eval::stats::Resampling,
        rank::rank,
        run::record::{Row, Timing},
        subsets::Sets,
    };

    fn found() -> Rank {
        found_with(|i| 0.002 * (i as f64 + 1.0).powi(2))
    }

    /// A ranking where the `i`-th method takes so many seconds.
    fn found_with(seconds: impl Fn(usize) -> f64) -> Rank {
        let mut rows = demo::records(20, 2, 20);
        let other =
            rows.iter().cloned().map(|row| Row { perturbation: "blur:sigma=3".to_owned(), ..row });
        rows.extend(other.collect::<Vec<Row>>());
        let time = |(i, (method, _)): (usize, &(&str, f32))| Timing {
            image: "a".to_owned(),
            method: (*method).to_owned(),
            stage: "explain".to_owned(),
            perturbation: None,
            region: None,
            order: None,
            repeat: None,
            seconds: seconds(i),
        };
        let times: Vec<Timing> = demo::METHODS.iter().enumerate().map(time).collect();
        let resampling = Resampling { count: 200, ..Resampling::default() };
        rank(&rows, &Sets::new(), &times, &[], None, resampling).unwrap()
    }

    fn heading() -> Heading {
        Heading { model: "SqueezeNet".to_owned(), data: "ImageNet".to_owned() }
    }

    #[test]
    fn costs_within_a_decade_have_an_axis_that_can_be_read() {
        let found = found_with(|i| 0.005 + 0.0018 * i as f64);
        let (heading, dress) = (heading(), Dress::default());
        let look = Look { heading: &heading, dress: &dress, width: 1000.0 };
        let page = cost(&found, &look).unwrap().unwrap();
        // numbers in the middle of their places are those of the horizontal axis
        let tick = |shape: &Shape| match shape {
            Shape::Text { text, anchor: Anchor::Middle, .. } => text.parse().ok(),
            _ => None,
        };
        let ticks: Vec<u32> = page.shapes.iter().filter_map(tick).collect();
        assert!(ticks.ends_with(&[5, 10, 15]), "{ticks:?}");
    }

    #[test]
    fn every_shape_lies_on_its_page() {
        let (found, heading, dress) = (found(), heading(), Dress::default());
        let look = |width| Look { heading: &heading, dress: &dress, width };
        let figures = [forest, critical_difference, agreement, cost, settings];
        let pages = [1000.0, 450.0].into_iter().flat_map(|width| {
            figures.map(|figure| (width, figure(&found, &look(width)).unwrap().unwrap()))
        });
        for page in pages.flat_map(|(width, page)| {
            // narrow pages are for papers alone
            let whole = (width >= 1000.0).then(|| page.clone());
            whole.into_iter().chain([page.on_paper("").0])
        }) {
            let inside = |(x, y): (f64, f64)| {
                assert!((0.0..=page.width).contains(&x), "{x} of {}", page.width);
                assert!((0.0..=page.height).contains(&y), "{y} of {}", page.height);
            };
            for shape in &page.shapes {
                match shape {
                    Shape::Line { from, to, .. } | Shape::Box { from, to, .. } => {
                        inside(*from);
                        inside(*to);
                    }
                    Shape::Dot { at, .. } => inside(*at),
                    Shape::Text { at, text, size, anchor, .. } => {
                        let width = text_width(text, *size).unwrap();
                        let left = match anchor {
                            Anchor::Left => at.0,
                            Anchor::Middle => at.0 - width / 2.0,
                            Anchor::Right => at.0 - width,
                        };
                        inside((left, at.1));
                        inside((left + width, at.1));
                    }
                }
            }
        }
    }

    #[test]
    fn figures_are_written_as_png_and_svg() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &found(), &heading(), &Dress::default()).unwrap();
        for name in ["forest", "critical-difference", "agreement", "cost", "settings"] {
            let svg = std::fs::read_to_string(folder.path().join(format!("{name}.svg"))).unwrap();
            assert!(svg.contains("<svg"), "{name}");
            let png = std::fs::read(folder.path().join(format!("{name}.png"))).unwrap();
            assert!(png.starts_with(b"\x89PNG"), "{name}");
        }
    }
}
