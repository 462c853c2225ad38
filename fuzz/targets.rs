//! What is fuzzed: each target takes bytes as the content of one file from outside. Shared by the
//! coverage-guided targets beside this file and by `tests/fuzz.rs`.

use pixelflip::{
    data::{self, Options, decode::read_picture, heatmaps::HeatMaps, tensor::read_npy},
    nn::{
        model::Model,
        preprocess::{Preprocess, Settings},
    },
    run::config::Config,
};
use std::{fs, path::Path};

/// Pictures larger than this are refused while fuzzing, so that bounds on memory can be tight.
const MAX_PIXELS: u64 = 1 << 20;

/// A grey PNG of 13 x 7 pixels.
const PICTURE: [u8; 83] = [
    137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82, 0, 0, 0, 13, 0, 0, 0, 7, 8, 0, 0,
    0, 0, 246, 27, 152, 198, 0, 0, 0, 26, 73, 68, 65, 84, 120, 218, 99, 96, 16, 86, 179, 244, 137,
    47, 106, 157, 177, 122, 223, 197, 39, 12, 52, 224, 1, 0, 99, 227, 40, 135, 184, 135, 233, 34,
    0, 0, 0, 0, 73, 69, 78, 68, 174, 66, 96, 130,
];

/// The most memory that reading a file of `length` bytes may take beside what the process holds
/// anyway: a gzip stream unfolds to 1032 times its size, pixels become floating point.
pub(crate) fn bytes_for(length: usize) -> usize {
    (256 << 20) + 8_192 * length
}

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
    Target { name: "voc", run: voc },
    Target { name: "coco", run: coco },
    Target { name: "npy", run: npy },
    Target { name: "npz", run: npz },
    Target { name: "labels", run: labels },
    Target { name: "config", run: config },
    Target { name: "spec", run: spec },
    Target { name: "maps_npy", run: |folder, bytes| maps(folder, bytes, "npy") },
    Target { name: "maps_npz", run: |folder, bytes| maps(folder, bytes, "npz") },
    Target { name: "maps_safetensors", run: |folder, bytes| maps(folder, bytes, "safetensors") },
    Target { name: "maps_text", run: |folder, bytes| maps(folder, bytes, "txt") },
    Target { name: "maps_png", run: |folder, bytes| maps(folder, bytes, "png") },
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

fn pictures_and_labels(folder: &Path, bytes: &[u8], pictures: &str, labels: &str) {
    let Some((one, other)) = two_files(bytes) else { return };
    write(&folder.join(pictures), one);
    write(&folder.join(labels), other);
    open(folder);
}

/// The bytes are two files, the first as long as their first two bytes say.
fn two_files(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let [low, high, rest @ ..] = bytes else { return None };
    let length = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
    Some(rest.split_at(length))
}

/// An annotation and a mask beside a picture.
fn voc(folder: &Path, bytes: &[u8]) {
    let Some((annotation, mask)) = two_files(bytes) else { return };
    for name in ["JPEGImages", "Annotations", "SegmentationClass"] {
        fs::create_dir(folder.join(name)).expect("the folder for fuzzing can be written to");
    }
    write(&folder.join("JPEGImages/a.jpg"), &PICTURE);
    write(&folder.join("Annotations/a.xml"), annotation);
    write(&folder.join("SegmentationClass/a.png"), mask);
    open(folder);
}

/// Annotations beside a picture.
fn coco(folder: &Path, bytes: &[u8]) {
    write(&folder.join("_annotations.coco.json"), bytes);
    write(&folder.join("a.png"), &PICTURE);
    open(folder);
}

/// Heat maps of two pictures.
fn maps(folder: &Path, bytes: &[u8], ending: &str) {
    let path = folder.join("a").with_extension(ending);
    write(&path, bytes);
    let ids = ["a.png", "b.png"].map(str::to_owned);
    for count in [1, 2] {
        let Ok(maps) = HeatMaps::open(&path, &ids[..count]) else { continue };
        for map in ids.iter().filter_map(|id| maps.map(id)?.ok()) {
            assert!(!map.is_empty());
        }
    }
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
