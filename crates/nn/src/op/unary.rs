//! Scalar functions of each value.

use super::{Cpu, OneChannel, Op, Role};
use crate::{
    base::geom::{Rect, Shape},
    kernel::lanes::vectorized,
    tensor::Exact,
    tensor::Tensor,
};
use statrs::function::erf::{erf, erfc};
use std::f32::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

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
    /// `gamma x` above 0, `gamma alpha (exp(x) - 1)` below.
    Selu {
        /// Limit below 0, before `gamma`.
        alpha: f32,
        /// Slope above 0.
        gamma: f32,
    },
    /// `1 / (1 + exp(-x))`
    Sigmoid,
    /// `max(0, min(1, alpha x + beta))`
    HardSigmoid {
        /// Slope in the middle.
        alpha: f32,
        /// Value at 0.
        beta: f32,
    },
    /// `tanh(x)`
    Tanh,
    /// `ln(1 + exp(x))`
    Softplus,
    /// `x sigmoid(alpha x)`; `SiLU` has `alpha` 1.
    Swish {
        /// Slope inside the sigmoid.
        alpha: f32,
    },
    /// `x max(0, min(1, x / 6 + 1 / 2))`
    HardSwish,
    /// `x tanh(softplus(x))`
    Mish,
    /// `x (1 + erf(x / sqrt(2))) / 2`
    Gelu,
    /// `x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2`
    GeluTanh,
    /// The error function.
    Erf,
    /// `|x|`
    Abs,
    /// `exp(x)`
    Exp,
    /// `ln(x)`
    Log,
    /// `x / (1 + |x|)`
    Softsign,
    /// `x` above 0, `alpha (exp(x / alpha) - 1)` below.
    Celu {
        /// Limit below 0.
        alpha: f32,
    },
    /// `x^exponent`
    Power {
        /// The exponent.
        exponent: f32,
    },
    /// `x` above `alpha`, 0 elsewhere.
    ThresholdedRelu {
        /// The threshold.
        alpha: f32,
    },
    /// `x - bias` above `lambd`, `x + bias` below `-lambd`, 0 between.
    Shrink {
        /// What is taken from the size.
        bias: f32,
        /// Half the width of what becomes 0.
        lambd: f32,
    },
    /// `sin(x)`
    Sin,
    /// `cos(x)`
    Cos,
    /// The sign of `x`: -1, 0 or 1. Its gradient and that of the next five is 0, as in `PyTorch`.
    Sign,
    /// The largest whole number that is not above `x`.
    Floor,
    /// The smallest whole number that is not below `x`.
    Ceil,
    /// The nearest whole number, the even one of two.
    Round,
    /// The whole number towards 0.
    Whole,
    /// `x`, with a gradient of 0: what follows from it counts as constant.
    Held,
    /// The nearest of the numbers `scale (q - zero)` for whole `q` from `low` to `high`, which are kept
    /// in whole numbers of few bits. Its gradient is straight through: 1 inside the range, 0 outside.
    Quantise {
        /// Distance of neighbouring numbers.
        scale: f32,
        /// The whole number that stands for 0.
        zero: f32,
        /// The smallest whole number.
        low: f32,
        /// The largest one.
        high: f32,
    },
}

