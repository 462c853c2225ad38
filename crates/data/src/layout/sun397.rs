//! SUN397 (Xiao et al. 2010): a folder per class below one folder per letter, some classes with a
//! folder per variant (`a/abbey/sun_x.jpg`, `a/apartment_building/outdoor/sun_y.jpg`), numbered in
//! the order of `ClassName.txt`, or of their paths where that list is not there.

use super::{
    super::{
        DataError, Dataset, Options,
        files::{FileSet, PictureFile},
        listing::{DataPath, File, count},
    },
    Layout,
    flat::list_pictures,
    lines,
};
use crate::base::registry::Entry;
use std::collections::BTreeSet;

pub(super) const ENTRY: Entry<dyn Layout> = Entry {
    id: "sun397",
    summary: "SUN397: folders of classes below folders of letters, with ClassName.txt",
    cite: "xiao2010sun",
    params: &[],
    build: |_| Ok(Box::new(Sun)),
};

const CLASSES: &str = "ClassName.txt";

struct Sun;

impl Layout for Sun {
    fn detect(&self, place: &DataPath) -> bool {
        place.is_folder
            && !place.folders.is_empty()
            && !place.has_pictures()
            && (place.has_file(CLASSES) || has_letters(place))
    }

    fn open(&self, place: &DataPath, options: &Options) -> Result<Box<dyn Dataset>, DataError> {
        let listing = list_pictures(place)?;
        let classes = if place.has_file(CLASSES) {
            lines(&place.path(CLASSES))?
        } else {
            let folders: BTreeSet<String> =
                listing.pictures.iter().map(|f| folder(&f.id)).collect();
            folders.into_iter().collect()
        };
        let used = usize::from(place.has_file(CLASSES));
        let words = format!(
            "{} of {} in folders by letter",
            count(listing.pictures.len(), "picture"),
            count(classes.len(), "class")
        ) + &listing.others_words(used);
        Ok(Box::new(FileSet {
            name: place.name.clone(),
            pictures: by_folder(listing.pictures, &classes)?,
            classes: Some(classes),
            words,
            left_out: listing.left_out,
            max_pixels: options.max_pixels,
            orientation: options.orientation,
        }))
    }
}

/// True for several folders named by letters that hold nothing but folders: classes may have names
/// of one letter too, but hold pictures.
fn has_letters(place: &DataPath) -> bool {
    let is_letter = |name: &String| matches!(name.as_bytes(), [b'a'..=b'z']);
    let inside = |name: &String| DataPath::look(&place.path.join(name));
    place.folders.len() > 1
        && place.folders.iter().all(is_letter)
        && inside(&place.folders[0])
            .is_ok_and(|first| !first.has_pictures() && !first.folders.is_empty())
}

/// `/a/abbey` of `a/abbey/x.jpg`, as class lists have it.
fn folder(id: &str) -> String {
    let folder = id.rsplit_once('/').map_or("", |(folder, _)| folder);
    format!("/{folder}")
}

/// Labels pictures by the folder they are in.
pub(super) fn by_folder(
    files: Vec<File>,
    classes: &[String],
) -> Result<Vec<PictureFile>, DataError> {
    let labelled = |file: File| {
        let folder = folder(&file.id);
        let label = classes.iter().position(|class| *class == folder);
        let label = label.ok_or_else(|| {
            DataError::unexpected(
                &file.path,
                "a picture in the folder of a class",
                format!("`{folder}`"),
            )
        })?;
        Ok(PictureFile::new(file, Some(label)))
    };
    files.into_iter().map(labelled).collect()
}

#[cfg(test)]
mod tests {
    use crate::testing::{Folder, rows};

    #[test]
    fn classes_are_paths_below_letters() {
        let folder = Folder::new();
        for name in [
            "a/abbey/sun_a.jpg",
            "a/apartment_building/outdoor/sun_b.jpg",
            "z/zen_garden/sun_c.jpg",
        ] {
            folder.png(name, 1, 1, 0);
        }
        let labels = || -> Vec<usize> {
            rows(&*folder.open("").unwrap()).into_iter().map(|(_, label)| label.unwrap()).collect()
        };
        assert_eq!(labels(), [0, 1, 2]);
        let list = "/a/abbey\n/a/airplane_cabin\n/a/apartment_building/outdoor\n/z/zen_garden\n";
        folder.file("ClassName.txt", list);
        assert_eq!(labels(), [0, 2, 3]);
        insta::assert_snapshot!(folder.open("").unwrap().describe(), @"3 pictures of 4 classes in folders by letter");
        folder.png("b/barn/sun_d.jpg", 1, 1, 0);
        insta::assert_snapshot!(folder.says(folder.open("")), @"`DIR/b/barn/sun_d.jpg`: expected a picture in the folder of a class, found `/b/barn`");
    }
    #[test]
    fn classes_named_by_letters_are_no_sun397() {
        let folder = Folder::new();
        folder.png("a/1.png", 1, 1, 0);
        folder.png("b/2.png", 1, 1, 0);
        assert_eq!(folder.open("").unwrap().classes().unwrap(), ["a", "b"]);
    }
}
