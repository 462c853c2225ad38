//! Figures of curves: AOPC against the number of removed regions, and what lies behind it.

use super::{
    cells::{Group, RANDOM},
    figure::{Figure, Line, Panel, Point},
    naming::Names,
    plot::{self, FigureError},
    styles::{Styles, by_mean},
};
use crate::{
    base::words::count,
    eval::{
        metric::{Abpc, Aopc, CurveMetric, Drop, RelativeAopc},
        order::Order,
        stats::{Estimate, FEWEST, Resampling, estimates_of_known},
    },
    run::manifest::Manifest,
};
use std::path::Path;

/// Resamples behind a band: one interval per step needs fewer than the numbers of a table.
const RESAMPLES: usize = 2_000;

/// From so many pictures on bands are BCa intervals. With fewer, what these correct jumps from one
/// step to the next, and bands look like saws.
const BCA: usize = 10;

/// Steps of a figure that are computed together: few enough for little memory with many pictures.
const BLOCK: usize = 16;

/// What was evaluated, for titles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    /// Name of the model.
    pub model: String,
    /// Name of the data.
    pub data: String,
}

impl Heading {
    /// From a manifest, where there is one.
    pub fn of(manifest: Option<&Manifest>) -> Heading {
        let (model, data) =
            manifest.map_or(("a model", "unknown data"), |m| (&m.model.name[..], &m.data.name[..]));
        Heading { model: model.to_owned(), data: data.to_owned() }
    }
}

/// How methods are called and look.
#[derive(Clone, Debug, Default)]
pub struct Dress {
    /// What they are called.
    pub names: Names,
    /// Their colours and dashes.
    pub styles: Styles,
}

impl Dress {
    /// Of the methods of all settings.
    pub fn of(groups: &[Group<'_>]) -> Dress {
        Dress::of_all(groups.iter())
    }

    /// The same of the settings of several runs.
    pub fn of_all<'a>(groups: impl Iterator<Item = &'a Group<'a>> + Clone) -> Dress {
        let names = Names::of(groups.clone().flat_map(Group::methods));
        Dress { names, styles: Styles::of(groups) }
    }
}

/// The figures of one setting.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// Ends the names of their files: empty for the first setting.
    suffix: String,
    /// AOPC against removed regions, [`aopc`].
    pub aopc: Figure,
    /// Scores against removed regions, [`scores`].
    pub scores: Figure,
}