impl Function {
    /// ONNX spelling.
    pub fn name(self) -> &'static str {
        match self {
            Function::Relu => "Relu",
            Function::LeakyRelu { .. } => "LeakyRelu",
            Function::Clip { .. } => "Clip",
            Function::Elu { .. } => "Elu",
            Function::Selu { .. } => "Selu",
            Function::Sigmoid => "Sigmoid",
            Function::HardSigmoid { .. } => "HardSigmoid",
            Function::Tanh => "Tanh",
            Function::Softplus => "Softplus",
            Function::Swish { .. } => "Swish",
            Function::HardSwish => "HardSwish",
            Function::Mish => "Mish",
            Function::Gelu | Function::GeluTanh => "Gelu",
            Function::Erf => "Erf",
            Function::Abs => "Abs",
            Function::Exp => "Exp",
            Function::Log => "Log",
            Function::Softsign => "Softsign",
            Function::Celu { .. } => "Celu",
            Function::Power { exponent: 0.5 } => "Sqrt",
            Function::Power { exponent: -1.0 } => "Reciprocal",
            Function::Power { .. } => "Pow",
            Function::ThresholdedRelu { .. } => "ThresholdedRelu",
            Function::Shrink { .. } => "Shrink",
            Function::Sin => "Sin",
            Function::Cos => "Cos",
            Function::Sign => "Sign",
            Function::Floor => "Floor",
            Function::Ceil => "Ceil",
            Function::Round => "Round",
            Function::Whole => "Cast",
            Function::Held => "DynamicQuantizeLinear",
            Function::Quantise { .. } => "QuantizeLinear",
        }
    }

    /// The function.
    pub fn value(self, x: f32) -> f32 {
        match self {
            Function::Relu => {
                if x > 0.0 {
                    x
                } else {
                    0.0
                }
            }
            Function::LeakyRelu { alpha } => bent(x, x, alpha * x),
            Function::Clip { min, max } => x.max(min).min(max),
            Function::Elu { alpha } => bent(x, x, alpha * x.exp_m1()),
            Function::Selu { alpha, gamma } => bent(x, gamma * x, gamma * alpha * x.exp_m1()),
            Function::Sigmoid => sigmoid(x),
            Function::HardSigmoid { alpha, beta } => (alpha * x + beta).clamp(0.0, 1.0),
            Function::Tanh => x.tanh(),
            Function::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
            Function::Swish { alpha } => x * sigmoid(alpha * x),
            Function::HardSwish => x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
            Function::Mish => x * Function::Softplus.value(x).tanh(),
            Function::Gelu => x * normal(x),
            Function::GeluTanh => x * (0.5 + 0.5 * cubic(x).tanh()),
            Function::Erf => erf(f64::from(x)) as f32,
            Function::Abs => x.abs(),
            Function::Exp => x.exp(),
            Function::Log => x.ln(),
            Function::Softsign => x / (1.0 + x.abs()),
            Function::Celu { alpha } => bent(x, x, alpha * (x / alpha).exp_m1()),
            Function::Power { exponent: 0.5 } => x.sqrt(),
            Function::Power { exponent: -1.0 } => 1.0 / x,
            Function::Power { exponent } => x.powf(exponent),
            Function::ThresholdedRelu { alpha } => {
                if x > alpha {
                    x
                } else {
                    0.0
                }
            }
            Function::Shrink { bias, lambd } => {
                if x > lambd {
                    x - bias
                } else if x < -lambd {
                    x + bias
                } else {
                    0.0
                }
            }
            Function::Sin => x.sin(),
            Function::Cos => x.cos(),
            Function::Sign => f32::from(x > 0.0) - f32::from(x < 0.0),
            Function::Floor => x.floor(),
            Function::Ceil => x.ceil(),
            Function::Round => x.round_ties_even(),
            Function::Whole => x.trunc(),
            Function::Held => x,
            Function::Quantise { scale, zero, low, high } => {
                (((x / scale).round_ties_even() + zero).max(low).min(high) - zero) * scale
            }
        }
    }

    /// Replaces each value by the function of it.
    pub fn apply(self, values: &mut [f32]) {
        match self {
            // the common case as one vector instruction, unlike `f32::max`
            Function::Relu => {
                vectorized(|| {
                    values.iter_mut().for_each(|v| *v = if *v > 0.0 { *v } else { 0.0 });
                });
            }
            f => values.iter_mut().for_each(|v| *v = f.value(*v)),
        }
    }

    /// Where its slope jumps.
    pub fn jumps(self) -> Vec<f32> {
        match self {
            Function::Relu
            | Function::Abs
            | Function::LeakyRelu { .. }
            | Function::Elu { .. }
            | Function::Selu { .. } => vec![0.0],
            Function::Clip { min, max } => vec![min, max],
            Function::HardSigmoid { alpha, beta } => vec![-beta / alpha, (1.0 - beta) / alpha],
            Function::HardSwish => vec![-3.0, 3.0],
            Function::ThresholdedRelu { alpha } => vec![alpha],
            Function::Shrink { lambd, .. } => vec![-lambd, lambd],
            Function::Quantise { scale, zero, low, high } => {
                vec![(low - zero - 0.5) * scale, (high - zero + 0.5) * scale]
            }
            _ => vec![],
        }
    }

    /// The function in double precision, where its slope jumps between straight lines.
    fn of_exact(self, x: f64) -> f64 {
        match self {
            Function::Relu => x.max(0.0),
            Function::LeakyRelu { alpha } if x < 0.0 => f64::from(alpha) * x,
            Function::LeakyRelu { .. } | Function::Held => x,
            Function::Abs => x.abs(),
            Function::Clip { min, max } => x.max(f64::from(min)).min(f64::from(max)),
            Function::ThresholdedRelu { alpha } => {
                if x > f64::from(alpha) {
                    x
                } else {
                    0.0
                }
            }
            Function::Shrink { bias, lambd } if x.abs() > f64::from(lambd) => {
                x - f64::from(bias) * x.signum()
            }
            Function::Shrink { .. } => 0.0,
            Function::Sign => f64::from(i8::from(x > 0.0) - i8::from(x < 0.0)),
            Function::Floor => x.floor(),
            Function::Ceil => x.ceil(),
            Function::Round => x.round_ties_even(),
            Function::Whole => x.trunc(),
            Function::Quantise { scale, zero, low, high } => {
                let [scale, zero, low, high] = [scale, zero, low, high].map(f64::from);
                (((x / scale).round_ties_even() + zero).max(low).min(high) - zero) * scale
            }
            // smooth: the rounding of the value is all there is
            f => f64::from(f.value(x as f32)),
        }
    }

    /// Its derivative; at a kink that of `PyTorch`: 0 for `Relu` and `Clip`, `alpha` for
    /// `LeakyRelu`.
    pub fn derivative(self, x: f32) -> f32 {
        match self {
            Function::Relu => f32::from(x > 0.0),
            Function::LeakyRelu { alpha } => bent(x, 1.0, alpha),
            Function::Clip { min, max } => f32::from(x > min && x < max),
            Function::Elu { alpha } => bent(x, 1.0, alpha * x.exp()),
            Function::Selu { alpha, gamma } => bent(x, gamma, gamma * alpha * x.exp()),
            Function::Sigmoid => self.value(x) * (1.0 - self.value(x)),
            Function::HardSigmoid { alpha, beta } => {
                let inside = alpha * x + beta > 0.0 && alpha * x + beta < 1.0;
                if inside { alpha } else { 0.0 }
            }
            Function::Tanh => 1.0 - x.tanh().powi(2),
            Function::Softplus => sigmoid(x),
            Function::Swish { alpha } => {
                let gate = sigmoid(alpha * x);
                gate + alpha * x * gate * (1.0 - gate)
            }
            Function::HardSwish if x <= -3.0 => 0.0,
            Function::HardSwish => bent(3.0 - x, x / 3.0 + 0.5, 1.0),
            Function::Mish => {
                let gate = Function::Softplus.value(x).tanh();
                gate + x * (1.0 - gate * gate) * sigmoid(x)
            }
            Function::Gelu => normal(x) + x * density(x),
            Function::GeluTanh => {
                let gate = cubic(x).tanh();
                let slope = FRAC_2_SQRT_PI * FRAC_1_SQRT_2 * (1.0 + 3.0 * CUBE * x * x);
                0.5 + 0.5 * gate + 0.5 * x * (1.0 - gate * gate) * slope
            }
            Function::Erf => FRAC_2_SQRT_PI * (-x * x).exp(),
            Function::Abs => f32::from(x > 0.0) - f32::from(x < 0.0),
            Function::Exp => x.exp(),
            Function::Log => 1.0 / x,
            Function::Softsign => (1.0 + x.abs()).powi(-2),
            Function::Celu { alpha } => bent(x, 1.0, (x / alpha).exp()),
            Function::Power { exponent } => exponent * x.powf(exponent - 1.0),
            Function::ThresholdedRelu { alpha } => f32::from(x > alpha),
            Function::Shrink { lambd, .. } => f32::from(x.abs() > lambd),
            Function::Sin => x.cos(),
            Function::Cos => -x.sin(),
            Function::Sign
            | Function::Floor
            | Function::Ceil
            | Function::Round
            | Function::Whole
            | Function::Held => 0.0,
            Function::Quantise { scale, zero, low, high } => {
                let q = (x / scale).round_ties_even() + zero;
                f32::from(q >= low && q <= high)
            }
        }
    }
}

