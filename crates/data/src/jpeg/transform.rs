//! The inverse cosine transform: Loeffler, Ligtenberg and Moschytz (ICASSP 1989) with constants of
//! 13 bits, columns first with two more bits, as the "accurate integer" transform of libjpeg.

use super::{Block, header::Component};
use std::num::Wrapping;

/// One component as samples.
pub(super) struct Plane {
    pub(super) width: usize,
    pub(super) height: usize,
    stride: usize,
    samples: Vec<u8>,
}

impl Plane {
    /// Row `y`, without padding.
    pub(super) fn row(&self, y: usize) -> &[u8] {
        &self.samples[y * self.stride..][..self.width]
    }
}

/// The samples of a component; gives its coefficients back.
pub(super) fn plane(component: &mut Component) -> Plane {
    let (width, height) = (component.width, component.height);
    let stride = component.wide * 8;
    let mut samples = vec![0; stride * component.high * 8];
    let blocks = std::mem::take(&mut component.blocks);
    let divisors = component.divisors.unwrap_or([0; 64]);
    for (y, row) in blocks.chunks_exact(component.stride.max(1)).take(component.high).enumerate() {
        for (x, block) in row[..component.wide].iter().enumerate() {
            let at = y * 8 * stride + x * 8;
            for (line, values) in inverse(block, &divisors).as_chunks::<8>().0.iter().enumerate() {
                samples[at + line * stride..][..8].copy_from_slice(values);
            }
        }
    }
    Plane { width, height, stride, samples }
}

/// A constant of 13 bits.
const fn fixed(value: f64) -> Wrapping<i32> {
    Wrapping((value * 8192.0 + 0.5) as i32)
}

/// The eight samples of eight coefficients, times 8192 and the square root of 8.
///
/// Sums of coefficients have 16 bits and wrap, all else 32: this decides what becomes of coefficients
/// that no picture has.
#[inline]
fn eight(c: [i16; 8]) -> [i32; 8] {
    let wide = |v: i16| Wrapping(i32::from(v));
    let sum = |i: usize, j: usize| wide(c[i].wrapping_add(c[j]));
    let c2 = wide(c[2]);
    let c6 = wide(c[6]);
    let rotated = (c2 + c6) * fixed(0.541_196_100);
    let (low, high) = (rotated - c6 * fixed(1.847_759_065), rotated + c2 * fixed(0.765_366_865));
    let (first, second) = (sum(0, 4) << 13, wide(c[0].wrapping_sub(c[4])) << 13);
    let even = [first + high, second + low, second - low, first - high];

    let [c1, c3, c5, c7] = [1, 3, 5, 7].map(|i| wide(c[i]));
    let (z3, z4) = (sum(7, 3), sum(5, 1));
    let both = (z3 + z4) * fixed(1.175_875_602);
    let z1 = (c7 + c1) * fixed(0.899_976_223);
    let z2 = (c5 + c3) * fixed(2.562_915_447);
    let z3 = both - z3 * fixed(1.961_570_560);
    let z4 = both - z4 * fixed(0.390_180_644);
    let odd = [
        c1 * fixed(1.501_321_110) - z1 + z4,
        c3 * fixed(3.072_711_026) - z2 + z3,
        c5 * fixed(2.053_119_869) - z2 + z4,
        c7 * fixed(0.298_631_336) - z1 + z3,
    ];
    let up = |i: usize| (even[i] + odd[i]).0;
    let down = |i: usize| (even[i] - odd[i]).0;
    [up(0), up(1), up(2), up(3), down(3), down(2), down(1), down(0)]
}

/// `value / 2^bits`, rounded.
#[inline]
fn scaled(value: i32, bits: u32) -> i32 {
    value.wrapping_add(1 << (bits - 1)) >> bits
}

fn inverse(block: &Block, divisors: &[u16; 64]) -> [u8; 64] {
    let mut columns = [0i16; 64];
    for x in 0..8 {
        let coefficient = |y: usize| block[y * 8 + x].wrapping_mul(divisors[y * 8 + x] as i16);
        for (y, v) in eight(std::array::from_fn(coefficient)).into_iter().enumerate() {
            columns[y * 8 + x] = scaled(v, 11).clamp(i16::MIN.into(), i16::MAX.into()) as i16;
        }
    }
    let mut samples = [0; 64];
    for (row, out) in columns.as_chunks::<8>().0.iter().zip(samples.as_chunks_mut::<8>().0) {
        *out = eight(*row).map(|v| (scaled(v, 18) + 128).clamp(0, 255) as u8);
    }
    samples
}
