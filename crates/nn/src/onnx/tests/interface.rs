//! Inputs and outputs of a model.

use super::{
    build::{floats, ints, model, node, ones, small_network, value},
    error, import, scores,
};
use crate::{
    base::geom::Shape,
    onnx::{
        Given,
        proto::{ModelProto, NodeProto},
        read_bytes,
    },
    preprocess::InputAxes,
};
use prost::Message;

fn sized(height: usize, width: usize) -> Given {
    Given { size: Some([height, width]), ..Given::default() }
}

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
            tensor.tensor_type.as_mut().unwrap().elem_type = 7;
        }),
        changed(|m| {
            let tensor = m.graph_mut().input[0].r#type.as_mut().unwrap();
            tensor.tensor_type.as_mut().unwrap().shape = None;
        }),
        changed(|m| m.graph_mut().output.clear()),
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
    let (imported, _) = read_bytes("m.onnx", &open, &sized(3, 4)).unwrap();
    assert_eq!(imported.graph.input_shape(), Shape::new(2, 3, 4));
    assert!(read_bytes("m.onnx", &open, &sized(9, 9)).is_err());
}

/// A model of input `dims` whose first node is `first`; `y` has as many values as the picture.
fn flat(dims: &[i64], first: NodeProto) -> ModelProto {
    let mut model = model(vec![first, node("Flatten", "a", "y")], vec![]);
    model.graph_mut().input[0] = value("x", dims);
    model
}

#[test]
fn the_order_of_the_inputs_axes_is_read_from_the_file_or_given() {
    let found = |model: &ModelProto, axes| {
        let given = Given { axes, ..Given::default() };
        let (imported, _) = read_bytes("m.onnx", &model.encode_to_vec(), &given).unwrap();
        (imported.graph.input_shape(), imported.notes)
    };
    let turned = |perm: &[i64]| node("Transpose", "x", "a").ints("perm", perm);
    // the dimension that can be channels
    let (shape, notes) = found(&flat(&[0, 5, 4, 3], node("Relu", "x", "a")), None);
    assert_eq!(shape, Shape::new(3, 5, 4));
    insta::assert_snapshot!(notes.join("\n"));
    let first = found(&flat(&[0, 3, 5, 4], node("Relu", "x", "a")), None);
    assert_eq!(first, (Shape::new(3, 5, 4), vec![]));
    // what reads it counts more
    let (shape, notes) = found(&flat(&[0, 3, 4, 3], turned(&[0, 3, 1, 2])), None);
    assert_eq!(shape, Shape::new(3, 3, 4));
    insta::assert_snapshot!(notes.join("\n"));
    assert_eq!(found(&flat(&[0, 2, 4, 3], turned(&[0, 2, 3, 1])), None).0, Shape::new(2, 4, 3));
    // what is given counts most
    let square = flat(&[0, 3, 5, 3], node("Relu", "x", "a"));
    assert_eq!(found(&square, Some(InputAxes::Nchw)).0, Shape::new(3, 5, 3));
    assert_eq!(found(&square, Some(InputAxes::Nhwc)).0, Shape::new(3, 3, 5));
    insta::assert_snapshot!(error(&square));
}

#[test]
fn channels_last_values_are_flattened_in_their_own_order() {
    let turn =
        |input: &str, output: &str| node("Transpose", input, output).ints("perm", &[0, 2, 3, 1]);
    let shape = |values: Vec<i64>| ints("s", &values);
    // the value of (c, y, x) is 12 c + 4 y + x
    let last: Vec<f32> = (0..12).flat_map(|p| [p as f32, 12.0 + p as f32]).collect();
    let flattened = model(vec![turn("x", "t"), node("Flatten", "t", "y")], vec![]);
    assert_eq!(scores(&flattened), last);
    // a dense layer reads the map itself, its weights in the order of the flattened values
    let weights: Vec<f32> = (0..24).map(|i| if i == 5 { 1.0 } else { 0.0 }).collect();
    let dense = vec![turn("x", "t"), node("Flatten", "t", "f"), node("MatMul", "f w", "y")];
    assert_eq!(scores(&model(dense, vec![floats("w", &[24, 1], &weights)])), [last[5]]);
    // constants are along the axes of the value
    let scaled = vec![turn("x", "t"), node("Mul", "t w", "m"), node("Flatten", "m", "y")];
    let want: Vec<f32> = last.iter().enumerate().map(|(i, v)| v * [1.0, 10.0][i % 2]).collect();
    assert_eq!(scores(&model(scaled, vec![floats("w", &[2], &[1.0, 10.0])])), want);
    let columns = [0.0, 100.0, 200.0, 300.0];
    let shifted = vec![turn("x", "t"), node("Add", "t w", "m"), node("Flatten", "m", "y")];
    let want: Vec<f32> = last.iter().enumerate().map(|(i, v)| v + columns[i / 2 % 4]).collect();
    assert_eq!(scores(&model(shifted, vec![floats("w", &[4, 1], &columns)])), want);
    // values that are reshaped as channels-last ones and turned again
    let other = vec![
        turn("x", "t"),
        node("Reshape", "t s", "r"),
        node("Transpose", "r", "u").ints("perm", &[0, 3, 1, 2]),
        node("MaxPool", "u", "p").ints("kernel_shape", &[2, 2]),
        node("Flatten", "p", "y"),
    ];
    // rows of (2, 2, 6): 0 12 1 13 2 14 | 3 15 4 16 5 17 | 6 18 7 19 8 20 | 9 21 10 22 11 23
    assert_eq!(
        scores(&model(other, vec![shape(vec![1, 2, 2, 6])])),
        [9.0, 21.0, 10.0, 22.0, 11.0, 23.0]
    );
}

