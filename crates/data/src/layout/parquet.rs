//! Parquet with encoded pictures, the layout of Hugging Face: a column `image` with `bytes` (and
//! `path`) inside, and a column `label` of class indices; in one file, or in several (`shards`) of a
//! folder, which follow each other by name. Class names are taken from the metadata that the
//! `datasets` library writes; where these are numbers in another order (`0`, `1`, `10`, `2`), they are the
//! classes, not their places. Labels are whole numbers, of any type. Pictures are read one by one.

use super::{
    super::{
        DataError, Dataset, Item, Network, Options, decode,
        fingerprint::{Listed, digest, fingerprint},
        listing::{DataPath, count},
        numbering::{self, FIRST, NUMBERS, Numbering, Reading, Rule, number},
    },
    Layout,
};
use crate::{
    base::registry::{Entry, Kind, Param},
    table::{TableError, blob::Blobs},
};
use std::path::{Path, PathBuf};

pub(super) const ENTRY: Entry<dyn Layout> = Entry {
    id: "parquet",
    summary: "Parquet with encoded pictures (Hugging Face: image.bytes and label)",
    cite: "",
    params: &[
        Param {
            key: "image",
            default: "auto",
            kind: Kind::Text,
            help: "column of the pictures; auto knows image, img, picture",
        },
        Param {
            key: "label",
            default: "auto",
            kind: Kind::Text,
            help: "column of the labels; auto knows label, labels, fine_label; none: without",
        },
        NUMBERS,
        FIRST,
        Param {
            key: "split",
            default: "auto",
            kind: Kind::Text,
            help: "what the names of the files begin with; auto takes test, else validation, else all",
        },
    ],
    build: |args| {
        let given = |key| Some(args.text(key).to_owned()).filter(|text| text != "auto");
        Ok(Box::new(Parquet {
            image: given("image"),
            label: given("label"),
            rule: Rule::of(args, ENTRY.id)?,
            split: given("split"),
        }))
    },
};

const IMAGES: [&str; 3] = ["image", "img", "picture"];
const LABELS: [&str; 3] = ["label", "labels", "fine_label"];
const SPLITS: [&str; 2] = ["test", "validation"];
const ENDING: &str = ".parquet";

struct Parquet {
    image: Option<String>,
    label: Option<String>,
    rule: Rule,
    split: Option<String>,
}

impl Layout for Parquet {
    fn detect(&self, place: &DataPath) -> bool {
        place.files.iter().any(|name| name.ends_with(ENDING))
    }

    fn open(&self, place: &DataPath, options: &Options) -> Result<Box<dyn Dataset>, DataError> {
        let paths = self.files(place)?;
        let network = options.network.as_ref();
        let mut shards =
            paths.iter().map(|path| self.shard(path, network)).collect::<Result<Vec<_>, _>>()?;
        let n: usize = shards.iter().map(|shard| shard.blobs.rows()).sum();
        if n == 0 {
            return Err(DataError::unexpected(&place.path, "pictures", "tables without rows"));
        }
        let mut classes = shards[0].classes.clone();
        let mut numbered = String::new();
        if let Some(found) = self.numbering(classes.as_deref(), network, &paths[0])? {
            shards.iter_mut().try_for_each(|shard| shard.renumber(&found.numbers))?;
            (classes, numbered) = (Some(found.classes), found.words);
        }
        let labelled = shards.iter().all(|shard| shard.labels.is_some());
        let words = format!(
            "{} in {}, {} labels{numbered}",
            count(n, "picture"),
            count(shards.len(), "file"),
            if labelled { "with" } else { "without" }
        );
        let (max_pixels, orientation) = (options.max_pixels, options.orientation);
        Ok(Box::new(Set {
            name: place.name.clone(),
            shards,
            classes,
            words,
            max_pixels,
            orientation,
        }))
    }
}

