//! The picture.

use super::{Cpu, Op, Role};
use crate::{
    base::geom::{Rect, Shape},
    tensor::Tensor,
};

/// Stands for the network's input; it is never evaluated.
#[derive(Debug)]
pub struct Input(pub Shape);

impl Op for Input {
    fn name(&self) -> &'static str {
        "Input"
    }

    fn out_shape(&self, _ins: &[Shape]) -> Result<Shape, String> {
        Ok(self.0)
    }

    fn reach(&self, _ins: &[Shape], _k: usize, dirty: Rect) -> Rect {
        dirty
    }

    fn role(&self) -> Role<'_> {
        Role::Route
    }
}

impl Cpu for Input {
    fn eval(&self, _ins: &[&Tensor], _rect: Rect, _out: &mut [f32]) {
        unreachable!("the input has a value before anything is evaluated")
    }

    fn vjp(&self, _ins: &[&Tensor], _out: &Tensor, _grad: &Tensor, _k: usize) -> Tensor {
        unreachable!("the input has no inputs")
    }
}
