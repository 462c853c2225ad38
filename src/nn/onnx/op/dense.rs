//! Fully connected layers.

use super::super::{
    call::Call,
    value::{Map, Value, joined},
};
use crate::{
    base::geom::{Axis, Shape},
    nn::op::Dense,
};

/// `Gemm`: `alpha x W + beta C`, `W` transposed with `transB`.
pub(in super::super) fn linear(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = vector(call, 0)?;
    if call.flag("transA", false)? {
        return Err("`transA = 1` would mix the pictures of a batch".to_owned());
    }
    let transposed = call.flag("transB", false)?;
    let alpha = call.finite("alpha", 1.0)?;
    let beta = call.finite("beta", 1.0)?;
    let (outputs, weight) = matrix(call, 1, transposed, map.features()[0])?;
    let bias = match call.optional(2) {
        Some(_) => summand(call, 2, outputs)?,
        None => vec![],
    };
    dense(call, &map, outputs, scaled(weight, alpha), scaled(bias, beta))
}

/// `MatMul` with a constant matrix on the right.
pub(in super::super) fn matmul(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = vector(call, 0)?;
    let (outputs, weight) = matrix(call, 1, false, map.features()[0])?;
    dense(call, &map, outputs, weight, vec![])
}

fn dense(
    call: &mut Call<'_, '_>,
    map: &Map,
    outputs: usize,
    weight: Vec<f32>,
    bias: Vec<f32>,
) -> Result<Value, String> {
    let op = Dense::new(weight, outputs, Shape::vector(map.features()[0]), bias)?;
    call.push(op, std::slice::from_ref(map), vec![1, outputs])
}

/// An input of dimensions `(N, features)`.
fn vector(call: &mut Call<'_, '_>, k: usize) -> Result<Map, String> {
    let map = call.map(k)?;
    if map.batched && map.rank() == 2 {
        return call.along(&map, &[Axis::Channel]);
    }
    let name = call.input_name(k);
    let without = if map.batched { "" } else { " without batch" };
    Err(format!("input `{name}` is {}{without}, expected (N, features)", joined(&map.dims)))
}

/// A constant matrix with `inputs` rows (columns when `transposed`) as `(outputs, weights)`, weights
/// in the order output, input.
fn matrix(
    call: &mut Call<'_, '_>,
    k: usize,
    transposed: bool,
    inputs: usize,
) -> Result<(usize, Vec<f32>), String> {
    let name = call.input_name(k).to_owned();
    let (dims, weight) = call.weights(k)?;
    let outputs = match dims[..] {
        [o, i] if transposed && i == inputs => o,
        [i, o] if !transposed && i == inputs => o,
        _ => {
            let (found, order) = (joined(&dims), if transposed { "columns" } else { "rows" });
            return Err(format!(
                "weight `{name}` is {found}, expected a matrix with {inputs} {order}"
            ));
        }
    };
    if transposed {
        return Ok((outputs, weight));
    }
    let at = |position: usize| weight[position % inputs * outputs + position / inputs];
    Ok((outputs, (0..weight.len()).map(at).collect()))
}

/// The summand of `Gemm` as one value per output.
fn summand(call: &mut Call<'_, '_>, k: usize, outputs: usize) -> Result<Vec<f32>, String> {
    match call.constant(k)?.len() {
        1 => Ok(vec![call.weights(k)?.1[0]; outputs]),
        _ => call.weight_vector(k, outputs),
    }
}

fn scaled(mut values: Vec<f32>, factor: f32) -> Vec<f32> {
    values.iter_mut().for_each(|v| *v *= factor);
    values
}
