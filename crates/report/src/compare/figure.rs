//! Accuracy against AOPC, a dot per model.

use super::{About, ModelRow, Summary};
use crate::{
    drawing::{Anchor, Axis, Drawing, FAINT, GREY},
    explain::labels::label,
    figure::Style,
};

const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 520.0;
const LEFT: f64 = 90.0;
const RIGHT: f64 = WIDTH - 260.0;
const TOP: f64 = 90.0;
const BOTTOM: f64 = HEIGHT - 66.0;

/// With 95 % intervals in both directions; without curves the median context use takes the place of the AOPC.
pub(super) fn scatter(summary: &Summary, about: &About) -> Drawing {
    let method = about.methods.first().map_or("", String::as_str);
    let has_curves = summary.models.iter().any(|row| row.aopc.is_some());
    let what = if has_curves { "AOPC" } else { "context use" };
    let title = format!("Accuracy and {what} on {}", about.data);
    let mut page = Drawing::new(
        WIDTH,
        HEIGHT,
        &title,
        &format!("{}; a dot is a model, with 95 % intervals", label(method)),
    );
    let estimate = |row: &ModelRow| if has_curves { row.aopc } else { row.context };
    let rows: Vec<&ModelRow> = summary.models.iter().filter(|row| row.method == method).collect();
    let ends = |row: &&ModelRow| {
        let found = estimate(row);
        found.into_iter().flat_map(|e| [Some(e.mean), e.lo(), e.hi()]).flatten().collect::<Vec<_>>()
    };
    let x = Axis::new(rows.iter().flat_map(ends), LEFT, RIGHT);
    let y = Axis::exact(-0.03, 1.03, BOTTOM, TOP);
    for (value, text) in x.ticks(7) {
        page.line((x.position(value), TOP), (x.position(value), BOTTOM), 1.0, FAINT);
        page.label((x.position(value), BOTTOM + 18.0), &text, 13.0, Anchor::Middle, GREY);
    }
    for value in [0.0, 0.25, 0.5, 0.75, 1.0] {
        page.line((LEFT, y.position(value)), (RIGHT, y.position(value)), 1.0, FAINT);
        page.label(
            (LEFT - 10.0, y.position(value)),
            &format!("{value:.2}"),
            13.0,
            Anchor::Right,
            GREY,
        );
    }
    page.text((f64::midpoint(LEFT, RIGHT), BOTTOM + 42.0), what, Anchor::Middle);
    page.text((LEFT - 70.0, TOP - 14.0), "accuracy", Anchor::Left);
    for (k, row) in rows.iter().enumerate() {
        let colour = Style::nth(k).colour;
        let share = row.right.and_then(|right| Some((right.share()?, right.wilson()?)));
        if let (Some(e), Some((share, i))) = (estimate(row), share) {
            let (cx, cy) = (x.position(e.mean), y.position(share));
            if let (Some(lo), Some(hi)) = (e.lo(), e.hi()) {
                page.line((x.position(lo), cy), (x.position(hi), cy), 1.5, colour);
            }
            page.line((cx, y.position(i.lo)), (cx, y.position(i.hi)), 1.5, colour);
            page.dot((cx, cy), 6.0, colour);
        }
        let line = TOP + 10.0 + 22.0 * k as f64;
        page.dot((RIGHT + 24.0, line), 6.0, colour);
        let name: String = row.model.chars().take(26).collect();
        page.text((RIGHT + 38.0, line), &name, Anchor::Left);
    }
    page
}
