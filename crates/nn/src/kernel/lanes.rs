//! Sixteen floats at a time, in the vectors of this processor.
#![expect(unsafe_code, reason = "vector instructions chosen at run time")]
#![expect(clippy::inline_always, reason = "a body takes the instruction set of its caller")]

use super::gemm::Isa;
use std::ops::{Add, Mul, Sub};

/// Floats worked on together.
pub const LANES: usize = 16;

/// Sixteen floats. Sums, differences and products are those of the lanes, rounded one by one, so they
/// have the same bits in every implementation.
pub trait Lanes: Copy + Add<Output = Self> + Sub<Output = Self> + Mul<f32, Output = Self> {
    /// Lane by lane `other` where it is larger, else `self` (also beside what is not a number).
    #[must_use]
    fn larger(self, other: Self) -> Self;

    /// # Safety
    /// `from` points to sixteen floats, and the processor has the instructions of the type.
    unsafe fn load(from: *const f32) -> Self;

    /// # Safety
    /// `to` points to sixteen floats, and the processor has the instructions of the type.
    unsafe fn store(self, to: *mut f32);

    /// The first `from.len()` lanes, at most sixteen; the others are 0.
    ///
    /// # Safety
    /// The processor has the instructions of the type.
    #[inline(always)]
    unsafe fn load_some(from: &[f32]) -> Self {
        let mut all = [0.0; LANES];
        all[..from.len()].copy_from_slice(from);
        // SAFETY: `all` is sixteen floats.
        unsafe { Self::load(all.as_ptr()) }
    }

    /// Writes the first `to.len()` lanes, at most sixteen.
    ///
    /// # Safety
    /// The processor has the instructions of the type.
    #[inline(always)]
    unsafe fn store_some(self, to: &mut [f32]) {
        let mut all = [0.0; LANES];
        // SAFETY: `all` is sixteen floats.
        unsafe { self.store(all.as_mut_ptr()) };
        to.copy_from_slice(&all[..to.len()]);
    }
}

/// Lanes without vector instructions of a certain processor.
#[derive(Clone, Copy)]
pub struct Plain([f32; LANES]);

impl Plain {
    #[inline(always)]
    fn zip(self, other: Plain, f: impl Fn(f32, f32) -> f32) -> Plain {
        Plain(std::array::from_fn(|i| f(self.0[i], other.0[i])))
    }
}

impl Add for Plain {
    type Output = Plain;
    #[inline(always)]
    fn add(self, other: Plain) -> Plain {
        self.zip(other, |a, b| a + b)
    }
}

impl Sub for Plain {
    type Output = Plain;
    #[inline(always)]
    fn sub(self, other: Plain) -> Plain {
        self.zip(other, |a, b| a - b)
    }
}

impl Mul<f32> for Plain {
    type Output = Plain;
    #[inline(always)]
    fn mul(self, factor: f32) -> Plain {
        Plain(self.0.map(|v| v * factor))
    }
}

