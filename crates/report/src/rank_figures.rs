//! Figures of a ranking: paired differences, critical differences, agreement, cost.

use super::{
    contest::Contest,
    curves::Heading,
    drawing::{Anchor, Axis, Drawing, FAINT, GREY, INK},
    figure::{Rgb, Style},
    ladder::{Ladder, Rung, numbered},
    plot::{FigureError, save},
    plot_drawing::{png, svg, text_width},
    rank::Rank,
    ranking::shorten,
};
use crate::{base::words::count, explain::labels::labels};
use std::path::Path;

const WIDTH: f64 = 1000.0;
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

/// Writes `forest`, `critical-difference`, `agreement` and `cost` as PNG and SVG into a folder, as
/// far as there is something to show.
pub fn write(folder: &Path, rank: &Rank, heading: &Heading) -> Result<(), FigureError> {
    let Some(contest) = rank.contests.first() else { return Ok(()) };
    let figures = [
        ("forest", forest(contest, heading)?),
        ("critical-difference", critical_difference(contest, heading)?),
        ("agreement", agreement(rank, heading)?),
        ("cost", cost(rank, contest, heading)?),
    ];
    for (name, figure) in figures {
        let Some(drawing) = figure else { continue };
        save(&folder.join(format!("{name}.png")), &png(&drawing)?)?;
        save(&folder.join(format!("{name}.svg")), svg(&drawing)?.as_bytes())?;
    }
    Ok(())
}

fn names(contest: &Contest) -> Vec<String> {
    let names: Vec<&str> = contest.methods.iter().map(String::as_str).collect();
    labels(&names).iter().map(|name| shorten(name, NAME)).collect()
}

fn subject(contest: &Contest, heading: &Heading) -> String {
    format!(
        "{} on {}, {}, {}, perturbation {}, regions of {r}x{r}",
        heading.model,
        heading.data,
        count(contest.images.len(), "image"),
        contest.metric,
        contest.setting.perturbation,
        r = contest.setting.region,
    )
}

fn widest(names: impl Iterator<Item = impl AsRef<str>>, size: f64) -> Result<f64, FigureError> {
    let mut widths = names.map(|name| text_width(name.as_ref(), size));
    widths.try_fold(0.0, |most, width| Ok(f64::max(most, width?)))
}

/// Vertical grid lines with their numbers below.
fn grid(page: &mut Drawing, axis: &Axis, top: f64, bottom: f64, label: &str, centre: f64) {
    for (value, text) in axis.ticks(7) {
        let x = axis.position(value);
        page.line((x, top), (x, bottom), 1.0, FAINT);
        page.text((x, bottom + 14.0), &text, Anchor::Middle);
    }
    page.text((centre, bottom + 38.0), label, Anchor::Middle);
}

/// Forest plot: the mean difference of every two methods with its 95 % interval.
fn forest(contest: &Contest, heading: &Heading) -> Result<Option<Drawing>, FigureError> {
    let pairs = &contest.comparison.pairs;
    let shown = &pairs[..pairs.len().min(MOST_PAIRS)];
    if shown.is_empty() {
        return Ok(None);
    }
    let names = names(contest);
    let left = 24.0 + widest(names.iter(), 15.0)?;
    let start = 2.0 * left + 30.0;
    let width = WIDTH.max(start + 500.0);
    let bottom = TOP + ROW * shown.len() as f64;
    let more = match pairs.len() - shown.len() {
        0 => String::new(),
        n => format!("; {n} more pairs are in pairs.csv"),
    };
    let mut page = Drawing::new(
        width,
        bottom + 92.0,
        "Paired differences between methods",
        &subject(contest, heading),
    );
    let ends = shown.iter().flat_map(|p| {
        let d = &p.difference;
        [0.0, d.mean, d.lo().unwrap_or(d.mean), d.hi().unwrap_or(d.mean)]
    });
    let end = width - 120.0;
    let axis = Axis::new(ends, start, end);
    let label = format!("mean difference in {}, image by image", contest.metric);
    grid(&mut page, &axis, TOP - 10.0, bottom, &label, f64::midpoint(start, end));
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
        "Lines: 95 % bootstrap intervals over images (BCa). Blue: p < 0.05 after Holm's correction{more}."
    );
    page.label((18.0, bottom + 70.0), &note, 15.0, Anchor::Left, GREY);
    Ok(Some(page))
}

