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
#![expect(clippy::needless_range_loop, reason = "lanes run through several arrays at once")]

use super::gemm::Isa;
use std::ops::Range;

/// Channels transformed together.
pub const LANES: usize = 16;

type Lane = [f32; LANES];

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
    pub fn all(window: usize) -> Vec<Tile> {
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

    /// `G g G^T` of a window `g` given row by row; [`Tile::products`] values, row by row.
    pub fn weights(self, g: &[f64]) -> Vec<f64> {
        let (n, r) = (self.span(), self.window());
        let factors = FACTORS[n - 4];
        let row = |i: usize| -> Vec<f64> {
            let infinity = |k| if k + 1 == r { factors[i] } else { 0.0 };
            let finite = |k: usize| factors[i] * POINTS[i].powi(k as i32);
            (0..r).map(|k| if i + 1 == n { infinity(k) } else { finite(k) }).collect()
        };
        let rows: Vec<Vec<f64>> = (0..n).map(row).collect();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let columns = |b: &[f64]| -> Vec<f64> { g.chunks_exact(r).map(|g| dot(b, g)).collect() };
        let half: Vec<Vec<f64>> = rows.iter().map(|b| columns(b)).collect();
        rows.iter().flat_map(|a| half.iter().map(move |b| dot(a, b))).collect()
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
        4 => input_with::<4, 16>(bt4, from, out, step),
        5 => input_with::<5, 25>(bt5, from, out, step),
        6 => input_with::<6, 36>(bt6, from, out, step),
        7 => input_with::<7, 49>(bt7, from, out, step),
        _ => input_with::<8, 64>(bt8, from, out, step),
    }
}

/// [`input_body`] with the vectors of this processor.
fn input_with<const A: usize, const N: usize>(
    transform: impl Fn([f32; A]) -> [f32; A],
    from: &Source<'_>,
    out: &mut [f32],
    step: usize,
) {
    match Isa::detect() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the instruction set was detected.
        Isa::Avx512 => unsafe { input_avx512::<A, N>(transform, from, out, step) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Isa::Avx2 => unsafe { input_avx2::<A, N>(transform, from, out, step) },
        _ => input_body::<A, N>(transform, from, out, step),
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
        (4, _) => output_with::<4, 2, 8, 16>(at4, products, step, &into, out),
        (5, _) => output_with::<5, 3, 15, 25>(at5, products, step, &into, out),
        (6, 2) => output_with::<6, 2, 12, 36>(at6_2, products, step, &into, out),
        (6, _) => output_with::<6, 4, 24, 36>(at6, products, step, &into, out),
        (7, 3) => output_with::<7, 3, 21, 49>(at7_3, products, step, &into, out),
        (7, _) => output_with::<7, 5, 35, 49>(at7, products, step, &into, out),
        (_, 4) => output_with::<8, 4, 32, 64>(at8_4, products, step, &into, out),
        _ => output_with::<8, 6, 48, 64>(at8, products, step, &into, out),
    }
}

/// [`output_body`] with the vectors of this processor.
fn output_with<const A: usize, const M: usize, const H: usize, const N: usize>(
    transform: impl Fn([f32; A]) -> [f32; M],
    products: &[f32],
    step: usize,
    into: &Target,
    out: &mut [f32],
) {
    match Isa::detect() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the instruction set was detected.
        Isa::Avx512 => unsafe {
            output_avx512::<A, M, H, N>(transform, products, step, into, out);
        },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Isa::Avx2 => unsafe { output_avx2::<A, M, H, N>(transform, products, step, into, out) },
        _ => output_body::<A, M, H, N>(transform, products, step, into, out),
    }
}

struct Target {
    rows: Range<usize>,
    columns: Range<usize>,
    stride: usize,
    channels: usize,
}

/// `B^T d` for four values.
#[inline(always)]
fn bt4([a, b, c, d]: [f32; 4]) -> [f32; 4] {
    [a - c, b + c, c - b, b - d]
}