impl Lanes for Plain {
    #[inline(always)]
    fn larger(self, other: Plain) -> Plain {
        self.zip(other, |a, b| if b > a { b } else { a })
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Plain {
        // SAFETY: the caller says that there are sixteen floats; an array has no alignment of its own.
        Plain(unsafe { *from.cast() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as in `load`.
        unsafe { *to.cast() = self.0 }
    }
}

/// [`Lanes`] over vector registers: `$name` is `$count` registers of type `$register`.
macro_rules! registers {
    ($(#[$doc:meta])* $name:ident, $register:ident, $count:literal, $width:literal,
     $add:ident, $sub:ident, $mul:ident, $max:ident, $set1:ident, $load:ident, $store:ident) => {
        $(#[$doc])*
        #[cfg(target_arch = "x86_64")]
        #[derive(Clone, Copy)]
        pub struct $name([std::arch::x86_64::$register; $count]);

        #[cfg(target_arch = "x86_64")]
        impl Add for $name {
            type Output = $name;
            #[inline(always)]
            fn add(self, other: $name) -> $name {
                // SAFETY: a value of this type exists only where the processor has its instructions.
                $name(std::array::from_fn(|i| unsafe {
                    std::arch::x86_64::$add(self.0[i], other.0[i])
                }))
            }
        }

        #[cfg(target_arch = "x86_64")]
        impl Sub for $name {
            type Output = $name;
            #[inline(always)]
            fn sub(self, other: $name) -> $name {
                // SAFETY: as in `add`.
                $name(std::array::from_fn(|i| unsafe {
                    std::arch::x86_64::$sub(self.0[i], other.0[i])
                }))
            }
        }

        #[cfg(target_arch = "x86_64")]
        impl Mul<f32> for $name {
            type Output = $name;
            #[inline(always)]
            fn mul(self, factor: f32) -> $name {
                // SAFETY: as in `add`.
                $name(self.0.map(|v| unsafe {
                    std::arch::x86_64::$mul(v, std::arch::x86_64::$set1(factor))
                }))
            }
        }

        #[cfg(target_arch = "x86_64")]
        impl Lanes for $name {
            #[inline(always)]
            fn larger(self, other: $name) -> $name {
                // SAFETY: as in `add`. The instruction returns its second operand unless the first is
                // larger.
                $name(std::array::from_fn(|i| unsafe {
                    std::arch::x86_64::$max(other.0[i], self.0[i])
                }))
            }

            #[inline(always)]
            unsafe fn load(from: *const f32) -> $name {
                // SAFETY: the caller says that there are sixteen floats.
                $name(std::array::from_fn(|i| unsafe {
                    std::arch::x86_64::$load(from.add($width * i))
                }))
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut f32) {
                for (i, v) in self.0.into_iter().enumerate() {
                    // SAFETY: the caller says that there is room for sixteen floats.
                    unsafe { std::arch::x86_64::$store(to.add($width * i), v) }
                }
            }
        }
    };
}

registers!(
    /// One 512-bit register.
    Wide,
    __m512, 1, 16,
    _mm512_add_ps, _mm512_sub_ps, _mm512_mul_ps, _mm512_max_ps, _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps
);
registers!(
    /// Two 256-bit registers.
    Half,
    __m256, 2, 8,
    _mm256_add_ps, _mm256_sub_ps, _mm256_mul_ps, _mm256_max_ps, _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps
);

/// The largest values, lane by lane, of rows of equally many floats, `-inf` for no rows: each lane
/// begins with the first row and goes to a later one that is larger.
pub fn largest(rows: &[&[f32]], out: &mut [f32]) {
    vectorized(Largest { rows, out });
}

struct Largest<'a> {
    rows: &'a [&'a [f32]],
    out: &'a mut [f32],
}

impl Body for Largest<'_> {
    type Out = ();

    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        let Largest { rows, out } = self;
        let Some((first, others)) = rows.split_first() else {
            return out.fill(f32::NEG_INFINITY);
        };
        let n = out.len();
        assert!(rows.iter().all(|row| row.len() == n), "rows are as long as their result");
        let whole = n / LANES * LANES;
        for at in (0..whole).step_by(LANES) {
            // SAFETY: all rows and `out` hold sixteen floats from `at <= n - 16` on, and the caller
            // knows the instructions.
            unsafe {
                let first = V::load(first.as_ptr().add(at));
                let largest = others
                    .iter()
                    .fold(first, |largest, row| largest.larger(V::load(row.as_ptr().add(at))));
                largest.store(out.as_mut_ptr().add(at));
            }
        }
        for at in whole..n {
            let larger = |a: f32, row: &&[f32]| if row[at] > a { row[at] } else { a };
            out[at] = others.iter().fold(first[at], larger);
        }
    }
}

/// Work that is compiled once for every instruction set. Small closures are such work; larger ones
/// are a type of their own whose `run` is `#[inline(always)]`, as the compiler inlines by size.
pub trait Body {
    /// What comes out.
    type Out;

