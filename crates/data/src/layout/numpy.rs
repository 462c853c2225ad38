//! `NumPy` arrays of pictures and labels: an `.npz` file, a folder with `images.npy` and `labels.npy`,
//! or one `.npy` file. Pictures are `(N, H, W)`, `(N, H, W, C)` or `(N, C, H, W)` with 1 or 3
//! channels (RGB): bytes, 16-bit values, or floating point in [0, 1]. Labels are whole numbers
//! `(N,)` or `(N, 1)`, of any type.

use super::{
    super::{
        DataError, Dataset, Item, Network, Options, decode,
        fingerprint::{Listed, digest, fingerprint},
        listing::{DataPath, count},
        npy::{Header, Type, swap},
        numbering::{self, FIRST},
        packed::channels_last,
    },
    Layout,
};
use crate::{
    base::{
        geom::Shape,
        registry::{Entry, Kind, Param},
        word_enum,
    },
    nn::tensor::Tensor,
};
use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};
use zip::{ZipArchive, result::ZipError};

pub(super) const ENTRY: Entry<dyn Layout> = Entry {
    id: "numpy",
    summary: "NumPy arrays of pictures and labels (.npz, or images.npy and labels.npy)",
    cite: "",
    params: &[
        Param {
            key: "images",
            default: "auto",
            kind: Kind::Text,
            help: "name of the array of pictures; auto knows images, test_images, x_test, x",
        },
        Param {
            key: "labels",
            default: "auto",
            kind: Kind::Text,
            help: "name of the array of labels; auto knows labels, test_labels, y_test, y; none: without",
        },
        FIRST,
        Param {
            key: "axes",
            default: "auto",
            kind: Kind::Word(&["auto", Axes::Nchw.name(), Axes::Nhwc.name()]),
            help: "where the channels are; auto takes the axis with 1 or 3 values",
        },
    ],
    build: |args| {
        let given = |key| Some(args.text(key).to_owned()).filter(|name| name != "auto");
        Ok(Box::new(Numpy {
            images: given("images"),
            labels: given("labels"),
            first: numbering::first(args).unwrap_or(0),
            axes: args.text("axes").parse().ok(),
        }))
    },
};

/// Bytes of a member of an archive, which are held in memory, at most.
const MAX_MEMBER: u64 = 4 << 30;

/// Names under which pictures and their labels are kept.
const PAIRS: [(&str, &str); 4] =
    [("images", "labels"), ("test_images", "test_labels"), ("x_test", "y_test"), ("x", "y")];

word_enum! {
    enum Axes {
        Nchw = "nchw",
        Nhwc = "nhwc",
    }
}

struct Numpy {
    images: Option<String>,
    labels: Option<String>,
    /// The number of the first class.
    first: usize,
    axes: Option<Axes>,
}

impl Layout for Numpy {
    fn detect(&self, place: &DataPath) -> bool {
        if place.is_folder {
            return PAIRS.iter().any(|(images, _)| place.has_file(&format!("{images}.npy")));
        }
        [".npy", ".npz"].iter().any(|ending| place.name.ends_with(ending))
    }

    fn open(&self, place: &DataPath, options: &Options) -> Result<Box<dyn Dataset>, DataError> {
        let mut store = Store::open(place)?;
        let images = self.images.clone().map_or_else(|| store.images(), Ok)?;
        let labels = self.labels.clone().or_else(|| store.labels_for(&images));
        let labels = labels.filter(|name| name != "none");
        let array = store.array(&images)?;
        let (shape, axes, n) = picture_shape(&array, self.axes)?;
        decode::check_pixels(&array.path, shape.w as u64, shape.h as u64, options.max_pixels)?;
        let from =
            labels.as_ref().map_or(String::new(), |name| format!(" with labels from `{name}`"));
        let read =
            |name: String| self.read_labels(&store.array(&name)?, n, options.network.as_ref());
        let labels = labels.map(read).transpose()?;
        let (h, w) = (shape.h, shape.w);
        let words = format!("{} of {h}x{w} pixels from `{images}`{from}", count(n, "picture"));
        let name = place.name.clone();
        Ok(Box::new(Arrays { name, prefix: images, array, shape, axes, labels, words }))
    }
}

