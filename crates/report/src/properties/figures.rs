//! Figures: relevance on its way through the network, class selectivity, and the sweeps.

use crate::{
    curves::Heading,
    eval::stats::quantile::{median, quantile},
    explain::labels::labels,
    figure::{Figure, Line, Panel, Point, Style},
    plot::{self, FigureError},
    run::properties::{LayerRow, Measured, Parameter, PointRow, PropertyRow},
};
use std::{collections::BTreeMap, path::Path};

/// Lines that go further than this from 0 would flatten all others.
const FARTHEST: f64 = 3.0;

/// Writes `course`, `selectivity`, `epsilon` and `gamma` as PNG and SVG into a folder; those without
/// any line are left out.
pub fn write(folder: &Path, measured: &Measured, heading: &Heading) -> Result<(), FigureError> {
    let sweep = |parameter| sweep(measured, parameter, heading);
    let figures = [
        ("course", course(measured, heading)),
        ("selectivity", selectivity(measured, heading)),
        ("epsilon", sweep(Parameter::Epsilon)),
        ("gamma", sweep(Parameter::Gamma)),
    ];
    for (name, figure) in figures {
        if figure.panels.iter().all(|p| p.lines.is_empty()) {
            continue;
        }
        let path = |extension: &str| folder.join(format!("{name}.{extension}"));
        plot::save(&path("png"), &plot::png(&figure)?)?;
        plot::save(&path("svg"), plot::svg(&figure)?.as_bytes())?;
    }
    Ok(())
}

/// What is left of the relevance on its way from the output to the picture, and its size.
fn course(measured: &Measured, heading: &Heading) -> Figure {
    let (total, without) = lines(measured, FARTHEST, |way| {
        let on = way.layers.iter().map(|layer| layer.total_ratio);
        std::iter::once(Some(1.0)).chain(on).collect()
    });
    let (size, no_size) = lines(measured, f64::INFINITY, |way| {
        let last = way.row.relevance_size.map_or(f64::NAN, |size| size / way.start.abs());
        sizes_of_all(way).into_iter().chain([last]).map(|size| Some(size.log10())).collect()
    });
    let (size, fewer) = few(size);
    let is_shown = |line: &Line| fewer.is_empty() || size.iter().any(|kept| kept.name == line.name);
    let total = total.into_iter().filter(is_shown).collect();
    let panels = vec![
        Panel {
            title: "Relevance on its way to the picture, all branches together (1: conserved)"
                .to_owned(),
            y_label: "sum of relevance / score".to_owned(),
            lines: total,
        },
        Panel {
            title: "Its size at the last layer that all of it passed (0: nothing cancels)"
                .to_owned(),
            y_label: "log10 of sum |R| / |score|".to_owned(),
            lines: size,
        },
    ];
    let outside = left_out(&without, "beyond the first panel") + &fewer;
    let undefined = left_out(&no_size, "without a size somewhere");
    let (panels, bands) = readable(panels);
    Figure {
        width: Figure::WIDTH,
        title: format!("Course of relevance: {} on {}", heading.model, heading.data),
        subtitle: subtitle(measured),
        x_label: "layers passed, from the output to the picture".to_owned(),
        ticks: vec![],
        panels,
        caption: format!("Medians over images{bands}.{outside}{undefined}"),
    }
}

/// Lines that can be told apart in one panel.
const LINES: usize = 8;

/// Some of the lines, evenly spread from the largest to the smallest end, and what is said of the others.
fn few(mut lines: Vec<Line>) -> (Vec<Line>, String) {
    if lines.len() <= LINES {
        return (lines, String::new());
    }
    let count = lines.len();
    let order: Vec<String> = lines.iter().map(|line| line.name.clone()).collect();
    let end = |line: &Line| line.points.last().map_or(f64::NEG_INFINITY, |p| p.value);
    lines.sort_by(|a, b| end(b).total_cmp(&end(a)));
    let kept: Vec<String> =
        (0..LINES).map(|k| lines[k * (count - 1) / (LINES - 1)].name.clone()).collect();
    lines.retain(|line| kept.contains(&line.name));
    lines.sort_by_key(|line| order.iter().position(|name| *name == line.name));
    (
        lines,
        format!(
            " {LINES} of {count} methods are drawn, evenly spread by the last value; properties.parquet has all."
        ),
    )
}

/// The size of the relevance at each layer over that of the score; beside a branch, where it is split, what it was
/// before.
fn sizes_of_all(way: &Way<'_>) -> Vec<f64> {
    let mut last = 1.0;
    let size = |layer: &&LayerRow| {
        if layer.whole {
            last = layer.size_ratio.unwrap_or(f64::NAN);
        }
        last
    };
    way.layers.iter().map(size).collect()
}

