//! Operators that make constants.

use super::super::{
    call::Call,
    value::{Constant, Numbers},
};

/// `Constant`.
pub(in super::super) fn constant(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    if let Some(tensor) = call.tensor("value")? {
        return call.decode(&tensor);
    }
    if let Some(v) = call.float("value_float")? {
        return Constant::new(vec![], Numbers::Float(vec![v]));
    }
    if let Some(v) = call.floats("value_floats")? {
        return Constant::new(vec![v.len()], Numbers::Float(v.to_vec()));
    }
    if let Some(v) = call.int("value_int")? {
        return Constant::new(vec![], Numbers::Int(vec![v]));
    }
    if let Some(v) = call.ints("value_ints")? {
        return Ok(Constant::ints(v.to_vec()));
    }
    Err("its value is missing, a text, or sparse; expected numbers".to_owned())
}

/// `ConstantOfShape`: one value, repeated; 0 where none is given.
pub(in super::super) fn of_shape(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    let shape = call.constant(0)?;
    let dims: Option<Vec<usize>> =
        shape.as_ints()?.iter().map(|d| usize::try_from(*d).ok()).collect();
    let dims = dims.ok_or("its shape has negative sizes")?;
    call.charge(&dims)?;
    let value = match call.tensor("value")? {
        Some(tensor) => call.decode(&tensor)?,
        None => Constant::new(vec![1], Numbers::Float(vec![0.0]))?,
    };
    if value.len() != 1 {
        return Err(format!("attribute `value` has {} values, expected one", value.len()));
    }
    value.reshaped(vec![])?.expanded(&dims)
}

/// `Range`: numbers from a start in steps up to a limit that is left out.
pub(in super::super) fn range(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    match call.constant(0)?.numbers() {
        Numbers::Int(_) => whole_range(call),
        Numbers::Float(_) => float_range(call),
    }
}

fn whole_range(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    let number = |k| Ok(i128::from(single(k, call.constant(k)?.as_ints()?)?));
    let [start, limit, step] = three(number)?;
    if step == 0 {
        return Err("its step is 0".to_owned());
    }
    // rounded up; a range that runs the other way is empty
    let count = ((limit - start + step - step.signum()) / step).max(0);
    call.charge(&[usize::try_from(count).unwrap_or(usize::MAX)])?;
    let numbers = (0..count).map(|i| (start + i * step) as i64).collect();
    Ok(Constant::ints(numbers))
}

fn float_range(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    let number = |k| single(k, call.constant(k)?.as_floats()?);
    let [start, limit, step] = three(number)?;
    if step == 0.0 || ![start, limit, step].iter().all(|v: &f32| v.is_finite()) {
        return Err(format!("it goes from {start} to {limit} in steps of {step}"));
    }
    // the count in double precision, the numbers as onnxruntime adds them up
    let count = ((f64::from(limit) - f64::from(start)) / f64::from(step)).ceil().max(0.0) as usize;
    call.charge(&[count])?;
    let numbers: Vec<f32> =
        std::iter::successors(Some(start), |v| Some(v + step)).take(count).collect();
    Constant::new(vec![count], Numbers::Float(numbers))
}

/// The three inputs of a range.
fn three<T>(number: impl Fn(usize) -> Result<T, String>) -> Result<[T; 3], String> {
    Ok([number(0)?, number(1)?, number(2)?])
}

/// The only number of an input.
fn single<T: Copy>(k: usize, values: &[T]) -> Result<T, String> {
    match values {
        [v] => Ok(*v),
        many => Err(format!("input {k} has {} values, expected one", many.len())),
    }
}
