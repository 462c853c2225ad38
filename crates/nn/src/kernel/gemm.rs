//! Matrix products with weights that are packed once.
//!
//! `C = A B` with `A` of `m` rows (gathered activations) and `B` the weights. Every value of `C` is
//! computed by the same operations in the same order whatever `m`, its row and the panels asked
//! for: for each block of [`DEPTH`] inputs an accumulator starts at zero, takes one fused
//! multiply-add per input in ascending order, and is added to `C`. Exactness of the incremental
//! engine rests on this.
#![expect(unsafe_code, reason = "vector instructions chosen at run time")]

use super::{aligned::Aligned, lanes::vectorized};
use std::ops::Range;

/// Columns of a panel: two AVX-512 or four AVX2 registers.
pub const PANEL: usize = 32;

/// Columns of half a panel: of a last panel with no more columns only this half is computed.
const HALF: usize = PANEL / 2;

/// Inputs accumulated in registers before they are added to `C`.
pub const DEPTH: usize = 256;

/// Rows of a panel that are fetched ahead of their use: the time they take from the outer caches.
#[cfg(target_arch = "x86_64")]
const AHEAD: usize = 24 * PANEL;

/// Floats of `C` that are worked on together: they share the L2 cache with a part of `A`.
const C_FLOATS: usize = 1 << 16;

/// Rows of `A` that are worked on together: their part of one depth block stays in the L2 cache.
const ROWS: usize = 336;

/// Weights of shape `(k, n)` in panels of [`PANEL`] columns: `[panel][k][PANEL]`, zeros after
/// column `n`.
#[derive(Clone, Debug)]
pub struct Packed {
    k: usize,
    n: usize,
    data: Aligned,
}

impl Packed {
    /// Packs the matrix with the values `weight(k, n)`.
    pub fn new(k: usize, n: usize, weight: impl Fn(usize, usize) -> f32) -> Packed {
        let mut data = Aligned::zeros(n.div_ceil(PANEL) * k * PANEL);
        for (p, panel) in data.as_mut_slice().chunks_exact_mut((k * PANEL).max(1)).enumerate() {
            let columns = p * PANEL..((p + 1) * PANEL).min(n);
            for (i, row) in panel.chunks_exact_mut(PANEL).enumerate() {
                row.iter_mut().zip(columns.clone()).for_each(|(v, j)| *v = weight(i, j));
            }
        }
        Packed { k, n, data }
    }

    /// Packs `count` matrices of one shape: `weights(k, n, out)` writes the value that each has there.
    pub fn several(
        count: usize,
        k: usize,
        n: usize,
        mut weights: impl FnMut(usize, usize, &mut [f32]),
    ) -> Vec<Packed> {
        let zeros = || Packed { k, n, data: Aligned::zeros(n.div_ceil(PANEL) * k * PANEL) };
        let mut all: Vec<Packed> = std::iter::repeat_with(zeros).take(count).collect();
        let mut values = vec![0.0; count];
        for p in 0..n.div_ceil(PANEL) {
            for i in 0..k {
                for j in p * PANEL..((p + 1) * PANEL).min(n) {
                    weights(i, j, &mut values);
                    let at = (p * k + i) * PANEL + j % PANEL;
                    for (packed, value) in all.iter_mut().zip(&values) {
                        packed.data.as_mut_slice()[at] = *value;
                    }
                }
            }
        }
        all
    }

    /// Inputs.
    pub fn k(&self) -> usize {
        self.k
    }

    /// Outputs.
    pub fn n(&self) -> usize {
        self.n
    }

    /// Number of panels.
    pub fn panels(&self) -> usize {
        self.n.div_ceil(PANEL)
    }

    /// One weight.
    pub fn get(&self, k: usize, n: usize) -> f32 {
        self.panel(n / PANEL)[k * PANEL + n % PANEL]
    }

    /// The weights of one panel, `[k][PANEL]`.
    pub fn panel(&self, p: usize) -> &[f32] {
        &self.data.as_slice()[p * self.k * PANEL..][..self.k * PANEL]
    }

    /// The columns of a panel that exist.
    pub fn columns(&self, p: usize) -> Range<usize> {
        p * PANEL..((p + 1) * PANEL).min(self.n)
    }

