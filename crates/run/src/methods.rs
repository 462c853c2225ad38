//! Methods by name, with the files that some of them need.

use crate::{
    base::{
        bounded,
        registry::{Named, Spec},
    },
    explain::{self, Explainer, MethodError},
};
use std::{cell::RefCell, collections::BTreeMap, io, path::Path};

/// Largest composite file.
const MAX_TEXT: u64 = 1 << 20;

/// Content of the files that methods were built from, by name without folder.
pub type Texts = BTreeMap<String, String>;

/// Builds the method that `text` names; files are read from the disk.
pub fn method(text: &str) -> Result<Named<dyn Explainer>, MethodError> {
    explain::method(&text.parse()?, read)
}

/// Builds several, and gives what stood in their files. `kept` is what stood in them in another run: for
/// files that are gone.
pub fn methods(
    specs: &[Spec],
    kept: &Texts,
) -> Result<(Vec<Named<dyn Explainer>>, Texts), MethodError> {
    let files = RefCell::new(Texts::new());
    let read = |file: &str| {
        let name = explain::file_name(file);
        let text = match (read(file), kept.get(name)) {
            (Err(e), Some(kept)) if e.kind() == io::ErrorKind::NotFound => kept.clone(),
            (read, _) => read?,
        };
        let before = files.borrow_mut().insert(name.to_owned(), text.clone());
        if before.is_some_and(|before| before != text) {
            let problem = format!("another file `{name}` has another content: rename one of them");
            return Err(io::Error::other(problem));
        }
        Ok(text)
    };
    let built = specs.iter().map(|spec| explain::method(spec, read));
    let built = built.collect::<Result<_, MethodError>>()?;
    Ok((built, files.into_inner()))
}

fn read(file: &str) -> io::Result<String> {
    String::from_utf8(bounded::read(Path::new(file), MAX_TEXT)?).map_err(io::Error::other)
}
