//! Scalar functions of each value.

use super::{OneChannel, Op, Role};
use crate::{
    base::geom::{Rect, Shape},
    nn::tensor::Tensor,
};

/// A scalar function.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Function {
    /// `max(x, 0)`
    Relu,
    /// `x` above 0, `alpha x` below.
    LeakyRelu {
        /// Slope below 0.
        alpha: f32,
    },
    /// `min(max(x, min), max)`; `ReLU6` is the clip to [0, 6].
    Clip {
        /// Smallest value.
        min: f32,
        /// Largest value.
        max: f32,
    },
    /// `x` above 0, `alpha (exp(x) - 1)` below.
    Elu {
        /// Limit below 0.
        alpha: f32,
    },
    /// `1 / (1 + exp(-x))`
    Sigmoid,
    /// `tanh(x)`
    Tanh,
}

impl Function {
    /// ONNX spelling.
    pub fn name(self) -> &'static str {
        match self {
            Function::Relu => "Relu",
            Function::LeakyRelu { .. } => "LeakyRelu",
            Function::Clip { .. } => "Clip",
            Function::Elu { .. } => "Elu",
            Function::Sigmoid => "Sigmoid",
            Function::Tanh => "Tanh",
        }
    }

    /// The function.
    pub fn of(self, x: f32) -> f32 {
        match self {
            Function::Relu => {
                if x > 0.0 {
                    x
                } else {
                    0.0
                }
            }
            Function::LeakyRelu { alpha } => {
                if x > 0.0 {
                    x
                } else {
                    alpha * x
                }
            }
            Function::Clip { min, max } => x.max(min).min(max),
            Function::Elu { alpha } => {
                if x > 0.0 {
                    x
                } else {
                    alpha * x.exp_m1()
                }
            }
            Function::Sigmoid => 1.0 / (1.0 + (-x).exp()),
            Function::Tanh => x.tanh(),
        }
    }

    /// Replaces each value by the function of it.
    pub fn apply(self, values: &mut [f32]) {
        match self {
            // the common case as one vector instruction, unlike `f32::max`
            Function::Relu => {
                values.iter_mut().for_each(|v| *v = if *v > 0.0 { *v } else { 0.0 });
            }
            f => values.iter_mut().for_each(|v| *v = f.of(*v)),
        }
    }

    /// Its derivative; 0 at the kinks of `Relu` and `Clip`, `alpha` at that of `LeakyRelu`.
    pub fn derivative(self, x: f32) -> f32 {
        match self {
            Function::Relu => f32::from(x > 0.0),
            Function::LeakyRelu { alpha } => {
                if x > 0.0 {
                    1.0
                } else {
                    alpha
                }
            }
            Function::Clip { min, max } => f32::from(x > min && x < max),
            Function::Elu { alpha } => {
                if x > 0.0 {
                    1.0
                } else {
                    alpha * x.exp()
                }
            }
            Function::Sigmoid => self.of(x) * (1.0 - self.of(x)),
            Function::Tanh => 1.0 - x.tanh().powi(2),
        }
    }
}

/// A scalar function applied to each value of a map.
#[derive(Debug)]
pub struct Unary(Function);

impl Unary {
    /// `y = function(x)`.
    pub fn new(function: Function) -> Unary {
        Unary(function)
    }
}

impl Op for Unary {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn out_shape(&self, ins: &[Shape]) -> Result<Shape, String> {
        super::one_input(ins)
    }

    fn reach(&self, _ins: &[Shape], _k: usize, dirty: Rect) -> Rect {
        dirty
    }

    fn is_per_pixel(&self, _ins: &[Shape]) -> bool {
        true
    }

    fn function(&self) -> Option<Function> {
        Some(self.0)
    }

    fn for_channel(&self, _ins: &[Shape], _c: usize) -> Option<OneChannel> {
        Some(OneChannel::FromOne)
    }

    fn eval(&self, ins: &[&Tensor], rect: Rect, out: &mut [f32]) {
        ins[0].read(rect, out);
        self.0.apply(out);
    }

    fn vjp(&self, ins: &[&Tensor], _out: &Tensor, grad: &Tensor, _k: usize) -> Tensor {
        let product =
            |(x, g): (&f32, &f32)| if *g == 0.0 { 0.0 } else { self.0.derivative(*x) * g };
        Tensor::new(grad.shape, ins[0].data.iter().zip(&grad.data).map(product).collect())
    }

    fn role(&self) -> Role<'_> {
        Role::Activation
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_agree_with_finite_differences() {
        let all = [
            Function::Relu,
            Function::LeakyRelu { alpha: 0.1 },
            Function::Clip { min: -0.5, max: 1.0 },
            Function::Elu { alpha: 0.7 },
            Function::Sigmoid,
            Function::Tanh,
        ];
        for f in all {
            for x in [-2.0f32, -0.3, 0.4, 1.7] {
                let h = 1e-3;
                let slope = (f.of(x + h) - f.of(x - h)) / (2.0 * h);
                assert!((slope - f.derivative(x)).abs() < 1e-3, "{f:?} at {x}");
            }
        }
    }

    #[test]
    fn kinks_have_the_derivatives_of_pytorch() {
        assert!(Function::Relu.derivative(0.0).abs() < f32::EPSILON);
        let six = Function::Clip { min: 0.0, max: 6.0 };
        assert!(six.derivative(0.0).abs() + six.derivative(6.0).abs() < f32::EPSILON);
        assert!((six.of(7.0) - 6.0).abs() < f32::EPSILON);
    }
}