    /// The matrix with every weight mapped. `f(0)` need not be 0: columns after `n` stay 0.
    #[must_use]
    pub fn map(&self, f: impl Fn(f32) -> f32) -> Packed {
        Packed::new(self.k, self.n, |k, n| f(self.get(k, n)))
    }

    /// The transposed matrix.
    #[must_use]
    pub fn transposed(&self) -> Packed {
        Packed::new(self.n, self.k, |n, k| self.get(k, n))
    }
}

/// Rows of activations: row `i` is `data[i * stride..][..k]`.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// The values.
    pub data: &'a [f32],
    /// Floats from one row to the next; at least `k`.
    pub stride: usize,
    /// Number of rows.
    pub count: usize,
}

/// The stride at which rows of `k` floats are best gathered: whole cache lines, an odd number of
/// them, so that the rows of a block do not fall on the same lines of the cache.
pub fn row_stride(k: usize) -> usize {
    let lines = k.div_ceil(16);
    16 * (lines + usize::from(lines.is_multiple_of(2)))
}

/// `C = A B` for the given panels of `B`: row `i` of `C` starts at `c[i * stride]`, and the first
/// column of `panels` stands there first. Single-threaded.
pub fn matmul(a: Rows<'_>, b: &Packed, panels: Range<usize>, c: &mut [f32], stride: usize) {
    matmul_with(Isa::detect(), a, b, panels, c, stride);
}

fn matmul_with(
    isa: Isa,
    a: Rows<'_>,
    b: &Packed,
    panels: Range<usize>,
    c: &mut [f32],
    stride: usize,
) {
    if a.count == 0 || panels.is_empty() {
        return;
    }
    let columns = b.columns(panels.end - 1).end - panels.start * PANEL;
    assert!(a.stride >= b.k && stride >= columns, "strides are at least a row long");
    assert!(a.data.len() >= (a.count - 1) * a.stride + b.k, "`A` holds all its rows");
    assert!(c.len() >= (a.count - 1) * stride + columns, "`C` holds all its rows");
    if b.k == 0 {
        (0..a.count).for_each(|i| c[i * stride..][..columns].fill(0.0));
    }
    for rows in blocks(a.count, ROWS) {
        // C of a group of panels stays in the L2 cache while the inputs go by
        for group in blocks(panels.len(), (C_FLOATS / (rows.len() * PANEL)).max(1)) {
            for depth in blocks(b.k, DEPTH) {
                let data = &a.data[rows.start * a.stride + depth.start..];
                let a = Rows { data, stride: a.stride, count: rows.len() };
                let new = depth.start == 0;
                for p in group.clone() {
                    let data = &mut c[rows.start * stride + p * PANEL..];
                    let panel = (panels.start + p, depth.clone());
                    panel_product(isa, a, b, panel, Target { data, stride, new });
                }
            }
        }
    }
}

/// Rows times a block of inputs of one panel.
fn panel_product(
    isa: Isa,
    a: Rows<'_>,
    b: &Packed,
    (p, depth): (usize, Range<usize>),
    c: Target<'_>,
) {
    let panel = &b.panel(p)[depth.start * PANEL..depth.end * PANEL];
    let width = b.columns(p).len();
    for tile in even_blocks(a.count, isa.tile_rows()) {
        let data = &a.data[tile.start * a.stride..];
        let a = Rows { data, stride: a.stride, count: tile.len() };
        let data = &mut c.data[tile.start * c.stride..];
        block_product(isa, a, panel, Target { data, ..c }, width);
    }
}

/// Rows of activations of which each differs from the one before in a few blocks of [`DEPTH`] inputs:
/// every block is kept once per change.
#[derive(Clone, Debug)]
pub struct ChangingRows {
    k: usize,
    /// Per block, the rows at which it changes, in ascending order; each begins with row 0.
    changes: Vec<Vec<usize>>,
    /// Per block, its inputs after each change, [`DEPTH`] floats apart.
    data: Vec<Vec<f32>>,
    rows: usize,
}

impl ChangingRows {
    /// No rows of `k` inputs yet.
    pub fn new(k: usize) -> ChangingRows {
        let blocks = k.div_ceil(DEPTH);
        ChangingRows { k, changes: vec![vec![]; blocks], data: vec![vec![]; blocks], rows: 0 }
    }

