//! Normalisation of channels, or of groups of them, over each picture.

use super::super::{
    call::Call,
    value::{Map, Value, axis, joined},
};
use crate::op::{Affine, LayerNorm};

/// `InstanceNormalization`: each channel over its pixels.
pub(in super::super) fn instance(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = call.map(0)?;
    let channels = channels(&map)?;
    grouped(call, "InstanceNormalization", &map, channels, channels)
}

/// `GroupNormalization`: each group of channels over its values. Weight and bias are per group before
/// opset 21.
pub(in super::super) fn group(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = call.map(0)?;
    let channels = channels(&map)?;
    let groups = call.int("num_groups")?.and_then(|g| usize::try_from(g).ok());
    let groups = groups.filter(|g| *g > 0 && channels.is_multiple_of(*g));
    let groups =
        groups.ok_or_else(|| format!("`num_groups` does not divide its {channels} channels"))?;
    let weights = if call.opset() < 21 { groups } else { channels };
    grouped(call, "GroupNormalization", &map, groups, weights)
}

/// `MeanVarianceNormalization`: each channel over its pixels, or all values with axis 1 among its axes.
pub(in super::super) fn mean_variance(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = call.map(0)?;
    let axes = match call.ints("axes")? {
        Some(axes) => axes.iter().map(|a| axis(*a, map.rank())).collect::<Result<Vec<_>, _>>()?,
        None => vec![0, 2, 3],
    };
    let over: Vec<usize> = (0..map.rank()).filter(|a| axes.contains(a)).collect();
    let map = call.with_channels(&map, &over)?;
    let n: usize = map.sizes(&over).iter().product();
    call.charge(&[2, n])?;
    // the deviation is stabilised by 1e-9, its square by the square of that
    let norm = LayerNorm::new("MeanVarianceNormalization", vec![1.0; n], vec![0.0; n], 1e-18, true);
    call.push_like(norm, &map)
}

fn channels(map: &Map) -> Result<usize, String> {
    match map.dims[..] {
        [1, c, _, ..] => Ok(c),
        _ => Err(format!("its input is {}, expected (N, C, ...)", joined(&map.dims))),
    }
}

/// The normalisation of `groups` parts of the channels, and a factor and summand for each of `weights`
/// parts.
fn grouped(
    call: &mut Call<'_, '_>,
    name: &'static str,
    map: &Map,
    groups: usize,
    weights: usize,
) -> Result<Value, String> {
    let epsilon = call.finite("epsilon", 1e-5)?;
    if epsilon < 0.0 {
        return Err(format!("attribute `epsilon` is {epsilon}, expected at least 0"));
    }
    let (weight, bias) = (call.weight_vector(1, weights)?, call.weight_vector(2, weights)?);
    let channels = map.dims[1];
    let rest = &map.dims[2..];
    let split = [&[1, groups, channels / groups], rest].concat();
    let parts = call.reshape(map, split.clone())?;
    let over: Vec<usize> = (2..split.len()).collect();
    let parts = call.with_channels(&parts, &over)?;
    let n: usize = parts.sizes(&over).iter().product();
    call.charge(&[2, n])?;
    let norm = LayerNorm::new(name, vec![1.0; n], vec![0.0; n], epsilon, true);
    let Value::Map(normalised) = call.push_like(norm, &parts)? else {
        return Err("its input is constant".to_owned());
    };
    let normalised = call.reshape(&normalised, map.dims.clone())?;
    let normalised = call.with_channels(&normalised, &[1])?;
    let per_channel = |values: &[f32]| -> Vec<f32> {
        (0..channels).map(|c| values[c / (channels / weights)]).collect()
    };
    let scale = Affine::new("Mul", per_channel(&weight), per_channel(&bias));
    call.push_like(scale, &normalised)
}
