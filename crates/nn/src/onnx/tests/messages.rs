//! What is said about models that cannot be imported.

use super::{
    build::{floats, ints, model, node, ones, small_network, value},
    error, import, scores,
};
use crate::onnx::proto::{
    AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, OperatorSetProto, TensorProto,
};
use prost::Message;

/// A model of one node `y` on the picture and the weights.
fn model_of(node: NodeProto, weights: Vec<TensorProto>) -> ModelProto {
    model(vec![node], weights)
}

fn lines(models: &[ModelProto]) -> String {
    models.iter().map(error).collect::<Vec<_>>().join("\n")
}

#[test]
fn an_unsupported_operator_is_named_with_its_node() {
    insta::assert_snapshot!(error(&model_of(node("NonMaxSuppression", "x", "y"), vec![])));
}

/// A node of another domain.
fn in_domain(domain: &str, node: NodeProto) -> NodeProto {
    NodeProto { domain: domain.to_owned(), ..node }
}

#[test]
fn all_nodes_that_cannot_be_imported_are_named_at_once() {
    let mut foreign = node("BiasSplitGelu", "d", "e");
    foreign.domain = "com.microsoft".to_owned();
    let model = model(
        vec![
            node("Conv", "x w", "a"),
            node("NonMaxSuppression", "x", "b"),
            node("Conv", "x v", "c"),
            node("Add", "a b", "s"),
            node("Add", "s c", "d"),
            foreign,
            node("NonMaxSuppression", "e", "f"),
            node("Relu", "f", "y"),
        ],
        vec![ones("w", &[1, 3, 1, 1]), ones("v", &[1, 5, 1, 1])],
    );
    let found = import(&model).unwrap_err();
    let lines = found.obstacles();
    let lines = lines.iter().map(|o| format!("{} {}: {}", o.op, o.nodes.join(", "), o.problem));
    insta::assert_snapshot!(
        [found.to_string()].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
    );
}

#[test]
fn operators_that_are_not_imported_say_why() {
    let first =
        |node| error(&model_of(node, vec![])).split("; `pixelflip").next().unwrap().to_owned();
    insta::assert_snapshot!(
        [
            first(in_domain("com.microsoft", node("BiasSplitGelu", "x", "y"))),
            first(in_domain("com.microsoft.nchwc", node("Conv", "x", "y"))),
            first(in_domain("ai.onnx.ml", node("Scaler", "x", "y"))),
            first(node("ArgMax", "x", "y")),
            first(node("LSTM", "x", "y")),
        ]
        .join("\n")
    );
}

/// A function `local.F` of one input and output.
fn function(nodes: Vec<NodeProto>) -> FunctionProto {
    FunctionProto {
        name: "F".to_owned(),
        domain: "local".to_owned(),
        input: vec!["a".to_owned()],
        output: vec!["b".to_owned()],
        node: nodes,
        ..FunctionProto::default()
    }
}

#[test]
fn functions_that_cannot_be_put_in_place_are_refused() {
    let with = |function: FunctionProto| {
        let mut model = model_of(in_domain("local", node("F", "x", "y")), vec![]);
        model.functions = vec![function];
        model
    };
    let mut newer = function(vec![node("Relu", "a", "b")]);
    newer.opset_import = vec![OperatorSetProto { domain: String::new(), version: 18 }];
    // each call makes two of the next
    let twice = |name: &str, next: &str| FunctionProto {
        name: name.to_owned(),
        ..function(vec![
            in_domain("local", node(next, "a", "h")),
            in_domain("local", node(next, "h", "b")),
        ])
    };
    let names: Vec<String> = (0..15).map(|i| format!("F{i}")).collect();
    let mut bomb = with(twice("F", "F0"));
    bomb.functions.extend(names.iter().zip(&names[1..]).map(|(name, next)| twice(name, next)));
    bomb.functions.push(FunctionProto {
        name: "F14".to_owned(),
        ..function(vec![node("Relu", "a", "h"); 8])
    });
    insta::assert_snapshot!(lines(&[
        with(function(vec![in_domain("local", node("F", "a", "b"))])),
        with(newer),
        with(function(vec![])),
        bomb,
    ]));
}