/// Where arrays are found by name.
enum Store {
    Folder { path: PathBuf, names: Vec<String> },
    Zip { path: PathBuf, archive: Box<ZipArchive<File>>, names: Vec<String> },
}

impl Store {
    fn open(place: &DataPath) -> Result<Store, DataError> {
        let stem = |name: &str| name.strip_suffix(".npy").map(str::to_owned);
        let path = place.path.clone();
        if place.is_folder {
            return Ok(Store::Folder {
                path,
                names: place.files.iter().filter_map(|f| stem(f)).collect(),
            });
        }
        let file = File::open(&path).map_err(|e| DataError::read(&path, &e))?;
        if let Some(name) = stem(&place.name) {
            return Ok(Store::beside(place, name));
        }
        let archive = ZipArchive::new(file).map_err(|e| not_npz(&path, &e))?;
        let names = archive.file_names().filter_map(stem).collect();
        Ok(Store::Zip { path, archive: Box::new(archive), names })
    }

    /// One `.npy` file with the labels that may lie beside it.
    fn beside(place: &DataPath, images: String) -> Store {
        let path = place.path.parent().unwrap_or(Path::new("")).to_owned();
        let labels = PAIRS.iter().find(|(name, _)| *name == images).map(|(_, labels)| *labels);
        let labels = labels.filter(|name| path.join(format!("{name}.npy")).is_file());
        let names = [Some(images), labels.map(str::to_owned)].into_iter().flatten().collect();
        Store::Folder { path, names }
    }

    fn path(&self) -> &Path {
        match self {
            Store::Folder { path, .. } | Store::Zip { path, .. } => path,
        }
    }

    fn names(&self) -> &[String] {
        match self {
            Store::Folder { names, .. } | Store::Zip { names, .. } => names,
        }
    }

    fn has(&self, name: &str) -> bool {
        self.names().iter().any(|n| n == name)
    }

    /// The array of pictures: one of the known names, or the only array there is.
    fn images(&self) -> Result<String, DataError> {
        let known = PAIRS.iter().find(|(images, _)| self.has(images));
        match (known, self.names()) {
            (Some((images, _)), _) => Ok((*images).to_owned()),
            (None, [only]) => Ok(only.clone()),
            (None, names) => {
                let found = format!("the arrays {}", names.join(", "));
                Err(DataError::unexpected(self.path(), "an array `images`", found)
                    .hint("name it with the layout `numpy:images=NAME:labels=NAME`"))
            }
        }
    }

    fn labels_for(&self, images: &str) -> Option<String> {
        let pair = PAIRS.iter().find(|(name, labels)| *name == images && self.has(labels));
        pair.map(|(_, labels)| (*labels).to_owned())
    }

    fn array(&mut self, name: &str) -> Result<Array, DataError> {
        match self {
            Store::Folder { path, .. } => Array::of_file(&path.join(format!("{name}.npy"))),
            Store::Zip { path, archive, .. } => {
                Array::of_member(archive, &format!("{name}.npy"), path)
            }
        }
    }
}

fn open_npz(path: &Path) -> Result<ZipArchive<File>, DataError> {
    let file = File::open(path).map_err(|e| DataError::read(path, &e))?;
    ZipArchive::new(file).map_err(|e| not_npz(path, &e))
}

/// Names of the arrays in an `.npz` file.
pub(crate) fn arrays_of_npz(path: &Path) -> Result<Vec<String>, DataError> {
    let archive = open_npz(path)?;
    let names = archive.file_names().filter_map(|name| name.strip_suffix(".npy"));
    Ok(names.map(str::to_owned).collect())
}

fn not_npz(path: &Path, error: &ZipError) -> DataError {
    DataError::unexpected(path, "a NumPy .npz file", format!("a fault ({error})"))
}

