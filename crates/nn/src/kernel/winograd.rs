//! Transforms of Winograd's minimal filtering (Lavin & Gray 2016): F(m x m, 3x3) for m = 2 to 6 and
//! F(m x m, 5x5) for m = 2 to 4. The interpolation points are the first of 0, 1, -1, 2, -2, 1/2,
//! -1/2, and infinity, as many as a tile has inputs per side; the rows of `B^T` are scaled to whole
//! numbers. Tiles of nine and more inputs lose too many digits in single precision (m = 7: a hundred
//! times those of the direct form).
//!
//! A tile of `m x m` outputs needs `(m + r - 1)^2` products per channel pair instead of `(r m)^2`.
//! The transforms work on sixteen channels at a time.
#![expect(unsafe_code, reason = "vector instructions chosen at run time")]
#![expect(clippy::inline_always, reason = "a body takes the instruction set of its caller")]

#[cfg(target_arch = "x86_64")]
use super::lanes::{Half, Wide};
use super::{
    gemm::Isa,
    lanes::{LANES, Lanes, Plain},
};
use std::ops::Range;

/// Interpolation points of the transforms, beside infinity.
const POINTS: [f64; 7] = [0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5];

/// Factors of the rows of `G` for 4 to 8 inputs per side: one per point, then that of infinity. They
/// undo the scaling by which the rows of `B^T` are whole numbers.
const FACTORS: [&[f64]; 5] = [
    &[1.0, 0.5, 0.5, 1.0],
    &[0.5, -0.5, -1.0 / 6.0, 1.0 / 6.0, 1.0],
    &[0.25, -1.0 / 6.0, -1.0 / 6.0, 1.0 / 24.0, 1.0 / 24.0, 1.0],
    &[-0.25, -1.0 / 6.0, 1.0 / 18.0, 1.0 / 72.0, -1.0 / 120.0, 32.0 / 45.0, 0.5],
    &[-0.25, -1.0 / 18.0, -1.0 / 18.0, 1.0 / 360.0, 1.0 / 360.0, 16.0 / 45.0, 16.0 / 45.0, 0.25],
];

/// F(m x m, r x r) on a grid of tiles: tile `k` of an axis holds the outputs from `m k - shift` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tile {
    side: u8,
    window: u8,
    shift: u8,
}

impl Tile {
    /// Tiles of `side` outputs for windows of `window` taps per side, moved up and left by `shift`
    /// outputs. `None` where there are none: windows have 3 or 5 taps, a tile has 4 to 8 inputs per
    /// side, and a shift is smaller than the side.
    pub fn new(side: usize, window: usize, shift: usize) -> Option<Tile> {
        let fits = matches!(window, 3 | 5) && side >= 2 && side + window <= 9 && shift < side;
        fits.then_some(Tile { side: side as u8, window: window as u8, shift: shift as u8 })
    }

    /// All tiles for a window, those without shift first.
    pub fn fitting(window: usize) -> Vec<Tile> {
        let at = |shift| (2..=6).filter_map(move |side| Tile::new(side, window, shift));
        (0..6).flat_map(at).collect()
    }

    /// Outputs per side.
    pub const fn side(self) -> usize {
        self.side as usize
    }

    /// Taps per side of the window.
    pub const fn window(self) -> usize {
        self.window as usize
    }

    /// How far the grid of tiles is moved up and left.
    pub const fn shift(self) -> usize {
        self.shift as usize
    }

    /// Inputs per side.
    pub const fn span(self) -> usize {
        self.side() + self.window() - 1
    }

    /// Products per tile and pair of channels: the square of the input side.
    pub const fn products(self) -> usize {
        self.span() * self.span()
    }

    /// `G`, of which [`Kernel::transform`] makes the weights of products.
    pub fn kernel(self) -> Kernel {
        let (n, r) = (self.span(), self.window());
        let factors = FACTORS[n - 4];
        let mut rows = [[0.0; 5]; 8];
        for (i, row) in rows.iter_mut().enumerate().take(n) {
            for (k, value) in row.iter_mut().enumerate().take(r) {
                let power = |point: f64| factors[i] * point.powi(k as i32);
                let infinity = if k + 1 == r { factors[i] } else { 0.0 };
                *value = if i + 1 == n { infinity } else { power(POINTS[i]) };
            }
        }
        Kernel { n, r, rows }
    }
}

