//! Files that are cut off, overwritten or meant to harm: an error each, no panic.

use super::build::small_network;
use crate::{
    model::Model,
    onnx::{Given, OnnxError, proto::ModelProto, read_bytes},
    tensor::Tensor,
};
use ndarray::Array1;
use ndarray_npy::NpzReader;
use proptest::prelude::*;
use prost::Message;
use std::{fs::File, path::Path, sync::OnceLock};

/// A file with all that importers read: the golden export without any folding.
const NOOPT: &[u8] = include_bytes!("../../../../../tests/data/onnx/bncnn.dynDefault_noopt.onnx");

/// Good files of many kinds: those above, transformers, quantised networks, files with functions and
/// conditions.
fn files() -> &'static [Vec<u8>] {
    static FILES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    FILES.get_or_init(|| {
        let mut files = vec![small_network().encode_to_vec(), NOOPT.to_vec()];
        for cases in ["rank_cases.npz", "form_cases.npz"] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data").join(cases);
            let mut cases = NpzReader::new(File::open(path).unwrap()).unwrap();
            let names = cases.names().unwrap();
            for name in names.iter().filter(|name| name.contains(".onnx")) {
                let file: Array1<u8> = cases.by_name(name.trim_end_matches(".npy")).unwrap();
                files.push(file.to_vec());
            }
        }
        files
    })
}

fn read(bytes: &[u8]) -> Result<(), OnnxError> {
    read_bytes("m.onnx", bytes, &Given::default()).map(drop)
}

#[test]
fn a_file_cut_off_anywhere_is_an_error() {
    let whole = small_network().encode_to_vec();
    assert!(read(&whole).is_ok());
    for n in 0..whole.len() {
        let error = read(&whole[..n]).expect_err("cut off").to_string();
        assert!(error.contains("`m.onnx`") && !error.contains('\n'), "{n}: {error}");
    }
}

#[test]
fn a_file_cut_off_is_said_to_be() {
    let whole = small_network().encode_to_vec();
    let say = |bytes: &[u8]| read(bytes).unwrap_err().to_string();
    insta::assert_snapshot!(
        [
            say(&[]),
            say(&whole[..100]),
            say(&NOOPT[..NOOPT.len() / 2]),
            say(b"<!DOCTYPE html><html>404</html>"),
            say(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"),
        ]
        .join("\n")
    );
}

#[test]
fn a_small_file_does_not_make_a_large_graph() {
    // 3 million empty attributes in one node
    let node = [0x2a, 0].repeat(3_000_000);
    let field = |tag: u8, body: Vec<u8>| {
        let mut bytes = vec![tag];
        prost::encoding::encode_varint(body.len() as u64, &mut bytes);
        [bytes, body].concat()
    };
    let file = field(0x3a, field(0x0a, node));
    assert!(read(&file).unwrap_err().to_string().contains("parts"));
}

/// Changes of a valid file: bytes overwritten, removed, or repeated.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let files = files();
    // the graph's structure stands between the weights, and at the end
    let edit = (any::<prop::sample::Index>(), any::<u8>(), 0u8..4, 1usize..9);
    let edits = proptest::collection::vec(edit, 1..6);
    (0..files.len(), edits).prop_map(move |(which, edits)| {
        let mut bytes = files[which].clone();
        for (at, value, kind, n) in edits {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            let end = (at + n).min(bytes.len());
            match kind {
                0 => bytes[at] = value,
                1 => drop(bytes.drain(at..end)),
                2 => {
                    let again = bytes[at..end].to_vec();
                    bytes.splice(at..at, again);
                }
                _ => bytes[at] ^= 1 << (value % 8),
            }
        }
        bytes
    })
}

/// Changes of the messages of a valid file, so that it is still protobuf.
fn altered() -> impl Strategy<Value = Vec<u8>> {
    let number = prop_oneof![
        any::<i64>(),
        -3i64..9,
        Just(i64::MAX),
        Just(i64::MIN),
        Just(1 << 31),
        Just(1 << 60)
    ];
    let pick = any::<prop::sample::Index>;
    let edit = (0u8..9, pick(), pick(), number, any::<f32>());
    let files = files();
    let edits = proptest::collection::vec(edit, 1..5);
    (0..files.len(), edits).prop_map(move |(which, edits)| {
        let mut model = ModelProto::decode(&files[which][..]).unwrap();
        for (kind, a, b, n, f) in edits {
            alter(&mut model, kind, a, b, n, f);
        }
        model.encode_to_vec()
    })
}

fn alter(
    model: &mut ModelProto,
    kind: u8,
    a: prop::sample::Index,
    b: prop::sample::Index,
    n: i64,
    f: f32,
) {
    let graph = model.graph_mut();
    let tensors = graph.initializer.len();
    let nodes = graph.node.len();
    let node = a.index(nodes.max(1));
    if nodes == 0 || tensors == 0 {
        return;
    }
    let tensor = &mut graph.initializer[a.index(tensors)];
    match kind {
        0 if !tensor.dims.is_empty() => {
            let at = b.index(tensor.dims.len());
            tensor.dims[at] = n;
        }
        1 => tensor.data_type = n as i32,
        2 => tensor.dims.push(n),
        3 => {
            let from = graph.node[b.index(nodes)].output.clone();
            graph.node[node].input = from;
        }
        4 => {
            for attribute in &mut graph.node[node].attribute {
                attribute.i = attribute.i.map(|_| n);
                attribute.f = attribute.f.map(|_| f);
                if !attribute.ints.is_empty() {
                    let at = b.index(attribute.ints.len());
                    attribute.ints[at] = n;
                }
            }
        }
        5 => drop(graph.node.remove(node)),
        6 => graph.node[node].op_type = graph.node[b.index(nodes)].op_type.clone(),
        7 => graph.node.swap(node, b.index(nodes)),
        _ => {
            let shape = graph.input[0].r#type.as_mut().and_then(|t| t.tensor_type.as_mut());
            let dims = &mut shape.unwrap().shape.as_mut().unwrap().dim;
            if let Some(dim) = dims.get_mut(b.index(4)) {
                dim.dim_value = Some(n);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        // an empty message is no model either
        prop_assert!(read(&bytes).is_err());
    }

    #[test]
    fn damaged_files_never_panic(bytes in damaged()) {
        let _ = read(&bytes);
    }

    #[test]
    fn altered_models_never_panic_nor_do_those_that_still_run(bytes in altered()) {
        let Ok(model) = Model::from_bytes("m.onnx", &bytes, None) else { return Ok(()) };
        let values: usize = model.graph.nodes().map(|(_, n)| n.shape.len()).sum();
        if model.graph.macs() < 10_000_000 && values < 1_000_000 {
            let x = Tensor::zeros(model.graph.input_shape());
            prop_assert_eq!(model.graph.logits(&x).len(), model.graph.classes());
        }
    }
}
