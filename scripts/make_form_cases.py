"""Small ONNX models in the forms that files come in, with the outputs of onnxruntime.

Resizing, transposed and three-dimensional convolution, lines, comparisons of maps, functions, conditions,
bytes, halves, quantised networks, onnxruntime's own operators. Writes tests/data/form_cases.npz: the model
<case>.onnx as bytes, its inputs <case>.x, its outputs <case>.y, how far outputs may be off as a share of
the largest <case>.limit. Made with onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6:

    python scripts/make_form_cases.py
"""

import zlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

OUT = Path(__file__).parent.parent / "tests" / "data" / "form_cases.npz"
MICROSOFT = "com.microsoft"
cases = {}
rng = None


def begin(name):
    """Draws of a case depend on its name alone."""
    global rng
    rng = np.random.default_rng(zlib.crc32(name.encode()))


def w(*shape):
    return rng.normal(size=shape).astype(np.float32)


def ints(*values):
    return np.array(values, dtype=np.int64)


def f(*values):
    return np.array(values if len(values) != 1 else values[0], dtype=np.float32)


def node(op, inputs, output, domain="", **attributes):
    inputs = ["" if i == "_" else i for i in inputs.split()]
    outputs = ["" if o == "_" else o for o in output.split()]
    return helper.make_node(op, inputs, outputs, name=f"{op}_{outputs[0]}", domain=domain, **attributes)


def ms(op, inputs, output, **attributes):
    return node(op, inputs, output, MICROSOFT, **attributes)


def case(name, nodes, weights=None, shape=(2, 4, 6), opset=18, batch=1, n=2, limit=1e-5, byte=False,
         functions=(), element=TensorProto.FLOAT, flat=True, edit=None, check=True, level=0, hidden=False):
    """Registers a model whose last node writes `t`. `nodes` and `weights` may be functions, which draw."""
    begin(name)
    nodes = list(nodes() if callable(nodes) else nodes)
    weights = dict((weights() if callable(weights) else weights) or {})
    if flat:
        nodes.append(node("Reshape", "t flat", "y"))
        weights["flat"] = ints(batch if isinstance(batch, int) else 0, -1)
    kind = TensorProto.UINT8 if byte else element
    x = helper.make_tensor_value_info("x", kind, [batch, *shape])
    y = helper.make_tensor_value_info("y", element, [batch, "classes"])
    initializers = [v if isinstance(v, TensorProto) else numpy_helper.from_array(v, k)
                    for k, v in weights.items()]
    graph = helper.make_graph(nodes, "case", [x], [y], initializers)
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid(MICROSOFT, 1)]
    opsets += [helper.make_opsetid(d, 1) for d in {f.domain for f in functions}]
    model = helper.make_model(graph, opset_imports=opsets, functions=list(functions))
    model.ir_version = 10
    if edit:
        edit(model)
    if check:
        onnx.checker.check_model(model)
    data = rng.normal(size=(n, *shape)).astype(np.float32)
    if byte:
        data = rng.integers(0, 256, size=(n, *shape)).astype(np.uint8)
    run(name, model, data, batch, limit, element, level)


def run(name, model, data, batch, limit, element=TensorProto.FLOAT, level=0):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = (ort.GraphOptimizationLevel.ORT_DISABLE_ALL,
                                        ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED)[level]
    session = ort.InferenceSession(model.SerializeToString(), options)
    fed = data.astype(np.float16) if element == TensorProto.FLOAT16 else data
    count = batch if isinstance(batch, int) else 1
    parts = [fed[i:i + 1].repeat(count, 0) for i in range(len(fed))]
    name_of_x = session.get_inputs()[0].name
    results = [session.run(None, {name_of_x: part})[0][:1].reshape(1, -1) for part in parts]
    result = np.concatenate(results).astype(np.float32)
    assert name not in cases, name
    assert np.isfinite(result).all(), name
    cases[name] = (model, data.astype(np.float32), result, limit)


# resizing
MODES = ["half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric"]
for mode in ["nearest", "linear", "cubic"]:
    for where in MODES:
        case(f"resize_{mode}_{where}", [
            node("Resize", "x _ _ s", "t", mode=mode, coordinate_transformation_mode=where)],
            {"s": ints(1, 2, 7, 9)}, opset=19)
    case(f"resize_{mode}_scales", [node("Resize", "x _ s", "t", mode=mode)], {"s": f(1, 1, 2, 0.6)})
    case(f"resize_{mode}_opset_11", [
        node("Resize", "x r s", "t", mode=mode, coordinate_transformation_mode="align_corners")],
        {"r": np.zeros(0, np.float32), "s": f(1, 1, 1.5, 2)}, opset=11)
for nearest in ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]:
    case(f"resize_{nearest}", [node("Resize", "x _ _ s", "t", nearest_mode=nearest,
                                    coordinate_transformation_mode="asymmetric")],
         {"s": ints(1, 2, 6, 4)})
case("resize_tf_nearest", [node("Resize", "x r r s", "t", nearest_mode="floor",
                                coordinate_transformation_mode="tf_half_pixel_for_nn")],
     {"r": np.zeros(0, np.float32), "s": ints(1, 2, 6, 4)}, opset=11)
case("resize_crop", [node("Resize", "x r _ s", "t", mode="linear",
                          coordinate_transformation_mode="tf_crop_and_resize")],
     {"r": f(0, 0, 0.2, 0.1, 1, 1, 0.9, 0.8), "s": ints(1, 2, 3, 5)})
