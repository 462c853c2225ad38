//! Parquet with encoded pictures, the layout of Hugging Face: a column `image` with `bytes` (and
//! `path`) inside, and a column `label` of class indices; in one file, or in several (`shards`) of a
//! folder, which follow each other by name. Class names are taken from the metadata that the
//! `datasets` library writes. Pictures are read one by one.

use super::{
    super::{
        DataError, Dataset, Item, Options, decode,
        fingerprint::{Line, fingerprint},
        listing::{Place, count},
    },
    Layout,
};
use crate::{
    base::registry::{Entry, Kind, Param},
    table::{TableError, blob::Blobs},
};
use std::{
    fs,
    path::{Path, PathBuf},
};

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
            help: "column of the labels; auto knows label, labels, fine_label",
        },
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
    split: Option<String>,
}

impl Layout for Parquet {
    fn detect(&self, place: &Place) -> bool {
        place.files.iter().any(|name| name.ends_with(ENDING))
    }

    fn open(&self, place: &Place, options: &Options) -> Result<Box<dyn Dataset>, DataError> {
        let paths = self.files(place)?;
        let shards = paths.iter().map(|path| self.shard(path)).collect::<Result<Vec<_>, _>>()?;
        let n: usize = shards.iter().map(|shard| shard.blobs.rows()).sum();
        if n == 0 {
            return Err(DataError::unexpected(&place.path, "pictures", "tables without rows"));
        }
        let classes = shards[0].classes();
        let labelled = shards.iter().all(|shard| shard.labels.is_some());
        let words = format!(
            "{} in {}, {} labels",
            count(n, "picture"),
            count(shards.len(), "file"),
            if labelled { "with" } else { "without" }
        );
        let max_pixels = options.max_pixels;
        Ok(Box::new(Set { name: place.name.clone(), shards, classes, words, max_pixels }))
    }
}

impl Parquet {
    /// The files of the split, by name.
    fn files(&self, place: &Place) -> Result<Vec<PathBuf>, DataError> {
        if !place.is_folder {
            return Ok(vec![place.path.clone()]);
        }
        let of = |split: &str| -> Vec<PathBuf> {
            let names = place.files.iter().filter(|n| n.ends_with(ENDING) && n.starts_with(split));
            names.map(|name| place.at(name)).collect()
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

    fn shard(&self, path: &Path) -> Result<Shard, DataError> {
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
            Some(name) => Some(name.as_str()),
            None => LABELS.into_iter().find(|name| has(name)),
        };
        let read = |name: &str| labels(&blobs, name, path);
        let labels = label.map(read).transpose()?;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let label = label.map(str::to_owned);
        let bytes = fs::metadata(path).map_err(|e| DataError::read(path, &e))?.len();
        Ok(Shard { path: path.to_owned(), stem, blobs, image, label, labels, bytes })
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

/// Labels of all rows; -1, which the `datasets` library writes for "unknown", and null are none.
fn labels(blobs: &Blobs, name: &str, path: &Path) -> Result<Vec<Option<usize>>, DataError> {
    let label = |(row, value): (usize, Option<i64>)| match value {
        None | Some(-1) => Ok(None),
        Some(v) => usize::try_from(v).map(Some).map_err(|_| {
            DataError::unexpected(path, "class indices", format!("{v} in row {row} of `{name}`"))
        }),
    };
    let values = blobs.integers(name).map_err(|e| failed(path, &e))?;
    values.into_iter().enumerate().map(label).collect()
}

/// One file.
struct Shard {
    path: PathBuf,
    stem: String,
    blobs: Blobs,
    image: String,
    label: Option<String>,
    labels: Option<Vec<Option<usize>>>,
    /// Size of the file.
    bytes: u64,
}

impl Shard {
    /// Class names in the metadata of the `datasets` library.
    fn classes(&self) -> Option<Vec<String>> {
        let about: serde_json::Value =
            serde_json::from_str(self.blobs.note("huggingface")?).ok()?;
        let names = &about["info"]["features"][self.label.as_ref()?]["names"];
        names.as_array()?.iter().map(|name| name.as_str().map(str::to_owned)).collect()
    }
}

/// See the [module](self).
struct Set {
    name: String,
    shards: Vec<Shard>,
    classes: Option<Vec<String>>,
    words: String,
    max_pixels: u64,
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
        let (bytes, path) = self.bytes(i)?;
        let image = decode::decode(&bytes, &path, self.max_pixels)?;
        Ok(Item { id: self.id(i), image, label: self.label(i), boxes: vec![], mask: None })
    }

    fn classes(&self) -> Option<&[String]> {
        self.classes.as_deref()
    }

    fn fingerprint(&self) -> String {
        let line = |i| Line {
            id: self.id(i),
            size: self.locate(i).0.bytes,
            label: self.label(i),
            object: String::new(),
        };
        fingerprint((0..self.len()).map(line), |i| Ok(self.bytes(i)?.0))
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
    use crate::data::testing::{Folder, open, rows};
    use std::fs;

    const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/parquet");

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
    fn messages_name_the_file_and_the_column() {
        let folder = shards(&[("snappy", "a.parquet")]);
        let file = folder.at("a.parquet");
        folder.file("b.parquet", "PAR1 text PAR1");
        let says = |layout: &str| folder.says(open(&file, layout));
        let messages = [
            says("parquet:image=photo"),
            says("parquet:image=label"),
            says("parquet:label=image.path"),
            says("parquet:label=class"),
            folder.says(open(&folder.at("b.parquet"), "")),
            folder.says(folder.open("parquet:split=dev")),
        ];
        insta::assert_snapshot!(messages.join("\n"));
    }
}