/// An `If` with branches that are one node each, `o` being their outputs.
fn condition(which: &str, then: NodeProto, otherwise: NodeProto) -> NodeProto {
    let graph = |node| GraphProto {
        node: vec![node],
        output: vec![value("o", &[])],
        ..GraphProto::default()
    };
    let branch = |name: &str, node| AttributeProto {
        name: name.to_owned(),
        g: Some(graph(node).encode_to_vec().into()),
        kind: 5,
        ..AttributeProto::default()
    };
    let mut node = node("If", which, "y");
    node.attribute = vec![branch("then_branch", then), branch("else_branch", otherwise)];
    node
}

#[test]
fn conditions_that_depend_on_the_picture_are_refused() {
    let mut damaged = condition("c", node("Relu", "x", "o"), node("Neg", "x", "o"));
    damaged.attribute[0].g = Some(vec![9u8, 1].into());
    let yes = || {
        vec![TensorProto {
            data_type: 9,
            int32_data: vec![1],
            int64_data: vec![],
            ..ints("c", &[1])
        }]
    };
    let other = node("NonMaxSuppression", "x", "o");
    insta::assert_snapshot!(lines(&[
        model_of(condition("x", node("Relu", "x", "o"), node("Neg", "x", "o")), vec![]),
        model_of(condition("c", node("Relu", "nowhere", "o"), node("Neg", "x", "o")), yes()),
        model_of(damaged, yes()),
        model_of(condition("c", other.clone(), node("Neg", "x", "o")), yes()),
    ]));
    // the branch that is not taken may hold anything
    let mut fine = model_of(condition("c", node("Flatten", "x", "o"), other), yes());
    fine.graph_mut().node[0].output = vec!["y".to_owned()];
    assert_eq!(scores(&fine).len(), 24);
}

#[test]
fn whole_numbers_that_would_wrap_around_are_refused() {
    let to = |kind| node("Cast", "x", "h").int("to", kind);
    let with = |first: NodeProto, second: NodeProto, weights| model(vec![first, second], weights);
    insta::assert_snapshot!(lines(&[
        with(to(3), node("Relu", "h", "y"), vec![]),
        with(to(7), node("Div", "h h", "y"), vec![]),
        with(to(9), node("Add", "h h", "y"), vec![]),
        with(
            node("QuantizeLinear", "x s", "h"),
            node("Relu", "h", "y"),
            vec![floats("s", &[], &[0.1])]
        ),
        with(
            node("QuantizeLinear", "x s", "h"),
            node("DequantizeLinear", "h s", "y"),
            vec![floats("s", &[2], &[0.1, 0.2])]
        ),
    ]));
}

#[test]
fn sizes_that_do_not_fit_are_refused() {
    let resize = |change: fn(NodeProto) -> NodeProto, sizes: &[i64]| {
        model_of(change(node("Resize", "x _ _ s", "y")), vec![ints("s", sizes)]).opset(18)
    };
    let up = |scales: &[f32]| {
        let dims = [scales.len() as i64];
        model_of(node("Upsample", "x s", "y"), vec![floats("s", &dims, scales)]).opset(9)
    };
    insta::assert_snapshot!(lines(&[
        resize(|n| n.int("antialias", 1), &[1, 2, 3, 4]),
        resize(|n| n.text("mode", "area"), &[1, 2, 3, 4]),
        resize(|n| n.text("coordinate_transformation_mode", "half"), &[1, 2, 3, 4]),
        resize(|n| n, &[1, 2, 3]),
        resize(|n| n, &[1, 2, 0, 4]),
        resize(|n| n, &[1, 2, 1 << 40, 4]),
        resize(|n| n.ints("axes", &[2, 2]), &[3, 4]),
        resize(|n| n.ints("axes", &[7]), &[3]),
        up(&[1.0, 1.0, 1e9, 1e9]),
        up(&[1.0, 1.0, f32::NAN, 1.0]),
        up(&[1.0, 1.0, 0.1, 1.0]),
        model_of(
            node("ConvTranspose", "x w", "y").ints("pads", &[9, 9, 9, 9]),
            vec![ones("w", &[2, 3, 2, 2])]
        ),
        model_of(node("ConvTranspose", "x w", "y").int("group", 2), vec![ones("w", &[3, 3, 2, 2])]),
        model_of(
            node("GatherND", "x i", "y"),
            vec![TensorProto { dims: vec![1, 5], ..ints("i", &[0; 5]) }]
        ),
        model_of(
            node("GatherND", "x i", "y"),
            vec![TensorProto { dims: vec![1, 2], ..ints("i", &[0, 2]) }]
        ),
        model_of(node("CumSum", "x i", "y"), vec![ints("i", &[4])]),
        model_of(node("Trilu", "x i", "y"), vec![ints("i", &[1, 2])]),
    ]));
}

