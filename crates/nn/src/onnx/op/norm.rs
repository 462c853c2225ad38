//! Normalisation.

use super::super::{
    call::Call,
    value::{Constant, Map, Numbers, Value, axis, joined},
};
use crate::op::{Affine, LayerNorm, Lrn};

/// More channels than any network has in one map.
const MAX_LRN_SIZE: i64 = 1 << 20;

/// `BatchNormalization` in evaluation mode: `y = gamma (x - mean) / sqrt(var + epsilon) + beta`, per
/// channel, or per value with `spatial = 0` (before opset 9).
pub(in super::super) fn batch(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = call.map(0)?;
    if call.flag("training_mode", false)? {
        return Err("it is in training mode; export the model in evaluation mode".to_owned());
    }
    if map.rank() < 2 {
        return Err(format!("its input is {}, expected (N, C, ...)", joined(&map.dims)));
    }
    let spatial = call.flag("spatial", true)?;
    // statistics are per channel, or per value in the order of the dimensions behind the batch
    let map = if spatial { call.with_channels(&map, &[1])? } else { map };
    let features = &map.dims[1..];
    let n: usize = if spatial { features[0] } else { features.iter().product() };
    let epsilon = call.finite("epsilon", 1e-5)?;
    let mut parameter = |k: usize| {
        let name = call.input_name(k).to_owned();
        let (dims, values) = call.weights(k)?;
        if values.len() == n && (!spatial || dims.len() == 1) {
            return Ok(values);
        }
        Err(format!("weight `{name}` is {}, expected {n} values", joined(&dims)))
    };
    let [gamma, beta, mean, var] = [parameter(1)?, parameter(2)?, parameter(3)?, parameter(4)?];
    let (scale, shift) = (0..n)
        .map(|i| {
            let deviation = (f64::from(var[i]) + f64::from(epsilon)).sqrt();
            let scale = f64::from(gamma[i]) / deviation;
            let shift = f64::from(beta[i]) - f64::from(mean[i]) * scale;
            (scale as f32, shift as f32)
        })
        .unzip::<f32, f32, Vec<f32>, Vec<f32>>();
    if let Some(at) = scale.iter().chain(&shift).position(|v| !v.is_finite()) {
        let at = at % n;
        return Err(format!(
            "variance {} of channel {at} with epsilon {epsilon:e} gives no finite scale",
            var[at]
        ));
    }
    call.remark(format!("epsilon {epsilon:e}"));
    let [scale, shift] =
        if spatial { [scale, shift] } else { per_value(call, &map, [scale, shift])? };
    call.push_like(Affine::new("BatchNormalization", scale, shift), &map)
}

/// `BatchNormalization` of a constant, by its own mean and variance in training mode: weights that a
/// network standardises before it uses them.
pub(in super::super) fn batch_constant(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    let (dims, mut values) = call.weights(0)?;
    let [batch, channels, inner @ ..] = &dims[..] else {
        return Err(format!("its input is {}, expected (N, C, ...)", joined(&dims)));
    };
    call.charge(&dims)?;
    let (batch, channels, inner) = (*batch, *channels, inner.iter().product::<usize>());
    let training = call.flag("training_mode", false)?;
    let epsilon = f64::from(call.finite("epsilon", 1e-5)?);
    let mut parameter = |k: usize| {
        let name = call.input_name(k).to_owned();
        let (found, values) = call.weights(k)?;
        let fits = values.len() == channels;
        let problem =
            || format!("weight `{name}` is {}, expected {channels} values", joined(&found));
        fits.then_some(values).ok_or_else(problem)
    };
    let [gamma, beta] = [parameter(1)?, parameter(2)?];
    let given = if training { None } else { Some([parameter(3)?, parameter(4)?]) };
    for c in 0..channels {
        let at = |i: usize| (i / inner * channels + c) * inner + i % inner;
        let count = batch * inner;
        let [mean, variance] = match &given {
            Some([mean, variance]) => [f64::from(mean[c]), f64::from(variance[c])],
            None => moments((0..count).map(|i| f64::from(values[at(i)])), count),
        };
        let deviation = (variance + epsilon).sqrt();
        for i in 0..count {
            let normal = (f64::from(values[at(i)]) - mean) / deviation;
            values[at(i)] = (normal * f64::from(gamma[c]) + f64::from(beta[c])) as f32;
        }
    }
    Constant::new(dims, Numbers::Float(values))
}

/// Mean and variance of `count` values.
fn moments(values: impl Iterator<Item = f64> + Clone, count: usize) -> [f64; 2] {
    let mean = values.clone().sum::<f64>() / count as f64;
    [mean, values.map(|v| (v - mean).powi(2)).sum::<f64>() / count as f64]
}

/// Numbers in the order of the dimensions behind the batch as they belong to the values of a map.
fn per_value(
    call: &Call<'_, '_>,
    map: &Map,
    numbers: [Vec<f32>; 2],
) -> Result<[Vec<f32>; 2], String> {
    let features = map.dims[1..].to_vec();
    let [a, b] = numbers.map(|v| {
        let constant = Constant::new(features.clone(), Numbers::Float(v))?;
        call.placed(map, &constant)
    });
    Ok([a?, b?])
}

/// `LayerNormalization` over the last axes; weight and bias have their dimensions.
pub(in super::super) fn layer(call: &mut Call<'_, '_>) -> Result<Value, String> {
    over_last_axes(call, "LayerNormalization", true)
}

/// `RMSNormalization` over the last axes.
pub(in super::super) fn rms(call: &mut Call<'_, '_>) -> Result<Value, String> {
    over_last_axes(call, "RMSNormalization", false)
}

fn over_last_axes(
    call: &mut Call<'_, '_>,
    name: &'static str,
    centred: bool,
) -> Result<Value, String> {
    let map = call.map(0)?;
    let first = axis(call.int("axis")?.unwrap_or(-1), map.rank())?;
    let epsilon = call.finite("epsilon", 1e-5)?;
    let over: Vec<usize> = (first..map.rank()).collect();
    let map = call.with_channels(&map, &over)?;
    let dims = map.dims[first..].to_vec();
    let n: usize = dims.iter().product();
    call.charge(&[2, n])?;
    let mut parameter = |k: usize, default: f32| {
        if call.optional(k).is_none() {
            return Ok::<Vec<f32>, String>(vec![default; n]);
        }
        let name = call.input_name(k).to_owned();
        let (own, values) = call.weights(k)?;
        let spread = Constant::new(own.clone(), Numbers::Float(values))?.expanded(&dims);
        let unfit = |_| format!("weight `{name}` is {}, expected {}", joined(&own), joined(&dims));
        Ok(spread.map_err(unfit)?.as_floats()?.to_vec())
    };
    let (weight, bias) = (parameter(1, 1.0)?, parameter(2, 0.0)?);
    if epsilon < 0.0 {
        return Err(format!("attribute `epsilon` is {epsilon}, expected at least 0"));
    }
    call.push_like(LayerNorm::new(name, weight, bias, epsilon, centred), &map)
}

/// `LRN` over channels.
pub(in super::super) fn lrn(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let (map, _) = call.image(0)?;
    let size = match call.int("size")? {
        Some(n) if (1..=MAX_LRN_SIZE).contains(&n) => n as usize,
        Some(n) => return Err(format!("attribute `size` is {n}, expected at least 1")),
        None => return Err("attribute `size` is missing".to_owned()),
    };
    let alpha = call.finite("alpha", 1e-4)?;
    let beta = call.finite("beta", 0.75)?;
    let bias = call.finite("bias", 1.0)?;
    call.push_like(Lrn::new(size, alpha, beta, bias), &map)
}
