//! Sums, differences, products and quotients: of two maps, of a map and a constant, of constants.

use super::super::{
    call::Call,
    value::{Constant, Map, Numbers, Value, broadcast_dims, joined},
};
use crate::{
    base::geom::Axis,
    nn::op::{Add, Affine, Mul, Op},
};
use std::cmp::Ordering;

/// The inputs of an operator on two values, of which one at least is a map.
enum Operands {
    Maps(Map, Map),
    /// A map, the constant, and whether the constant comes first.
    Constant(Map, Spread, bool),
}

/// A constant as it is applied to a map: one value, one per channel, or one per value.
struct Spread(Vec<f32>);

impl Spread {
    /// `scale * x` with these as scale.
    fn scale(self, name: &'static str) -> Affine {
        let shift = vec![0.0; self.0.len()];
        Affine::new(name, self.0, shift)
    }

    /// `sign * x + shift` with these as shift.
    fn shift(self, name: &'static str, sign: f32) -> Affine {
        let scale = vec![sign; self.0.len()];
        Affine::new(name, scale, self.0)
    }

    fn map(self, f: impl Fn(f32) -> f32) -> Spread {
        Spread(self.0.into_iter().map(f).collect())
    }
}

/// `Add`.
pub(in super::super) fn add(call: &mut Call<'_, '_>) -> Result<Value, String> {
    match operands(call)? {
        Operands::Maps(a, b) => maps(call, Add::new(vec![1.0, 1.0]), a, b),
        Operands::Constant(map, c, _) => call.push_like(c.shift("Add", 1.0), &[map]),
    }
}

/// `Sub`.
pub(in super::super) fn sub(call: &mut Call<'_, '_>) -> Result<Value, String> {
    match operands(call)? {
        Operands::Maps(a, b) => maps(call, Add::new(vec![1.0, -1.0]), a, b),
        Operands::Constant(map, c, true) => call.push_like(c.shift("Sub", -1.0), &[map]),
        Operands::Constant(map, c, false) => {
            call.push_like(c.map(|v| -v).shift("Sub", 1.0), &[map])
        }
    }
}

/// `Mul`.
pub(in super::super) fn mul(call: &mut Call<'_, '_>) -> Result<Value, String> {
    match operands(call)? {
        Operands::Maps(a, b) => maps(call, Mul::new(), a, b),
        Operands::Constant(map, c, _) => call.push_like(c.scale("Mul"), &[map]),
    }
}

/// `Div` by a constant.
pub(in super::super) fn div(call: &mut Call<'_, '_>) -> Result<Value, String> {
    match operands(call)? {
        Operands::Constant(map, c, false) => {
            let inverse = c.map(|v| 1.0 / v);
            if inverse.0.iter().any(|v| !v.is_finite()) {
                return Err(format!("`{}` holds zeros to divide by", call.input_name(1)));
            }
            call.push_like(inverse.scale("Div"), &[map])
        }
        _ => Err("division is supported by constants only".to_owned()),
    }
}

/// `Sum` of maps of the same dimensions.
pub(in super::super) fn sum(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let all = (0..call.count()).map(|k| call.map(k)).collect::<Result<Vec<Map>, String>>()?;
    let first = all.first().ok_or("it has no inputs")?;
    if let Some(other) = all.iter().find(|m| m.dims != first.dims) {
        let (a, b) = (joined(&first.dims), joined(&other.dims));
        return Err(format!("its inputs have dimensions {a} and {b}, expected the same"));
    }
    call.push_like(Add::new(vec![1.0; all.len()]), &all)
}

fn maps(call: &mut Call<'_, '_>, op: impl Op, a: Map, b: Map) -> Result<Value, String> {
    if a.rank() != b.rank() {
        let (a, b) = (joined(&a.dims), joined(&b.dims));
        return Err(format!("inputs of dimensions {a} and {b} differ in their number of axes"));
    }
    let dims = broadcast_dims(&a.dims, &b.dims)?;
    call.push(op, &[a, b], dims)
}

fn operands(call: &mut Call<'_, '_>) -> Result<Operands, String> {
    match (call.input(0)?, call.input(1)?) {
        (Value::Map(a), Value::Map(b)) => Ok(Operands::Maps(a.clone(), b.clone())),
        (Value::Map(map), Value::Constant(_)) => constant_with(call, map.clone(), 1),
        (Value::Constant(_), Value::Map(map)) => constant_with(call, map.clone(), 0),
        (Value::Constant(_), Value::Constant(_)) => Err("both inputs are constant".to_owned()),
    }
}

/// The constant input `k`, spread as far as `map` needs it.
fn constant_with(call: &mut Call<'_, '_>, map: Map, k: usize) -> Result<Operands, String> {
    let name = call.input_name(k).to_owned();
    let (dims, values) = call.weights(k)?;
    if broadcast_dims(&dims, &map.dims).as_ref() != Ok(&map.dims) {
        return Err(format!(
            "constant `{name}` of dimensions {} does not fit {}",
            joined(&dims),
            joined(&map.dims)
        ));
    }
    let spread = if values.len() == 1 {
        values
    } else {
        let features = map.features();
        // axes of the constant as axes of the features
        let skipped = map.rank() - dims.len();
        let is_channel = |a: usize| map.axis(a + skipped) == Some(Axis::Channel);
        let per_channel = dims.iter().enumerate().all(|(a, d)| *d == 1 || is_channel(a));
        if per_channel {
            values
        } else {
            call.charge(features)?;
            let features = features.to_vec();
            let dims = dims[dims.len().saturating_sub(features.len())..].to_vec();
            let constant = Constant::new(dims, Numbers::Float(values))?.expanded(&features)?;
            constant.along(&map).as_floats()?.to_vec()
        }
    };
    Ok(Operands::Constant(map, Spread(spread), k == 0))
}

