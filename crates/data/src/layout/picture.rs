//! A single picture.

use super::{
    super::{
        DataError, Dataset, Options,
        decode::is_picture,
        files::{FileSet, PictureFile},
        listing::{DataPath, File},
    },
    Layout,
};
use crate::base::registry::Entry;

pub(super) const ENTRY: Entry<dyn Layout> = Entry {
    id: "picture",
    summary: "one picture file",
    cite: "",
    params: &[],
    build: |_| Ok(Box::new(Single)),
};

struct Single;

impl Layout for Single {
    fn detect(&self, place: &DataPath) -> bool {
        !place.is_folder && is_picture(&place.name)
    }

    fn open(&self, place: &DataPath, options: &Options) -> Result<Box<dyn Dataset>, DataError> {
        if place.is_folder {
            return Err(DataError::unexpected(&place.path, "a picture file", place.words()));
        }
        let file = File { id: place.name.clone(), path: place.path.clone() };
        Ok(Box::new(FileSet {
            name: place.name.clone(),
            pictures: vec![PictureFile::new(file, None)],
            classes: None,
            words: "1 picture, without label".to_owned(),
            left_out: vec![],
            max_pixels: options.max_pixels,
            orientation: options.orientation,
        }))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{Folder, open, rows};

    #[test]
    fn a_picture_is_a_set_of_one() {
        let folder = Folder::new();
        let path = folder.png("a.PNG", 2, 3, 255);
        let set = open(&path, "").unwrap();
        assert_eq!(rows(&*set), [("a.PNG".to_owned(), None)]);
        assert_eq!(set.item(0).unwrap().image.data, [1.0; 18]);
        insta::assert_snapshot!(set.describe(), @"1 picture, without label");
    }

    #[test]
    fn other_files_and_folders_are_no_pictures() {
        let folder = Folder::new();
        let path = folder.file("notes.txt", "text");
        insta::assert_snapshot!(
            [folder.says(open(&path, "")), folder.says(open(folder.path(), "picture"))].join("\n")
        );
    }
}