/// The first value where `x` is positive, else the second.
fn bent(x: f32, above: f32, below: f32) -> f32 {
    if x > 0.0 { above } else { below }
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// The distribution function of the standard normal distribution.
fn normal(x: f32) -> f32 {
    // the complement keeps the digits of the lower tail
    (0.5 * erfc(-f64::from(x) * std::f64::consts::FRAC_1_SQRT_2)) as f32
}

/// Its density.
fn density(x: f32) -> f32 {
    0.5 * FRAC_2_SQRT_PI * FRAC_1_SQRT_2 * (-0.5 * x * x).exp()
}

/// The factor of the cube in the approximation of GELU.
const CUBE: f32 = 0.044_715;

/// `sqrt(2 / pi) (x + 0.044715 x^3)`.
fn cubic(x: f32) -> f32 {
    FRAC_2_SQRT_PI * FRAC_1_SQRT_2 * (x + CUBE * x * x * x)
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

    fn role(&self) -> Role<'_> {
        Role::Activation
    }
}

impl Cpu for Unary {
    fn for_channel(&self, _ins: &[Shape], _c: usize) -> Option<OneChannel> {
        Some(OneChannel::FromOne)
    }

    fn eval(&self, ins: &[&Tensor], rect: Rect, out: &mut [f32]) {
        ins[0].read(rect, out);
        self.0.apply(out);
    }