/// One array: its header, and its values in a file or in memory.
#[derive(Debug)]
pub(crate) struct Array {
    /// For messages; a member of an archive stands behind its name.
    path: PathBuf,
    header: Header,
    values: Values,
}

#[derive(Debug)]
enum Values {
    File,
    Memory(Vec<u8>),
}

impl Array {
    /// Reads the header only.
    pub(crate) fn of_file(path: &Path) -> Result<Array, DataError> {
        let failed = |e| DataError::read(path, &e);
        let file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let mut beginning = vec![];
        file.take(Header::MAX_LEN as u64).read_to_end(&mut beginning).map_err(failed)?;
        let header = Header::read(&beginning, length, path)?;
        Array { path: path.to_owned(), header, values: Values::File }.checked()
    }

    /// Reads all of an array of an `.npz` file.
    pub(crate) fn of_npz(path: &Path, name: &str) -> Result<Array, DataError> {
        Array::of_member(&mut open_npz(path)?, &format!("{name}.npy"), path)
    }

    /// Reads all of a member; its header is checked before its values are unpacked.
    fn of_member(
        archive: &mut ZipArchive<File>,
        member: &str,
        path: &Path,
    ) -> Result<Array, DataError> {
        let mut file = archive.by_name(member).map_err(|e| not_npz(path, &e))?;
        let (length, path) = (file.size(), decode::inside(path, member));
        if length > MAX_MEMBER {
            let expected = format!("at most {MAX_MEMBER} bytes in an archive");
            return Err(DataError::unexpected(&path, expected, length.to_string()).hint(
                "save it with `numpy.save` as .npy, of which one picture at a time is read",
            ));
        }
        let failed = |e| DataError::read(&path, &e);
        let mut bytes = vec![];
        (&mut file).take(Header::MAX_LEN as u64).read_to_end(&mut bytes).map_err(failed)?;
        let header = Header::read(&bytes, length, &path)?;
        file.take(length - bytes.len() as u64).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 != length {
            let found = format!("{} bytes", bytes.len());
            return Err(DataError::unexpected(&path, format!("{length} bytes"), found));
        }
        Array { path, header, values: Values::Memory(bytes) }.checked()
    }

    fn checked(self) -> Result<Array, DataError> {
        if self.header.fortran && self.header.shape.len() > 1 {
            return Err(DataError::unexpected(&self.path, "values in C order", "Fortran order")
                .hint("save numpy.ascontiguousarray(...)"));
        }
        Ok(self)
    }

    /// For messages; a member of an archive stands behind its name.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn shape(&self) -> &[usize] {
        &self.header.shape
    }

    pub(crate) fn kind(&self) -> Type {
        self.header.kind
    }

    /// `n` values from position `first`, little-endian.
    pub(crate) fn read(&self, first: usize, n: usize) -> Result<Vec<u8>, DataError> {
        let size = self.header.kind.size();
        let (at, length) = (self.header.offset + first * size, n * size);
        let mut bytes = match &self.values {
            Values::Memory(bytes) => bytes[at..at + length].to_vec(),
            Values::File => read_at(&self.path, at as u64, length)?,
        };
        if self.header.big_endian {
            swap(&mut bytes, size);
        }
        Ok(bytes)
    }
}

fn read_at(path: &Path, at: u64, length: usize) -> Result<Vec<u8>, DataError> {
    let failed = |e| DataError::read(path, &e);
    let mut file = File::open(path).map_err(failed)?;
    file.seek(SeekFrom::Start(at)).map_err(failed)?;
    let mut bytes = vec![];
    file.take(length as u64).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() < length {
        return Err(DataError::unexpected(path, format!("{length} bytes"), "the end of the file"));
    }
    Ok(bytes)
}