/// Panels without bands where these would hide the lines, and what the caption says of bands.
fn readable(mut panels: Vec<Panel>) -> (Vec<Panel>, &'static str) {
    let is_full = panels.iter().any(Panel::is_full);
    let points = panels.iter_mut().flat_map(|p| &mut p.lines).flat_map(|l| &mut l.points);
    if is_full {
        points.for_each(|point| point.interval = None);
    }
    (panels, if is_full { "" } else { ", bands: quartiles" })
}

/// How alike the maps of two classes are, layer by layer.
fn selectivity(measured: &Measured, heading: &Heading) -> Figure {
    let (lines, without) = lines(measured, f64::INFINITY, |way| {
        let layers = way.layers.iter().skip(1).filter(|l| l.whole).map(|l| l.selectivity);
        layers.chain([way.row.selectivity]).collect()
    });
    let panel = Panel {
        title: "Rank correlation of the maps of two classes (1: blind to the class)".to_owned(),
        y_label: "rank correlation".to_owned(),
        lines,
    };
    let (panels, bands) = readable(vec![panel]);
    Figure {
        width: Figure::WIDTH,
        title: format!("Class selectivity: {} on {}", heading.model, heading.data),
        subtitle: subtitle(measured),
        x_label: "layers that all relevance passes, from the output to the picture".to_owned(),
        ticks: vec![],
        panels,
        caption: format!(
            "Target and runner-up; medians over images{bands}.{}",
            left_out(&without, "constant at some layer")
        ),
    }
}

fn subtitle(measured: &Measured) -> String {
    let mut images: Vec<&str> = measured.rows.iter().map(|r| &r.image[..]).collect();
    images.dedup();
    format!("{} image{}", images.len(), if images.len() == 1 { "" } else { "s" })
}

fn left_out(names: &[String], why: &str) -> String {
    match names {
        [] => String::new(),
        _ => format!(" Left out, {why}: {}.", names.join(", ")),
    }
}

/// The way of the relevance of one method on one picture, from the output to the input.
struct Way<'a> {
    row: &'a PropertyRow,
    /// What was handed back from the output; not 0.
    start: f64,
    layers: Vec<&'a LayerRow>,
}

/// One line per method that propagates relevance: medians over pictures of the values that `of`
/// lists from the output to the input. Methods with undefined values, or values further than
/// `farthest` from 0, are returned apart.
fn lines(
    measured: &Measured,
    farthest: f64,
    of: impl Fn(&Way<'_>) -> Vec<Option<f64>>,
) -> (Vec<Line>, Vec<String>) {
    let mut names: Vec<&str> = measured.rows.iter().map(|r| &r.method[..]).collect();
    names.sort_unstable();
    names.dedup();
    let first = |name: &str| measured.rows.iter().position(|r| r.method == name);
    names.sort_by_key(|name| first(name));
    let mut layers: BTreeMap<(&str, &str), Vec<&LayerRow>> = BTreeMap::new();
    for layer in &measured.layers {
        layers.entry((&layer.method, &layer.image)).or_default().push(layer);
    }
    let way = |row: &'_ PropertyRow| {
        let start = row.start.filter(|start| *start != 0.0)?;
        let layers = layers.get(&(&row.method[..], &row.image[..]))?.clone();
        Some(of(&Way { row, start, layers }))
    };
    let (mut lines, mut without) = (vec![], vec![]);
    for (i, (method, name)) in names.iter().zip(labels(&names)).enumerate() {
        let rows = measured.rows.iter().filter(|r| r.method == **method);
        let pictures: Vec<Vec<Option<f64>>> = rows.filter_map(way).collect();
        if pictures.is_empty() {
            continue;
        }
        match points(&pictures) {
            Some(points) if points.iter().all(|p| p.value.abs() <= farthest) => {
                lines.push(Line { name, style: Style::nth(i), points });
            }
            _ => without.push(name),
        }
    }
    (lines, without)
}

/// Median and quartiles at each place; `None` where no picture has a finite value at some place.
fn points(pictures: &[Vec<Option<f64>>]) -> Option<Vec<Point>> {
    let places = pictures.iter().map(Vec::len).min()?;
    let point = |place: usize| {
        let values = || pictures.iter().filter_map(|p| p[place]).filter(|v| v.is_finite());
        let interval = quantile(values(), 0.25).zip(quantile(values(), 0.75));
        Some(Point { value: median(values())?, interval })
    };
    (0..places).map(point).collect()
}