#[test]
fn activations_that_do_not_fit_are_refused() {
    insta::assert_snapshot!(lines(&[
        model_of(node("Gelu", "x", "y").text("approximate", "cubic"), vec![]),
        model_of(node("PRelu", "x w", "y"), vec![ones("w", &[3, 1, 1])]),
        model_of(node("Pow", "x w", "y"), vec![ones("w", &[2])]),
        model_of(node("Pow", "w x", "y"), vec![ones("w", &[1])]),
    ]));
}

#[test]
fn weights_that_are_not_finite_are_named() {
    let bad = |values: &[f32]| {
        model_of(node("Conv", "x w", "y"), vec![floats("w", &[1, 2, 1, 1], values)])
    };
    let huge = TensorProto {
        double_data: vec![1.0, 1e300],
        float_data: vec![],
        data_type: 11,
        ..floats("w", &[1, 2, 1, 1], &[])
    };
    insta::assert_snapshot!(lines(&[
        bad(&[1.0, f32::NAN]),
        bad(&[f32::NEG_INFINITY, 1.0]),
        model_of(node("Conv", "x w", "y"), vec![huge]),
        model_of(node("Mul", "x w", "y"), vec![floats("w", &[1], &[f32::NAN])]),
    ]));
}

#[test]
fn weights_whose_data_do_not_fit_are_named_even_where_unused() {
    let mut unused = small_network();
    unused.graph_mut().initializer.push(floats("z", &[3, 3], &[0.0; 8]));
    let mut twice = small_network();
    twice.graph_mut().initializer.push(ones("w", &[1]));
    insta::assert_snapshot!(lines(&[unused, twice]));
}

#[test]
fn convolutions_that_do_not_fit_are_refused() {
    let conv = |weight: &[i64], change: fn(NodeProto) -> NodeProto| {
        model_of(change(node("Conv", "x w", "y")), vec![ones("w", weight)])
    };
    insta::assert_snapshot!(lines(&[
        conv(&[3, 2, 3], |n| n),
        conv(&[3, 4, 2, 2], |n| n),
        conv(&[3, 2, 2, 2], |n| n.int("group", 2)),
        conv(&[3, 2, 2, 2], |n| n.int("group", 0)),
        conv(&[3, 2, 2, 2], |n| n.int("group", i64::MAX)),
        conv(&[3, 2, 9, 9], |n| n),
        conv(&[3, 2, 2, 2], |n| n.ints("kernel_shape", &[3, 3])),
        conv(&[3, 2, 2, 2], |n| n.ints("pads", &[1, 1])),
        conv(&[3, 2, 2, 2], |n| n.ints("pads", &[0, 0, -1, 0])),
        conv(&[3, 2, 2, 2], |n| n.ints("strides", &[0, 1])),
        conv(&[3, 2, 2, 2], |n| n.ints("dilations", &[1, i64::MAX])),
        conv(&[3, 2, 2, 2], |n| n.text("auto_pad", "SAME")),
        conv(&[3, 2, 2, 2], |n| n.float("strides", 1.0)),
        conv(&[3, 2, 0, 2], |n| n.text("auto_pad", "SAME_UPPER")),
        model_of(node("Conv", "x w b", "y"), vec![ones("w", &[3, 2, 1, 1]), ones("b", &[2])]),
        model_of(node("Conv", "x x", "y").int("group", 2), vec![]),
        model_of(node("Conv", "x", "y"), vec![]),
    ]));
}

