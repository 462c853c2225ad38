//! Changes of the element type. Maps are always in single precision.

use super::super::{
    call::Call,
    decode::Element,
    value::{Constant, Numbers, Value},
};

/// `Cast` of a map, which must stay a float.
pub(in super::super) fn cast(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = call.map(0)?;
    if target(call)?.is_float() {
        return Ok(Value::Map(map));
    }
    Err("values computed from the picture can be cast to floats only".to_owned())
}

/// `CastLike`: to the type of the second input.
pub(in super::super) fn cast_like(call: &mut Call<'_, '_>) -> Result<Value, String> {
    match (call.input(0)?.clone(), call.input(1)?) {
        (Value::Constant(c), _) => {
            call.charge(c.dims())?;
            let cast = Constant::new(c.dims().to_vec(), floats(c.numbers()))?;
            Ok(Value::Constant(cast.into()))
        }
        (Value::Map(_), Value::Constant(like)) if like.as_floats().is_err() => {
            Err("values computed from the picture can be cast to floats only".to_owned())
        }
        (value, _) => Ok(value),
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
