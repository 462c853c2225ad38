//! The validation pictures of ILSVRC 2012 (Russakovsky et al. 2015), named
//! `ILSVRC2012_val_00000001.JPEG` to `..._00050000.JPEG`, in the folder itself or in `val/`, with one
//! of the lists of labels that go around, in the folder itself or in its folders `devkit`, `data`,
//! `ILSVRC2012_devkit_t12/data`, ...:
//!
//! - the devkit's `ILSVRC2012_validation_ground_truth.txt` with its `meta.mat`: line k is the class
//!   of picture k *in the devkit's own numbers*, 1 to 1000, which no network uses; `meta.mat` says
//!   which WordNet id has which number;
//! - `val.txt` (Caffe): `NAME INDEX`, in sorted order of the WordNet ids;
//! - `imagenet_2012_validation_synset_labels.txt`: line k is the WordNet id of picture k;
//! - `LOC_val_solution.csv` (Kaggle): `ImageId,PredictionString`, which begins with the WordNet id.
//!
//! Labels are always indices into the WordNet ids in sorted order: 0 is n01440764, the tench, 999 is
//! n15075141; so networks of torchvision, Keras and Caffe have them. Bounding boxes are taken from
//! XML files (`ILSVRC2012_val_00000001.xml`) in a folder `bbox*` or `Annotations`, where there is
//! one. Validation pictures sorted into folders by class have the layout `classes`.

use super::{
    super::{
        DataError, Dataset, Options,
        boxes::Bounds,
        files::{FileSet, PictureFile},
        listing::{
            DataPath, File, Listing, MISSING, Missing, boxes as boxes_words, count, missing,
            unlabelled,
        },
        matlab::{self, Record, Value},
        select::is_wordnet_id,
        sheet::Sheet,
        xml::Element,
    },
    Layout, lines,
    voc::numbers,
};
use crate::base::registry::Entry;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

pub(super) const ENTRY: Entry<dyn Layout> = Entry {
    id: "ilsvrc2012",
    summary: "the validation pictures of ILSVRC 2012 with devkit, val.txt or synset labels",
    cite: "russakovsky2015imagenet",
    params: &[MISSING],
    build: |args| Ok(Box::new(Ilsvrc { skip_missing: Missing::of(args) == Missing::Skip })),
};

const NAME: &str = "ILSVRC2012_val_";

