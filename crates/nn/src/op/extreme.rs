//! The larger or smaller of two maps.

use super::{Cpu, Op, Role, broadcast};
use crate::{
    base::geom::{Rect, Shape},
    tensor::{Exact, Tensor},
};

/// `max(a, b)` or `min(a, b)`, value by value. A map of one pixel or one channel is spread over the
/// other.
#[derive(Debug)]
pub struct Extreme {
    largest: bool,
}

impl Extreme {
    /// The larger with `largest`, the smaller without.
    pub fn new(largest: bool) -> Extreme {
        Extreme { largest }
    }

    fn wins<T: PartialOrd>(&self, a: &T, b: &T) -> bool {
        if self.largest { a > b } else { a < b }
    }
}

impl Op for Extreme {
    fn name(&self) -> &'static str {
        if self.largest { "Max" } else { "Min" }
    }

    fn out_shape(&self, ins: &[Shape]) -> Result<Shape, String> {
        if ins.len() != 2 {
            return Err(format!("expected 2 inputs, found {}", ins.len()));
        }
        broadcast::shape(ins)
    }

    fn reach(&self, ins: &[Shape], k: usize, dirty: Rect) -> Rect {
        broadcast::reach(ins, k, dirty)
    }

    fn is_per_pixel(&self, _ins: &[Shape]) -> bool {
        true
    }

    fn role(&self) -> Role<'_> {
        Role::Extreme
    }
}

impl Cpu for Extreme {
    fn eval(&self, ins: &[&Tensor], rect: Rect, out: &mut [f32]) {
        broadcast::zip(ins[0], rect, out, |v, x| *v = x);
        broadcast::zip(ins[1], rect, out, |v, x| {
            if self.wins(&x, v) || x.is_nan() {
                *v = x;
            }
        });
    }

    fn exact(&self, ins: &[&Exact]) -> Exact {
        let shape = self.out_shape(&[ins[0].shape, ins[1].shape]).expect("checked by the graph");
        let a = broadcast::values(ins[0].shape, &ins[0].data, shape);
        let b = broadcast::values(ins[1].shape, &ins[1].data, shape);
        let data = a.zip(b).map(|(a, b)| if self.wins(&b, &a) { b } else { a }).collect();
        Exact { shape, data }
    }

    /// Where both are the same, each gets half, as in `PyTorch`.
    fn vjp(&self, ins: &[&Tensor], _out: &Tensor, grad: &Tensor, k: usize) -> Tensor {
        let mut share = Tensor::zeros(grad.shape);
        let rect = grad.shape.rect();
        broadcast::zip(ins[k], rect, &mut share.data, |v, x| *v = x);
        broadcast::zip(ins[1 - k], rect, &mut share.data, |v, other| {
            *v = match self.wins(v, &other) {
                true => 1.0,
                false if self.wins(&other, v) => 0.0,
                false => 0.5,
            }
        });
        share.data.iter_mut().zip(&grad.data).for_each(|(v, g)| *v *= g);
        broadcast::sum_to(&share, ins[k].shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gradient_goes_to_the_winner_and_ties_share_it() {
        let a = Tensor::vector(vec![1.0, 5.0, 2.0]);
        let b = Tensor::vector(vec![3.0, 4.0, 2.0]);
        let max = Extreme::new(true);
        let y = max.forward(&[&a, &b]);
        assert_eq!(y.data, [3.0, 5.0, 2.0]);
        let grad = Tensor::vector(vec![1.0; 3]);
        assert_eq!(max.vjp(&[&a, &b], &y, &grad, 0).data, [0.0, 1.0, 0.5]);
        assert_eq!(max.vjp(&[&a, &b], &y, &grad, 1).data, [1.0, 0.0, 0.5]);
        assert_eq!(Extreme::new(false).forward(&[&a, &b]).data, [1.0, 4.0, 2.0]);
    }
}