/// The transform of windows.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    n: usize,
    r: usize,
    rows: [[f64; 5]; 8],
}

impl Kernel {
    /// `G g G^T` of a window `g` given row by row: [`Tile::products`] values, row by row, rounded
    /// once.
    pub fn transform(&self, g: &[f64], out: &mut [f32]) {
        let (n, r) = (self.n, self.r);
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let mut half = [[0.0; 5]; 8];
        for (half, row) in half.iter_mut().zip(&self.rows).take(n) {
            half.iter_mut().zip(g.chunks_exact(r)).for_each(|(v, g)| *v = dot(&row[..r], g));
        }
        for (row, out) in self.rows.iter().zip(out.chunks_exact_mut(n)) {
            let values = out.iter_mut().zip(&half);
            values.for_each(|(v, half)| *v = dot(&row[..r], &half[..r]) as f32);
        }
    }
}

/// The part of a map that a tile reads.
#[derive(Clone, Debug)]
pub struct Source<'a> {
    /// The whole map, channels last.
    pub map: &'a [f32],
    /// Its columns.
    pub width: usize,
    /// Its channels.
    pub channels: usize,
    /// Rows of the tile that are in the map; others are zero padding.
    pub rows: Range<usize>,
    /// Columns of the tile that are in the map.
    pub columns: Range<usize>,
    /// Row of the map at `rows.start`.
    pub y: usize,
    /// Column of the map at `columns.start`.
    pub x: usize,
}

/// Transforms one tile of the input: value `j` of channel `c` goes to `out[j * step + c]`.
pub fn input(tile: Tile, from: &Source<'_>, out: &mut [f32], step: usize) {
    match tile.span() {
        4 => input_with::<Four, 4>(from, out, step),
        5 => input_with::<Five, 5>(from, out, step),
        6 => input_with::<Six, 6>(from, out, step),
        7 => input_with::<Seven, 7>(from, out, step),
        _ => input_with::<Eight, 8>(from, out, step),
    }
}

/// [`input_body`] with the vectors of this processor.
fn input_with<T: Transform<A, A>, const A: usize>(from: &Source<'_>, out: &mut [f32], step: usize) {
    match Isa::detect() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the instruction set was detected.
        Isa::Avx512 => unsafe { input_avx512::<T, A>(from, out, step) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Isa::Avx2 => unsafe { input_avx2::<T, A>(from, out, step) },
        // SAFETY: plain lanes need no instructions of a certain processor.
        _ => unsafe { input_body::<T, Plain, A>(from, out, step) },
    }
}

/// Transforms the products of one tile back: `products[j * step + c]` to the outputs of the `rows`
/// and `columns` of the tile, written from `out[0]` on with `stride` floats from row to row and
/// `channels` from pixel to pixel.
pub fn output(
    tile: Tile,
    products: &[f32],
    step: usize,
    (rows, columns): (Range<usize>, Range<usize>),
    out: &mut [f32],
    stride: usize,
    channels: usize,
) {
    let into = Target { rows, columns, stride, channels };
    match (tile.span(), tile.side()) {
        (4, _) => output_with::<Four, 4, 2>(products, step, &into, out),
        (5, _) => output_with::<Five, 5, 3>(products, step, &into, out),
        (6, 2) => output_with::<Six, 6, 2>(products, step, &into, out),
        (6, _) => output_with::<Six, 6, 4>(products, step, &into, out),
        (7, 3) => output_with::<Seven, 7, 3>(products, step, &into, out),
        (7, _) => output_with::<Seven, 7, 5>(products, step, &into, out),
        (_, 4) => output_with::<Eight, 8, 4>(products, step, &into, out),
        _ => output_with::<Eight, 8, 6>(products, step, &into, out),
    }
}

/// [`output_body`] with the vectors of this processor.
fn output_with<T: Transform<A, M>, const A: usize, const M: usize>(
    products: &[f32],
    step: usize,
    into: &Target,
    out: &mut [f32],
) {
    match Isa::detect() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the instruction set was detected.
        Isa::Avx512 => unsafe { output_avx512::<T, A, M>(products, step, into, out) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Isa::Avx2 => unsafe { output_avx2::<T, A, M>(products, step, into, out) },
        // SAFETY: plain lanes need no instructions of a certain processor.
        _ => unsafe { output_body::<T, Plain, A, M>(products, step, into, out) },
    }
}

