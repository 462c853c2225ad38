//! Padding with a constant.

use super::{Cpu, OneChannel, Op, Role};
use crate::{
    base::geom::{Rect, Shape},
    tensor::Tensor,
};

/// A border of a constant value around the map.
#[derive(Debug)]
pub struct Pad {
    pads: [usize; 4],
    value: f32,
}

impl Pad {
    /// `pads`: top, left, bottom, right.
    pub fn new(pads: [usize; 4], value: f32) -> Pad {
        Pad { pads, value }
    }

    /// Where the map stands in the output.
    fn inner(&self, input: Shape) -> Rect {
        let [top, left, ..] = self.pads;
        Rect { y0: top, y1: top + input.h, x0: left, x1: left + input.w }
    }
}

impl Op for Pad {
    fn name(&self) -> &'static str {
        "Pad"
    }

    fn out_shape(&self, ins: &[Shape]) -> Result<Shape, String> {
        let input = super::one_input(ins)?;
        let [top, left, bottom, right] = self.pads;
        Ok(Shape::new(input.c, input.h + top + bottom, input.w + left + right))
    }

    fn reach(&self, _ins: &[Shape], _k: usize, dirty: Rect) -> Rect {
        if dirty.is_empty() {
            return Rect::EMPTY;
        }
        let [top, left, ..] = self.pads;
        Rect { y0: dirty.y0 + top, y1: dirty.y1 + top, x0: dirty.x0 + left, x1: dirty.x1 + left }
    }

    fn role(&self) -> Role<'_> {
        Role::Route
    }
}

impl Cpu for Pad {
    fn for_channel(&self, _ins: &[Shape], _c: usize) -> Option<OneChannel> {
        Some(OneChannel::FromOne)
    }

    fn eval(&self, ins: &[&Tensor], rect: Rect, out: &mut [f32]) {
        let inner = self.inner(ins[0].shape);
        for (i, pixel) in out.chunks_exact_mut(ins[0].shape.c).enumerate() {
            let (y, x) = (rect.y0 + i / rect.width(), rect.x0 + i % rect.width());
            let here = Rect { y0: y, y1: y + 1, x0: x, x1: x + 1 };
            if inner.contains(here) {
                pixel.copy_from_slice(ins[0].pixel(y - inner.y0, x - inner.x0));
            } else {
                pixel.fill(self.value);
            }
        }
    }

    fn vjp(&self, ins: &[&Tensor], _out: &Tensor, grad: &Tensor, _k: usize) -> Tensor {
        let mut back = Tensor::zeros(ins[0].shape);
        grad.read(self.inner(ins[0].shape), &mut back.data);
        back
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_border_has_the_value_and_sends_nothing_back() {
        let x = Tensor::new(Shape::new(1, 1, 2), vec![1.0, 2.0]);
        let pad = Pad::new([1, 0, 0, 1], 9.0);
        let y = pad.forward(&[&x]);
        assert_eq!(y.shape, Shape::new(1, 2, 3));
        assert_eq!(y.data, [9.0, 9.0, 9.0, 1.0, 2.0, 9.0]);
        assert_eq!(pad.vjp(&[&x], &y, &y, 0), x);
    }
}
