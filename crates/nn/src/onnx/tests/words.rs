//! Networks of texts: the embedding is taken off, and vectors of words are a picture of one column.

use super::super::{Given, proto::ModelProto, read_bytes};
use crate::{base::geom::Shape, tensor::Tensor};
use prost::Message as _;

const IDS: &[u8] = include_bytes!("../../../../../tests/data/texts/ids.onnx");
const VECTORS: &[u8] = include_bytes!("../../../../../tests/data/texts/vectors.onnx");
const PICTURE: &[u8] = include_bytes!("../../../../../tests/data/texts/picture.onnx");
const EXPECTED: &str = include_str!("../../../../../tests/data/texts/expected.json");

fn words(length: usize) -> Given {
    Given { words: Some(length), ..Given::default() }
}

/// Ids of texts, and what onnxruntime says of them.
fn expected() -> (Vec<Vec<usize>>, Vec<Vec<f32>>) {
    let all: serde_json::Value = serde_json::from_str(EXPECTED).unwrap();
    let of = |key: &str| all[key].clone();
    (serde_json::from_value(of("ids")).unwrap(), serde_json::from_value(of("logits")).unwrap())
}

#[test]
fn ids_vectors_and_a_picture_of_one_column_give_the_same_bits() {
    let (ids, _) = read_bytes("ids", IDS, &words(12)).unwrap();
    let (vectors, _) = read_bytes("vectors", VECTORS, &words(12)).unwrap();
    let (picture, _) = read_bytes("picture", PICTURE, &Given::default()).unwrap();
    let table = ids.embedding.unwrap();
    assert_eq!((table.words, table.values), (12, 3));
    assert!(vectors.embedding.is_none());
    let (texts, logits) = expected();
    for (text, logits) in texts.iter().zip(logits) {
        let rows = text.iter().flat_map(|id| table.vector(*id).to_vec()).collect();
        let input = Tensor::new(Shape::new(3, 12, 1), rows);
        let found = ids.graph.logits(&input);
        let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&found), bits(&vectors.graph.logits(&input)));
        assert_eq!(bits(&found), bits(&picture.graph.logits(&input)));
        for (found, expected) in found.iter().zip(&logits) {
            assert!((found - expected).abs() < 1e-5, "{found} for {expected}");
        }
    }
}

#[test]
fn inputs_that_are_no_texts_are_named() {
    let say = |bytes, length| read_bytes("m", bytes, &words(length)).unwrap_err().to_string();
    let plain = |bytes| read_bytes("m", bytes, &Given::default()).unwrap_err().to_string();
    insta::assert_snapshot!([say(PICTURE, 12), plain(IDS), plain(VECTORS)].join("\n"));
}

#[test]
fn vectors_that_are_no_numbers_are_refused() {
    let mut model = ModelProto::decode(IDS).unwrap();
    let graph = model.graph.as_mut().unwrap();
    let table = graph.initializer.iter_mut().find(|t| t.name == "table").unwrap();
    let mut raw = table.raw_data.to_vec();
    raw[16..20].copy_from_slice(&f32::NAN.to_le_bytes());
    table.raw_data = raw.into();
    let said = read_bytes("m", &model.encode_to_vec(), &words(12)).unwrap_err().to_string();
    assert!(said.ends_with("of finite numbers, found NaN at value 4"), "{said}");
}
