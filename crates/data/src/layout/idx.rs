//! MNIST and Fashion-MNIST: `train-images-idx3-ubyte` with `train-labels-idx1-ubyte`, and the same
//! for `t10k`; plain or `.gz`. The format is that of "The MNIST database".

use super::{
    super::{
        DataError, Dataset, Options, decode,
        listing::{DataPath, count},
        packed::{Packed, Part},
    },
    Layout,
};
use crate::base::{
    geom::Shape,
    registry::{Args, Entry, Kind, Param},
    word_enum,
};
use flate2::read::MultiGzDecoder;
use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

pub(super) const ENTRY: Entry<dyn Layout> = Entry {
    id: "idx",
    summary: "MNIST's IDX files, plain or .gz",
    cite: "",
    params: &[SPLIT],
    build: |args| Ok(Box::new(Idx::new(args))),
};

word_enum! {
    /// Which part of a set that has a test set.
    pub(super) enum Split {
        Auto = "auto",
        Test = "test",
        Train = "train",
    }
}

pub(super) const SPLIT: Param = Param {
    key: "split",
    default: "auto",
    kind: Kind::Word(Split::WORDS),
    help: "which part of the set; auto takes test if it is there",
};

/// What the file names of a split contain.
const TEST: &[&str] = &["t10k", "test"];
const TRAIN: &[&str] = &["train"];

/// No gzip stream is longer than this many times its file.
const MAX_GZIP_RATIO: u64 = 1032;

pub(super) struct Idx {
    /// In order of preference.
    splits: &'static [&'static [&'static str]],
}

impl Layout for Idx {
    fn detect(&self, place: &DataPath) -> bool {
        place.files.iter().any(|name| is_images(name))
    }

    fn open(&self, place: &DataPath, options: &Options) -> Result<Box<dyn Dataset>, DataError> {
        Ok(Box::new(self.read(place, options)?))
    }
}

fn is_images(name: &str) -> bool {
    name.contains("images") && name.contains("idx3")
}

impl Idx {
    /// From the parameter [`SPLIT`].
    pub(super) fn new(args: &Args) -> Idx {
        Idx {
            splits: match args.word("split") {
                Split::Test => &[TEST],
                Split::Train => &[TRAIN],
                Split::Auto => &[TEST, TRAIN],
            },
        }
    }

    pub(super) fn read(&self, place: &DataPath, options: &Options) -> Result<Packed, DataError> {
        let images = self.images(place)?;
        let file = Images::read(&images, options.max_pixels)?;
        let n = file.pixels.len() / file.shape.len();
        let labels = labels_beside(&images).map(|path| read_labels(&path, n)).transpose()?;
        let name = images.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Shape { h, w, .. } = file.shape;
        let pictures = count(n, "grey picture");
        let with = if labels.is_some() { "with" } else { "without" };
        let words = format!("{pictures} of {h}x{w} pixels {with} labels from `{name}`");
        let prefix = name.split("images").next().unwrap_or_default();
        let prefix = prefix.trim_end_matches(['-', '.', '_']);
        let prefix = if prefix.is_empty() { "images" } else { prefix }.to_owned();
        let labels = labels.unwrap_or_default();
        Ok(Packed {
            name: place.name.clone(),
            shape: file.shape,
            parts: vec![Part { prefix, pixels: file.pixels, labels }],
            classes: None,
            words,
        })
    }

    fn images(&self, place: &DataPath) -> Result<PathBuf, DataError> {
        if !place.is_folder {
            return Ok(place.path.clone());
        }
        let of = |split: &[&str]| {
            place.file(|name| is_images(name) && split.iter().any(|word| name.contains(word)))
        };
        self.splits.iter().find_map(|split| of(split)).ok_or_else(|| {
            let words: Vec<&str> = self.splits.iter().flat_map(|s| s.iter().copied()).collect();
            let expected = format!("a file {{{}}}-images-idx3-ubyte[.gz]", words.join(","));
            DataError::unexpected(&place.path, expected, place.words())
        })
    }
}

/// The file of labels that belongs to a file of images; plain or compressed.
fn labels_beside(images: &Path) -> Option<PathBuf> {
    let name = images.file_name()?.to_str()?;
    let name = name.replace("images", "labels").replace("idx3", "idx1");
    let plain = name.strip_suffix(".gz").unwrap_or(&name);
    let candidates = [name.clone(), plain.to_owned(), format!("{plain}.gz")];
    let paths = candidates.into_iter().map(|name| images.with_file_name(name));
    paths.into_iter().find(|path| path != images && path.is_file())
}

struct Images {
    shape: Shape,
    pixels: Vec<u8>,
}

impl Images {
    fn read(path: &Path, max_pixels: u64) -> Result<Images, DataError> {
        let mut stream = Stream::open(path)?;
        let [n, h, w] = stream.header::<3>("images")?;
        decode::check_pixels(path, w, h, max_pixels)?;
        let pixels = stream.bytes(n.saturating_mul(h).saturating_mul(w))?;
        if pixels.is_empty() {
            return Err(DataError::unexpected(path, "images", "none"));
        }
        Ok(Images { shape: Shape::new(1, h as usize, w as usize), pixels })
    }
}

fn read_labels(path: &Path, images: usize) -> Result<Vec<usize>, DataError> {
    let mut stream = Stream::open(path)?;
    let [n] = stream.header::<1>("labels")?;
    if n != images as u64 {
        let expected = format!("{}, one per image", count(images, "label"));
        return Err(DataError::unexpected(path, expected, n.to_string()));
    }
    Ok(stream.bytes(n)?.into_iter().map(usize::from).collect())
}

/// One IDX file.
struct Stream<'a> {
    path: &'a Path,
    content: Box<dyn Read>,
    /// Bytes of content not yet read: exact for a plain file, an upper bound for a compressed one.
    left: u64,
    is_plain: bool,
}

