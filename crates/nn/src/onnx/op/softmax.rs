//! Softmax, inside the network or at its end (where canonicalisation cuts it off).

use super::super::{
    call::Call,
    value::{Map, Value, axis},
};
use crate::op::Softmax;

/// `Softmax` over one axis, or over all from one on before opset 13.
pub(in super::super) fn softmax(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = over_channels(call)?;
    call.push_like(Softmax::new(), &map)
}

/// `LogSoftmax` at the end of the network, which is cut off: it only shifts the scores of a picture.
pub(in super::super) fn log_softmax(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = over_channels(call)?;
    if !call.is_last() {
        return Err("it is supported at the end of the network only".to_owned());
    }
    if map.dims.iter().product::<usize>() == 1 {
        return Err("the log-softmax of a single value is 0 for every picture".to_owned());
    }
    let name = call.name();
    call.note(format!("trailing log-softmax `{name}` cut off: scores are logits"));
    Ok(Value::Map(map))
}

/// The input, what the operator runs over being its channels.
fn over_channels(call: &mut Call<'_, '_>) -> Result<Map, String> {
    let map = call.map(0)?;
    let old = call.opset() < 13;
    let first = axis(call.int("axis")?.unwrap_or(if old { 1 } else { -1 }), map.rank())?;
    let over: Vec<usize> = if old { (first..map.rank()).collect() } else { vec![first] };
    call.with_channels(&map, &over)
}
