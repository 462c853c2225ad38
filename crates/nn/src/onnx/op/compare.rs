//! Comparisons and logic on values that depend on the picture: maps of zeros and ones.

use super::{
    super::{
        call::Call,
        value::{Map, Value, broadcast_dims},
    },
    arithmetic,
};
use crate::op::{Affine, Choose, Compare, Comparison, Extreme, Mul};

fn compared(call: &mut Call<'_, '_>, comparison: Comparison) -> Result<Value, String> {
    let (a, b) = (call.any(0)?, call.any(1)?);
    arithmetic::maps(call, Compare::new(comparison), a, b)
}

/// `Equal`.
pub(in super::super) fn equal(call: &mut Call<'_, '_>) -> Result<Value, String> {
    compared(call, Comparison::Equal)
}

/// `Greater`.
pub(in super::super) fn greater(call: &mut Call<'_, '_>) -> Result<Value, String> {
    compared(call, Comparison::Greater)
}

/// `GreaterOrEqual`.
pub(in super::super) fn at_least(call: &mut Call<'_, '_>) -> Result<Value, String> {
    compared(call, Comparison::AtLeast)
}

/// `Less`.
pub(in super::super) fn less(call: &mut Call<'_, '_>) -> Result<Value, String> {
    compared(call, Comparison::Less)
}

/// `LessOrEqual`.
pub(in super::super) fn at_most(call: &mut Call<'_, '_>) -> Result<Value, String> {
    compared(call, Comparison::AtMost)
}

/// `Xor`.
pub(in super::super) fn xor(call: &mut Call<'_, '_>) -> Result<Value, String> {
    compared(call, Comparison::Differ)
}

/// `And`.
pub(in super::super) fn and(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let (a, b) = (call.any(0)?, call.any(1)?);
    arithmetic::maps(call, Mul::new(), a, b)
}

/// `Or`.
pub(in super::super) fn or(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let (a, b) = (call.any(0)?, call.any(1)?);
    arithmetic::maps(call, Extreme::new(true), a, b)
}

/// `Not`.
pub(in super::super) fn not(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = call.map(0)?;
    call.push_like(Affine::new("Not", vec![-1.0], vec![1.0]), &map)
}

/// True where the values of a map are not 0.
pub(super) fn is_not_zero(call: &mut Call<'_, '_>, map: &Map) -> Result<Value, String> {
    let zero = call.number(0.0)?;
    arithmetic::maps(call, Compare::new(Comparison::Differ), map.clone(), zero)
}

/// `Where` with a condition that depends on the picture.
pub(super) fn choose(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let mut all = [call.any(0)?, call.any(1)?, call.any(2)?];
    let dims = broadcast_dims(&broadcast_dims(&all[0].dims, &all[1].dims)?, &all[2].dims)?;
    let order = match all.iter().find(|map| map.dims == dims) {
        Some(map) => map.full_order(),
        None => (0..dims.len()).collect(),
    };
    let shape = Call::view(&dims, &order);
    for map in &mut all {
        let filled = arithmetic::filled_up(call, map, dims.len())?;
        let spread = call.expand(&filled, &dims, &order)?;
        *map = call.arranged(&spread, &order, shape)?;
    }
    let [which, a, b] = &all;
    call.push(Choose::new(), &[which, a, b], dims, &order).map(Value::Map)
}
