//! A tapered body with a forked tail, fins, an eye and bands or scales.

use super::{Class, Dab, Look};
use crate::scenes::math::{P, dome, floor, lit, mix, p, rgb, step, wave};

pub(super) static CLASS: Class = Class { name: "fish", turn: 0.11, rays: (0, 0), paint };

fn paint(look: &Look, at: P) -> Option<Dab> {
    let half = look.form(0, 0.36, 0.5);
    let t = (at.x + 0.2) / 0.76;
    let girth = half * (1.0 - t * t) * (1.0 - 0.25 * t);
    if girth > 0.0 && at.y.abs() < girth {
        return Some(body(look, at, girth));
    }
    let tail = tail(look, at) || fins(at, girth, half);
    let ribs = wave((at.y.abs() * 1.2 - at.x * 0.25) * 7.0);
    let colour = mix(look.second, lit(look.second, 0.55), ribs);
    tail.then_some(Dab { colour, height: 0.1 + 0.03 * ribs })
}

fn body(look: &Look, at: P, girth: f32) -> Dab {
    let eye = (at - p(-0.66, -0.07)).len();
    let height = dome(girth - at.y.abs(), girth.max(0.05)) * (0.15 + girth * 0.7);
    if eye < 0.105 {
        let colour = if eye < 0.055 { rgb(18, 18, 22) } else { rgb(245, 242, 230) };
        return Dab { colour, height };
    }
    // bands across the body, or rows of scales, or something between
    let band = step(0.45, 0.75, wave(at.x * look.form(1, 1.6, 3.0) + 0.12 * at.y * at.y));
    let row = floor(at.y * 7.0);
    let scale = wave(at.x * 5.0 + 0.5 * row) * wave(at.y * 7.0);
    let scaled = lit(look.main, 0.7 + 0.6 * scale.min(0.6));
    let colour = if at.x < -0.52 {
        lit(look.main, 0.9)
    } else {
        mix(scaled, look.second, band * look.form(2, 0.35, 1.0))
    };
    let gill = step(0.05, 0.0, ((at - p(-0.78, 0.0)).len() - 0.3).abs());
    let colour =
        mix(lit(colour, 1.0 - 0.4 * gill), rgb(250, 245, 232), step(-0.1, 0.45, at.y) * 0.5);
    Dab { colour, height }
}

/// The forked tail behind the body.
fn tail(look: &Look, at: P) -> bool {
    let out = at.x - 0.36;
    let spread = 0.07 + out * look.form(3, 0.65, 0.9);
    let end = 0.9 - 0.3 * (1.0 - (at.y.abs() / 0.4).min(1.0));
    out > 0.0 && at.x < end && at.y.abs() < spread.min(0.42)
}

/// One fin on the back and a smaller one below.
fn fins(at: P, girth: f32, half: f32) -> bool {
    let back = (at.x + 0.12) / 0.36;
    let belly = (at.x - 0.02) / 0.22;
    let above = -at.y < girth.max(0.0) + 0.24 * (1.0 - back * back) && back.abs() < 1.0;
    let below = at.y < girth.max(0.0) + 0.2 * (1.0 - belly * belly) && belly.abs() < 1.0;
    (at.y < 0.0 && above && -at.y > half * 0.3) || (at.y > half * 0.3 && below)
}
