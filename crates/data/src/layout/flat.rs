//! A folder of pictures without labels.

use super::{
    super::{
        DataError, Dataset, Options,
        files::{FileSet, PictureFile},
        listing::{DataPath, Listing, count},
    },
    Layout,
};
use crate::base::registry::Entry;

pub(super) const ENTRY: Entry<dyn Layout> = Entry {
    id: "flat",
    summary: "a folder of pictures without labels, also in folders below",
    cite: "",
    params: &[],
    build: |_| Ok(Box::new(Flat)),
};

struct Flat;

impl Layout for Flat {
    fn detect(&self, place: &DataPath) -> bool {
        place.is_folder && (place.has_pictures() || place.folders.len() == 1)
    }

    fn open(&self, place: &DataPath, options: &Options) -> Result<Box<dyn Dataset>, DataError> {
        let listing = list_pictures(place)?;
        let inside = listing.pictures.iter().filter(|file| file.id.contains('/')).count();
        // folders could have been classes
        let inside = match inside {
            n if n > 0 && place.folders.len() > 1 => format!(", {n} of them in folders"),
            _ => String::new(),
        };
        let words = format!(
            "{} without labels{inside}{}",
            count(listing.pictures.len(), "picture"),
            listing.others_words(0)
        );
        let unlabelled = |file| PictureFile::new(file, None);
        Ok(Box::new(FileSet {
            name: place.name.clone(),
            pictures: listing.pictures.into_iter().map(unlabelled).collect(),
            classes: None,
            words,
            left_out: listing.left_out,
            max_pixels: options.max_pixels,
            orientation: options.orientation,
        }))
    }
}

/// All pictures below a folder, at least one.
pub(super) fn list_pictures(place: &DataPath) -> Result<Listing, DataError> {
    if !place.is_folder {
        return Err(DataError::unexpected(&place.path, "a folder with pictures", "a file"));
    }
    let listing = Listing::of(&place.path)?;
    if listing.pictures.is_empty() {
        let expected = "a folder with JPEG, PNG, WebP, BMP or TIFF pictures";
        let found = match listing.others.len() {
            0 => "no files".to_owned(),
            n => format!("{}, none of them a picture", count(n, "file")),
        };
        return Err(DataError::unexpected(&place.path, expected, found));
    }
    Ok(listing)
}

#[cfg(test)]
mod tests {
    use crate::testing::{Folder, open, rows};
    use std::fs;

    #[test]
    fn pictures_are_in_the_order_of_their_paths_and_the_rest_is_counted() {
        let folder = Folder::new();
        for name in ["b.png", "a.png", "more/c.png", "10.png", "9.png"] {
            folder.png(name, 1, 1, 0);
        }
        folder.file("README", "");
        folder.file(".hidden.png", "");
        let set = folder.open("").unwrap();
        let ids: Vec<String> = rows(&*set).into_iter().map(|(id, _)| id).collect();
        assert_eq!(ids, ["10.png", "9.png", "a.png", "b.png", "more/c.png"]);
        insta::assert_snapshot!(set.describe(), @"5 pictures without labels, 1 other file left out");
    }

    #[test]
    fn an_unreadable_picture_is_an_error_of_its_own() {
        let folder = Folder::new();
        folder.png("a.png", 1, 1, 0);
        folder.file("b.png", "no picture");
        folder.png("c.png", 1, 1, 0);
        let set = folder.open("").unwrap();
        assert!(set.item(0).is_ok() && set.item(2).is_ok());
        insta::assert_snapshot!(folder.says(set.item(1)), @"`DIR/b.png`: expected a JPEG, PNG, WebP, BMP or TIFF picture, found a file beginning with `no picture`");
    }

    #[test]
    fn folders_without_pictures_are_refused() {
        let folder = Folder::new();
        let empty = folder.says(folder.open(""));
        folder.file("a/notes.txt", "");
        let notes = folder.says(folder.open(""));
        let absent = folder.says(open(&folder.child("x"), ""));
        insta::assert_snapshot!([empty, notes, absent].join("\n"));
    }

    #[test]
    fn a_set_is_known_by_its_names_and_a_picture_by_its_content() {
        let make = |name: &str, content: &[u8]| {
            let folder = Folder::new();
            folder.file(name, content);
            let set = folder.open("flat").unwrap();
            (set.fingerprint(), set.content(0).unwrap())
        };
        let base = make("a.png", b"123");
        assert_eq!(base, make("a.png", b"123"), "not on the folder");
        // printf 123 | sha256sum
        assert_eq!(base.1[..16], *"a665a45920422f9d");
        assert_ne!(base.1, make("a.png", b"456").1);
        assert_ne!(base.1, make("a.png", b"1234").1);
        assert_eq!(base.0, make("a.png", b"1234").0);
        assert_ne!(base.0, make("b.png", b"123").0);
    }

    #[test]
    fn what_the_system_cannot_read_now_it_may_read_later_and_other_faults_stay() {
        let folder = Folder::new();
        folder.file("a.png", "no picture");
        folder.png("b.png", 1, 1, 0);
        let set = folder.open("flat").unwrap();
        fs::remove_file(folder.child("b.png")).unwrap();
        assert!(!set.item(0).unwrap_err().is_momentary());
        assert!(set.content(0).is_ok(), "a broken picture is known, too");
        assert!(set.item(1).unwrap_err().is_momentary());
        assert!(set.content(1).unwrap_err().is_momentary());
        // empty now, after it was listed
        folder.file("b.png", "");
        assert!(!set.item(1).unwrap_err().is_momentary());
    }

    #[test]
    fn a_set_is_there_as_long_as_some_of_its_pictures_are() {
        let folder = Folder::new();
        let names: Vec<String> = (0..20).map(|i| format!("{i:02}.png")).collect();
        for name in &names {
            folder.png(name, 1, 1, 0);
        }
        let set = folder.open("flat").unwrap();
        names[1..].iter().for_each(|name| fs::remove_file(folder.child(name)).unwrap());
        assert!(set.is_there());
        fs::remove_file(folder.child(&names[0])).unwrap();
        assert!(!set.is_there());
    }
}