struct Target {
    rows: Range<usize>,
    columns: Range<usize>,
    stride: usize,
    channels: usize,
}

/// A linear map of `A` values to `M`: `B^T` where both are the same number, else `A^T`.
trait Transform<const A: usize, const M: usize> {
    /// Reads `x(0)` to `x(A - 1)`, then writes `y(0, ...)` to `y(M - 1, ...)`. One by one, as arrays of
    /// vectors would be copied through memory.
    fn apply<V: Lanes>(x: impl Fn(usize) -> V, y: impl FnMut(usize, V));
}

/// Transforms of tiles with four inputs per side.
struct Four;
/// Five inputs.
struct Five;
/// Six inputs.
struct Six;
/// Seven inputs.
struct Seven;
/// Eight inputs.
struct Eight;

impl Transform<4, 4> for Four {
    #[inline(always)]
    fn apply<V: Lanes>(x: impl Fn(usize) -> V, mut y: impl FnMut(usize, V)) {
        let (a, b, c, d) = (x(0), x(1), x(2), x(3));
        y(0, a - c);
        y(1, b + c);
        y(2, c - b);
        y(3, b - d);
    }
}

impl Transform<5, 5> for Five {
    #[inline(always)]
    fn apply<V: Lanes>(x: impl Fn(usize) -> V, mut y: impl FnMut(usize, V)) {
        let (a, b, c, d, e) = (x(0), x(1), x(2), x(3), x(4));
        y(0, (a - c) * 2.0 + d - b);
        y(1, d - c - b * 2.0);
        y(2, b * 2.0 - c * 3.0 + d);
        y(3, d - b);
        y(4, (b - d) * 2.0 + e - c);
    }
}

impl Transform<6, 6> for Six {
    #[inline(always)]
    fn apply<V: Lanes>(x: impl Fn(usize) -> V, mut y: impl FnMut(usize, V)) {
        let (a, b, c, d, e, f) = (x(0), x(1), x(2), x(3), x(4), x(5));
        let (even, odd) = (e - c * 4.0, d - b * 4.0);
        let (even2, odd2) = (e - c, (d - b) * 2.0);
        y(0, a * 4.0 - c * 5.0 + e);
        y(1, even + odd);
        y(2, even - odd);
        y(3, even2 + odd2);
        y(4, even2 - odd2);
        y(5, b * 4.0 - d * 5.0 + f);
    }
}

impl Transform<7, 7> for Seven {
    #[inline(always)]
    fn apply<V: Lanes>(x: impl Fn(usize) -> V, mut y: impl FnMut(usize, V)) {
        let (a, b, c, d, e, f, g) = (x(0), x(1), x(2), x(3), x(4), x(5), x(6));
        y(0, f * 2.0 - e - d * 10.0 + c * 5.0 + b * 8.0 - a * 4.0);
        y(1, f * 2.0 + e - d * 9.0 + (b - c) * 4.0);
        y(2, f * 2.0 - e * 3.0 - d * 7.0 + c * 12.0 - b * 4.0);
        y(3, (f + b) * 2.0 + (e - c) * 3.0 - d * 4.0);
        y(4, (f - b) * 2.0 + (c - e) * 5.0);
        y(5, f - d * 5.0 + b * 4.0);
        y(6, g * 2.0 - f - e * 10.0 + d * 5.0 + c * 8.0 - b * 4.0);
    }
}

impl Transform<8, 8> for Eight {
    #[inline(always)]
    fn apply<V: Lanes>(x: impl Fn(usize) -> V, mut y: impl FnMut(usize, V)) {
        let (a, b, c, d, e, f, g, h) = (x(0), x(1), x(2), x(3), x(4), x(5), x(6), x(7));
        let (one, one_odd) = ((c + g) * 4.0 - e * 17.0, (b + f) * 4.0 - d * 17.0);
        let (two, two_odd) = (c - e * 5.0 + g * 4.0, b * 2.0 - d * 10.0 + f * 8.0);
        let (half, half_odd) = (c * 8.0 - e * 10.0 + g * 2.0, b * 4.0 - d * 5.0 + f);
        y(0, (g - a) * 4.0 + (c - e) * 21.0);
        y(1, one + one_odd);
        y(2, one - one_odd);
        y(3, two + two_odd);
        y(4, two - two_odd);
        y(5, half + half_odd);
        y(6, half - half_odd);
        y(7, (h - b) * 4.0 + (d - f) * 21.0);
    }
}

