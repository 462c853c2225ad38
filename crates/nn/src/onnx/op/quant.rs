//! Networks kept in whole numbers of few bits, computed in floats: each value that the file rounds is
//! rounded here, too, and keeps its meaning (`x = scale (q - zero)`), so that layers are those of the
//! network before it was quantised. Gradients go straight through the rounding.

use super::{
    super::{
        call::Call,
        decode::Element,
        kind::{Kind, Quantised},
        value::{Constant, Map, Numbers, Value, View, axis, joined},
    },
    activation, arithmetic, concat, conv, dense, pool, softmax,
};
use crate::op::{Add, Affine, Function, Mul, Unary};
use std::rc::Rc;

/// An importer of an operator on floats.
type OnFloats = fn(&mut Call<'_, '_>) -> Result<Value, String>;

/// Numbers of the parameter of a quantised value: a scale, or the whole number that stands for 0.
fn numbers(call: &Call<'_, '_>, k: usize) -> Result<Vec<f32>, String> {
    let constant = call.constant(k)?;
    Ok(match constant.numbers() {
        Numbers::Float(v) => v.clone(),
        Numbers::Int(v) => v.iter().map(|v| *v as f32).collect(),
    })
}

/// The scale and the zero at two positions of the inputs, one number each.
fn parameters(call: &Call<'_, '_>, scale: usize, zero: usize) -> Result<Quantised, String> {
    let one = |k: usize, what: &str| match numbers(call, k)?[..] {
        [v] if v.is_finite() => Ok(v),
        ref many => Err(format!(
            "{what} `{}` has {} values; values computed from the picture need one number",
            call.input_name(k),
            many.len()
        )),
    };
    let scale = one(scale, "scale")?;
    if scale <= 0.0 {
        return Err(format!("a scale is {scale}, expected more than 0"));
    }
    let zero = if call.optional(zero).is_some() { one(zero, "zero point")? } else { 0.0 };
    Ok(Quantised { scale, zero })
}

/// The range of the whole numbers of a type.
fn range(element: Element) -> Result<[f32; 2], String> {
    Ok(match element {
        Element::U8 => [0.0, 255.0],
        Element::I8 => [-128.0, 127.0],
        Element::U16 => [0.0, 65535.0],
        Element::I16 => [-32768.0, 32767.0],
        Element::U4 => [0.0, 15.0],
        Element::I4 => [-8.0, 7.0],
        other => {
            return Err(format!("values are quantised to {other:?}, expected 4, 8 or 16 bits"));
        }
    })
}

/// The range of an output whose zero stands at `zero`; bytes without sign where it is absent.
fn range_of(call: &Call<'_, '_>, zero: usize) -> Result<[f32; 2], String> {
    if call.optional(zero).is_some() {
        let name = call.input_name(zero);
        let unknown = || format!("the type of zero point `{name}` is not in the file");
        return range(call.element(zero).ok_or_else(unknown)?);
    }
    match call.int("output_dtype")?.unwrap_or(0) {
        0 => range(Element::U8),
        number => range(Element::of(number)?),
    }
}

/// A map rounded to the numbers that its quantised form can hold.
fn rounded(
    call: &mut Call<'_, '_>,
    map: &Map,
    to: Quantised,
    [low, high]: [f32; 2],
) -> Result<Value, String> {
    let Quantised { scale, zero } = to;
    let out = call.push_like(Unary::new(Function::Quantise { scale, zero, low, high }), map)?;
    call.set_kind(Kind::Quantised(to));
    call.quantised();
    Ok(out)
}

/// `QuantizeLinear` of a map.
pub(in super::super) fn quantise(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let (map, to, range) = (call.map(0)?, parameters(call, 1, 2)?, range_of(call, 2)?);
    rounded(call, &map, to, range)
}

/// `DequantizeLinear` of a map.
pub(in super::super) fn dequantise(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let from = parameters(call, 1, 2)?;
    let map = real(call, 0, from)?;
    call.set_kind(Kind::Float);
    Ok(Value::Map(map))
}

