//! Changes of the element type. Maps are always in single precision.

use super::{
    super::{
        call::Call,
        decode::Element,
        kind::Kind,
        value::{Constant, Numbers, Value},
    },
    activation, compare,
};
use crate::op::Function;

/// `Cast` of a map. Whole numbers are kept in single precision.
pub(in super::super) fn cast(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let to = Kind::of(target(call)?);
    to_kind(call, to)
}

fn to_kind(call: &mut Call<'_, '_>, to: Kind) -> Result<Value, String> {
    let (map, from) = (call.map(0)?, call.kind(0));
    if let Kind::Quantised(_) = from {
        return Err("it reads quantised values as whole numbers, which is not supported".to_owned());
    }
    call.set_kind(to.clone());
    match (from, to) {
        (_, Kind::Float)
        | (Kind::Truth, _)
        | (Kind::Whole | Kind::Byte, Kind::Whole)
        | (Kind::Byte, Kind::Byte) => Ok(Value::Map(map)),
        (_, Kind::Truth) => compare::is_not_zero(call, &map),
        (Kind::Float, Kind::Whole) => activation::step(call, Function::Whole),
        _ => Err(
            "values computed from the picture are cast to whole numbers of less than 32 bits, which \
             wrap around; leave the cast out on export"
                .to_owned(),
        ),
    }
}

/// `CastLike`: to the type of the second input.
pub(in super::super) fn cast_like(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let like = match call.input(1)? {
        Value::Map(_) => call.kind(1),
        Value::Constant(c) if c.as_floats().is_ok() => Kind::Float,
        Value::Constant(_) => call.element(1).map_or(Kind::Whole, Kind::of),
    };
    match (call.input(0)?.clone(), like) {
        (Value::Constant(c), Kind::Float) => {
            call.charge(c.dims())?;
            let cast = Constant::new(c.dims().to_vec(), floats(c.numbers()))?;
            Ok(Value::Constant(cast.into()))
        }
        (Value::Constant(c), _) => Ok(Value::Constant(c)),
        (Value::Map(_), like) => to_kind(call, like),
    }
}

/// `Cast` of a constant.
pub(in super::super) fn cast_constant(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    let (constant, target) = (call.constant(0)?, target(call)?);
    call.charge(constant.dims())?;
    let numbers = match target {
        e if e.is_float() => floats(constant.numbers()),
        Element::Bool => match constant.numbers() {
            Numbers::Int(v) => Numbers::Int(v.iter().map(|v| i64::from(*v != 0)).collect()),
            Numbers::Float(v) => Numbers::Int(v.iter().map(|v| i64::from(*v != 0.0)).collect()),
        },
        _ => ints(constant.numbers()),
    };
    Constant::new(constant.dims().to_vec(), numbers)
}

/// `CastLike` of constants.
pub(in super::super) fn cast_constant_like(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    let (constant, like) = (call.constant(0)?, call.constant(1)?);
    call.charge(constant.dims())?;
    let numbers = match like.numbers() {
        Numbers::Float(_) => floats(constant.numbers()),
        Numbers::Int(_) => ints(constant.numbers()),
    };
    Constant::new(constant.dims().to_vec(), numbers)
}

fn target(call: &Call<'_, '_>) -> Result<Element, String> {
    Element::of(call.int("to")?.ok_or("attribute `to` is missing")?)
}

fn floats(numbers: &Numbers) -> Numbers {
    match numbers {
        Numbers::Float(v) => Numbers::Float(v.clone()),
        Numbers::Int(v) => Numbers::Float(v.iter().map(|v| *v as f32).collect()),
    }
}

/// Towards zero; beyond the range the nearest integer.
fn ints(numbers: &Numbers) -> Numbers {
    match numbers {
        Numbers::Float(v) => Numbers::Int(v.iter().map(|v| *v as i64).collect()),
        Numbers::Int(v) => Numbers::Int(v.clone()),
    }
}
