//! Scalar functions.

use super::super::{
    call::Call,
    value::{Numbers, Value},
};
use crate::op::{Function, PRelu, Unary};

fn unary(call: &mut Call<'_, '_>, function: Function) -> Result<Value, String> {
    let map = call.map(0)?;
    call.push_like(Unary::new(function), &map)
}

/// `Relu`.
pub(in super::super) fn relu(call: &mut Call<'_, '_>) -> Result<Value, String> {
    unary(call, Function::Relu)
}

/// `LeakyRelu`.
pub(in super::super) fn leaky_relu(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let alpha = call.finite("alpha", 0.01)?;
    unary(call, Function::LeakyRelu { alpha })
}

/// `Elu`.
pub(in super::super) fn elu(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let alpha = call.finite("alpha", 1.0)?;
    unary(call, Function::Elu { alpha })
}

/// `Selu`.
pub(in super::super) fn selu(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let alpha = call.finite("alpha", 1.673_263_2)?;
    let gamma = call.finite("gamma", 1.050_701)?;
    unary(call, Function::Selu { alpha, gamma })
}

/// `PRelu`: one slope for all values, or one per channel.
pub(in super::super) fn prelu(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = call.map(0)?;
    let map = if map.rank() > 1 { call.with_channels(&map, &[1])? } else { map };
    let slopes = call.beside(&map, 1)?;
    match slopes[..] {
        [alpha] => unary(call, Function::LeakyRelu { alpha }),
        _ if slopes.len() == call.shape(&map).c => call.push_like(PRelu::new(slopes), &map),
        _ => {
            Err(format!("it has {} slopes, expected one for all or one per channel", slopes.len()))
        }
    }
}

/// `Celu`.
pub(in super::super) fn celu(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let alpha = call.finite("alpha", 1.0)?;
    if alpha == 0.0 {
        return Err("attribute `alpha` is 0".to_owned());
    }
    unary(call, Function::Celu { alpha })
}

/// `Abs`.
pub(in super::super) fn abs(call: &mut Call<'_, '_>) -> Result<Value, String> {
    unary(call, Function::Abs)
}

/// `Log`.
pub(in super::super) fn log(call: &mut Call<'_, '_>) -> Result<Value, String> {
    unary(call, Function::Log)
}

/// `Sqrt`.
pub(in super::super) fn sqrt(call: &mut Call<'_, '_>) -> Result<Value, String> {
    unary(call, Function::Power { exponent: 0.5 })
}

/// `Softsign`.
pub(in super::super) fn softsign(call: &mut Call<'_, '_>) -> Result<Value, String> {
    unary(call, Function::Softsign)
}

/// `HardSigmoid`.
pub(in super::super) fn hard_sigmoid(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let alpha = call.finite("alpha", 0.2)?;
    let beta = call.finite("beta", 0.5)?;
    unary(call, Function::HardSigmoid { alpha, beta })
}

/// `HardSwish`.
pub(in super::super) fn hard_swish(call: &mut Call<'_, '_>) -> Result<Value, String> {
    unary(call, Function::HardSwish)
}

/// `Swish`, also known as `SiLU`.
pub(in super::super) fn swish(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let alpha = call.finite("alpha", 1.0)?;
    unary(call, Function::Swish { alpha })
}

/// `Softplus`.
pub(in super::super) fn softplus(call: &mut Call<'_, '_>) -> Result<Value, String> {
    unary(call, Function::Softplus)
}

/// `Mish`.
pub(in super::super) fn mish(call: &mut Call<'_, '_>) -> Result<Value, String> {
    unary(call, Function::Mish)
}

/// `Gelu`, exact or by its approximation with tanh.
pub(in super::super) fn gelu(call: &mut Call<'_, '_>) -> Result<Value, String> {
    match call.text("approximate")? {
        None | Some("none") => unary(call, Function::Gelu),
        Some("tanh") => unary(call, Function::GeluTanh),
        Some(other) => {
            Err(format!("attribute `approximate` is `{other}`, expected `none` or `tanh`"))
        }
    }
}