/// What the quantised input `k` stands for.
fn real(call: &mut Call<'_, '_>, k: usize, from: Quantised) -> Result<Map, String> {
    let map = call.map(k)?;
    let (scale, shift) = match call.kind(k) {
        Kind::Quantised(own) if own == from => return Ok(map),
        // the whole number is x / own.scale + own.zero
        Kind::Quantised(own) => (from.scale / own.scale, from.scale * (own.zero - from.zero)),
        Kind::Whole | Kind::Byte => (from.scale, -from.scale * from.zero),
        Kind::Float | Kind::Truth => {
            return Err(format!("input `{}` is not quantised", call.input_name(k)));
        }
    };
    let affine = Affine::new("DequantizeLinear", vec![scale], vec![shift]);
    match call.push_like(affine, &map)? {
        Value::Map(map) => Ok(map),
        Value::Constant(_) => Err("its input is constant".to_owned()),
    }
}

/// What input `k` stands for, its scale and zero standing behind it: a map or a constant.
fn meaning(call: &mut Call<'_, '_>, [k, scale, zero]: [usize; 3]) -> Result<Value, String> {
    match call.input(k)? {
        Value::Map(_) => {
            let from = parameters(call, scale, zero)?;
            real(call, k, from).map(Value::Map)
        }
        Value::Constant(constant) => {
            let constant = Rc::clone(constant);
            let along = outputs_axis(call, constant.dims())?;
            let found = dequantised(call, &constant, [scale, zero], along, 0)?;
            Ok(Value::Constant(Rc::new(found)))
        }
    }
}

/// Along which axis of weights their outputs lie: the first of a convolution, the last of a matrix.
fn outputs_axis(call: &Call<'_, '_>, dims: &[usize]) -> Result<usize, String> {
    let first = dims.len() > 2 || call.flag("transB", false)?;
    Ok(if first { 0 } else { dims.len().saturating_sub(1) })
}

/// `QuantizeLinear` of a constant.
pub(in super::super) fn quantise_constant(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    let data = call.constant(0)?;
    let [low, high] = range_of(call, 2)?;
    let spread = Spread::new(call, &data, [1, 2])?;
    call.charge(data.dims())?;
    let value = |(at, x): (usize, &f32)| {
        let (scale, zero) = spread.scale_and_zero(at);
        ((x / scale).round_ties_even() + zero).clamp(low, high) as i64
    };
    let values = data.as_floats()?.iter().enumerate().map(value).collect();
    Constant::new(data.dims().to_vec(), Numbers::Int(values))
}

/// `DequantizeLinear` of a constant: one scale, one per index of an axis, or one per block of it.
pub(in super::super) fn dequantise_constant(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    let data = call.constant(0)?;
    let spread = Spread::new(call, &data, [1, 2])?;
    spread.dequantised(call, &data)
}

/// A constant with one scale, or one per index of an axis.
fn dequantised(
    call: &mut Call<'_, '_>,
    data: &Constant,
    at: [usize; 2],
    along: usize,
    block: usize,
) -> Result<Constant, String> {
    let spread = Spread::along(call, data, at, along, block)?;
    spread.dequantised(call, data)
}

/// Scales and zeros as they belong to the values of a constant.
struct Spread {
    scales: Vec<f32>,
    zeros: Vec<f32>,
    /// For a value its index among these.
    place: Box<dyn Fn(usize) -> usize>,
}

impl Spread {
    /// As attributes of the node say: along `axis`, in blocks of `block_size`.
    fn new(call: &Call<'_, '_>, data: &Constant, at: [usize; 2]) -> Result<Spread, String> {
        let rank = data.dims().len();
        let single = numbers(call, at[0])?.len() == 1;
        let along = if single { 0 } else { axis(call.int("axis")?.unwrap_or(1), rank)? };
        let block = call.int("block_size")?.unwrap_or(0);
        let block = usize::try_from(block).map_err(|_| format!("`block_size` is {block}"))?;
        Spread::along(call, data, at, along, block)
    }

