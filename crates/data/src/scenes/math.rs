//! Points, colours, waves and noise, from additions, products, divisions and square roots only:
//! IEEE 754 fixes the result of each to the last bit, so pictures are the same on every platform.
//! (`sin`, `exp` and `powf` differ between C libraries and are not used.)

use crate::base::rng::{KeyedRng, below, unit_f32};
use std::ops::{Add, Mul, Sub};

/// A point or direction; x to the right, y down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct P {
    pub(super) x: f32,
    pub(super) y: f32,
}

/// The point `(x, y)`.
pub(super) const fn p(x: f32, y: f32) -> P {
    P { x, y }
}

impl Add for P {
    type Output = P;
    fn add(self, o: P) -> P {
        p(self.x + o.x, self.y + o.y)
    }
}

impl Sub for P {
    type Output = P;
    fn sub(self, o: P) -> P {
        p(self.x - o.x, self.y - o.y)
    }
}

impl Mul<f32> for P {
    type Output = P;
    fn mul(self, s: f32) -> P {
        p(self.x * s, self.y * s)
    }
}

impl P {
    pub(super) fn dot(self, o: P) -> f32 {
        self.x * o.x + self.y * o.y
    }

    /// Squared length.
    pub(super) fn sq(self) -> f32 {
        self.dot(self)
    }

    pub(super) fn len(self) -> f32 {
        self.sq().sqrt()
    }

    /// Coordinates along `axis` (a unit vector) and across it.
    pub(super) fn along(self, axis: P) -> P {
        p(self.dot(axis), axis.x * self.y - axis.y * self.x)
    }

    /// Squared distance to the centre of an ellipse in units of its radii: below 1 is inside.
    pub(super) fn in_ellipse(self, centre: P, rx: f32, ry: f32) -> f32 {
        let d = self - centre;
        p(d.x / rx, d.y / ry).sq()
    }

    /// Distance to the segment from `a` to `b`.
    pub(super) fn to_segment(self, a: P, b: P) -> f32 {
        let (v, d) = (self - a, b - a);
        let t = (v.dot(d) / d.sq()).clamp(0.0, 1.0);
        (v - d * t).len()
    }

    /// Signed distance to a box around the origin with rounded corners; negative inside.
    pub(super) fn to_box(self, half: P, round: f32) -> f32 {
        let q = p(self.x.abs() - half.x + round, self.y.abs() - half.y + round);
        p(q.x.max(0.0), q.y.max(0.0)).len() + q.x.max(q.y).min(0.0) - round
    }
}

/// The unit vector at an angle of `turns` full turns, to about 1e-6.
pub(super) fn ray(turns: f32) -> P {
    let t = turns - floor(turns);
    let quarter = (t * 4.0) as u32;
    // Taylor series of sine and cosine around the middle of the quarter, |a| <= pi / 4
    let a = (t * 4.0 - quarter as f32 - 0.5) * std::f32::consts::FRAC_PI_2;
    let q = a * a;
    let s = a * (1.0 - q / 6.0 * (1.0 - q / 20.0 * (1.0 - q / 42.0)));
    let c = 1.0 - q / 2.0 * (1.0 - q / 12.0 * (1.0 - q / 30.0 * (1.0 - q / 56.0)));
    let half = std::f32::consts::FRAC_1_SQRT_2;
    let (x, y) = ((c - s) * half, (c + s) * half);
    match quarter {
        0 => p(x, y),
        1 => p(-y, x),
        2 => p(-x, -y),
        _ => p(y, -x),
    }
}

/// The largest whole number not above `v`, for `|v|` below 16,384. (`f32::floor` is a library call
/// where the CPU has no instruction for it.)
pub(super) fn floor(v: f32) -> f32 {
    (v + 16_384.0) as i32 as f32 - 16_384.0
}

/// Smooth periodic wave with period 1 between 0 (at 0) and 1 (at 1/2).
pub(super) fn wave(t: f32) -> f32 {
    let f = t - floor(t);
    16.0 * f * f * (1.0 - f) * (1.0 - f)
}