#[test]
fn maps_of_different_orders_are_brought_together() {
    let nodes = vec![
        node("Transpose", "x", "t").ints("perm", &[0, 2, 3, 1]),
        node("Flatten", "t", "f"),
        node("Reshape", "f s", "r"),
        node("Add", "r t", "a"),
        node("ReduceMax", "a", "m").ints("axes", &[1, 2]).int("keepdims", 0),
        node("Mul", "m k", "y"),
    ];
    // `t` is along rows, columns and channels, `r` was made anew; both hold the same values
    let weights = vec![ints("s", &[1, 3, 4, 2]), floats("k", &[1], &[1.0])];
    assert_eq!(scores(&model(nodes, weights)), [22.0, 46.0]);
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

/// A network with its last map beside the scores.
fn two_outputs() -> ModelProto {
    changed(|m| m.graph_mut().output.insert(0, value("r", &[0, 3, 2, 2])))
}

#[test]
fn of_several_outputs_the_first_in_the_form_of_scores_is_taken_and_said() {
    let imported = import(&two_outputs()).unwrap();
    assert_eq!((imported.graph.classes(), imported.output.as_deref()), (2, Some("y")));
    insta::assert_snapshot!([imported.notes, vec![imported.chosen.unwrap()]].concat().join("\n"));
    let single = import(&small_network()).unwrap();
    assert_eq!((single.output, single.chosen), (None, None));
    // where no shapes are told it is the first
    let blind = changed(|m| {
        m.graph_mut().output.insert(0, value("f", &[]));
        m.graph_mut().output.iter_mut().for_each(|o| o.r#type = None);
    });
    assert_eq!(import(&blind).unwrap().output.as_deref(), Some("f"));
    // of two heads it is the first
    let heads = changed(|m| {
        m.graph_mut().node.push(node("Neg", "y", "other"));
        m.graph_mut().output.push(value("other", &[0, 2]));
    });
    assert_eq!(import(&heads).unwrap().output.as_deref(), Some("y"));
}

#[test]
fn the_output_that_is_asked_for_is_taken() {
    let wanted = |name: &str| {
        let given = Given { output: Some(name.to_owned()), ..Given::default() };
        read_bytes("m.onnx", &two_outputs().encode_to_vec(), &given).map(|(imported, _)| imported)
    };
    let scores = wanted("y").unwrap();
    assert_eq!((scores.output.as_deref(), scores.chosen), (Some("y"), None));
    // a value inside
    let inner = wanted("f").unwrap();
    assert_eq!((inner.graph.classes(), inner.output.as_deref()), (12, Some("f")));
    let refused = |name: &str| wanted(name).unwrap_err().to_string();
    insta::assert_snapshot!([refused("r"), refused("z"), refused("w"), refused("")].join("\n"));
}

#[test]
fn scores_may_come_without_batch_axis_and_alone() {
    let ending = |nodes: Vec<NodeProto>, dims: &[i64]| {
        let model = changed(|m| {
            let graph = m.graph_mut();
            graph.node[3].output[0] = "scores".to_owned();
            graph.node.extend(nodes);
            graph.output[0] = value("y", dims);
            graph.initializer.push(ints("flat", &[-1]));
        });
        import(&model).unwrap().graph.classes()
    };
    let squeeze = |axes: &[i64]| node("Squeeze", "scores", "y").ints("axes", axes);
    assert_eq!(ending(vec![node("Reshape", "scores flat", "y")], &[2]), 2);
    assert_eq!(ending(vec![squeeze(&[0])], &[2]), 2);
    let first =
        node("Slice", "scores", "one").ints("axes", &[1]).ints("starts", &[0]).ints("ends", &[1]);
    let one = |squeeze: NodeProto| NodeProto { input: vec!["one".to_owned()], ..squeeze };
    assert_eq!(ending(vec![first.clone(), one(squeeze(&[1]))], &[0]), 1);
    assert_eq!(ending(vec![first, one(squeeze(&[0, 1]))], &[]), 1);
}

#[test]
fn nodes_may_stand_in_any_order() {
    let want = scores(&small_network());
    let model = changed(|m| m.graph_mut().node.reverse());
    assert_eq!(scores(&model), want);
    let circle = changed(|m| m.graph_mut().node[0].input[0] = "r".to_owned());
    assert!(error(&circle).contains("neither a weight nor an output of an earlier node"));
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

#[test]
fn channels_that_are_picked_are_routed_and_not_convolved() {
    // as torchvision writes `transform_input`, and as slices
    let one = |k: i64, pick: NodeProto| {
        vec![
            pick,
            node("Mul", &format!("u{k} s{k}"), &format!("m{k}")),
            node("Add", &format!("m{k} t{k}"), &format!("a{k}")),
        ]
    };
    let mut nodes = one(0, node("Gather", "x i0", "g0").int("axis", 1));
    nodes.insert(1, node("Unsqueeze", "g0 axes", "u0"));
    nodes.extend(one(1, node("Slice", "x from to axes", "u1")));
    nodes.push(node("Concat", "a1 a0", "c").int("axis", 1));
    nodes.push(node("Flatten", "c", "f"));
    nodes.push(node("Gemm", "f w", "y").int("transB", 1));
    let mut index = ints("i0", &[0]);
    index.dims = vec![];
    let weights = vec![
        index,
        ints("axes", &[1]),
        ints("from", &[-1]),
        ints("to", &[i64::MAX]),
        floats("s0", &[], &[2.0]),
        floats("t0", &[], &[1.0]),
        floats("s1", &[], &[0.5]),
        floats("t1", &[], &[-1.0]),
        floats("w", &[1, 24], &[&[1.0; 12][..], &[10.0; 12]].concat()),
    ];
    let model = model(nodes, weights);
    // channel 1 holds 12 to 23, channel 0 holds 0 to 11
    let (one, zero) = (0.5 * 210.0 - 12.0, 2.0 * 66.0 + 12.0);
    assert_eq!(scores(&model), [one + 10.0 * zero]);
    let graph = import(&model).unwrap().graph;
    let ops: Vec<&str> = graph.nodes().map(|(_, n)| n.op.name()).collect();
    assert!(ops.contains(&"Gather") && ops.contains(&"Slice") && !ops.contains(&"Conv"), "{ops:?}");
}

#[test]
fn a_network_that_is_no_classifier_takes_vectors_and_gives_pictures() {
    let free = Given { free: true, ..Given::default() };
    let weights: Vec<f32> = (0..12).map(|i| i as f32).collect();
    let weights = vec![floats("w", &[1, 12], &weights), ints("s", &[-1, 3, 2, 2])];
    let mut generator =
        model(vec![node("MatMul", "x w", "a"), node("Reshape", "a s", "y")], weights);
    generator.graph_mut().input[0] = value("x", &[0, 1]);
    let graph = read_bytes("m.onnx", &generator.encode_to_vec(), &free).unwrap().0.graph;
    let output = graph.node(graph.output()).shape;
    assert_eq!((graph.input_shape(), output), (Shape::vector(1), Shape::new(3, 2, 2)));
    let acts = graph.forward(&crate::tensor::Tensor::vector(vec![1.0]));
    let picture = acts.value(graph.output());
    assert_eq!(
        picture.to_chw().iter().copied().collect::<Vec<f32>>(),
        (0..12).map(|i| i as f32).collect::<Vec<_>>()
    );
    assert!(error(&generator).contains("expected (N, C, H, W)"));

    // rows of vectors: a row is a pixel, its values are channels
    let mut words = model(vec![node("Flatten", "x", "y")], vec![]);
    words.graph_mut().input[0] = value("x", &[0, 3, 2]);
    let graph = read_bytes("m.onnx", &words.encode_to_vec(), &free).unwrap().0.graph;
    assert_eq!(graph.input_shape(), Shape::new(2, 3, 1));
    words.graph_mut().input[0] = value("x", &[0, 0, 2]);
    let open = read_bytes("m.onnx", &words.encode_to_vec(), &free).unwrap_err().to_string();
    assert!(open.ends_with("is (?, ?, 2), expected known sizes behind the batch"), "{open}");
}
