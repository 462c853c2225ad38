//! Imagenette (fast.ai): ten easy classes of ImageNet, `train/` and `val/` with a folder per class
//! named by its WordNet id, and `noisy_imagenette.csv`.
//!
//! Networks trained on ImageNet have other indices for these classes than networks trained on
//! Imagenette; `labels` says which are meant.

use super::{
    super::{
        DataError, Dataset, Options,
        files::{FileSet, PictureFile},
        listing::{DataPath, File, Listing, count},
    },
    Layout,
};
use crate::base::{
    registry::{Entry, Kind, Param},
    word_enum,
};

pub(super) const ENTRY: Entry<dyn Layout> = Entry {
    id: "imagenette",
    summary: "Imagenette: ten classes of ImageNet in folders named by WordNet id",
    cite: "",
    params: &[
        Param {
            key: "split",
            default: "val",
            kind: Kind::Word(&["train", "val"]),
            help: "which part of the set",
        },
        Param {
            key: "labels",
            default: "imagenet",
            kind: Kind::Word(Classes::WORDS),
            help: "indices into the 1000 classes of ImageNet, or 0 to 9",
        },
    ],
    build: |args| {
        let split = args.text("split").to_owned();
        Ok(Box::new(Imagenette { split, own: args.word::<Classes>("labels") == Classes::Own }))
    },
};

word_enum! {
    /// By which numbers classes go.
    enum Classes {
        ImageNet = "imagenet",
        Own = "own",
    }
}

/// WordNet id, index among the classes of ILSVRC 2012, name.
const CLASSES: [(&str, usize, &str); 10] = [
    ("n01440764", 0, "tench"),
    ("n02102040", 217, "English springer"),
    ("n02979186", 482, "cassette player"),
    ("n03000684", 491, "chain saw"),
    ("n03028079", 497, "church"),
    ("n03394916", 566, "French horn"),
    ("n03417042", 569, "garbage truck"),
    ("n03425413", 571, "gas pump"),
    ("n03445777", 574, "golf ball"),
    ("n03888257", 701, "parachute"),
];

/// Classes of ILSVRC 2012.
const IMAGENET: usize = 1000;

struct Imagenette {
    split: String,
    own: bool,
}

impl Layout for Imagenette {
    fn detect(&self, place: &DataPath) -> bool {
        place.is_folder
            && place.has_file("noisy_imagenette.csv")
            && place.folders.iter().any(|name| name == "val")
    }

    fn open(&self, place: &DataPath, options: &Options) -> Result<Box<dyn Dataset>, DataError> {
        let split = &self.split;
        if !place.folders.contains(split) {
            let expected = format!("the folder `{split}`");
            return Err(DataError::unexpected(&place.path, expected, place.words()));
        }
        let listing = Listing::of(&place.path.join(split))?.below(&format!("{split}/"));
        let words =
            format!("{} of ten classes in `{split}`", count(listing.pictures.len(), "picture"));
        let labelled = |file: File| {
            let class = CLASSES.iter().position(|(id, ..)| file.id.split('/').nth(1) == Some(id));
            let class = class.ok_or_else(|| {
                DataError::unexpected(&file.path, "a folder of one of the ten classes", "another")
            })?;
            Ok(PictureFile::new(file, Some(if self.own { class } else { CLASSES[class].1 })))
        };
        let pictures: Vec<PictureFile> =
            listing.pictures.into_iter().map(labelled).collect::<Result<_, DataError>>()?;
        if pictures.is_empty() {
            let found = "none";
            return Err(DataError::unexpected(&place.path.join(split), "pictures", found));
        }
        Ok(Box::new(FileSet {
            name: place.name.clone(),
            pictures,
            classes: Some(self.names()),
            words,
            left_out: listing.left_out,
            max_pixels: options.max_pixels,
            orientation: options.orientation,
        }))
    }
}

impl Imagenette {
    /// Names by index; those of ImageNet that are not among the ten are empty.
    fn names(&self) -> Vec<String> {
        let name = |(id, _, name): &(&str, usize, &str)| format!("{id} {name}");
        if self.own {
            return CLASSES.iter().map(name).collect();
        }
        let mut names = vec![String::new(); IMAGENET];
        CLASSES.iter().for_each(|class| names[class.1] = name(class));
        names
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{Folder, rows};

    fn imagenette() -> Folder {
        let folder = Folder::new();
        folder.file("noisy_imagenette.csv", "path,noisy_labels_0\n");
        folder.png("train/n01440764/n01440764_10026.JPEG", 1, 1, 0);
        folder.png("val/n03888257/n03888257_121.JPEG", 1, 1, 0);
        folder.png("val/n02102040/ILSVRC2012_val_00000665.JPEG", 1, 1, 0);
        folder
    }

    #[test]
    fn labels_are_those_of_imagenet_or_its_own() {
        let folder = imagenette();
        let labels = |layout| -> Vec<usize> {
            rows(&*folder.open(layout).unwrap())
                .into_iter()
                .map(|(_, label)| label.unwrap())
                .collect()
        };
        assert_eq!(labels(""), [217, 701]);
        assert_eq!(labels("imagenette:labels=own"), [1, 9]);
        assert_eq!(labels("imagenette:split=train"), [0]);
        let set = folder.open("").unwrap();
        assert_eq!(set.id(0), "val/n02102040/ILSVRC2012_val_00000665.JPEG");
        assert_eq!(set.classes().unwrap()[701], "n03888257 parachute");
        insta::assert_snapshot!(set.describe(), @"2 pictures of ten classes in `val`");
    }

    #[test]
    fn other_classes_are_refused() {
        let folder = imagenette();
        folder.png("val/n00000001/a.JPEG", 1, 1, 0);
        let other = folder.says(folder.open(""));
        std::fs::remove_dir_all(folder.child("train")).unwrap();
        let train = folder.says(folder.open("imagenette:split=train"));
        insta::assert_snapshot!([other, train].join("\n"));
    }
}
