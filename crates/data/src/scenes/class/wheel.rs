//! A tyre with treads, a rim, spokes and a hub; the background shows between the spokes.

use super::{Class, Dab, Look};
use crate::scenes::math::{P, dome, lit, mix, rgb, step, wave};

pub(super) static CLASS: Class = Class { name: "wheel", turn: 0.5, rays: (5, 9), paint };

fn paint(look: &Look, at: P) -> Option<Dab> {
    let from_centre = at.len();
    let tyre = look.form(0, 0.74, 0.82);
    let rim = tyre - look.form(1, 0.08, 0.15);
    let hub = look.form(2, 0.14, 0.22);
    let q = look.fold(at);
    if from_centre > 0.985 {
        return None;
    }
    if from_centre > tyre {
        let tread = step(0.3, 0.6, wave(q.y / from_centre * 5.0));
        let rubber = mix(rgb(40, 38, 40), look.second, 0.18);
        let height = 0.2 + 0.3 * dome(0.985 - from_centre, 0.12) * dome(from_centre - tyre, 0.12);
        return Some(Dab { colour: lit(rubber, 1.25 - 0.6 * tread), height });
    }
    if from_centre > rim {
        let height = 0.2 + 0.2 * dome(from_centre - rim, 0.1);
        return Some(Dab { colour: look.main, height });
    }
    if from_centre < hub {
        let cap = step(0.55, 0.45, from_centre / hub);
        let colour = mix(look.main, look.second, cap);
        return Some(Dab { colour, height: 0.25 + 0.3 * dome(hub - from_centre, hub) });
    }
    let half = look.form(3, 0.055, 0.1);
    let grain = 0.8 + 0.3 * look.grain.value(at.x * 9.0, at.y * 9.0);
    let height = 0.2 + 0.2 * dome(half - q.y.abs(), half);
    (q.y.abs() < half).then_some(Dab { colour: lit(look.main, grain), height })
}
