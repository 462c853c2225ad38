//! Convolution.

use super::{super::call::Call, super::value::Value, super::value::joined, sliding};
use crate::op::{Conv, ConvGeometry};

/// `Conv`: weights `(outputs, inputs / groups, kh, kw)`, bias per output.
pub(in super::super) fn conv(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let given = call.map(0)?;
    let line = given.rank() == 3;
    if line {
        // a line is a picture of one column
        let dims = [&given.dims[..], &[1]].concat();
        let picture = call.reshape(&given, dims)?;
        call.set_input(0, Value::Map(picture));
    }
    let (map, input) = call.image(0)?;
    let name = call.input_name(1).to_owned();
    let (mut dims, weight) = call.weights(1)?;
    dims.extend(line.then_some(1));
    let [outputs, per_group, kh, kw] = dims[..] else {
        return Err(format!(
            "weight `{name}` is {}, expected (outputs, inputs, height, width)",
            joined(&dims)
        ));
    };
    let window = sliding::window(call, input, Some([kh, kw]), line)?;
    let groups = match call.int("group")?.unwrap_or(1) {
        g if g >= 1 && g <= outputs as i64 => g as usize,
        g => return Err(format!("attribute `group` is {g}, expected 1 to {outputs}")),
    };
    if per_group.checked_mul(groups) != Some(input.c) {
        return Err(format!(
            "weight `{name}` takes {per_group} channels in each of {groups} groups, its input has \
             {}",
            input.c
        ));
    }
    let bias = match call.optional(2) {
        Some(_) => call.weight_vector(2, outputs)?,
        None => vec![],
    };
    let geometry = ConvGeometry {
        kernel: window.kernel,
        stride: window.stride,
        dilation: window.dilation,
        pads: window.pads,
        groups,
    };
    let op = Conv::new(weight, outputs, input.c, geometry, bias)?;
    match call.push_image(op, &map)? {
        Value::Map(map) if line => {
            let dims = map.dims[..3].to_vec();
            call.reshape(&map, dims).map(Value::Map)
        }
        value => Ok(value),
    }
}
