//! Buffers that start on a cache line.
#![expect(unsafe_code, reason = "a slice of aligned lines is seen as a slice of floats")]

/// Sixteen floats on one cache line.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line([f32; 16]);

/// A buffer of floats whose first element is 64-byte aligned.
#[derive(Clone, Debug, Default)]
pub struct Aligned {
    lines: Vec<Line>,
    len: usize,
}

impl Aligned {
    /// `len` zeros.
    pub fn zeros(len: usize) -> Aligned {
        Aligned { lines: vec![Line([0.0; 16]); len.div_ceil(16)], len }
    }

    /// Grows the buffer to at least `len` floats; the values are unspecified (but initialised).
    pub fn at_least(&mut self, len: usize) -> &mut [f32] {
        if self.len < len {
            // not twice the size, as growth by itself would be
            let lines = len.div_ceil(16);
            self.lines.reserve_exact(lines - self.lines.len());
            self.lines.resize(lines, Line([0.0; 16]));
            self.len = len;
        }
        &mut self.as_mut_slice()[..len]
    }

    /// All floats.
    pub fn as_slice(&self) -> &[f32] {
        // SAFETY: `Line` is `repr(C)` over sixteen floats without padding (64 bytes, align 64), so
        // `lines` is `16 * lines.len() >= len` initialised floats in a row.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }

    /// All floats.
    pub fn as_mut_slice(&mut self) -> &mut [f32] {
        // SAFETY: as in `as_slice`; the borrow of `self` is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_aligned_and_holds_what_is_written() {
        for len in [0, 1, 15, 16, 17, 100] {
            let mut a = Aligned::zeros(len);
            assert_eq!(a.as_slice().len(), len);
            assert_eq!(a.as_slice().as_ptr() as usize % 64, 0);
            a.as_mut_slice().iter_mut().enumerate().for_each(|(i, v)| *v = i as f32);
            assert!(
                a.as_slice().iter().enumerate().all(|(i, v)| v.to_bits() == (i as f32).to_bits())
            );
            assert_eq!(a.at_least(len + 40).len(), len + 40);
            assert_eq!(a.at_least(3).len(), 3);
        }
    }
}