/// `B^T d` for six values.
#[inline(always)]
fn bt6([a, b, c, d, e, f]: [f32; 6]) -> [f32; 6] {
    let (even, odd) = (e - 4.0 * c, d - 4.0 * b);
    let (even2, odd2) = (e - c, 2.0 * (d - b));
    [
        4.0 * a - 5.0 * c + e,
        even + odd,
        even - odd,
        even2 + odd2,
        even2 - odd2,
        4.0 * b - 5.0 * d + f,
    ]
}

/// `B^T d` for five values.
#[inline(always)]
fn bt5([a, b, c, d, e]: [f32; 5]) -> [f32; 5] {
    [2.0 * (a - c) + d - b, d - c - 2.0 * b, 2.0 * b - 3.0 * c + d, d - b, 2.0 * (b - d) + e - c]
}

/// `B^T d` for seven values.
#[inline(always)]
fn bt7([a, b, c, d, e, f, g]: [f32; 7]) -> [f32; 7] {
    [
        2.0 * f - e - 10.0 * d + 5.0 * c + 8.0 * b - 4.0 * a,
        2.0 * f + e - 9.0 * d + 4.0 * (b - c),
        2.0 * f - 3.0 * e - 7.0 * d + 12.0 * c - 4.0 * b,
        2.0 * (f + b) + 3.0 * (e - c) - 4.0 * d,
        2.0 * (f - b) + 5.0 * (c - e),
        f - 5.0 * d + 4.0 * b,
        2.0 * g - f - 10.0 * e + 5.0 * d + 8.0 * c - 4.0 * b,
    ]
}

/// `B^T d` for eight values.
#[inline(always)]
fn bt8([a, b, c, d, e, f, g, h]: [f32; 8]) -> [f32; 8] {
    let (one, one_odd) = (4.0 * (c + g) - 17.0 * e, 4.0 * (b + f) - 17.0 * d);
    let (two, two_odd) = (c - 5.0 * e + 4.0 * g, 2.0 * b - 10.0 * d + 8.0 * f);
    let (half, half_odd) = (8.0 * c - 10.0 * e + 2.0 * g, 4.0 * b - 5.0 * d + f);
    [
        4.0 * (g - a) + 21.0 * (c - e),
        one + one_odd,
        one - one_odd,
        two + two_odd,
        two - two_odd,
        half + half_odd,
        half - half_odd,
        4.0 * (h - b) + 21.0 * (d - f),
    ]
}

/// `A^T m` for four values.
#[inline(always)]
fn at4([a, b, c, d]: [f32; 4]) -> [f32; 2] {
    [a + b + c, b - c - d]
}

/// `A^T m` for six values.
#[inline(always)]
fn at6([a, b, c, d, e, f]: [f32; 6]) -> [f32; 4] {
    let (near, near_odd) = (b + c, b - c);
    let (far, far_odd) = (d + e, d - e);
    [a + near + far, near_odd + 2.0 * far_odd, near + 4.0 * far, near_odd + 8.0 * far_odd + f]
}

/// `A^T m` for five values.
#[inline(always)]
fn at5([a, b, c, d, e]: [f32; 5]) -> [f32; 3] {
    [a + b + c + d, b - c + 2.0 * d, b + c + 4.0 * d + e]
}

/// `A^T m` for seven values.
#[inline(always)]
fn at7([a, b, c, d, e, f, g]: [f32; 7]) -> [f32; 5] {
    let (one, one_odd) = (b + c, b - c);
    let (two, two_odd) = (d + e, d - e);
    [
        a + one + two + f,
        one_odd + 2.0 * two_odd + 0.5 * f,
        one + 4.0 * two + 0.25 * f,
        one_odd + 8.0 * two_odd + 0.125 * f,
        one + 16.0 * two + 0.0625 * f + g,
    ]
}

/// `A^T m` for eight values.
#[inline(always)]
fn at8([a, b, c, d, e, f, g, h]: [f32; 8]) -> [f32; 6] {
    let (one, one_odd) = (b + c, b - c);
    let (two, two_odd) = (d + e, d - e);
    let (half, half_odd) = (f + g, f - g);
    [
        a + one + two + half,
        one_odd + 2.0 * two_odd + 0.5 * half_odd,
        one + 4.0 * two + 0.25 * half,
        one_odd + 8.0 * two_odd + 0.125 * half_odd,
        one + 16.0 * two + 0.0625 * half,
        one_odd + 32.0 * two_odd + 0.03125 * half_odd + h,
    ]
}

