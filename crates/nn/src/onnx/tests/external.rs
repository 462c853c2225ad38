//! Weights in files beside the model.

use super::build::small_network;
use crate::onnx::{
    Given,
    proto::{EntryProto, ModelProto},
    read, read_bytes,
};
use prost::Message;
use std::{fs, path::Path};

/// The small network with weight `w` in the file `location`.
fn outside(location: &str, offset: &str, length: &str) -> ModelProto {
    let mut model = small_network();
    let w = &mut model.graph_mut().initializer[0];
    w.float_data.clear();
    w.data_location = 1;
    let entry = |(key, value): (&str, &str)| EntryProto { key: key.into(), value: value.into() };
    let entries = [("location", location), ("offset", offset), ("length", length)];
    w.external_data = entries.into_iter().filter(|(_, v)| !v.is_empty()).map(entry).collect();
    model
}

/// The weight's bytes behind some others.
fn data() -> Vec<u8> {
    let weight = small_network().graph_mut().initializer[0].float_data.clone();
    [vec![7; 16], weight.iter().flat_map(|v| v.to_le_bytes()).collect()].concat()
}

fn write(folder: &Path, model: &ModelProto) -> std::path::PathBuf {
    let path = folder.join("m.onnx");
    fs::write(&path, model.encode_to_vec()).unwrap();
    path
}

#[test]
fn weights_beside_the_model_are_those_inside() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("sub")).unwrap();
    fs::write(folder.path().join("sub/w.data"), data()).unwrap();
    let path = write(folder.path(), &outside("sub/w.data", "16", "96"));
    let (imported, digest) = read(&path, &Given::default()).unwrap();
    let inside = small_network().encode_to_vec();
    let (want, other) = read_bytes("m.onnx", &inside, &Given::default()).unwrap();
    let x = crate::tensor::Tensor::zeros(want.graph.input_shape()).map(|_| 0.7);
    assert_eq!(imported.graph.logits(&x), want.graph.logits(&x));
    assert_ne!(digest, other);
    // a change of the data changes the digest
    fs::write(folder.path().join("sub/w.data"), [data(), vec![0]].concat()).unwrap();
    assert_ne!(read(&path, &Given::default()).unwrap().1, digest);
}

#[test]
fn data_that_are_missing_short_or_outside_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("models");
    fs::create_dir(&inner).unwrap();
    fs::write(folder.path().join("secret"), data()).unwrap();
    fs::write(inner.join("w.data"), data()).unwrap();
    fs::create_dir(inner.join("folder")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("../secret", inner.join("link")).unwrap();
    let secret = folder.path().join("secret").display().to_string();
    let cases = [
        ("missing.data", "", ""),
        ("../secret", "", ""),
        ("folder/../../secret", "", ""),
        (&secret[..], "", ""),
        ("link", "", ""),
        ("folder", "", ""),
        (r"..\secret", "", ""),
        ("", "", ""),
        ("w.data", "17", ""),
        ("w.data", "18446744073709551615", ""),
        ("w.data", "-1", ""),
        ("w.data", "0", "95"),
        ("w.data", "0", "much"),
    ];
    let mut messages = vec![];
    for (location, offset, length) in cases {
        let path = write(&inner, &outside(location, offset, length));
        messages.push(read(&path, &Given::default()).unwrap_err().to_string());
    }
    let bytes = outside("w.data", "16", "").encode_to_vec();
    messages.push(read_bytes("m.onnx", &bytes, &Given::default()).unwrap_err().to_string());
    let canonical = folder.path().canonicalize().unwrap().display().to_string();
    let text = messages.join("\n").replace(&canonical, "[folder]");
    insta::assert_snapshot!(text.replace(&folder.path().display().to_string(), "[folder]"));
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = read(&folder.path().join("m.onnx"), &Given::default()).unwrap_err().to_string();
    let no_file = read(folder.path(), &Given::default()).unwrap_err().to_string();
    let text = [missing, no_file].join("\n");
    insta::assert_snapshot!(text.replace(&folder.path().display().to_string(), "[folder]"));
}
