//! A cylinder with an open top and one handle, glazed in bands, zigzags or dots.

use super::{Class, Dab, Look};
use crate::scenes::math::{P, lit, mix, p, step, wave};

pub(super) static CLASS: Class = Class { name: "mug", turn: 0.07, rays: (0, 0), paint };

/// Centre of the cylinder.
const AXIS: f32 = -0.16;

fn paint(look: &Look, at: P) -> Option<Dab> {
    let (rx, top, foot) = (look.form(0, 0.44, 0.52), look.form(1, -0.62, -0.45), 0.72);
    let across = (at.x - AXIS) / rx;
    let mouth = at.in_ellipse(p(AXIS, top), rx, 0.17);
    if mouth < 1.0 {
        let inner = at.in_ellipse(p(AXIS, top), rx - 0.07, 0.115);
        let inside = lit(look.main, 0.42 + 0.2 * across);
        let colour = if inner < 1.0 { inside } else { mix(look.main, [1.0; 3], 0.35) };
        return Some(Dab { colour, height: if inner < 1.0 { 0.35 } else { 0.45 } });
    }
    if across.abs() < 1.0 {
        let bulge = (1.0 - across * across).sqrt();
        let low = foot + 0.12 * bulge;
        if at.y > top && at.y < low {
            return Some(wall(look, at, across, (at.y - top) / (foot - top), bulge));
        }
    }
    handle(look, at, rx, f32::midpoint(top, foot))
}

/// The outside: `across` in (-1, 1), `down` 0 at the rim and 1 at the foot.
fn wall(look: &Look, at: P, across: f32, down: f32, bulge: f32) -> Dab {
    // the pattern follows the round wall
    let level = down - 0.1 * bulge;
    let pattern = if look.form[2] < 0.35 {
        step(0.35, 0.6, wave(level * look.form(3, 1.6, 3.0)))
    } else if look.form[2] < 0.7 {
        let zigzag = (wave(across * 2.2) - 0.5) * 0.16;
        step(0.13, 0.09, (level + zigzag - look.form(3, 0.3, 0.6)).abs())
    } else {
        step(0.3, 0.5, wave(across * 1.9) * wave(level * 2.6))
    };
    let speckle = step(0.72, 0.8, look.grain.value(at.x * 22.0, at.y * 22.0));
    let colour = mix(look.main, look.second, pattern);
    Dab { colour: lit(colour, 1.0 - 0.3 * speckle), height: bulge * 0.55 }
}

/// The ring on the right.
fn handle(look: &Look, at: P, rx: f32, middle: f32) -> Option<Dab> {
    let centre = p(AXIS + rx + 0.02, middle);
    let (ry, wide) = (look.form(4, 0.33, 0.42), look.form(5, 0.36, 0.46));
    let outer = at.in_ellipse(centre, wide, ry);
    let inner = at.in_ellipse(centre, wide - 0.16, ry - 0.16);
    let ring = at.x > AXIS && outer < 1.0 && inner > 1.0;
    let across = (at - centre).len();
    ring.then_some(Dab { colour: lit(look.main, 0.92), height: 0.25 + 0.1 * wave(across * 2.0) })
}
