//! Operators that read or change dimensions, but no values.

use super::super::{
    call::Call,
    value::{Constant, Map, Numbers, Value, axis, broadcast_dims, joined, volume},
};

/// `Shape` of a map: its dimensions; a batch that the file leaves open counts 1.
pub(in super::super) fn shape_of(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = call.map(0)?;
    let dims = call.dims_in_file(&map);
    Ok(Value::Constant(dims_between(call, &dims)?.into()))
}

/// `Shape` of a constant.
pub(in super::super) fn shape_of_constant(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    let constant = call.constant(0)?;
    dims_between(call, constant.dims())
}

/// `Size` of a map: how many values it has.
pub(in super::super) fn size(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = call.map(0)?;
    let n: usize = call.dims_in_file(&map).iter().product();
    Ok(Value::Constant(Constant::new(vec![], Numbers::Int(vec![n as i64]))?.into()))
}

/// `Size` of a constant.
pub(in super::super) fn size_of_constant(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    let n = call.constant(0)?.len();
    Constant::new(vec![], Numbers::Int(vec![n as i64]))
}

/// The dimensions from `start` to `end` (opset 15), by default all.
fn dims_between(call: &Call<'_, '_>, dims: &[usize]) -> Result<Constant, String> {
    let rank = dims.len() as i64;
    let bound = |name, default| {
        let at = call.int(name)?.unwrap_or(default);
        Ok::<_, String>((if at < 0 { at.saturating_add(rank) } else { at }).clamp(0, rank) as usize)
    };
    let (start, end) = (bound("start", 0)?, bound("end", rank)?);
    let wanted = dims.get(start..end).unwrap_or_default();
    Ok(Constant::ints(wanted.iter().map(|d| *d as i64).collect()))
}

/// `Reshape` of a map.
pub(in super::super) fn reshape(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = call.map(0)?;
    let wanted = call.optional_ints(1)?.ok_or("its target dimensions are missing")?;
    let wanted = resolve(&wanted, &call.dims_in_file(&map), call.flag("allowzero", false)?)?;
    let dims = call.for_one(&map, wanted)?;
    call.reshape(&map, dims).map(Value::Map)
}

/// `Reshape` of a constant.
pub(in super::super) fn reshape_constant(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    let constant = call.constant(0)?;
    call.charge(constant.dims())?;
    let wanted = call.optional_ints(1)?.ok_or("its target dimensions are missing")?;
    constant.reshaped(resolve(&wanted, constant.dims(), call.flag("allowzero", false)?)?)
}

/// The dimensions that `from` is reshaped to: 0 keeps a size (unless `allow_zero`), -1 stands for
/// what is left.
fn resolve(wanted: &[i64], from: &[usize], allow_zero: bool) -> Result<Vec<usize>, String> {
    let fail = || format!("{} cannot be reshaped to {wanted:?}", joined(from));
    let mut dims = Vec::with_capacity(wanted.len());
    let mut open = None;
    for (axis, size) in wanted.iter().enumerate() {
        dims.push(match size {
            -1 if open.is_none() => {
                open = Some(axis);
                1
            }
            0 if !allow_zero => *from.get(axis).ok_or_else(fail)?,
            _ => usize::try_from(*size).map_err(|_| fail())?,
        });
    }
    let (total, known) = (volume(from), volume(&dims));
    if let (Some(axis), Some(total), Some(known @ 1..)) = (open, total, known) {
        dims[axis] = total / known;
    }
    if volume(&dims) == total { Ok(dims) } else { Err(fail()) }
}

/// `Flatten` of a map: two axes, cut at `axis`.
pub(in super::super) fn flatten(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = call.map(0)?;
    let wanted = flattened(call, &call.dims_in_file(&map))?;
    let dims = call.for_one(&map, wanted)?;
    call.reshape(&map, dims).map(Value::Map)
}

/// `Flatten` of a constant.
pub(in super::super) fn flatten_constant(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    let constant = call.constant(0)?;
    call.charge(constant.dims())?;
    constant.reshaped(flattened(call, constant.dims())?)
}

fn flattened(call: &Call<'_, '_>, dims: &[usize]) -> Result<Vec<usize>, String> {
    let given = call.int("axis")?.unwrap_or(1);
    // the cut may also be behind the last axis
    let cut = if given == dims.len() as i64 { dims.len() } else { axis(given, dims.len())? };
    Ok(vec![dims[..cut].iter().product(), dims[cut..].iter().product()])
}