/// Critical-difference diagram (Demsar 2006): mean ranks on a line, bars over methods that cannot be
/// told apart.
fn critical_difference(
    contest: &Contest,
    heading: &Heading,
) -> Result<Option<Drawing>, FigureError> {
    let Some(test) = contest.comparison.friedman.as_ref().filter(|f| f.statistic.is_some()) else {
        return Ok(None);
    };
    let k = contest.methods.len();
    let names = names(contest);
    let ladder = Ladder::of(test);
    let Ladder { order, ranks, bars: groups, difference } = &ladder;
    let half = k.div_ceil(2);
    let (first, second) = order.split_at(half);
    let left = 60.0 + widest(first.iter().map(|&j| &names[j]), 15.0)?;
    let right = 60.0 + widest(second.iter().map(|&j| &names[j]), 15.0)?;
    let (from, to) = (left, WIDTH.max(left + right + 400.0) - right);
    let axis = Axis::exact(1.0, k as f64, from, to);
    let line = TOP + 56.0;
    let bars = line + 18.0 + 11.0 * groups.len() as f64;
    let height = bars + ROW * k.div_ceil(2) as f64 + 66.0;
    let title = "Critical differences of mean ranks";
    let mut page = Drawing::new(to + right, height, title, &subject(contest, heading));
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
    page.label((18.0, height - 24.0), &note, 15.0, Anchor::Left, GREY);
    Ok(Some(page))
}

/// Heat map of Kendall's tau between ways to rank.
fn agreement(rank: &Rank, heading: &Heading) -> Result<Option<Drawing>, FigureError> {
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
    let line = format!("{} on {}", heading.model, heading.data);
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
    page.label((18.0, bottom + 26.0), note, 15.0, Anchor::Left, GREY);
    Ok(Some(page))
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

/// Quality against the cost of an explanation, on a logarithmic scale.
fn cost(rank: &Rank, contest: &Contest, heading: &Heading) -> Result<Option<Drawing>, FigureError> {
    let names = names(contest);
    let point = |j: usize| {
        let ms = rank.costs.get(&contest.methods[j])?.milliseconds.filter(|v| *v > 0.0)?;
        Some((j, ms.log10(), contest.comparison.estimates[j]))
    };
    let points: Vec<_> = (0..names.len()).filter_map(point).collect();
    if points.len() < 2 {
        return Ok(None);
    }
    let (left, top, bottom) = (90.0, TOP, TOP + 420.0);
    let widths: Vec<f64> = points
        .iter()
        .map(|(j, ..)| text_width(&names[*j], 15.0))
        .collect::<Result<_, FigureError>>()?;
    let scale = |right: f64| Axis::new(points.iter().map(|p| p.1), left, right);
    let right = room_for_labels(|right| {
        let axis = scale(right);
        let ends =
            points.iter().zip(&widths).map(|((_, log, _), width)| axis.position(*log) + width);
        ends.fold(0.0, f64::max) + 14.0
    });
    let x_axis = scale(right);
    let title = "Quality against cost";
    let mut page = Drawing::new(WIDTH, bottom + 92.0, title, &subject(contest, heading));
    let ends = points
        .iter()
        .flat_map(|(_, _, e)| [e.mean, e.lo().unwrap_or(e.mean), e.hi().unwrap_or(e.mean)]);
    let y_axis = Axis::new(ends, bottom, top);
    for (value, text) in y_axis.ticks(6) {
        let y = y_axis.position(value);
        page.line((left, y), (right, y), 1.0, FAINT);
        page.text((left - 10.0, y), &text, Anchor::Right);
    }
    for (value, text) in x_axis.log_ticks() {
        let x = x_axis.position(value);
        page.line((x, top), (x, bottom), 1.0, FAINT);
        page.text((x, bottom + 14.0), &text, Anchor::Middle);
    }
    let mut taken = Vec::new();
    for (i, (_, log, e)) in points.iter().enumerate() {
        let (x, y) = (x_axis.position(*log), y_axis.position(e.mean));
        let colour = Style::nth(i).colour;
        if let (Some(lo), Some(hi)) = (e.lo(), e.hi()) {
            let (lo, hi) = (y_axis.position(lo), y_axis.position(hi));
            page.line((x, lo), (x, hi), 2.0, colour);
            taken.push(Area { x: (x - 2.0, x + 2.0), y: (hi, lo) });
        }
        page.dot((x, y), 5.0, colour);
        taken.push(Area { x: (x - 7.0, x + 7.0), y: (y - 7.0, y + 7.0) });
    }
    for ((j, log, e), width) in points.iter().zip(&widths) {
        let (x, y) = (x_axis.position(*log), y_axis.position(e.mean));
        let place = label_place((x, y), *width, &taken, (left, WIDTH - 6.0));
        let end = if place.x.0 > x { place.x.0 - 3.0 } else { place.x.1 + 3.0 };
        let middle = f64::midpoint(place.y.0, place.y.1);
        if (middle - y).abs() > 4.0 {
            page.line((x + 6.0 * (end - x).signum(), y), (end, middle), 1.0, GREY);
        }
        page.text((place.x.0, middle), &names[*j], Anchor::Left);
        taken.push(place);
    }
    page.text(
        (f64::midpoint(left, right), bottom + 40.0),
        "milliseconds per explanation (median)",
        Anchor::Middle,
    );
    page.label((left, top - 12.0), &contest.metric, 15.0, Anchor::Left, INK);
    let note = "Lines: 95 % bootstrap intervals over images (BCa). The random order and heat maps from files have no cost and are left out.";
    page.label((18.0, bottom + 70.0), note, 15.0, Anchor::Left, GREY);
    Ok(Some(page))
}

/// The right end of a scale for which the last label ends within the page; `end` says where that is
/// for a right end.
fn room_for_labels(end: impl Fn(f64) -> f64) -> f64 {
    let mut right = WIDTH - 20.0;
    // a shorter scale moves labels by less than itself
    for _ in 0..20 {
        right -= (end(right) - (WIDTH - 12.0)).max(0.0);
    }
    right.max(0.4 * WIDTH)
}

/// A rectangle with its ends in both directions.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Area {
    x: (f64, f64),
    y: (f64, f64),
}