    /// The blocks that hold some of the inputs `changed`.
    pub fn blocks(changed: Range<usize>) -> Range<usize> {
        if changed.is_empty() { 0..0 } else { changed.start / DEPTH..changed.end.div_ceil(DEPTH) }
    }

    /// Appends a row that differs from the last one within `changed` (ascending) only.
    pub fn push(&mut self, row: &[f32], changed: impl Iterator<Item = Range<usize>>) {
        let mut next = 0;
        let all = std::iter::once(0..self.k);
        let first = self.rows == 0;
        let ranges = changed.filter(|_| !first).chain(all.filter(|_| first));
        for block in ranges.flat_map(ChangingRows::blocks) {
            if block >= next {
                self.changes[block].push(self.rows);
                let inputs = &row[block * DEPTH..self.k.min((block + 1) * DEPTH)];
                let data = &mut self.data[block];
                data.extend_from_slice(inputs);
                data.resize(self.changes[block].len() * DEPTH, 0.0);
                next = block + 1;
            }
        }
        self.rows += 1;
    }

    /// `C = A B` over all columns, row `i` of `C` from `c[i * n]` on, with the bits of [`matmul`].
    /// Products of a block that did not change are those of the row before. Single-threaded;
    /// `scratch` lends a buffer of so many floats.
    pub fn matmul(
        &self,
        b: &Packed,
        c: &mut [f32],
        scratch: impl Fn(usize, &mut dyn FnMut(&mut [f32])),
    ) {
        assert_eq!(self.k, b.k, "a row holds as many inputs as there are weights for");
        let starts: Vec<usize> = self
            .changes
            .iter()
            .scan(0, |at, c| {
                let start = *at;
                *at += c.len() * PANEL;
                Some(start)
            })
            .collect();
        let len = self.changes.iter().map(Vec::len).sum::<usize>() * PANEL;
        let isa = Isa::detect();
        scratch(len, &mut |products| {
            for p in 0..b.panels() {
                for (block, start) in starts.iter().enumerate() {
                    let depth = block * DEPTH..self.k.min((block + 1) * DEPTH);
                    let count = self.changes[block].len();
                    let a = Rows { data: &self.data[block], stride: DEPTH, count };
                    let data = &mut products[*start..];
                    let c = Target { data, stride: PANEL, new: true };
                    panel_product(isa, a, b, (p, depth), c);
                }
                let columns = b.columns(p);
                vectorized(|| {
                    let at = |row: usize| row * b.n + columns.start;
                    self.sum(products, &starts, columns.len(), at, c);
                });
            }
        });
    }

    /// Adds up the products of the blocks for each row; the first `width` sums go to `c[at(row)]`.
    fn sum(
        &self,
        products: &[f32],
        starts: &[usize],
        width: usize,
        at: impl Fn(usize) -> usize,
        c: &mut [f32],
    ) {
        let mut current: Vec<usize> = starts.to_vec();
        let mut changed = vec![0; starts.len()];
        for row in 0..self.rows {
            for (block, rows) in self.changes.iter().enumerate() {
                if rows.get(changed[block] + 1) == Some(&row) {
                    changed[block] += 1;
                    current[block] += PANEL;
                }
            }
            let mut sums = [0.0; PANEL];
            for (i, start) in current.iter().enumerate() {
                let product = &products[*start..*start + PANEL];
                for (sum, v) in sums.iter_mut().zip(product) {
                    *sum = if i == 0 { *v } else { *sum + v };
                }
            }
            c[at(row)..][..width].copy_from_slice(&sums[..width]);
        }
    }
}

/// The consecutive ranges of at most `size` that make up `0..n`.
fn blocks(n: usize, size: usize) -> impl Iterator<Item = Range<usize>> {
    (0..n).step_by(size).map(move |start| start..(start + size).min(n))
}

/// As [`blocks`], but all of nearly one size: a tile of one or two rows costs as much as one of
/// six.
fn even_blocks(n: usize, size: usize) -> impl Iterator<Item = Range<usize>> {
    let count = n.div_ceil(size);
    (0..count).map(move |i| i * n / count..(i + 1) * n / count)
}

/// Where a tile of `C` goes.
struct Target<'a> {
    data: &'a mut [f32],
    stride: usize,
    /// Overwrite instead of adding.
    new: bool,
}