/// Shape of a picture, order of the axes, number of pictures.
fn picture_shape(array: &Array, axes: Option<Axes>) -> Result<(Shape, Axes, usize), DataError> {
    let few = |c: usize| c == 1 || c == 3;
    let wrong = |expected: &str| {
        let found = format!("{:?} of type {:?}", array.header.shape, array.header.kind);
        DataError::unexpected(&array.path, expected, found)
    };
    let kind = array.header.kind;
    if !(kind.is_float() || matches!(kind, Type::U8 | Type::U16)) {
        return Err(wrong("pictures as 8- or 16-bit unsigned or floating-point values"));
    }
    let (n, shape, axes) = match (array.header.shape.as_slice(), axes) {
        (&[n, h, w], _) => (n, Shape::new(1, h, w), Axes::Nhwc),
        (&[_, a, _, b], None) if few(a) && few(b) => {
            return Err(wrong("pictures whose channels can be told from their rows and columns")
                .hint("say which with the layout `numpy:axes=nhwc` or `numpy:axes=nchw`"));
        }
        (&[n, h, w, c], None | Some(Axes::Nhwc)) if few(c) => (n, Shape::new(c, h, w), Axes::Nhwc),
        (&[n, c, h, w], None | Some(Axes::Nchw)) if few(c) => (n, Shape::new(c, h, w), Axes::Nchw),
        _ => {
            return Err(wrong(
                "pictures (N, H, W), (N, H, W, C) or (N, C, H, W) with 1 or 3 channels",
            ));
        }
    };
    if n == 0 {
        return Err(wrong("at least one picture"));
    }
    Ok((shape, axes, n))
}

impl Numpy {
    fn read_labels(
        &self,
        array: &Array,
        n: usize,
        network: Option<&Network>,
    ) -> Result<Vec<usize>, DataError> {
        let Header { kind, shape, .. } = &array.header;
        let wrong =
            |expected: String, found: String| DataError::unexpected(&array.path, expected, found);
        if !(shape[..] == [n] || shape[..] == [n, 1]) {
            let expected = format!("{n} whole numbers, one label per picture");
            return Err(wrong(expected, format!("{shape:?} of type {kind:?}")));
        }
        let bytes = array.read(0, n)?;
        let values: Vec<f64> = bytes.chunks_exact(kind.size()).map(|v| kind.value(v)).collect();
        let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
        let label = |(i, v): (usize, f64)| {
            let whole = Some(v).filter(|v| v.fract() == 0.0);
            let class = whole.and_then(|v| numbering::class(v, self.first, network));
            class.ok_or_else(|| {
                let expected = numbering::classes_words(self.first, network);
                wrong(expected, format!("{v} for picture {i}"))
                    .hint(numbering::label_advice(v, lowest, self.first, network, ENTRY.id))
            })
        };
        values.iter().copied().enumerate().map(label).collect()
    }
}

/// See the [module](self).
struct Arrays {
    name: String,
    /// Name of the array of pictures.
    prefix: String,
    array: Array,
    shape: Shape,
    axes: Axes,
    labels: Option<Vec<usize>>,
    words: String,
}

impl Arrays {
    fn image(&self, i: usize) -> Result<Tensor, DataError> {
        let kind = self.array.header.kind;
        let bytes = self.array.read(i * self.shape.len(), self.shape.len())?;
        let white = match kind {
            Type::U8 => 255.0,
            Type::U16 => 65_535.0,
            _ => 1.0,
        };
        let values: Vec<f32> =
            bytes.chunks_exact(kind.size()).map(|v| (kind.value(v) / white) as f32).collect();
        decode::check_range(&values, &decode::inside(&self.array.path, &self.id(i)))?;
        Ok(match self.axes {
            Axes::Nhwc => Tensor::new(self.shape, values),
            Axes::Nchw => channels_last(self.shape, |k| values[k]),
        })
    }
}

impl Dataset for Arrays {
    fn name(&self) -> &str {
        &self.name
    }

    fn len(&self) -> usize {
        self.array.header.shape[0]
    }

    fn id(&self, i: usize) -> String {
        format!("{}/{i:05}", self.prefix)
    }

    fn label(&self, i: usize) -> Option<usize> {
        self.labels.as_ref().map(|labels| labels[i])
    }

