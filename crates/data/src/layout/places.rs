//! Places365 (Zhou et al. 2018): `categories_places365.txt` (`/a/airfield 0`) in the folder itself or
//! in `filelist_places365-standard/`; validation pictures in `val_256/` or `val_large/` labelled by
//! `places365_val.txt` (`Places365_val_00000001.jpg 165`); training pictures in
//! `data_256_standard/a/airfield/` or `data_large_standard/`. The easy format of the same set
//! (`val/airfield/x.jpg`) has the layout `classes`.

use super::{
    super::{
        DataError, Dataset, Options,
        files::{FileSet, PictureFile},
        listing::{
            DataPath, Finder, LeftOut, Listing, MISSING, Missing, count, missing, unlabelled,
        },
    },
    Layout, lines,
    sun397::by_folder,
};
use crate::base::registry::{Entry, Kind, Param};
use std::path::{Path, PathBuf};

pub(super) const ENTRY: Entry<dyn Layout> = Entry {
    id: "places",
    summary: "Places365: val_256 with places365_val.txt, or training pictures by letter and class",
    cite: "zhou2018places",
    params: &[
        Param {
            key: "split",
            default: "auto",
            kind: Kind::Word(&["auto", "train", "val"]),
            help: "which part of the set; auto takes val if it is there",
        },
        MISSING,
    ],
    build: |args| {
        Ok(Box::new(Places {
            split: args.text("split").to_owned(),
            skip_missing: Missing::of(args) == Missing::Skip,
        }))
    },
};

const CATEGORIES: &str = "categories_places365.txt";
const VAL: [&str; 3] = ["val_256", "val_large", "val"];
const TRAIN: [&str; 3] = ["data_256_standard", "data_large_standard", "data_256"];

struct Places {
    split: String,
    skip_missing: bool,
}

impl Layout for Places {
    fn detect(&self, place: &DataPath) -> bool {
        place.is_folder && lists(place).is_some()
    }

    fn open(&self, place: &DataPath, options: &Options) -> Result<Box<dyn Dataset>, DataError> {
        let none = |expected: String| DataError::unexpected(&place.path, expected, place.words());
        let lists = lists(place).ok_or_else(|| none(format!("the list {CATEGORIES}")))?;
        let classes = categories(&lists.join(CATEGORIES))?;
        let folder = |names: &[&str], split: &str| {
            let wanted = self.split == "auto" || self.split == split;
            let found = names.iter().find(|name| place.folders.iter().any(|f| f == *name));
            found.filter(|_| wanted).map(|name| place.path.join(name))
        };
        let (pictures, words, left_out) = if let Some(folder) = folder(&VAL, "val") {
            self.validation(&lists.join("places365_val.txt"), &folder, classes.len())?
        } else if let Some(folder) = folder(&TRAIN, "train") {
            let listing = Listing::of(&folder)?;
            let pictures = by_folder(listing.pictures, &classes)?;
            let words = format!("{} in class folders", count(pictures.len(), "picture"));
            (pictures, words, listing.left_out)
        } else {
            let names = [VAL, TRAIN].concat().join(", ");
            return Err(none(format!("one of the folders {names}")));
        };
        if pictures.is_empty() {
            return Err(none("pictures".to_owned()));
        }
        Ok(Box::new(FileSet {
            name: place.name.clone(),
            pictures,
            classes: Some(classes),
            words,
            left_out,
            max_pixels: options.max_pixels,
            orientation: options.orientation,
        }))
    }
}

/// The folder with the list of categories.
fn lists(place: &DataPath) -> Option<PathBuf> {
    let inside = place.folders.iter().filter(|name| name.starts_with("filelist"));
    let folders = inside.map(|name| place.path.join(name));
    std::iter::once(place.path.clone()).chain(folders).find(|f| f.join(CATEGORIES).is_file())
}