impl Parquet {
    /// The files of the split, by name.
    fn files(&self, place: &DataPath) -> Result<Vec<PathBuf>, DataError> {
        if !place.is_folder {
            return Ok(vec![place.path.clone()]);
        }
        let of = |split: &str| -> Vec<PathBuf> {
            let names = place.files.iter().filter(|n| n.ends_with(ENDING) && n.starts_with(split));
            names.map(|name| place.path(name)).collect()
        };
        let found = match &self.split {
            Some(split) => of(split),
            None => {
                let some = SPLITS.iter().map(|split| of(split)).find(|files| !files.is_empty());
                some.unwrap_or_else(|| of(""))
            }
        };
        if found.is_empty() {
            let split = self.split.as_deref().unwrap_or_default();
            let expected = format!("files {split}*{ENDING}");
            return Err(DataError::unexpected(&place.path, expected, place.words()));
        }
        Ok(found)
    }

    /// The classes of the set's names, where these say other classes than their places.
    fn numbering(
        &self,
        names: Option<&[String]>,
        network: Option<&Network>,
        path: &Path,
    ) -> Result<Option<Numbering>, DataError> {
        let Some(names) = names else {
            if self.rule.wants_names() {
                let (expected, found) = ("names of classes in the metadata", "none");
                return Err(DataError::unexpected(path, expected, found)
                    .hint("leave the parameter `numbers` out, the labels are numbers"));
            }
            return Ok(None);
        };
        let values: Option<Vec<f64>> = names.iter().map(|name| Reading::whole(name)).collect();
        let is_moved = |values: Vec<f64>| {
            values.iter().enumerate().any(|(at, value)| value.total_cmp(&(at as f64)).is_ne())
        };
        let told = self.rule.wants_names() || self.rule.wants_index();
        let needed = told || values.is_some_and(is_moved);
        needed.then(|| number(names, network, self.rule, path)).transpose()
    }

    fn shard(&self, path: &Path, network: Option<&Network>) -> Result<Shard, DataError> {
        let failed = |e: TableError| failed(path, &e);
        let blobs = Blobs::open(path).map_err(failed)?;
        let has = |name: &str| blobs.columns().any(|column| column == name);
        let names = self.image.as_ref().map_or(IMAGES.to_vec(), |name| vec![name]);
        let mut images =
            names.iter().flat_map(|name| [format!("{name}.bytes"), (*name).to_owned()]);
        let image = images.find(|name| has(name)).ok_or_else(|| {
            let found = blobs.columns().collect::<Vec<_>>().join(", ");
            let expected = format!("a column {}", names.join(" or "));
            DataError::unexpected(path, expected, format!("the columns {found}"))
                .hint("name it with the layout `parquet:image=NAME`")
        })?;
        blobs.check_bytes(&image).map_err(failed)?;
        let label = match &self.label {
            Some(name) if name == "none" => None,
            Some(name) => Some(name.as_str()),
            None => LABELS.into_iter().find(|name| has(name)),
        };
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let classes = label.and_then(|name| classes(&blobs, name));
        // a set that names its classes may have others than the network, which is said
        let network = network.filter(|_| classes.is_none());
        let first = if classes.is_some() { 0 } else { self.rule.first() };
        let read = |name: &str| Labels { name, first, network }.read(&blobs, path);
        let labels = label.map(read).transpose()?;
        Ok(Shard { path: path.to_owned(), stem, blobs, image, classes, labels })
    }
}

fn failed(path: &Path, error: &TableError) -> DataError {
    match error {
        TableError::Io { source, .. } => DataError::read(path, source),
        TableError::Content { problem, .. } => DataError::unexpected(
            path,
            "a Parquet file with pictures",
            format!("a fault: {problem}"),
        ),
    }
}

/// Class names in the metadata of the `datasets` library.
fn classes(blobs: &Blobs, label: &str) -> Option<Vec<String>> {
    let about: serde_json::Value = serde_json::from_str(blobs.note("huggingface")?).ok()?;
    let names = &about["info"]["features"][label]["names"];
    names.as_array()?.iter().map(|name| name.as_str().map(str::to_owned)).collect()
}

/// How the column of labels is read.
struct Labels<'a> {
    name: &'a str,
    /// The number of the first class.
    first: usize,
    network: Option<&'a Network>,
}