    fn exact(&self, ins: &[&Exact]) -> Exact {
        let data = ins[0].data.iter().map(|&x| self.0.of_exact(x)).collect();
        Exact { shape: ins[0].shape, data }
    }

    fn vjp(&self, ins: &[&Tensor], _out: &Tensor, grad: &Tensor, _k: usize) -> Tensor {
        let product =
            |(x, g): (&f32, &f32)| if *g == 0.0 { 0.0 } else { self.0.derivative(*x) * g };
        Tensor::new(grad.shape, ins[0].data.iter().zip(&grad.data).map(product).collect())
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
            Function::Selu { alpha: 1.67, gamma: 1.05 },
            Function::Sigmoid,
            Function::HardSigmoid { alpha: 0.2, beta: 0.5 },
            Function::Tanh,
            Function::Softplus,
            Function::Swish { alpha: 1.0 },
            Function::Swish { alpha: 1.7 },
            Function::HardSwish,
            Function::Mish,
            Function::Gelu,
            Function::GeluTanh,
            Function::Erf,
            Function::Power { exponent: 3.0 },
            Function::Power { exponent: -1.0 },
            Function::Abs,
            Function::Softsign,
            Function::Celu { alpha: 0.7 },
            Function::ThresholdedRelu { alpha: 0.5 },
            Function::Shrink { bias: 0.25, lambd: 0.5 },
            Function::Sin,
            Function::Cos,
            Function::Sign,
            Function::Floor,
            Function::Ceil,
            Function::Round,
            Function::Whole,
        ];
        // its slope grows without bounds
        for x in [-3.7f32, 0.0, 1.7] {
            assert!((Function::Exp.derivative(x) - f64::from(x).exp() as f32).abs() < 1e-5);
        }
        for f in all {
            for x in [-3.7f32, -2.0, -0.3, 0.0, 0.4, 1.7, 3.4] {
                // no function but the kinked ones, which have theirs at 0, is bent there; these two have a
                // bend in their slope
                let pole = matches!(f, Function::Power { exponent } if exponent < 0.0);
                // a central difference of 1/x is off by h^2 / x^4
                if pole && x.abs() < 1.0 {
                    continue;
                }
                let kinked = (f.derivative(1e-4) - f.derivative(-1e-4)).abs() > 0.01;
                let bent = matches!(f, Function::Softsign | Function::Celu { .. });
                if x == 0.0 && (kinked || bent) {
                    continue;
                }
                // whole numbers jump
                if f.derivative(x) == 0.0 && (f.value(x + 0.01) - f.value(x - 0.01)).abs() > 0.5 {
                    continue;
                }
                let h = 1e-2;
                let slope = (f.value(x + h) - f.value(x - h)) / (2.0 * h);
                // the third derivative of x^3 is 6, rounding is 1e-7 of values up to 50
                assert!((slope - f.derivative(x)).abs() < 2e-3, "{f:?} at {x}");
            }
        }
    }

    #[test]
    fn gelu_and_its_neighbours_have_the_values_of_the_tables() {
        // Phi(1) = 0.841345, erf(1) = 0.842701, sigmoid(1) = 0.731059, softplus(1) = 1.313262
        let close = |f: Function, x: f32, y: f32| {
            assert!((f.value(x) - y).abs() < 1e-5, "{f:?}: {}", f.value(x));
        };
        close(Function::Gelu, 1.0, 0.841_345);
        close(Function::Gelu, -1.0, -0.158_655);
        close(Function::GeluTanh, 1.0, 0.841_192);
        close(Function::Erf, 1.0, 0.842_701);
        close(Function::Swish { alpha: 1.0 }, 1.0, 0.731_059);
        close(Function::Softplus, 1.0, 1.313_262);
        close(Function::Mish, 1.0, 0.865_098);
        close(Function::HardSwish, 1.0, 4.0 / 6.0);
        close(Function::Selu { alpha: 2.0, gamma: 3.0 }, -1.0, 6.0 * (-1f32).exp_m1());
        // far from 0 nothing overflows
        for x in [-1e4f32, 1e4] {
            for f in [Function::Softplus, Function::Mish, Function::Gelu, Function::GeluTanh] {
                assert!(f.value(x).is_finite() && (f.value(x) - x.max(0.0)).abs() < 1e-3, "{f:?}");
                assert!((f.derivative(x) - f32::from(x > 0.0)).abs() < 1e-5, "{f:?}");
            }
        }
    }

    #[test]
    fn quantised_values_are_the_nearest_of_their_range_and_gradients_go_straight_through() {
        let q = Function::Quantise { scale: 0.5, zero: 2.0, low: 0.0, high: 5.0 };
        for (x, y, slope) in [
            (0.6, 0.5, 1.0),
            (0.25, 0.0, 1.0),
            (0.75, 1.0, 1.0),
            (9.0, 1.5, 0.0),
            (-9.0, -1.0, 0.0),
        ] {
            assert_eq!((q.value(x), q.derivative(x)), (y, slope), "{x}");
            assert!((q.of_exact(f64::from(x)) - f64::from(y)).abs() < 1e-12);
        }
        let of = |f: Function, all: &[f32]| all.iter().map(|x| f.value(*x)).collect::<Vec<f32>>();
        assert_eq!(of(Function::Round, &[-1.5, 0.5, 2.5]), [-2.0, 0.0, 2.0]);
        assert_eq!(of(Function::Whole, &[-1.5, 0.5]), [-1.0, 0.0]);
        let shrink = Function::Shrink { bias: 0.25, lambd: 0.5 };
        assert_eq!(of(shrink, &[-0.75, 0.5, 0.75]), [-0.5, 0.0, 0.5]);
    }

    #[test]
    fn kinks_have_the_derivatives_of_pytorch() {
        assert!(Function::Relu.derivative(0.0).abs() < f32::EPSILON);
        let six = Function::Clip { min: 0.0, max: 6.0 };
        assert!(six.derivative(0.0).abs() + six.derivative(6.0).abs() < f32::EPSILON);
        assert!((six.value(7.0) - 6.0).abs() < f32::EPSILON);
    }
}
