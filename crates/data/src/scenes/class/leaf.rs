//! A pointed leaf with a toothed edge, a midrib, side veins and a stalk.

use super::{Class, Dab, Look};
use crate::scenes::math::{P, dome, lit, mix, p, step, wave};

pub(super) static CLASS: Class = Class { name: "leaf", turn: 0.5, rays: (0, 0), paint };

fn paint(look: &Look, at: P) -> Option<Dab> {
    let bend = look.form(0, -0.22, 0.22);
    let q = p(at.x, at.y - bend * (at.x * at.x - 0.4));
    let t = (q.x + 0.12) / 0.82;
    let teeth = 0.05 * wave(q.x * 7.5) * step(1.0, 0.8, t.abs());
    let width = look.form(1, 0.38, 0.52) * (1.0 - t * t) * (1.0 + 0.45 * t) + teeth;
    if t.abs() < 1.0 && q.y.abs() < width {
        return Some(blade(look, q, width));
    }
    let stalk = q.x > 0.6 && q.x < 0.92 && q.y.abs() < 0.045;
    stalk.then_some(Dab { colour: lit(look.main, 0.6), height: 0.15 })
}

fn blade(look: &Look, q: P, width: f32) -> Dab {
    let rib = step(0.05, 0.02, q.y.abs());
    let vein = step(0.72, 0.95, wave((q.x + q.y.abs() * 0.9) * look.form(2, 3.2, 4.6)));
    let blotch = step(0.5, 0.72, look.grain.octaves(q.x * 3.0, q.y * 3.0, 3));
    let base = mix(look.main, lit(look.main, 0.65), look.grain.value(q.x * 11.0, q.y * 11.0) * 0.6);
    let colour = mix(base, look.second, blotch * look.form(3, 0.0, 0.9));
    let pale = mix(look.main, [1.0, 1.0, 0.9], 0.55);
    let colour = mix(colour, pale, (0.65 * vein).max(rib));
    let height = dome(width - q.y.abs(), 0.3) * 0.2 - 0.06 * rib - 0.04 * vein;
    Dab { colour, height: height.max(0.0) }
}
