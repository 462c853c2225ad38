//! Eigenvalues with their gaps, and all maps of a class as dots.

use super::{About, ClassRow, Summary};
use crate::{
    drawing::{Anchor, Axis, Drawing, FAINT, GREY},
    explain::labels::label,
    figure::Style,
    run::clusters::{Clustered, Member},
};

const WIDTH: f64 = 1000.0;

/// Classes that are drawn at most.
const SHOWN: usize = 12;

/// Eigenvalues that are drawn.
const VALUES: usize = 16;

fn shown<'a>(summary: &'a Summary, about: &'a About) -> (&'a str, Vec<&'a ClassRow>) {
    let method = about.methods.first().map_or("", String::as_str);
    let rows = summary.by_gap(method).into_iter().filter(|row| row.found.clusters.is_some());
    (method, rows.take(SHOWN).collect())
}

/// The first eigenvalues of the classes; classes with several clusters are coloured.
pub(super) fn eigenvalues(found: &Clustered, summary: &Summary, about: &About) -> Drawing {
    let (method, rows) = shown(summary, about);
    let method = label(method);
    let title = format!("Eigenvalues: {} on {}", about.model, about.data);
    let subtitle =
        format!("{method}; a class has as many strategies as values before its gap; grey: one");
    let mut page = Drawing::new(WIDTH, 480.0, &title, &subtitle);
    let (left, right, top, bottom) = (70.0, WIDTH - 220.0, 84.0, 430.0);
    let values = |row: &ClassRow| -> Vec<f64> {
        let own = found.spectra.iter();
        let own = own.filter(|s| s.method == row.found.method && s.class == row.found.class);
        own.take(VALUES).map(|s| s.value).collect()
    };
    let all: Vec<f64> = rows.iter().flat_map(|row| values(row)).collect();
    let x = Axis::exact(0.5, VALUES as f64 + 0.5, left, right);
    let y = Axis::new(all.into_iter().chain([0.0]), bottom, top);
    for (value, text) in y.ticks(6) {
        page.line((left, y.position(value)), (right, y.position(value)), 1.0, FAINT);
        page.label((left - 8.0, y.position(value)), &text, 13.0, Anchor::Right, GREY);
    }
    for index in (1..=VALUES).step_by(3) {
        page.label(
            (x.position(index as f64), bottom + 18.0),
            &index.to_string(),
            13.0,
            Anchor::Middle,
            GREY,
        );
    }
    let mut named = 0;
    for row in rows.iter().rev() {
        let several = row.found.clusters.is_some_and(|count| count > 1);
        let place = rows.iter().position(|other| std::ptr::eq(*other, *row)).unwrap_or(0);
        let colour = if several { Style::nth(place).colour } else { Style::BASELINE.colour };
        let points: Vec<(f64, f64)> = values(row)
            .iter()
            .enumerate()
            .map(|(k, v)| (x.position(k as f64 + 1.0), y.position(*v)))
            .collect();
        points.windows(2).for_each(|pair| page.line(pair[0], pair[1], 1.5, colour));
        points.iter().for_each(|at| page.dot(*at, 3.5, colour));
        if several {
            let line = top + 10.0 + 22.0 * f64::from(named);
            named += 1;
            page.dot((right + 24.0, line), 5.0, colour);
            let name: String = about.class(row.found.class).chars().take(22).collect();
            page.text((right + 36.0, line), &name, Anchor::Left);
        }
    }
    page
}

/// A panel of dots for each class, coloured by cluster.
pub(super) fn embedding(found: &Clustered, summary: &Summary, about: &About) -> Drawing {
    const COLUMNS: usize = 4;
    const STEP: f64 = 240.0;
    const SIDE: f64 = 196.0;
    let (method, rows) = shown(summary, about);
    let method = label(method);
    let title = format!("Maps: {} on {}", about.model, about.data);
    let subtitle =
        format!("{method}; a dot is the map of a picture, by the second and third eigenvector");
    let lines = rows.len().div_ceil(COLUMNS).max(1) as f64;
    let mut page = Drawing::new(WIDTH, 80.0 + lines * STEP, &title, &subtitle);
    for (k, row) in rows.iter().enumerate() {
        let (left, top) = (24.0 + (k % COLUMNS) as f64 * STEP, 84.0 + (k / COLUMNS) as f64 * STEP);
        let own = |m: &&Member| m.method == row.found.method && m.class == row.found.class;
        let members: Vec<&Member> = found.members.iter().filter(own).collect();
        let x = Axis::new(members.iter().map(|m| m.x), left + 6.0, left + SIDE - 6.0);
        let y = Axis::new(members.iter().map(|m| m.y), top + SIDE - 6.0, top + 6.0);
        let corners = [
            (left, top),
            (left + SIDE, top),
            (left + SIDE, top + SIDE),
            (left, top + SIDE),
            (left, top),
        ];
        corners.windows(2).for_each(|pair| page.line(pair[0], pair[1], 1.0, FAINT));
        for member in members {
            let colour = Style::nth(member.cluster as usize).colour;
            page.dot((x.position(member.x), y.position(member.y)), 3.5, colour);
        }
        let name: String = about.class(row.found.class).chars().take(20).collect();
        let count = row.found.clusters.unwrap_or(0);
        page.label(
            (left, top + SIDE + 16.0),
            &format!("{name}: {count}"),
            14.0,
            Anchor::Left,
            GREY,
        );
    }
    page
}