    fn along(
        call: &Call<'_, '_>,
        data: &Constant,
        [scale, zero]: [usize; 2],
        along: usize,
        block: usize,
    ) -> Result<Spread, String> {
        let scales = numbers(call, scale)?;
        let zeros = match call.optional(zero) {
            Some(_) => numbers(call, zero)?,
            None => vec![0.0; scales.len()],
        };
        let own = call.constant(scale)?.dims().to_vec();
        let dims = data.dims().to_vec();
        let unfit = || format!("scales of {} do not fit {}", joined(&own), joined(&dims));
        if zeros.len() != scales.len() || scales.iter().any(|s| !s.is_finite() || *s == 0.0) {
            return Err(unfit());
        }
        let strides = View::whole(&dims).strides;
        let place: Box<dyn Fn(usize) -> usize> = if scales.len() == 1 {
            Box::new(|_| 0)
        } else if block == 0 {
            let n = *dims.get(along).ok_or_else(unfit)?;
            if scales.len() != n {
                return Err(unfit());
            }
            let stride = strides[along] as usize;
            Box::new(move |at| at / stride % n)
        } else {
            let fits =
                |a: usize| own[a] == if a == along { dims[a].div_ceil(block) } else { dims[a] };
            if own.len() != dims.len() || !(0..dims.len()).all(fits) {
                return Err(unfit());
            }
            let into = View::whole(&own).strides;
            Box::new(move |at| {
                let index = |a: usize| at / strides[a] as usize % dims[a];
                let own = |a: usize| if a == along { index(a) / block } else { index(a) };
                (0..dims.len()).map(|a| own(a) * into[a] as usize).sum()
            })
        };
        Ok(Spread { scales, zeros, place })
    }

    fn scale_and_zero(&self, value: usize) -> (f32, f32) {
        let k = (self.place)(value);
        (self.scales[k], self.zeros[k])
    }

    fn dequantised(&self, call: &mut Call<'_, '_>, data: &Constant) -> Result<Constant, String> {
        call.charge(data.dims())?;
        call.quantised();
        let value = |(at, q): (usize, &i64)| {
            let (scale, zero) = self.scale_and_zero(at);
            (*q as f32 - zero) * scale
        };
        let values = data.as_ints()?.iter().enumerate().map(value).collect();
        Constant::new(data.dims().to_vec(), Numbers::Float(values))
    }
}

/// An operator on what quantised values stand for, rounded again. `inputs` are the positions of values,
/// their scales and zeros; `rest` are further inputs; `out` are those of the output's scale and zero.
fn requantised(
    call: &mut Call<'_, '_>,
    inputs: &[[usize; 3]],
    rest: Vec<(usize, Option<Value>)>,
    [scale, zero]: [usize; 2],
    operator: OnFloats,
) -> Result<Value, String> {
    let (to, range) = (parameters(call, scale, zero)?, range_of(call, zero)?);
    let Value::Map(map) = on_meanings(call, inputs, rest, operator)? else {
        return Err("its inputs are constant".to_owned());
    };
    rounded(call, &map, to, range)
}

fn on_meanings(
    call: &mut Call<'_, '_>,
    inputs: &[[usize; 3]],
    rest: Vec<(usize, Option<Value>)>,
    operator: OnFloats,
) -> Result<Value, String> {
    let mut all = vec![];
    for at in inputs {
        all.push((at[0], Some(meaning(call, *at)?)));
    }
    all.extend(rest);
    call.set_inputs(all);
    call.quantised();
    operator(call)
}

/// A bias kept in whole numbers of `scale`, one scale for all or one per output.
fn bias(
    call: &mut Call<'_, '_>,
    k: usize,
    scale: f32,
    per_output: usize,
) -> Result<Option<Value>, String> {
    let Some(bias) = call.optional_constant(k)? else { return Ok(None) };
    let scales = numbers(call, per_output)?;
    let value = |(i, q): (usize, &i64)| {
        *q as f32 * scale * if scales.len() == 1 { scales[0] } else { scales[i] }
    };
    let ints = bias.as_ints()?;
    if scales.is_empty() || (scales.len() > 1 && scales.len() != ints.len()) {
        return Err(format!(
            "a bias of {} values does not fit {} scales",
            ints.len(),
            scales.len()
        ));
    }
    let values = Numbers::Float(ints.iter().enumerate().map(value).collect());
    Ok(Some(Value::Constant(Rc::new(Constant::new(bias.dims().to_vec(), values)?))))
}