impl<'a> Stream<'a> {
    fn open(path: &'a Path) -> Result<Stream<'a>, DataError> {
        let failed = |e| DataError::read(path, &e);
        let file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let is_plain = path.extension().is_none_or(|ending| ending != "gz");
        Ok(if is_plain {
            Stream { path, content: Box::new(file), left: length, is_plain }
        } else {
            let left = length.saturating_mul(MAX_GZIP_RATIO);
            Stream { path, content: Box::new(MultiGzDecoder::new(file)), left, is_plain }
        })
    }

    /// The dimensions behind the magic number: bytes (08) with `N` dimensions.
    fn header<const N: usize>(&mut self, what: &str) -> Result<[u64; N], DataError> {
        let magic = [0, 0, 8, N as u8];
        let found = self.take(4)?;
        if found != magic {
            let hex: Vec<String> = found.iter().map(|b| format!("{b:02x}")).collect();
            let expected = format!("an IDX file of {what} (first bytes 00 00 08 {N:02x})");
            let found = format!("the first bytes {}", hex.join(" "));
            return Err(DataError::unexpected(self.path, expected, found));
        }
        let mut sizes = [0; N];
        for size in &mut sizes {
            let word = self.take(4)?.try_into().expect("four bytes were taken");
            *size = u32::from_be_bytes(word).into();
        }
        Ok(sizes)
    }

    /// Exactly `n` bytes, which must be the rest of the file.
    fn bytes(&mut self, n: u64) -> Result<Vec<u8>, DataError> {
        let bytes = self.take(n)?;
        let more = self.content.read(&mut [0]).map_err(|e| DataError::read(self.path, &e))?;
        if more > 0 {
            let expected = format!("{n} bytes after the header");
            return Err(DataError::unexpected(self.path, expected, "more"));
        }
        Ok(bytes)
    }

    /// Exactly `n` bytes; nothing is allocated that the file cannot hold.
    fn take(&mut self, n: u64) -> Result<Vec<u8>, DataError> {
        let short = |found: String| {
            DataError::unexpected(self.path, format!("{n} more bytes"), found)
                .hint("the file is truncated or not an IDX file")
        };
        if n > self.left {
            let found = format!("{}{}", if self.is_plain { "" } else { "at most " }, self.left);
            return Err(short(found));
        }
        let mut bytes = vec![];
        (&mut self.content)
            .take(n)
            .read_to_end(&mut bytes)
            .map_err(|e| DataError::read(self.path, &e))?;
        if (bytes.len() as u64) < n {
            return Err(short(bytes.len().to_string()));
        }
        self.left -= n;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Folder, open, rows, shared};
    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;
    use std::io::Write;

    fn images(n: u32, h: u32, w: u32) -> Vec<u8> {
        let pixels = (0..n * h * w).map(|v| v as u8);
        let header = [0x803, n, h, w].into_iter().flat_map(u32::to_be_bytes);
        header.chain(pixels).collect()
    }

    fn labels(labels: &[u8]) -> Vec<u8> {
        let header = [0x801, labels.len() as u32].into_iter().flat_map(u32::to_be_bytes);
        header.chain(labels.iter().copied()).collect()
    }

    fn gz(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(vec![], Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn plain_and_compressed_files_are_the_same_set() {
        let (plain, packed) = (Folder::new(), Folder::new());
        plain.file("t10k-images-idx3-ubyte", images(3, 2, 2));
        plain.file("t10k-labels-idx1-ubyte", labels(&[7, 0, 9]));
        packed.file("t10k-images-idx3-ubyte.gz", gz(&images(3, 2, 2)));
        packed.file("t10k-labels-idx1-ubyte.gz", gz(&labels(&[7, 0, 9])));
        let (plain, packed) = (plain.open("").unwrap(), packed.open("").unwrap());
        let ids = [("t10k/00000", 7), ("t10k/00001", 0), ("t10k/00002", 9)];
        assert_eq!(rows(&*plain), ids.map(|(id, label)| (id.to_owned(), Some(label))));
        assert_eq!(rows(&*plain), rows(&*packed));
        assert_eq!(plain.fingerprint(), packed.fingerprint());
        let image = packed.item(1).unwrap().image;
        assert_eq!(image.shape, Shape::new(1, 2, 2));
        assert_eq!(image.data, [4.0, 5.0, 6.0, 7.0].map(|v: f32| v / 255.0));
    }

    #[test]
    fn the_split_can_be_chosen_and_a_file_named() {
        let folder = Folder::new();
        folder.file("train-images.idx3-ubyte", images(2, 1, 1));
        folder.file("train-labels.idx1-ubyte", labels(&[1, 2]));
        let t10k = folder.file("t10k-images.idx3-ubyte", images(1, 1, 1));
        let count = |layout| folder.open(layout).unwrap().len();
        assert_eq!((count(""), count("idx:split=train"), count("idx:split=test")), (1, 2, 1));
        let set = open(&t10k, "").unwrap();
        assert_eq!(rows(&*set), [("t10k/00000".to_owned(), None)]);
        insta::assert_snapshot!(set.describe(), @"1 grey picture of 1x1 pixels without labels from `t10k-images.idx3-ubyte`");
    }

    #[test]
    fn hostile_and_truncated_files_are_refused() {
        let message = |name: &str, bytes: &[u8], labels: &[u8]| {
            let folder = Folder::new();
            let path = folder.file(name, bytes);
            if !labels.is_empty() {
                folder.file("train-labels-idx1-ubyte", labels);
            }
            folder.says(open(&path, "idx"))
        };
        let good = images(2, 3, 3);
        let plain = "train-images-idx3-ubyte";
        let packed = "train-images-idx3-ubyte.gz";
        let huge: Vec<u8> =
            [0x803, u32::MAX, 1000, 1000].into_iter().flat_map(u32::to_be_bytes).collect();
        let vast: Vec<u8> =
            [0x803, 1, u32::MAX, u32::MAX].into_iter().flat_map(u32::to_be_bytes).collect();
        let messages = [
            message(plain, b"", b""),
            message(plain, b"\x89PNG\r\n", b""),
            message(plain, &good[..9], b""),
            message(plain, &good[..good.len() - 1], b""),
            message(plain, &[&good[..], b"x"].concat(), b""),
            message(plain, &images(0, 3, 3), b""),
            message(plain, &images(3, 0, 3), b""),
            message(plain, &huge, b""),
            message(plain, &vast, b""),
            message(packed, &good, b""),
            message(packed, &gz(&huge), b""),
            message(packed, &gz(&good)[..20], b""),
            message(packed, &gz(&good[..30]), b""),
            message(plain, &good, &labels(&[1])),
            message(plain, &good, &good),
        ];
        insta::assert_snapshot!(messages.join("\n"));
    }

    #[test]
    fn a_folder_without_the_split_is_refused() {
        let folder = Folder::new();
        folder.file("train-images-idx3-ubyte", images(1, 1, 1));
        let message = folder.says(folder.open("idx:split=test"));
        insta::assert_snapshot!(message, @"`DIR`: expected a file {t10k,test}-images-idx3-ubyte[.gz], found a folder with 1 file and 0 folders");
    }

    #[test]
    fn the_real_digits_are_ten_thousand() {
        let Some(path) = shared("images/mnist") else { return };
        let set = open(&path, "").unwrap();
        assert_eq!(set.len(), 10_000);
        let item = set.item(9_999).unwrap();
        assert_eq!((item.id.as_str(), item.label), ("t10k/09999", Some(6)));
        assert_eq!(item.image.shape, Shape::new(1, 28, 28));
        // numpy.frombuffer(gzip.open(...).read(), "u1", offset=16)[-784:].sum()
        let sum: f64 = item.image.sum() * 255.0;
        assert!((sum - 41833.0).abs() < 0.01, "{sum}");
        assert_eq!(open(&path, "idx:split=train").unwrap().len(), 60_000);
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(
            magic in prop::sample::select(vec![&b""[..], &[0, 0, 8, 3], &[0, 0, 8, 3, 0, 0, 0]]),
            rest: Vec<u8>,
            compressed: bool,
        ) {
            let folder = Folder::new();
            let bytes = [magic, &rest].concat();
            let name = if compressed { "images-idx3.gz" } else { "images-idx3" };
            let path = folder.file(name, if compressed { gz(&bytes) } else { bytes.clone() });
            folder.file("labels-idx1", &bytes);
            let _ = open(&path, "idx");
        }
    }
}
