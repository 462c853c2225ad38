//! One folder per class: `tench/a.jpg`, `goldfish/b.jpg`. Classes are numbered in the order of
//! their names, as torchvision's `ImageFolder` does; a folder without pictures keeps its number.

use super::{
    super::{
        DataError, Dataset, Options,
        files::{FileSet, Picture},
        listing::{File, Place, count},
    },
    Layout,
    flat::list_pictures,
};
use crate::base::registry::Entry;

pub(super) const ENTRY: Entry<dyn Layout> = Entry {
    id: "classes",
    summary: "a folder with one folder of pictures per class",
    cite: "",
    params: &[],
    build: |_| Ok(Box::new(Classes)),
};

/// Folders of these names are parts of a data set, not classes.
const SPLITS: [&str; 5] = ["test", "train", "val", "valid", "validation"];

struct Classes;

impl Layout for Classes {
    fn detect(&self, place: &Place) -> bool {
        place.is_folder && !place.has_pictures() && place.folders.len() > 1
    }

    fn open(&self, place: &Place, options: &Options) -> Result<Box<dyn Dataset>, DataError> {
        let classes = &place.folders;
        if !classes.is_empty() && classes.iter().all(|name| SPLITS.contains(&name.as_str())) {
            let found = format!("the splits {}", classes.join(", "));
            return Err(DataError::unexpected(&place.path, "one folder per class", found)
                .hint("give the path of one of them"));
        }
        let listing = list_pictures(place)?;
        let words = words(classes, &listing.pictures) + &listing.others_words(0);
        let labelled = |file: File| match label(classes, &file) {
            Some(label) => Ok(Picture::new(file, Some(label))),
            None => Err(DataError::unexpected(
                &file.path,
                "a picture inside a class folder",
                "one beside them",
            )
            .hint("move it, or take all as unlabelled with the layout `flat`")),
        };
        Ok(Box::new(FileSet {
            name: place.name.clone(),
            pictures: listing.pictures.into_iter().map(labelled).collect::<Result<_, _>>()?,
            classes: Some(classes.clone()),
            words,
            max_pixels: options.max_pixels,
        }))
    }
}

fn label(classes: &[String], file: &File) -> Option<usize> {
    let (class, _) = file.id.split_once('/')?;
    classes.binary_search_by(|name| name.as_str().cmp(class)).ok()
}

fn words(classes: &[String], pictures: &[File]) -> String {
    let mut sizes = vec![0; classes.len()];
    pictures.iter().filter_map(|file| label(classes, file)).for_each(|k| sizes[k] += 1);
    let empty: Vec<String> = classes
        .iter()
        .zip(&sizes)
        .filter(|(_, n)| **n == 0)
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    let empty = if empty.is_empty() {
        String::new()
    } else {
        format!(", no pictures in {}", empty.join(", "))
    };
    format!("{} in {} class folders{empty}", count(pictures.len(), "picture"), classes.len())
}

#[cfg(test)]
mod tests {
    use crate::data::testing::{Folder, rows};

    #[test]
    fn folders_are_classes_in_the_order_of_their_names() {
        let folder = Folder::new();
        for name in ["tench/b.png", "tench/deep/a.png", "goldfish/c.png"] {
            folder.png(name, 1, 1, 0);
        }
        std::fs::create_dir(folder.at("shark")).unwrap();
        let set = folder.open("").unwrap();
        let expected = [("goldfish/c.png", 0), ("tench/b.png", 2), ("tench/deep/a.png", 2)];
        assert_eq!(rows(&*set), expected.map(|(id, label)| (id.to_owned(), Some(label))));
        assert_eq!(set.classes().unwrap(), ["goldfish", "shark", "tench"]);
        insta::assert_snapshot!(set.describe(), @"3 pictures in 3 class folders, no pictures in `shark`");
    }

    #[test]
    fn splits_and_loose_pictures_are_not_taken_for_classes() {
        let folder = Folder::new();
        folder.png("train/a/1.png", 1, 1, 0);
        folder.png("val/a/1.png", 1, 1, 0);
        let splits = folder.says(folder.open(""));
        folder.png("loose.png", 1, 1, 0);
        std::fs::rename(folder.at("val"), folder.at("dogs")).unwrap();
        let loose = folder.says(folder.open("classes"));
        insta::assert_snapshot!([splits, loose].join("\n"));
        // without being told, all are taken, unlabelled
        assert_eq!(folder.open("").unwrap().describe(), "3 pictures without labels");
    }
}