/// `QLinearConv`.
pub(in super::super) fn conv(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let scale = parameters(call, 1, 2)?.scale;
    let bias = bias(call, 8, scale, 4)?;
    requantised(call, &[[0, 1, 2], [3, 4, 5]], vec![(8, bias)], [6, 7], conv::conv)
}

/// `QLinearMatMul`.
pub(in super::super) fn matmul(call: &mut Call<'_, '_>) -> Result<Value, String> {
    requantised(call, &[[0, 1, 2], [3, 4, 5]], vec![], [6, 7], dense::matmul)
}

/// `QGemm` of onnxruntime; its output is floats where it has no scale.
pub(in super::super) fn gemm(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let scale = parameters(call, 1, 2)?.scale * call.finite("alpha", 1.0)?;
    let bias = bias(call, 6, scale, 4)?;
    let inputs = [[0, 1, 2], [3, 4, 5]];
    match call.optional(7) {
        Some(_) => requantised(call, &inputs, vec![(6, bias)], [7, 8], dense::linear),
        None => on_meanings(call, &inputs, vec![(6, bias)], dense::linear),
    }
}

/// `QLinearAdd` of onnxruntime.
pub(in super::super) fn add(call: &mut Call<'_, '_>) -> Result<Value, String> {
    requantised(call, &[[0, 1, 2], [3, 4, 5]], vec![], [6, 7], arithmetic::add)
}

/// `QLinearMul` of onnxruntime.
pub(in super::super) fn mul(call: &mut Call<'_, '_>) -> Result<Value, String> {
    requantised(call, &[[0, 1, 2], [3, 4, 5]], vec![], [6, 7], arithmetic::mul)
}

/// `QLinearSigmoid` of onnxruntime.
pub(in super::super) fn sigmoid(call: &mut Call<'_, '_>) -> Result<Value, String> {
    requantised(call, &[[0, 1, 2]], vec![], [3, 4], activation::sigmoid)
}

/// `QLinearLeakyRelu` of onnxruntime.
pub(in super::super) fn leaky_relu(call: &mut Call<'_, '_>) -> Result<Value, String> {
    requantised(call, &[[0, 1, 2]], vec![], [3, 4], activation::leaky_relu)
}

/// `QLinearSoftmax` of onnxruntime.
pub(in super::super) fn softmax(call: &mut Call<'_, '_>) -> Result<Value, String> {
    requantised(call, &[[0, 1, 2]], vec![], [3, 4], softmax::softmax)
}

/// `QLinearGlobalAveragePool` of onnxruntime.
pub(in super::super) fn global_average(call: &mut Call<'_, '_>) -> Result<Value, String> {
    channels_first(call)?;
    requantised(call, &[[0, 1, 2]], vec![], [3, 4], pool::global_average)
}

/// `QLinearAveragePool` of onnxruntime.
pub(in super::super) fn average(call: &mut Call<'_, '_>) -> Result<Value, String> {
    channels_first(call)?;
    requantised(call, &[[0, 1, 2]], vec![], [3, 4], pool::average)
}

fn channels_first(call: &Call<'_, '_>) -> Result<(), String> {
    if call.flag("channels_last", false)? {
        return Err("its `channels_last` is 1; save the model before it is optimised for one \
                    processor"
            .to_owned());
    }
    Ok(())
}

/// `QLinearConcat` of onnxruntime: scale and zero of the output come first.
pub(in super::super) fn concat(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let count = call.count().saturating_sub(2) / 3;
    let inputs: Vec<[usize; 3]> = (0..count).map(|i| [2 + 3 * i, 3 + 3 * i, 4 + 3 * i]).collect();
    requantised(call, &inputs, vec![], [0, 1], concat::maps)
}