/// Most rows of a tile over all instruction sets.
const MAX_TILE: usize = 14;

/// A tile of at most [`Isa::tile_rows`] rows times one block of a panel, of which `width` columns
/// exist.
fn block_product(isa: Isa, a: Rows<'_>, panel: &[f32], c: Target<'_>, width: usize) {
    let halves = width.div_ceil(HALF);
    if width == halves * HALF {
        return tile_product(isa, a, panel, c, halves);
    }
    let mut whole = [0.0; MAX_TILE * PANEL];
    tile_product(isa, a, panel, Target { data: &mut whole, stride: PANEL, new: true }, halves);
    for (i, row) in whole.chunks_exact(PANEL).take(a.count).enumerate() {
        let into = &mut c.data[i * c.stride..][..width];
        for (c_value, sum) in into.iter_mut().zip(row) {
            *c_value = if c.new { *sum } else { *c_value + sum };
        }
    }
}

/// Vector instructions of this processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// 512-bit vectors with fused multiply-add.
    Avx512,
    /// 256-bit vectors with fused multiply-add.
    Avx2,
    /// What the compiler makes of plain loops.
    Portable,
}

impl Isa {
    /// The best instruction set here. Equal bits are promised per instruction set.
    pub fn detect() -> Isa {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                return Isa::Avx512;
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                return Isa::Avx2;
            }
        }
        Isa::Portable
    }

    /// Rows of a full tile: as many as the registers hold.
    fn tile_rows(self) -> usize {
        match self {
            Isa::Avx512 => MAX_TILE,
            Isa::Avx2 => 6,
            Isa::Portable => 4,
        }
    }
}

/// Calls `$f::<M, H>` with the constants that equal `$m` and `$h`.
macro_rules! with_size {
    ($m:expr, $h:expr, $f:ident $args:tt, $($n:literal)*) => {
        match ($m, $h) {
            $(($n, 1) => $f::<$n, 1> $args,)*
            $(($n, 2) => $f::<$n, 2> $args,)*
            _ => unreachable!("a tile has at most as many rows as its instruction set allows"),
        }
    };
}

/// Products of all rows with the first `halves` halves of a panel.
fn tile_product(isa: Isa, a: Rows<'_>, panel: &[f32], c: Target<'_>, halves: usize) {
    let depth = panel.len() / PANEL;
    assert!(a.data.len() >= (a.count - 1) * a.stride + depth, "the tile of `A` is in bounds");
    let end = (a.count - 1) * c.stride + halves * HALF;
    assert!(c.data.len() >= end, "the tile of `C` is in bounds");
    match isa {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the instruction set was detected, and the bounds were checked above.
        Isa::Avx512 => unsafe {
            with_size!(a.count, halves, avx512(a, panel, c), 1 2 3 4 5 6 7 8 9 10 11 12 13 14);
        },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Isa::Avx2 => unsafe { with_size!(a.count, halves, avx2(a, panel, c), 1 2 3 4 5 6) },
        _ => with_size!(a.count, halves, portable(a, panel, c), 1 2 3 4),
    }
}

/// # Safety
/// The processor has AVX-512F; `a` holds `M` rows of `panel.len() / PANEL` floats and `c` `M` rows
/// of `H` times [`HALF`] floats.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn avx512<const M: usize, const H: usize>(a: Rows<'_>, panel: &[f32], c: Target<'_>) {
    use std::arch::x86_64::{
        _MM_HINT_T0, _mm_prefetch, _mm512_add_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps,
        _mm512_setzero_ps, _mm512_storeu_ps,
    };
    let mut acc = [[_mm512_setzero_ps(); H]; M];
    let from = a.data.as_ptr();
    for (k, b) in panel.as_chunks::<PANEL>().0.iter().enumerate() {
        // SAFETY: `b` holds 32 floats; row `i < M` of `a` has a float at `k` (see above); a prefetch
        // may name any address.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(b.as_ptr().wrapping_add(AHEAD).cast());
            if H > 1 {
                _mm_prefetch::<_MM_HINT_T0>(b.as_ptr().wrapping_add(AHEAD + HALF).cast());
            }
            let b: [_; H] = std::array::from_fn(|j| _mm512_loadu_ps(b.as_ptr().add(HALF * j)));
            for (i, acc) in acc.iter_mut().enumerate() {
                let x = _mm512_set1_ps(*from.add(i * a.stride + k));
                for (acc, b) in acc.iter_mut().zip(b) {
                    *acc = _mm512_fmadd_ps(x, b, *acc);
                }
            }
        }
    }
    for (i, acc) in acc.iter().enumerate() {
        for (j, &sum) in acc.iter().enumerate() {
            // SAFETY: row `i < M` of `c` holds `16 H` floats.
            unsafe {
                let into = c.data.as_mut_ptr().add(i * c.stride + HALF * j);
                let v = if c.new { sum } else { _mm512_add_ps(_mm512_loadu_ps(into), sum) };
                _mm512_storeu_ps(into, v);
            }
        }
    }
}

