//! Concatenation along channels.

use super::{Op, Role};
use crate::{
    base::geom::{Rect, Shape},
    nn::tensor::Tensor,
};

/// The channels of all inputs, one after the other.
#[derive(Debug, Default)]
pub struct Concat;

impl Concat {
    /// Along channels.
    pub fn new() -> Concat {
        Concat
    }
}

impl Op for Concat {
    fn name(&self) -> &'static str {
        "Concat"
    }

    fn out_shape(&self, ins: &[Shape]) -> Result<Shape, String> {
        let first = ins.first().ok_or("expected at least one input")?;
        match ins.iter().find(|s| (s.h, s.w) != (first.h, first.w)) {
            Some(other) => Err(format!("maps of {first} and {other} cannot stand side by side")),
            None => Ok(Shape::new(ins.iter().map(|s| s.c).sum(), first.h, first.w)),
        }
    }

    fn reach(&self, _ins: &[Shape], _k: usize, dirty: Rect) -> Rect {
        dirty
    }

    fn is_per_pixel(&self, _ins: &[Shape]) -> bool {
        true
    }

    fn eval(&self, ins: &[&Tensor], rect: Rect, out: &mut [f32]) {
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

    fn vjp(&self, ins: &[&Tensor], _out: &Tensor, grad: &Tensor, k: usize) -> Tensor {
        let first: usize = ins[..k].iter().map(|x| x.shape.c).sum();
        let own = first..first + ins[k].shape.c;
        let mut back = Tensor::zeros(ins[k].shape);
        let pixels =
            back.data.chunks_exact_mut(own.len()).zip(grad.data.chunks_exact(grad.shape.c));
        pixels.for_each(|(back, grad)| back.copy_from_slice(&grad[own.clone()]));
        back
    }

    fn role(&self) -> Role<'_> {
        Role::Route
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
}
