//! Reductions along axes.

use super::super::{
    call::Call,
    value::{Constant, Map, Numbers, Value, axis, joined},
};
use crate::{
    base::geom::Shape,
    op::{Affine, AvgPool, Cpu, Function, MaxPool, Unary, Window},
};

/// `ReduceMean`.
pub(in super::super) fn mean(call: &mut Call<'_, '_>) -> Result<Value, String> {
    pooled(call, || AvgPool::global("ReduceMean"), |window| AvgPool::new(window, false))
}

/// `ReduceMax`.
pub(in super::super) fn max(call: &mut Call<'_, '_>) -> Result<Value, String> {
    pooled(call, MaxPool::global, MaxPool::new)
}

/// `ReduceMin`: the largest of the negated values, negated.
pub(in super::super) fn min(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let negated = Affine::new("Neg", vec![-1.0], vec![0.0]);
    let map = call.map(0)?;
    let Value::Map(map) = call.push_like(negated, &map)? else { return Err(CONSTANT.to_owned()) };
    call.set_input(0, Value::Map(map));
    let Value::Map(found) = max(call)? else { return Err(CONSTANT.to_owned()) };
    call.push_like(Affine::new("Neg", vec![-1.0], vec![0.0]), &found)
}

/// `ReduceSum`: the mean, times the number of values.
pub(in super::super) fn sum(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let before = call.map(0)?;
    let Value::Map(found) = mean(call)? else { return Err(CONSTANT.to_owned()) };
    let count = |map: &Map| map.dims.iter().product::<usize>();
    let n = (count(&before) / count(&found)) as f32;
    call.push_like(Affine::new("Mul", vec![n], vec![0.0]), &found)
}

/// `ReduceL1`: the sum of the sizes.
pub(in super::super) fn l1(call: &mut Call<'_, '_>) -> Result<Value, String> {
    of_each(call, Function::Abs)?;
    sum(call)
}

/// `ReduceSumSquare`.
pub(in super::super) fn sum_square(call: &mut Call<'_, '_>) -> Result<Value, String> {
    of_each(call, Function::Power { exponent: 2.0 })?;
    sum(call)
}

/// `ReduceL2`: the root of the sum of squares.
pub(in super::super) fn l2(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let Value::Map(found) = sum_square(call)? else { return Err(CONSTANT.to_owned()) };
    call.push_like(Unary::new(Function::Power { exponent: 0.5 }), &found)
}

/// What an operator on maps says about a constant.
const CONSTANT: &str = "its input is constant";

/// Takes a function of each value of the input in its place.
fn of_each(call: &mut Call<'_, '_>, function: Function) -> Result<(), String> {
    let map = call.map(0)?;
    let value = call.push_like(Unary::new(function), &map)?;
    call.set_input(0, value);
    Ok(())
}

/// A reduction as a pool. Axes are an attribute before opset 18, an input
/// since.
fn pooled<T: Cpu>(
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
    let axes = if axes.is_empty() { (0..map.rank()).collect() } else { axes };
    let (map, kernel) = as_pixels(call, &map, &axes)?;
    let shape = call.shape(&map);
    let left = |a: usize| if axes.contains(&a) { 1 } else { map.dims[a] };
    let dims: Vec<usize> = (0..map.rank()).map(left).collect();
    let order = map.full_order();
    let pooled = if kernel == [shape.h, shape.w] {
        call.push(whole(), &[&map], dims.clone(), &order)?
    } else {
        let window = Window { kernel, stride: kernel, dilation: [1, 1], pads: [0; 4], ceil: false };
        call.push(part(window), &[&map], dims.clone(), &order)?
    };
    if call.flag("keepdims", true)? {
        return Ok(Value::Map(pooled));
    }
    let kept = (0..dims.len()).filter(|a| !axes.contains(a)).map(|a| dims[a]).collect();
    call.reshape(&pooled, kept).map(Value::Map)
}

/// A map of which the given axes are all rows, all columns or both as the graph sees it, and the size
/// of the window over them.
fn as_pixels(
    call: &mut Call<'_, '_>,
    map: &Map,
    axes: &[usize],
) -> Result<(Map, [usize; 2]), String> {
    let (reduced, rest): (Vec<usize>, Vec<usize>) =
        map.order.iter().copied().partition(|a| axes.contains(a));
    if let (Some(pixels), shape) = (pixels(map, call.shape(map)), call.shape(map)) {
        let whole = |group: &[usize]| group.iter().all(|a| reduced.contains(a));
        let none = |group: &[usize]| group.iter().all(|a| rest.contains(a));
        let [rows, columns, channels] = &pixels;
        if none(channels) && [rows, columns].iter().all(|g| whole(g) || none(g)) {
            let size = |group: &[usize], n| if whole(group) { n } else { 1 };
            return Ok((map.clone(), [size(rows, shape.h), size(columns, shape.w)]));
        }
    }
    let size = |axes: &[usize]| map.sizes(axes).iter().product::<usize>();
    let shape = Shape::new(size(&rest), size(&reduced), 1);
    let order = [reduced, rest].concat();
    let map = call.arranged(map, &order, shape)?;
    Ok((map, [shape.h, 1]))
}

/// The axes that are rows, columns and channels as the graph sees a map; `None` where an axis is in two
/// of them.
fn pixels(map: &Map, shape: Shape) -> Option<[Vec<usize>; 3]> {
    let mut left = &map.order[..];
    let mut group = |size: usize| {
        let (mut n, mut axes) = (1, vec![]);
        while n < size {
            let (axis, before) = left.split_last()?;
            n *= map.dims[*axis];
            axes.push(*axis);
            left = before;
        }
        (n == size).then_some(axes)
    };
    let (c, w, h) = (group(shape.c)?, group(shape.w)?, group(shape.h)?);
    Some([h, w, c])
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
