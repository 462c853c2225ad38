//! Softmax, inside the network or at its end (where canonicalisation cuts it off).

use super::super::{
    call::Call,
    value::{Map, Value, axis, joined},
};
use crate::{base::geom::Axis, nn::op::Softmax};

/// `Softmax` over the channels.
pub(in super::super) fn softmax(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = over_channels(call)?;
    call.push_like(Softmax::new(), &[map])
}

/// `LogSoftmax` at the end of the network, which is cut off: it only shifts the scores of a picture.
pub(in super::super) fn log_softmax(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = over_channels(call)?;
    if !call.is_last() {
        return Err("it is supported at the end of the network only".to_owned());
    }
    let name = call.name();
    call.note(format!("trailing log-softmax `{name}` cut off: scores are logits"));
    Ok(Value::Map(map))
}

/// The input, when the operator runs over its channels alone.
fn over_channels(call: &Call<'_, '_>) -> Result<Map, String> {
    let map = call.map(0)?;
    // before opset 13 it runs over all axes from the given one on
    let old = call.opset() < 13;
    let given = call.int("axis")?.unwrap_or(if old { 1 } else { -1 });
    let first = axis(given, map.rank())?;
    let over = if old { first..map.rank() } else { first..first + 1 };
    let is_channel = |a: usize| map.axis(a) == Some(Axis::Channel);
    let fits =
        over.clone().any(is_channel) && over.clone().all(|a| is_channel(a) || map.dims[a] == 1);
    if fits {
        return Ok(map);
    }
    let dims = joined(&map.dims);
    Err(format!("axis {given} of dimensions {dims} is not the channels, and no other is supported"))
}
