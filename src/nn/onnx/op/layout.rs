//! Changes of the order of axes.

use super::super::{
    call::Call,
    value::{Constant, Map, Value, View, axis},
};

/// `Transpose` of a map: its dimensions change places, its values do not.
pub(in super::super) fn transpose(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = call.map(0)?;
    let order = order(call, map.rank())?;
    let dims: Vec<usize> = order.iter().map(|a| map.dims[*a]).collect();
    let axes = order.iter().filter_map(|a| map.axis(*a)).collect();
    let turned = |dims| Map { dims, axes, ..map.clone() };
    if !map.batched || order.first() == Some(&0) {
        return Ok(Value::Map(turned(dims)));
    }
    // the batch, of size 1, is among the features
    let features = order.iter().filter(|a| **a != 0).map(|a| map.dims[*a]);
    let turned = turned([1].into_iter().chain(features).collect());
    call.reshape(&turned, dims, false)
}

/// `Transpose` of a constant.
pub(in super::super) fn transpose_constant(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    let constant = call.constant(0)?;
    let order = order(call, constant.dims().len())?;
    call.charge(constant.dims())?;
    let whole = View::whole(constant.dims());
    let dims = order.iter().map(|a| whole.dims[*a]).collect();
    let strides = order.iter().map(|a| whole.strides[*a]).collect();
    Ok(constant.view(&View { dims, strides, offset: 0 }))
}

/// The axes in their new order: by default reversed.
fn order(call: &Call<'_, '_>, rank: usize) -> Result<Vec<usize>, String> {
    let Some(given) = call.ints("perm")? else { return Ok((0..rank).rev().collect()) };
    let order = given.iter().map(|a| axis(*a, rank)).collect::<Result<Vec<_>, _>>()?;
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if sorted.into_iter().eq(0..rank) {
        return Ok(order);
    }
    Err(format!("`perm` {given:?} is no order of {rank} axes"))
}
