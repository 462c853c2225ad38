//! Fully connected layers and products of matrices.

use super::super::{
    call::Call,
    value::{Map, Value, broadcast_dims, joined},
};
use crate::{
    base::geom::Shape,
    op::{Conv, Dense, MatMul},
};

/// `Gemm`: `alpha x W + beta C`, `W` transposed with `transB`.
pub(in super::super) fn linear(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = call.map(0)?;
    let map =
        if call.flag("transA", false)? && map.rank() == 2 { map.transposed(&[1, 0]) } else { map };
    let [_, inputs] = map.dims[..] else {
        let name = call.input_name(0);
        return Err(format!("input `{name}` is {}, expected (N, features)", joined(&map.dims)));
    };
    let transposed = call.flag("transB", false)?;
    let alpha = call.finite("alpha", 1.0)?;
    let beta = call.finite("beta", 1.0)?;
    let (outputs, weight) = matrix(call, 1, transposed, inputs)?;
    let bias = match call.optional(2) {
        Some(_) => summand(call, 2, outputs)?,
        None => vec![],
    };
    dense(call, "Gemm", &map, outputs, scaled(weight, alpha), scaled(bias, beta))
}

/// `MatMul`: of a map and a constant matrix, or of two maps.
pub(in super::super) fn matmul(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let rank = |value: &Value| match value {
        Value::Map(map) => map.rank(),
        Value::Constant(constant) => constant.dims().len(),
    };
    let is_constant = |k| matches!(call.input(k), Ok(Value::Constant(_)));
    let (a, b) = (rank(call.input(0)?), rank(call.input(1)?));
    if is_constant(1) && b == 2 && a > 0 {
        let map = call.map(0)?;
        let (outputs, weight) = matrix(call, 1, false, map.dims[a - 1])?;
        return dense(call, "MatMul", &map, outputs, weight, vec![]);
    }
    if is_constant(0) && a == 2 && b > 1 {
        // W x is (x^T W^T)^T
        let map = call.map(1)?;
        let swapped: Vec<usize> = (0..b - 2).chain([b - 1, b - 2]).collect();
        let map = map.transposed(&swapped);
        let (outputs, weight) = matrix(call, 0, true, map.dims[b - 1])?;
        let product = dense(call, "MatMul", &map, outputs, weight, vec![])?;
        let Value::Map(product) = product else { return Ok(product) };
        return Ok(Value::Map(product.transposed(&swapped)));
    }
    if a < 2 || b < 2 {
        return Err(format!("its inputs have {a} and {b} axes, expected at least 2"));
    }
    let (a, b) = (call.any(0)?, call.any(1)?);
    product(call, &a, &b).map(Value::Map)
}

/// The product of two stacks of matrices, the last two axes of each; stacks are spread over each other.
pub(super) fn product(call: &mut Call<'_, '_>, a: &Map, b: &Map) -> Result<Map, String> {
    let rank = a.rank().max(b.rank());
    let filled = |map: &Map| [vec![1; rank - map.rank()], map.dims.clone()].concat();
    let (a, b) = (call.reshape(a, filled(a))?, call.reshape(b, filled(b))?);
    let stack = rank - 2;
    let outer = broadcast_dims(&a.dims[..stack], &b.dims[..stack])?;
    let [m, k] = a.dims[stack..] else { return Err("it has no matrices".to_owned()) };
    let [inner, n] = b.dims[stack..] else { return Err("it has no matrices".to_owned()) };
    if k != inner {
        let (a, b) = (joined(&a.dims), joined(&b.dims));
        return Err(format!("matrices of {a} and {b} cannot be multiplied"));
    }
    let all: Vec<usize> = (0..rank).collect();
    let count: usize = outer.iter().product();
    let a = spread_stack(call, &a, &outer)?;
    let a = call.arranged(&a, &all, Shape::new(k, count, m))?;
    let one = b.dims[..stack].iter().all(|d| *d == 1);
    let b = if one { b } else { spread_stack(call, &b, &outer)? };
    let count = if one { 1 } else { count };
    let mut turned = all.clone();
    turned.swap(rank - 2, rank - 1);
    // as it lies in memory where that can be
    let transposed =
        b.order == turned.iter().copied().filter(|a| b.dims[*a] != 1).collect::<Vec<_>>();
    let b = if transposed {
        call.arranged(&b, &turned, Shape::new(k, count, n))?
    } else {
        call.arranged(&b, &all, Shape::new(n, count, k))?
    };
    call.push(MatMul::new(transposed), &[&a, &b], [outer, vec![m, n]].concat(), &all)
}

/// A stack of matrices repeated along axes of size 1.
fn spread_stack(call: &mut Call<'_, '_>, map: &Map, outer: &[usize]) -> Result<Map, String> {
    let stack = outer.len();
    if map.dims[..stack] == *outer {
        return Ok(map.clone());
    }
    let dims = [outer, &map.dims[stack..]].concat();
    call.expand(map, &dims, &(0..dims.len()).collect::<Vec<_>>())
}

/// A layer over the last axis, the same for each index of the others.
fn dense(
    call: &mut Call<'_, '_>,
    name: &'static str,
    map: &Map,
    outputs: usize,
    weight: Vec<f32>,
    bias: Vec<f32>,
) -> Result<Value, String> {
    let last = map.rank() - 1;
    let inputs = map.dims[last];
    let map = call.with_channels(map, &[last])?;
    let dims = [&map.dims[..last], &[outputs]].concat();
    let order: Vec<usize> =
        map.order.iter().copied().filter(|a| *a != last).chain([last]).collect();
    let shape = call.shape(&map);
    if shape == Shape::vector(inputs) {
        let op = Dense::new(weight, outputs, shape, bias)?;
        return call.push(op, &[&map], dims, &order).map(Value::Map);
    }
    let op = Conv::tokens(name, weight, outputs, inputs, bias)?;
    call.push(op, &[&map], dims, &order).map(Value::Map)
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

/// The summand of `Gemm` as one value per output. It is spread to `(N, outputs)`, the same for every
/// picture.
fn summand(call: &mut Call<'_, '_>, k: usize, outputs: usize) -> Result<Vec<f32>, String> {
    let name = call.input_name(k).to_owned();
    let (dims, values) = call.weights(k)?;
    match dims[..] {
        [] | [1] | [1, 1] => Ok(vec![values[0]; outputs]),
        [n] | [1, n] if n == outputs => Ok(values),
        _ => Err(format!(
            "bias `{name}` of dimensions {} cannot be spread to (N, {outputs})",
            joined(&dims)
        )),
    }
}

fn scaled(mut values: Vec<f32>, factor: f32) -> Vec<f32> {
    values.iter_mut().for_each(|v| *v *= factor);
    values
}
