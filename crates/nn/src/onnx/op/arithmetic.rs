//! Sums, differences, products and quotients: of two maps, of a map and a constant, of constants.

use super::{
    super::{
        call::Call,
        value::{Constant, Map, Numbers, Value, broadcast_dims, joined},
    },
    activation::RECIPROCAL,
    compare,
};
use crate::op::{Add, Affine, Cpu, Extreme, Function, Mul, Select, Unary};
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
        Operands::Constant(map, c, _) => call.push_like(c.shift("Add", 1.0), &map),
    }
}

/// `Sub`.
pub(in super::super) fn sub(call: &mut Call<'_, '_>) -> Result<Value, String> {
    match operands(call)? {
        Operands::Maps(a, b) => maps(call, Add::new(vec![1.0, -1.0]), a, b),
        Operands::Constant(map, c, true) => call.push_like(c.shift("Sub", -1.0), &map),
        Operands::Constant(map, c, false) => call.push_like(c.map(|v| -v).shift("Sub", 1.0), &map),
    }
}

/// `Mul`.
pub(in super::super) fn mul(call: &mut Call<'_, '_>) -> Result<Value, String> {
    match operands(call)? {
        Operands::Maps(a, b) => maps(call, Mul::new(), a, b),
        Operands::Constant(map, c, _) => call.push_like(c.scale("Mul"), &map),
    }
}

/// `Div`; by a map as the product with its inverse.
pub(in super::super) fn div(call: &mut Call<'_, '_>) -> Result<Value, String> {
    match operands(call)? {
        Operands::Constant(map, c, false) => {
            let inverse = c.map(|v| 1.0 / v);
            if inverse.0.iter().any(|v| !v.is_finite()) {
                return Err(format!("`{}` holds zeros to divide by", call.input_name(1)));
            }
            call.push_like(inverse.scale("Div"), &map)
        }
        Operands::Constant(map, c, true) => {
            let Value::Map(inverse) = call.push_like(inverse(), &map)? else {
                return Err("its divisor is constant".to_owned());
            };
            call.push_like(c.scale("Div"), &inverse)
        }
        Operands::Maps(a, b) => {
            let Value::Map(inverse) = call.push_like(inverse(), &b)? else {
                return Err("its divisor is constant".to_owned());
            };
            maps(call, Mul::new(), a, inverse)
        }
    }
}

/// `1 / x`
fn inverse() -> Unary {
    Unary::new(RECIPROCAL)
}

/// `Max`.
pub(in super::super) fn max(call: &mut Call<'_, '_>) -> Result<Value, String> {
    extreme(call, true)
}

/// `Min`.
pub(in super::super) fn min(call: &mut Call<'_, '_>) -> Result<Value, String> {
    extreme(call, false)
}

/// The largest or smallest of all inputs; against one number it is a clip.
fn extreme(call: &mut Call<'_, '_>, largest: bool) -> Result<Value, String> {
    let (mut bounds, mut found) = (vec![], vec![]);
    for k in 0..call.count() {
        match call.input(k)? {
            Value::Constant(c) if c.len() == 1 => bounds.push(c.as_floats()?[0]),
            _ => found.push(call.any(k)?),
        }
    }
    let mut found = found.into_iter();
    let mut value = found.next().ok_or("it has no inputs")?;
    for next in found {
        let Value::Map(map) = maps(call, Extreme::new(largest), value, next)? else {
            return Err("its inputs are constant".to_owned());
        };
        value = map;
    }
    for bound in bounds {
        let (min, max) = if largest { (bound, f32::INFINITY) } else { (f32::NEG_INFINITY, bound) };
        let Value::Map(map) = call.push_like(Unary::new(Function::Clip { min, max }), &value)?
        else {
            return Err("its inputs are constant".to_owned());
        };
        value = map;
    }
    Ok(Value::Map(value))
}

/// `Where`; a condition that does not depend on the picture is a fixed choice.
pub(in super::super) fn where_maps(call: &mut Call<'_, '_>) -> Result<Value, String> {
    if let Value::Map(_) = call.input(0)? {
        return compare::choose(call);
    }
    let which = call.constant(0)?;
    let (a, b) = (call.any(1)?, call.any(2)?);
    let dims = broadcast_dims(&broadcast_dims(&a.dims, &b.dims)?, which.dims())?;
    let (a, b) = (filled_up(call, &a, dims.len())?, filled_up(call, &b, dims.len())?);
    let order = if a.dims == dims {
        a.full_order()
    } else if b.dims == dims {
        b.full_order()
    } else {
        (0..dims.len()).collect()
    };
    let (a, b) = (call.expand(&a, &dims, &order)?, call.expand(&b, &dims, &order)?);
    let shape = Call::view(&dims, &order);
    let (a, b) = (call.arranged(&a, &order, shape)?, call.arranged(&b, &order, shape)?);
    call.charge(&dims)?;
    let placed = a.spread(&which, &a.order).ok_or("its condition does not fit")?;
    let first = placed.as_ints()?.iter().map(|w| *w != 0).collect();
    call.push(Select::new(shape, first), &[&a, &b], dims, &order).map(Value::Map)
}

