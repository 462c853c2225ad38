//! Spreading maps of one pixel or one channel over larger ones.

use crate::{
    base::geom::{Rect, Shape},
    tensor::Tensor,
};

/// The common shape: per axis the largest extent, where every other is equal or 1.
pub(super) fn shape(ins: &[Shape]) -> Result<Shape, String> {
    let axis = |of: fn(&Shape) -> usize| {
        let n = ins.iter().map(of).max().unwrap_or(0);
        ins.iter().all(|s| of(s) == n || of(s) == 1).then_some(n)
    };
    match (axis(|s| s.c), axis(|s| s.h), axis(|s| s.w)) {
        (Some(c), Some(h), Some(w)) => Ok(Shape::new(c, h, w)),
        _ => {
            let list: Vec<String> = ins.iter().map(Shape::to_string).collect();
            Err(format!("the shapes {} do not fit together", list.join(" and ")))
        }
    }
}

/// Output pixels that change with input `k`: all where its pixels are spread.
pub(super) fn reach(ins: &[Shape], k: usize, dirty: Rect) -> Rect {
    let Ok(out) = shape(ins) else { return Rect::EMPTY };
    if dirty.is_empty() {
        return Rect::EMPTY;
    }
    let (y0, y1) = if ins[k].h == out.h { (dirty.y0, dirty.y1) } else { (0, out.h) };
    let (x0, x1) = if ins[k].w == out.w { (dirty.x0, dirty.x1) } else { (0, out.w) };
    Rect { y0, y1, x0, x1 }
}

/// `f(value of out, value of x)` over the pixels of `rect`, `x` spread to the channels of `out`.
pub(super) fn zip(x: &Tensor, rect: Rect, out: &mut [f32], f: impl Fn(&mut f32, f32)) {
    if rect.is_empty() {
        return;
    }
    let c = out.len() / rect.area();
    for (i, pixel) in out.chunks_exact_mut(c).enumerate() {
        let (y, xx) = (rect.y0 + i / rect.width(), rect.x0 + i % rect.width());
        let from = x.pixel(if x.shape.h == 1 { 0 } else { y }, if x.shape.w == 1 { 0 } else { xx });
        if let [one] = from {
            pixel.iter_mut().for_each(|v| f(v, *one));
        } else {
            pixel.iter_mut().zip(from).for_each(|(v, x)| f(v, *x));
        }
    }
}

/// The values of a map of shape `from`, spread to shape `to`.
pub(super) fn values<T: Copy>(from: Shape, data: &[T], to: Shape) -> impl Iterator<Item = T> {
    (0..to.len()).map(move |i| {
        let (c, x, y) = (i % to.c, i / to.c % to.w, i / to.c / to.w);
        let (c, x, y) = (c.min(from.c - 1), x.min(from.w - 1), y.min(from.h - 1));
        data[(y * from.w + x) * from.c + c]
    })
}

/// Sums over the axes along which a map of `shape` was spread.
pub(super) fn sum_to(grad: &Tensor, shape: Shape) -> Tensor {
    if grad.shape == shape {
        return grad.clone();
    }
    let mut out = Tensor::zeros(shape);
    let Shape { c, w, .. } = grad.shape;
    for (i, g) in grad.data.iter().enumerate() {
        let (ch, x, y) = (i % c, i / c % w, i / c / w);
        let (ch, x, y) = (ch.min(shape.c - 1), x.min(shape.w - 1), y.min(shape.h - 1));
        out.data[(y * shape.w + x) * shape.c + ch] += g;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_fit_when_extents_are_equal_or_one() {
        let s = |c, h, w| Shape::new(c, h, w);
        assert_eq!(shape(&[s(3, 4, 5), s(3, 1, 1)]), Ok(s(3, 4, 5)));
        assert_eq!(shape(&[s(1, 4, 5), s(3, 4, 5)]), Ok(s(3, 4, 5)));
        assert!(shape(&[s(2, 4, 5), s(3, 4, 5)]).is_err());
        let dirty = Rect { y0: 0, y1: 1, x0: 0, x1: 1 };
        assert_eq!(reach(&[s(3, 4, 5), s(3, 1, 1)], 1, dirty), s(3, 4, 5).rect());
        assert_eq!(reach(&[s(3, 4, 5), s(3, 1, 1)], 0, dirty), dirty);
    }
}