impl Transform<4, 2> for Four {
    #[inline(always)]
    fn apply<V: Lanes>(x: impl Fn(usize) -> V, mut y: impl FnMut(usize, V)) {
        let (a, b, c, d) = (x(0), x(1), x(2), x(3));
        y(0, a + b + c);
        y(1, b - c - d);
    }
}

impl Transform<5, 3> for Five {
    #[inline(always)]
    fn apply<V: Lanes>(x: impl Fn(usize) -> V, mut y: impl FnMut(usize, V)) {
        let (a, b, c, d, e) = (x(0), x(1), x(2), x(3), x(4));
        y(0, a + b + c + d);
        y(1, b - c + d * 2.0);
        y(2, b + c + d * 4.0 + e);
    }
}

impl Transform<6, 2> for Six {
    #[inline(always)]
    fn apply<V: Lanes>(x: impl Fn(usize) -> V, mut y: impl FnMut(usize, V)) {
        let (a, b, c, d, e, f) = (x(0), x(1), x(2), x(3), x(4), x(5));
        y(0, a + (b + c) + (d + e));
        y(1, (b - c) + (d - e) * 2.0 + f);
    }
}

impl Transform<6, 4> for Six {
    #[inline(always)]
    fn apply<V: Lanes>(x: impl Fn(usize) -> V, mut y: impl FnMut(usize, V)) {
        let (a, b, c, d, e, f) = (x(0), x(1), x(2), x(3), x(4), x(5));
        let (near, near_odd) = (b + c, b - c);
        let (far, far_odd) = (d + e, d - e);
        y(0, a + near + far);
        y(1, near_odd + far_odd * 2.0);
        y(2, near + far * 4.0);
        y(3, near_odd + far_odd * 8.0 + f);
    }
}

impl Transform<7, 3> for Seven {
    #[inline(always)]
    fn apply<V: Lanes>(x: impl Fn(usize) -> V, mut y: impl FnMut(usize, V)) {
        let (a, b, c, d, e, f, g) = (x(0), x(1), x(2), x(3), x(4), x(5), x(6));
        let (one, two) = (b + c, d + e);
        y(0, a + one + two + f);
        y(1, (b - c) + (d - e) * 2.0 + f * 0.5);
        y(2, one + two * 4.0 + f * 0.25 + g);
    }
}

impl Transform<7, 5> for Seven {
    #[inline(always)]
    fn apply<V: Lanes>(x: impl Fn(usize) -> V, mut y: impl FnMut(usize, V)) {
        let (a, b, c, d, e, f, g) = (x(0), x(1), x(2), x(3), x(4), x(5), x(6));
        let (one, one_odd) = (b + c, b - c);
        let (two, two_odd) = (d + e, d - e);
        y(0, a + one + two + f);
        y(1, one_odd + two_odd * 2.0 + f * 0.5);
        y(2, one + two * 4.0 + f * 0.25);
        y(3, one_odd + two_odd * 8.0 + f * 0.125);
        y(4, one + two * 16.0 + f * 0.0625 + g);
    }
}

impl Transform<8, 4> for Eight {
    #[inline(always)]
    fn apply<V: Lanes>(x: impl Fn(usize) -> V, mut y: impl FnMut(usize, V)) {
        let (a, b, c, d, e, f, g, h) = (x(0), x(1), x(2), x(3), x(4), x(5), x(6), x(7));
        let (one, one_odd) = (b + c, b - c);
        let (two, two_odd) = (d + e, d - e);
        let (half, half_odd) = (f + g, f - g);
        y(0, a + one + two + half);
        y(1, one_odd + two_odd * 2.0 + half_odd * 0.5);
        y(2, one + two * 4.0 + half * 0.25);
        y(3, one_odd + two_odd * 8.0 + half_odd * 0.125 + h);
    }
}

