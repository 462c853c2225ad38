//! Normalisation.

use super::super::{
    call::Call,
    value::{Value, joined},
};
use crate::{
    base::geom::Axis,
    nn::op::{Affine, Lrn},
};

/// More channels than any network has in one map.
const MAX_LRN_SIZE: i64 = 1 << 20;

/// `BatchNormalization` in evaluation mode: `y = gamma (x - mean) / sqrt(var + epsilon) + beta`, per
/// channel, or per value with `spatial = 0` (before opset 9).
pub(in super::super) fn batch(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = call.map(0)?;
    if call.flag("training_mode", false)? {
        return Err("it is in training mode; export the model in evaluation mode".to_owned());
    }
    if !map.batched || map.rank() < 2 {
        return Err(format!("its input is {}, expected (N, C, ...)", joined(&map.dims)));
    }
    let spatial = call.flag("spatial", true)?;
    // statistics are per channel, or per value in the order channel, row, column
    let first = if spatial { 1 } else { map.axes.len() };
    let map = if map.axes[..first] == Axis::ALL[..first] {
        map
    } else {
        call.along(&map, &Axis::ALL[..map.axes.len()])?
    };
    let n = if spatial { map.features()[0] } else { map.features().iter().product() };
    let epsilon = call.finite("epsilon", 1e-5)?;
    let mut parameter = |k: usize| {
        let name = call.input_name(k).to_owned();
        let (dims, values) = call.weights(k)?;
        if values.len() == n {
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
    call.push_like(Affine::new("BatchNormalization", scale, shift), &[map])
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
    call.push_like(Lrn::new(size, alpha, beta, bias), &[map])
}