/// 0 below `from`, 1 above `to`, smooth between; `from` may be the larger one.
pub(super) fn step(from: f32, to: f32, v: f32) -> f32 {
    let t = ((v - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// Height of a quarter circle of radius `round` at `depth` inside an edge, from 0 to 1.
pub(super) fn dome(depth: f32, round: f32) -> f32 {
    let t = 1.0 - (depth / round).clamp(0.0, 1.0);
    (1.0 - t * t).sqrt()
}

/// Red, green, blue in [0, 1].
pub(super) type Rgb = [f32; 3];

/// From bytes.
pub(super) fn rgb(r: u8, g: u8, b: u8) -> Rgb {
    [r, g, b].map(|v| f32::from(v) / 255.0)
}

/// `a` at `t = 0`, `b` at `t = 1`.
pub(super) fn mix(a: Rgb, b: Rgb, t: f32) -> Rgb {
    [0, 1, 2].map(|i| a[i] + (b[i] - a[i]) * t)
}

/// `a` made brighter or darker.
pub(super) fn lit(a: Rgb, by: f32) -> Rgb {
    a.map(|v| v * by)
}

/// Squared distance of two colours, brightness and greenness weighted as the eye does.
pub(super) fn contrast(a: Rgb, b: Rgb) -> f32 {
    let d = [0, 1, 2].map(|i| a[i] - b[i]);
    2.0 * d[0] * d[0] + 4.0 * d[1] * d[1] + d[2] * d[2]
}

/// Smooth noise without period: a hash of the lattice points, interpolated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noise(u32);

impl Noise {
    pub(super) fn draw(draw: &mut Draw) -> Noise {
        Noise(draw.bits())
    }

    /// One octave, features of size 1; values in [0, 1], mean 1/2. `|x|`, `|y|` below 1e4.
    #[inline]
    pub(super) fn value(self, x: f32, y: f32) -> f32 {
        // positive, so that truncation rounds down
        let (x, y) = (x + 16_384.0, y + 16_384.0);
        let (i, j) = (x as i32, y as i32);
        let (u, v) = (x - i as f32, y - j as f32);
        let (i, j) = (i as u32, j as u32);
        let (u, v) = (u * u * (3.0 - 2.0 * u), v * v * (3.0 - 2.0 * v));
        let line = |j: u32| {
            let left = self.node(i, j);
            left + (self.node(i + 1, j) - left) * u
        };
        let top = line(j);
        top + (line(j + 1) - top) * v
    }

    /// Sum of `octaves` with halved size and strength; values in [0, 1], mean 1/2.
    pub(super) fn octaves(self, x: f32, y: f32, octaves: u32) -> f32 {
        let (mut sum, mut weight, mut total, mut scale) = (0.0, 1.0, 0.0, 1.0);
        for k in 0..octaves {
            let noise = Noise(self.0.wrapping_add(k.wrapping_mul(0x9e37_79b9)));
            sum += weight * noise.value(x * scale, y * scale);
            total += weight;
            weight *= 0.5;
            scale *= 2.0;
        }
        sum / total
    }

    /// Value of a lattice point in [0, 1): integer mixing, multiply and shift.
    #[inline]
    fn node(self, i: u32, j: u32) -> f32 {
        let h = self.0 ^ i.wrapping_mul(0x85eb_ca6b) ^ j.wrapping_mul(0xc2b2_ae35);
        let h = (h ^ (h >> 15)).wrapping_mul(0x7feb_352d);
        // through a signed number, which CPUs convert in one step
        (((h ^ (h >> 16)) >> 8) as i32) as f32 * (1.0 / 16_777_216.0)
    }
}

/// Draws from one keyed generator.
pub(super) struct Draw(pub(super) KeyedRng);

impl Draw {
    /// In [0, 1).
    pub(super) fn unit(&mut self) -> f32 {
        unit_f32(&mut self.0)
    }

    /// In [low, high).
    pub(super) fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// In low..=high.
    pub(super) fn count(&mut self, low: usize, high: usize) -> usize {
        low + below(&mut self.0, (high - low + 1) as u64) as usize
    }

    /// One of a list that is not empty.
    pub(super) fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[below(&mut self.0, list.len() as u64) as usize]
    }

    /// True with the given probability.
    pub(super) fn chance(&mut self, probability: f32) -> bool {
        self.unit() < probability
    }

    /// 32 random bits.
    pub(super) fn bits(&mut self) -> u32 {
        below(&mut self.0, 1 << 32) as u32
    }

    /// A colour near `near`: each channel moved by up to `by`.
    pub(super) fn tint(&mut self, near: Rgb, by: f32) -> Rgb {
        near.map(|v| (v + self.range(-by, by)).clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Seed;

    #[test]
    fn rays_are_sine_and_cosine() {
        for k in -20..40 {
            let turns = k as f32 / 13.0;
            let (r, angle) = (ray(turns), f64::from(turns) * std::f64::consts::TAU);
            // f32 rounding of the angle at three turns is 5e-7 turns
            assert!((f64::from(r.x) - angle.cos()).abs() < 3e-6, "{turns}");
            assert!((f64::from(r.y) - angle.sin()).abs() < 3e-6, "{turns}");
        }
    }

    #[test]
    fn noise_is_smooth_and_centred() {
        let noise = Noise::draw(&mut Draw(Seed(1).rng("test", "", &[])));
        let values: Vec<f32> =
            (0..20_000).map(|k| noise.octaves(k as f32 * 0.37 - 3000.0, 0.21, 3)).collect();
        assert!(values.iter().all(|v| (0.0..=1.0).contains(v)));
        let mean = values.iter().sum::<f32>() / 20_000.0;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
        assert!((noise.value(2.0 - 1e-3, 0.5) - noise.value(2.0 + 1e-3, 0.5)).abs() < 1e-3);
    }

    #[test]
    fn distances_are_those_of_the_shapes() {
        assert!((p(3.0, 4.0).to_segment(p(0.0, 0.0), p(3.0, 0.0)) - 4.0).abs() < 1e-6);
        assert!((p(3.0, 0.0).to_box(p(1.0, 2.0), 0.0) - 2.0).abs() < 1e-6);
        assert!((p(0.0, 0.0).to_box(p(1.0, 2.0), 0.5) + 1.0).abs() < 1e-6);
        let q = p(0.0, 2.0).along(p(0.0, 1.0));
        assert!((q.x - 2.0).abs() < 1e-6 && q.y.abs() < 1e-6);
    }
}
