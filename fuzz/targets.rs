//! What is fuzzed: each target takes bytes as the content of one file from outside. Shared by the
//! coverage-guided targets beside this file and by `tests/fuzz.rs`.

use pixelflip::{
    data::{self, Options, decode::read_picture, tensor::read_npy},
    nn::{
        model::Model,
        preprocess::{Preprocess, Settings},
    },
    run::config::Config,
};
use std::{fs, path::Path};

/// Pictures larger than this are refused while fuzzing, so that bounds on memory can be tight.
const MAX_PIXELS: u64 = 1 << 20;

/// One thing that reads files from outside.
pub(crate) struct Target {
    /// Name, also of the folder with its cases.
    pub(crate) name: &'static str,
    /// Reads the bytes; files may be put into the folder, which is the target's own.
    pub(crate) run: fn(&Path, &[u8]),
}

/// All targets.
pub(crate) const TARGETS: &[Target] = &[
    Target { name: "onnx", run: onnx },
    Target { name: "picture", run: picture },
    Target { name: "sidecar", run: sidecar },
    Target { name: "idx", run: idx },
    Target { name: "idx_gz", run: idx_gz },
    Target { name: "cifar", run: cifar },
    Target { name: "npy", run: npy },
    Target { name: "npz", run: npz },
    Target { name: "labels", run: labels },
    Target { name: "config", run: config },
    Target { name: "spec", run: spec },
];

/// A model beside which there are no files: external data may only be looked for in the folder.
fn onnx(folder: &Path, bytes: &[u8]) {
    let path = folder.join("m.onnx");
    write(&path, bytes);
    if let Ok(model) = Model::load(&path, Settings::default()) {
        // counts and names are read by `pixelflip model`
        assert!(model.layers().len() <= bytes.len() + 16);
    }
}

fn picture(folder: &Path, bytes: &[u8]) {
    let path = folder.join("a.png");
    write(&path, bytes);
    if let Ok(picture) = read_picture(&path, MAX_PIXELS) {
        assert!((picture.shape.h * picture.shape.w) as u64 <= MAX_PIXELS);
        assert!(picture.data.iter().all(|v| (0.0..=1.0).contains(v)));
    }
}

/// A sidecar and a picture of the size that its first bytes say.
fn sidecar(_: &Path, bytes: &[u8]) {
    use pixelflip::{base::geom::Shape, nn::tensor::Tensor};
    let [h, w, rest @ ..] = bytes else { return };
    let (h, w) = (usize::from(*h % 64) + 1, usize::from(*w % 64) + 1);
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let Ok(preprocess) = Preprocess::from_toml(text, Shape::new(3, 8, 8)) else { return };
    let shape = Shape::new(3, h, w);
    let picture = Tensor::new(shape, (0..shape.len()).map(|i| (i % 7) as f32 / 7.0).collect());
    if let Ok(input) = preprocess.picture(&picture) {
        assert_eq!(preprocess.normalise(&input).data.len(), preprocess.input().len());
    }
}

fn idx(folder: &Path, bytes: &[u8]) {
    pictures_and_labels(folder, bytes, "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte");
}

fn idx_gz(folder: &Path, bytes: &[u8]) {
    pictures_and_labels(folder, bytes, "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz");
}

/// The bytes are two files, the first as long as their first two bytes say.
fn pictures_and_labels(folder: &Path, bytes: &[u8], pictures: &str, labels: &str) {
    let [low, high, rest @ ..] = bytes else { return };
    let length = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
    write(&folder.join(pictures), &rest[..length]);
    write(&folder.join(labels), &rest[length..]);
    open(folder);
}

fn cifar(folder: &Path, bytes: &[u8]) {
    write(&folder.join("test_batch.bin"), bytes);
    write(&folder.join("batches.meta.txt"), b"a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n");
    open(folder);
}

fn npy(folder: &Path, bytes: &[u8]) {
    let path = folder.join("a.npy");
    write(&path, bytes);
    let _ = read_npy(&path);
    open(&path);
}

fn npz(folder: &Path, bytes: &[u8]) {
    let path = folder.join("a.npz");
    write(&path, bytes);
    open(&path);
}

/// A table of labels beside one picture.
fn labels(folder: &Path, bytes: &[u8]) {
    write(&folder.join("labels.csv"), bytes);
    write(&folder.join("a.png"), b"no picture");
    open(folder);
}

fn config(folder: &Path, bytes: &[u8]) {
    for name in ["a.toml", "manifest.json"] {
        let path = folder.join(name);
        write(&path, bytes);
        let _ = Config::load(Some(&path), toml::Table::new());
    }
}

/// Names with parameters.
fn spec(_: &Path, bytes: &[u8]) {
    use pixelflip::{
        base::registry::{Spec, build},
        explain::EXPLAINERS,
    };
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(spec) = text.parse::<Spec>() else { return };
    if let Ok(named) = build("method", EXPLAINERS, &spec) {
        let again: Spec = named.name.parse().expect("canonical names are specs");
        assert_eq!(
            build("method", EXPLAINERS, &again).expect("they name the same").name,
            named.name
        );
    }
}

/// Opens a data set and reads its first pictures.
fn open(path: &Path) {
    let options = Options { max_pixels: MAX_PIXELS, ..Options::default() };
    let Ok(set) = data::open(path, &options) else { return };
    let root = path.to_string_lossy();
    for i in 0..set.len().min(3) {
        assert!(!set.id(i).contains(&*root), "ids are relative");
        if let Ok(item) = set.item(i) {
            assert_eq!(item.image.data.len(), item.image.shape.len());
        }
    }
    let _ = (set.fingerprint(), set.describe());
}

fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).expect("the folder for fuzzing can be written to");
}