    fn item(&self, i: usize) -> Result<Item, DataError> {
        let (image, label) = (self.image(i)?, self.label(i));
        Ok(Item { id: self.id(i), image, label, boxes: vec![], mask: None })
    }

    fn classes(&self) -> Option<&[String]> {
        None
    }

    fn fingerprint(&self) -> String {
        let line = |i| Listed { id: self.id(i), label: self.label(i), object: String::new() };
        fingerprint((0..self.len()).map(line))
    }

    fn content(&self, i: usize) -> Result<String, DataError> {
        let (header, count) = (&self.array.header, self.shape.len());
        // the same bytes of another type or shape are another picture
        let about = format!("{:?} {:?} {:?} ", header.kind, self.shape, self.axes);
        Ok(digest(&[about.as_bytes(), &self.array.read(i * count, count)?].concat()))
    }

    fn is_there(&self) -> bool {
        self.array.path.exists()
    }

    fn describe(&self) -> String {
        self.words.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Folder, open, rows};
    use ndarray::{Array, Array1, ArrayD, IxDyn};
    use ndarray_npy::{NpzWriter, WritableElement, WriteNpyExt};
    use proptest::prelude::*;

    fn npy<T: WritableElement>(shape: &[usize], value: impl FnMut(usize) -> T) -> Vec<u8> {
        let n = shape.iter().product();
        let values: Vec<T> = (0..n).map(value).collect();
        let mut bytes = vec![];
        ArrayD::from_shape_vec(IxDyn(shape), values).unwrap().write_npy(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn channels_may_come_first_or_last_or_not_at_all() {
        let folder = Folder::new();
        folder.file("last.npy", npy(&[2, 2, 2, 3], |v| v as u8));
        folder.file("first.npy", npy(&[2, 3, 2, 2], |v| v as u16));
        folder.file("grey.npy", npy(&[2, 2, 2], |v| v as f32 / 8.0));
        folder.file("both.npy", npy(&[2, 3, 2, 3], |v| v as f64 / 100.0));
        let image =
            |name: &str, layout| open(&folder.child(name), layout).unwrap().item(1).unwrap().image;
        assert_eq!(image("last.npy", "").pixel(0, 1), [15.0, 16.0, 17.0].map(|v: f32| v / 255.0));
        let first = image("first.npy", "");
        assert_eq!(first.pixel(0, 1), [13.0, 17.0, 21.0].map(|v: f64| (v / 65_535.0) as f32));
        assert_eq!(image("grey.npy", "").data, [0.5, 0.625, 0.75, 0.875]);
        assert_eq!(image("both.npy", "numpy:axes=nhwc").shape, Shape::new(3, 3, 2));
        assert_eq!(image("both.npy", "numpy:axes=nchw").shape, Shape::new(3, 2, 3));
        insta::assert_snapshot!(folder.says(open(&folder.child("both.npy"), "")), @"`DIR/both.npy`: expected pictures whose channels can be told from their rows and columns, found [2, 3, 2, 3] of type F64; say which with the layout `numpy:axes=nhwc` or `numpy:axes=nchw`");
    }

    #[test]
    fn folders_files_and_archives_pair_pictures_with_labels() {
        let folder = Folder::new();
        folder.file("x_test.npy", npy(&[3, 1, 1], |v| v as u8));
        folder.file("y_test.npy", npy(&[3, 1], |v| 5 - v as i64));
        let mut archive = NpzWriter::new_compressed(File::create(folder.child("set.npz")).unwrap());
        archive.add_array("x_test", &Array::from_shape_fn((3, 1, 1), |(n, _, _)| n as u8)).unwrap();
        archive.add_array("y_test", &Array1::from_vec(vec![5u8, 4, 3])).unwrap();
        archive.add_array("x_train", &Array::<u8, _>::zeros((9, 1, 1))).unwrap();
        archive.finish().unwrap();
        let expected = [("x_test/00000", 5), ("x_test/00001", 4), ("x_test/00002", 3)];
        for name in ["", "x_test.npy", "set.npz"] {
            let set = open(&folder.child(name), "").unwrap();
            assert_eq!(rows(&*set), expected.map(|(id, k)| (id.to_owned(), Some(k))), "{name}");
            assert_eq!(set.item(2).unwrap().image.data, [2.0 / 255.0]);
        }
        let train = open(&folder.child("set.npz"), "numpy:images=x_train").unwrap();
        insta::assert_snapshot!(train.describe(), @"9 pictures of 1x1 pixels from `x_train`");
    }

    #[test]
    fn messages_name_the_array() {
        let folder = Folder::new();
        let message = |name: &str, bytes: Vec<u8>| {
            let path = folder.file(name, bytes);
            folder.says(open(&path, "").and_then(|set| set.item(0)))
        };
        let good = npy(&[2, 2, 2], |v| v as u8);
        let hostile = |shape: &str| {
            let text = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}");
            [&b"\x93NUMPY\x01\0"[..], &(text.len() as u16).to_le_bytes(), text.as_bytes()].concat()
        };
        let labelled = |labels: Vec<u8>| {
            folder.file("labels.npy", labels);
            message("images.npy", npy(&[2, 2, 2], |v| v as u8))
        };
        let messages = [
            message("a.npy", b"text".to_vec()),
            message("a.npz", b"text".to_vec()),
            message("a.npy", good[..100].to_vec()),
            message("a.npy", good[..good.len() - 1].to_vec()),
            message("a.npy", hostile("(4000000000, 4000000000, 4000000000)")),
            message("a.npy", hostile("(1, 20000, 20000)")),
            message("a.npy", hostile("(0, 2, 2)")),
            message("a.npy", hostile("(-1, 2, 2)")),
            message("a.npy", b"\x93NUMPY\x02\0\xff\xff\xff\xff{".to_vec()),
            message("a.npy", npy(&[4], |v| v as u8)),
            message("a.npy", npy(&[2, 2, 2], |v| v as i32)),
            message("a.npy", npy(&[2, 4, 4, 4], |v| v as u8)),
            message("a.npy", npy(&[1, 2, 2], |v| v as f32)),
            message("a.npy", npy(&[1, 1, 1], |_| f64::NAN)),
            labelled(npy(&[3], |v| v as i64)),
            labelled(npy(&[2], |v| v as f32 + 0.5)),
            labelled(npy(&[2], |v| v as f64 * 1e12)),
            labelled(npy(&[2], |v| -(v as i8))),
            {
                let array = Array::from_shape_fn((2, 2, 2), |(a, b, c)| (a + b + c) as u8);
                let mut bytes = vec![];
                array.t().write_npy(&mut bytes).unwrap();
                message("a.npy", bytes)
            },
            {
                let mut archive = NpzWriter::new(File::create(folder.child("b.npz")).unwrap());
                archive.add_array("p", &Array1::<u8>::zeros(1)).unwrap();
                archive.add_array("q", &Array1::<u8>::zeros(1)).unwrap();
                archive.finish().unwrap();
                folder.says(open(&folder.child("b.npz"), ""))
            },
            folder.says(open(&folder.child("b.npz"), "numpy:images=r")),
        ];
        insta::assert_snapshot!(messages.join("\n"));
    }

    proptest! {
        #[test]
        fn damaged_files_never_panic(
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
            zipped: bool,
        ) {
            let folder = Folder::new();
            let path = folder.child(if zipped { "a.npz" } else { "a.npy" });
            let mut bytes = npy(&[2, 3, 3], |v| v as u8);
            if zipped {
                let mut archive = NpzWriter::new(std::io::Cursor::new(vec![]));
                archive.add_array("images", &Array::<u8, _>::zeros((2, 3, 3))).unwrap();
                bytes = archive.finish().unwrap().into_inner();
            }
            for (at, value) in damage {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            std::fs::write(&path, bytes).unwrap();
            if let Ok(set) = open(&path, "") {
                (0..set.len().min(5)).for_each(|i| drop(set.item(i)));
            }
        }
    }
}
