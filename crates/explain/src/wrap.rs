//! What can be done with the heat maps of any method, as parameters that every method takes.

use super::{Explainer, contrast, translate};
use crate::base::registry::{Named, Param, Spec, SpecError};

/// A parameter of every method. It has no default: without it the method is not wrapped, and its
/// name does not print it.
pub struct Wrapper {
    /// The parameter.
    pub param: Param,
    /// The method that a value in the parameter's canonical print makes of another.
    pub wrap: fn(Box<dyn Explainer>, &str) -> Box<dyn Explainer>,
}

/// All of them, the innermost first.
pub const WRAPPERS: &[Wrapper] = &[translate::WRAPPER, contrast::WRAPPER];

/// Takes the parameters of [`WRAPPERS`] out of `spec`: each with its value in canonical print.
pub(super) fn taken(spec: &mut Spec) -> Result<Vec<(&'static Wrapper, String)>, SpecError> {
    let take = |wrapper: &'static Wrapper| {
        let raw = spec.take(wrapper.param.key)?;
        let value = wrapper.param.kind.canonical(&raw).ok_or_else(|| SpecError::BadParam {
            id: spec.id.clone(),
            key: wrapper.param.key.to_owned(),
            rule: wrapper.param.kind.rule(),
            got: raw,
        });
        Some(value.map(|value| (wrapper, value)))
    };
    WRAPPERS.iter().filter_map(take).collect()
}

/// A method with wrappers round it, under a name that says so.
pub(super) fn wrapped(
    method: Named<dyn Explainer>,
    wrappers: Vec<(&'static Wrapper, String)>,
) -> Named<dyn Explainer> {
    wrappers.into_iter().fold(method, |Named { name, value }, (wrapper, text)| Named {
        name: format!("{name}:{}={text}", wrapper.param.key),
        value: (wrapper.wrap)(value, &text),
    })
}
