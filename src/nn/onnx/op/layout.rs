//! Changes of the order of axes.

use super::super::{
    call::Call,
    value::{Constant, Value, View, axis, joined},
};

/// `Transpose` of a map, where it moves axes of size 1 only and so changes no order of values.
pub(in super::super) fn transpose(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = call.map(0)?;
    let order = order(call, map.rank())?;
    let long = |axis: &usize| map.dims[*axis] > 1;
    let moved: Vec<usize> = order.iter().copied().filter(long).collect();
    if !moved.is_sorted() {
        return Err(format!(
            "the order of axes {order:?} of dimensions {} is not supported; export the model with \
             channels before height and width (NCHW)",
            joined(&map.dims)
        ));
    }
    let dims: Vec<usize> = order.iter().map(|a| map.dims[*a]).collect();
    let batched = map.batched && order.first() == Some(&0);
    call.reshape(&map, dims, batched)
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