#[test]
fn pools_that_look_at_padding_alone_are_refused() {
    let pool = |kernel: &[i64], pads: &[i64]| {
        model_of(node("MaxPool", "x", "y").ints("kernel_shape", kernel).ints("pads", pads), vec![])
    };
    insta::assert_snapshot!(lines(&[
        pool(&[2, 2], &[2, 0, 0, 0]),
        pool(&[2, 2], &[0, 0, 0, 2]),
        model_of(node("MaxPool", "x", "y"), vec![]),
        model_of(
            node("AveragePool", "x", "y")
                .ints("kernel_shape", &[2, 2])
                .ints("dilations", &[4, 1])
                .ints("pads", &[2, 0, 2, 0]),
            vec![]
        ),
    ]));
}

#[test]
fn dense_layers_that_do_not_fit_are_refused() {
    let on_flat = |n: NodeProto, weights| model(vec![node("Flatten", "x", "f"), n], weights);
    insta::assert_snapshot!(lines(&[
        model_of(node("Gemm", "x w", "y"), vec![ones("w", &[24, 2])]),
        on_flat(node("Gemm", "f w", "y"), vec![ones("w", &[2, 24])]),
        on_flat(node("Gemm", "f w", "y").int("transB", 1), vec![ones("w", &[24, 2])]),
        on_flat(node("Gemm", "f w", "y").int("transA", 1), vec![ones("w", &[24, 2])]),
        on_flat(node("Gemm", "f w b", "y"), vec![ones("w", &[24, 2]), ones("b", &[3])]),
        on_flat(node("Gemm", "f w", "y").float("alpha", f32::NAN), vec![ones("w", &[24, 2])]),
        on_flat(node("MatMul", "w f", "y"), vec![ones("w", &[2, 1])]),
        on_flat(node("MatMul", "f w", "y"), vec![ones("w", &[24])]),
    ]));
}

#[test]
fn other_operators_that_do_not_fit_are_refused() {
    let norm = |var: f32, n: NodeProto| {
        let two = |name, v| floats(name, &[2], &[v; 2]);
        model_of(n, vec![two("g", 1.0), two("b", 0.0), two("m", 0.0), two("v", var)])
    };
    let bn = || node("BatchNormalization", "x g b m v", "y");
    insta::assert_snapshot!(lines(&[
        norm(-1.0, bn()),
        norm(1.0, bn().int("training_mode", 1)),
        norm(1.0, bn().int("spatial", 0)),
        model_of(
            node("Clip", "x a b", "y"),
            vec![floats("a", &[], &[2.0]), floats("b", &[], &[1.0])]
        ),
        model_of(node("Clip", "x a", "y"), vec![floats("a", &[2], &[2.0, 1.0])]),
        model_of(node("Expand", "x s", "y"), vec![ints("s", &[1 << 40, 2, 3, 4])]),
        model_of(node("Tile", "x s", "y"), vec![ints("s", &[1, 1 << 40, 1, 1])]),
        model_of(node("Tile", "x s", "y"), vec![ints("s", &[1, 0, 1, 1])]),
        model_of(node("Softmax", "x", "y").int("axis", 4), vec![]),
        model_of(node("Concat", "x w", "y").int("axis", 1), vec![ones("w", &[1, 2, 3, 5])]),
        model_of(node("Slice", "x i i", "y"), vec![ints("i", &[0])]),
        model_of(node("Gather", "x i", "y").int("axis", 1), vec![ints("i", &[2])]),
        model_of(node("Split", "x s", "y z").int("axis", 1), vec![ints("s", &[1, 2])]),
        model_of(node("Pad", "x p", "y"), vec![ints("p", &[0, 0, -3, 0, 0, 0, 0, 0])]),
        model_of(node("LayerNormalization", "x w", "y"), vec![ones("w", &[3])]),
        model_of(node("MatMul", "x w", "y"), vec![ones("w", &[3, 2])]),
        model_of(node("MatMul", "x x", "y"), vec![]),
        model_of(node("Einsum", "x x", "y").text("equation", "bcii,bcij->bcj"), vec![]),
        model_of(
            node("Einsum", "x w", "y").text("equation", "bchw,hk->bz"),
            vec![ones("w", &[3, 2])]
        ),
        model_of(
            node("GroupNormalization", "x w w", "y").int("num_groups", 3),
            vec![ones("w", &[2])]
        ),
        model_of(node("LRN", "x", "y"), vec![]),
        model_of(node("LRN", "x", "y").int("size", 0), vec![]),
        model_of(
            node("Pad", "x p", "y").text("mode", "reflect"),
            vec![ints("p", &[0, 0, 3, 0, 0, 0, 0, 0])]
        ),
        model_of(node("Pad", "x p", "y"), vec![ints("p", &[0, 0])]),
        model_of(node("Div", "x w", "y"), vec![floats("w", &[2, 1, 1], &[1.0, 0.0])]),
        model_of(node("Add", "x w", "y"), vec![ones("w", &[3])]),
        model_of(node("Add", "x w", "y"), vec![ones("w", &[2, 2, 3, 4])]),
        model_of(node("Transpose", "x", "y").ints("perm", &[0, 0, 3, 1]), vec![]),
        model_of(node("Expand", "x s", "y"), vec![ints("s", &[5, 2, 3, 4])]),
        model_of(node("Squeeze", "x a", "y"), vec![ints("a", &[1])]),
        model_of(node("Unsqueeze", "x a", "y"), vec![ints("a", &[0, 0])]),
        model_of(node("Reshape", "x s", "y"), vec![ints("s", &[7, -1])]),
        model_of(node("Cast", "x", "y").int("to", 7), vec![]),
        model_of(node("Dropout", "x r t", "y"), vec![ones("r", &[]), ints("t", &[1])]),
        model_of(node("Relu", "nowhere", "y"), vec![]),
        model_of(node("Relu", "", "y"), vec![]),
        model(vec![node("Relu", "x", "a"), node("Relu", "x", "a"), node("Relu", "a", "y")], vec![]),
        model(
            vec![node("MaxPool", "x", "a i").ints("kernel_shape", &[1, 1]), node("Relu", "i", "y")],
            vec![]
        ),
    ]));
}

