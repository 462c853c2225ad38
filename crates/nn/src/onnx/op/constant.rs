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

/// `Range`: integers from a start in steps up to a limit that is left out.
pub(in super::super) fn range(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    let number = |k| {
        let constant = call.constant(k)?;
        match constant.as_ints()? {
            [v] => Ok(i128::from(*v)),
            many => Err(format!("input {k} has {} values, expected one", many.len())),
        }
    };
    let [start, limit, step] = [number(0)?, number(1)?, number(2)?];
    if step == 0 {
        return Err("its step is 0".to_owned());
    }
    // rounded up; a range that runs the other way is empty
    let count = ((limit - start + step - step.signum()) / step).max(0);
    call.charge(&[usize::try_from(count).unwrap_or(usize::MAX)])?;
    let numbers = (0..count).map(|i| (start + i * step) as i64).collect();
    Ok(Constant::ints(numbers))
}