/// The figures of every setting.
pub fn figures(groups: &[Group<'_>], heading: &Heading, dress: &Dress) -> Vec<Figures> {
    let one = |(i, group): (usize, &Group<'_>)| Figures {
        suffix: if i == 0 { String::new() } else { format!("-{}", slug(group)) },
        aopc: aopc(group, heading, dress),
        scores: scores(group, heading, dress),
    };
    groups.iter().enumerate().map(one).collect()
}

/// Writes `aopc.png`, `aopc.svg`, `scores.png` and `scores.svg` for every setting into a folder;
/// from the second setting on, the names carry the setting.
pub fn write(folder: &Path, figures: &[Figures]) -> Result<(), FigureError> {
    for Figures { suffix, aopc, scores } in figures {
        for (name, figure) in [("aopc", aopc), ("scores", scores)] {
            if figure.panels.iter().all(|p| p.lines.is_empty()) {
                continue;
            }
            let path = |extension: &str| folder.join(format!("{name}{suffix}.{extension}"));
            plot::save(&path("png"), &plot::png(figure)?)?;
            plot::save(&path("svg"), plot::svg(figure)?.as_bytes())?;
        }
    }
    Ok(())
}

/// The setting as part of a file name.
fn slug(group: &Group<'_>) -> String {
    let s = &group.setting;
    let name = format!("{}-{}-{}", s.perturbation, s.region, s.score_kind);
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect()
}

/// AOPC of every method, by the first order there is, against the number of removed regions; below it the
/// same relative to the random order, and the area between the curves where both orders were run.
pub fn aopc(group: &Group<'_>, heading: &Heading, dress: &Dress) -> Figure {
    let panel = |title: &str, y_label: &str, metric: &dyn CurveMetric, skip: &str| {
        panel(title, y_label, lines(group, dress, metric, skip, 1.0))
    };
    let order = group.orders().next().unwrap_or(Order::Morf);
    let title = match order {
        Order::Morf => "AOPC, most relevant regions first (higher is better)",
        Order::Lerf => "AOPC, least relevant regions first (lower is better)",
    };
    let relative = RelativeAopc(order);
    let panels = vec![
        panel(title, "AOPC", &Aopc(order), ""),
        panel(
            "The same minus the random order, image by image",
            "AOPC - random",
            &relative,
            RANDOM,
        ),
        panel(
            "ABPC, between least and most relevant first (higher is better)",
            "ABPC",
            &Abpc { sum: false },
            "",
        ),
    ];
    figure("Area over the perturbation curve", group, heading, panels)
}

/// The mean change of the class score against the number of removed regions.
pub fn scores(group: &Group<'_>, heading: &Heading, dress: &Dress) -> Figure {
    let panel = |title: &str, order: Order| {
        let lines = lines(group, dress, &Drop(order), "", -1.0);
        panel(title, "score - score of the image", lines)
    };
    let panels = vec![
        panel("Most relevant regions first (lower is better)", Order::Morf),
        panel("Least relevant regions first (higher is better)", Order::Lerf),
    ];
    figure("Class score while regions are removed", group, heading, panels)
}

/// A panel, and of how many pictures each of its lines is the mean.
fn panel(title: &str, y_label: &str, lines: Vec<(Line, usize)>) -> (Panel, Vec<usize>) {
    let (lines, pictures) = lines.into_iter().unzip();
    (Panel { title: title.to_owned(), y_label: y_label.to_owned(), lines }, pictures)
}

/// What bands are, where the lines are means of so many pictures.
fn bands(pictures: &[usize]) -> String {
    let banded = || pictures.iter().filter(|n| **n >= FEWEST);
    let few = banded().filter(|n| **n < BCA).count();
    let intervals = "Bands: 95 % bootstrap intervals of the mean over images";
    match banded().count() {
        0 => format!("No bands: they take {FEWEST} images"),
        _ if few == 0 => format!("{intervals} (BCa)"),
        n if few < n => {
            format!("{intervals} (BCa; percentile where a method has fewer than {BCA} images)")
        }
        _ => format!(
            "{intervals} (percentile, since BCa ones, which tables have, jump from step to step \
             with fewer than {BCA} images)"
        ),
    }
}

fn figure(
    what: &str,
    group: &Group<'_>,
    heading: &Heading,
    panels: Vec<(Panel, Vec<usize>)>,
) -> Figure {
    let (panels, pictures): (Vec<Panel>, Vec<Vec<usize>>) = panels.into_iter().unzip();
    let s = &group.setting;
    let lacking = group.methods().filter(|m| !is_complete(group, m)).count();
    let missing = match lacking {
        0 => String::new(),
        n => format!(" {} without some of the images, see the summary.", count(n, "method")),
    };
    let has_bands = pictures.iter().flatten().any(|n| *n >= FEWEST);
    let whose = if has_bands && panels.iter().any(Panel::is_full) {
        ", drawn for the first method and the random order"
    } else {
        ""
    };
    Figure {
        width: Figure::WIDTH,
        title: format!("{what}: {} on {}", heading.model, heading.data),
        subtitle: format!(
            "{}, {}, regions of {r}x{r} pixels, perturbation {}, {} of the target class",
            count(group.images(), "image"),
            count(group.repeats(), "repeat"),
            s.perturbation,
            s.score_kind,
            r = s.region,
        ),
        x_label: "number of removed regions".to_owned(),
        caption: format!("{}{whose}.{missing}", bands(&pictures.concat())),
        ticks: s.removed.iter().flatten().map(u32::to_string).collect(),
        panels,
    }
}

/// True when a method has all its curves on all pictures.
fn is_complete(group: &Group<'_>, method: &str) -> bool {
    group.orders().all(|order| group.values(method, &Aopc(order)).iter().all(Option::is_some))
}

/// One line per method that has curves, the best on top, with the number of pictures behind it.
fn lines(
    group: &Group<'_>,
    dress: &Dress,
    metric: &dyn CurveMetric,
    skip: &str,
    sign: f64,
) -> Vec<(Line, usize)> {
    let line = |method: &str| {
        let estimates = estimates(group, method, metric, sign);
        let pictures = estimates.first()?.n;
        let points = estimates.iter().map(point).collect();
        let (name, style) = (dress.names.get(method), dress.styles.style(method));
        Some((Line { name, style, points }, pictures))
    };
    let wanted = by_mean(group).into_iter().rev().filter(|method| *method != skip);
    wanted.filter_map(line).collect()
}

/// The mean with the interval that is drawn.
fn point(estimate: &Estimate) -> Point {
    let interval = if estimate.n < BCA { estimate.percentile } else { estimate.bca };
    Point { value: estimate.mean, interval: interval.map(|i| (i.lo, i.hi)) }
}

/// Means over pictures with intervals, step by step.
fn estimates(
    group: &Group<'_>,
    method: &str,
    metric: &dyn CurveMetric,
    sign: f64,
) -> Vec<Estimate> {
    let steps = group.setting.steps.map_or(0, |steps| steps + 1);
    let resampling = Resampling { count: RESAMPLES, ..Resampling::default() };
    let block = |first: usize| {
        let block = first..(first + BLOCK).min(steps);
        let pictures = group.values_within(method, metric, block.clone());
        let known: Vec<&Vec<f64>> = pictures.iter().flatten().collect();
        let column = |k: usize| known.iter().map(|p| Some(sign * p[k])).collect();
        let columns: Vec<Vec<Option<f64>>> = (0..block.len()).map(column).collect();
        let estimates =
            if known.is_empty() { vec![] } else { estimates_of_known(&columns, resampling) };
        estimates.into_iter().flatten()
    };
    (0..steps).step_by(BLOCK).flat_map(block).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cells::group, demo, eval::stats::Interval, run::record::Row};

    fn heading() -> Heading {
        Heading { model: "SqueezeNet 1.1".to_owned(), data: "ImageNet validation".to_owned() }
    }

    // takes seconds without optimised dependencies: four figures of five megapixels are compressed
    #[test]
    fn a_run_of_one_order_has_its_area_and_the_best_method_on_top() {
        let mut rows = demo::records(5, 1, 8);
        rows.retain(|row| row.order == Order::Lerf);
        let groups = group(&rows).unwrap();
        let summary = crate::summary::summarise(&rows).unwrap();
        let figure = aopc(&groups[0], &heading(), &Dress::of(&groups));
        assert_eq!(figure.panels[0].title, "AOPC, least relevant regions first (lower is better)");
        let top = &figure.panels[0].lines.last().unwrap().name;
        assert!(summary.rows[0].method.starts_with(top), "{top}");
        assert!(figure.panels[2].lines.is_empty(), "there is one order");
        assert!(figure.caption.starts_with("Bands:"), "{}", figure.caption);
    }

    #[test]
    fn figures_of_all_settings_are_written() {
        let mut rows = demo::records(5, 1, 8);
        let other = rows.iter().cloned().map(|row| Row {
            perturbation: "blur:sigma=3".to_owned(),
            scores: row.scores.map(|s| s[..4].to_vec()),
            ..row
        });
        rows.extend(other.collect::<Vec<_>>());
        let dir = tempfile::tempdir().unwrap();
        let groups = group(&rows).unwrap();
        write(dir.path(), &figures(&groups, &heading(), &Dress::of(&groups))).unwrap();
        let mut names: Vec<String> = std::fs::read_dir(dir.path())
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let second = "-blur-sigma-3-9-logit";
        let expected = ["aopc", "scores"].iter().flat_map(|n| {
            [
                format!("{n}.png"),
                format!("{n}.svg"),
                format!("{n}{second}.png"),
                format!("{n}{second}.svg"),
            ]
        });
        let mut expected: Vec<String> = expected.collect();
        expected.sort();
        assert_eq!(names, expected);
    }

    #[test]
    fn lines_show_the_means_of_the_table() {
        let rows = demo::records(12, 2, 20);
        let groups = group(&rows).unwrap();
        let summary = crate::summary::summarise(&rows).unwrap();
        let figure = aopc(&groups[0], &heading(), &Dress::of(&groups));
        let names: Vec<&str> = figure.panels[0].lines.iter().map(|l| l.name.as_str()).collect();
        let last = |panel: usize, name: &str| {
            let line = figure.panels[panel].lines.iter().find(|l| l.name == name).unwrap();
            assert_eq!(line.points.len(), 21);
            (line.points[0].value, *line.points.last().unwrap())
        };
        for row in summary.rows.iter().filter(|r| r.order == Order::Morf) {
            assert!(names.contains(&row.method.as_str()));
            let estimate = row.aopc.unwrap();
            let (start, end) = last(0, &row.method);
            assert!(start.abs() < 1e-15 && (end.value - estimate.mean).abs() < 1e-12);
            // a 2.5 % quantile of 2,000 normal draws is off by 0.06 standard deviations, the bias
            // of BCa adds as much; four times that
            let (lo, hi) = end.interval.unwrap();
            let tolerance = 4.0 * 0.085 * estimate.stderr.unwrap();
            assert!((lo - estimate.lo().unwrap()).abs() < tolerance);
            assert!((hi - estimate.hi().unwrap()).abs() < tolerance);
            assert!((last(2, &row.method).1.value - row.abpc.unwrap().mean).abs() < 1e-12);
        }
        assert_eq!(*names.last().unwrap(), summary.rows[0].method, "the best is on top");
        assert!(figure.panels[1].lines.iter().all(|l| l.name != RANDOM));
        let random = figure.panels[0].lines.iter().find(|l| l.name == RANDOM).unwrap();
        assert_eq!(random.style, crate::figure::Style::BASELINE);
    }

    #[test]
    fn bands_of_fewer_than_ten_pictures_are_percentile_intervals() {
        let interval = |lo, hi| Some(Interval { lo, hi });
        let estimate = |n, percentile| Estimate {
            mean: 1.0,
            stderr: Some(0.1),
            bca: interval(0.7, 1.2),
            percentile,
            n,
        };
        let drawn = |n| point(&estimate(n, interval(0.8, 1.1))).interval;
        assert_eq!((drawn(3), drawn(9)), (Some((0.8, 1.1)), Some((0.8, 1.1))));
        assert_eq!((drawn(10), drawn(500)), (Some((0.7, 1.2)), Some((0.7, 1.2))));
        assert_eq!(point(&estimate(3, None)), Point { value: 1.0, interval: None });
    }

    #[test]
    fn captions_name_the_interval_that_is_drawn() {
        let caption = |pictures: usize| {
            let rows = demo::records(pictures, 1, 4);
            aopc(&group(&rows).unwrap()[0], &heading(), &Dress::default()).caption
        };
        let start = "Bands: 95 % bootstrap intervals of the mean over images";
        let whose = ", drawn for the first method and the random order.";
        assert_eq!(caption(10), format!("{start} (BCa){whose}"));
        let few = "(percentile, since BCa ones, which tables have, jump from step to step with \
                   fewer than 10 images)";
        assert_eq!(caption(9), format!("{start} {few}{whose}"));
        assert_eq!(caption(2), "No bands: they take 3 images.");
        assert_eq!(
            bands(&[12, 9, 12]),
            format!("{start} (BCa; percentile where a method has fewer than 10 images)")
        );
    }

    #[test]
    fn scores_fall_from_zero_and_what_is_missing_is_said() {
        let mut rows = demo::records(4, 1, 10);
        rows.remove(0);
        let groups = group(&rows).unwrap();
        let figure = scores(&groups[0], &heading(), &Dress::of(&groups));
        for line in figure.panels.iter().flat_map(|p| &p.lines) {
            let (first, last) = (line.points[0].value, line.points[10].value);
            assert!(first.abs() < 1e-15 && last < -0.5, "{}: {last}", line.name);
        }
        assert!(figure.caption.ends_with("1 method without some of the images, see the summary."));
        assert_eq!(
            figure.subtitle,
            "4 images, 1 repeat, regions of 9x9 pixels, perturbation uniform, logit of the target class"
        );
    }
}
