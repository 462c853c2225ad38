//! One folder per class: `tench/a.jpg`, `goldfish/b.jpg`. Classes have the numbers of the network's
//! classes of these names; where it has none of them, they are numbered in the order of their names,
//! as torchvision's `ImageFolder` does. A folder without pictures keeps its number.

use super::{
    super::{
        DataError, Dataset, Options,
        files::{FileSet, Picture},
        listing::{File, Place, count},
        numbering::{self, number},
    },
    Layout,
    flat::list_pictures,
};
use crate::base::registry::Entry;

pub(super) const ENTRY: Entry<dyn Layout> = Entry {
    id: "classes",
    summary: "a folder with one folder of pictures per class",
    cite: "",
    params: &[numbering::PARAM],
    build: |args| Ok(Box::new(Classes { in_order: args.text(numbering::PARAM.key) == "order" })),
};

/// Folders of these names are parts of a data set, not classes.
const SPLITS: [&str; 5] = ["test", "train", "val", "valid", "validation"];

struct Classes {
    in_order: bool,
}

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
        let known = if self.in_order { &[][..] } else { &options.class_names };
        let numbering = number(classes, known, &place.path, ENTRY.id)?;
        let words = words(classes, &listing.pictures) + numbering.words + &listing.others_words(0);
        let labelled = |file: File| match label(classes, &file) {
            Some(at) => Ok(Picture::new(file, Some(numbering.numbers[at]))),
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
            classes: Some(numbering.classes),
            words,
            max_pixels: options.max_pixels,
        }))
    }
}

/// Position of the folder that a picture is in.
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
    use crate::data::{
        Dataset, Options,
        testing::{Folder, rows},
    };

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
    fn folders_named_like_the_networks_classes_have_their_numbers() {
        let folder = Folder::new();
        folder.png("ship/a.png", 1, 1, 0);
        folder.png("frog/b.png", 1, 1, 0);
        let class_names = ["cat", "dog", "frog", "ship"].map(str::to_owned).to_vec();
        let open = |layout: Option<&str>| {
            let layout = layout.map(|text| text.parse().unwrap());
            let options =
                Options { layout, class_names: class_names.clone(), ..Options::default() };
            crate::data::open(folder.path(), &options).unwrap()
        };
        let labels = |set: &dyn Dataset| rows(set).into_iter().map(|(_, k)| k).collect::<Vec<_>>();
        let set = open(None);
        assert_eq!(labels(&*set), [Some(2), Some(3)]);
        assert_eq!(set.classes().unwrap(), class_names);
        insta::assert_snapshot!(set.describe(), @"2 pictures in 2 class folders, numbered by the network's class names");
        let other = open(Some("classes:numbers=order"));
        assert_eq!(labels(&*other), [Some(0), Some(1)]);
        assert_ne!(other.fingerprint(), set.fingerprint());
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
