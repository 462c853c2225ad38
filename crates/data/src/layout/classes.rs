//! One folder per class: `tench/a.jpg`, `goldfish/b.jpg`. Classes have the numbers of the network's
//! classes of these names; where it has none of them, they are numbered in the order of their names,
//! as torchvision's `ImageFolder` does. Names that are all whole numbers are the classes themselves. A folder
//! without pictures keeps its number. Pictures beside the folders are named and passed over.

use super::{
    super::{
        DataError, Dataset, Options,
        files::{FileSet, PictureFile},
        listing::{DataPath, File, LeftOut, Listing, count},
        numbering::{FIRST, NUMBERS, Rule, number},
    },
    Layout,
    flat::list_pictures,
};
use crate::base::registry::Entry;

pub(super) const ENTRY: Entry<dyn Layout> = Entry {
    id: "classes",
    summary: "a folder with one folder of pictures per class",
    cite: "",
    params: &[NUMBERS, FIRST],
    build: |args| Ok(Box::new(Classes { rule: Rule::of(args, ENTRY.id)? })),
};

/// Folders of these names are parts of a data set, not classes.
const SPLITS: [&str; 5] = ["test", "train", "val", "valid", "validation"];

struct Classes {
    rule: Rule,
}

impl Layout for Classes {
    fn detect(&self, place: &DataPath) -> bool {
        place.is_folder && place.folders.len() > 1 && mostly_in_folders(place)
    }

    fn open(&self, place: &DataPath, options: &Options) -> Result<Box<dyn Dataset>, DataError> {
        let classes = &place.folders;
        if !classes.is_empty() && classes.iter().all(|name| SPLITS.contains(&name.as_str())) {
            let found = format!("the splits {}", classes.join(", "));
            return Err(DataError::unexpected(&place.path, "one folder per class", found)
                .hint("give the path of one of them"));
        }
        let listing = list_pictures(place)?;
        let numbering = number(classes, options.network.as_ref(), self.rule, &place.path)?;
        if numbering.numbers.iter().copied().eq(0..classes.len()) {
            none_was_a_class(place, &listing.left_out)?;
        }
        let others = listing.others_words(0);
        let (loose, inside): (Vec<File>, Vec<File>) =
            listing.pictures.into_iter().partition(|file| label(classes, file).is_none());
        if inside.is_empty() {
            let found = format!("{} beside them", count(loose.len(), "picture"));
            return Err(DataError::unexpected(&place.path, "pictures in class folders", found)
                .hint("take all as unlabelled with the layout `flat`"));
        }
        let beside = match loose.len() {
            0 => String::new(),
            n => format!(", {} beside them left out", count(n, "picture")),
        };
        let words = words(classes, &inside) + &numbering.words + &beside + &others;
        let labelled = |file: File| {
            let class = label(classes, &file).map(|at| numbering.numbers[at]);
            PictureFile::new(file, class)
        };
        let pictures = inside.into_iter().map(labelled).collect();
        let loose =
            loose.into_iter().map(|file| LeftOut::new(file.id, "it lies beside the class folders"));
        let mut left_out: Vec<LeftOut> = listing.left_out.into_iter().chain(loose).collect();
        left_out.sort();
        Ok(Box::new(FileSet {
            name: place.name.clone(),
            pictures,
            classes: Some(numbering.classes),
            words,
            left_out,
            max_pixels: options.max_pixels,
            orientation: options.orientation,
        }))
    }
}

/// True unless more pictures lie beside the folders than in them: a few are strays, many a set without
/// classes.
fn mostly_in_folders(place: &DataPath) -> bool {
    let mut beside = place.pictures();
    for folder in &place.folders {
        if beside == 0 {
            return true;
        }
        let inside = Listing::of(&place.path.join(folder)).map_or(0, |list| list.pictures.len());
        beside = beside.saturating_sub(inside);
    }
    beside == 0
}

/// Refuses a link to nothing that may have been the folder of a class: where classes have the numbers of
/// their places, those behind it would have others without it.
fn none_was_a_class(place: &DataPath, left_out: &[LeftOut]) -> Result<(), DataError> {
    let is_name = |id: &str| !id.contains(['/', '.']);
    let Some(link) = left_out.iter().find(|left| left.leads_nowhere() && is_name(&left.id)) else {
        return Ok(());
    };
    let found = format!("{} of the name `{}`, which may have been one", link.reason, link.id);
    Err(DataError::unexpected(&place.path, "one folder per class", found)
        .hint("mend the link; or remove it, if it was none"))
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
    format!(
        "{} in {}{empty}",
        count(pictures.len(), "picture"),
        count(classes.len(), "class folder")
    )
}

#[cfg(test)]
mod tests {
    use crate::{
        Dataset, Network, Options,
        testing::{Folder, rows},
    };

    #[test]
    fn folders_are_classes_in_the_order_of_their_names() {
        let folder = Folder::new();
        for name in ["tench/b.png", "tench/deep/a.png", "goldfish/c.png"] {
            folder.png(name, 1, 1, 0);
        }
        std::fs::create_dir(folder.child("shark")).unwrap();
        let set = folder.open("").unwrap();
        let expected = [("goldfish/c.png", 0), ("tench/b.png", 2), ("tench/deep/a.png", 2)];
        assert_eq!(rows(&*set), expected.map(|(id, label)| (id.to_owned(), Some(label))));
        assert_eq!(set.classes().unwrap(), ["goldfish", "shark", "tench"]);
        insta::assert_snapshot!(set.describe(), @"3 pictures in 3 class folders, no pictures in `shark`, numbered in the order of their names where the network does not name its classes so");
    }

