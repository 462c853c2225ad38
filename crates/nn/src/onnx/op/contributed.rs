//! Operators of onnxruntime (`com.microsoft`), which its optimiser puts in place of several of ONNX.

use super::{
    super::{
        call::Call,
        value::{Constant, Numbers, Value, View, joined},
    },
    arithmetic, conv, dense, norm,
};
use crate::op::{Affine, Function, Unary};
use std::rc::Rc;

/// `FusedConv`: a convolution, a summand, an activation.
pub(in super::super) fn conv(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let term = call.optional(3).cloned();
    let parameters = call.floats("activation_params")?.unwrap_or_default().to_vec();
    let activation = activated(call, &parameters)?;
    let mut out = conv::conv(call)?;
    if let Some(term) = term {
        call.set_inputs(vec![(0, Some(out)), (3, Some(term))]);
        out = arithmetic::add(call)?;
    }
    finish(call, out, activation)
}

/// `FusedGemm`: a fully connected layer and an activation.
pub(in super::super) fn gemm(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let names = ["activation_alpha", "activation_beta", "activation_gamma"];
    let parameters =
        names.map(|name| call.float(name)).into_iter().collect::<Result<Vec<_>, _>>()?;
    let parameters: Vec<f32> = parameters.into_iter().map_while(|p| p).collect();
    let activation = activated(call, &parameters)?;
    let out = dense::linear(call)?;
    finish(call, out, activation)
}

/// The activation of a node, by its name; its parameters are those of the operator in ONNX.
fn activated(call: &Call<'_, '_>, parameters: &[f32]) -> Result<Option<Function>, String> {
    let parameter = |k: usize, default: f32| parameters.get(k).copied().unwrap_or(default);
    Ok(Some(match call.text("activation")?.unwrap_or_default() {
        "" => return Ok(None),
        "Relu" => Function::Relu,
        "Tanh" => Function::Tanh,
        "Sigmoid" => Function::Sigmoid,
        "LeakyRelu" => Function::LeakyRelu { alpha: parameter(0, 0.01) },
        "Elu" => Function::Elu { alpha: parameter(0, 1.0) },
        "Softplus" => Function::Softplus,
        "Softsign" => Function::Softsign,
        "HardSigmoid" => {
            Function::HardSigmoid { alpha: parameter(0, 0.2), beta: parameter(1, 0.5) }
        }
        "HardSwish" => Function::HardSwish,
        "Gelu" => Function::Gelu,
        "Clip" => Function::Clip {
            min: parameter(0, f32::NEG_INFINITY),
            max: parameter(1, f32::INFINITY),
        },
        other => return Err(format!("attribute `activation` is `{other}`, which is not known")),
    }))
}

fn finish(
    call: &mut Call<'_, '_>,
    out: Value,
    activation: Option<Function>,
) -> Result<Value, String> {
    match (out, activation) {
        (Value::Map(map), Some(function)) => call.push_like(Unary::new(function), &map),
        (out, _) => Ok(out),
    }
}

/// `FusedMatMul`: `alpha A B`, either transposed.
pub(in super::super) fn matmul(call: &mut Call<'_, '_>) -> Result<Value, String> {
    if call.flag("transBatchA", false)? || call.flag("transBatchB", false)? {
        return Err("its `transBatchA` or `transBatchB` is 1, which is not supported".to_owned());
    }
    let alpha = call.finite("alpha", 1.0)?;
    for (k, name) in ["transA", "transB"].into_iter().enumerate() {
        if call.flag(name, false)? {
            let turned = turned(call, k)?;
            call.set_input(k, turned);
        }
    }
    match dense::matmul(call)? {
        Value::Map(map) if alpha.to_bits() != 1f32.to_bits() => {
            call.push_like(Affine::new("Mul", vec![alpha], vec![0.0]), &map)
        }
        out => Ok(out),
    }
}

/// An input with its last two axes swapped.
fn turned(call: &mut Call<'_, '_>, k: usize) -> Result<Value, String> {
    match call.input(k)?.clone() {
        Value::Map(map) if map.rank() > 1 => {
            let n = map.rank();
            let order: Vec<usize> = (0..n - 2).chain([n - 1, n - 2]).collect();
            Ok(Value::Map(map.transposed(&order)))
        }
        Value::Constant(c) if c.dims().len() > 1 => {
            call.charge(c.dims())?;
            let mut view = View::whole(c.dims());
            let n = c.dims().len();
            view.dims.swap(n - 2, n - 1);
            view.strides.swap(n - 2, n - 1);
            Ok(Value::Constant(Rc::new(c.view(&view))))
        }
        _ => Err("it transposes an input of fewer than 2 axes".to_owned()),
    }
}

/// `BiasGelu`, and `FastGelu` whose bias may be absent.
fn biased(call: &mut Call<'_, '_>, function: Function) -> Result<Value, String> {
    let value = match call.optional(1) {
        Some(_) => arithmetic::add(call)?,
        None => call.input(0)?.clone(),
    };
    finish(call, value, Some(function))
}