/// `Erf`.
pub(in super::super) fn erf(call: &mut Call<'_, '_>) -> Result<Value, String> {
    unary(call, Function::Erf)
}

/// `Exp`.
pub(in super::super) fn exp(call: &mut Call<'_, '_>) -> Result<Value, String> {
    unary(call, Function::Exp)
}

/// `Reciprocal`.
pub(in super::super) fn reciprocal(call: &mut Call<'_, '_>) -> Result<Value, String> {
    unary(call, RECIPROCAL)
}

/// `1 / x`.
pub(super) const RECIPROCAL: Function = Function::Power { exponent: -1.0 };

/// `Pow` with one constant exponent.
pub(in super::super) fn pow(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let name = call.input_name(1).to_owned();
    let exponent = call.constant(1)?;
    let exponent = match exponent.numbers() {
        Numbers::Float(v) if v.len() == 1 && v[0].is_finite() => v[0],
        Numbers::Int(v) if v.len() == 1 => v[0] as f32,
        _ => return Err(format!("exponent `{name}` must be one finite number")),
    };
    unary(call, Function::Power { exponent })
}

/// `Sigmoid`.
pub(in super::super) fn sigmoid(call: &mut Call<'_, '_>) -> Result<Value, String> {
    unary(call, Function::Sigmoid)
}

/// `Tanh`.
pub(in super::super) fn tanh(call: &mut Call<'_, '_>) -> Result<Value, String> {
    unary(call, Function::Tanh)
}

/// `Clip`: bounds are attributes before opset 11, inputs since; absent ones do not bound.
pub(in super::super) fn clip(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let [min, max] = if call.opset() < 11 {
        [call.float("min")?, call.float("max")?]
    } else {
        [call.optional_scalar(1)?, call.optional_scalar(2)?]
    };
    let (min, max) = (min.unwrap_or(f32::NEG_INFINITY), max.unwrap_or(f32::INFINITY));
    if min > max {
        return Err(format!("its lower bound {min} is above its upper bound {max}"));
    }
    unary(call, Function::Clip { min, max })
}

/// `ThresholdedRelu`.
pub(in super::super) fn thresholded_relu(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let alpha = call.finite("alpha", 1.0)?;
    unary(call, Function::ThresholdedRelu { alpha })
}

/// `Shrink`.
pub(in super::super) fn shrink(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let (bias, lambd) = (call.finite("bias", 0.0)?, call.finite("lambd", 0.5)?);
    if lambd < 0.0 {
        return Err(format!("attribute `lambd` is {lambd}, expected at least 0"));
    }
    unary(call, Function::Shrink { bias, lambd })
}

/// `Sin`.
pub(in super::super) fn sin(call: &mut Call<'_, '_>) -> Result<Value, String> {
    unary(call, Function::Sin)
}

/// `Cos`.
pub(in super::super) fn cos(call: &mut Call<'_, '_>) -> Result<Value, String> {
    unary(call, Function::Cos)
}

/// `Sign`.
pub(in super::super) fn sign(call: &mut Call<'_, '_>) -> Result<Value, String> {
    step(call, Function::Sign)
}

/// `Floor`.
pub(in super::super) fn floor(call: &mut Call<'_, '_>) -> Result<Value, String> {
    step(call, Function::Floor)
}

/// `Ceil`.
pub(in super::super) fn ceil(call: &mut Call<'_, '_>) -> Result<Value, String> {
    step(call, Function::Ceil)
}

/// `Round`.
pub(in super::super) fn round(call: &mut Call<'_, '_>) -> Result<Value, String> {
    step(call, Function::Round)
}

/// A function whose gradient is 0 wherever it has one.
pub(super) fn step(call: &mut Call<'_, '_>, function: Function) -> Result<Value, String> {
    let name = call.name();
    call.note(format!("`{name}` ({}) passes no gradient on, as in PyTorch", function.name()));
    unary(call, function)
}
