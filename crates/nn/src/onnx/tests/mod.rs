//! Small models written by hand. How operators compute is compared with onnxruntime in
//! `tests/onnx.rs`; here is what such files cannot show: errors, and files that are damaged or
//! meant to harm.

mod build;
mod damage;
mod external;
mod interface;
mod messages;
mod words;

use super::{Given, Imported, OnnxError, proto::ModelProto, read_bytes};
use crate::tensor::Tensor;
use prost::Message;

/// Imports a model as a file named `m.onnx`.
fn import(model: &ModelProto) -> Result<Imported, OnnxError> {
    read_bytes("m.onnx", &model.encode_to_vec(), &Given::default()).map(|(imported, _)| imported)
}

/// What import says about a model that cannot be used.
fn error(model: &ModelProto) -> String {
    import(model).expect_err("the model cannot be used").to_string()
}

/// The scores for a picture whose value `i`, in the order channel, row, column, is `i`.
fn scores(model: &ModelProto) -> Vec<f32> {
    let graph = import(model).unwrap().graph;
    let shape = graph.input_shape();
    let values = ndarray::Array3::from_shape_fn((shape.c, shape.h, shape.w), |(c, y, x)| {
        ((c * shape.h + y) * shape.w + x) as f32
    });
    graph.logits(&Tensor::from_chw(values.view()))
}