impl Transform<8, 6> for Eight {
    #[inline(always)]
    fn apply<V: Lanes>(x: impl Fn(usize) -> V, mut y: impl FnMut(usize, V)) {
        let (a, b, c, d, e, f, g, h) = (x(0), x(1), x(2), x(3), x(4), x(5), x(6), x(7));
        let (one, one_odd) = (b + c, b - c);
        let (two, two_odd) = (d + e, d - e);
        let (half, half_odd) = (f + g, f - g);
        y(0, a + one + two + half);
        y(1, one_odd + two_odd * 2.0 + half_odd * 0.5);
        y(2, one + two * 4.0 + half * 0.25);
        y(3, one_odd + two_odd * 8.0 + half_odd * 0.125);
        y(4, one + two * 16.0 + half * 0.0625);
        y(5, one_odd + two_odd * 32.0 + half_odd * 0.03125 + h);
    }
}

/// Inputs per side of the largest tile.
const MOST: usize = 8;

/// `A` inputs per side.
///
/// # Safety
/// The processor has the instructions of `V`.
#[inline(always)]
unsafe fn input_body<T: Transform<A, A>, V: Lanes, const A: usize>(
    from: &Source<'_>,
    out: &mut [f32],
    step: usize,
) {
    // padding stays 0 in both
    let mut half = [[0.0; LANES]; MOST * MOST];
    let mut line = [[0.0; LANES]; MOST];
    for c0 in (0..from.channels).step_by(LANES) {
        let lanes = LANES.min(from.channels - c0);
        for (i, a) in from.rows.clone().enumerate() {
            let at = ((from.y + i) * from.width + from.x) * from.channels + c0;
            let half = &mut half[a * A..(a + 1) * A];
            if lanes == LANES && from.columns.len() == A {
                let pixels = &from.map[at..at + (A - 1) * from.channels + LANES];
                // SAFETY: `pixels` reaches to the sixteenth channel of the last pixel, `half` holds `A`
                // lanes; the caller knows the instructions.
                let pixel = |b: usize| unsafe { V::load(pixels.as_ptr().add(b * from.channels)) };
                T::apply(pixel, |b, v| unsafe { v.store(half[b].as_mut_ptr()) });
            } else {
                for (j, b) in from.columns.clone().enumerate() {
                    let pixel = &from.map[at + j * from.channels..][..lanes];
                    line[b][..lanes].copy_from_slice(pixel);
                }
                // SAFETY: `line` and `half` hold `A` lanes.
                let pixel = |b: usize| unsafe { V::load(line[b].as_ptr()) };
                T::apply(pixel, |b, v| unsafe { v.store(half[b].as_mut_ptr()) });
            }
        }
        for b in 0..A {
            // SAFETY: `half` holds `A * A` lanes.
            let column = |a: usize| unsafe { V::load(half[a * A + b].as_ptr()) };
            let first = b * step + c0;
            if lanes == LANES {
                let to = &mut out[first..first + (A - 1) * A * step + LANES];
                // SAFETY: `to` reaches to the sixteenth lane of the last of `A` values.
                T::apply(column, |a, v| unsafe { v.store(to.as_mut_ptr().add(a * A * step)) });
            } else {
                // SAFETY: as above.
                T::apply(column, |a, v| unsafe {
                    v.store_some(&mut out[first + a * A * step..][..lanes]);
                });
            }
        }
    }
}

/// `A` products and `M` outputs per side.
///
/// # Safety
/// The processor has the instructions of `V`.
#[inline(always)]
unsafe fn output_body<T: Transform<A, M>, V: Lanes, const A: usize, const M: usize>(
    products: &[f32],
    step: usize,
    into: &Target,
    out: &mut [f32],
) {
    let mut half = [[0.0; LANES]; MOST * MOST];
    for c0 in (0..into.channels).step_by(LANES) {
        let lanes = LANES.min(into.channels - c0);
        for b in 0..A {
            let first = b * step + c0;
            // SAFETY: `half` holds `A` lanes for each of `M` rows.
            let write = |i: usize, v: V| unsafe { v.store(half[i * A + b].as_mut_ptr()) };
            if lanes == LANES {
                let from = &products[first..first + (A - 1) * A * step + LANES];
                // SAFETY: `from` reaches to the sixteenth lane of the last of `A` values.
                T::apply(|a| unsafe { V::load(from.as_ptr().add(a * A * step)) }, write);
            } else {
                let from = |a: usize| &products[first + a * A * step..][..lanes];
                // SAFETY: the caller knows the instructions.
                T::apply(|a| unsafe { V::load_some(from(a)) }, write);
            }
        }
        for (i, row) in into.rows.clone().enumerate() {
            let at = i * into.stride + c0;
            // SAFETY: as above.
            let value = |b: usize| unsafe { V::load(half[row * A + b].as_ptr()) };
            T::apply(value, |column, v| {
                if into.columns.contains(&column) {
                    let at = at + (column - into.columns.start) * into.channels;
                    let pixel = &mut out[at..at + lanes];
                    // SAFETY: `pixel` holds the lanes; the caller knows the instructions.
                    unsafe {
                        if lanes == LANES {
                            v.store(pixel.as_mut_ptr());
                        } else {
                            v.store_some(pixel);
                        }
                    }
                }
            });
        }
    }
}