/// A kind of list: how its file name ends, and what reads it.
type Source = (&'static str, Reader);

type Reader = fn(&Path) -> Result<Labels, DataError>;

const SOURCES: [Source; 4] = [
    ("ILSVRC2012_validation_ground_truth.txt", devkit),
    ("val.txt", caffe),
    ("validation_synset_labels.txt", synsets),
    ("LOC_val_solution.csv", kaggle),
];

/// Classes of the challenge.
const CLASSES: usize = 1000;

struct Ilsvrc {
    skip_missing: bool,
}

impl Layout for Ilsvrc {
    fn detect(&self, place: &DataPath) -> bool {
        if !place.is_folder {
            return false;
        }
        let direct = place.file(|name| name.starts_with(NAME)).is_some();
        let inside = || {
            place.folders.iter().any(|name| name == "val")
                && DataPath::look(&place.path.join("val"))
                    .is_ok_and(|val| val.file(|name| name.starts_with(NAME)).is_some())
        };
        (direct || inside()) && find_source(place).is_ok_and(|found| found.is_some())
    }

    fn open(&self, place: &DataPath, options: &Options) -> Result<Box<dyn Dataset>, DataError> {
        let Some((list, read)) = find_source(place)? else {
            let names: Vec<&str> = SOURCES.iter().map(|(name, _)| *name).collect();
            let expected = format!("one of the lists {}", names.join(", "));
            return Err(DataError::unexpected(&place.path, expected, place.words()));
        };
        let labels = read(&list)?;
        let Listing { pictures, left_out, .. } = Listing::of(&place.path)?;
        let (all, files) = (pictures.len(), by_number(pictures));
        let others = all - files.len();
        let boxes = annotations(place)?;
        let (mut notes, mut found) = (vec![], vec![]);
        let mut bare = 0;
        let mut seen = BTreeSet::new();
        for (number, file) in files {
            let Some(label) = labels.of.get(&number) else {
                bare += 1;
                continue;
            };
            seen.insert(number);
            let mut picture = PictureFile::new(file, Some(*label));
            if let Some(path) = boxes.get(&number) {
                picture.boxes = read_boxes(path)?;
            }
            found.push(picture);
        }
        let lost: Vec<String> = labels
            .of
            .keys()
            .filter(|n| !seen.contains(n))
            .map(|n| format!("{NAME}{n:08}"))
            .collect();
        missing(&list, lost, self.skip_missing, &left_out, &mut notes)?;
        unlabelled(bare, &mut notes);
        if others > 0 {
            notes.push(format!("{} with another name left out", count(others, "picture")));
        }
        if found.is_empty() {
            return Err(DataError::unexpected(&list, "labels of the pictures", "none of them"));
        }
        let name = list.file_name().unwrap_or_default().to_string_lossy();
        notes.insert(0, format!("{} labelled by `{name}`", count(found.len(), "picture")));
        let n: usize = found.iter().map(|p| p.boxes.len()).sum();
        if n > 0 {
            notes.insert(1, boxes_words(n));
        }
        Ok(Box::new(FileSet {
            name: place.name.clone(),
            pictures: found,
            classes: labels.classes,
            words: notes.join(", "),
            left_out,
            max_pixels: options.max_pixels,
            orientation: options.orientation,
        }))
    }
}

/// Number of a picture: 1 in `ILSVRC2012_val_00000001.JPEG`.
fn number(name: &str) -> Option<u32> {
    let name = name.rsplit('/').next()?.strip_prefix(NAME)?;
    name.split('.').next()?.parse().ok()
}

/// The folder itself and those where lists are kept.
fn folders(place: &DataPath) -> impl Iterator<Item = PathBuf> {
    let devkit = |name: &&String| name.contains("devkit") || *name == "data" || *name == "labels";
    let named = place.folders.iter().filter(devkit).map(|name| place.path.join(name));
    let named: Vec<PathBuf> = named.flat_map(|folder| [folder.join("data"), folder]).collect();
    std::iter::once(place.path.clone()).chain(named).filter(|folder| folder.is_dir())
}

fn find_source(place: &DataPath) -> Result<Option<(PathBuf, Reader)>, DataError> {
    for folder in folders(place) {
        let folder = DataPath::look(&folder)?;
        for (ending, read) in SOURCES {
            if let Some(path) = folder.file(|name| name.ends_with(ending)) {
                return Ok(Some((path, read)));
            }
        }
    }
    Ok(None)
}

/// The pictures that are called by a number.
fn by_number(pictures: Vec<File>) -> BTreeMap<u32, File> {
    pictures.into_iter().filter_map(|file| Some((number(&file.id)?, file))).collect()
}

/// The annotation files by number.
fn annotations(place: &DataPath) -> Result<BTreeMap<u32, PathBuf>, DataError> {
    let named = |name: &&String| name.to_lowercase().contains("bbox") || *name == "Annotations";
    let mut found = BTreeMap::new();
    for folder in place.folders.iter().filter(named).map(|name| place.path.join(name)) {
        for folder in [folder.join("val"), folder].iter().filter(|f| f.is_dir()) {
            let folder = DataPath::look(folder)?;
            let numbered =
                folder.files.iter().filter_map(|name| Some((number(name)?, folder.path(name))));
            found.extend(numbered);
        }
    }
    Ok(found)
}

fn read_boxes(path: &Path) -> Result<Vec<Bounds>, DataError> {
    let document = Element::read(path)?;
    let frame =
        document.child("size").map(|s| numbers(s, ["width", "height"], path)).transpose()?;
    let corners = document.children("object").filter_map(|object| object.child("bndbox"));
    let corners = corners.map(|b| numbers(b, ["xmin", "ymin", "xmax", "ymax"], path));
    corners.map(|c| Ok(Bounds::new(c?, frame))).collect()
}

/// Labels by number of the picture.
struct Labels {
    of: BTreeMap<u32, usize>,
    classes: Option<Vec<String>>,
}

impl Labels {
    /// From WordNet ids by number, and the file for messages. `known`: all ids of the challenge.
    fn of_ids(
        ids: Vec<(u32, String)>,
        known: Option<BTreeMap<String, String>>,
        path: &Path,
    ) -> Result<Labels, DataError> {
        let known = match known {
            Some(known) => known,
            None => all_ids(&ids, path)?,
        };
        let sorted: Vec<&String> = known.keys().collect();
        let index = |(n, id): (u32, String)| {
            let at = sorted.binary_search(&&id);
            at.map(|at| (n, at))
                .map_err(|_| DataError::unexpected(path, "WordNet ids", format!("`{id}`")))
        };
        let of = ids.into_iter().map(index).collect::<Result<_, _>>()?;
        let line = |(id, words): (&String, &String)| {
            if id == words { id.clone() } else { format!("{id} {words}") }
        };
        Ok(Labels { of, classes: Some(known.iter().map(line).collect()) })
    }
}

/// The WordNet ids of a list that has all classes, so that their places are known.
fn all_ids(ids: &[(u32, String)], path: &Path) -> Result<BTreeMap<String, String>, DataError> {
    let known: BTreeMap<String, String> =
        ids.iter().map(|(_, id)| (id.clone(), id.clone())).collect();
    if known.len() == CLASSES {
        return Ok(known);
    }
    let expected = format!("the WordNet ids of all {CLASSES} classes");
    Err(DataError::unexpected(path, expected, known.len().to_string())
        .hint("put synset_words.txt beside it"))
}

/// Words by WordNet id in `synset_words.txt` or `LOC_synset_mapping.txt` beside a list.
fn words_beside(list: &Path) -> Result<Option<BTreeMap<String, String>>, DataError> {
    let paths =
        ["synset_words.txt", "LOC_synset_mapping.txt"].map(|name| list.with_file_name(name));
    let Some(path) = paths.iter().find(|path| path.is_file()) else { return Ok(None) };
    let pair = |line: String| {
        let (id, words) = line.split_once(' ').unwrap_or((&line, &line));
        (id.to_owned(), words.to_owned())
    };
    Ok(Some(lines(path)?.into_iter().map(pair).collect()))
}

fn devkit(list: &Path) -> Result<Labels, DataError> {
    let meta = list.with_file_name("meta.mat");
    let field = |record: &Record, name: &str| {
        record.get(name).cloned().ok_or_else(|| {
            DataError::unexpected(&meta, format!("the field `{name}`"), "structs without it")
        })
    };
    let mut by_number: BTreeMap<u64, String> = BTreeMap::new();
    let mut known = BTreeMap::new();
    for record in matlab::read_structs(&meta)? {
        let values = (
            field(&record, "ILSVRC2012_ID")?,
            field(&record, "WNID")?,
            field(&record, "words")?,
            field(&record, "num_children")?,
        );
        let (Value::Numbers(number), Value::Text(id), Value::Text(words), Value::Numbers(children)) =
            values
        else {
            return Err(DataError::unexpected(&meta, "numbers and texts", "other values"));
        };
        // inner nodes of the hierarchy follow the classes
        if children.first() == Some(&0.0) {
            by_number.insert(number.first().map_or(0, |n| *n as u64), id.clone());
            known.insert(id, words);
        }
    }
    let id = |(at, line): (usize, String)| {
        let id = line.parse().ok().and_then(|n: u64| by_number.get(&n));
        let found = || {
            DataError::unexpected(
                list,
                "numbers of classes in `meta.mat`",
                format!("`{line}` on line {}", at + 1),
            )
        };
        Ok((at as u32 + 1, id.ok_or_else(found)?.clone()))
    };
    let ids =
        lines(list)?.into_iter().enumerate().map(id).collect::<Result<Vec<_>, DataError>>()?;
    Labels::of_ids(ids, Some(known), list)
}

fn caffe(list: &Path) -> Result<Labels, DataError> {
    let classes = words_beside(list)?;
    let pair = |(at, line): (usize, String)| {
        let parts = line.rsplit_once(char::is_whitespace);
        let parts =
            parts.and_then(|(name, k)| Some((number(name.trim())?, k.parse::<usize>().ok()?)));
        let found = || {
            DataError::unexpected(
                list,
                format!("`{NAME}00000001.JPEG 65`"),
                format!("`{line}` on line {}", at + 1),
            )
        };
        parts.filter(|(_, k)| *k < CLASSES).ok_or_else(found)
    };
    let of = lines(list)?.into_iter().enumerate().map(pair).collect::<Result<_, _>>()?;
    let classes =
        classes.map(|words| words.into_iter().map(|(id, w)| format!("{id} {w}")).collect());
    Ok(Labels { of, classes })
}

fn synsets(list: &Path) -> Result<Labels, DataError> {
    let id = |(at, line): (usize, String)| {
        let found =
            || DataError::unexpected(list, "a WordNet id", format!("`{line}` on line {}", at + 1));
        if is_wordnet_id(&line) { Ok((at as u32 + 1, line)) } else { Err(found()) }
    };
    let ids = lines(list)?.into_iter().enumerate().map(id).collect::<Result<_, _>>()?;
    Labels::of_ids(ids, words_beside(list)?, list)
}

fn kaggle(list: &Path) -> Result<Labels, DataError> {
    let sheet = Sheet::read(list)?;
    let (name, answer) = (sheet.column("ImageId")?, sheet.column("PredictionString")?);
    let mut ids = vec![];
    for row in &sheet.rows {
        let id = row.cell(answer).split(' ').next().unwrap_or_default();
        let number = number(row.cell(name)).filter(|_| is_wordnet_id(id));
        let wrong =
            || sheet.wrong(row.line, "a picture's name and a WordNet id", format!("`{id}`"));
        ids.push((number.ok_or_else(wrong)?, id.to_owned()));
    }
    Labels::of_ids(ids, words_beside(list)?, list)
}

#[cfg(test)]
mod tests {
    use crate::{
        base::geom::Rect,
        testing::{Folder, rows},
    };

    const META: &[u8] = include_bytes!("../../../../tests/data/pictures/meta.mat");

    fn name(n: usize) -> String {
        format!("ILSVRC2012_val_{n:08}.JPEG")
    }

    /// Three pictures of 4 x 6 pixels in `folder`.
    fn pictures(folder: &str) -> Folder {
        let dir = Folder::new();
        (1..=3).for_each(|n| drop(dir.png(&format!("{folder}{}", name(n)), 4, 6, 9)));
        dir
    }

    fn labels(dir: &Folder) -> Vec<usize> {
        rows(&*dir.open("").unwrap()).into_iter().map(|(_, label)| label.unwrap()).collect()
    }

    #[test]
    fn the_devkits_own_numbers_become_places_in_the_sorted_wordnet_ids() {
        let dir = pictures("val/");
        let devkit = "ILSVRC2012_devkit_t12/data";
        dir.file(&format!("{devkit}/ILSVRC2012_validation_ground_truth.txt"), "1\n3\n2\n");
        dir.file(&format!("{devkit}/meta.mat"), META);
        // 1, 2, 3 are n02119789, n02100735, n01440764
        assert_eq!(labels(&dir), [2, 0, 1]);
        let set = dir.open("").unwrap();
        assert_eq!(set.classes().unwrap()[0], "n01440764 tench, Tinca tinca");
        assert_eq!(set.id(0), format!("val/{}", name(1)));
        dir.file(
            "ILSVRC2012_bbox_val_v3/val/ILSVRC2012_val_00000002.xml",
            "<annotation><size><width>12</width><height>8</height></size><object><name>n01440764</name>\
             <bndbox><xmin>2</xmin><ymin>0</ymin><xmax>6</xmax><ymax>8</ymax></bndbox></object></annotation>",
        );
        let set = dir.open("").unwrap();
        assert_eq!(set.item(1).unwrap().boxes, [Rect { y0: 0, y1: 4, x0: 1, x1: 3 }]);
        insta::assert_snapshot!(set.describe(), @"3 pictures labelled by `ILSVRC2012_validation_ground_truth.txt`, 1 box");
    }

    #[test]
    fn caffes_list_has_sorted_indices_already() {
        let dir = pictures("");
        dir.file("val.txt", format!("{} 65\n{} 970\n{} 0\n", name(1), name(3), name(2)));
        assert_eq!(labels(&dir), [65, 0, 970]);
    }

    #[test]
    fn wordnet_ids_are_sorted() {
        let dir = pictures("");
        let ids = "n02100735\nn01440764\nn02119789\n";
        let list = dir.file("labels/imagenet_2012_validation_synset_labels.txt", ids);
        let incomplete = dir.says(dir.open(""));
        insta::assert_snapshot!(incomplete, @"`DIR/labels/imagenet_2012_validation_synset_labels.txt`: expected the WordNet ids of all 1000 classes, found 3; put synset_words.txt beside it");
        dir.file("labels/synset_words.txt", "n01440764 tench\nn02100735 setter\nn02119789 fox\n");
        assert_eq!(labels(&dir), [1, 0, 2]);
        std::fs::remove_file(list).unwrap();
        let rows = "ImageId,PredictionString\nILSVRC2012_val_00000003,n02119789 85 1 499 272\n\
                    ILSVRC2012_val_00000001,n01440764 1 1 2 2 n01440764 3 3 4 4\n\
                    ILSVRC2012_val_00000002,n02100735 1 1 2 2\n";
        dir.file("LOC_val_solution.csv", rows);
        dir.file(
            "LOC_synset_mapping.txt",
            "n01440764 tench\nn02100735 setter\nn02119789 fox, kit\n",
        );
        assert_eq!(labels(&dir), [0, 1, 2]);
        assert_eq!(dir.open("").unwrap().classes().unwrap()[2], "n02119789 fox, kit");
    }

    #[test]
    fn messages_name_the_list() {
        let say = |list: &str, text: &str| {
            let dir = pictures("");
            dir.file(list, text);
            dir.says(dir.open("ilsvrc2012"))
        };
        let truth = "ILSVRC2012_validation_ground_truth.txt";
        let with_meta = |meta: &[u8], text: &str| {
            let dir = pictures("");
            dir.file("devkit/meta.mat", meta);
            dir.file(&format!("devkit/{truth}"), text);
            dir.says(dir.open("ilsvrc2012"))
        };
        let dir = pictures("");
        dir.file("val.txt", format!("{} 1\n{} 2\n{} 3\n", name(1), name(2), name(50_000)));
        let missing = dir.says(dir.open(""));
        let skipped = dir.open("ilsvrc2012:missing=skip").unwrap().describe();
        let messages = [
            say("README", ""),
            say("val.txt", "ILSVRC2012_val_00000001.JPEG"),
            say("val.txt", "ILSVRC2012_val_00000001.JPEG 1000"),
            say("x_validation_synset_labels.txt", "tench\n"),
            say("LOC_val_solution.csv", "ImageId,PredictionString\na,b\n"),
            say(truth, "1\n"),
            with_meta(b"", "1\n"),
            with_meta(META, "1\n4\n"),
            missing,
            skipped,
        ];
        insta::assert_snapshot!(messages.join("\n"));
    }
}
