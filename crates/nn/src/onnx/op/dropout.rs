//! Operators that do nothing outside of training.

use super::super::{
    call::Call,
    value::{Constant, Value},
};

/// `Dropout`; its second output (the mask) is not computed.
pub(in super::super) fn dropout(call: &mut Call<'_, '_>) -> Result<Value, String> {
    if let Some(mode) = call.optional_constant(2)?
        && mode.as_ints()?.iter().any(|v| *v != 0)
    {
        return Err("it is in training mode; export the model in evaluation mode".to_owned());
    }
    passed_on(call, "dropout")
}

/// `Identity`.
pub(in super::super) fn identity(call: &mut Call<'_, '_>) -> Result<Value, String> {
    passed_on(call, "identity")
}

/// A constant of any type, as it is.
pub(in super::super) fn constant(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    let constant = call.constant(0)?;
    call.charge(constant.dims())?;
    Ok(constant.as_ref().clone())
}

/// The input itself; a note only where a layer of the network is meant.
pub(super) fn passed_on(call: &mut Call<'_, '_>, what: &str) -> Result<Value, String> {
    let value = call.input(0)?.clone();
    if matches!(value, Value::Map(_)) {
        let name = call.name();
        call.note(format!("{what} `{name}` left out"));
    }
    Ok(value)
}
