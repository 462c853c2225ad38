//! Picking values out of constants, and channels out of maps.

use super::super::{
    call::Call,
    value::{Constant, Numbers, Value, View, axis},
};
use crate::{
    base::geom::Axis,
    nn::op::{Conv, ConvGeometry},
};

/// `Gather` of channels of a map, as torchvision's `transform_input` writes it: a 1x1 convolution
/// with ones and zeros.
pub(in super::super) fn gather_channels(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let (map, indices) = (call.map(0)?, call.constant(1)?);
    let along = axis(call.int("axis")?.unwrap_or(0), map.rank())?;
    if map.axis(along) != Some(Axis::Channel) || indices.dims().len() > 1 {
        return Err(format!("it picks along axis {along}, supported are channels"));
    }
    let c = map.dims[along];
    let outside = |_| format!("an index is outside of the {c} channels");
    let picked = indices.as_ints()?.iter().map(|i| axis(*i, c)).collect::<Result<Vec<_>, _>>();
    let picked = picked.map_err(outside)?;
    let mut weights = vec![0.0; picked.len() * c];
    picked.iter().enumerate().for_each(|(o, i)| weights[o * c + i] = 1.0);
    let (kernel, stride, dilation) = ([1; 2], [1; 2], [1; 2]);
    let geometry = ConvGeometry { kernel, stride, dilation, pads: [0; 4], groups: 1 };
    let pick = Conv::new(weights, picked.len(), c, geometry, vec![])?;
    let mut dims = map.dims.clone();
    dims[along] = picked.len();
    let batched = map.batched;
    let Value::Map(channels) = call.push(pick, &[map], dims.clone())? else {
        return Err("it picks from a constant".to_owned());
    };
    if indices.dims().is_empty() {
        dims.remove(along);
        return call.reshape(&channels, dims, batched);
    }
    Ok(Value::Map(channels))
}

/// `Gather`: slices along one axis, by their indices.
pub(in super::super) fn gather(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    let (data, indices) = (call.constant(0)?, call.constant(1)?);
    let along = axis(call.int("axis")?.unwrap_or(0), data.dims().len())?;
    let n = data.dims()[along];
    let dims = [&data.dims()[..along], indices.dims(), &data.dims()[along + 1..]].concat();
    call.charge(&dims)?;
    let positions: Vec<usize> = indices
        .as_ints()?
        .iter()
        .map(|i| axis(*i, n))
        .collect::<Result<_, _>>()
        .map_err(|_| format!("an index is outside of the {n} values along axis {along}"))?;
    let inner: usize = data.dims()[along + 1..].iter().product();
    let outer: usize = data.dims()[..along].iter().product();
    let starts = (0..outer).flat_map(|o| positions.iter().map(move |p| (o * n + p) * inner));
    let numbers = match data.numbers() {
        Numbers::Int(v) => Numbers::Int(starts.flat_map(|s| &v[s..s + inner]).copied().collect()),
        Numbers::Float(v) => {
            Numbers::Float(starts.flat_map(|s| &v[s..s + inner]).copied().collect())
        }
    };
    Constant::new(dims, numbers)
}

/// `Slice`: ranges along some axes; attributes before opset 10, inputs since.
pub(in super::super) fn slice(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    let data = call.constant(0)?;
    let starts = call.ints_or_input("starts", 1)?.ok_or("its starts are missing")?;
    let ends = call.ints_or_input("ends", 2)?.ok_or("its ends are missing")?;
    let count = starts.len();
    let axes = call.ints_or_input("axes", 3)?.unwrap_or((0..count as i64).collect());
    let steps = call.optional_ints(4)?.unwrap_or(vec![1; count]);
    if [ends.len(), axes.len(), steps.len()] != [count; 3] {
        return Err("its starts, ends, axes and steps differ in number".to_owned());
    }
    let mut view = View::whole(data.dims());
    for k in 0..count {
        let along = axis(axes[k], data.dims().len())?;
        cut(&mut view, along, starts[k], ends[k], steps[k])?;
    }
    call.charge(&view.dims)?;
    Ok(data.view(&view))
}

/// Restricts one axis of a view to `start`, `start + step`, ... before `end`; both count from the
/// end when negative and are clamped to the axis.
fn cut(view: &mut View, along: usize, start: i64, end: i64, step: i64) -> Result<(), String> {
    let n = view.dims[along] as i64;
    let from_end = |i: i64| if i < 0 { i.saturating_add(n) } else { i };
    let (start, end) = if step > 0 {
        (from_end(start).clamp(0, n), from_end(end).clamp(0, n))
    } else {
        (from_end(start).clamp(-1, n - 1), from_end(end).clamp(-1, n - 1))
    };
    let count = match step {
        0 => return Err("a step is 0".to_owned()),
        s if s > 0 && end > start => 1 + (end - start - 1) / s,
        s if s < 0 && end < start => 1 + (start - end - 1) / s.saturating_neg(),
        _ => 0,
    };
    if count > 0 {
        view.offset = (view.offset as isize + start as isize * view.strides[along]) as usize;
    }
    view.dims[along] = count as usize;
    // a step may be far beyond the axis when it is never taken
    view.strides[along] *= if count > 1 { step as isize } else { 0 };
    Ok(())
}
