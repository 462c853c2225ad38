//! Petals with streaks around a grainy disc.

use super::{Class, Dab, Look};
use crate::scenes::math::{P, dome, lit, mix, p, step};

pub(super) static CLASS: Class = Class { name: "flower", turn: 0.5, rays: (5, 8), paint };

fn paint(look: &Look, at: P) -> Option<Dab> {
    let disc = look.form(0, 0.22, 0.32);
    let from_centre = at.len();
    if from_centre < disc {
        let grain = look.grain.value(at.x * 14.0, at.y * 14.0);
        let colour = lit(look.second, 0.65 + 0.7 * step(0.3, 0.7, grain));
        let height = 0.25 + 0.3 * dome(disc - from_centre, disc) + 0.05 * grain;
        return Some(Dab { colour, height });
    }
    let q = look.fold(at);
    // petals get narrower as there are more of them
    let width = look.form(1, 1.75, 2.3) / (look.rays.len() as f32 + 1.2);
    let edge = q.in_ellipse(p(0.56, 0.0), 0.43, width);
    if edge > 1.0 {
        return None;
    }
    let streak = look.grain.value(q.y * 16.0, q.x * 2.0 + 40.0 * (at.x + at.y).signum());
    let colour = mix(look.main, lit(look.main, 0.62), step(0.45, 0.75, streak) * 0.7);
    let heart = step(0.62, 0.25, q.x) * look.form(2, 0.0, 0.8);
    let colour = mix(colour, lit(look.second, 0.8), heart);
    let groove = 0.12 * step(0.08, 0.0, q.y.abs());
    Some(Dab { colour, height: dome(1.0 - edge, 0.9) * 0.28 - groove + 0.1 * (1.0 - q.x) })
}