/// # Safety
/// The processor has AVX-512F.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn input_avx512<T: Transform<A, A>, const A: usize>(
    from: &Source<'_>,
    out: &mut [f32],
    step: usize,
) {
    // SAFETY: the processor has the instructions of `Wide`.
    unsafe { input_body::<T, Wide, A>(from, out, step) }
}

/// # Safety
/// The processor has AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn input_avx2<T: Transform<A, A>, const A: usize>(
    from: &Source<'_>,
    out: &mut [f32],
    step: usize,
) {
    // SAFETY: the processor has the instructions of `Half`.
    unsafe { input_body::<T, Half, A>(from, out, step) }
}

/// # Safety
/// The processor has AVX-512F.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn output_avx512<T: Transform<A, M>, const A: usize, const M: usize>(
    products: &[f32],
    step: usize,
    into: &Target,
    out: &mut [f32],
) {
    // SAFETY: the processor has the instructions of `Wide`.
    unsafe { output_body::<T, Wide, A, M>(products, step, into, out) }
}

/// # Safety
/// The processor has AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn output_avx2<T: Transform<A, M>, const A: usize, const M: usize>(
    products: &[f32],
    step: usize,
    into: &Target,
    out: &mut [f32],
) {
    // SAFETY: the processor has the instructions of `Half`.
    unsafe { output_body::<T, Half, A, M>(products, step, into, out) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tile_of_one_channel_is_the_direct_convolution() {
        for tile in [3, 5].into_iter().flat_map(Tile::fitting).filter(|t| t.shift() == 0) {
            let (m, r, a) = (tile.side(), tile.window(), tile.span());
            let map: Vec<f32> = (0..a * a).map(|i| ((i * 7 % 11) as f32 - 5.0) / 3.0).collect();
            let g: Vec<f64> = (0..r * r).map(|i| (i * 5 % 13) as f64 / 4.0 - 1.5).collect();
            let from =
                Source { map: &map, width: a, channels: 1, rows: 0..a, columns: 0..a, y: 0, x: 0 };
            let mut v = vec![0.0; a * a];
            input(tile, &from, &mut v, 1);
            let mut w = vec![0.0; a * a];
            tile.kernel().transform(&g, &mut w);
            let products: Vec<f32> = v.iter().zip(&w).map(|(v, w)| v * w).collect();
            let mut y = vec![0.0; m * m];
            output(tile, &products, 1, (0..m, 0..m), &mut y, m, 1);
            for (i, y) in y.iter().enumerate() {
                let tap = |k: usize| g[k] * f64::from(map[(i / m + k / r) * a + i % m + k % r]);
                let want: f64 = (0..r * r).map(tap).sum();
                // sums of 9 or 25 terms of size 2, rounding amplified by the transforms of large tiles
                let bound = if r == 3 { 3e-5 } else { 1e-4 };
                assert!((f64::from(*y) - want).abs() < bound, "{tile:?} {i}: {y} {want}");
            }
        }
    }

    #[test]
    fn there_are_tiles_of_every_size_and_shift_and_no_others() {
        assert_eq!(Tile::fitting(3).len(), 2 + 3 + 4 + 5 + 6);
        assert_eq!(Tile::fitting(5).len(), 2 + 3 + 4);
        assert!(Tile::fitting(7).is_empty());
        assert_eq!(
            (Tile::new(7, 3, 0), Tile::new(4, 3, 4), Tile::new(1, 3, 0)),
            (None, None, None)
        );
    }
}