/// `Sum`.
pub(in super::super) fn sum(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let all = (0..call.count()).map(|k| call.any(k)).collect::<Result<Vec<Map>, String>>()?;
    let first = all.first().ok_or("it has no inputs")?.clone();
    if all.iter().all(|m| m.dims == first.dims) {
        let (order, shape) = (first.full_order(), call.shape(&first));
        let arranged = all.iter().map(|m| call.arranged(m, &order, shape));
        let arranged = arranged.collect::<Result<Vec<Map>, String>>()?;
        let signs = vec![1.0; all.len()];
        let inputs: Vec<&Map> = arranged.iter().collect();
        let sum = call.push(Add::new(signs), &inputs, first.dims.clone(), &order)?;
        return Ok(Value::Map(sum));
    }
    let mut sum = first;
    for next in &all[1..] {
        let Value::Map(map) = maps(call, Add::new(vec![1.0, 1.0]), sum, next.clone())? else {
            return Err("its inputs are constant".to_owned());
        };
        sum = map;
    }
    Ok(Value::Map(sum))
}

/// An operator on the values of two maps, spread over each other.
pub(super) fn maps(call: &mut Call<'_, '_>, op: impl Cpu, a: Map, b: Map) -> Result<Value, String> {
    let rank = a.rank().max(b.rank());
    let a = filled_up(call, &a, rank)?;
    let b = filled_up(call, &b, rank)?;
    let [a, b] = call.together(a, b)?;
    let dims = broadcast_dims(&a.dims, &b.dims)?;
    let order = if a.dims == dims { a.full_order() } else { b.full_order() };
    call.push(op, &[&a, &b], dims, &order).map(Value::Map)
}

/// A map with axes of size 1 in front, up to `rank`.
pub(super) fn filled_up(call: &mut Call<'_, '_>, map: &Map, rank: usize) -> Result<Map, String> {
    let ones = vec![1; rank - map.rank()];
    call.reshape(map, [ones, map.dims.clone()].concat())
}

fn operands(call: &mut Call<'_, '_>) -> Result<Operands, String> {
    match (call.input(0)?, call.input(1)?) {
        (Value::Map(a), Value::Map(b)) => Ok(Operands::Maps(a.clone(), b.clone())),
        (Value::Map(map), Value::Constant(_)) => constant_with(call, map.clone(), 1),
        (Value::Constant(_), Value::Map(map)) => constant_with(call, map.clone(), 0),
        (Value::Constant(_), Value::Constant(_)) => Err("both inputs are constant".to_owned()),
    }
}

/// The constant input `k`, spread as far as `map` needs it; the map is repeated where the constant has
/// longer axes.
fn constant_with(call: &mut Call<'_, '_>, map: Map, k: usize) -> Result<Operands, String> {
    let name = call.input_name(k).to_owned();
    let own = call.constant(k)?.dims().to_vec();
    let dims = broadcast_dims(&own, &map.dims).map_err(|_| {
        let (own, other) = (joined(&own), joined(&map.dims));
        format!("constant `{name}` of dimensions {own} does not fit {other}")
    })?;
    let map = filled_up(call, &map, dims.len())?;
    let order = if map.dims == dims { map.full_order() } else { (0..dims.len()).collect() };
    let map = call.expand(&map, &dims, &order)?;
    let spread = call.beside(&map, k)?;
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

/// `Mod` of constants: with the sign of the divisor, or with `fmod` that of the dividend.
pub(in super::super) fn mod_constants(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    if call.flag("fmod", false)? {
        return combine(call, i64::checked_rem, |a, b| a % b);
    }
    let int = |a: i64, b: i64| {
        let rest = a.checked_rem(b)?;
        Some(if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest })
    };
    combine(call, int, |a, b| a - b * (a / b).floor())
}

/// `Pow` of constants.
pub(in super::super) fn pow_constants(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    let (base, exponent) = (call.constant(0)?, call.constant(1)?);
    if let (Numbers::Float(_), Numbers::Int(v)) = (base.numbers(), exponent.numbers()) {
        let numbers = Numbers::Float(v.iter().map(|v| *v as f32).collect());
        let exponent = Constant::new(exponent.dims().to_vec(), numbers)?;
        return combined(call, &base, &exponent, |_, _| None, f32::powf);
    }
    let int = |a: i64, b: i64| a.checked_pow(u32::try_from(b).ok()?);
    combined(call, &base, &exponent, int, f32::powf)
}