/// `BiasGelu`.
pub(in super::super) fn bias_gelu(call: &mut Call<'_, '_>) -> Result<Value, String> {
    biased(call, Function::Gelu)
}

/// `FastGelu`.
pub(in super::super) fn fast_gelu(call: &mut Call<'_, '_>) -> Result<Value, String> {
    biased(call, Function::GeluTanh)
}

/// `QuickGelu`: `x sigmoid(alpha x)`.
pub(in super::super) fn quick_gelu(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let (map, alpha) = (call.map(0)?, call.finite("alpha", 1.702)?);
    call.push_like(Unary::new(Function::Swish { alpha }), &map)
}

/// `SkipLayerNormalization`: the normalised sum of two maps and a bias; output 3 is the sum.
pub(in super::super) fn skip_norm(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let (weight, shift, bias) =
        (call.input(2)?.clone(), call.optional(3).cloned(), call.optional(4).cloned());
    skipped(call, bias, vec![(2, Some(weight)), (3, shift)], norm::layer)
}

/// `SkipSimplifiedLayerNormalization`: the same without a mean.
pub(in super::super) fn skip_rms(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let (weight, bias) = (call.input(2)?.clone(), call.optional(3).cloned());
    skipped(call, bias, vec![(2, Some(weight))], norm::rms)
}

fn skipped(
    call: &mut Call<'_, '_>,
    bias: Option<Value>,
    weights: Vec<(usize, Option<Value>)>,
    norm: fn(&mut Call<'_, '_>) -> Result<Value, String>,
) -> Result<Value, String> {
    let mut sum = arithmetic::add(call)?;
    if let Some(bias) = bias {
        call.set_inputs(vec![(0, Some(sum)), (4, Some(bias))]);
        sum = arithmetic::add(call)?;
    }
    call.also(3, sum.clone());
    call.set_inputs([vec![(0, Some(sum))], weights].concat());
    norm(call)
}

/// `MatMulNBits`: a product with a matrix that is kept in 4 or 8 bits, in blocks with a scale each.
pub(in super::super) fn matmul_bits(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let size = |name: &str| -> Result<usize, String> {
        let value = call.int(name)?.and_then(|v| usize::try_from(v).ok()).filter(|v| *v > 0);
        value.ok_or_else(|| format!("attribute `{name}` is missing or not positive"))
    };
    let (k, n, block) = (size("K")?, size("N")?, size("block_size")?);
    let bits = call.int("bits")?.unwrap_or(4);
    if ![4, 8].contains(&bits) || call.optional(4).is_some() {
        return Err(format!("its {bits} bits or their order is not supported, expected 4 or 8"));
    }
    let per = 8 / bits as usize;
    let blocks = k.div_ceil(block);
    let (packed, scales) = (call.constant(1)?, call.constant(2)?);
    let zeros = call.optional_constant(3)?;
    let (bytes, of_zeros) = (block.div_ceil(per), blocks.div_ceil(per));
    call.charge(&[n, k])?;
    let (packed, scales) = (packed.as_ints()?, scales.as_floats()?);
    let wanted = [n, blocks, bytes].iter().try_fold(1usize, |all, s| all.checked_mul(*s));
    if wanted != Some(packed.len()) || scales.len() != n * blocks {
        return Err(format!("its weights do not fit {n}x{k} values in blocks of {block}"));
    }
    let zero_points = match &zeros {
        Some(zeros) if zeros.len() == n * of_zeros => Some(zeros.as_ints()?),
        Some(zeros) => return Err(format!("zero points of {} do not fit", joined(zeros.dims()))),
        None => None,
    };
    let part = |byte: i64, at: usize| (byte >> (at % per * bits as usize)) & ((1 << bits) - 1);
    let value = |at: usize| {
        // row by row of the matrix as it multiplies from the right: (k, n)
        let (i, o) = (at / n, at % n);
        let (b, within) = (i / block, i % block);
        let q = part(packed[(o * blocks + b) * bytes + within / per], within);
        let zero = zero_points.map_or(1 << (bits - 1), |z| part(z[o * of_zeros + b / per], b));
        (q - zero) as f32 * scales[o * blocks + b]
    };
    let matrix = Constant::new(vec![k, n], Numbers::Float((0..k * n).map(value).collect()))?;
    let (x, bias) = (call.input(0)?.clone(), call.optional(5).cloned());
    call.quantised();
    call.set_inputs(vec![(0, Some(x)), (1, Some(Value::Constant(Rc::new(matrix))))]);
    let out = dense::matmul(call)?;
    let Some(bias) = bias else { return Ok(out) };
    call.set_inputs(vec![(0, Some(out)), (5, Some(bias))]);
    arithmetic::add(call)
}

/// `Gelu` of onnxruntime, exact.
pub(in super::super) fn gelu(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = call.map(0)?;
    call.push_like(Unary::new(Function::Gelu), &map)
}