/// `Add` of constants.
pub(in super::super) fn add_constants(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    combine(call, i64::checked_add, |a, b| a + b)
}

/// `Sub` of constants.
pub(in super::super) fn sub_constants(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    combine(call, i64::checked_sub, |a, b| a - b)
}

/// `Mul` of constants.
pub(in super::super) fn mul_constants(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    combine(call, i64::checked_mul, |a, b| a * b)
}

/// `Div` of constants; of integers towards zero.
pub(in super::super) fn div_constants(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    combine(call, i64::checked_div, |a, b| a / b)
}

/// `Equal` of constants.
pub(in super::super) fn equal_constants(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    let [a, b] = spread_pair(call)?;
    let equal: Vec<i64> = match (a.numbers(), b.numbers()) {
        (Numbers::Int(a), Numbers::Int(b)) => {
            a.iter().zip(b).map(|(a, b)| i64::from(a == b)).collect()
        }
        _ => {
            let equal = |(a, b): (&f32, &f32)| i64::from(a.partial_cmp(b) == Some(Ordering::Equal));
            a.as_floats()?.iter().zip(b.as_floats()?).map(equal).collect()
        }
    };
    Constant::new(a.dims().to_vec(), Numbers::Int(equal))
}

/// `Where` of constants.
pub(in super::super) fn where_constants(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    let [which, yes, no] = [call.constant(0)?, call.constant(1)?, call.constant(2)?];
    let dims = broadcast_dims(&broadcast_dims(which.dims(), yes.dims())?, no.dims())?;
    call.charge(&dims)?;
    call.charge(&dims)?;
    call.charge(&dims)?;
    let [which, yes, no] = [which.expanded(&dims)?, yes.expanded(&dims)?, no.expanded(&dims)?];
    let which = which.as_ints()?;
    let numbers = match yes.numbers() {
        Numbers::Int(yes) => Numbers::Int(choose(which, yes, no.as_ints()?)),
        Numbers::Float(yes) => Numbers::Float(choose(which, yes, no.as_floats()?)),
    };
    Constant::new(dims, numbers)
}

fn choose<T: Copy>(which: &[i64], yes: &[T], no: &[T]) -> Vec<T> {
    let pick = |((w, y), n): ((&i64, &T), &T)| if *w != 0 { *y } else { *n };
    which.iter().zip(yes).zip(no).map(pick).collect()
}

/// `Neg` of a constant.
pub(in super::super) fn neg_constant(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    each(call, i64::checked_neg, |v| -v)
}

/// `Floor` of a constant.
pub(in super::super) fn floor_constant(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    each(call, Some, f32::floor)
}

/// `Sqrt` of a constant.
pub(in super::super) fn sqrt_constant(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    let constant = call.constant(0)?;
    constant.as_floats()?;
    each(call, Some, f32::sqrt)
}

fn each(
    call: &mut Call<'_, '_>,
    int: impl Fn(i64) -> Option<i64>,
    float: impl Fn(f32) -> f32,
) -> Result<Constant, String> {
    let constant = call.constant(0)?;
    call.charge(constant.dims())?;
    let numbers = match constant.numbers() {
        Numbers::Int(v) => {
            let values: Option<Vec<i64>> = v.iter().map(|v| int(*v)).collect();
            Numbers::Int(values.ok_or("an integer overflows")?)
        }
        Numbers::Float(v) => Numbers::Float(v.iter().map(|v| float(*v)).collect()),
    };
    Constant::new(constant.dims().to_vec(), numbers)
}

fn combine(
    call: &mut Call<'_, '_>,
    int: impl Fn(i64, i64) -> Option<i64>,
    float: impl Fn(f32, f32) -> f32,
) -> Result<Constant, String> {
    let [a, b] = spread_pair(call)?;
    let numbers = match a.numbers() {
        Numbers::Int(v) => {
            let pairs = v.iter().zip(b.as_ints()?);
            let values: Option<Vec<i64>> = pairs.map(|(a, b)| int(*a, *b)).collect();
            Numbers::Int(values.ok_or("integers overflow or are divided by 0")?)
        }
        Numbers::Float(v) => {
            Numbers::Float(v.iter().zip(b.as_floats()?).map(|(a, b)| float(*a, *b)).collect())
        }
    };
    Constant::new(a.dims().to_vec(), numbers)
}

/// Two constant inputs, spread to common dimensions.
fn spread_pair(call: &mut Call<'_, '_>) -> Result<[Constant; 2], String> {
    let (a, b) = (call.constant(0)?, call.constant(1)?);
    let dims = broadcast_dims(a.dims(), b.dims())?;
    call.charge(&dims)?;
    call.charge(&dims)?;
    Ok([a.expanded(&dims)?, b.expanded(&dims)?])
}
