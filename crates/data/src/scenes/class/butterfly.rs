//! Two pairs of wings with a border and eye spots, a thin body, feelers.

use super::{Class, Dab, Look};
use crate::scenes::math::{P, dome, lit, mix, p, step};

pub(super) static CLASS: Class = Class { name: "butterfly", turn: 0.2, rays: (0, 0), paint };

fn paint(look: &Look, at: P) -> Option<Dab> {
    let dark = lit(look.main, 0.22);
    let q = p(at.x.abs(), at.y);
    let body = q.to_segment(p(0.0, -0.42), p(0.0, 0.5));
    if body < 0.075 {
        return Some(Dab { colour: dark, height: 0.3 + dome(0.075 - body, 0.075) * 0.2 });
    }
    if q.to_segment(p(0.02, -0.42), p(0.26, -0.82)) < 0.03 {
        return Some(Dab { colour: dark, height: 0.2 });
    }
    wings(look, q)
}

/// The right half of the wings.
fn wings(look: &Look, q: P) -> Option<Dab> {
    let upper_axis = p(0.83, -0.56);
    let upper = (q - p(0.45, -0.32)).along(upper_axis).in_ellipse(
        p(0.0, 0.0),
        0.43,
        look.form(0, 0.27, 0.36),
    );
    let low_size = look.form(1, 0.34, 0.44);
    let lower = (q - p(0.36, 0.36)).along(p(0.62, 0.78)).in_ellipse(p(0.0, 0.0), low_size, 0.27);
    let edge = upper.min(lower);
    if edge > 1.0 {
        return None;
    }
    // a border, streaks from the root of the wing, and one eye spot per wing
    let streak = look.grain.value(6.0 * (q.y / (q.x + 0.35)), q.x * 1.5);
    let base = mix(look.main, lit(look.main, 0.6), step(0.5, 0.7, streak) * 0.6);
    let spots =
        [(p(0.6, -0.42), look.form(2, 0.1, 0.19)), (p(0.4, 0.42), look.form(3, 0.07, 0.15))];
    let spot = spots.iter().map(|(c, r)| (q - *c).len() / r).fold(9.0, f32::min);
    let colour = mix(base, look.second, step(1.05, 0.9, spot));
    let colour = mix(colour, lit(look.main, 0.2), step(0.5, 0.35, spot));
    let colour = mix(colour, lit(look.main, 0.25), step(0.66, 0.8, edge));
    Some(Dab { colour, height: dome(1.0 - edge, 1.6) * 0.3 })
}