/// How maps change along a sweep.
fn sweep(measured: &Measured, parameter: Parameter, heading: &Heading) -> Figure {
    let rows: Vec<&PointRow> =
        measured.sweeps.iter().filter(|r| r.parameter == parameter).collect();
    let line = |of: fn(&PointRow) -> Option<f64>, i: usize| {
        let at = |value: &&str| {
            let value = value.parse::<f64>().ok();
            let here = rows.iter().filter(|r| r.value == value);
            let values: Vec<f64> = here.filter_map(|r| of(r)).filter(|v| v.is_finite()).collect();
            let interval = quantile(values.clone(), 0.25).zip(quantile(values.clone(), 0.75));
            Some(Point { value: median(values)?, interval })
        };
        let points: Option<Vec<Point>> = parameter.values().iter().map(at).collect();
        let name = format!("lrp-{}", parameter.name());
        points.map(|points| Line { name, style: Style::nth(i), points }).into_iter().collect()
    };
    let limit = parameter.limit();
    let panel = |title: String, y_label: &str, lines: Vec<Line>| Panel {
        title,
        y_label: y_label.to_owned(),
        lines,
    };
    // gamma comes nearer by a factor at each step, epsilon is at its limit from the start
    let distance = match parameter {
        Parameter::Epsilon => panel(
            format!("Distance to {limit} (0: the same map)"),
            "sum |R - L| / sum |L|",
            line(|p| p.distance, 0),
        ),
        Parameter::Gamma => panel(
            format!("Distance to {limit} (lower: more alike)"),
            "log10 of sum |R - L| / sum |L|",
            line(|p| p.distance.map(f64::log10), 0),
        ),
    };
    let panels = vec![
        distance,
        panel(
            format!("Rank correlation with {limit}"),
            "rank correlation",
            line(|p| p.correlation, 0),
        ),
        panel(
            "Conservation (1: conserved)".to_owned(),
            "sum of relevance / score",
            line(|p| p.ratio, 0),
        ),
        panel(
            "Positivity (0: no negative relevance)".to_owned(),
            "negative share",
            line(|p| p.negative_share, 0),
        ),
    ];
    Figure {
        width: Figure::WIDTH,
        title: format!(
            "Sensitivity to {}: {} on {}",
            parameter.name(),
            heading.model,
            heading.data
        ),
        subtitle: subtitle(measured),
        x_label: format!("{} of the rule on all layers", parameter.name()),
        ticks: parameter.values().iter().map(|&v| v.to_owned()).collect(),
        panels,
        caption: "Medians over images, bands: quartiles.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(whole: bool, size: f64) -> LayerRow {
        LayerRow {
            image: String::new(),
            method: String::new(),
            position: 0,
            node: String::new(),
            operator: "Conv".to_owned(),
            rule: String::new(),
            whole,
            arrived: 0.0,
            arrived_size: size,
            sent: 0.0,
            to_bias: 0.0,
            lost: 0.0,
            total: 0.0,
            total_ratio: None,
            size_ratio: Some(size),
            selectivity: None,
        }
    }

    #[test]
    fn beside_a_branch_the_size_is_what_it_was_before() {
        let row = PropertyRow {
            image: String::new(),
            method: String::new(),
            target: 0,
            runner_up: None,
            score: -2.0,
            start: Some(-2.0),
            relevance_sum: Some(0.0),
            relevance_size: Some(0.0),
            ratio: None,
            negative_share: None,
            conserving: None,
            positive: None,
            consistent: None,
            bias_share: None,
            lost_share: None,
            largest_size: None,
            selectivity: None,
            reason: None,
        };
        let layers = [layer(false, 0.75), layer(true, 2.0), layer(false, 0.5), layer(true, 3.0)];
        let way = Way { row: &row, start: -2.0, layers: layers.iter().collect() };
        assert_eq!(sizes_of_all(&way), [1.0, 2.0, 2.0, 3.0]);
    }

    #[test]
    fn bands_are_drawn_of_few_lines_only() {
        let line = |i: usize| Line {
            name: String::new(),
            style: Style::nth(i),
            points: vec![Point { value: 0.0, interval: Some((0.0, 1.0)) }],
        };
        let panel = |n: usize| Panel {
            title: String::new(),
            y_label: String::new(),
            lines: (0..n).map(line).collect(),
        };
        let with = |n: usize| {
            let (panels, said) = readable(vec![panel(1), panel(n)]);
            (panels[0].lines[0].points[0].interval.is_some(), said.is_empty())
        };
        assert_eq!(with(6), (true, false));
        assert_eq!(with(7), (false, true));
    }
}
