//! Products of maps.

use super::{Cpu, Op, Role, broadcast};
use crate::{
    base::geom::{Rect, Shape},
    tensor::Tensor,
};

/// The product of two maps: gates and attention over channels. A map of one pixel or one channel
/// is spread over the other.
#[derive(Debug, Default)]
pub struct Mul;

impl Mul {
    /// `y = a * b`.
    pub fn new() -> Mul {
        Mul
    }
}

impl Op for Mul {
    fn name(&self) -> &'static str {
        "Mul"
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
        Role::Product
    }
}

impl Cpu for Mul {
    fn eval(&self, ins: &[&Tensor], rect: Rect, out: &mut [f32]) {
        out.fill(1.0);
        for x in ins {
            broadcast::zip(x, rect, out, |v, x| *v *= x);
        }
    }

    fn vjp(&self, ins: &[&Tensor], _out: &Tensor, grad: &Tensor, k: usize) -> Tensor {
        let mut product = grad.clone();
        broadcast::zip(ins[1 - k], grad.shape.rect(), &mut product.data, |v, x| *v *= x);
        broadcast::sum_to(&product, ins[k].shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_scales_channels_and_gets_the_summed_gradient() {
        let x = Tensor::new(Shape::new(2, 1, 2), vec![1.0, 2.0, 3.0, 4.0]);
        let gate = Tensor::vector(vec![2.0, 0.5]);
        let y = Mul::new().forward(&[&x, &gate]);
        assert_eq!(y.data, [2.0, 1.0, 6.0, 2.0]);
        let ones = y.map(|_| 1.0);
        assert_eq!(Mul::new().vjp(&[&x, &gate], &y, &ones, 0).data, [2.0, 0.5, 2.0, 0.5]);
        assert_eq!(Mul::new().vjp(&[&x, &gate], &y, &ones, 1).data, [4.0, 6.0]);
    }
}
