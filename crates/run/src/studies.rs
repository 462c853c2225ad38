//! The table of studies, and the results of any of them.

use super::{
    clusters, compare, context,
    output::{OutputError, read_json, study_of},
    probe, properties, prototypes, ranking,
    study::{Entry, manifest::Manifest},
};
use crate::base::registry::near;
use std::path::Path;

/// All studies.
pub const STUDIES: &[&Entry] = &[
    &ranking::ENTRY,
    &properties::ENTRY,
    &probe::ENTRY,
    &context::ENTRY,
    &clusters::ENTRY,
    &compare::ENTRY,
    #[cfg(test)]
    &crate::tests::study::ENTRY,
];

/// What the manifest below a folder says, and the study that it tells of; `None` where there is no manifest. That of
/// a study which is not known is refused.
pub fn read_manifest(folder: &Path) -> Result<Option<(Manifest, &'static Entry)>, OutputError> {
    let Some(value) = read_json(folder)? else { return Ok(None) };
    let unknown = |reason| OutputError::Study { path: folder.to_owned(), reason };
    let entry = study_of_name(study_of(&value)).map_err(unknown)?;
    let foreign = |_| OutputError::Foreign { path: folder.to_owned() };
    Ok(Some((serde_json::from_value(value).map_err(foreign)?, entry)))
}

/// The study of a name in a manifest.
fn study_of_name(name: &str) -> Result<&'static Entry, String> {
    if name == prototypes::MANIFEST_OF {
        return Err(
            "it holds prototypes, which `pixelflip prototype` makes and puts together".to_owned()
        );
    }
    let known = STUDIES.iter().find(|entry| entry.name == name);
    known.copied().ok_or_else(|| {
        let near = near(name, STUDIES.iter().map(|entry| entry.name));
        let near =
            if near.is_empty() { String::new() } else { format!(", is it {}?", near.join(" or ")) };
        format!("it is of the study `{name}`, which this version of pixelflip does not know{near}")
    })
}
