//! Concatenation.

use super::{Cpu, Op, Role};
use crate::{
    base::geom::{Axis, Rect, Shape},
    tensor::Tensor,
};

/// All inputs, one after the other along one axis.
#[derive(Debug)]
pub struct Concat {
    along: Axis,
}

/// A shape with another extent along one axis.
fn with(shape: Shape, along: Axis, size: usize) -> Shape {
    match along {
        Axis::Channel => Shape { c: size, ..shape },
        Axis::Row => Shape { h: size, ..shape },
        Axis::Column => Shape { w: size, ..shape },
    }
}

impl Concat {
    /// Along channels.
    pub fn new() -> Concat {
        Concat::along(Axis::Channel)
    }

    /// Along one axis of the view. Any axis of a tensor is one: the axes before it are rows, those
    /// behind it channels.
    pub fn along(along: Axis) -> Concat {
        Concat { along }
    }

    /// The axis.
    pub fn axis(&self) -> Axis {
        self.along
    }

    /// Where the pixels of input `k` stand in the output; all of them along channels.
    fn place(&self, ins: &[Shape], k: usize) -> Rect {
        let before = |axis: Axis| ins[..k].iter().map(|s| s.along(axis)).sum::<usize>();
        let own = ins[k].rect();
        match self.along {
            Axis::Channel => own,
            Axis::Row => {
                let first = before(Axis::Row);
                Rect { y0: first, y1: first + own.y1, ..own }
            }
            Axis::Column => {
                let first = before(Axis::Column);
                Rect { x0: first, x1: first + own.x1, ..own }
            }
        }
    }

    fn channels(ins: &[&Tensor], rect: Rect, out: &mut [f32]) {
        let c: usize = ins.iter().map(|x| x.shape.c).sum();
        for (i, mut pixel) in out.chunks_exact_mut(c).enumerate() {
            let (y, x) = (rect.y0 + i / rect.width(), rect.x0 + i % rect.width());
            for input in ins {
                let (own, rest) = pixel.split_at_mut(input.shape.c);
                own.copy_from_slice(input.pixel(y, x));
                pixel = rest;
            }
        }
    }
}

impl Default for Concat {
    fn default() -> Concat {
        Concat::new()
    }
}

impl Op for Concat {
    fn name(&self) -> &'static str {
        "Concat"
    }

    fn out_shape(&self, ins: &[Shape]) -> Result<Shape, String> {
        let first = ins.first().ok_or("expected at least one input")?;
        match ins.iter().find(|s| with(**s, self.along, 0) != with(*first, self.along, 0)) {
            Some(other) => Err(format!("maps of {first} and {other} cannot stand side by side")),
            None => Ok(with(*first, self.along, ins.iter().map(|s| s.along(self.along)).sum())),
        }
    }

    fn reach(&self, ins: &[Shape], k: usize, dirty: Rect) -> Rect {
        if dirty.is_empty() {
            return Rect::EMPTY;
        }
        let Rect { y0, x0, .. } = self.place(ins, k);
        Rect { y0: dirty.y0 + y0, y1: dirty.y1 + y0, x0: dirty.x0 + x0, x1: dirty.x1 + x0 }
    }

    fn is_per_pixel(&self, _ins: &[Shape]) -> bool {
        self.along == Axis::Channel
    }

    fn role(&self) -> Role<'_> {
        Role::Route
    }
}

impl Cpu for Concat {
    fn eval(&self, ins: &[&Tensor], rect: Rect, out: &mut [f32]) {
        if self.along == Axis::Channel {
            return Concat::channels(ins, rect, out);
        }
        let shapes: Vec<Shape> = ins.iter().map(|x| x.shape).collect();
        for (k, x) in ins.iter().enumerate() {
            let (place, c) = (self.place(&shapes, k), x.shape.c);
            let here = place.intersect(rect);
            let n = here.width() * c;
            for y in here.y0..here.y1 {
                let at = ((y - rect.y0) * rect.width() + here.x0 - rect.x0) * c;
                let row = x.row(y - place.y0, here.x0 - place.x0, here.x1 - place.x0);
                out[at..at + n].copy_from_slice(row);
            }
        }
    }

    fn vjp(&self, ins: &[&Tensor], _out: &Tensor, grad: &Tensor, k: usize) -> Tensor {
        let mut back = Tensor::zeros(ins[k].shape);
        if self.along != Axis::Channel {
            let shapes: Vec<Shape> = ins.iter().map(|x| x.shape).collect();
            grad.read(self.place(&shapes, k), &mut back.data);
            return back;
        }
        let first: usize = ins[..k].iter().map(|x| x.shape.c).sum();
        let own = first..first + ins[k].shape.c;
        let pixels =
            back.data.chunks_exact_mut(own.len()).zip(grad.data.chunks_exact(grad.shape.c));
        pixels.for_each(|(back, grad)| back.copy_from_slice(&grad[own.clone()]));
        back
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_stand_side_by_side_and_gradients_go_back_to_their_input() {
        let a = Tensor::new(Shape::new(1, 1, 2), vec![1.0, 2.0]);
        let b = Tensor::new(Shape::new(2, 1, 2), vec![3.0, 4.0, 5.0, 6.0]);
        let y = Concat::new().forward(&[&a, &b]);
        assert_eq!(y.data, [1.0, 3.0, 4.0, 2.0, 5.0, 6.0]);
        assert_eq!(Concat::new().vjp(&[&a, &b], &y, &y, 0), a);
        assert_eq!(Concat::new().vjp(&[&a, &b], &y, &y, 1), b);
        assert!(Concat::new().out_shape(&[a.shape, Shape::new(1, 2, 2)]).is_err());
    }

    #[test]
    fn rows_and_columns_stand_behind_each_other() {
        let a = Tensor::new(Shape::new(1, 2, 1), vec![1.0, 2.0]);
        let b = Tensor::new(Shape::new(1, 2, 2), vec![3.0, 4.0, 5.0, 6.0]);
        let columns = Concat::along(Axis::Column);
        let y = columns.forward(&[&a, &b]);
        assert_eq!(y.data, [1.0, 3.0, 4.0, 2.0, 5.0, 6.0]);
        assert_eq!(columns.vjp(&[&a, &b], &y, &y, 1), b);
        let rows = Concat::along(Axis::Row);
        let y = rows.forward(&[&b, &b]);
        assert_eq!(y.shape, Shape::new(1, 4, 2));
        let second = Rect { y0: 1, y1: 2, x0: 0, x1: 1 };
        assert_eq!(rows.reach(&[b.shape, b.shape], 1, second), Rect { y0: 3, y1: 4, ..second });
    }
}