/// # Safety
/// The processor has AVX2 and FMA; `a` and `c` as for [`avx512`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<const M: usize, const H: usize>(a: Rows<'_>, panel: &[f32], c: Target<'_>) {
    use std::arch::x86_64::{
        _mm256_add_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_setzero_ps,
        _mm256_storeu_ps,
    };
    let from = a.data.as_ptr();
    for half in (0..H).map(|h| h * HALF) {
        let mut acc = [[_mm256_setzero_ps(); 2]; M];
        for (k, b) in panel.as_chunks::<PANEL>().0.iter().enumerate() {
            // SAFETY: `b` holds 32 floats; row `i < M` of `a` has a float at `k`.
            unsafe {
                let b = b.as_ptr().add(half);
                let b = [_mm256_loadu_ps(b), _mm256_loadu_ps(b.add(8))];
                for (i, acc) in acc.iter_mut().enumerate() {
                    let x = _mm256_set1_ps(*from.add(i * a.stride + k));
                    acc[0] = _mm256_fmadd_ps(x, b[0], acc[0]);
                    acc[1] = _mm256_fmadd_ps(x, b[1], acc[1]);
                }
            }
        }
        for (i, acc) in acc.iter().enumerate() {
            for (j, &sum) in acc.iter().enumerate() {
                // SAFETY: row `i < M` of `c` holds `16 H` floats.
                unsafe {
                    let into = c.data.as_mut_ptr().add(i * c.stride + half + 8 * j);
                    let v = if c.new { sum } else { _mm256_add_ps(_mm256_loadu_ps(into), sum) };
                    _mm256_storeu_ps(into, v);
                }
            }
        }
    }
}

