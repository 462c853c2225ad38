//! The binary version of CIFAR-10 and CIFAR-100: records of one label byte (CIFAR-100: coarse and
//! fine) and 3 x 32 x 32 pixels, with the class names in a text file. Krizhevsky 2009.

use super::{
    super::{
        DataError, Dataset, Options,
        listing::{DataPath, count},
        packed::{Packed, Part},
    },
    Layout,
    idx::Split,
    lines,
};
use crate::base::{
    geom::Shape,
    registry::{Entry, Kind, Param},
};
use std::{fs, path::Path};

pub(super) const ENTRY: Entry<dyn Layout> = Entry {
    id: "cifar",
    summary: "CIFAR-10 or CIFAR-100 in the binary version",
    cite: "krizhevsky2009learning",
    params: &[Param {
        key: "split",
        default: "auto",
        kind: Kind::Word(Split::WORDS),
        help: "which part of the set; auto takes test if it is there",
    }],
    build: |args| {
        Ok(Box::new(Cifar {
            splits: match args.word("split") {
                Split::Test => &["test"],
                Split::Train => &["data_batch", "train"],
                Split::Auto => &["test", "data_batch", "train"],
            },
        }))
    },
};

const SHAPE: Shape = Shape::new(3, 32, 32);

/// CIFAR-10 and CIFAR-100: the file of class names, label bytes of a record, classes.
const VARIANTS: [(&str, usize, usize); 2] =
    [("batches.meta.txt", 1, 10), ("fine_label_names.txt", 2, 100)];

struct Cifar {
    /// What the file names of a split begin with, in order of preference.
    splits: &'static [&'static str],
}

impl Layout for Cifar {
    fn detect(&self, place: &DataPath) -> bool {
        if !place.is_folder {
            return is_batch(&place.name, "");
        }
        let has_batches = place.files.iter().any(|name| is_batch(name, "data_batch"));
        has_batches || VARIANTS.iter().any(|(names, ..)| place.has_file(names))
    }

    fn open(&self, place: &DataPath, _: &Options) -> Result<Box<dyn Dataset>, DataError> {
        let folder =
            if place.is_folder { &place.path } else { place.path.parent().unwrap_or(&place.path) };
        let named = VARIANTS.iter().find(|(names, ..)| folder.join(names).is_file());
        let (names, label_bytes, classes) = *named.unwrap_or(&VARIANTS[0]);
        let class_names = named.map(|_| lines(&folder.join(names))).transpose()?;
        if let Some(found) = class_names.as_ref().map(Vec::len).filter(|n| *n != classes) {
            let expected = format!("{classes} class names, one per line");
            return Err(DataError::unexpected(&folder.join(names), expected, found.to_string()));
        }
        let files = self.files(place)?;
        let read = |name: &String| read_part(&place.path(name), label_bytes, classes);
        let parts = files.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let n = parts.iter().map(|part| part.labels.len()).sum();
        let from = files.iter().map(|f| format!("`{f}`")).collect::<Vec<_>>().join(", ");
        let words =
            format!("{} of 32x32 pixels with labels from {from}", count(n, "colour picture"));
        let name = place.name.clone();
        Ok(Box::new(Packed { name, shape: SHAPE, parts, classes: class_names, words }))
    }
}

fn is_batch(name: &str, split: &str) -> bool {
    name.starts_with(split) && name.strip_suffix(".bin").is_some()
}

impl Cifar {
    fn files(&self, place: &DataPath) -> Result<Vec<String>, DataError> {
        if !place.is_folder {
            return Ok(vec![place.name.clone()]);
        }
        let of = |split: &str| -> Vec<String> {
            place.files.iter().filter(|name| is_batch(name, split)).cloned().collect()
        };
        self.splits.iter().map(|split| of(split)).find(|files| !files.is_empty()).ok_or_else(|| {
            let names: Vec<String> =
                self.splits.iter().map(|split| format!("{split}*.bin")).collect();
            DataError::unexpected(
                &place.path,
                format!("files {}", names.join(" or ")),
                place.words(),
            )
        })
    }
}

