//! Reductions along axes.

use super::super::{
    call::Call,
    value::{Constant, Numbers, Value, axis, joined},
};
use crate::{
    base::geom::Axis,
    nn::op::{AvgPool, MaxPool, Op, Window},
};

/// `ReduceMean` over height, width or both.
pub(in super::super) fn mean(call: &mut Call<'_, '_>) -> Result<Value, String> {
    pooled(call, || AvgPool::global("ReduceMean"), |window| AvgPool::new(window, false))
}

/// `ReduceMax` over height, width or both.
pub(in super::super) fn max(call: &mut Call<'_, '_>) -> Result<Value, String> {
    pooled(call, MaxPool::global, MaxPool::new)
}

/// A reduction over height, width or both as a pool. Axes are an attribute before opset 18, an input
/// since.
fn pooled<T: Op>(
    call: &mut Call<'_, '_>,
    whole: impl FnOnce() -> T,
    part: impl FnOnce(Window) -> T,
) -> Result<Value, String> {
    let map = call.map(0)?;
    let axes = call.ints_or_input("axes", 1)?.unwrap_or_default();
    if axes.is_empty() && call.flag("noop_with_empty_axes", false)? {
        return Ok(Value::Map(map));
    }
    let axes = axes.iter().map(|a| axis(*a, map.rank())).collect::<Result<Vec<_>, _>>()?;
    let is_spatial = |a: &usize| match map.axis(*a) {
        Some(Axis::Row | Axis::Column) => true,
        Some(Axis::Channel) => map.dims[*a] == 1,
        None => false,
    };
    if axes.is_empty() || !axes.iter().all(is_spatial) || !map.batched {
        return Err(format!(
            "axes {axes:?} of dimensions {} are not height and width, and no others are supported",
            joined(&map.dims)
        ));
    }
    let shape = map.shape();
    let is_reduced = |axis| axes.iter().any(|a| map.axis(*a) == Some(axis));
    let kernel =
        [Axis::Row, Axis::Column].map(|axis| if is_reduced(axis) { shape.along(axis) } else { 1 });
    let op = if kernel == [shape.h, shape.w] {
        whole()
    } else {
        part(Window { kernel, stride: kernel, dilation: [1, 1], pads: [0; 4], ceil: false })
    };
    let left = |a: usize| if axes.contains(&a) { 1 } else { map.dims[a] };
    let dims: Vec<usize> = (0..map.rank()).map(left).collect();
    let pooled = call.push(op, &[map], dims.clone())?;
    let Value::Map(pooled) = pooled else { return Ok(pooled) };
    if call.flag("keepdims", true)? {
        return Ok(Value::Map(pooled));
    }
    let kept = (0..dims.len()).filter(|a| !axes.contains(a)).map(|a| dims[a]).collect();
    call.reshape(&pooled, kept, true)
}

/// `ReduceProd` of all values of a constant: the size that a shape stands for.
pub(in super::super) fn product_of_constant(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    let constant = call.constant(0)?;
    let axes = call.ints_or_input("axes", 1)?.unwrap_or_default();
    if constant.dims().len() > 1 || axes.len() > 1 {
        return Err(format!("it is supported on vectors, found {}", joined(constant.dims())));
    }
    let product = constant.as_ints()?.iter().try_fold(1i64, |p, v| p.checked_mul(*v));
    let product = product.ok_or("the product overflows")?;
    let keep = call.flag("keepdims", true)?;
    Constant::new(vec![1; constant.dims().len() * usize::from(keep)], Numbers::Int(vec![product]))
}