/// `DynamicQuantizeLinear`: bytes whose scale depends on the values themselves. Output 1 is the scale,
/// 2 the zero; no gradient goes through these.
pub(in super::super) fn dynamic(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = call.map(0)?;
    let [bytes, scale, zero] = dynamically(call, &map)?;
    call.set_kind(Kind::Byte);
    call.also(1, Value::Map(scale));
    call.also(2, Value::Map(zero));
    call.quantised();
    Ok(Value::Map(bytes))
}

/// The bytes of a map, their scale and their zero.
fn dynamically(call: &mut Call<'_, '_>, map: &Map) -> Result<[Map; 3], String> {
    let held = apply(call, map, Unary::new(Function::Held))?;
    let flat = call.reshape(&held, vec![1, 1, held.dims.iter().product(), 1])?;
    let bound = |call: &mut Call<'_, '_>, sign: f32| {
        // the largest of the signed values, at least 0
        let signed = apply(call, &flat, Affine::new("Mul", vec![sign], vec![0.0]))?;
        let (signed, _) = call.picture(&signed)?;
        let Value::Map(top) = call.push_image(crate::op::MaxPool::global(), &signed)? else {
            return Err("its input is constant".to_owned());
        };
        let top = apply(call, &top, Unary::new(Function::Clip { min: 0.0, max: f32::INFINITY }))?;
        call.reshape(&top, vec![])
    };
    let (high, low) = (bound(call, 1.0)?, bound(call, -1.0)?);
    let width = pair(call, Add::new(vec![1.0, 1.0]), &high, &low)?;
    let scale = apply(call, &width, Affine::new("Mul", vec![1.0 / 255.0], vec![0.0]))?;
    let inverse = apply(call, &scale, Unary::new(activation::RECIPROCAL))?;
    let zero = pair(call, Mul::new(), &low, &inverse)?;
    let bytes = Function::Clip { min: 0.0, max: 255.0 };
    let zero = apply(call, &zero, Unary::new(bytes))?;
    let zero = apply(call, &zero, Unary::new(Function::Round))?;
    let wide = pair(call, Mul::new(), map, &inverse)?;
    let (low, high) = (f32::NEG_INFINITY, f32::INFINITY);
    let whole = Function::Quantise { scale: 1.0, zero: 0.0, low, high };
    let whole = apply(call, &wide, Unary::new(whole))?;
    let shifted = pair(call, Add::new(vec![1.0, 1.0]), &whole, &zero)?;
    Ok([apply(call, &shifted, Unary::new(bytes))?, scale, zero])
}

fn apply(call: &mut Call<'_, '_>, map: &Map, op: impl crate::op::Cpu) -> Result<Map, String> {
    match call.push_like(op, map)? {
        Value::Map(map) => Ok(map),
        Value::Constant(_) => Err("its input is constant".to_owned()),
    }
}

fn pair(call: &mut Call<'_, '_>, op: impl crate::op::Cpu, a: &Map, b: &Map) -> Result<Map, String> {
    match arithmetic::maps(call, op, a.clone(), b.clone())? {
        Value::Map(map) => Ok(map),
        Value::Constant(_) => Err("its inputs are constant".to_owned()),
    }
}