fn portable<const M: usize, const H: usize>(a: Rows<'_>, panel: &[f32], c: Target<'_>) {
    let mut acc = [[0.0f32; PANEL]; M];
    for (k, b) in panel.as_chunks::<PANEL>().0.iter().enumerate() {
        for (i, acc) in acc.iter_mut().enumerate() {
            let x = a.data[i * a.stride + k];
            acc.iter_mut().zip(b).for_each(|(s, w)| *s += x * w);
        }
    }
    for (i, acc) in acc.iter().enumerate() {
        let into = &mut c.data[i * c.stride..][..H * HALF];
        for (value, sum) in into.iter_mut().zip(acc) {
            *value = if c.new { *sum } else { *value + sum };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn noise(n: usize, seed: u32) -> Vec<f32> {
        let mut s = seed.wrapping_mul(2_654_435_761) | 1;
        let mut next = || {
            s ^= s << 13;
            s ^= s >> 17;
            s ^= s << 5;
            s as f32 / u32::MAX as f32 - 0.5
        };
        (0..n).map(|_| next()).collect()
    }

    fn all_isas() -> Vec<Isa> {
        let mut isas = vec![Isa::Portable];
        if Isa::detect() != Isa::Portable {
            isas.push(Isa::Avx2);
        }
        if Isa::detect() == Isa::Avx512 {
            isas.push(Isa::Avx512);
        }
        isas
    }

    fn product(isa: Isa, a: &[f32], m: usize, b: &Packed, panels: Range<usize>) -> Vec<f32> {
        let stride = b.columns(panels.end - 1).end - panels.start * PANEL;
        let mut c = vec![f32::NAN; m * stride];
        matmul_with(isa, Rows { data: a, stride: b.k(), count: m }, b, panels, &mut c, stride);
        c
    }

    #[test]
    fn a_row_has_the_same_bits_whatever_stands_beside_it() {
        for (k, n) in [(27, 64), (576, 5), (300, 33), (70, 48), (1024, 40), (25088, 3)] {
            let (a, b) = (noise(200 * k, 1), noise(k * n, 2));
            let packed = Packed::new(k, n, |k, j| b[k * n + j]);
            for isa in all_isas() {
                let whole = product(isa, &a, 200, &packed, 0..packed.panels());
                for m in (1..40).chain([63, 64, 65, 127, 199]) {
                    let some = product(isa, &a[k..], m, &packed, 0..packed.panels());
                    let same =
                        some.iter().zip(&whole[n..]).all(|(x, y)| x.to_bits() == y.to_bits());
                    assert!(same, "{isa:?} k {k} n {n} m {m}");
                }
                for p in 0..packed.panels() {
                    let columns = packed.columns(p);
                    let one = product(isa, &a, 3, &packed, p..p + 1);
                    for (i, row) in one.chunks(columns.len()).enumerate() {
                        let same = &whole[i * n..][columns.clone()];
                        assert!(row.iter().zip(same).all(|(x, y)| x.to_bits() == y.to_bits()));
                    }
                }
            }
        }
    }

    proptest! {
        #[test]
        fn products_agree_with_sums_in_double_precision(
            m in 1usize..40, k in 1usize..720, n in 1usize..70, seed in any::<u32>(),
        ) {
            let (a, b) = (noise(m * k, seed), noise(k * n, seed ^ 1));
            let packed = Packed::new(k, n, |k, j| b[k * n + j]);
            for isa in all_isas() {
                let c = product(isa, &a, m, &packed, 0..packed.panels());
                for i in 0..m {
                    for j in 0..n {
                        let term = |l: usize| f64::from(a[i * k + l]) * f64::from(b[l * n + j]);
                        let want: f64 = (0..k).map(term).sum();
                        // f32 sums of up to 720 terms below 1/4
                        prop_assert!((f64::from(c[i * n + j]) - want).abs() < 2e-5);
                    }
                }
            }
        }
    }

    #[test]
    fn rows_that_change_in_parts_have_the_bits_of_whole_rows() {
        for (k, n, rows) in [(700, 45, 23), (256, 32, 5), (300, 48, 7), (10, 3, 4), (1030, 70, 9)] {
            let (mut row, weights) = (noise(k, 1), noise(k * n, 2));
            let packed = Packed::new(k, n, |k, j| weights[k * n + j]);
            let mut changing = ChangingRows::new(k);
            let mut all = Vec::new();
            for i in 0..rows {
                // two ranges that may share a block, sometimes none
                let (a, b) = (i * 37 % k, (i * 37 + 5).min(k));
                let (c, d) = (b.max(k - k / 3), if i % 3 == 0 { b.max(k - k / 3) } else { k });
                let fresh = noise(k, i as u32 + 3);
                for at in (a..b).chain(c..d) {
                    row[at] = fresh[at];
                }
                changing.push(&row, [a..b, c..d].into_iter());
                all.extend_from_slice(&row);
            }
            let want = product(Isa::detect(), &all, rows, &packed, 0..packed.panels());
            let mut got = vec![f32::NAN; rows * n];
            changing.matmul(&packed, &mut got, |len, f| f(&mut vec![f32::NAN; len]));
            assert!(got.iter().zip(&want).all(|(a, b)| a.to_bits() == b.to_bits()), "{k} {n}");
        }
    }

    #[test]
    fn packing_keeps_every_weight_and_transposes() {
        let packed = Packed::new(3, 37, |k, n| (k * 100 + n) as f32 + 1.0);
        let t = packed.transposed();
        assert_eq!((t.k(), t.n(), packed.panels()), (37, 3, 2));
        for k in 0..3 {
            for n in 0..37 {
                assert!((packed.get(k, n) - ((k * 100 + n) as f32 + 1.0)).abs() < f32::EPSILON);
                assert_eq!(packed.get(k, n).to_bits(), t.get(n, k).to_bits());
            }
        }
        let ones = packed.map(|_| 1.0);
        assert!((ones.panel(1).iter().sum::<f32>() - 3.0 * 5.0).abs() < f32::EPSILON);
    }
}