fn read_part(path: &Path, label_bytes: usize, classes: usize) -> Result<Part, DataError> {
    let bytes = fs::read(path).map_err(|e| DataError::read(path, &e))?;
    let record = label_bytes + SHAPE.len();
    if bytes.is_empty() || bytes.len() % record != 0 {
        let expected = format!("records of {record} bytes");
        return Err(DataError::unexpected(path, expected, format!("{} bytes", bytes.len())));
    }
    let records = bytes.chunks_exact(record);
    let labels: Vec<usize> = records.clone().map(|r| r[label_bytes - 1].into()).collect();
    if let Some((at, label)) = labels.iter().enumerate().find(|(_, label)| **label >= classes) {
        let expected = format!("labels below {classes}");
        return Err(DataError::unexpected(path, expected, format!("{label} in record {at}")));
    }
    let prefix = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let pixels = records.flat_map(|r| &r[label_bytes..]).copied().collect();
    Ok(Part { prefix, pixels, labels })
}

#[cfg(test)]
mod tests {
    use crate::testing::{Folder, open, rows, shared};
    use proptest::prelude::*;

    const TEN: &str = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n";

    /// Records with these label bytes; channel k of every pixel has the value 100 k + row.
    fn records(labels: &[&[u8]]) -> Vec<u8> {
        let pixels = (0..3072).map(|at| (at / 1024 * 100 + at % 1024 / 32) as u8);
        let pixels: Vec<u8> = pixels.collect();
        labels.iter().flat_map(|label| [label, &pixels[..]].concat()).collect()
    }

    #[test]
    fn batches_follow_each_other_and_the_split_can_be_chosen() {
        let folder = Folder::new();
        folder.file("batches.meta.txt", TEN);
        folder.file("data_batch_1.bin", records(&[&[3], &[9]]));
        folder.file("data_batch_2.bin", records(&[&[0]]));
        folder.file("test_batch.bin", records(&[&[5]]));
        let test = folder.open("").unwrap();
        assert_eq!(rows(&*test), [("test_batch/00000".to_owned(), Some(5))]);
        assert_eq!(test.classes().unwrap()[5], "f");
        let train = folder.open("cifar:split=train").unwrap();
        let ids = [("data_batch_1/00000", 3), ("data_batch_1/00001", 9), ("data_batch_2/00000", 0)];
        assert_eq!(rows(&*train), ids.map(|(id, label)| (id.to_owned(), Some(label))));
        let image = train.item(2).unwrap().image;
        assert_eq!(image.pixel(7, 31), [7.0, 107.0, 207.0].map(|v: f32| v / 255.0));
        insta::assert_snapshot!(train.describe(), @"3 colour pictures of 32x32 pixels with labels from `data_batch_1.bin`, `data_batch_2.bin`");
    }

    #[test]
    fn cifar_100_has_a_coarse_and_a_fine_label() {
        let folder = Folder::new();
        let names: Vec<String> = (0..100).map(|k| format!("class {k}")).collect();
        folder.file("fine_label_names.txt", names.join("\n"));
        folder.file("test.bin", records(&[&[19, 99], &[0, 1]]));
        let set = folder.open("").unwrap();
        assert_eq!(rows(&*set)[0], ("test/00000".to_owned(), Some(99)));
        assert_eq!(set.item(1).unwrap().label, Some(1));
    }

    #[test]
    fn messages_name_the_file() {
        let message = |names: &str, bytes: &[u8]| {
            let folder = Folder::new();
            folder.file("batches.meta.txt", names);
            folder.file("test_batch.bin", bytes);
            folder.says(folder.open(""))
        };
        let messages = [
            message(TEN, b""),
            message(TEN, &[0; 3072]),
            message(TEN, &records(&[&[1], &[77]])),
            message("a\nb\n", &records(&[&[1]])),
        ];
        let folder = Folder::new();
        folder.file("batches.meta.txt", TEN);
        insta::assert_snapshot!([messages.join("\n"), folder.says(folder.open(""))].join("\n"));
    }

    #[test]
    fn the_first_thousand_test_pictures_are_there() {
        let Some(path) = shared("images/cifar10") else { return };
        let set = open(&path, "").unwrap();
        assert_eq!(set.len(), 1000);
        let rows = rows(&*set);
        // the test set begins with a cat, two ships and an aeroplane
        let labels: Vec<_> = rows[..4].iter().map(|(_, label)| label.unwrap()).collect();
        assert_eq!(labels, [3, 8, 8, 0]);
        assert_eq!(set.classes().unwrap()[8], "ship");
        assert_eq!(rows[999].0, "test_1000/00999");
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes: Vec<u8>) {
            let folder = Folder::new();
            let _ = open(&folder.file("x.bin", bytes), "");
        }
    }
}