/// Whole numbers less their zero: input `k`, whose zero is input `zero`.
fn less_zero(call: &mut Call<'_, '_>, k: usize, zero: usize) -> Result<Value, String> {
    if let (Value::Constant(constant), zeros) = (call.input(k)?.clone(), call.optional(zero)) {
        if matches!(zeros, Some(Value::Map(_))) {
            return Err("the zero point of a constant depends on the picture".to_owned());
        }
        let zeros = if zeros.is_some() { numbers(call, zero)? } else { vec![0.0] };
        let dims = constant.dims().to_vec();
        let along = outputs_axis(call, &dims)?;
        let stride = View::whole(&dims).strides.get(along).map_or(1, |s| *s as usize);
        if zeros.len() != 1 && dims.get(along) != Some(&zeros.len()) {
            return Err(format!("{} zero points do not fit {}", zeros.len(), joined(&dims)));
        }
        call.charge(&dims)?;
        let value = |(at, q): (usize, &i64)| *q as f32 - zeros[at / stride % zeros.len()];
        let values = constant.as_ints()?.iter().enumerate().map(value).collect();
        return Ok(Value::Constant(Rc::new(Constant::new(dims, Numbers::Float(values))?)));
    }
    let map = call.map(k)?;
    if let Kind::Quantised(own) = call.kind(k) {
        // the map holds what the numbers stand for
        let inverse = Affine::new("Mul", vec![1.0 / own.scale], vec![own.zero]);
        let map = apply(call, &map, inverse)?;
        return minus(call, &map, zero);
    }
    minus(call, &map, zero)
}

fn minus(call: &mut Call<'_, '_>, map: &Map, zero: usize) -> Result<Value, String> {
    match call.optional(zero) {
        None => Ok(Value::Map(map.clone())),
        Some(Value::Map(zero)) => {
            let zero = zero.clone();
            pair(call, Add::new(vec![1.0, -1.0]), map, &zero).map(Value::Map)
        }
        Some(Value::Constant(_)) => match numbers(call, zero)?[..] {
            [zero] => apply(call, map, Affine::new("Sub", vec![1.0], vec![-zero])).map(Value::Map),
            ref many => Err(format!("it has {} zero points, expected one", many.len())),
        },
    }
}

/// `ConvInteger`.
pub(in super::super) fn conv_integer(call: &mut Call<'_, '_>) -> Result<Value, String> {
    integers(call, conv::conv)
}

/// `MatMulInteger`.
pub(in super::super) fn matmul_integer(call: &mut Call<'_, '_>) -> Result<Value, String> {
    integers(call, dense::matmul)
}

fn integers(call: &mut Call<'_, '_>, operator: OnFloats) -> Result<Value, String> {
    let (a, b) = (less_zero(call, 0, 2)?, less_zero(call, 1, 3)?);
    call.set_inputs(vec![(0, Some(a)), (1, Some(b))]);
    call.quantised();
    let out = operator(call)?;
    call.set_kind(Kind::Whole);
    Ok(out)
}

/// `MatMulIntegerToFloat` of onnxruntime: a product of whole numbers, scaled and shifted.
pub(in super::super) fn matmul_to_float(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let (a, b) = (less_zero(call, 0, 4)?, less_zero(call, 1, 5)?);
    let (a_scale, b_scale, bias) =
        (call.input(2)?.clone(), call.input(3)?.clone(), call.optional(6).cloned());
    scaled_product(call, [a, b], [a_scale, b_scale], bias)
}

/// `DynamicQuantizeMatMul` of onnxruntime: the first factor is quantised on the way.
pub(in super::super) fn dynamic_matmul(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = call.map(0)?;
    let [bytes, scale, zero] = dynamically(call, &map)?;
    let a = pair(call, Add::new(vec![1.0, -1.0]), &bytes, &zero)?;
    let b = less_zero(call, 1, 3)?;
    let (b_scale, bias) = (call.input(2)?.clone(), call.optional(4).cloned());
    scaled_product(call, [Value::Map(a), b], [Value::Map(scale), b_scale], bias)
}

fn scaled_product(
    call: &mut Call<'_, '_>,
    factors: [Value; 2],
    scales: [Value; 2],
    bias: Option<Value>,
) -> Result<Value, String> {
    call.quantised();
    let [a, b] = factors;
    call.set_inputs(vec![(0, Some(a)), (1, Some(b))]);
    let mut out = dense::matmul(call)?;
    for scale in scales {
        call.set_inputs(vec![(0, Some(out)), (2, Some(scale))]);
        out = arithmetic::mul(call)?;
    }
    if let Some(bias) = bias {
        call.set_inputs(vec![(0, Some(out)), (3, Some(bias))]);
        out = arithmetic::add(call)?;
    }
    call.set_kind(Kind::Float);
    Ok(out)
}