    /// Does it, with the vectors `V` where it names some.
    ///
    /// # Safety
    /// The processor has the instructions of `V`.
    unsafe fn run<V: Lanes>(self) -> Self::Out;
}

impl<R, F: FnOnce() -> R> Body for F {
    type Out = R;

    #[inline(always)]
    unsafe fn run<V: Lanes>(self) -> R {
        self()
    }
}

/// Runs `body`, compiled for the vectors of this processor: for loops that the compiler turns into
/// vector instructions by itself. Results have the same bits on every processor, as it does not fuse
/// or reorder operations on floats.
#[inline(always)]
pub fn vectorized<B: Body>(body: B) -> B::Out {
    match Isa::detect() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the instruction set was detected.
        Isa::Avx512 => unsafe { with_avx512(body) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Isa::Avx2 => unsafe { with_avx2(body) },
        // SAFETY: plain lanes need no instructions of a certain processor.
        _ => unsafe { body.run::<Plain>() },
    }
}

/// # Safety
/// The processor has AVX-512F.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn with_avx512<B: Body>(body: B) -> B::Out {
    // SAFETY: the processor has the instructions of `Wide`.
    unsafe { body.run::<Wide>() }
}

/// # Safety
/// The processor has AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn with_avx2<B: Body>(body: B) -> B::Out {
    // SAFETY: the processor has the instructions of `Half`.
    unsafe { body.run::<Half>() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `(a + b - 3 a)`, whole and cut off after `n` lanes.
    #[inline(always)]
    fn example<V: Lanes>(a: &[f32; LANES], b: &[f32; LANES], n: usize) -> Vec<u32> {
        let mut out = [0.0; 2 * LANES];
        // SAFETY: all arrays hold sixteen floats, and the caller detected the instructions.
        unsafe {
            let (x, y) = (V::load(a.as_ptr()), V::load(b.as_ptr()));
            (x + y - x * 3.0).store(out.as_mut_ptr());
            (V::load_some(&b[..n]) * 0.1).store_some(&mut out[LANES..LANES + n]);
        }
        out.iter().map(|v| v.to_bits()).collect()
    }

    #[test]
    fn lanes_have_the_same_bits_in_every_implementation() {
        let a = std::array::from_fn(|i| (i as f32 - 7.3) / 3.0);
        let b = std::array::from_fn(|i| (i as f32 * 1.7 - 2.1) / 7.0);
        for n in 0..=LANES {
            let want = example::<Plain>(&a, &b, n);
            for (v, (a, b)) in want.iter().zip(a.iter().zip(&b)) {
                assert_eq!(*v, (a + b - a * 3.0).to_bits());
            }
            #[cfg(target_arch = "x86_64")]
            {
                if Isa::detect() != Isa::Portable {
                    assert_eq!(example::<Half>(&a, &b, n), want);
                }
                if Isa::detect() == Isa::Avx512 {
                    assert_eq!(example::<Wide>(&a, &b, n), want);
                }
            }
        }
    }

    #[test]
    fn the_largest_of_rows_is_found_in_every_lane() {
        for n in [1, 16, 37] {
            let row =
                |k: usize| -> Vec<f32> { (0..n).map(|i| ((i * 7 + k * 5) % 11) as f32).collect() };
            let rows = [row(0), row(1), row(2)];
            let refs: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
            let mut out = vec![f32::NAN; n];
            largest(&refs, &mut out);
            for (i, v) in out.iter().enumerate() {
                let want = rows.iter().map(|row| row[i]).fold(f32::MIN, f32::max);
                assert_eq!(v.to_bits(), want.to_bits());
            }
            largest(&[], &mut out);
            assert!(out.iter().all(|v| *v == f32::NEG_INFINITY));
        }
    }

    #[test]
    fn a_vectorized_loop_is_the_loop() {
        let mut v: Vec<f32> = (0..100).map(|i| i as f32 / 7.0).collect();
        let want: Vec<f32> = v.iter().map(|v| v * 1.5 + 0.25).collect();
        vectorized(|| v.iter_mut().for_each(|v| *v = *v * 1.5 + 0.25));
        assert_eq!(v, want);
    }
}
