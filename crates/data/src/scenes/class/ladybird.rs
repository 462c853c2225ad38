//! A beetle from above: spotted wing cases with a seam, a dark head, six legs, feelers.

use super::{Class, Dab, Look};
use crate::scenes::math::{P, dome, lit, mix, p, rgb, step};

pub(super) static CLASS: Class = Class { name: "ladybird", turn: 0.5, rays: (0, 0), paint };

fn paint(look: &Look, at: P) -> Option<Dab> {
    let q = p(at.x.abs(), at.y);
    let rx = look.form(0, 0.56, 0.66);
    let case = q.in_ellipse(p(0.0, 0.2), rx, 0.68);
    if case < 1.0 {
        return Some(wing_case(look, q, case));
    }
    let dark = mix(rgb(24, 22, 24), look.second, 0.12);
    let head = q.in_ellipse(p(0.0, -0.5), 0.4, 0.3);
    if head < 1.0 {
        let cheek = step(1.0, 0.8, (q - p(0.24, -0.54)).len() / 0.11);
        let colour = mix(dark, rgb(240, 236, 222), cheek);
        return Some(Dab { colour, height: dome(1.0 - head, 1.0) * 0.3 });
    }
    let limbs = [
        (p(0.4, -0.2), p(0.84, -0.38)),
        (p(0.5, 0.2), p(0.88, 0.24)),
        (p(0.4, 0.5), p(0.71, 0.58)),
        (p(0.14, -0.7), p(0.28, -0.86)),
    ];
    let limb = limbs.iter().any(|(a, b)| q.to_segment(*a, *b) < 0.055);
    limb.then_some(Dab { colour: dark, height: 0.1 })
}

/// The wing cases; `edge` is 1 at their rim.
fn wing_case(look: &Look, q: P, edge: f32) -> Dab {
    let size = look.form(1, 0.1, 0.17);
    let spots = [
        p(look.form(2, 0.2, 0.28), -0.14),
        p(0.36, look.form(3, 0.16, 0.28)),
        p(look.form(4, 0.16, 0.28), look.form(5, 0.5, 0.6)),
    ];
    let spot = spots.iter().map(|c| (q - *c).len() / size).fold(9.0, f32::min);
    let colour = mix(look.main, look.second, step(1.1, 0.9, spot));
    let seam = step(0.05, 0.025, q.x);
    let shade = 0.92 + 0.16 * look.grain.value(q.x * 8.0, q.y * 8.0);
    Dab { colour: lit(colour, shade * (1.0 - 0.75 * seam)), height: dome(1.0 - edge, 1.0) * 0.6 }
}
