//! Operators. One operator is one file; what they share stands here.

use super::tensor::Tensor;
use crate::base::geom::{Rect, Shape};
use std::{any::Any, fmt};

mod input;

pub use input::Input;

/// An operator: a pure function of its input maps.
///
/// Two rules make incremental evaluation exact: an operator writes only the rectangle it is asked
/// for, and what it writes does not depend on that rectangle.
pub trait Op: Any + fmt::Debug + Send + Sync {
    /// ONNX spelling.
    fn name(&self) -> &'static str;

    /// Shape of the output, or what is wrong with the inputs, in words.
    fn out_shape(&self, ins: &[Shape]) -> Result<Shape, String>;

    /// Weights and biases.
    fn parameters(&self) -> usize {
        0
    }

    /// Multiply-adds of the output pixels in `rect`; the deterministic measure of cost.
    fn macs(&self, _ins: &[Shape], _rect: Rect) -> u64 {
        0
    }

    /// The smallest output rectangle outside of which nothing changes when input `k` changes
    /// inside `dirty` only. The whole output where there is no local form.
    fn reach(&self, ins: &[Shape], k: usize, dirty: Rect) -> Rect;

    /// Writes the output pixels of `rect` into `out`, row by row, channels last
    /// (`rect.area() * channels` values). Single-threaded.
    fn eval(&self, ins: &[&Tensor], rect: Rect, out: &mut [f32]);

    /// The whole output; may use all threads. The bits are those of [`Op::eval`].
    fn forward(&self, ins: &[&Tensor]) -> Tensor {
        let shapes: Vec<Shape> = ins.iter().map(|t| t.shape).collect();
        let mut out = Tensor::zeros(self.out_shape(&shapes).expect("checked by the graph"));
        self.eval(ins, out.shape.rect(), &mut out.data);
        out
    }

    /// Vector-Jacobian product: the gradient with respect to input `k`, given the gradient with
    /// respect to the output.
    fn vjp(&self, ins: &[&Tensor], out: &Tensor, grad: &Tensor, k: usize) -> Tensor;

    /// What kind of function this is, for those who treat kinds differently (LRP).
    fn role(&self) -> Role<'_>;
}

/// What kind of function an operator is.
#[derive(Clone, Copy, Debug)]
pub enum Role<'a> {
    /// Weighted sums with learned weights and a bias: convolution, dense, unfolded batch norm.
    Linear(&'a dyn Linear),
    /// Weighted sums with fixed non-negative weights: average pooling.
    Average(&'a dyn Linear),
    /// A scalar function of each value.
    Activation,
    /// Each output value is one of the input values: max-pool, concat, flatten, zero padding.
    Route,
    /// The sum or difference of its inputs.
    Sum,
    /// Division by a local norm: LRN.
    Normalisation,
    /// Anything else: products of two maps, softmax inside the network.
    Other,
}

/// The linear part of an operator, with weights that can be replaced by a function of themselves.
/// Biases are left out: they are per output channel and added by the caller.
pub trait Linear: Op {
    /// `part(W) x`: shape of the output.
    fn apply(&self, part: Part, x: &Tensor) -> Tensor;

    /// `part(W)^T s`: shape `input` (that of `x`).
    fn apply_transposed(&self, part: Part, s: &Tensor, input: Shape) -> Tensor;

    /// One value per output channel; empty without bias.
    fn bias(&self) -> &[f32];
}

/// How a weight is modified before use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// `w`
    Raw,
    /// `max(w, 0)`
    Positive,
    /// `min(w, 0)`
    Negative,
    /// `w^2`
    Square,
    /// `1`, where there is a weight (padding and other groups have none)
    One,
}

impl Part {
    /// The modified weight.
    pub fn of(self, w: f32) -> f32 {
        match self {
            Part::Raw => w,
            Part::Positive => w.max(0.0),
            Part::Negative => w.min(0.0),
            Part::Square => w * w,
            Part::One => 1.0,
        }
    }
}
