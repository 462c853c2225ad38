//! Reductions along axes.

use super::super::{
    call::Call,
    value::{Constant, Numbers, Value, axis, joined},
};
use crate::nn::op::{AvgPool, Window};

/// `ReduceMean` over height, width or both. Axes are an attribute before opset 18, an input since.
pub(in super::super) fn mean(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = call.map(0)?;
    let axes = call.ints_or_input("axes", 1)?.unwrap_or_default();
    if axes.is_empty() && call.flag("noop_with_empty_axes", false)? {
        return Ok(Value::Map(map));
    }
    let axes = axes.iter().map(|a| axis(*a, map.rank())).collect::<Result<Vec<_>, _>>()?;
    let channel = usize::from(map.batched);
    let is_spatial = |a: &usize| *a > channel || map.dims[*a] == 1 && *a == channel;
    if axes.is_empty() || !axes.iter().all(is_spatial) || !map.batched {
        return Err(format!(
            "axes {axes:?} of dimensions {} are not height and width, and no others are supported",
            joined(&map.dims)
        ));
    }
    let size = |a: usize| map.dims.get(a).copied().unwrap_or(1);
    let over = |a: usize| if axes.contains(&a) { size(a) } else { 1 };
    let kernel = [over(channel + 1), over(channel + 2)];
    let op = if kernel == [size(channel + 1), size(channel + 2)] {
        AvgPool::global("ReduceMean")
    } else {
        let window = Window { kernel, stride: kernel, dilation: [1, 1], pads: [0; 4], ceil: false };
        AvgPool::new(window, false)
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