/// `A^T m` for six values, windows of 5.
#[inline(always)]
fn at6_2([a, b, c, d, e, f]: [f32; 6]) -> [f32; 2] {
    [a + (b + c) + (d + e), (b - c) + 2.0 * (d - e) + f]
}

/// `A^T m` for seven values, windows of 5.
#[inline(always)]
fn at7_3([a, b, c, d, e, f, g]: [f32; 7]) -> [f32; 3] {
    let (one, two) = (b + c, d + e);
    [a + one + two + f, (b - c) + 2.0 * (d - e) + 0.5 * f, one + 4.0 * two + 0.25 * f + g]
}

/// `A^T m` for eight values, windows of 5.
#[inline(always)]
fn at8_4([a, b, c, d, e, f, g, h]: [f32; 8]) -> [f32; 4] {
    let (one, one_odd) = (b + c, b - c);
    let (two, two_odd) = (d + e, d - e);
    let (half, half_odd) = (f + g, f - g);
    [
        a + one + two + half,
        one_odd + 2.0 * two_odd + 0.5 * half_odd,
        one + 4.0 * two + 0.25 * half,
        one_odd + 8.0 * two_odd + 0.125 * half_odd + h,
    ]
}

/// `A` inputs per side, `N = A * A`.
#[inline(always)]
fn input_body<const A: usize, const N: usize>(
    transform: impl Fn([f32; A]) -> [f32; A],
    from: &Source<'_>,
    out: &mut [f32],
    step: usize,
) {
    for c0 in (0..from.channels).step_by(LANES) {
        let lanes = LANES.min(from.channels - c0);
        let mut d: [Lane; N] = [[0.0; LANES]; N];
        for (i, a) in from.rows.clone().enumerate() {
            for (j, b) in from.columns.clone().enumerate() {
                let at = ((from.y + i) * from.width + from.x + j) * from.channels + c0;
                if lanes == LANES {
                    d[a * A + b].copy_from_slice(&from.map[at..at + LANES]);
                } else {
                    d[a * A + b][..lanes].copy_from_slice(&from.map[at..at + lanes]);
                }
            }
        }
        for line in 0..A {
            apply(&mut d, |k| line * A + k, &transform);
        }
        for line in 0..A {
            apply(&mut d, |k| k * A + line, &transform);
        }
        for (j, lane) in d.iter().enumerate() {
            let at = j * step + c0;
            if lanes == LANES {
                out[at..at + LANES].copy_from_slice(lane);
            } else {
                out[at..at + lanes].copy_from_slice(&lane[..lanes]);
            }
        }
    }
}

/// Transforms the line of values at `place(0), place(1), ...` in place.
#[inline(always)]
fn apply<const A: usize, const N: usize>(
    d: &mut [Lane; N],
    place: impl Fn(usize) -> usize,
    transform: impl Fn([f32; A]) -> [f32; A],
) {
    for lane in 0..LANES {
        let line = std::array::from_fn(|k| d[place(k)][lane]);
        for (k, v) in transform(line).into_iter().enumerate() {
            d[place(k)][lane] = v;
        }
    }
}