/// `Squeeze` of a map.
pub(in super::super) fn squeeze(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = call.map(0)?;
    let axes = squeezed_axes(call, &call.dims_in_file(&map))?;
    call.moved_place(|a| {
        let before = axes.iter().filter(|gone| **gone < a).count();
        (!axes.contains(&a)).then(|| a - before)
    });
    call.reshape(&map, left(&map.dims, &axes)).map(Value::Map)
}

/// `Squeeze` of a constant.
pub(in super::super) fn squeeze_constant(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    let constant = call.constant(0)?;
    call.charge(constant.dims())?;
    let axes = squeezed_axes(call, constant.dims())?;
    constant.reshaped(left(constant.dims(), &axes))
}

/// The axes that go: those given, an attribute before opset 13 and an input since, or all of size 1.
fn squeezed_axes(call: &Call<'_, '_>, dims: &[usize]) -> Result<Vec<usize>, String> {
    let Some(given) = call.ints_or_input("axes", 1)? else {
        return Ok((0..dims.len()).filter(|a| dims[*a] == 1).collect());
    };
    let axes = given.iter().map(|a| axis(*a, dims.len())).collect::<Result<Vec<_>, _>>()?;
    match axes.iter().find(|a| dims[**a] != 1) {
        Some(a) => Err(format!("axis {a} of dimensions {} is not of size 1", joined(dims))),
        None => Ok(axes),
    }
}

fn left(dims: &[usize], gone: &[usize]) -> Vec<usize> {
    (0..dims.len()).filter(|a| !gone.contains(a)).map(|a| dims[a]).collect()
}

/// `Unsqueeze` of a map.
pub(in super::super) fn unsqueeze(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = call.map(0)?;
    let wanted = unsqueezed(call, &call.dims_in_file(&map))?;
    let dims = call.for_one(&map, wanted)?;
    call.reshape(&map, dims).map(Value::Map)
}

/// `Unsqueeze` of a constant.
pub(in super::super) fn unsqueeze_constant(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    let constant = call.constant(0)?;
    call.charge(constant.dims())?;
    constant.reshaped(unsqueezed(call, constant.dims())?)
}

/// The dimensions with new ones of size 1.
fn unsqueezed(call: &Call<'_, '_>, dims: &[usize]) -> Result<Vec<usize>, String> {
    let given = call.ints_or_input("axes", 1)?.ok_or("its axes are missing")?;
    let rank = dims.len() + given.len();
    let axes = given.iter().map(|a| axis(*a, rank)).collect::<Result<Vec<_>, _>>()?;
    let mut old = dims.iter();
    let size = |a: usize| if axes.contains(&a) { Some(1) } else { old.next().copied() };
    let new: Option<Vec<usize>> = (0..rank).map(size).collect();
    match new {
        Some(new) if old.next().is_none() => Ok(new),
        _ => Err(format!("its axes {given:?} repeat")),
    }
}

/// `Expand` of a map: repeated along axes of size 1.
pub(in super::super) fn expand(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map: Map = call.map(0)?;
    let mut wanted = sizes(call)?;
    call.sizes_for_one(&mut wanted);
    let dims = broadcast_dims(&map.dims, &wanted)?;
    let ones = vec![1; dims.len() - map.rank()];
    let map = call.reshape(&map, [ones, map.dims.clone()].concat())?;
    let order = map.full_order();
    call.expand(&map, &dims, &order).map(Value::Map)
}

/// `Expand` of a constant.
pub(in super::super) fn expand_constant(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    let constant = call.constant(0)?;
    let dims = broadcast_dims(constant.dims(), &sizes(call)?)?;
    call.charge(&dims)?;
    constant.expanded(&dims)
}

fn sizes(call: &Call<'_, '_>) -> Result<Vec<usize>, String> {
    let wanted = call.optional_ints(1)?.ok_or("its target dimensions are missing")?;
    let sizes: Option<Vec<usize>> = wanted.iter().map(|d| usize::try_from(*d).ok()).collect();
    sizes.ok_or_else(|| format!("its target dimensions {wanted:?} are negative"))
}
