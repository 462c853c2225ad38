//! Padding.

use super::super::{
    call::Call,
    value::{Value, axis},
};
use crate::{base::geom::Axis, nn::op::Pad};

/// Largest padding: far above any in use, far below overflow.
const MAX_PAD: i64 = 1 << 16;

/// `Pad` with a constant, on height and width. Sizes and value are attributes before opset 11,
/// inputs since.
pub(in super::super) fn pad(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = call.map(0)?;
    let (pads, value) = if call.opset() < 11 {
        (call.ints("pads")?.map(<[i64]>::to_vec), call.float("value")?)
    } else {
        (call.optional_ints(1)?, call.optional_scalar(2)?)
    };
    let pads = pads.ok_or("its sizes `pads` are missing")?;
    let axes = match call.optional_ints(3)? {
        Some(axes) => axes.iter().map(|a| axis(*a, map.rank())).collect::<Result<_, _>>()?,
        None => (0..map.rank()).collect::<Vec<usize>>(),
    };
    if pads.len() != 2 * axes.len() {
        return Err(format!("it has {} sizes for {} axes", pads.len(), axes.len()));
    }
    if pads.iter().all(|p| *p == 0) {
        return Ok(Value::Map(map));
    }
    let mode = call.text("mode")?.unwrap_or("constant");
    if mode != "constant" {
        return Err(format!("mode `{mode}` is not supported, only `constant` is"));
    }
    let mut sides = [0; 4];
    let mut dims = map.dims.clone();
    for (k, pad) in pads.iter().enumerate() {
        let (along, end) = (axes[k % axes.len()], k / axes.len());
        let side = match map.axis(along) {
            Some(Axis::Row) => 2 * end,
            Some(Axis::Column) => 2 * end + 1,
            _ if *pad == 0 => continue,
            _ => return Err(format!("it pads axis {along}, only height and width can be padded")),
        };
        if !(0..=MAX_PAD).contains(pad) {
            return Err(format!("a size is {pad}, expected 0 to {MAX_PAD}"));
        }
        sides[side] = *pad as usize;
        dims[along] += sides[side];
    }
    let value = value.unwrap_or(0.0);
    if !value.is_finite() {
        return Err(format!("it pads with {value}, expected a finite number"));
    }
    call.push(Pad::new(sides, value), &[map], dims)
}
