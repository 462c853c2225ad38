"""Small ONNX models, one per way to write an operator, with the outputs of onnxruntime.

Writes tests/data/onnx_cases.npz: the model <case>.onnx as bytes, its inputs <case>.x, its outputs
<case>.y. Made with onnx 1.23.2, onnxruntime 1.31.1, numpy 2.4.6:

    python scripts/make_onnx_cases.py
"""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

OUT = Path(__file__).parent.parent / "tests" / "data" / "onnx_cases.npz"
rng = np.random.default_rng(0)
cases = {}


def w(*shape):
    return rng.normal(size=shape).astype(np.float32)


def ints(*values):
    return np.array(values, dtype=np.int64)


def node(op, inputs, output, **attributes):
    return helper.make_node(op, inputs.split(), [output], name=f"{op}_{output}", **attributes)


def case(name, nodes, weights=None, shape=(2, 5, 6), opset=13, batch="N", n=2, flatten=True,
         outputs=("y",), edit=None, softmax=False):
    """Registers a model whose last node writes `t` (or `y` without `flatten`)."""
    weights = weights or {}
    nodes = list(nodes)
    if flatten:
        nodes.append(node("Flatten", "t", "y"))
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, *shape])
    info = {"y": (TensorProto.FLOAT, ["N", "classes"]), "mask": (TensorProto.BOOL, list("NCHW"))}
    ys = [helper.make_tensor_value_info(o, *info[o]) for o in outputs]
    graph = helper.make_graph(nodes, "case", [x], ys,
                              [numpy_helper.from_array(v, k) for k, v in weights.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 3 if opset < 9 else 8
    if model.ir_version == 3:  # weights are inputs, too
        graph_inputs = [helper.make_tensor_value_info(k, helper.np_dtype_to_tensor_dtype(v.dtype),
                                                      v.shape) for k, v in weights.items()]
        model.graph.input.extend(graph_inputs)
    if edit:
        edit(model)
    onnx.checker.check_model(model)
    data = rng.normal(size=(n, *shape)).astype(np.float32)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(model.SerializeToString(), options)
    result = session.run(["y"], {"x": data})[0]
    if softmax:  # the scores before it, up to a constant per picture
        result = np.log(result) if result.min() > 0 else result
        result = result - result.max(1, keepdims=True)
    assert name not in cases, name
    assert np.isfinite(result).all(), name
    cases[name] = (model, data, result.reshape(n, -1))


# convolution
case("conv_plain", [node("Conv", "x w b", "t")], {"w": w(3, 2, 3, 3), "b": w(3)})
case("conv_without_bias", [node("Conv", "x w", "t", kernel_shape=[2, 3])], {"w": w(3, 2, 2, 3)})
case("conv_asymmetric_pads", [node("Conv", "x w b", "t", pads=[0, 1, 2, 3], strides=[2, 1])],
     {"w": w(3, 2, 3, 2), "b": w(3)})
case("conv_dilated", [node("Conv", "x w b", "t", dilations=[2, 1], pads=[1, 1, 1, 1])],
     {"w": w(3, 2, 3, 3), "b": w(3)})
case("conv_groups", [node("Conv", "x w b", "t", group=2)], {"w": w(6, 2, 2, 2), "b": w(6)},
     shape=(4, 5, 6))
case("conv_depthwise", [node("Conv", "x w", "t", group=4, pads=[1, 1, 1, 1])],
     {"w": w(4, 1, 3, 3)}, shape=(4, 5, 6))
for pad in ["SAME_UPPER", "SAME_LOWER", "VALID"]:
    case(f"conv_{pad.lower()}", [node("Conv", "x w b", "t", auto_pad=pad, strides=[2, 2])],
         {"w": w(3, 2, 4, 3), "b": w(3)}, shape=(2, 7, 6))
    case(f"maxpool_{pad.lower()}",
         [node("MaxPool", "x", "t", auto_pad=pad, kernel_shape=[3, 2], strides=[2, 2])],
         shape=(2, 7, 6))
    case(f"avgpool_{pad.lower()}",
         [node("AveragePool", "x", "t", auto_pad=pad, kernel_shape=[3, 2], strides=[2, 2])],
         shape=(2, 7, 6))

# pooling
case("maxpool_plain", [node("MaxPool", "x", "t", kernel_shape=[2, 3])], opset=8)
case("maxpool_asymmetric_pads", [node("MaxPool", "x", "t", kernel_shape=[3, 3], strides=[2, 2],
                                      pads=[0, 1, 1, 2])])
case("maxpool_ceil", [node("MaxPool", "x", "t", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)],
     shape=(2, 6, 8), opset=10)
case("maxpool_ceil_pads", [node("MaxPool", "x", "t", kernel_shape=[2, 2], strides=[2, 2],
                                pads=[1, 1, 1, 1], ceil_mode=1)], shape=(2, 5, 6))
case("maxpool_dilated", [node("MaxPool", "x", "t", kernel_shape=[2, 2], dilations=[2, 3])])
case("avgpool_plain", [node("AveragePool", "x", "t", kernel_shape=[2, 3], strides=[1, 2])], opset=7)
for include in [0, 1]:
    case(f"avgpool_pads_count_{include}",
         [node("AveragePool", "x", "t", kernel_shape=[3, 3], pads=[1, 0, 1, 2],
               count_include_pad=include)], opset=11)
    case(f"avgpool_ceil_count_{include}",
         [node("AveragePool", "x", "t", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1],
               ceil_mode=1, count_include_pad=include)], opset=19, shape=(2, 6, 8))
case("global_average", [node("GlobalAveragePool", "x", "t")])
case("global_max", [node("GlobalMaxPool", "x", "t")])
case("reduce_mean_keepdims", [node("ReduceMean", "x", "t", axes=[2, 3])])
case("reduce_mean_negative_axes", [node("ReduceMean", "x", "y", axes=[-1, -2], keepdims=0)],
     flatten=False)
case("reduce_mean_axes_input", [node("ReduceMean", "x a", "y", keepdims=0)], {"a": ints(2, 3)},
     flatten=False, opset=18)
case("reduce_mean_rows", [node("ReduceMean", "x", "t", axes=[2])])
case("reduce_mean_columns", [node("ReduceMean", "x a", "t", keepdims=0)], {"a": ints(3)}, opset=18)
case("reduce_mean_of_rank_3", [node("Reshape", "x s", "r"),
                               node("ReduceMean", "r", "y", axes=[2], keepdims=0)],
     {"s": ints(0, 2, -1)}, flatten=False)

# dense layers
FLAT = node("Flatten", "x", "f")
case("gemm_plain", [FLAT, node("Gemm", "f w b", "y")], {"w": w(60, 4), "b": w(4)}, flatten=False)
case("gemm_alpha_beta", [FLAT, node("Gemm", "f w b", "y", transB=1, alpha=0.5, beta=-2.0)],
     {"w": w(4, 60), "b": w(1, 4)}, flatten=False, opset=9)
case("gemm_scalar_bias", [FLAT, node("Gemm", "f w b", "y")],
     {"w": w(60, 4), "b": np.float32(0.75).reshape(())}, flatten=False)
case("gemm_without_bias", [FLAT, node("Gemm", "f w", "y", transB=1)], {"w": w(4, 60)},
     flatten=False, opset=11)
case("matmul_add", [FLAT, node("MatMul", "f w", "m"), node("Add", "m b", "y")],
     {"w": w(60, 4), "b": w(4)}, flatten=False)
case("matmul_added_to", [FLAT, node("MatMul", "f w", "m"), node("Add", "b m", "y")],
     {"w": w(60, 4), "b": w(1, 4)}, flatten=False)
case("matmul_transposed_weight", [FLAT, node("Transpose", "w", "v"), node("MatMul", "f v", "y")],
     {"w": w(4, 60)}, flatten=False)

# activations
case("relu", [node("Relu", "x", "t")])
case("leaky_relu", [node("LeakyRelu", "x", "t", alpha=0.3)], opset=7)
case("leaky_relu_default", [node("LeakyRelu", "x", "t")])
case("elu", [node("Elu", "x", "t", alpha=0.7)])
case("sigmoid", [node("Sigmoid", "x", "t")])
case("tanh", [node("Tanh", "x", "t")])
case("clip_attributes", [node("Clip", "x", "t", min=-0.5, max=0.25)], opset=7)
case("clip_attribute_min", [node("Clip", "x", "t", min=0.1)], opset=7)
case("clip_inputs", [node("Clip", "x lo hi", "t")],
     {"lo": np.float32(0), "hi": np.float32(6)}, opset=11)
case("clip_upper_input", [helper.make_node("Clip", ["x", "", "hi"], ["t"])],
     {"hi": np.float32(0.3)})
case("softmax_trailing", [FLAT, node("Gemm", "f w", "l"), node("Softmax", "l", "y")], {"w": w(60, 4)}, flatten=False, softmax=True)
case("softmax_trailing_old", [FLAT, node("Gemm", "f w", "l"),
                              node("Softmax", "l", "y")], {"w": w(60, 4)}, flatten=False, opset=11,
     softmax=True)
case("log_softmax_trailing", [FLAT, node("Gemm", "f w", "l"), node("LogSoftmax", "l", "y", axis=1)],
     {"w": w(60, 4)}, flatten=False, softmax=True)
case("softmax_inside", [node("Softmax", "x", "p", axis=1), node("Flatten", "p", "f"),
                        node("Gemm", "f w", "y")], {"w": w(60, 4)}, flatten=False)

# normalisation
def norms(*shape):
    return {"g": w(*shape), "b": w(*shape), "m": w(*shape),
            "v": rng.uniform(0.1, 2, shape).astype(np.float32)}


case("batch_norm_alone", [node("BatchNormalization", "x g b m v", "t")], norms(2))
case("batch_norm_epsilon", [node("Conv", "x w", "c"),
                            node("BatchNormalization", "c g b m v", "t", epsilon=0.1)],
     {"w": w(3, 2, 3, 3), **norms(3)}, opset=9)
case("batch_norm_of_vectors", [FLAT, node("Gemm", "f w c", "h"),
                               node("BatchNormalization", "h g b m v", "y")],
     {"w": w(60, 4), "c": w(4), **norms(4)}, flatten=False)
case("batch_norm_before_relu_and_dense", [FLAT, node("BatchNormalization", "f g b m v", "n"),
                                          node("Relu", "n", "r"), node("Gemm", "r w", "y")],
     {"w": w(60, 4), **norms(60)}, flatten=False)
case("batch_norm_shared_conv", [node("Conv", "x w", "c"),
                                node("BatchNormalization", "c g b m v", "n"),
                                node("Add", "n c", "t")], {"w": w(3, 2, 3, 3), **norms(3)})
case("lrn", [node("LRN", "x", "t", size=3, alpha=0.5, beta=0.6, bias=1.5)], shape=(6, 3, 3))

# padding
case("pad_attributes", [node("Pad", "x", "t", pads=[0, 0, 1, 2, 0, 0, 0, 3], value=0.5)], opset=7)
case("pad_inputs", [node("Pad", "x p v", "t")],
     {"p": ints(0, 0, 1, 2, 0, 0, 0, 3), "v": np.float32(-1)}, opset=11)
case("pad_axes", [helper.make_node("Pad", ["x", "p", "", "a"], ["t"])],
     {"p": ints(1, 2, 3, 4), "a": ints(3, -2)}, opset=18)
case("pad_nothing", [node("Pad", "x p", "t", mode="reflect")], {"p": ints(*[0] * 8)})

# arithmetic
for op in ["Add", "Sub", "Mul", "Div"]:
    low = op.lower()
    case(f"{low}_scalar", [node(op, "x c", "t")], {"c": np.float32(1.5)})
    case(f"{low}_channels", [node(op, "x c", "t")], {"c": w(2, 1, 1)})
    case(f"{low}_map", [node(op, "x c", "t")], {"c": w(1, 2, 5, 6)}, opset=7)
    case(f"{low}_columns", [node(op, "x c", "t")], {"c": w(6)})
    case(f"{low}_rows_of_channels", [node(op, "x c", "t")], {"c": w(2, 5, 1)})
    case(f"{low}_after_conv", [node("Conv", "x w b", "h"), node(op, "h c", "t")],
         {"w": w(3, 2, 3, 3), "b": w(3), "c": w(3, 1, 1)})
for op in ["Add", "Sub", "Mul"]:
    low = op.lower()
    case(f"{low}_constant_first", [node(op, "c x", "t")], {"c": w(2, 1, 1)})
    case(f"{low}_maps", [node("Conv", "x w", "h", pads=[1] * 4), node(op, "h x", "t")],
         {"w": w(2, 2, 3, 3)})
    case(f"{low}_maps_broadcast", [node("GlobalAveragePool", "x", "h"), node(op, "x h", "t")])
case("sum_of_three", [node("Relu", "x", "a"), node("Tanh", "x", "b"), node("Sum", "a b x", "t")])
case("squeeze_and_excite", [
    node("GlobalAveragePool", "x", "g"), node("Conv", "g w b", "h"), node("Sigmoid", "h", "s"),
    node("Mul", "x s", "t")], {"w": w(2, 2, 1, 1), "b": w(2)})
case("swish", [node("Sigmoid", "x", "s"), node("Mul", "x s", "t")])
case("concat", [node("Conv", "x w", "a"), node("Relu", "a", "b"),
                node("Concat", "a b a", "t", axis=1)], {"w": w(3, 2, 2, 2)})
case("concat_of_vectors", [FLAT, node("Relu", "f", "r"), node("Concat", "f r", "y", axis=-1)],
     flatten=False)

# dimensions
case("reshape_minus_one", [node("Reshape", "x s", "y")], {"s": ints(0, -1)}, flatten=False)
case("reshape_first_open", [node("Reshape", "x s", "y")], {"s": ints(-1, 60)}, flatten=False)
case("reshape_allowzero", [node("Reshape", "x s", "y", allowzero=1)], {"s": ints(-1, 60)},
     flatten=False, opset=14)
case("reshape_to_map_and_conv", [FLAT, node("Reshape", "f s", "m"), node("Conv", "m w", "t")],
     {"s": ints(0, 3, 4, 5), "w": w(2, 3, 2, 2)})
case("reshape_from_shape", [
    node("Shape", "x", "s"), node("Gather", "s zero", "n"),
    node("Unsqueeze", "n", "u", axes=[0]), node("Concat", "u rest", "d", axis=0),
    node("Reshape", "x d", "y")],
    {"zero": np.int64(0), "rest": ints(-1)}, flatten=False, opset=11)
case("reshape_from_product", [
    node("Shape", "x", "s"), node("Slice", "s from to", "chw"), node("ReduceProd", "chw", "p"),
    node("Slice", "s none from", "n"), node("Concat", "n p", "d", axis=0),
    node("Reshape", "x d", "y")],
    {"from": ints(1), "to": ints(2**62), "none": ints(0)}, flatten=False)
case("shape_start_end", [
    node("Shape", "x", "n", end=1), node("Shape", "x", "hw", start=-2),
    node("Concat", "n hw c", "d", axis=0), node("Reshape", "x d", "t")],
    {"c": ints(2)}, opset=15)
case("fixed_batch", [node("Reshape", "x s", "f"), node("Gemm", "f w", "y")],
     {"s": ints(3, -1), "w": w(60, 4)}, flatten=False, batch=3, n=3)
case("flatten_last", [node("GlobalAveragePool", "x", "g"), node("Flatten", "g", "y", axis=-3)],
     flatten=False, opset=11)
case("squeeze_attribute", [node("GlobalAveragePool", "x", "g"),
                           node("Squeeze", "g", "y", axes=[2, 3])], flatten=False, opset=11)
case("squeeze_input", [node("GlobalAveragePool", "x", "g"), node("Squeeze", "g a", "y")],
     {"a": ints(-1, 2)}, flatten=False)
case("unsqueeze_to_map", [FLAT, node("Unsqueeze", "f a", "m"), node("Conv", "m w", "t")],
     {"a": ints(2, 3), "w": w(3, 60, 1, 1)})
case("transpose_of_ones", [node("GlobalAveragePool", "x", "g"),
                           node("Transpose", "g", "h", perm=[0, 2, 3, 1]),
                           node("Reshape", "h s", "y")], {"s": ints(0, -1)}, flatten=False)
case("expand_to_itself", [node("Expand", "x s", "t")], {"s": ints(1, 2, 5, 1)})

# constants computed on the way
case("bias_expanded", [
    node("Shape", "w", "s"), node("Slice", "s zero one", "o"), node("Cast", "two", "h", to=1),
    node("Expand", "h o", "b"), node("Conv", "x w b", "t")],
    {"w": w(3, 2, 3, 3), "zero": ints(0), "one": ints(1), "two": np.int32(2)})
case("constant_of_shape", [
    node("Shape", "x", "s"),
    node("ConstantOfShape", "s", "c", value=helper.make_tensor("v", 1, [1], [2.5])),
    node("Mul", "x c", "t")], batch=1, n=1)
case("expand_chain_of_torch", [
    node("ConstantOfShape", "r", "ones", value=helper.make_tensor("v", 7, [1], [1])),
    node("Mul", "ones minus", "neg"), node("Equal", "want neg", "is"),
    node("Where", "is ones want", "d"), node("Expand", "c d", "e"), node("Add", "x e", "t")],
    {"r": ints(3), "minus": np.int64(-1), "want": ints(2, 5, -1), "c": w(2, 1, 1)})
case("gather_range", [
    node("Range", "a b s", "i"), node("Gather", "w i", "v"), node("Conv", "x v", "t")],
    {"a": np.int64(3), "b": np.int64(-1), "s": np.int64(-2), "w": w(4, 2, 2, 2)})
case("slice_backwards", [
    node("Slice", "w a b ax s", "v"), node("Conv", "x v", "t")],
    {"a": ints(-1, 0), "b": ints(-2**60, 9), "ax": ints(0, 3), "s": ints(-2, 2),
     "w": w(5, 2, 2, 4)})
case("weight_arithmetic", [
    node("Mul", "w w", "q"), node("Sqrt", "q", "a"), node("Neg", "a", "n"), node("Sub", "n half", "m"),
    node("Div", "m two", "d"), node("Floor", "d", "l"), node("Add", "l w", "v"),
    node("Conv", "x v", "t")],
    {"w": w(3, 2, 3, 3), "half": np.float32(0.5), "two": np.float32(2)})
case("weight_reshaped", [
    node("Constant", "", "s", value_ints=[3, -1, 3, 3]),
    node("Reshape", "w s", "v"), node("Conv", "x v", "t")], {"w": w(54)})
case("weight_squeezed", [
    node("Squeeze", "w a", "u"), node("Unsqueeze", "u b", "v"), node("Conv", "x v", "t")],
    {"w": w(1, 3, 2, 4), "a": ints(0), "b": ints(-1)})
case("constants", [
    node("Constant", "", "a", value_float=1.5),
    node("Constant", "", "b", value_floats=[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
    node("Constant", "", "i", value_int=3),
    node("Constant", "", "c", value=numpy_helper.from_array(w(2, 1, 1))),
    node("Cast", "i", "d", to=1), node("Mul", "x a", "p"), node("Add", "p b", "q"),
    node("Mul", "q c", "r"), node("Sub", "r d", "t")])
case("half_weights", [node("Cast", "w", "v", to=1), node("Cast", "b", "c", to=1),
                      node("Conv", "x v c", "t")],
     {"w": w(3, 2, 3, 3).astype(np.float16), "b": w(3).astype(np.float64)})
case("cast_like", [node("CastLike", "c x", "d"), node("Mul", "x d", "t")], {"c": np.int32(3)},
     opset=15)

# nothing to compute
case("dropout_old", [node("Dropout", "x", "t", ratio=0.3)], opset=7)
case("dropout_inputs", [node("Dropout", "x r mode", "t")],
     {"r": np.float32(0.3), "mode": np.array(False)})
case("dropout_mask_is_an_output", [
    helper.make_node("Dropout", ["x"], ["t", "mask"])], outputs=("y", "mask"))
case("identity", [node("Identity", "x", "i"), node("Identity", "w", "v"), node("Conv", "i v", "t")],
     {"w": w(3, 2, 3, 3)})
case("cast_of_a_map", [node("Cast", "x", "t", to=1)])
case("unneeded_nodes", [node("Relu", "x", "t"), node("Softplus", "x", "side")])


def nameless(model):
    for n in model.graph.node:
        n.name = ""


def named_input(model):
    model.graph.node[0].name = "input"


STACK = [node("Conv", "x w", "h"), node("Relu", "h", "r"), node("Conv", "r v", "t")]
case("names_missing", STACK, {"w": w(3, 2, 2, 2), "v": w(2, 3, 2, 2)}, edit=nameless)
case("name_taken", STACK, {"w": w(3, 2, 2, 2), "v": w(2, 3, 2, 2)}, edit=named_input)

# activations, as operators and written out
for op, extra in [("Selu", {}), ("HardSigmoid", {"alpha": 0.3}), ("HardSwish", {}), ("Softplus", {}),
                  ("Mish", {}), ("Erf", {})]:
    case(op.lower(), [node(op, "x", "t", **extra)], opset=18)
case("gelu", [node("Gelu", "x", "t")], opset=20)
case("gelu_tanh", [node("Gelu", "x", "t", approximate="tanh")], opset=20)
case("prelu", [node("PRelu", "x a", "t")], {"a": np.array([0.3], np.float32)})
case("pow", [node("Pow", "x p", "t")], {"p": np.array(3, np.int64)})
ONE, HALF, ROOT = np.float32(1), np.float32(0.5), np.float32(np.sqrt(2))
case("gelu_written_out", [
    node("Conv", "x w b", "h"), node("Div", "h root", "d"), node("Erf", "d", "e"),
    node("Add", "e one", "a"), node("Mul", "h a", "m"), node("Mul", "m half", "t")],
    {"w": w(3, 2, 2, 2), "b": w(3), "one": ONE, "half": HALF, "root": ROOT})
case("gelu_tanh_written_out", [
    node("Conv", "x w b", "h"), node("Pow", "h three", "p"), node("Mul", "p c", "q"),
    node("Add", "h q", "s"), node("Mul", "s k", "u"), node("Tanh", "u", "v"),
    node("Add", "v one", "a"), node("Mul", "half h", "m"), node("Mul", "m a", "t")],
    {"w": w(3, 2, 2, 2), "b": w(3), "one": ONE, "half": HALF, "three": np.float32(3),
     "c": np.float32(0.044715), "k": np.float32(np.sqrt(2 / np.pi))})
case("hard_swish_written_out", [
    node("Add", "x three", "a"), node("Clip", "a zero six", "c"), node("Div", "c six", "d"),
    node("Mul", "x d", "t")],
    {"three": np.float32(3), "zero": np.float32(0), "six": np.float32(6)})

# batch normalisation before and after other layers
NORM = {"g": w(3), "o": w(3), "m": w(3), "v": np.abs(w(3))}
for name, pads in [("norm_before_conv", [0] * 4), ("norm_before_padded_conv", [1] * 4)]:
    case(name, [
        node("Conv", "x w", "c"), node("Relu", "c", "r"), node("BatchNormalization", "r g o m v", "n"),
        node("Conv", "n u", "t", pads=pads)], {"w": w(3, 2, 2, 2), "u": w(4, 3, 2, 2), **NORM})
case("norm_before_dense", [
    node("Conv", "x w", "c"), node("Relu", "c", "r"), node("BatchNormalization", "r g o m v", "n"),
    node("Flatten", "n", "f"), node("Gemm", "f u b", "y")],
    {"w": w(3, 2, 2, 2), "u": w(60, 4), "b": w(4), **NORM}, flatten=False)
for name, op in [("norm_after_sum", "Add"), ("norm_after_difference", "Sub")]:
    case(name, [
        node("Conv", "x w", "c"), node("Conv", "x u", "d"), node(op, "c d", "s"),
        node("BatchNormalization", "s g o m v", "n"), node("Relu", "n", "t")],
        {"w": w(3, 2, 2, 2), "u": w(3, 2, 2, 2), **NORM})
case("norm_after_concat", [
    node("Conv", "x w", "c"), node("Conv", "x u", "d"), node("Concat", "c d", "s", axis=1),
    node("BatchNormalization", "s g o m v", "n"), node("Relu", "n", "t")],
    {"w": w(1, 2, 2, 2), "u": w(2, 2, 2, 2), **NORM})

arrays = {}
for name, (model, data, result) in cases.items():
    arrays[f"{name}.onnx"] = np.frombuffer(model.SerializeToString(), np.uint8)
    arrays[f"{name}.x"], arrays[f"{name}.y"] = data, result
np.savez_compressed(OUT, **arrays)
print(f"{len(cases)} cases, onnx {onnx.__version__}, onnxruntime {ort.__version__}, "
      f"numpy {np.__version__}")
