//! Reductions along axes.

use super::{
    super::{
        call::Call,
        value::{Constant, Map, Numbers, Value, View, axis, joined},
    },
    arithmetic,
};
use crate::{
    base::geom::Shape,
    op::{Add, Affine, AvgPool, Cpu, Function, MaxPool, Mul, Unary, Window},
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

/// `ReduceLogSum`.
pub(in super::super) fn log_sum(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let Value::Map(found) = sum(call)? else { return Err(CONSTANT.to_owned()) };
    call.push_like(Unary::new(Function::Log), &found)
}

/// `ReduceLogSumExp`, with the largest value taken out of the exponentials.
pub(in super::super) fn log_sum_exp(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = call.map(0)?;
    let axes = reduced_axes(call, &map)?;
    let left = |a: usize| if axes.contains(&a) { 1 } else { map.dims[a] };
    let kept: Vec<usize> = (0..map.rank()).map(left).collect();
    let Value::Map(top) = max(call)? else { return Err(CONSTANT.to_owned()) };
    let spread = call.reshape(&top, kept)?;
    let less = arithmetic::maps(call, Add::new(vec![1.0, -1.0]), map, spread)?;
    call.set_input(0, less);
    of_each(call, Function::Exp)?;
    let Value::Map(log) = log_sum(call)? else { return Err(CONSTANT.to_owned()) };
    arithmetic::maps(call, Add::new(vec![1.0, 1.0]), log, top)
}

/// Most values that are multiplied one by one.
const MAX_FACTORS: usize = 64;

/// `ReduceProd` along one axis.
pub(in super::super) fn product(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = call.map(0)?;
    let axes = reduced_axes(call, &map)?;
    let long: Vec<usize> = axes.iter().copied().filter(|a| map.dims[*a] > 1).collect();
    let mut factors = match long[..] {
        [] => vec![map.clone()],
        [along] if map.dims[along] <= MAX_FACTORS => {
            let slice = |i: usize| {
                let mut lists = vec![None; map.rank()];
                lists[along] = Some(vec![Some(i)]);
                call.pick(&map, lists, 0.0)
            };
            (0..map.dims[along]).map(slice).collect::<Result<Vec<Map>, String>>()?
        }
        _ => {
            let dims = joined(&map.dims);
            return Err(format!("it multiplies more than {MAX_FACTORS} values of {dims}"));
        }
    }
    .into_iter();
    let mut out = factors.next().ok_or("it has no factors")?;
    for factor in factors {
        let Value::Map(next) = arithmetic::maps(call, Mul::new(), out, factor)? else {
            return Err(CONSTANT.to_owned());
        };
        out = next;
    }
    if call.flag("keepdims", true)? {
        return Ok(Value::Map(out));
    }
    let kept = (0..map.rank()).filter(|a| !axes.contains(a)).map(|a| out.dims[a]).collect();
    call.reshape(&out, kept).map(Value::Map)
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
    let axes = reduced_axes(call, &map)?;
    if axes.is_empty() {
        return Ok(Value::Map(map));
    }
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
    call.moved_place(|a| {
        let before = axes.iter().filter(|gone| **gone < a).count();
        (!axes.contains(&a)).then(|| a - before)
    });
    call.reshape(&pooled, kept).map(Value::Map)
}

/// The axes that are reduced: those given, or all; none where none are given and that means none.
fn reduced_axes(call: &Call<'_, '_>, map: &Map) -> Result<Vec<usize>, String> {
    axes_of(call, map.rank())
}

fn axes_of(call: &Call<'_, '_>, rank: usize) -> Result<Vec<usize>, String> {
    let axes = call.ints_or_input("axes", 1)?.unwrap_or_default();
    if axes.is_empty() {
        let none = call.flag("noop_with_empty_axes", false)?;
        return Ok(if none { vec![] } else { (0..rank).collect() });
    }
    axes.iter().map(|a| axis(*a, rank)).collect()
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

/// `ReduceSum` of a constant.
pub(in super::super) fn sum_of_constant(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    folded(call, 0, 0.0, i64::checked_add, |a, b| a + b)
}

/// `ReduceProd` of a constant: with all axes the size that a shape stands for.
pub(in super::super) fn product_of_constant(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    folded(call, 1, 1.0, i64::checked_mul, |a, b| a * b)
}

/// `ReduceMax` of a constant.
pub(in super::super) fn max_of_constant(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    folded(call, i64::MIN, f64::NEG_INFINITY, |a, b| Some(a.max(b)), f64::max)
}

/// `ReduceMin` of a constant.
pub(in super::super) fn min_of_constant(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    folded(call, i64::MAX, f64::INFINITY, |a, b| Some(a.min(b)), f64::min)
}

/// The values of a constant along some axes combined, beginning with that of none.
fn folded(
    call: &mut Call<'_, '_>,
    no_int: i64,
    no_float: f64,
    int: impl Fn(i64, i64) -> Option<i64>,
    float: impl Fn(f64, f64) -> f64,
) -> Result<Constant, String> {
    let constant = call.constant(0)?;
    let dims = constant.dims();
    let axes = axes_of(call, dims.len())?;
    call.charge(dims)?;
    let gone = |a: usize| axes.contains(&a);
    let kept: Vec<usize> = (0..dims.len()).map(|a| if gone(a) { 1 } else { dims[a] }).collect();
    let (from, to) = (View::whole(dims), View::whole(&kept));
    let place = |at: usize| -> usize {
        let along = |a: usize| at / from.strides[a] as usize % dims[a] * to.strides[a] as usize;
        (0..dims.len()).filter(|a| !gone(*a)).map(along).sum()
    };
    let count = kept.iter().product();
    let numbers = match constant.numbers() {
        Numbers::Int(values) => {
            let mut out = vec![no_int; count];
            for (at, v) in values.iter().enumerate() {
                let into = &mut out[place(at)];
                *into = int(*into, *v).ok_or("integers overflow")?;
            }
            Numbers::Int(out)
        }
        Numbers::Float(values) => {
            let mut out = vec![no_float; count];
            for (at, v) in values.iter().enumerate() {
                let into = &mut out[place(at)];
                *into = float(*into, f64::from(*v));
            }
            Numbers::Float(out.into_iter().map(|v| v as f32).collect())
        }
    };
    let keep = call.flag("keepdims", true)? || axes.is_empty();
    let left = (0..dims.len()).filter(|a| keep || !gone(*a)).map(|a| kept[a]).collect();
    Constant::new(left, numbers)
}