/// `A` products and `M` outputs per side, `H = A * M`, `N = A * A`.
#[inline(always)]
fn output_body<const A: usize, const M: usize, const H: usize, const N: usize>(
    transform: impl Fn([f32; A]) -> [f32; M],
    products: &[f32],
    step: usize,
    into: &Target,
    out: &mut [f32],
) {
    for c0 in (0..into.channels).step_by(LANES) {
        let lanes = LANES.min(into.channels - c0);
        let mut d: [Lane; N] = [[0.0; LANES]; N];
        for (j, lane) in d.iter_mut().enumerate() {
            let from = &products[j * step + c0..];
            if lanes == LANES {
                lane.copy_from_slice(&from[..LANES]);
            } else {
                lane[..lanes].copy_from_slice(&from[..lanes]);
            }
        }
        let mut half: [Lane; H] = [[0.0; LANES]; H];
        for column in 0..A {
            for lane in 0..LANES {
                let line = transform(std::array::from_fn(|k| d[k * A + column][lane]));
                for (k, v) in line.into_iter().enumerate() {
                    half[k * A + column][lane] = v;
                }
            }
        }
        for (i, row) in into.rows.clone().enumerate() {
            let mut pixels: [Lane; M] = [[0.0; LANES]; M];
            for lane in 0..LANES {
                let line = transform(std::array::from_fn(|k| half[row * A + k][lane]));
                for (k, v) in line.into_iter().enumerate() {
                    pixels[k][lane] = v;
                }
            }
            for (j, column) in into.columns.clone().enumerate() {
                let at = i * into.stride + j * into.channels + c0;
                out[at..at + lanes].copy_from_slice(&pixels[column][..lanes]);
            }
        }
    }
}

/// # Safety
/// The processor has AVX-512F.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn input_avx512<const A: usize, const N: usize>(
    transform: impl Fn([f32; A]) -> [f32; A],
    from: &Source<'_>,
    out: &mut [f32],
    step: usize,
) {
    input_body::<A, N>(transform, from, out, step);
}

/// # Safety
/// The processor has AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn input_avx2<const A: usize, const N: usize>(
    transform: impl Fn([f32; A]) -> [f32; A],
    from: &Source<'_>,
    out: &mut [f32],
    step: usize,
) {
    input_body::<A, N>(transform, from, out, step);
}

/// # Safety
/// The processor has AVX-512F.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn output_avx512<const A: usize, const M: usize, const H: usize, const N: usize>(
    transform: impl Fn([f32; A]) -> [f32; M],
    products: &[f32],
    step: usize,
    into: &Target,
    out: &mut [f32],
) {
    output_body::<A, M, H, N>(transform, products, step, into, out);
}

/// # Safety
/// The processor has AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn output_avx2<const A: usize, const M: usize, const H: usize, const N: usize>(
    transform: impl Fn([f32; A]) -> [f32; M],
    products: &[f32],
    step: usize,
    into: &Target,
    out: &mut [f32],
) {
    output_body::<A, M, H, N>(transform, products, step, into, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tile_of_one_channel_is_the_direct_convolution() {
        for tile in [3, 5].into_iter().flat_map(Tile::all).filter(|t| t.shift() == 0) {
            let (m, r, a) = (tile.side(), tile.window(), tile.span());
            let map: Vec<f32> = (0..a * a).map(|i| ((i * 7 % 11) as f32 - 5.0) / 3.0).collect();
            let g: Vec<f64> = (0..r * r).map(|i| (i * 5 % 13) as f64 / 4.0 - 1.5).collect();
            let from =
                Source { map: &map, width: a, channels: 1, rows: 0..a, columns: 0..a, y: 0, x: 0 };
            let mut v = vec![0.0; a * a];
            input(tile, &from, &mut v, 1);
            let w = tile.weights(&g);
            let products: Vec<f32> = v.iter().zip(&w).map(|(v, w)| v * *w as f32).collect();
            let mut y = vec![0.0; m * m];
            output(tile, &products, 1, (0..m, 0..m), &mut y, m, 1);
            for (i, y) in y.iter().enumerate() {
                let tap = |k: usize| g[k] * f64::from(map[(i / m + k / r) * a + i % m + k % r]);
                let want: f64 = (0..r * r).map(tap).sum();
                // sums of 25 terms of size 2, rounding amplified by the transforms of large tiles
                assert!((f64::from(*y) - want).abs() < 1e-4, "{tile:?} {i}: {y} {want}");
            }
        }
    }

    #[test]
    fn there_are_tiles_of_every_size_and_shift_and_no_others() {
        assert_eq!(Tile::all(3).len(), 2 + 3 + 4 + 5 + 6);
        assert_eq!(Tile::all(5).len(), 2 + 3 + 4);
        assert!(Tile::all(7).is_empty());
        assert_eq!(
            (Tile::new(7, 3, 0), Tile::new(4, 3, 4), Tile::new(1, 3, 0)),
            (None, None, None)
        );
    }
}
