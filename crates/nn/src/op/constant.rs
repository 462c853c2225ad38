//! Values that do not depend on the picture.

use super::{Cpu, Op, Role};
use crate::{
    base::geom::{Rect, Shape},
    tensor::Tensor,
};

/// A map known at import that stands beside maps computed from the picture: class tokens, one side
/// of a product of two maps.
#[derive(Debug)]
pub struct Constant(pub Tensor);

impl Op for Constant {
    fn name(&self) -> &'static str {
        "Constant"
    }

    fn out_shape(&self, _ins: &[Shape]) -> Result<Shape, String> {
        Ok(self.0.shape)
    }

    fn parameters(&self) -> usize {
        self.0.data.len()
    }

    fn reach(&self, _ins: &[Shape], _k: usize, _dirty: Rect) -> Rect {
        Rect::EMPTY
    }

    fn role(&self) -> Role<'_> {
        Role::Route
    }
}

impl Cpu for Constant {
    fn eval(&self, _ins: &[&Tensor], rect: Rect, out: &mut [f32]) {
        self.0.read(rect, out);
    }

    fn vjp(&self, _ins: &[&Tensor], _out: &Tensor, _grad: &Tensor, _k: usize) -> Tensor {
        unreachable!("a constant has no inputs")
    }
}
