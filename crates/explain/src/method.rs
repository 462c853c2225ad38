//! From the name of a method to the method.

use super::{
    EXPLAINERS, Explainer,
    lrp::{
        composite::CompositeError,
        file::{self, FromFile},
    },
    wrap::{self, WRAPPERS, Wrapper},
};
use crate::base::registry::{Named, Param, Spec, SpecError, build};
use std::{io, path::Path};

/// A method that cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum MethodError {
    /// No such method, or a wrong parameter.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// A file that the method needs cannot be read.
    #[error("cannot read `{file}` of method `{method}`: {reason}")]
    Read {
        /// The method.
        method: &'static str,
        /// The file.
        file: String,
        /// What the system said.
        reason: String,
    },
    /// A composite file that cannot be used.
    #[error("composite `{file}`: {problem}")]
    Composite {
        /// The file.
        file: String,
        /// What is wrong.
        problem: Box<CompositeError>,
    },
    /// There is no heat map to wrap.
    #[error(
        "`{method}` is no heat map but an order drawn anew for every repeat, so `{param}` has nothing to \
         work on; leave it out"
    )]
    Order {
        /// The method.
        method: String,
        /// The parameter that every heat map takes.
        param: &'static str,
    },
}

/// Builds a method of [`EXPLAINERS`], or `lrp-composite:file=F` from the text that `read` gives
/// for `F`; with the [`WRAPPERS`] that the spec asks for.
pub fn method(
    spec: &Spec,
    read: impl Fn(&str) -> io::Result<String>,
) -> Result<Named<dyn Explainer>, MethodError> {
    let mut own = spec.clone();
    let wrappers = wrap::taken(&mut own)?;
    let method = unwrapped(&own, read)?;
    match wrappers.first() {
        Some(asked) if method.value.is_random_order() => {
            Err(MethodError::Order { method: method.name, param: asked.wrapper.param.key })
        }
        _ => Ok(wrap::wrapped(method, wrappers)),
    }
}

fn unwrapped(
    spec: &Spec,
    read: impl Fn(&str) -> io::Result<String>,
) -> Result<Named<dyn Explainer>, MethodError> {
    if spec.id != file::ENTRY.id {
        return Ok(build("method", EXPLAINERS, spec)?);
    }
    let Named { name, value } = build("method", &[file::ENTRY], spec)?;
    let FromFile { file, .. } = &*value;
    let text = read(file).map_err(|e| MethodError::Read {
        method: file::ENTRY.id,
        file: file.clone(),
        reason: e.to_string(),
    })?;
    let lrp = value.method(&text);
    let lrp = lrp.map_err(|problem| MethodError::Composite {
        file: file.clone(),
        problem: Box::new(problem),
    })?;
    // known by its content, wherever it lies
    let name = name.replacen(&format!("file={file}"), &format!("file={}", file_name(file)), 1);
    Ok(Named { name, value: Box::new(lrp) })
}

/// The name by which a file stands in the name of a method: without the folder, in which it may lie
/// elsewhere for the next run.
pub fn file_name(file: &str) -> &str {
    Path::new(file).file_name().and_then(|name| name.to_str()).unwrap_or(file)
}

/// Parameters of the method with this id, those of [`WRAPPERS`] last.
pub fn params(id: &str) -> Option<Vec<Param>> {
    let listed = || EXPLAINERS.iter().find(|e| e.id == id).map(|e| e.params);
    let own = if id == file::ENTRY.id { Some(file::ENTRY.params) } else { listed() };
    Some(own?.iter().copied().chain(WRAPPERS.iter().flat_map(Wrapper::params)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(spec: &str, text: &str) -> String {
        let read = |file: &str| match file {
            "here.toml" => Ok(text.to_owned()),
            _ => Err(io::Error::new(io::ErrorKind::NotFound, "no such file")),
        };
        match method(&spec.parse().unwrap(), read) {
            Ok(named) => named.name,
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn wrappers_go_round_any_method_and_stand_in_its_name() {
        assert_eq!(
            say("gradient:contrast=runner-up:translate=02:value=squared", ""),
            "gradient:value=squared:translate=2:contrast=runner-up"
        );
        let falling = "gradient:value=squared:translate=2:translate-weight=inverse";
        assert_eq!(say(falling, ""), falling);
        assert_eq!(
            say("sobel:translate=2:translate-weight=equal", ""),
            say("sobel:translate=2", "")
        );
        assert_eq!(
            say("sobel:translate-weight=inverse", ""),
            "`sobel`: `translate-weight` must be given together with `translate`, found `inverse`"
        );
        assert_eq!(
            say("sobel:translate=0", ""),
            "`sobel`: `translate` must be a whole number from 1 to 32, found `0`"
        );
        assert_eq!(
            say("lrp-composite:file=here.toml:translate=1", "[[line]]\nrule = \"lrp-flat\""),
            "lrp-composite:file=here.toml:start=score:sum=signed:max=winner:norm=identity:product=signal\
             :translate=1"
        );
    }

    #[test]
    fn the_folder_of_a_file_is_no_part_of_the_name() {
        let text = "[[line]]\nrule = \"lrp-flat\"";
        let read = |file: &str| match file {
            "../a/here.toml" => Ok(text.to_owned()),
            _ => Err(io::Error::new(io::ErrorKind::NotFound, "no such file")),
        };
        let spec = "lrp-composite:file=../a/here.toml:start=one".parse().unwrap();
        assert_eq!(
            method(&spec, read).unwrap().name,
            "lrp-composite:file=here.toml:start=one:sum=signed:max=winner:norm=identity:product=signal"
        );
    }

    #[test]
    fn a_random_order_cannot_be_wrapped() {
        for wrapper in WRAPPERS {
            let key = wrapper.param.key;
            let value = if key == "translate" { "1" } else { "runner-up" };
            let said = say(&format!("random:{key}={value}"), "");
            assert!(said.starts_with("`random` is no heat map but an order drawn anew"), "{said}");
            assert!(said.contains(&format!("so `{key}` has nothing to work on")), "{said}");
        }
    }

    #[test]
    fn a_composite_comes_from_the_file_that_its_name_gives() {
        let good = "[[line]]\nrule = \"lrp-flat\"";
        assert_eq!(say("gradient", good), "gradient:value=signed");
        assert_eq!(
            say("lrp-composite:file=here.toml:start=one", good),
            "lrp-composite:file=here.toml:start=one:sum=signed:max=winner:norm=identity:product=signal"
        );
        assert_eq!(
            say("lrp-composite:file=gone.toml", good),
            "cannot read `gone.toml` of method `lrp-composite`: no such file"
        );
        assert_eq!(
            say("lrp-composite:file=here.toml", "[[line]]"),
            "composite `here.toml`: `[[line]]` number 1: `rule` is missing"
        );
        assert_eq!(
            say("lrp-composite", good),
            "`lrp-composite`: `file` must be the name of a TOML file, found ``"
        );
    }
}
