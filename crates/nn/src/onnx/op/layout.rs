//! Changes of the order of axes.

use super::super::{
    call::Call,
    value::{Constant, Value, View, axis},
};

/// `Transpose` of a map: its dimensions change places, its values do not.
pub(in super::super) fn transpose(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = call.map(0)?;
    let order = order(call, map.rank())?;
    Ok(Value::Map(map.transposed(&order)))
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