case("resize_to_one", [node("Resize", "x _ _ s", "t", mode="linear")], {"s": ints(1, 2, 1, 1)})
case("resize_axes", [node("Resize", "x _ _ s", "t", mode="linear", axes=[2, 3])], {"s": ints(8, 3)})
for policy in ["not_larger", "not_smaller"]:
    case(f"resize_{policy}", [node("Resize", "x _ _ s", "t", mode="linear", axes=[2, 3],
                                   keep_aspect_ratio_policy=policy)], {"s": ints(8, 7)})
case("resize_cubic_excluded", [node("Resize", "x _ _ s", "t", mode="cubic", exclude_outside=1,
                                    cubic_coeff_a=-0.5)], {"s": ints(1, 2, 7, 9)})
case("resize_opset_10", [node("Resize", "x s", "t", mode="linear")], {"s": f(1, 1, 2, 1.5)}, opset=10)
case("upsample_attribute", [node("Upsample", "x", "t", scales=[1.0, 1.0, 2.0, 1.5])], opset=7)
case("upsample_linear", [node("Upsample", "x s", "t", mode="linear")], {"s": f(1, 1, 2, 3)}, opset=9)
case("resize_of_a_constant", [node("Resize", "c _ _ s", "r", mode="cubic"), node("Add", "x r", "t")],
     lambda: {"c": w(1, 2, 3, 3), "s": ints(1, 2, 4, 6)})
case("resize_of_tokens", [node("Reshape", "x q", "h"), node("Resize", "h _ _ s", "t", mode="linear")],
     {"q": ints(1, 2, 24), "s": ints(1, 2, 10)})

# convolution
case("conv_line", [node("Reshape", "x q", "h"), node("Conv", "h w b", "t", pads=[1, 2], strides=[2],
                                                     dilations=[2])],
     lambda: {"q": ints(1, 2, 24), "w": w(3, 2, 3), "b": w(3)})
case("conv_volume", [node("Reshape", "x q", "h"),
                     node("Conv", "h w b", "t", pads=[1, 0, 1, 1, 1, 0], strides=[2, 1, 1])],
     lambda: {"q": ints(1, 2, 4, 4, 3), "w": w(3, 2, 3, 2, 2), "b": w(3)}, shape=(2, 16, 3))
case("conv_volume_groups", [node("Reshape", "x q", "h"), node("Conv", "h w", "t", group=2)],
     lambda: {"q": ints(1, 2, 4, 4, 3), "w": w(4, 1, 2, 2, 2)}, shape=(2, 16, 3))
case("conv_volume_patches", [node("Reshape", "x q", "h"), node("Conv", "h w b", "t", strides=[2, 2, 3])],
     lambda: {"q": ints(1, 2, 2, 8, 3), "w": w(5, 2, 2, 2, 3), "b": w(5)}, shape=(2, 16, 3))
T = dict(shape=(4, 3, 5))
case("conv_transpose", [node("ConvTranspose", "x w b", "t", strides=[2, 2], pads=[1, 1, 1, 1])],
     lambda: {"w": w(4, 3, 3, 3), "b": w(3)}, **T)
case("conv_transpose_groups", [node("ConvTranspose", "x w b", "t", group=2, strides=[2, 3])],
     lambda: {"w": w(4, 3, 2, 3), "b": w(6)}, **T)
case("conv_transpose_depthwise", [node("ConvTranspose", "x w", "t", group=4, pads=[0, 1, 1, 0])],
     lambda: {"w": w(4, 1, 3, 3)}, **T)
case("conv_transpose_output_padding", [node("ConvTranspose", "x w", "t", strides=[3, 2],
                                            output_padding=[2, 1], dilations=[1, 2])],
     lambda: {"w": w(4, 2, 2, 3)}, **T)
case("conv_transpose_cropped", [node("ConvTranspose", "x w", "t", strides=[2, 2], pads=[3, 4, 3, 4])],
     lambda: {"w": w(4, 2, 3, 3)}, **T)
case("conv_transpose_output_shape", [node("ConvTranspose", "x w", "t", strides=[2, 2],
                                          output_shape=[6, 11])], lambda: {"w": w(4, 2, 3, 3)}, **T)
case("conv_transpose_same", [node("ConvTranspose", "x w", "t", strides=[2, 2], auto_pad="SAME_UPPER")],
     lambda: {"w": w(4, 2, 3, 3)}, **T)
case("conv_transpose_line", [node("Reshape", "x q", "h"),
                             node("ConvTranspose", "h w", "t", strides=[2])],
     lambda: {"q": ints(1, 4, 15), "w": w(4, 2, 3)}, **T)

# windows put along the axis of a batch
STACK = node("Reshape", "x stack", "h")
S = dict(shape=(2, 12, 6))
case("conv_of_a_stack", [STACK, node("Conv", "h w b", "t", pads=[1, 1, 1, 1], strides=[1, 2])],
     lambda: {"stack": ints(4, 3, 4, 3), "w": w(2, 3, 3, 3), "b": w(2)}, **S)
case("conv_of_a_stack_depthwise", [STACK, node("Conv", "h w b", "t", group=3, pads=[1, 1, 1, 1])],
     lambda: {"stack": ints(4, 3, 4, 3), "w": w(3, 1, 3, 3), "b": w(3)}, **S)
case("conv_of_a_stack_alone", [STACK, node("Conv", "h w b", "c"), node("BatchNormalization", "c b g b v", "t")],
     lambda: {"stack": ints(4, 3, 4, 3), "w": w(2, 3, 1, 1), "b": w(2), "g": w(2), "v": np.abs(w(2)) + 1}, **S)
case("pools_of_a_stack", [STACK, node("MaxPool", "h", "m", kernel_shape=[2, 2]),
                          node("AveragePool", "m", "a", kernel_shape=[1, 2]), node("GlobalAveragePool", "a", "t")],
     lambda: {"stack": ints(4, 3, 4, 3)}, **S)

