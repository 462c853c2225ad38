//! A spotted cap over pale gills on a stalk.

use super::{Class, Dab, Look};
use crate::scenes::math::{P, dome, lit, mix, p, rgb, step, wave};

pub(super) static CLASS: Class = Class { name: "mushroom", turn: 0.08, rays: (0, 0), paint };

fn paint(look: &Look, at: P) -> Option<Dab> {
    let (rx, ry) = (look.form(0, 0.74, 0.88), look.form(1, 0.66, 0.86));
    // the rim hangs lower in the middle, as seen from a little above
    let rim = 0.05 + 0.12 * (1.0 - (at.x / rx) * (at.x / rx));
    let cap = at.in_ellipse(p(0.0, -0.02), rx, ry);
    if cap < 1.0 && at.y < rim {
        return Some(top(look, at, cap));
    }
    let pale = mix(rgb(236, 226, 205), look.second, 0.2);
    let gills = at.in_ellipse(p(0.0, 0.06), rx * 0.93, 0.22);
    if gills < 1.0 {
        let ray = wave(at.x / (at.y + 0.75) * 9.0);
        return Some(Dab { colour: lit(pale, 0.5 + 0.35 * ray), height: 0.15 });
    }
    let half = look.form(2, 0.15, 0.22) + 0.1 * at.y * at.y;
    let foot = 0.93 - 0.35 * (at.x / 0.5) * (at.x / 0.5);
    let stalk = at.y > 0.0 && at.y < foot && at.x.abs() < half;
    let fibre = 0.8 + 0.3 * look.grain.value(at.x * 18.0, at.y * 3.0);
    stalk.then_some(Dab { colour: lit(pale, fibre), height: dome(half - at.x.abs(), half) * 0.35 })
}

/// The cap; `edge` is 1 at its outline.
fn top(look: &Look, at: P, edge: f32) -> Dab {
    let size = look.form(3, 0.09, 0.16);
    let shift = look.form(4, -0.12, 0.12);
    let spots = [
        (p(-0.5, -0.13), 0.8),
        (p(-0.2, -0.42), 1.1),
        (p(0.06, -0.08), 1.2),
        (p(0.32, -0.4), 0.9),
        (p(0.56, -0.1), 0.8),
    ];
    let spot =
        spots.iter().map(|(c, s)| (at - *c - p(shift, 0.0)).len() / (size * s)).fold(9.0, f32::min);
    let bump = step(1.1, 0.85, spot);
    let mottle = 0.85 + 0.3 * look.grain.octaves(at.x * 5.0, at.y * 5.0, 2);
    let colour = mix(lit(look.main, mottle), look.second, bump);
    Dab { colour, height: dome(1.0 - edge, 1.0) * 0.6 + 0.04 * bump }
}