impl Area {
    fn meets(&self, other: &Area) -> bool {
        let both = |a: (f64, f64), b: (f64, f64)| a.0 < b.1 && b.0 < a.1;
        both(self.x, other.x) && both(self.y, other.y)
    }
}

/// Where the label of a point lies on few other things and not far away: right or left of it, at its
/// height or some rows above or below, between the ends of the page. A thing that is covered counts as
/// much as two and a half rows.
fn label_place((x, y): (f64, f64), width: f64, taken: &[Area], page: (f64, f64)) -> Area {
    const HEIGHT: f64 = 17.0;
    let at = |start: f64, rows: f64| {
        let top = y + (rows - 0.5) * HEIGHT;
        Area { x: (start, start + width), y: (top, top + HEIGHT) }
    };
    let rows = (0..7).flat_map(|k: u32| [(k, f64::from(k)), (k, -f64::from(k))]);
    let places = rows.flat_map(|(k, shift)| {
        [x + 14.0, x - 14.0 - width].map(|start| (k as usize, at(start, shift)))
    });
    let inside = |(_, a): &(usize, Area)| a.x.0 >= page.0 && a.x.1 <= page.1 && a.y.0 >= TOP - 20.0;
    let hits = |a: &Area| taken.iter().filter(|other| a.meets(other)).count();
    // the first of equally good ones
    let best = places.filter(inside).min_by_key(|(k, area)| 5 * hits(area) + 2 * k);
    best.map_or_else(|| at(x + 14.0, 0.0), |(_, area)| area)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        demo, drawing::Shape, eval::stats::Resampling, rank::rank, run::record::Timing,
        subsets::Sets,
    };

    fn found() -> Rank {
        found_with(|i| 0.002 * (i as f64 + 1.0).powi(2))
    }

    /// A ranking where the `i`-th method takes so many seconds.
    fn found_with(seconds: impl Fn(usize) -> f64) -> Rank {
        let rows = demo::records(20, 2, 20);
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
    fn labels_give_way_to_what_is_there() {
        let free = label_place((500.0, 300.0), 80.0, &[], (90.0, 994.0));
        assert_eq!(free.x, (514.0, 594.0));
        let bar = Area { x: (540.0, 544.0), y: (250.0, 310.0) };
        let left = label_place((500.0, 300.0), 80.0, &[bar], (90.0, 994.0));
        assert_eq!(left.x, (406.0, 486.0));
        // with both sides taken it goes below the bars
        let other = Area { x: (430.0, 434.0), y: (250.0, 310.0) };
        let below = label_place((500.0, 300.0), 80.0, &[bar, other], (90.0, 994.0));
        assert!(below.y.0 >= 310.0 && !below.meets(&bar), "{below:?}");
        // and at the edge of the page to the left
        let edge = label_place((980.0, 300.0), 80.0, &[], (90.0, 994.0));
        assert!(edge.x.1 < 980.0, "{edge:?}");
    }

    #[test]
    fn costs_within_a_decade_have_an_axis_that_can_be_read() {
        let found = found_with(|i| 0.005 + 0.0018 * i as f64);
        let page = cost(&found, &found.contests[0], &heading()).unwrap().unwrap();
        // numbers in the middle of their places are those of the horizontal axis
        let tick = |shape: &Shape| match shape {
            Shape::Text { text, anchor: Anchor::Middle, .. } => text.parse().ok(),
            _ => None,
        };
        let ticks: Vec<u32> = page.shapes.iter().filter_map(tick).collect();
        assert_eq!(ticks, [5, 10, 15]);
    }

    #[test]
    fn every_shape_lies_on_its_page() {
        let (found, heading) = (found(), heading());
        let contest = &found.contests[0];
        let pages = [
            forest(contest, &heading).unwrap().unwrap(),
            critical_difference(contest, &heading).unwrap().unwrap(),
            agreement(&found, &heading).unwrap().unwrap(),
            cost(&found, contest, &heading).unwrap().unwrap(),
        ];
        for page in pages {
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
        write(folder.path(), &found(), &heading()).unwrap();
        for name in ["forest", "critical-difference", "agreement", "cost"] {
            let svg = std::fs::read_to_string(folder.path().join(format!("{name}.svg"))).unwrap();
            assert!(svg.contains("<svg"), "{name}");
            let png = std::fs::read(folder.path().join(format!("{name}.png"))).unwrap();
            assert!(png.starts_with(b"\x89PNG"), "{name}");
        }
    }
}
