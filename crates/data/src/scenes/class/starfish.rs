//! Five tapering arms with rows of knobs.

use super::{Class, Dab, Look};
use crate::scenes::math::{P, dome, lit, mix, step, wave};

pub(super) static CLASS: Class = Class { name: "starfish", turn: 0.5, rays: (5, 5), paint };

fn paint(look: &Look, at: P) -> Option<Dab> {
    let q = look.fold(at);
    // the arms sway a little to one side
    let sway = look.form(0, -0.16, 0.16) * q.x * q.x;
    let side = q.y - sway;
    let out = q.x / 0.97;
    let width =
        look.form(1, 0.27, 0.36) * (1.0 - out) * (1.0 - 0.3 * out) + 0.1 * (1.0 - out * out);
    if out > 1.0 || side.abs() > width {
        return None;
    }
    let knob = wave(q.x * 5.5) * step(0.09, 0.02, side.abs());
    let flank = wave(q.x * 5.5 + 0.5) * step(0.6, 0.8, side.abs() / (width + 0.02));
    let heart = step(0.16, 0.1, at.len());
    let grain = look.grain.octaves(at.x * 10.0, at.y * 10.0, 2);
    let colour = mix(lit(look.main, 0.65 + 0.6 * grain), look.second, knob.max(heart));
    let colour = mix(colour, lit(look.main, 0.5), 0.7 * flank);
    let height = dome(width - side.abs(), width + 0.02) * (0.12 + width * 0.7) + 0.05 * knob;
    Some(Dab { colour, height })
}
