//! Good files that fuzzing begins with.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

/// An annotation of PASCAL VOC.
const VOC: &str = "<annotation><filename>a.jpg</filename><size><width>13</width><height>7</height>\
    <depth>3</depth></size><object><name>dog</name><difficult>0</difficult><bndbox><xmin>1</xmin>\
    <ymin>2</ymin><xmax>9</xmax><ymax>7</ymax></bndbox></object></annotation>";

/// Annotations of COCO with polygons, runs and packed runs.
const COCO: &str = r#"{"images": [{"id": 1, "file_name": "a.png", "width": 13, "height": 7}],
    "annotations": [
    {"id": 1, "image_id": 1, "category_id": 3, "bbox": [1, 1, 5, 4], "area": 20.5, "iscrowd": 0,
    "segmentation": [[1.0, 1.0, 6.0, 1.0, 6.0, 5.0]]},
    {"id": 2, "image_id": 1, "category_id": 3, "bbox": [0, 0, 2, 2],
    "segmentation": {"counts": [10, 5, 76], "size": [7, 13]}},
    {"id": 3, "image_id": 1, "category_id": 3, "bbox": [0, 0, 2, 2],
    "segmentation": {"counts": ":5\\2", "size": [7, 13]}}],
    "categories": [{"id": 3, "name": "dog"}, {"id": 7, "name": "cat"}]}"#;

/// The folder of the whole repository.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().find(|folder| folder.join("tests/data").is_dir()).unwrap().to_owned()
}

/// Good files to begin with.
pub(crate) fn seeds(name: &str) -> Vec<Vec<u8>> {
    let data = |path: &str| fs::read(root().join("tests/data").join(path)).unwrap();
    let texts = |texts: &[&str]| texts.iter().map(|t| t.as_bytes().to_vec()).collect();
    match name {
        "onnx" => ["lenet.ts11_fix", "lenet.dyn17_dyn", "bncnn.ts17_dyn"]
            .map(|model| data(&format!("onnx/{model}.onnx")))
            .to_vec(),
        "picture" => pictures(),
        "sidecar" => texts(&[
            "  channels = 'rgb'\nscale = 0.004\nmean = [0.5, 0.4, 0.3]\nstd = [0.2, 0.3, 0.2]",
            "z7resize = { short = 8 }\ncrop = 'center'\npad = [1, 1]\nchannels = 'bgr'\nscale = 1",
        ]),
        "idx" => vec![two_files(&idx_pictures(), &idx_labels())],
        "idx_gz" => vec![two_files(&gzip(&idx_pictures()), &gzip(&idx_labels()))],
        "voc" => vec![two_files(VOC.as_bytes(), &mask())],
        "coco" => texts(&[COCO]),
        "cifar" => vec![[vec![3; 3073], vec![9; 3073]].concat()],
        "npy" => vec![npy("|u1", "(2, 4, 4)", &[7; 32]), npy("<f4", "(1, 3, 2, 2)", &[0; 48])],
        "npz" => {
            let members = [
                ("images.npy", npy("|u1", "(2, 4, 4)", &[7; 32])),
                ("labels.npy", npy("|u1", "(2,)", &[1, 0])),
            ];
            vec![npz(&members)]
        }
        "maps_npy" => {
            vec![npy("<f4", "(2, 4, 4)", &[7; 128]), npy(">f8", "(2, 3, 2, 2)", &[0; 192])]
        }
        "maps_npz" => {
            let map = npy("<f4", "(4, 4)", &[9; 64]);
            vec![
                npz(&[("a.npy", map.clone()), ("b.npy", map)]),
                npz(&[("maps.npy", npy("<f2", "(2, 1, 4, 4)", &[5; 64]))]),
            ]
        }
        "maps_safetensors" => vec![
            safetensors(
                r#"{"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"__metadata__":{"x":"y"}}"#,
                16,
            ),
            safetensors(r#"{"all":{"dtype":"F16","shape":[2,1,2,2],"data_offsets":[0,16]}}"#, 16),
        ],
        "maps_text" => texts(&["1\n2 3\n0.5 -1 2\n3e-2 4 nan\n", "1,2,3\n4,5,6\n"]),
        "maps_png" => vec![mask()],
        "labels" => texts(&["file,label\na.png,3\n", "a.png 3\n", "file\tlabel\na.png\tcat\n"]),
        "config" => texts(&[
            "model = 'm.onnx'\ndata = 'd'\nregion = 9\nmethods = ['random', 'lrp-gamma:gamma=0.25']\n\
             orders = 'morf,lerf'\nverify = 0.5\n[preprocess]\nscale = 1.0\nchannels = 'bgr'\n",
            "{\"config\": {\"model\": \"m\", \"data\": \"d\", \"steps\": 3, \"seed\": 1}}",
        ]),
        "spec" => {
            texts(&["lrp-gamma:gamma=0.25", "lrp-alpha-beta:alpha=2:beta=1", "sensitivity:norm=l2"])
        }
        other => panic!("`{other}` has no seeds"),
    }
}

fn pictures() -> Vec<Vec<u8>> {
    use ImageFormat::{Bmp, Jpeg, Png, Tiff, WebP};
    use image::{DynamicImage, ImageFormat, RgbImage};
    let picture = RgbImage::from_fn(13, 7, |x, y| image::Rgb([(x * 19) as u8, (y * 31) as u8, 7]));
    let encode = |format| {
        let mut bytes = std::io::Cursor::new(Vec::new());
        DynamicImage::from(picture.clone()).write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    };
    [Png, Jpeg, Bmp, Tiff, WebP].map(encode).to_vec()
}

/// A grey picture of 13 x 7 pixels, some of them 12.
fn mask() -> Vec<u8> {
    let picture = image::GrayImage::from_fn(13, 7, |x, _| image::Luma([12 * u8::from(x > 5)]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn safetensors(header: &str, values: usize) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &vec![60; values]].concat()
}

fn idx_pictures() -> Vec<u8> {
    [&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0, 3][..], &[100; 24]].concat()
}

fn idx_labels() -> Vec<u8> {
    vec![0, 0, 8, 1, 0, 0, 0, 2, 5, 6]
}

fn two_files(one: &[u8], other: &[u8]) -> Vec<u8> {
    [&(one.len() as u16).to_le_bytes()[..], one, other].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn npy(kind: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
    header.push_str(&" ".repeat(63 - (header.len() + 10) % 64));
    header.push('\n');
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), bytes].concat()
}

fn npz(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    for (name, bytes) in members {
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}