# weights computed from the picture
for groups in [1, 2, 4]:
    case(f"conv_by_map_{groups}", [
        node("ReduceMean", "x a", "m", keepdims=0), node("MatMul", "m k", "f"), node("Reshape", "f s", "w"),
        node("Conv", "x w b", "t", group=groups, pads=[1, 0, 1, 2], strides=[1, 2], dilations=[2, 1])],
        lambda: {"a": ints(2, 3), "k": w(4, 4 * (4 // groups) * 6), "s": ints(4, 4 // groups, 2, 3), "b": w(4)},
        shape=(4, 5, 6))

# pools along lines and in volumes
LINE = node("Reshape", "x q", "h")
case("max_pool_line", [LINE, node("MaxPool", "h", "t", kernel_shape=[3], strides=[2], pads=[1, 0],
                                  ceil_mode=1)], {"q": ints(1, 2, 24)})
case("max_pool_line_dilated", [LINE, node("MaxPool", "h", "t", kernel_shape=[3], dilations=[2])],
     {"q": ints(1, 2, 24)})
for include in [0, 1]:
    case(f"avg_pool_line_count_{include}", [
        LINE, node("AveragePool", "h", "t", kernel_shape=[4], strides=[3], pads=[2, 1],
                   count_include_pad=include)], {"q": ints(1, 2, 24)})
    case(f"avg_pool_volume_count_{include}", [
        LINE, node("AveragePool", "h", "t", kernel_shape=[3, 2, 2], strides=[1, 2, 1],
                   pads=[1, 0, 1, 1, 1, 0], count_include_pad=include)], {"q": ints(1, 2, 4, 2, 3)})
case("max_pool_volume", [LINE, node("MaxPool", "h", "t", kernel_shape=[2, 2, 3], pads=[1, 0, 0, 0, 1, 2])],
     {"q": ints(1, 2, 4, 2, 3)})
case("avg_pool_dilated", [node("AveragePool", "x", "t", kernel_shape=[2, 2], dilations=[2, 3])], opset=19)
for op in ["GlobalAveragePool", "GlobalMaxPool"]:
    case(f"{op.lower()}_line", [LINE, node(op, "h", "t")], {"q": ints(1, 2, 24)})
    case(f"{op.lower()}_volume", [LINE, node(op, "h", "t")], {"q": ints(1, 2, 4, 2, 3)})
case("lrn_of_torch", [
    node("Mul", "x x", "s"), node("Unsqueeze", "s one", "u"), node("Pad", "u p", "h"),
    node("AveragePool", "h", "a", kernel_shape=[5, 1, 1], strides=[1, 1, 1]), node("Squeeze", "a one", "q"),
    node("Mul", "q alpha", "m"), node("Add", "m k", "d"), node("Pow", "d beta", "e"), node("Div", "x e", "t")],
    {"one": ints(1), "p": ints(0, 0, 2, 0, 0, 0, 0, 2, 0, 0), "alpha": f(0.3), "k": f(2), "beta": f(0.75)},
    shape=(7, 3, 4))

# gathered and scattered slices, triangles, sums
case("gather_nd_map", [node("GatherND", "x i", "t")],
     {"i": np.array([[[0, 1, 2], [0, 0, 3]], [[0, 1, -1], [0, 0, 0]]], np.int64)})
case("scatter_nd_map", [node("Relu", "x", "r"), node("Slice", "r a b c", "u"), node("Squeeze", "u z", "v"),
                        node("ScatterND", "x i v", "t")],
     {"a": ints(1), "b": ints(2), "c": ints(1), "z": ints(1), "i": np.array([[0, 0]], np.int64)})
case("scatter_nd_constant", [node("ScatterND", "x i v", "t")],
     lambda: {"i": np.array([[0, 1, 3], [0, 0, -1]], np.int64), "v": w(2, 6)})
case("gather_elements", [node("GatherElements", "x i", "t", axis=3)],
     {"i": np.array([[[[0, -1], [2, 3]], [[1, 1], [5, 0]]]], np.int64)})
for upper in [0, 1]:
    case(f"trilu_{upper}", [node("Trilu", "x k", "t", upper=upper)], {"k": np.array(1, np.int64)})
for reverse in [0, 1]:
    for exclusive in [0, 1]:
        case(f"cum_sum_{reverse}{exclusive}", [
            node("CumSum", "x a", "t", reverse=reverse, exclusive=exclusive)],
            {"a": np.array(2 + reverse, np.int64)})
case("reduce_log_sum_exp", [node("ReduceLogSumExp", "x a", "t")], {"a": ints(1)})
case("reduce_log_sum_exp_gone", [node("ReduceLogSumExp", "x a", "t", keepdims=0)], {"a": ints(2, 3)})
case("reduce_log_sum", [node("Exp", "x", "e"), node("ReduceLogSum", "e a", "t")], {"a": ints(3)})
case("reduce_prod", [node("ReduceProd", "x a", "t", keepdims=0)], {"a": ints(2)})
case("reduce_constants", [
    node("ReduceProd", "c a", "p"), node("ReduceMax", "c a", "m"), node("ReduceSum", "i a", "s"),
    node("Cast", "s", "g", to=1), node("Add", "p m", "q"), node("Add", "q g", "h"), node("Add", "x h", "t")],
    lambda: {"c": w(1, 2, 4, 6), "i": rng.integers(0, 9, (1, 2, 4, 6)).astype(np.int64), "a": ints(1)})
case("mean_variance", [node("MeanVarianceNormalization", "x", "t")])
case("mean_variance_axes", [node("MeanVarianceNormalization", "x", "t", axes=[1, 2, 3])])

for name, equation in [("dots", "...ij,...kj->...ik"), ("implicit", "...ij,...jk"), ("summed", "bcij,bcij->bi"),
                       ("summed_alone", "bcij,bcik->bck"), ("dots_gone", "...j,...j->...")]:
    case(f"einsum_{name}", [node("Relu", "x", "r"), *([node("Transpose", "r", "s", perm=[0, 1, 3, 2])]
                                                      if name == "implicit" else [node("Identity", "r", "s")]),
                            node("Einsum", "x s", "t", equation=equation)])
case("einsum_one", [node("Einsum", "x", "t", equation="bcij->jc")])
case("einsum_spread", [node("Einsum", "x w", "t", equation="...ij,jk->...ik")], lambda: {"w": w(6, 3)})
case("log_softmax_inside", [node("LogSoftmax", "x", "s", axis=1), node("Mul", "s x", "t")])
case("log_softmax_old", [node("LogSoftmax", "x", "s", axis=2), node("Mul", "s x", "t")], opset=11)

# functions
for op, attributes in [("ThresholdedRelu", {"alpha": 0.4}), ("Shrink", {"bias": 0.2, "lambd": 0.3}),
                       ("Sin", {}), ("Cos", {}), ("Sign", {}), ("Floor", {}), ("Ceil", {}), ("Round", {}),
                       ("Softsign", {}), ("Mish", {}), ("Celu", {"alpha": 0.6}), ("Selu", {}),
                       ("HardSwish", {})]:
    case(f"{op.lower()}_map", [node("Mul", "x two", "h"), node(op, "h", "t", **attributes)], {"two": f(2)})

# comparisons
for op in ["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"]:
    case(f"{op.lower()}_maps", [node("Clip", "x lo hi", "r"), node(op, "x r", "c"), node("Cast", "c", "h", to=1),
                                node("Mul", "h x", "t")], {"lo": f(-0.3), "hi": f(0.3)})
    case(f"{op.lower()}_number", [node("Round", "x", "r"), node(op, "r z", "c"),
                                  node("Where", "c x r", "t")], {"z": f(1)})
case("where_spread", [node("ReduceMean", "x a", "m"), node("Greater", "x m", "c"),
                      node("Where", "c m z", "t")], {"a": ints(2, 3), "z": f(0.25)}, opset=18)
case("logic", [
    node("Greater", "x z", "a"), node("Less", "x o", "b"), node("And", "a b", "c"), node("Not", "c", "d"),
    node("Or", "d a", "e"), node("Xor", "e b", "g"), node("Cast", "g", "h", to=1), node("Sub", "x h", "t")],
    {"z": f(0), "o": f(0.5)})
case("cast_to_truth", [node("Relu", "x", "r"), node("Cast", "r", "b", to=9), node("Where", "b x z", "t")],
     {"z": f(-1)})
case("cast_to_whole", [node("Mul", "x k", "h"), node("Cast", "h", "i", to=7), node("Add", "i one", "j"),
                       node("Equal", "j two", "e"), node("Cast", "e", "g", to=1), node("Cast", "j", "l", to=1),
                       node("Add", "g l", "t")], {"k": f(3), "one": ints(1), "two": ints(2)})
case("max_of_maps", [node("Relu", "x", "r"), node("Neg", "x", "n"), node("Max", "r n c", "m"),
                     node("Min", "m x", "t")], lambda: {"c": w(2, 1, 1)})

# functions and conditions inside the file
gelu = helper.make_function(
    "local", "Gelu", ["a"], ["b"],
    [node("Div", "a root", "d"), node("Erf", "d", "e"), node("Add", "e one", "g"), node("Mul", "a g", "h"),
     node("Mul", "h half", "b"),
     ], [helper.make_opsetid("", 18)])
for name, value in [("half", 0.5), ("one", 1.0), ("root", 2 ** 0.5)]:
    gelu.node.insert(0, helper.make_node("Constant", [], [name], value_float=value))
leaky = helper.make_function(
    "local", "Leaky", ["a", "bias"], ["b"],
    [node("Add", "a bias", "h"), node("LeakyRelu", "h", "b")], [helper.make_opsetid("", 18)], ["slope"])
leaky.node[1].attribute.append(onnx.AttributeProto(name="alpha", ref_attr_name="slope",
                                                   type=onnx.AttributeProto.FLOAT))
block = helper.make_function(
    "local", "Block", ["a", "k"], ["b"],
    [helper.make_node("Gelu", ["a"], ["g"], domain="local"),
     helper.make_node("Leaky", ["g", "k"], ["b"], domain="local", slope=0.25)],
    [helper.make_opsetid("", 18), helper.make_opsetid("local", 1)])
case("functions", [node("Block", "x k", "h", "local"), node("Block", "h k", "t", "local")],
     lambda: {"k": w(2, 1, 1)}, functions=[gelu, leaky, block])


def branches(then, otherwise):
    out = [helper.make_tensor_value_info("o", TensorProto.FLOAT, None)]
    weight = [numpy_helper.from_array(f(3), "k3")]
    return dict(then_branch=helper.make_graph(then, "then", [], out, weight),
                else_branch=helper.make_graph(otherwise, "else", [], out))


for taken in [0, 1]:
    case(f"condition_{taken}", [
        node("Shape", "x", "s"), node("Gather", "s one", "n"), node("Equal", "n want", "c"),
        node("Relu", "x", "r"), node("If", "c", "h", **branches(
            [node("Mul", "r k3", "o")], [node("Neg", "x", "m"), node("Add", "m r", "o")])),
        node("Add", "h x", "t")], {"one": np.array(1, np.int64), "want": np.array(1 + taken, np.int64)})

# files that fix a batch
case("batch_windows", [
    node("Transpose", "x", "p", perm=[0, 2, 3, 1]), node("Reshape", "p cut", "c"),
    node("Transpose", "c", "d", perm=[0, 1, 3, 2, 4, 5]), node("Reshape", "d windows", "h"),
    node("MatMul", "h m", "k"), node("Softmax", "k", "e", axis=1), node("Reshape", "e back", "g"),
    node("Transpose", "g", "i", perm=[0, 1, 3, 2, 4, 5]), node("Reshape", "i picture", "t")],
    lambda: {"cut": ints(3, 2, 2, 2, 3, 2), "windows": ints(12, 6, 2), "m": w(2, 2),
             "back": ints(3, 2, 2, 2, 3, 2), "picture": ints(3, 4, 6, 2)}, batch=3)
case("batch_second", [
    node("Reshape", "x s", "r"), node("Transpose", "r", "p", perm=[2, 0, 1]), node("MatMul", "p m", "q"),
    node("Reshape", "q heads", "h"), node("Transpose", "h", "a", perm=[1, 0, 2]),
    node("Transpose", "h", "b", perm=[1, 2, 0]), node("MatMul", "a b", "c"), node("Softmax", "c", "d", axis=-1),
    node("MatMul", "d a", "e"), node("Transpose", "e", "g", perm=[1, 0, 2]), node("Reshape", "g flatter", "i"),
    node("MatMul", "i o", "j"), node("Reshape", "j three", "k"), node("Transpose", "k", "t", perm=[1, 0, 2])],
    lambda: {"s": ints(2, 2, 24), "m": w(2, 6), "heads": ints(24, 4, 3), "flatter": ints(48, 6), "o": w(6, 3),
             "three": ints(24, 2, 3)}, batch=2)
case("batch_token", [
    node("Shape", "x", "z"), node("Slice", "z zero one", "n"), node("Concat", "n rest", "wanted", axis=0),
    node("Expand", "k wanted", "token"), node("Reshape", "x s", "r"), node("Transpose", "r", "p", perm=[0, 2, 1]),
    node("Concat", "token p", "c", axis=1), node("Add", "c e", "a"), node("Gather", "a i", "g", axis=1),
    node("Unsqueeze", "g one", "u"), node("ReduceMean", "u one", "v", keepdims=0), node("Expand", "v two", "t")],
    lambda: {"zero": ints(0), "one": ints(1), "rest": ints(1, 2), "k": w(1, 1, 2), "s": ints(3, 2, 24),
             "e": w(3, 1, 2)[:1].repeat(3, 0), "i": np.array(0, np.int64), "two": ints(3, 2)}, batch=3)

# bytes, halves
case("bytes", [node("Cast", "x", "g", to=1), node("Sub", "g m", "h"), node("Div", "h d", "n"),
               node("Conv", "n w b", "t")],
     lambda: {"m": f(120), "d": f(60), "w": w(3, 2, 2, 2), "b": w(3)}, byte=True)
case("bytes_turned", [node("Transpose", "x", "p", perm=[0, 3, 1, 2]), node("Cast", "p", "g", to=1),
                      node("Mul", "g m", "h"), node("Conv", "h w", "t")],
     lambda: {"m": f(1 / 255), "w": w(3, 3, 2, 2)}, byte=True, shape=(4, 5, 3))
case("resized_first", [node("Resize", "x _ _ s", "h", mode="linear"), node("Conv", "h w b", "t")],
     lambda: {"s": ints(1, 2, 7, 9), "w": w(3, 2, 3, 3), "b": w(3)})


def halves(model):
    for t in model.graph.initializer:
        if t.data_type == TensorProto.FLOAT:
            t.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(t).astype(np.float16), t.name))


case("halves", [node("Conv", "x w b", "h"), node("Relu", "h", "t")],
     lambda: {"w": w(3, 2, 3, 3), "b": w(3)}, element=TensorProto.FLOAT16, edit=halves, limit=2e-3)
case("halves_inside", [node("Cast", "x", "g", to=10), node("Conv", "g w b", "h"), node("Cast", "h", "t", to=1)],
     lambda: {"w": w(3, 2, 3, 3).astype(np.float16), "b": w(3).astype(np.float16)}, limit=2e-3)


def brain(name, values):
    bits = (values.view(np.uint32) >> 16).astype(np.uint16)
    return helper.make_tensor(name, TensorProto.BFLOAT16, values.shape, bits.tobytes(), raw=True)


case("brain_weights", [node("Cast", "k", "w", to=1), node("Conv", "x w", "t")],
     lambda: {"k": brain("k", w(3, 2, 3, 3))})

# onnxruntime's own operators
case("fused_conv", [ms("FusedConv", "x w b", "t", activation="Relu", pads=[1, 1, 1, 1])],
     lambda: {"w": w(3, 2, 3, 3), "b": w(3)}, check=False)
case("fused_conv_sum", [node("Conv", "x w b", "z", pads=[1, 1, 1, 1]),
                        ms("FusedConv", "x v b z", "t", activation="Relu", pads=[1, 1, 1, 1])],
     lambda: {"w": w(3, 2, 3, 3), "v": w(3, 2, 3, 3), "b": w(3)}, check=False)
for name, parameters in [("LeakyRelu", [0.2]), ("Clip", [-0.5, 0.7]), ("HardSigmoid", [0.3, 0.4]),
                         ("Tanh", []), ("Sigmoid", [])]:
    case(f"fused_conv_{name.lower()}", [
        ms("FusedConv", "x w", "h", activation=name,
           **({"activation_params": parameters} if parameters else {})),
        node("Conv", "h v", "t")], lambda: {"w": w(3, 2, 3, 3), "v": w(2, 3, 2, 2)}, check=False)
case("fused_gemm", [node("Flatten", "x", "h"),
                    ms("FusedGemm", "h w b", "t", activation="LeakyRelu", activation_alpha=0.2, transB=1)],
     lambda: {"w": w(5, 48), "b": w(5)}, check=False)
case("fused_matmul", [ms("FusedMatMul", "x x", "t", transB=1, alpha=0.3)], check=False)
case("fused_matmul_left", [ms("FusedMatMul", "x w", "t", transA=1)], lambda: {"w": w(4, 3)}, check=False)
case("fused_matmul_weight", [ms("FusedMatMul", "x w", "t", transB=1, alpha=2.0)],
     lambda: {"w": w(3, 6)}, check=False)
case("bias_gelu", [ms("BiasGelu", "x b", "t")], lambda: {"b": w(6)}, check=False)
case("fast_gelu", [ms("FastGelu", "x b", "t")], lambda: {"b": w(6)}, check=False)
case("quick_gelu", [ms("QuickGelu", "x", "t", alpha=1.5)], check=False)
case("gelu_of_onnxruntime", [ms("Gelu", "x", "t")], check=False)
TOKENS = node("Reshape", "x tokens", "h")
case("skip_layer_norm", [TOKENS, node("Relu", "h", "r"), ms("SkipLayerNormalization", "h r g b c", "n _ _ s",
                                                            epsilon=1e-3), node("Add", "n s", "t")],
     lambda: {"tokens": ints(1, 8, 6), "g": w(6), "b": w(6), "c": w(6)}, check=False)
case("skip_rms_norm", [TOKENS, node("Relu", "h", "r"), ms("SkipSimplifiedLayerNormalization", "h r g", "t",
                                                          epsilon=1e-3)],
     lambda: {"tokens": ints(1, 8, 6), "g": w(6)}, check=False)
case("simplified_layer_norm", [TOKENS, node("SimplifiedLayerNormalization", "h g", "t", axis=-1, epsilon=1e-3)],
     lambda: {"tokens": ints(1, 8, 6), "g": w(6)}, check=False)
case("multi_head_attention", [TOKENS, node("MatMul", "h wq", "q"), node("MatMul", "h wk", "k"),
                              node("MatMul", "h wv", "v"),
                              ms("MultiHeadAttention", "q k v b", "t", num_heads=2)],
     lambda: {"tokens": ints(1, 8, 6), "wq": w(6, 6), "wk": w(6, 6), "wv": w(6, 6), "b": w(18)}, check=False)
case("packed_attention", [TOKENS, ms("Attention", "h w b", "t", num_heads=3)],
     lambda: {"tokens": ints(1, 8, 6), "w": w(6, 18), "b": w(18)}, check=False)


def extended():
    """A small network as onnxruntime saves it at its level `extended`."""
    begin("extended")
    nodes = [node("Conv", "x w b", "c", pads=[1, 1, 1, 1]), node("Relu", "c", "r"),
             node("Conv", "r v b", "d", pads=[1, 1, 1, 1]), node("Add", "d r", "a"), node("Relu", "a", "s"),
             node("Flatten", "s", "l"), node("Gemm", "l g e", "m"), node("Sigmoid", "m", "u"),
             node("Gemm", "u k e", "y")]
    weights = {"w": w(3, 2, 3, 3), "v": w(3, 3, 3, 3), "b": w(3), "g": w(72, 5), "e": w(5), "k": w(5, 5)}
    graph = helper.make_graph(
        nodes, "case", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2, 4, 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 5])],
        [numpy_helper.from_array(v, k) for k, v in weights.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 10
    import tempfile
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.onnx"
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        options.optimized_model_filepath = str(path)
        ort.InferenceSession(model.SerializeToString(), options)
        saved = onnx.load(path)
    run("extended", saved, rng.normal(size=(2, 2, 4, 6)).astype(np.float32), 1, 1e-5)


extended()

# attention of ONNX 1.18
QKV = [TOKENS, node("MatMul", "h wq", "q"), node("MatMul", "h wk", "k"), node("MatMul", "h wv", "v")]
def qkv(features=6, of_k=6):
    return {"tokens": ints(1, 8, 6), "wq": w(6, features), "wk": w(6, of_k), "wv": w(6, of_k)}
case("attention_23", [*QKV, node("Attention", "q k v", "t", q_num_heads=2, kv_num_heads=2)],
     qkv, opset=23)
case("attention_23_causal", [*QKV, node("Attention", "q k v", "t", q_num_heads=2, kv_num_heads=2,
                                        is_causal=1, scale=0.4)], qkv, opset=23)
case("attention_23_mask", [*QKV, node("Attention", "q k v m", "t", q_num_heads=2, kv_num_heads=2)],
     lambda: {**qkv(), "m": rng.random((8, 8)) < 0.7}, opset=23)
case("attention_23_shared", [*QKV, node("Attention", "q k v m", "t", q_num_heads=4, kv_num_heads=2)],
     lambda: {**qkv(12, 6), "m": w(1, 1, 8, 8)}, opset=23)
case("attention_23_heads", [
    *QKV, *[node("Reshape", f"{n} four", f"{n}r") for n in "qkv"],
    *[node("Transpose", f"{n}r", f"{n}t", perm=[0, 2, 1, 3]) for n in "qkv"],
    node("Attention", "qt kt vt", "t")], lambda: {**qkv(), "four": ints(1, 8, 2, 3)}, opset=23)


# whole numbers of few bits: outputs may be off by steps of the last rounding
def q(scale, zero, kind):
    return {"s": f(scale), "z": np.array(zero, kind)}


STEP = 0.02
case("qdq", [node("QuantizeLinear", "x s z", "a"), node("DequantizeLinear", "a s z", "c"),
             node("DequantizeLinear", "k ws wz", "w", axis=0), node("Conv", "c w b", "d"),
             node("QuantizeLinear", "d ds dz", "e"), node("MaxPool", "e", "g", kernel_shape=[2, 2]),
             node("DequantizeLinear", "g ds dz", "t")],
     lambda: {**q(0.02, 128, np.uint8), "k": rng.integers(-127, 128, (3, 2, 3, 3)).astype(np.int8),
              "ws": f(0.01, 0.02, 0.015), "wz": np.zeros(3, np.int8), "b": w(3),
              "ds": f(0.05), "dz": np.array(10, np.int8)}, limit=STEP)
case("qdq_without_zero", [node("Relu", "x", "r"), node("QuantizeLinear", "r s", "a"),
                          node("DequantizeLinear", "a s", "t")], {"s": f(0.05)}, limit=1e-6)
case("qdq_16_bits", [node("QuantizeLinear", "x s z", "a"), node("DequantizeLinear", "a s z", "t")],
     q(0.0002, -5, np.int16), opset=21, limit=1e-6)
case("qdq_other_scale", [node("QuantizeLinear", "x s z", "a"), node("DequantizeLinear", "a u z", "t")],
     {**q(0.05, 3, np.int8), "u": f(0.1)}, limit=1e-6)
case("qdq_beside_a_constant", [node("QuantizeLinear", "x s z", "a"), node("Concat", "k a", "c", axis=2),
                               node("DequantizeLinear", "c s z", "t")],
     lambda: {**q(0.05, 3, np.int8), "k": rng.integers(-60, 60, (1, 2, 1, 6)).astype(np.int8)}, limit=1e-6)
case("quantised_bytes", [node("DequantizeLinear", "x s z", "c"), node("Conv", "c w", "t")],
     lambda: {**q(0.02, 120, np.uint8), "w": w(3, 2, 2, 2)}, byte=True)
case("qlinear_conv", [node("QuantizeLinear", "x s z", "a"),
                      node("QLinearConv", "a s z k ws wz ys yz b", "c", pads=[1, 1, 1, 1]),
                      node("DequantizeLinear", "c ys yz", "t")],
     lambda: {**q(0.02, 128, np.uint8), "k": rng.integers(-127, 128, (3, 2, 3, 3)).astype(np.int8),
              "ws": f(0.01, 0.02, 0.015), "wz": np.zeros(3, np.int8), "ys": f(0.08),
              "yz": np.array(100, np.uint8), "b": rng.integers(-900, 900, 3).astype(np.int32)}, limit=STEP)
case("qlinear_matmul", [node("QuantizeLinear", "x s z", "a"), node("QLinearMatMul", "a s z k ws wz ys yz", "c"),
                        node("DequantizeLinear", "c ys yz", "t")],
     lambda: {**q(0.02, 128, np.uint8), "k": rng.integers(0, 256, (6, 3)).astype(np.uint8),
              "ws": f(0.01), "wz": np.array(128, np.uint8), "ys": f(0.04), "yz": np.array(100, np.uint8)},
     limit=STEP)
PAIR = [node("QuantizeLinear", "x s z", "a"), node("Relu", "x", "r"), node("QuantizeLinear", "r u o", "c")]
def pair():
    return {**q(0.02, 128, np.uint8), "u": f(0.01), "o": np.array(0, np.uint8), "ys": f(0.03),
            "yz": np.array(120, np.uint8)}
for op in ["QLinearAdd", "QLinearMul"]:
    case(op.lower(), [*PAIR, ms(op, "a s z c u o ys yz", "e"), node("DequantizeLinear", "e ys yz", "t")],
         pair, limit=STEP, check=False)
case("qlinear_concat", [*PAIR, ms("QLinearConcat", "ys yz a s z c u o", "e", axis=1),
                        node("DequantizeLinear", "e ys yz", "t")], pair, limit=STEP, check=False)
case("qlinear_sigmoid", [PAIR[0], ms("QLinearSigmoid", "a s z ys yz", "e"),
                         node("DequantizeLinear", "e ys yz", "t")],
     lambda: {**q(0.02, 128, np.uint8), "ys": f(1 / 256), "yz": np.array(0, np.uint8)}, limit=STEP, check=False)
case("qlinear_leaky_relu", [PAIR[0], ms("QLinearLeakyRelu", "a s z ys yz", "e", alpha=0.2),
                            node("DequantizeLinear", "e ys yz", "t")], pair, limit=STEP, check=False)
case("qlinear_pools", [PAIR[0], ms("QLinearAveragePool", "a s z ys yz", "e", kernel_shape=[2, 2]),
                       ms("QLinearGlobalAveragePool", "e ys yz u o", "g"),
                       node("DequantizeLinear", "g u o", "t")],
     lambda: {**pair(), "o": np.array(128, np.uint8)}, limit=0.05, check=False)
case("qgemm", [node("Flatten", "x", "l"), node("QuantizeLinear", "l s z", "a"),
               ms("QGemm", "a s z k ws wz b ys yz", "e", transB=1), node("DequantizeLinear", "e ys yz", "t")],
     lambda: {**pair(), "k": rng.integers(-127, 128, (5, 48)).astype(np.int8),
              "ws": f(0.01, 0.02, 0.005, 0.01, 0.03), "wz": np.zeros(5, np.int8),
              "b": rng.integers(-900, 900, 5).astype(np.int32), "ys": f(0.05)}, limit=STEP, check=False)
case("qgemm_floats", [node("Flatten", "x", "l"), node("QuantizeLinear", "l s z", "a"),
                      ms("QGemm", "a s z k ws wz b", "t", transB=1)],
     lambda: {**pair(), "k": rng.integers(-127, 128, (5, 48)).astype(np.int8), "ws": f(0.01),
              "wz": np.array(0, np.int8), "b": rng.integers(-900, 900, 5).astype(np.int32)},
     limit=1e-5, check=False)
case("conv_integer", [node("DynamicQuantizeLinear", "x", "a s z"),
                      node("ConvInteger", "a k z wz", "c", pads=[1, 1, 1, 1]), node("Cast", "c", "d", to=1),
                      node("Mul", "s ws", "e"), node("Mul", "d e", "t")],
     lambda: {"k": rng.integers(0, 256, (3, 2, 3, 3)).astype(np.uint8), "wz": np.array(120, np.uint8),
              "ws": f(0.01)}, limit=1e-5)
case("matmul_integer", [node("DynamicQuantizeLinear", "x", "a s z"), node("MatMulInteger", "a k z wz", "c"),
                        node("Cast", "c", "d", to=1), node("Mul", "s ws", "e"), node("Mul", "d e", "g"),
                        node("Add", "g b", "t")],
     lambda: {"k": rng.integers(-127, 128, (6, 3)).astype(np.int8), "wz": np.array(3, np.int8), "ws": f(0.01),
              "b": w(3)}, limit=1e-5)
case("dynamic_matmul", [ms("DynamicQuantizeMatMul", "x k ws wz b", "t")],
     lambda: {"k": rng.integers(-127, 128, (6, 3)).astype(np.int8), "wz": np.array(3, np.int8), "ws": f(0.01),
              "b": w(3)}, limit=1e-5, check=False)
case("matmul_to_float", [node("DynamicQuantizeLinear", "x", "a s z"),
                         ms("MatMulIntegerToFloat", "a k s ws z wz b", "t")],
     lambda: {"k": rng.integers(-127, 128, (6, 3)).astype(np.int8), "wz": np.array(0, np.int8), "ws": f(0.01),
              "b": w(3)}, limit=1e-5, check=False)
case("weights_of_8_bits", [node("DequantizeLinear", "k ws", "w", axis=1), node("MatMul", "x w", "t")],
     lambda: {"k": rng.integers(-127, 128, (6, 3)).astype(np.int8), "ws": f(0.01, 0.02, 0.03)})


def half_bytes(name, kind, values):
    return helper.make_tensor(name, kind, values.shape, values.flatten().tolist())


case("weights_of_4_bits", [node("DequantizeLinear", "k ws wz", "w", axis=0, block_size=2),
                           node("MatMul", "x w", "t")],
     lambda: {"k": half_bytes("k", TensorProto.INT4, rng.integers(-8, 8, (6, 3))), "ws": np.abs(w(3, 3)),
              "wz": half_bytes("wz", TensorProto.INT4, rng.integers(-8, 8, (3, 3)))}, opset=21)
case("matmul_n_bits", [ms("MatMulNBits", "x k ws wz", "t", K=20, N=3, bits=4, block_size=16)],
     lambda: {"k": rng.integers(0, 256, (3, 2, 8)).astype(np.uint8), "ws": np.abs(w(3, 2)).flatten(),
              "wz": rng.integers(0, 256, 3).astype(np.uint8)}, shape=(2, 4, 20), check=False, limit=1e-4)


def quantised():
    """A small network quantised by onnxruntime in its three ways."""
    import logging
    import tempfile
    from onnxruntime import quantization as qz
    logging.disable(logging.WARNING)
    begin("quantised")
    nodes = [node("Conv", "x w b", "c", pads=[1, 1, 1, 1]), node("Relu", "c", "r"),
             node("Conv", "r v b", "d", pads=[1, 1, 1, 1]), node("Add", "d r", "a"), node("Relu", "a", "s"),
             node("GlobalAveragePool", "s", "g"), node("Flatten", "g", "l"), node("Gemm", "l m e", "y")]
    weights = {"w": w(6, 2, 3, 3) / 4, "v": w(6, 6, 3, 3) / 6, "b": w(6) / 4, "m": w(6, 5), "e": w(5)}
    graph = helper.make_graph(
        nodes, "case", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2, 4, 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 5])],
        [numpy_helper.from_array(v, k) for k, v in weights.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    data = rng.normal(size=(8, 2, 4, 6)).astype(np.float32)

    class Reader(qz.CalibrationDataReader):
        def __init__(self):
            self.rows = iter([{"x": row[None]} for row in data])

        def get_next(self):
            return next(self.rows, None)

    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "m.onnx", Path(folder) / "q.onnx"
        onnx.save(model, source)
        for name, form in [("qdq", qz.QuantFormat.QDQ), ("qoperator", qz.QuantFormat.QOperator)]:
            for per_channel in [False, True]:
                qz.quantize_static(source, out, Reader(), quant_format=form, per_channel=per_channel)
                channel = "_per_channel" if per_channel else ""
                run(f"quantised_{name}{channel}", onnx.load(out), data[:2], 1, 0.03)
        qz.quantize_dynamic(source, out)
        run("quantised_dynamic", onnx.load(out), data[:2], 1, 1e-3)


quantised()


def main():
    arrays = {}
    for name, (model, x, y, limit) in cases.items():
        arrays[f"{name}.onnx"] = np.frombuffer(model.SerializeToString(), dtype=np.uint8)
        arrays[f"{name}.x"], arrays[f"{name}.y"] = x, y
        arrays[f"{name}.limit"] = np.float32([limit])
    np.savez_compressed(OUT, **arrays)
    print(len(cases), "cases")


if __name__ == "__main__":
    main()