/// `Not` of a constant.
pub(in super::super) fn not_constant(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    call.constant(0)?.as_ints()?;
    each(call, |v| Some(i64::from(v == 0)), |v| v)
}

/// `And` of constants.
pub(in super::super) fn and_constants(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    combine(call, |a, b| Some(i64::from(a != 0 && b != 0)), |a, _| a)
}

/// `Or` of constants.
pub(in super::super) fn or_constants(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    combine(call, |a, b| Some(i64::from(a != 0 || b != 0)), |a, _| a)
}

/// `Greater` of constants.
pub(in super::super) fn greater_constants(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    compare(call, Ordering::is_gt)
}

/// `GreaterOrEqual` of constants.
pub(in super::super) fn at_least_constants(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    compare(call, Ordering::is_ge)
}

/// `Less` of constants.
pub(in super::super) fn less_constants(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    compare(call, Ordering::is_lt)
}

/// `LessOrEqual` of constants.
pub(in super::super) fn at_most_constants(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    compare(call, Ordering::is_le)
}

/// Which pairs of numbers stand in an order; none with NaN does.
fn compare(call: &mut Call<'_, '_>, is: impl Fn(Ordering) -> bool) -> Result<Constant, String> {
    let [a, b] = spread_pair(call)?;
    let found: Vec<i64> = match (a.numbers(), b.numbers()) {
        (Numbers::Int(a), Numbers::Int(b)) => {
            a.iter().zip(b).map(|(a, b)| i64::from(is(a.cmp(b)))).collect()
        }
        _ => {
            let holds = |(a, b): (&f32, &f32)| i64::from(a.partial_cmp(b).is_some_and(&is));
            a.as_floats()?.iter().zip(b.as_floats()?).map(holds).collect()
        }
    };
    Constant::new(a.dims().to_vec(), Numbers::Int(found))
}

/// `Equal` of constants.
pub(in super::super) fn equal_constants(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    compare(call, Ordering::is_eq)
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

/// `Neg` of a map.
pub(in super::super) fn neg(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = call.map(0)?;
    call.push_like(Affine::new("Neg", vec![-1.0], vec![0.0]), &map)
}

/// `Neg` of a constant.
pub(in super::super) fn neg_constant(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    each(call, i64::checked_neg, |v| -v)
}

/// `Abs` of a constant.
pub(in super::super) fn abs_constant(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    each(call, i64::checked_abs, f32::abs)
}

/// `Sign` of a constant.
pub(in super::super) fn sign_constant(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    each(call, |v| Some(v.signum()), |v| Function::Sign.value(v))
}

/// `Round` of a constant.
pub(in super::super) fn round_constant(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    each(call, Some, f32::round_ties_even)
}

/// `Max` of constants.
pub(in super::super) fn max_constants(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    folded(call, |a, b| Some(a.max(b)), |a, b| if b.is_nan() || b > a { b } else { a })
}

/// `Min` of constants.
pub(in super::super) fn min_constants(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    folded(call, |a, b| Some(a.min(b)), |a, b| if b.is_nan() || b < a { b } else { a })
}

/// `Sum` of constants.
pub(in super::super) fn sum_constants(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    folded(call, i64::checked_add, |a, b| a + b)
}

/// All inputs, combined one by one.
fn folded(
    call: &mut Call<'_, '_>,
    int: impl Fn(i64, i64) -> Option<i64> + Copy,
    float: impl Fn(f32, f32) -> f32 + Copy,
) -> Result<Constant, String> {
    let mut all = call.constant(0)?.as_ref().clone();
    for k in 1..call.count() {
        let next = call.constant(k)?;
        all = combined(call, &all, &next, int, float)?;
    }
    Ok(all)
}

/// `Ceil` of a constant.
pub(in super::super) fn ceil_constant(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    each(call, Some, f32::ceil)
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
    let (a, b) = (call.constant(0)?, call.constant(1)?);
    combined(call, &a, &b, int, float)
}

fn combined(
    call: &mut Call<'_, '_>,
    a: &Constant,
    b: &Constant,
    int: impl Fn(i64, i64) -> Option<i64>,
    float: impl Fn(f32, f32) -> f32,
) -> Result<Constant, String> {
    let [a, b] = spread_out(call, a, b)?;
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
    spread_out(call, &a, &b)
}

fn spread_out(
    call: &mut Call<'_, '_>,
    a: &Constant,
    b: &Constant,
) -> Result<[Constant; 2], String> {
    let dims = broadcast_dims(a.dims(), b.dims())?;
    call.charge(&dims)?;
    call.charge(&dims)?;
    Ok([a.expanded(&dims)?, b.expanded(&dims)?])
}
