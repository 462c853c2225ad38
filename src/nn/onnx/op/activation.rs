//! Scalar functions.

use super::super::{call::Call, value::Value};
use crate::nn::op::{Function, Unary};

fn unary(call: &mut Call<'_, '_>, function: Function) -> Result<Value, String> {
    let map = call.map(0)?;
    call.push_like(Unary::new(function), &[map])
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
