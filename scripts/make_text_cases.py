"""Small networks of texts for the tests: one convolutional network in three forms, and what onnxruntime says of it.

    python scripts/make_text_cases.py        # onnx 1.23, onnxruntime 1.32, numpy 2.4

`ids.onnx` looks vectors up, `vectors.onnx` takes them, `picture.onnx` takes the same as a picture of one column.
"""

import json
import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

OUT = pathlib.Path(__file__).parent.parent / "tests" / "data" / "texts"
WORDS = ["<pad>", "<unk>", "ice", "hockey", "goal", "team", "moon", "orbit", "launch", "space", "the", "new-york"]
LENGTH, VALUES, FILTERS, CLASSES = 12, 3, 8, 2


def weights():
    draw = np.random.default_rng(19).standard_normal
    table = draw((len(WORDS), VALUES)).astype(np.float32)
    table[0] = 0
    table[2:6, 0] += 2
    table[6:10, 0] -= 2
    conv = draw((FILTERS, VALUES, 2)).astype(np.float32)
    dense = draw((CLASSES, FILTERS)).astype(np.float32)
    # filters that begin with a positive first value speak for the second class
    dense[1] += np.sign(conv[:, 0].sum(1)) * 2
    return {
        "table": table,
        "conv": conv,
        "conv_bias": (0.1 * draw(FILTERS)).astype(np.float32),
        "dense": dense,
        "dense_bias": (0.1 * draw(CLASSES)).astype(np.float32),
    }


def save(name, nodes, input_value, tensors):
    output = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", CLASSES])
    constants = [numpy_helper.from_array(value, key) for key, value in tensors.items()]
    graph = helper.make_graph(nodes, name, [input_value], [output], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, OUT / f"{name}.onnx")


def rest(features, rank):
    axes = list(range(2, rank))
    return [
        helper.make_node("Conv", [features, "conv", "conv_bias"], ["c"], kernel_shape=[2] + [1] * (rank - 3)),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("ReduceMax", ["r"], ["m"], axes=axes, keepdims=0),
        helper.make_node("Gemm", ["m", "dense", "dense_bias"], ["logits"], transB=1),
    ]


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    own = weights()
    table = own.pop("table")
    turn = helper.make_node("Transpose", ["vectors"], ["t"], perm=[0, 2, 1])
    value = helper.make_tensor_value_info
    look_up = helper.make_node("Gather", ["table", "ids"], ["vectors"])
    save("ids", [look_up, turn, *rest("t", 3)], value("ids", TensorProto.INT64, ["n", "tokens"]), {"table": table, **own})
    save("vectors", [turn, *rest("t", 3)], value("vectors", TensorProto.FLOAT, ["n", "tokens", VALUES]), own)
    flat = {**own, "conv": own["conv"][..., None]}
    save("picture", rest("x", 4), value("x", TensorProto.FLOAT, [1, VALUES, LENGTH, 1]), flat)
    (OUT / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    np.save(OUT / "vectors.npy", table)
    ids = np.random.default_rng(7).integers(2, len(WORDS), (4, LENGTH))
    ids[0, 5:] = 0
    session = onnxruntime.InferenceSession(OUT / "ids.onnx")
    logits = session.run(None, {"ids": ids})[0]
    (OUT / "expected.json").write_text(json.dumps({"ids": ids.tolist(), "logits": logits.tolist()}) + "\n")
    names = {"sport": WORDS[2:6], "space": WORDS[6:10]}
    lines, draw = ["text,label"], np.random.default_rng(3)
    for number in range(12):
        label = ["sport", "space"][number % 2]
        words = [*draw.choice(names[label], 5), *draw.choice(WORDS[2:], 3), "unheard"]
        lines.append(f"{' '.join(str(w) for w in draw.permutation(words)).title()},{label}")
    (OUT / "texts.csv").write_text("\n".join(lines) + "\n")
    (OUT / "classes.txt").write_text("space\nsport\n")
    sidecar = 'classes = "classes.txt"\n\n[text]\ntokens = "[a-z<>]+(?:-[a-z]+)*"\nvocabulary = "vocab.txt"\nlength = 12\n'
    (OUT / "ids.toml").write_text(sidecar)
    (OUT / "vectors.toml").write_text(sidecar + 'vectors = "vectors.npy"\n')


if __name__ == "__main__":
    main()