/// A constant of 2^22 values, a quarter of what folding may keep, negated again and again; then `last`.
fn large_steps(steps: usize, last: NodeProto) -> ModelProto {
    let first = node("ConstantOfShape", "s", "c0");
    let negated = |i| node("Neg", &format!("c{i}"), &format!("c{}", i + 1));
    let mean = node("ReduceMean", "m", "k").int("keepdims", 0);
    let mean = [last, mean, node("GlobalAveragePool", "x", "p"), node("Add", "p k", "y")];
    let nodes = [vec![first], (0..steps).map(negated).collect(), mean.to_vec()].concat();
    model(nodes, vec![ints("s", &[1 << 11, 1 << 11])])
}

#[test]
fn constants_that_nobody_reads_any_more_make_room_but_do_not_allow_endless_work() {
    let fits = import(&large_steps(6, node("Neg", "c6", "m"))).map(|_| ());
    assert!(fits.is_ok(), "{fits:?}");
    let all_at_once = large_steps(6, node("Sum", "c0 c1 c2 c3 c4 c5 c6", "m"));
    insta::assert_snapshot!(lines(&[all_at_once, large_steps(80, node("Neg", "c80", "m"))]));
}

#[test]
fn constants_that_cannot_be_computed_are_refused() {
    let with = |nodes: Vec<NodeProto>, weights| {
        let add = node("Add", "x k", "y");
        model([nodes, vec![add]].concat(), weights)
    };
    let scalar = |name, value: i64| TensorProto { dims: vec![], ..ints(name, &[value]) };
    insta::assert_snapshot!(lines(&[
        with(vec![node("ConstantOfShape", "s", "k")], vec![ints("s", &[1 << 40, 1 << 40])]),
        with(vec![node("ConstantOfShape", "s", "k")], vec![ints("s", &[1 << 30])]),
        with(vec![node("ConstantOfShape", "s", "k")], vec![ints("s", &[-1])]),
        with(
            vec![node("Expand", "a s", "k")],
            vec![ints("s", &[1 << 20, 1 << 20]), ones("a", &[1])]
        ),
        with(
            vec![node("Range", "a b c", "k")],
            vec![scalar("a", i64::MIN), scalar("b", i64::MAX), scalar("c", 1)]
        ),
        with(
            vec![node("Range", "a b c", "k")],
            vec![scalar("a", 0), scalar("b", 1), scalar("c", 0)]
        ),
        with(vec![node("Mul", "a a", "k")], vec![ints("a", &[i64::MAX])]),
        with(vec![node("Div", "a b", "k")], vec![ints("a", &[1]), ints("b", &[0])]),
        with(vec![node("Gather", "a i", "k")], vec![ints("a", &[1]), ints("i", &[1])]),
        with(
            vec![node("Slice", "a i j _ l", "k")],
            vec![ints("a", &[1]), ints("i", &[0]), ints("j", &[1]), ints("l", &[0])]
        ),
        with(
            vec![node("Concat", "a b", "k").int("axis", 0)],
            vec![ints("a", &[1]), ones("b", &[1])]
        ),
        with(vec![node("Constant", "", "k")], vec![]),
        with(vec![node("Constant", "", "k").tensor("value", floats("", &[2], &[1.0]))], vec![]),
        with(vec![node("Relu", "a", "k")], vec![ones("a", &[1])]),
    ]));
}

