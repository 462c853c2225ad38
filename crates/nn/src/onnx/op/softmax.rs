//! Softmax, inside the network or at its end (where canonicalisation cuts it off).

use super::{
    super::{
        call::Call,
        value::{Constant, Map, Value, axis},
    },
    arithmetic, reduce,
};
use crate::op::{Add, Softmax};

/// `Softmax` over one axis, or over all from one on before opset 13.
pub(in super::super) fn softmax(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = over_channels(call)?;
    call.push_like(Softmax::new(), &map)
}

/// `LogSoftmax`; at the end of the network it is cut off, since it only shifts the scores of a picture.
pub(in super::super) fn log_softmax(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = over_channels(call)?;
    if !call.is_last() {
        return inner_log_softmax(call, map);
    }
    if map.dims.iter().product::<usize>() == 1 {
        return Err("the log-softmax of a single value is 0 for every picture".to_owned());
    }
    let name = call.name();
    call.note(format!("trailing log-softmax `{name}` cut off: scores are logits"));
    Ok(Value::Map(map))
}

/// The values less the logarithm of the sum of their exponentials.
fn inner_log_softmax(call: &mut Call<'_, '_>, map: Map) -> Result<Value, String> {
    let over = axes(call, map.rank())?.into_iter().map(|a| a as i64).collect();
    let over = Value::Constant(Constant::ints(over).into());
    call.set_inputs(vec![(0, Some(Value::Map(map.clone()))), (0, Some(over))]);
    let Value::Map(sum) = reduce::log_sum_exp(call)? else {
        return Err("its input is constant".to_owned());
    };
    arithmetic::maps(call, Add::new(vec![1.0, -1.0]), map, sum)
}

/// The input, what the operator runs over being its channels.
fn over_channels(call: &mut Call<'_, '_>) -> Result<Map, String> {
    let map = call.map(0)?;
    let over = axes(call, map.rank())?;
    call.with_channels(&map, &over)
}

/// The axes that the operator runs over.
fn axes(call: &Call<'_, '_>, rank: usize) -> Result<Vec<usize>, String> {
    let old = call.opset() < 13;
    let first = axis(call.int("axis")?.unwrap_or(if old { 1 } else { -1 }), rank)?;
    Ok(if old { (first..rank).collect() } else { vec![first] })
}
