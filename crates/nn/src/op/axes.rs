//! Arithmetic on the axes of a map: between the view of it as rows of pixels ([`Shape`]) and its
//! memory, row by row over any number of axes.

use crate::base::geom::{Rect, Shape};
use std::ops::Range;

/// Distance in memory from one index to the next, per axis of a row-major tensor.
pub(super) fn strides(dims: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; dims.len()];
    for axis in (1..dims.len()).rev() {
        strides[axis - 1] = strides[axis] * dims[axis];
    }
    strides
}

/// The index on each axis of the value at a position in memory.
pub(super) fn index(mut at: usize, dims: &[usize]) -> Vec<usize> {
    let mut index = vec![0; dims.len()];
    for (i, n) in index.iter_mut().zip(dims).rev() {
        (*i, at) = (at % n, at / n);
    }
    index
}

/// The axes that are rows, columns and channels of a view; `None` where an axis is in two of them.
fn groups(shape: Shape, dims: &[usize]) -> Option<[Range<usize>; 3]> {
    let back = |from: usize, size: usize| {
        let (mut first, mut n) = (from, 1);
        while n < size && first > 0 {
            first -= 1;
            n *= dims[first];
        }
        (n == size).then_some(first)
    };
    let channels = back(dims.len(), shape.c)?;
    let columns = back(channels, shape.w)?;
    let rows: usize = dims[..columns].iter().product();
    (rows == shape.h).then_some([0..columns, columns..channels, channels..dims.len()])
}

/// The smallest box of indices that holds some consecutive positions.
fn split(range: Range<usize>, dims: &[usize]) -> Vec<Range<usize>> {
    let (mut first, mut last, mut apart) = (range.start, range.end - 1, false);
    let axis = |(n, stride): (&usize, usize)| {
        if apart {
            return 0..*n;
        }
        let (a, b) = (first / stride, last / stride);
        (first, last, apart) = (first - a * stride, last - b * stride, a != b);
        a..b + 1
    };
    dims.iter().zip(strides(dims)).map(axis).collect()
}

/// The smallest range of consecutive positions that holds a box of indices.
fn merge(ranges: &[Range<usize>], dims: &[usize]) -> Range<usize> {
    let (mut first, mut last) = (0, 0);
    for (range, stride) in ranges.iter().zip(strides(dims)) {
        first += range.start * stride;
        last += (range.end - 1) * stride;
    }
    first..last + 1
}

/// A box of indices, one range per axis, that holds the pixels of `rect`; `None` without pixels.
pub(super) fn box_of(shape: Shape, rect: Rect, dims: &[usize]) -> Option<Vec<Range<usize>>> {
    if rect.is_empty() || shape.is_empty() {
        return None;
    }
    let Some([rows, columns, channels]) = groups(shape, dims) else {
        let at = |y: usize, x: usize| (y * shape.w + x) * shape.c;
        return Some(split(at(rect.y0, rect.x0)..at(rect.y1 - 1, rect.x1), dims));
    };
    let mut all = split(rect.y0..rect.y1, &dims[rows]);
    all.extend(split(rect.x0..rect.x1, &dims[columns]));
    all.extend(dims[channels].iter().map(|n| 0..*n));
    Some(all)
}

/// A rectangle that holds the values of a box of indices.
pub(super) fn rect_of(shape: Shape, ranges: &[Range<usize>], dims: &[usize]) -> Rect {
    if ranges.iter().any(Range::is_empty) {
        return Rect::EMPTY;
    }
    if let Some([rows, columns, _]) = groups(shape, dims) {
        let y = merge(&ranges[rows.clone()], &dims[rows]);
        let x = merge(&ranges[columns.clone()], &dims[columns]);
        return Rect { y0: y.start, y1: y.end, x0: x.start, x1: x.end };
    }
    let pixels = merge(ranges, dims);
    let (first, last) = (pixels.start / shape.c, (pixels.end - 1) / shape.c);
    let (y0, y1) = (first / shape.w, last / shape.w + 1);
    let within = y1 == y0 + 1;
    let (x0, x1) = if within { (first % shape.w, last % shape.w + 1) } else { (0, shape.w) };
    Rect { y0, y1, x0, x1 }
}

/// Calls `f(position, values)` for the values of `rect`, in runs that are consecutive in memory in a
/// map of `width` pixels of `channels` values per row.
pub(super) fn runs(
    width: usize,
    channels: usize,
    rect: Rect,
    out: &mut [f32],
    mut f: impl FnMut(usize, &mut [f32]),
) {
    if rect.width() == width {
        return f(rect.y0 * width * channels, out);
    }
    let row = (rect.width() * channels).max(1);
    for (y, out) in (rect.y0..rect.y1).zip(out.chunks_exact_mut(row)) {
        f((y * width + rect.x0) * channels, out);
    }
}

/// True where the axes from `first` on are the channels of a view, and those before its pixels.
pub(super) fn are_channels(shape: Shape, dims: &[usize], first: usize) -> bool {
    dims[first..].iter().product::<usize>() == shape.c
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_square_of_a_picture_is_a_box_and_back() {
        let (shape, dims) = (Shape::new(6, 4, 8), [4, 4, 2, 3, 2]);
        let rect = Rect { y0: 1, y1: 3, x0: 3, x1: 5 };
        let found = box_of(shape, rect, &dims).unwrap();
        assert_eq!(found, [1..3, 1..3, 0..2, 0..3, 0..2]);
        assert_eq!(rect_of(shape, &found, &dims), Rect { x0: 2, x1: 6, ..rect });
    }

    proptest! {
        #[test]
        fn boxes_hold_the_values_of_their_rectangles_under_any_view(
            y0 in 0usize..5, x0 in 0usize..5, h in 1usize..4, w in 1usize..4, pick in 0usize..6,
        ) {
            let shape = Shape::new(4, 6, 6);
            let all: [&[usize]; 6] =
                [&[6, 6, 4], &[144], &[3, 2, 6, 2, 2], &[2, 3, 3, 2, 4], &[9, 16], &[4, 1, 6, 6]];
            let dims = all[pick];
            let rect = Rect { y0, y1: (y0 + h).min(6), x0, x1: (x0 + w).min(6) };
            let found = box_of(shape, rect, dims).unwrap();
            let back = rect_of(shape, &found, dims);
            prop_assert!(back.contains(rect));
            for y in rect.y0..rect.y1 {
                for at in (y * 6 + rect.x0) * 4..(y * 6 + rect.x1) * 4 {
                    prop_assert!(index(at, dims).iter().zip(&found).all(|(i, r)| r.contains(i)));
                }
            }
        }
    }
}
