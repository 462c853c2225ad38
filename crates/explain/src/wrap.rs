//! What can be done with the heat maps of any method, as parameters that every method takes.

use super::{Explainer, contrast, translate};
use crate::base::registry::{Named, Param, Spec, SpecError};

/// A parameter of every method. It has no default: without it the method is not wrapped, and its
/// name does not print it.
pub struct Wrapper {
    /// The parameter.
    pub param: Param,
    /// A word that says more and is only taken together with the parameter; a name prints it where it is not the
    /// default.
    pub also: Option<Param>,
    /// The method that a value in the parameter's canonical print, and the word, make of another.
    pub wrap: Wrap,
}

/// Makes a method of another.
pub type Wrap = fn(Box<dyn Explainer>, &str, &str) -> Box<dyn Explainer>;

impl Wrapper {
    /// What it takes.
    pub fn params(&self) -> impl Iterator<Item = Param> {
        [self.param].into_iter().chain(self.also)
    }
}

/// A wrapper that a spec asks for, with the values of its parameters in canonical print.
pub(super) struct Asked {
    pub(super) wrapper: &'static Wrapper,
    value: String,
    word: String,
}

/// All of them, the innermost first.
pub const WRAPPERS: &[Wrapper] = &[translate::WRAPPER, contrast::WRAPPER];

/// Takes the parameters of [`WRAPPERS`] out of `spec`.
pub(super) fn taken(spec: &mut Spec) -> Result<Vec<Asked>, SpecError> {
    let mut all = Vec::new();
    for wrapper in WRAPPERS {
        let value = take(spec, &wrapper.param)?;
        let also = wrapper.also.as_ref();
        let word = also.map(|also| take(spec, also)).transpose()?.flatten();
        match (value, word) {
            (Some(value), word) => {
                let word = word.or(also.map(|also| also.default.to_owned()));
                all.push(Asked { wrapper, value, word: word.unwrap_or_default() });
            }
            (None, Some(word)) => return Err(alone(spec, wrapper, word)),
            (None, None) => (),
        }
    }
    Ok(all)
}

/// The value of a parameter in canonical print, if it is given.
fn take(spec: &mut Spec, param: &Param) -> Result<Option<String>, SpecError> {
    let Some(raw) = spec.take(param.key) else { return Ok(None) };
    let value = param.kind.canonical(&raw);
    value.map(Some).ok_or_else(|| wrong(spec, param.key, param.kind.rule(), raw))
}

fn wrong(spec: &Spec, key: &str, rule: String, got: String) -> SpecError {
    SpecError::BadParam { id: spec.id.clone(), key: key.to_owned(), rule, got }
}

/// The word is given without what it is about.
fn alone(spec: &Spec, wrapper: &Wrapper, word: String) -> SpecError {
    let key = wrapper.also.map_or("", |also| also.key);
    wrong(spec, key, format!("given together with `{}`", wrapper.param.key), word)
}

/// A method with wrappers round it, under a name that says so.
pub(super) fn wrapped(method: Named<dyn Explainer>, asked: Vec<Asked>) -> Named<dyn Explainer> {
    asked.into_iter().fold(
        method,
        |Named { name, value: inner }, Asked { wrapper, value, word }| {
            let also = wrapper.also.filter(|also| also.default != word);
            let also = also.map_or(String::new(), |also| format!(":{}={word}", also.key));
            Named {
                name: format!("{name}:{}={value}{also}", wrapper.param.key),
                value: (wrapper.wrap)(inner, &value, &word),
            }
        },
    )
}
