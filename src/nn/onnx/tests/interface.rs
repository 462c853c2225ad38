//! Inputs and outputs of a model.

use super::{
    build::{node, ones, small_network, value},
    error, import,
};
use crate::{base::geom::Shape, nn::onnx::proto::ModelProto, nn::onnx::read_bytes};
use prost::Message;

fn changed(change: impl FnOnce(&mut ModelProto)) -> ModelProto {
    let mut model = small_network();
    change(&mut model);
    model
}

#[test]
fn a_model_that_is_no_classifier_of_pictures_is_refused() {
    let models = [
        changed(|m| m.graph = None),
        changed(|m| m.opset_import.clear()),
        changed(|m| m.opset_import[0].version = 6),
        changed(|m| m.graph_mut().input.clear()),
        changed(|m| m.graph_mut().input.push(value("z", &[1]))),
        changed(|m| m.graph_mut().input[0].r#type = None),
        changed(|m| m.graph_mut().input[0] = value("x", &[0, 24])),
        changed(|m| m.graph_mut().input[0] = value("x", &[0, 2, 0, 4])),
        changed(|m| m.graph_mut().input[0] = value("x", &[0, 2, 1 << 40, 1 << 40])),
        changed(|m| m.graph_mut().input[0] = value("x", &[0, 3, 3, 4])),
        changed(|m| {
            let tensor = m.graph_mut().input[0].r#type.as_mut().unwrap();
            tensor.tensor_type.as_mut().unwrap().elem_type = 2;
        }),
        changed(|m| {
            let tensor = m.graph_mut().input[0].r#type.as_mut().unwrap();
            tensor.tensor_type.as_mut().unwrap().shape = None;
        }),
        changed(|m| m.graph_mut().output.clear()),
        changed(|m| m.graph_mut().output.push(value("r", &[0, 3, 2, 2]))),
        changed(|m| m.graph_mut().output[0].name = "r".to_owned()),
        changed(|m| m.graph_mut().output[0].name = "nowhere".to_owned()),
        changed(|m| m.graph_mut().output[0].name = "w".to_owned()),
        changed(|m| m.graph_mut().sparse_initializer.push(vec![0].into())),
    ];
    insta::assert_snapshot!(models.iter().map(error).collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_size_left_open_is_taken_from_the_sidecar() {
    let open = changed(|m| m.graph_mut().input[0] = value("x", &[0, 2, 0, 0])).encode_to_vec();
    let (imported, _) = read_bytes("m.onnx", &open, Some([3, 4])).unwrap();
    assert_eq!(imported.graph.input_shape(), Shape::new(2, 3, 4));
    assert!(read_bytes("m.onnx", &open, Some([9, 9])).is_err());
}

#[test]
fn old_files_that_list_weights_as_inputs_have_one_picture() {
    let old = changed(|m| m.graph_mut().input.insert(0, value("w", &[3, 2, 2, 2])));
    assert_eq!(import(&old).unwrap().graph.classes(), 2);
}

#[test]
fn outputs_of_training_are_left_out() {
    let model = changed(|m| {
        let graph = m.graph_mut();
        graph.node[1] = node("Dropout", "c", "r mask");
        graph.output.push(value("mask", &[0, 3, 2, 2]));
    });
    let imported = import(&model).unwrap();
    assert_eq!(imported.notes, ["dropout `r_node` left out"]);
}

#[test]
fn nodes_without_readers_may_be_of_any_kind() {
    let model = changed(|m| m.graph_mut().node.push(node("ArgMax", "y", "best")));
    let imported = import(&model).unwrap();
    assert_eq!(imported.notes, ["nodes that `y` does not need left out: 1"]);
}

#[test]
fn a_batch_size_in_the_file_is_taken_as_one() {
    let model = changed(|m| m.graph_mut().input[0] = value("x", &[8, 2, 3, 4]));
    let imported = import(&model).unwrap();
    assert_eq!(imported.notes, ["the batch size fixed in the file (8) is taken as 1"]);
}

#[test]
fn other_precisions_are_said_to_become_single() {
    let model = changed(|m| {
        let tensor = m.graph_mut().input[0].r#type.as_mut().unwrap();
        tensor.tensor_type.as_mut().unwrap().elem_type = 10;
    });
    let imported = import(&model).unwrap();
    assert_eq!(imported.notes, ["input `x` and all that follows in single precision"]);
}

#[test]
fn scores_may_have_axes_of_one_pixel() {
    let model = changed(|m| {
        let graph = m.graph_mut();
        graph.node.truncate(1);
        graph.node[0].attribute.clear();
        graph.node.push(node("GlobalAveragePool", "c", "y"));
        graph.initializer.push(ones("unused", &[1]));
    });
    assert_eq!(import(&model).unwrap().graph.classes(), 3);
}