    #[test]
    fn folders_named_like_the_networks_classes_have_their_numbers() {
        let folder = Folder::new();
        folder.png("ship/a.png", 1, 1, 0);
        folder.png("frog/b.png", 1, 1, 0);
        let names = ["cat", "dog", "frog", "ship"].map(str::to_owned).to_vec();
        let network = Some(Network { classes: 4, names: names.clone() });
        let open = |layout: Option<&str>| {
            let layout = layout.map(|text| text.parse().unwrap());
            let options = Options { layout, network: network.clone(), ..Options::default() };
            crate::open(folder.path(), &options).unwrap()
        };
        let labels = |set: &dyn Dataset| rows(set).into_iter().map(|(_, k)| k).collect::<Vec<_>>();
        let set = open(None);
        assert_eq!(labels(&*set), [Some(2), Some(3)]);
        assert_eq!(set.classes().unwrap(), names);
        insta::assert_snapshot!(set.describe(), @"2 pictures in 2 class folders, numbered by the network's class names");
        let other = open(Some("classes:numbers=order"));
        assert_eq!(labels(&*other), [Some(0), Some(1)]);
        assert_ne!(other.fingerprint(), set.fingerprint());
    }

    #[test]
    fn splits_are_not_taken_for_classes() {
        let folder = Folder::new();
        folder.png("train/a/1.png", 1, 1, 0);
        folder.png("val/a/1.png", 1, 1, 0);
        insta::assert_snapshot!(folder.says(folder.open("")));
    }

    #[test]
    fn a_stray_picture_beside_class_folders_is_named_and_passed_over() {
        let folder = Folder::new();
        for name in ["ant/1.png", "bee/1.png", "bee/deep/2.png", "montage.png"] {
            folder.png(name, 1, 1, 0);
        }
        let set = folder.open("").unwrap();
        let labels: Vec<_> = rows(&*set).into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels, [Some(0), Some(1), Some(1)]);
        let left = &set.left_out()[0];
        let words = [set.describe(), format!("{}: {}", left.id, left.reason)];
        insta::assert_snapshot!(words.join("\n"));
        // as many beside the folders as in them are strays yet, more are a set without classes
        folder.png("logo.png", 1, 1, 0);
        folder.png("plot.png", 1, 1, 0);
        assert_eq!(folder.open("").unwrap().len(), 3);
        folder.png("photo.png", 1, 1, 0);
        insta::assert_snapshot!(folder.open("").unwrap().describe(), @"7 pictures without labels, 3 of them in folders");
        assert_eq!(folder.open("classes").unwrap().left_out().len(), 4);
        for name in ["ant", "bee"] {
            std::fs::remove_dir_all(folder.child(name)).unwrap();
            std::fs::create_dir(folder.child(name)).unwrap();
        }
        insta::assert_snapshot!(folder.says(folder.open("classes")));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_back_is_no_class_and_shifts_none() {
        let folder = Folder::new();
        folder.png("set/ant/1.png", 1, 1, 0);
        folder.png("set/bee/1.png", 1, 1, 0);
        let plain = rows(&*crate::open(&folder.child("set"), &Options::default()).unwrap());
        let link = |to: &str, at: &str| std::os::unix::fs::symlink(to, folder.child(at)).unwrap();
        link(".", "set/asp");
        link("..", "set/app");
        link("../../set", "set/bee/again");
        let set = crate::open(&folder.child("set"), &Options::default()).unwrap();
        assert_eq!(rows(&*set), plain);
        insta::assert_snapshot!(set.describe(), @"2 pictures in 2 class folders, numbered in the order of their names where the network does not name its classes so");
        let left_out: Vec<&str> = set.left_out().iter().map(|left| &*left.id).collect();
        assert_eq!(left_out, ["app", "asp", "bee/again"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_nothing_that_may_have_been_a_class_is_refused() {
        let folder = Folder::new();
        folder.png("ant/1.png", 1, 1, 0);
        folder.png("bee/1.png", 1, 1, 0);
        let link = |name: &str| std::os::unix::fs::symlink("nowhere", folder.child(name)).unwrap();
        link("notes.txt");
        assert_eq!(folder.open("").unwrap().left_out().len(), 1);
        link("asp");
        insta::assert_snapshot!(folder.says(folder.open("")), @"`DIR`: expected one folder per class, found a link to nothing of the name `asp`, which may have been one; mend the link; or remove it, if it was none");
    }

    #[test]
    fn folders_named_by_numbers_are_the_classes_of_these_numbers() {
        let folder = Folder::new();
        for k in 0..=10 {
            folder.png(&format!("{k}/p.png"), 1, 1, 0);
        }
        let open = |network| {
            let options = Options { network, ..Options::default() };
            crate::open(folder.path(), &options).unwrap()
        };
        let network = Network { classes: 11, names: vec![] };
        for set in [open(None), open(Some(network))] {
            for (id, label) in rows(&*set) {
                assert_eq!(id, format!("{}/p.png", label.unwrap()));
            }
            insta::allow_duplicates! {
                insta::assert_snapshot!(set.describe(), @"11 pictures in 11 class folders, whose names are the classes' numbers");
            }
        }
    }
}