impl Labels<'_> {
    /// Labels of all rows; -1, which the `datasets` library writes for "unknown", null and NaN, which
    /// pandas writes for that, are none.
    fn read(&self, blobs: &Blobs, path: &Path) -> Result<Vec<Option<usize>>, DataError> {
        let without =
            format!("the layout `{}:label=none` takes the pictures without labels", ENTRY.id);
        let values = blobs.numbers(self.name).map_err(|e| failed(path, &e).hint(without))?;
        let known = values.iter().flatten().copied().filter(|v| v.total_cmp(&-1.0).is_ne());
        let lowest = known.fold(f64::INFINITY, f64::min);
        let label = |(row, value): (usize, Option<f64>)| match value {
            None => Ok(None),
            Some(v) if v.is_nan() || v.total_cmp(&-1.0).is_eq() => Ok(None),
            Some(v) => self.class(v).map(Some).ok_or_else(|| {
                let expected = numbering::classes_words(self.first, self.network);
                let found = format!("{v} in row {row} of `{}`", self.name);
                let advice = numbering::label_advice(v, lowest, self.first, self.network, ENTRY.id);
                DataError::unexpected(path, expected, found).hint(advice)
            }),
        };
        values.into_iter().enumerate().map(label).collect()
    }

    fn class(&self, value: f64) -> Option<usize> {
        Some(value)
            .filter(|v| v.fract() == 0.0)
            .and_then(|v| numbering::class(v, self.first, self.network))
    }
}

/// One file.
struct Shard {
    path: PathBuf,
    stem: String,
    blobs: Blobs,
    image: String,
    classes: Option<Vec<String>>,
    labels: Option<Vec<Option<usize>>>,
}

impl Shard {
    /// Puts the classes of names in the place of their positions.
    fn renumber(&mut self, classes: &[usize]) -> Result<(), DataError> {
        for label in self.labels.iter_mut().flatten().flatten() {
            *label = *classes.get(*label).ok_or_else(|| {
                let expected = format!("labels below {}, the names in the metadata", classes.len());
                DataError::unexpected(&self.path, expected, label.to_string())
            })?;
        }
        Ok(())
    }
}

/// See the [module](self).
struct Set {
    name: String,
    shards: Vec<Shard>,
    classes: Option<Vec<String>>,
    words: String,
    max_pixels: u64,
    orientation: decode::Orientation,
}

impl Set {
    /// The shard that holds picture `i`, and its row there.
    fn locate(&self, mut i: usize) -> (&Shard, usize) {
        for shard in &self.shards {
            if i < shard.blobs.rows() {
                return (shard, i);
            }
            i -= shard.blobs.rows();
        }
        panic!("the caller asks for pictures below `len`")
    }

    /// The file of picture `i`, and where it is, for messages.
    fn bytes(&self, i: usize) -> Result<(Vec<u8>, PathBuf), DataError> {
        let (shard, row) = self.locate(i);
        let path = decode::inside(&shard.path, &format!("row {row}"));
        let bytes = shard.blobs.bytes(&shard.image, row).map_err(|e| failed(&shard.path, &e))?;
        let bytes = bytes.ok_or_else(|| DataError::unexpected(&path, "a picture", "none"))?;
        Ok((bytes, path))
    }

    fn decoded(&self, i: usize) -> Result<decode::Decoded, DataError> {
        let (bytes, path) = self.bytes(i)?;
        decode::decode(&bytes, &path, self.max_pixels)
    }
}

impl Dataset for Set {
    fn name(&self) -> &str {
        &self.name
    }

    fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.blobs.rows()).sum()
    }

    fn id(&self, i: usize) -> String {
        let (shard, row) = self.locate(i);
        format!("{}/{row:06}", shard.stem)
    }

    fn label(&self, i: usize) -> Option<usize> {
        let (shard, row) = self.locate(i);
        shard.labels.as_ref()?.get(row).copied().flatten()
    }

    fn item(&self, i: usize) -> Result<Item, DataError> {
        let (image, _) = self.decoded(i)?.turned(self.orientation);
        Ok(Item { id: self.id(i), image, label: self.label(i), boxes: vec![], mask: None })
    }

    fn orientation(&self, i: usize) -> u8 {
        self.decoded(i).map_or(1, |d| d.tag)
    }

    fn classes(&self) -> Option<&[String]> {
        self.classes.as_deref()
    }

    fn fingerprint(&self) -> String {
        let line = |i| Listed { id: self.id(i), label: self.label(i), object: String::new() };
        fingerprint((0..self.len()).map(line))
    }

    fn content(&self, i: usize) -> Result<String, DataError> {
        Ok(digest(&self.bytes(i)?.0))
    }

    fn is_there(&self) -> bool {
        self.shards.iter().any(|shard| shard.path.exists())
    }

    fn describe(&self) -> String {
        self.words.clone()
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        Network, Options,
        testing::{Folder, open, rows},
    };
    use std::fs;

    const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/parquet");

    /// Files of pyarrow under these names; the first has five rows, the third two without picture.
    fn shards(names: &[(&str, &str)]) -> Folder {
        let folder = Folder::new();
        for (from, to) in names {
            folder.file(to, fs::read(format!("{FILES}/{from}.parquet")).unwrap());
        }
        folder
    }

    #[test]
    fn files_follow_each_other_and_classes_come_from_the_metadata() {
        let two = [
            ("snappy", "test-00000-of-00002.parquet"),
            ("none", "test-00001-of-00002.parquet"),
            ("gzip_plain", "train-00000-of-00001.parquet"),
        ];
        let folder = shards(&two);
        let set = folder.open("").unwrap();
        let found = rows(&*set);
        assert_eq!(found.len(), 8);
        assert_eq!(found[1], ("test-00000-of-00002/000001".to_owned(), Some(2)));
        assert_eq!(found[7], ("test-00001-of-00002/000002".to_owned(), Some(1)));
        assert_eq!(set.classes().unwrap(), ["cat", "dog", "fish"]);
        // red is 50 times the row
        assert_eq!(set.item(2).unwrap().image.pixel(0, 1), [100.0 / 255.0, 0.0, 1.0]);
        let train = folder.open("parquet:split=train").unwrap();
        assert_eq!((train.len(), train.label(2)), (5, None));
        insta::assert_snapshot!([set.describe(), folder.says(train.item(1))].join("\n"), @r"
            8 pictures in 2 files, with labels
            `DIR/train-00000-of-00001.parquet: row 1`: expected a picture, found none
        ");
    }

    #[test]
    fn labels_may_be_floating_point() {
        let folder = shards(&[("floats", "a.parquet")]);
        let set = folder.open("").unwrap();
        let labels: Vec<_> = rows(&*set).into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels, [Some(0), Some(2), None, Some(10), None], "NaN and null are none");
        let open = |layout: Option<&str>, classes| {
            let layout = layout.map(|text| text.parse().unwrap());
            let network = Some(Network { classes, names: vec![] });
            crate::open(folder.path(), &Options { layout, network, ..Options::default() })
        };
        assert!(open(None, 11).is_ok());
        let none = open(Some("parquet:label=none"), 10).unwrap();
        assert_eq!(none.label(3), None);
        insta::assert_snapshot!(folder.says(open(None, 10)), @"`DIR/a.parquet`: expected class numbers from 0 to 9, those of the network, found 10 in row 3 of `label`; the layout `parquet:label=none` takes the pictures without labels");
    }

    #[test]
    fn names_that_are_numbers_in_the_order_of_the_text_are_the_classes() {
        let folder = shards(&[("text_order", "a.parquet")]);
        let of = |layout: &str| {
            let set = folder.open(layout).unwrap();
            (0..set.len()).map(|i| set.label(i).unwrap()).collect::<Vec<_>>()
        };
        // labels 0, 1, 2, 3 of the names 0, 1, 10, 2
        assert_eq!(of(""), [0, 1, 10, 2]);
        assert_eq!(of("parquet:numbers=order"), [0, 1, 2, 3]);
        let set = folder.open("").unwrap();
        assert_eq!(set.classes().unwrap()[10], "10");
        insta::assert_snapshot!(set.describe(), @"4 pictures in 1 file, with labels, whose names are the classes' numbers");
    }

    #[test]
    fn messages_name_the_file_and_the_column() {
        let folder = shards(&[("snappy", "a.parquet")]);
        let file = folder.child("a.parquet");
        folder.file("b.parquet", "PAR1 text PAR1");
        let says = |layout: &str| folder.says(open(&file, layout));
        let messages = [
            says("parquet:image=photo"),
            says("parquet:image=label"),
            says("parquet:label=image.path"),
            says("parquet:label=class"),
            folder.says(open(&folder.child("b.parquet"), "")),
            folder.says(folder.open("parquet:split=dev")),
        ];
        insta::assert_snapshot!(messages.join("\n"));
    }
}