#[test]
fn a_batch_norm_per_value_scales_each_value() {
    let all =
        |name, f: fn(usize) -> f32| floats(name, &[2, 3, 4], &(0..24).map(f).collect::<Vec<f32>>());
    let norm = node("BatchNormalization", "x g b m v", "n").int("spatial", 0).float("epsilon", 1.0);
    let nodes = vec![norm, node("Flatten", "n", "y")];
    let weights = vec![
        all("g", |i| i as f32),
        all("b", |_| 0.5),
        all("m", |i| i as f32 - 1.0),
        all("v", |_| 3.0),
    ];
    // (i - (i - 1)) i / sqrt(3 + 1) + 0.5
    let want: Vec<f32> = (0..24).map(|i| i as f32 / 2.0 + 0.5).collect();
    assert_eq!(scores(&model(nodes, weights).opset(8)), want);
}

#[test]
fn pools_of_single_pixels_are_left_out() {
    let pool = node("AveragePool", "x", "p").ints("kernel_shape", &[1, 1]);
    let model = model(vec![pool, node("Flatten", "p", "y")], vec![]);
    let imported = import(&model).unwrap();
    assert_eq!(imported.notes, ["pool of single pixels `p_node` left out"]);
    assert_eq!(scores(&model), (0..24).map(|i| i as f32).collect::<Vec<f32>>());
}

#[test]
fn nodes_of_one_name_are_told_apart() {
    let mut nodes = vec![node("Relu", "x", "a"), node("Relu", "a", "b"), node("Flatten", "b", "y")];
    nodes.iter_mut().for_each(|n| n.name = "n".to_owned());
    nodes[2].name = "n#2".to_owned();
    let graph = import(&model(nodes, vec![])).unwrap().graph;
    let names: Vec<&str> = graph.nodes().map(|(_, n)| &n.name[..]).collect();
    assert_eq!(names, ["input", "n", "n#2", "n#2#2"]);
}

#[test]
fn what_no_runtime_would_take_is_refused() {
    // pictures have 24 values, there are 2 classes
    let gemm = |dims: &[i64]| {
        let nodes = vec![node("Flatten", "x", "f"), node("Gemm", "f w c", "y")];
        model(nodes, vec![ones("w", &[24, 2]), ones("c", dims)])
    };
    let conv = |dims: &[i64]| {
        let weights = vec![ones("w", &[3, 2, 1, 1]), ones("b", dims)];
        model_of(node("Conv", "x w b", "y"), weights)
    };
    let norm = |dims: &[i64]| {
        let weights = ["s", "b", "m", "v"].map(|name| ones(name, dims)).to_vec();
        model_of(node("BatchNormalization", "x s b m v", "y"), weights)
    };
    insta::assert_snapshot!(lines(&[
        gemm(&[2, 1]),
        gemm(&[3]),
        gemm(&[5, 2]),
        gemm(&[1, 1, 2]),
        conv(&[1, 3]),
        norm(&[2, 1]),
        gemm(&[2]).opset(27),
        model_of(node("Relu", "x", "y").float("alpha", 0.1), vec![]),
        model_of(node("Conv", "x w", "y").ints("stride", &[2, 2]), vec![ones("w", &[3, 2, 1, 1])]),
    ]));
    for dims in [&[][..], &[1], &[2], &[1, 2], &[1, 1]] {
        // 0 + 1 + ... + 23, and the bias
        assert_eq!(scores(&gemm(dims)), [277.0; 2], "{dims:?}");
    }
}
