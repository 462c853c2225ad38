//! A ribbed column with two arms that bend upwards, covered with spines.

use super::{Class, Dab, Look};
use crate::scenes::math::{P, dome, lit, mix, p, step, wave};

pub(super) static CLASS: Class = Class { name: "cactus", turn: 0.06, rays: (0, 0), paint };

fn paint(look: &Look, at: P) -> Option<Dab> {
    let (thick, thin) = (look.form(0, 0.2, 0.26), look.form(1, 0.13, 0.17));
    let (left, right) = (look.form(2, -0.05, 0.4), look.form(3, -0.15, 0.3));
    // a segment: its ends, half its width
    let parts = [
        (p(0.0, -0.92 + thick), p(0.0, 1.0 - thick), thick),
        (p(-0.62, left), p(0.0, left), thin),
        (p(-0.62, left), p(-0.62, left - 0.42), thin),
        (p(0.6, right), p(0.0, right), thin),
        (p(0.6, right), p(0.6, right - 0.4), thin),
    ];
    let inside = |(a, b, r): (P, P, f32)| {
        let depth = 1.0 - at.to_segment(a, b) / r;
        (depth > 0.0 && at.y < 0.96).then_some((depth, a, b, r))
    };
    let (depth, a, b, r) = parts.into_iter().find_map(inside)?;
    let upright = (b.x - a.x).abs() < 0.01;
    let across = if upright { at.x - a.x } else { at.y - a.y } / r;
    let along = if upright { at.y } else { at.x };
    let rib = wave(across * look.form(4, 1.2, 1.7));
    let spine = step(0.55, 0.85, wave(along * 5.5) * (1.0 - rib));
    let colour = mix(look.main, lit(look.main, 0.55), step(0.4, 1.0, rib));
    let colour = mix(colour, look.second, spine);
    let shade = 0.88 + 0.24 * look.grain.value(at.x * 9.0, at.y * 9.0);
    Some(Dab { colour: lit(colour, shade), height: dome(depth, 1.0) * r * 1.9 - rib * 0.03 })
}
