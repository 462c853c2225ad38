"""Small ONNX models with values of any number of axes, with the outputs of onnxruntime.

Writes tests/data/rank_cases.npz: the model <case>.onnx as bytes, its inputs <case>.x, its outputs
<case>.y. Made with onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6:

    python scripts/make_rank_cases.py
"""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

OUT = Path(__file__).parent.parent / "tests" / "data" / "rank_cases.npz"
rng = np.random.default_rng(0)
cases = {}


def w(*shape):
    return rng.normal(size=shape).astype(np.float32)


def ints(*values):
    return np.array(values, dtype=np.int64)


def f(*values):
    return np.array(values if len(values) != 1 else values[0], dtype=np.float32)


def node(op, inputs, output, **attributes):
    inputs = ["" if i == "_" else i for i in inputs.split()]
    outputs = output.split()
    return helper.make_node(op, inputs, outputs, name=f"{op}_{outputs[0]}", **attributes)


def case(name, nodes, weights=None, shape=(2, 4, 6), opset=18, positive=False):
    """Registers a model whose last node writes `t`, on pictures one by one."""
    nodes = [*nodes, node("Reshape", "t flat", "y")]
    weights = {**(weights or {}), "flat": ints(1, -1)}
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, *shape])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, "classes"])
    initializers = [numpy_helper.from_array(v, k) for k, v in weights.items()]
    graph = helper.make_graph(nodes, "case", [x], [y], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 10
    onnx.checker.check_model(model)
    data = rng.normal(size=(2, *shape)).astype(np.float32)
    data = np.abs(data) + np.float32(0.1) if positive else data
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(model.SerializeToString(), options)
    result = np.concatenate([session.run(["y"], {"x": one[None]})[0].reshape(1, -1) for one in data])
    assert name not in cases, name
    assert np.isfinite(result).all(), name
    cases[name] = (model, data, result.astype(np.float32))


# order of axes
case("transpose_windows", [
    node("Reshape", "x s", "r"), node("Transpose", "r", "p", perm=[0, 2, 4, 3, 5, 1]),
    node("Reshape", "p q", "t")], {"s": ints(1, 2, 2, 2, 3, 2), "q": ints(6, 4, 2)})
case("channel_shuffle", [
    node("Reshape", "x s", "r"), node("Transpose", "r", "p", perm=[0, 2, 1, 3, 4]),
    node("Reshape", "p q", "h"), node("Conv", "h w", "t")],
    {"s": ints(1, 2, 3, 4, 4), "q": ints(1, 6, 4, 4), "w": w(2, 6, 3, 3)}, shape=(6, 4, 4))
case("tokens_and_back", [
    node("Reshape", "x s", "r"), node("Transpose", "r", "p", perm=[0, 2, 1]),
    node("MatMul", "p m", "v"), node("Transpose", "v", "u", perm=[0, 2, 1]),
    node("Reshape", "u q", "h"), node("MaxPool", "h", "t", kernel_shape=[2, 2])],
    {"s": ints(1, 2, 24), "m": w(2, 3), "q": ints(1, 3, 4, 6)})
case("all_axes_reversed", [node("Transpose", "x", "t")])
case("squeeze_all", [node("ReduceMean", "x a", "r", keepdims=1), node("Squeeze", "r", "t")],
     {"a": ints(2, 3)})
case("depth_to_space", [node("DepthToSpace", "x", "t", blocksize=2)], shape=(8, 2, 5))
case("depth_to_space_crd", [node("DepthToSpace", "x", "t", blocksize=2, mode="CRD")], shape=(8, 2, 5))
case("space_to_depth", [node("SpaceToDepth", "x", "t", blocksize=2)])

# indices along axes
for axis in range(1, 4):
    case(f"slice_axis_{axis}", [node("Slice", "x a b c d", "t")],
         {"a": ints(-1), "b": ints(-99), "c": ints(axis), "d": ints(-1)})
    case(f"gather_axis_{axis}", [node("Gather", "x i", "t", axis=axis)],
         {"i": np.array([[1, 0], [-1, 1]], np.int64)})
    case(f"concat_axis_{axis}", [node("Relu", "x", "r"), node("Concat", "x r x", "t", axis=axis)])
    case(f"softmax_axis_{axis}", [node("Softmax", "x", "s", axis=axis), node("Mul", "s x", "t")])
    case(f"expand_axis_{axis}", [node("Slice", "x a b c", "h"), node("Expand", "h s", "t")],
         {"a": ints(0), "b": ints(1), "c": ints(axis),
          "s": ints(*[3 if k == axis else 1 for k in range(4)])})
    case(f"layer_norm_from_{axis}", [node("LayerNormalization", "x w b", "t", axis=axis)],
         {"w": w(*(2, 4, 6)[axis - 1:]), "b": w(*(2, 4, 6)[axis - 1:])})
case("slice_strided", [node("Slice", "x a b c d", "t")],
     {"a": ints(1, 0), "b": ints(99, 99), "c": ints(2, 3), "d": ints(2, 3)})
case("patch_merging", [
    node("Transpose", "x", "h", perm=[0, 2, 3, 1]),
    *[node("Slice", f"h a{i} e c d", f"p{i}") for i in range(4)],
    node("Concat", "p0 p1 p2 p3", "k", axis=-1), node("LayerNormalization", "k w b", "n"),
    node("MatMul", "n m", "t")],
    {"a0": ints(0, 0), "a1": ints(1, 0), "a2": ints(0, 1), "a3": ints(1, 1), "e": ints(99, 99),
     "c": ints(1, 2), "d": ints(2, 2), "w": w(8), "b": w(8), "m": w(8, 3)})
case("gather_scalar", [node("Gather", "x i", "t", axis=2)], {"i": np.array(-2, np.int64)})
case("gather_channels", [node("Gather", "x i", "h", axis=1), node("Conv", "h w", "t")],
     {"i": ints(2, 0, 1), "w": w(2, 3, 2, 2)}, shape=(3, 4, 5))
case("split_channels", [node("Split", "x s", "a b", axis=1), node("Sigmoid", "b", "g"),
                        node("Mul", "a g", "t")], {"s": ints(2, 2)}, shape=(4, 3, 5))
case("split_rows_unequal", [node("Split", "x s", "a b c", axis=2),
                            node("Concat", "c a b", "t", axis=2)], {"s": ints(1, 2, 1)})
case("split_as_many_as_outputs", [node("Split", "x", "a b", axis=3), node("Sub", "a b", "t")],
     opset=13)
case("tile", [node("Tile", "x r", "t")], {"r": ints(1, 2, 1, 3)})
case("class_token", [
    node("Reshape", "x s", "r"), node("Transpose", "r", "p", perm=[0, 2, 1]),
    node("Concat", "c p", "k", axis=1), node("Add", "k e", "a"),
    node("LayerNormalization", "a w b", "n"), node("Gather", "n i", "t", axis=1)],
    {"s": ints(1, 2, 24), "c": w(1, 1, 2), "e": w(1, 25, 2), "w": w(2), "b": w(2),
     "i": np.array(0, np.int64)})

# padding
for mode in ["reflect", "edge", "wrap"]:
    case(f"pad_{mode}", [node("Pad", "x p", "t", mode=mode)], {"p": ints(0, 0, 1, 2, 0, 0, 3, 1)},
         opset=19)
case("pad_negative", [node("Pad", "x p v", "t")], {"p": ints(0, 0, -1, 2, 0, 0, 1, -2), "v": f(0.5)})
case("pad_channels", [node("Pad", "x p", "t")], {"p": ints(0, 1, 0, 0, 0, 2, 0, 0)})
case("pad_infinite", [node("Pad", "x p v", "h"), node("MaxPool", "h", "t", kernel_shape=[3, 3])],
     {"p": ints(0, 0, 1, 1, 0, 0, 1, 1), "v": f(-np.inf)})
case("pad_tokens", [node("Reshape", "x s", "r"), node("Pad", "r p", "t")],
     {"s": ints(1, 8, 6), "p": ints(0, 1, 0, 0, 0, 2)})

# products
QKV = {"s": ints(1, 2, 24), "qkv": w(2, 18), "five": ints(1, 24, 3, 2, 3), "i0": np.array(0, np.int64),
       "i1": np.array(1, np.int64), "i2": np.array(2, np.int64), "root": f(0.6), "back": ints(1, 24, 6),
       "o": w(6, 2)}
ATTENTION = [
    node("Reshape", "x s", "r"), node("Transpose", "r", "p", perm=[0, 2, 1]),
    node("MatMul", "p qkv", "all"), node("Reshape", "all five", "parts"),
    node("Transpose", "parts", "heads", perm=[2, 0, 3, 1, 4]),
    *[node("Gather", f"heads i{k}", "qkv"[k] * 2, axis=0) for k in range(3)],
    node("Transpose", "kk", "kt", perm=[0, 1, 3, 2]), node("Mul", "qq root", "qs"),
    node("MatMul", "qs kt", "scores"), node("Softmax", "scores", "a", axis=-1),
    node("MatMul", "a vv", "mixed"), node("Transpose", "mixed", "m", perm=[0, 2, 1, 3]),
    node("Reshape", "m back", "z"), node("MatMul", "z o", "t")]
case("attention", ATTENTION, QKV)
case("matmul_constant_left", [node("MatMul", "m x", "t")], {"m": w(3, 4)})
case("matmul_constant_stack", [node("MatMul", "m x", "t")], {"m": w(2, 3, 4)})
case("matmul_constant_stack_right", [node("MatMul", "x m", "t")], {"m": w(1, 2, 6, 3)})
case("matmul_spread", [node("Slice", "x a b c", "h"), node("MatMul", "x v", "k"),
                       node("Transpose", "h", "ht", perm=[0, 1, 3, 2]), node("MatMul", "k ht", "t")],
     {"a": ints(0), "b": ints(1), "c": ints(1), "v": w(6, 6)})
case("gemm_on_tokens", [node("Reshape", "x s", "r"), node("Gemm", "r m b", "t", transB=1)],
     {"s": ints(8, 6), "m": w(3, 6), "b": w(3)})
for name, equation, second in [
    ("rows", "bchw,bkw->bchk", (1, 5, 6)), ("stack", "bchw,cwk->bkhc", (2, 6, 3)),
    ("outer", "bchw,k->bchwk", (3,)), ("implicit", "bchw,wz", (6, 2)),
]:
    case(f"einsum_{name}", [node("Einsum", "x m", "t", equation=equation)], {"m": w(*second)})
case("einsum_of_maps", [node("Sigmoid", "x", "s"), node("Einsum", "x s", "t", equation="bchw,bkhw->bhck")])

# normalisation
case("layer_norm_without_bias", [node("LayerNormalization", "x w", "t")], {"w": w(6)})
case("instance_norm", [node("InstanceNormalization", "x w b", "t")], {"w": w(2), "b": w(2)})
case("group_norm_spelled_out", [
    node("Reshape", "x s", "r"), node("InstanceNormalization", "r w b", "i"),
    node("Reshape", "i q", "k"), node("Mul", "k g", "m"), node("Add", "m h", "t")],
    {"s": ints(1, 2, -1), "w": w(2), "b": w(2), "q": ints(1, 4, 3, 5), "g": w(4, 1, 1), "h": w(4, 1, 1)},
    shape=(4, 3, 5))
case("group_norm", [node("GroupNormalization", "x w b", "t", num_groups=2)],
     {"w": w(4), "b": w(4)}, shape=(4, 3, 5), opset=21)
case("layer_norm_spelled_out", [
    node("ReduceMean", "x a", "m"), node("Sub", "x m", "d"), node("Pow", "d two", "p"),
    node("ReduceMean", "p a", "v"), node("Add", "v e", "k"), node("Sqrt", "k", "s"), node("Div", "d s", "z"),
    node("Mul", "z w", "o"), node("Add", "o b", "t")],
    {"a": ints(-1), "two": f(2.0), "e": f(1e-5), "w": w(6), "b": w(6)})
case("weight_standardisation", [
    node("ReduceMean", "w a", "m"), node("Sub", "w m", "d"), node("Mul", "d d", "p"),
    node("ReduceMean", "p a", "v"), node("Add", "v e", "k"), node("Sqrt", "k", "s"), node("Div", "d s", "z"),
    node("Conv", "x z", "t")], {"w": w(3, 2, 2, 2), "a": ints(1, 2, 3), "e": f(1e-5)})

# values
case("constant_along_rows", [node("Add", "x c", "t")], {"c": w(4, 1)})
case("constant_is_larger", [node("ReduceMean", "x a", "m"), node("Mul", "m c", "t")],
     {"a": ints(1), "c": w(1, 3, 4, 6)})
case("maps_spread_over_each_other", [
    node("ReduceMean", "x a", "m"), node("ReduceMax", "x b", "n"), node("Mul", "m n", "p"),
    node("Add", "p x", "t")], {"a": ints(2), "b": ints(3)})
case("maps_of_different_rank", [node("ReduceMean", "x a", "m", keepdims=0), node("Sub", "x m", "t")],
     {"a": ints(0, 1)})
for op in ["ReduceMean", "ReduceMax", "ReduceMin", "ReduceSum", "ReduceL1", "ReduceL2", "ReduceSumSquare"]:
    for axes in [(1,), (2,), (1, 3)]:
        case(f"{op.lower()}_{'_'.join(map(str, axes))}", [node(op, "x a", "t", keepdims=0)], {"a": ints(*axes)})
case("channel_attention", [
    node("ReduceMean", "x a", "m"), node("ReduceMax", "x a", "k"), node("Concat", "m k", "c", axis=1),
    node("Conv", "c w", "o", pads=[1, 1, 1, 1]), node("Sigmoid", "o", "s"), node("Mul", "x s", "t")],
    {"a": ints(1), "w": w(1, 2, 3, 3)})
for op in ["Abs", "Neg", "Exp", "Softsign", "Celu"]:
    case(op.lower(), [node(op, "x", "t")])
for op in ["Log", "Sqrt", "Reciprocal"]:
    case(op.lower(), [node(op, "x", "t")], positive=True)
case("pow_root", [node("Pow", "x p", "t")], {"p": f(1 / 3)}, positive=True)
case("prelu_per_channel", [node("PRelu", "x s", "t")], {"s": w(2, 1, 1)})
case("max_of_maps", [node("Sigmoid", "x", "s"), node("Max", "x s", "t")])
case("min_with_number", [node("Min", "x s", "t")], {"s": f(0.3)})
case("max_with_constant", [node("Max", "x s", "t")], {"s": w(2, 1, 1)})
case("div_of_maps", [node("Exp", "x", "e"), node("Div", "x e", "t")])
case("div_of_constant", [node("Exp", "x", "e"), node("Div", "c e", "t")], {"c": w(6)})
case("where_mask", [node("Where", "m x c", "t")], {"m": np.array(rng.random((4, 6)) > 0.5), "c": f(-100.0)})
case("where_maps", [node("Relu", "x", "r"), node("Where", "m r x", "t")],
     {"m": np.array(rng.random((2, 1, 6)) > 0.5)})
case("sum_spread", [node("ReduceMean", "x a", "m"), node("Sum", "x m x", "t")], {"a": ints(2, 3)})

# one axis of pixels
case("conv_along_a_line", [
    node("Reshape", "x s", "r"), node("Conv", "r w b", "c", pads=[1, 1], strides=[2]),
    node("Relu", "c", "t")], {"s": ints(1, 2, 24), "w": w(3, 2, 3), "b": w(3)})
case("efficient_channel_attention", [
    node("GlobalAveragePool", "x", "g"), node("Reshape", "g s", "r"),
    node("Conv", "r w", "c", pads=[1, 1]), node("Sigmoid", "c", "o"), node("Reshape", "o q", "k"),
    node("Mul", "x k", "t")], {"s": ints(1, 1, 6), "w": w(1, 1, 3), "q": ints(1, 6, 1, 1)}, shape=(6, 3, 4))

# arithmetic on constants
case("constants", [
    node("Mod", "i j", "m"), node("Greater", "i j", "g"), node("Not", "g", "n"), node("Cast", "n", "c", to=1),
    node("Cast", "m", "d", to=1), node("Add", "c d", "s"), node("Ceil", "k", "u"), node("Mul", "s u", "v"),
    node("Softmax", "v", "z", axis=0), node("Add", "x z", "t")],
    {"i": ints(7, -7, 5, -5, 3, 0), "j": ints(3, 3, -3, -3, 4, 2), "k": w(6)})
case("scatter_constants", [
    node("ScatterND", "d i u", "s"), node("GatherND", "s j", "g"), node("Mul", "x s", "m"), node("Add", "m g", "t")],
    {"d": w(4, 6), "i": np.array([[1, 2], [-1, 0], [3, 5]], np.int64), "u": w(3),
     "j": np.array([[1, 2]], np.int64)})

# numbers that are counted, blocks put back into a picture
for name, (start, limit, step) in {"up": (0.5, 3.1, 0.45), "down": (2.0, -1.0, -0.5)}.items():
    case(f"range_of_floats_{name}", [node("Range", "a b s", "c"), node("Mul", "x c", "t")],
         {"a": f(start), "b": f(limit), "s": f(step)})
case("col2im", [node("Reshape", "x s", "r"), node("Col2Im", "r i k", "t", strides=[2, 1], pads=[1, 0, 0, 1])],
     {"s": ints(1, 12, 10), "i": ints(4, 5), "k": ints(3, 2)}, shape=(3, 5, 8))
case("col2im_dilated", [node("Reshape", "x s", "r"), node("Col2Im", "r i k", "t", dilations=[2, 1])],
     {"s": ints(1, 8, 8), "i": ints(4, 5), "k": ints(2, 2)}, shape=(2, 4, 8))

arrays = {}
for name, (model, data, result) in cases.items():
    arrays[f"{name}.onnx"] = np.frombuffer(model.SerializeToString(), np.uint8)
    arrays[f"{name}.x"], arrays[f"{name}.y"] = data, result
np.savez_compressed(OUT, **arrays)
print(f"{len(cases)} cases, onnx {onnx.__version__}, onnxruntime {ort.__version__}, "
      f"numpy {np.__version__}")
