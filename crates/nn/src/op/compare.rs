//! Comparisons of two maps.

use super::{Cpu, Op, Role, broadcast};
use crate::{
    base::geom::{Rect, Shape},
    tensor::{Exact, Tensor},
};
use std::cmp::Ordering;

/// What is asked of two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `a == b`
    Equal,
    /// `a != b`
    Differ,
    /// `a > b`
    Greater,
    /// `a >= b`
    AtLeast,
    /// `a < b`
    Less,
    /// `a <= b`
    AtMost,
}

impl Comparison {
    /// ONNX spelling.
    fn name(self) -> &'static str {
        match self {
            Comparison::Equal => "Equal",
            Comparison::Differ => "Xor",
            Comparison::Greater => "Greater",
            Comparison::AtLeast => "GreaterOrEqual",
            Comparison::Less => "Less",
            Comparison::AtMost => "LessOrEqual",
        }
    }

    fn holds(self, order: Option<Ordering>) -> bool {
        match self {
            Comparison::Equal => order == Some(Ordering::Equal),
            Comparison::Differ => order != Some(Ordering::Equal),
            Comparison::Greater => order == Some(Ordering::Greater),
            Comparison::AtLeast => order.is_some_and(Ordering::is_ge),
            Comparison::Less => order == Some(Ordering::Less),
            Comparison::AtMost => order.is_some_and(Ordering::is_le),
        }
    }
}

/// 1 where a comparison of two maps holds, 0 elsewhere; its gradient is 0, as in `PyTorch`. A map of one
/// pixel or one channel is spread over the other.
#[derive(Debug)]
pub struct Compare(Comparison);

impl Compare {
    /// `a` compared with `b`.
    pub fn new(comparison: Comparison) -> Compare {
        Compare(comparison)
    }
}

impl Op for Compare {
    fn name(&self) -> &'static str {
        self.0.name()
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
        Role::Other
    }
}

impl Cpu for Compare {
    fn eval(&self, ins: &[&Tensor], rect: Rect, out: &mut [f32]) {
        broadcast::zip(ins[0], rect, out, |v, x| *v = x);
        broadcast::zip(ins[1], rect, out, |v, x| {
            *v = f32::from(self.0.holds((*v).partial_cmp(&x)));
        });
    }

    fn exact(&self, ins: &[&Exact]) -> Exact {
        let shape = self.out_shape(&[ins[0].shape, ins[1].shape]).expect("checked by the graph");
        let a = broadcast::values(ins[0].shape, &ins[0].data, shape);
        let b = broadcast::values(ins[1].shape, &ins[1].data, shape);
        let holds = |(a, b): (f64, f64)| f64::from(self.0.holds(a.partial_cmp(&b)));
        Exact { shape, data: a.zip(b).map(holds).collect() }
    }

    fn vjp(&self, ins: &[&Tensor], _out: &Tensor, _grad: &Tensor, k: usize) -> Tensor {
        Tensor::zeros(ins[k].shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparisons_give_ones_and_zeros_and_none_with_nan_holds() {
        let a = Tensor::vector(vec![1.0, 2.0, 3.0, f32::NAN]);
        let b = Tensor::vector(vec![2.0, 2.0, 2.0, 2.0]);
        let of = |c| Compare::new(c).forward(&[&a, &b]).data;
        assert_eq!(of(Comparison::Equal), [0.0, 1.0, 0.0, 0.0]);
        assert_eq!(of(Comparison::Differ), [1.0, 0.0, 1.0, 1.0]);
        assert_eq!(of(Comparison::Greater), [0.0, 0.0, 1.0, 0.0]);
        assert_eq!(of(Comparison::AtLeast), [0.0, 1.0, 1.0, 0.0]);
        assert_eq!(of(Comparison::Less), [1.0, 0.0, 0.0, 0.0]);
        assert_eq!(of(Comparison::AtMost), [1.0, 1.0, 0.0, 0.0]);
    }
}
