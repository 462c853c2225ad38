//! Sliding windows: output sizes, reach, and which pixels a window covers.

use crate::base::geom::{Rect, Shape};
use std::{iter::StepBy, ops::Range};

/// How a window slides over a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Height and width in taps.
    pub kernel: [usize; 2],
    /// Rows and columns from one output pixel to the next.
    pub stride: [usize; 2],
    /// Pixels from one tap to the next.
    pub dilation: [usize; 2],
    /// Padding: top, left, bottom, right.
    pub pads: [usize; 4],
    /// Round the output size up: a last window may reach over the padding's end.
    pub ceil: bool,
}

impl Window {
    /// Pixels that a window spans, taps and gaps.
    fn span(&self, axis: usize) -> usize {
        (self.kernel[axis] - 1) * self.dilation[axis] + 1
    }

    /// Rows and columns of the output. A rounded-up last window must start inside the map or its
    /// leading padding, as in `PyTorch` and ONNX Runtime.
    pub fn out_size(&self, input: Shape) -> Result<[usize; 2], String> {
        let size = |axis: usize, n: usize| {
            let zero = self.kernel[axis] == 0 || self.stride[axis] == 0 || self.dilation[axis] == 0;
            if zero {
                return Err("kernel, stride and dilation must be at least 1".to_owned());
            }
            let padded = n + self.pads[axis] + self.pads[axis + 2];
            let Some(room) = padded.checked_sub(self.span(axis)) else {
                let span = self.span(axis);
                return Err(format!("a window of {span} pixels does not fit into {padded}"));
            };
            let stride = self.stride[axis];
            if !self.ceil {
                return Ok(room / stride + 1);
            }
            let out = room.div_ceil(stride) + 1;
            Ok(if (out - 1) * stride >= n + self.pads[axis] { out - 1 } else { out })
        };
        Ok([size(0, input.h)?, size(1, input.w)?])
    }

    /// All output pixels over a map that the window fits.
    pub fn out_rect(&self, input: Shape) -> Rect {
        let [h, w] = self.out_size(input).expect("checked by the graph");
        Shape::new(1, h, w).rect()
    }

    /// The output pixels whose windows touch `dirty`.
    pub fn reach(&self, input: Shape, dirty: Rect) -> Rect {
        let Ok([h, w]) = self.out_size(input) else { return Rect::EMPTY };
        let touched = |axis: usize, from: usize, to: usize, out: usize| {
            let (pad, stride) = (self.pads[axis], self.stride[axis]);
            let first = (from + pad + 1).saturating_sub(self.span(axis)).div_ceil(stride);
            let last = (to - 1 + pad) / stride + 1;
            (first, last.min(out))
        };
        if dirty.is_empty() {
            return Rect::EMPTY;
        }
        let (y0, y1) = touched(0, dirty.y0, dirty.y1, h);
        let (x0, x1) = touched(1, dirty.x0, dirty.x1, w);
        let r = Rect { y0, y1, x0, x1 };
        if r.is_empty() { Rect::EMPTY } else { r }
    }

    /// Input row (axis 0) or column (axis 1) of a tap, `None` in the padding.
    pub fn source(&self, axis: usize, out: usize, tap: usize, n: usize) -> Option<usize> {
        let at = out * self.stride[axis] + tap * self.dilation[axis];
        at.checked_sub(self.pads[axis]).filter(|i| *i < n)
    }

    /// The taps of output position `out` that fall into the map.
    pub fn taps(&self, axis: usize, out: usize, n: usize) -> Range<usize> {
        let inside = |tap: &usize| self.source(axis, out, *tap, n).is_some();
        let first = (0..self.kernel[axis]).find(inside).unwrap_or(0);
        let count = (first..self.kernel[axis]).take_while(inside).count();
        first..first + count
    }

    /// Input rows or columns of the taps of output position `out` that fall into the map.
    pub fn sources(&self, axis: usize, out: usize, n: usize) -> StepBy<Range<usize>> {
        let taps = self.taps(axis, out, n);
        let first = self.source(axis, out, taps.start, n).unwrap_or(0);
        let step = self.dilation[axis];
        (first..first + taps.len() * step).step_by(step)
    }

    /// Taps that fall into the map or its declared padding (not over the end of it).
    pub fn padded_taps(&self, axis: usize, out: usize, n: usize) -> usize {
        let end = n + self.pads[axis] + self.pads[axis + 2];
        let at = |tap: usize| out * self.stride[axis] + tap * self.dilation[axis];
        (0..self.kernel[axis]).filter(|&tap| at(tap) < end).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn window(k: usize, s: usize, p: usize, ceil: bool) -> Window {
        Window { kernel: [k; 2], stride: [s; 2], dilation: [1; 2], pads: [p; 4], ceil }
    }

    #[test]
    fn sizes_are_those_of_pytorch() {
        let size = |w: Window, n| w.out_size(Shape::new(1, n, n)).unwrap()[0];
        assert_eq!(size(window(3, 2, 0, false), 113), 56);
        assert_eq!(size(window(3, 2, 0, true), 112), 56);
        assert_eq!(size(window(3, 2, 0, true), 111), 55);
        assert_eq!(size(window(2, 2, 1, true), 3), 2); // 3 by division, but it would start in the end padding
        assert_eq!(size(window(7, 2, 3, false), 224), 112);
        assert!(window(5, 1, 0, false).out_size(Shape::new(1, 4, 9)).is_err());
    }

    proptest! {
        #[test]
        fn reach_is_the_set_of_windows_that_touch(
            k in 1usize..5, s in 1usize..4, d in 1usize..3, p in 0usize..3, q in 0usize..3,
            n in 9usize..20, from in 0usize..8, len in 1usize..5, ceil: bool,
        ) {
            let w = Window { kernel: [k, 1], stride: [s, 1], dilation: [d, 1], pads: [p, 0, q, 0], ceil };
            let input = Shape::new(1, n, 1);
            let Ok([out, _]) = w.out_size(input) else { return Ok(()) };
            let to = (from + len).min(n);
            let touched: Vec<usize> = (0..out)
                .filter(|&o| (0..k).any(|t| w.source(0, o, t, n).is_some_and(|i| i >= from && i < to)))
                .collect();
            let r = w.reach(input, Rect { y0: from, y1: to, x0: 0, x1: 1 });
            // a dilated or strided window can jump over the dirty pixels: reach may be larger
            prop_assert!(touched.iter().all(|o| (r.y0..r.y1).contains(o)));
            if d == 1 && !touched.is_empty() {
                prop_assert_eq!((r.y0, r.y1), (touched[0], touched[touched.len() - 1] + 1));
            }
        }
    }
}
