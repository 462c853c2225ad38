//! Context use against accuracy: a dot per group, one colour per model.

use super::{About, GroupRow, Summary, summary::FEWEST};
use crate::{
    drawing::{Anchor, Axis, Drawing, FAINT, GREY},
    explain::labels::label,
    figure::Style,
};

const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 560.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = WIDTH - 240.0;
const TOP: f64 = 84.0;
const BOTTOM: f64 = HEIGHT - 66.0;

pub(super) fn scatter(summary: &Summary, about: &About) -> Drawing {
    let method = about.methods.first().map_or("", String::as_str);
    let title = format!("Context use and accuracy on {}", about.data);
    let subtitle = format!(
        "{}; a dot is a group ({}), filled from {FEWEST} pictures on; squares are whole models",
        label(method),
        about.groups
    );
    let mut page = Drawing::new(WIDTH, HEIGHT, &title, &subtitle);
    let own: Vec<&GroupRow> = summary.groups.iter().filter(|g| g.method == method).collect();
    let point = |g: &GroupRow| Some((g.used.mean?.mean, g.skill.value()?));
    let xs = own.iter().filter_map(|g| Some(point(g)?.0));
    let x = Axis::new(xs.chain([0.0]), LEFT, RIGHT);
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
    let below = (f64::midpoint(LEFT, RIGHT), BOTTOM + 42.0);
    page.text(
        below,
        "context use: relevance per pixel outside the object over that inside",
        Anchor::Middle,
    );
    page.text((LEFT - 60.0, TOP - 14.0), "accuracy", Anchor::Left);
    for (k, model) in about.models.iter().enumerate() {
        let colour = Style::nth(k).colour;
        for group in own.iter().filter(|g| g.model == *model) {
            if let Some((use_, skill)) = point(group) {
                let at = (x.position(use_), y.position(skill));
                page.dot(at, 5.0, colour);
                if group.pictures < FEWEST {
                    page.dot(at, 3.5, (255, 255, 255));
                }
            }
        }
        let whole = summary.models.iter().find(|row| row.model == *model && row.method == method);
        if let Some((use_, skill)) =
            whole.and_then(|row| Some((row.used.mean?.mean, row.skill.value()?)))
        {
            let (cx, cy) = (x.position(use_), y.position(skill));
            page.rectangle((cx - 8.0, cy - 8.0), (cx + 8.0, cy + 8.0), (0, 0, 0));
            page.rectangle((cx - 6.0, cy - 6.0), (cx + 6.0, cy + 6.0), colour);
        }
        let line = TOP + 10.0 + 24.0 * k as f64;
        page.dot((RIGHT + 24.0, line), 6.0, colour);
        let name: String = model.chars().take(24).collect();
        page.text((RIGHT + 38.0, line), &name, Anchor::Left);
    }
    page
}
