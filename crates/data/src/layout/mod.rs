//! The layouts a data set may have, one file each.

mod cifar;
mod classes;
mod coco;
mod fashion_mnist;
mod flat;
mod idx;
mod ilsvrc2012;
mod imagenette;
mod labels;
pub(super) mod numpy;
mod parquet;
mod picture;
mod places;
mod sun397;
mod texts;
mod voc;

use super::{DataError, Dataset, Options, listing::DataPath};
use crate::base::registry::{self, Entry, Named, Spec};
use std::{fs, path::Path};

/// A way in which pictures and labels are kept.
pub trait Layout: Send + Sync {
    /// True when `place` looks like this layout, by names alone.
    fn detect(&self, place: &DataPath) -> bool;

    /// Reads the listing (or the file that holds the whole set).
    fn open(&self, place: &DataPath, options: &Options) -> Result<Box<dyn Dataset>, DataError>;
}

/// All layouts, in the order in which they are tried.
pub const LAYOUTS: &[Entry<dyn Layout>] = &[
    numpy::ENTRY,
    parquet::ENTRY,
    fashion_mnist::ENTRY,
    idx::ENTRY,
    cifar::ENTRY,
    labels::ENTRY,
    ilsvrc2012::ENTRY,
    imagenette::ENTRY,
    voc::ENTRY,
    coco::ENTRY,
    places::ENTRY,
    sun397::ENTRY,
    classes::ENTRY,
    flat::ENTRY,
    picture::ENTRY,
    texts::ENTRY,
];

/// The first layout, with its default parameters, that recognises `place`.
pub(super) fn detect(place: &DataPath) -> Result<Named<dyn Layout>, DataError> {
    for entry in LAYOUTS {
        let defaults = Spec::plain(entry.id);
        let layout = registry::build("layout", LAYOUTS, &defaults)?;
        if layout.value.detect(place) {
            return Ok(layout);
        }
    }
    // texts are never recognised: the network asks for them
    let of_pictures = LAYOUTS.iter().filter(|e| e.id != texts::ENTRY.id);
    let known: Vec<&str> = of_pictures.map(|e| e.id).collect();
    let expected = format!("pictures in one of the layouts {}", known.join(", "));
    Err(DataError::unexpected(&place.path, expected, place.words()))
}

/// The class names in `classes.txt` or `synset_words.txt` (one per line, by class index), with the
/// name of that file.
fn class_names_beside(place: &DataPath) -> Result<Option<(String, Vec<String>)>, DataError> {
    let file = ["classes.txt", "synset_words.txt"].iter().find(|name| place.has_file(name));
    file.map(|name| Ok(((*name).to_owned(), lines(&place.path(name))?))).transpose()
}

/// The lines of a text file, trimmed, without blank ones at the end.
fn lines(path: &Path) -> Result<Vec<String>, DataError> {
    let text = fs::read(path).map_err(|e| DataError::read(path, &e))?;
    let text = String::from_utf8(text)
        .map_err(|_| DataError::unexpected(path, "text in UTF-8", "other bytes"))?;
    Ok(text.trim_end().lines().map(|line| line.trim().to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Folder;

    #[test]
    fn every_layout_has_a_name_of_its_own_and_builds_with_its_defaults() {
        for (k, entry) in LAYOUTS.iter().enumerate() {
            assert!(LAYOUTS[..k].iter().all(|other| other.id != entry.id));
            let spec = Spec::plain(entry.id);
            assert!(registry::build("layout", LAYOUTS, &spec).is_ok());
        }
    }

    #[test]
    fn every_file_of_this_folder_is_in_the_table() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/layout");
        let files = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
        let mut names: Vec<String> = files
            .filter(|path| path.is_file())
            .map(|path| path.file_stem().unwrap().to_str().unwrap().replace('_', "-"))
            .filter(|name| name != "mod")
            .collect();
        names.sort();
        let mut ids: Vec<&str> = LAYOUTS.iter().map(|e| e.id).collect();
        ids.sort_unstable();
        assert_eq!(names, ids);
    }

    #[test]
    fn unknown_layouts_and_unknown_content_are_named() {
        let folder = Folder::new();
        let messages = [folder.says(folder.open("clases")), folder.says(folder.open(""))];
        insta::assert_snapshot!(messages.join("\n"));
    }
}