/// Names by index.
fn categories(path: &Path) -> Result<Vec<String>, DataError> {
    let name = |(at, line): (usize, String)| {
        let pair = line.split_once(' ').filter(|(_, index)| index.parse() == Ok(at));
        let found = || format!("`{line}` on line {}", at + 1);
        let wrong = || DataError::unexpected(path, format!("a name and the index {at}"), found());
        pair.map(|(name, _)| name.to_owned()).ok_or_else(wrong)
    };
    lines(path)?.into_iter().enumerate().map(name).collect()
}

impl Places {
    fn validation(
        &self,
        list: &Path,
        folder: &Path,
        classes: usize,
    ) -> Result<(Vec<PictureFile>, String, Vec<LeftOut>), DataError> {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let listing = Listing::of(folder)?.below(&format!("{name}/"));
        let finder = Finder::of(listing.pictures.iter());
        let (mut found, mut lost, mut notes) = (vec![], vec![], vec![]);
        for (at, line) in lines(list)?.into_iter().enumerate() {
            let pair =
                line.split_once(' ').and_then(|(file, k)| Some((file, k.parse::<usize>().ok()?)));
            let wrong = || {
                let expected = format!("a name and an index below {classes}");
                DataError::unexpected(list, expected, format!("`{line}` on line {}", at + 1))
            };
            let (file, label) = pair.filter(|(_, k)| *k < classes).ok_or_else(wrong)?;
            match finder.find(file) {
                Some(place) => found.push((place, label)),
                None => lost.push(file.to_owned()),
            }
        }
        missing(list, lost, self.skip_missing, &listing.left_out, &mut notes)?;
        unlabelled(listing.pictures.len() - found.len(), &mut notes);
        found.sort_unstable();
        let picture = |(at, label): (usize, usize)| {
            PictureFile::new(listing.pictures[at].clone(), Some(label))
        };
        let pictures: Vec<PictureFile> = found.into_iter().map(picture).collect();
        notes.insert(
            0,
            format!("{} labelled by `places365_val.txt`", count(pictures.len(), "picture")),
        );
        Ok((pictures, notes.join(", "), listing.left_out))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{Folder, rows};

    fn places() -> Folder {
        let folder = Folder::new();
        let list = "/a/airfield 0\n/a/apartment_building/outdoor 1\n/z/zen_garden 2\n";
        folder.file("filelist_places365-standard/categories_places365.txt", list);
        let val = "Places365_val_00000001.jpg 2\nPlaces365_val_00000002.jpg 0\n";
        folder.file("filelist_places365-standard/places365_val.txt", val);
        for n in 1..=2 {
            folder.png(&format!("val_256/Places365_val_0000000{n}.jpg"), 1, 1, 0);
        }
        folder.png("data_256_standard/a/apartment_building/outdoor/00000001.jpg", 1, 1, 0);
        folder
    }

    #[test]
    fn validation_pictures_have_a_list_and_training_pictures_have_folders() {
        let folder = places();
        let val = folder.open("").unwrap();
        let expected = [(1, 2), (2, 0)];
        let expected =
            expected.map(|(n, k)| (format!("val_256/Places365_val_0000000{n}.jpg"), Some(k)));
        assert_eq!(rows(&*val), expected);
        assert_eq!(val.classes().unwrap()[2], "/z/zen_garden");
        let train = folder.open("places:split=train").unwrap();
        assert_eq!(rows(&*train)[0].1, Some(1));
        insta::assert_snapshot!([val.describe(), train.describe()].join("\n"), @r"
            2 pictures labelled by `places365_val.txt`
            1 picture in class folders
        ");
    }

    #[test]
    fn messages_name_the_list() {
        let say = |name: &str, text: &str| {
            let folder = places();
            folder.file(&format!("filelist_places365-standard/{name}"), text);
            folder.says(folder.open(""))
        };
        let folder = places();
        std::fs::remove_dir_all(folder.child("val_256")).unwrap();
        let messages = [
            say("categories_places365.txt", "/a/airfield 0\n/a/barn 2\n"),
            say("places365_val.txt", "Places365_val_00000001.jpg 3\n"),
            say("places365_val.txt", "Places365_val_00000003.jpg 1\n"),
            folder.says(folder.open("places:split=val")),
        ];
        insta::assert_snapshot!(messages.join("\n"));
    }
}
