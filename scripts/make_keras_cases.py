"""Tiny Keras networks as Keras exports them, with onnxruntime's outputs.

Keras with TensorFlow goes through tf2onnx, with PyTorch through torch.onnx; both keep channels last.
Writes tests/data/keras_<backend>.npz: the model <case>.onnx as bytes, its inputs <case>.x (kept as
(N, C, H, W) like those of the other cases), its outputs <case>.y (before a Softmax). A case is
<network>.<backend><opset>.

    pip install keras onnx onnxruntime and tensorflow-cpu tf2onnx, or torch onnxscript
    KERAS_BACKEND=tensorflow python scripts/make_keras_cases.py
    KERAS_BACKEND=torch python scripts/make_keras_cases.py
"""

import os
import tempfile
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import onnx
import onnxruntime as ort
from keras import layers as L
from onnx import helper

BACKEND = keras.backend.backend()
OPSETS = {"tensorflow": [13, 15, 18], "torch": [18, 20]}[BACKEND]
OUT = Path(__file__).parent.parent / "tests" / "data" / f"keras_{BACKEND}.npz"
CLASSES = 5
rng = np.random.default_rng(0)


def vgg(x):
    """conv-conv-pool-bn blocks, dropout, dense layers, Softmax."""
    for wide in (4, 6):
        x = L.Conv2D(wide, 3, padding="same", activation="relu")(x)
        x = L.Conv2D(wide, 3, padding="same", activation="relu")(x)
        x = L.BatchNormalization()(L.MaxPooling2D()(x))
        x = L.Dropout(0.25)(x)
    x = L.Dense(8, activation="relu")(L.Flatten()(x))
    x = L.Dense(6, activation="relu")(L.Dropout(0.5)(x))
    return L.Dense(CLASSES, activation="softmax")(x)


def lenet(x):
    """Unpadded convolutions, average pooling, activations that are layers."""
    x = L.AveragePooling2D(2)(L.Conv2D(4, 5, activation="tanh")(x))
    x = L.Activation("relu")(L.Conv2D(6, 3)(x))
    return L.Dense(CLASSES)(L.Flatten()(x))


def mobile(x):
    """Padding, depthwise convolutions, ReLU6, squeeze and excitation, a residual sum."""
    x = L.ZeroPadding2D(((0, 1), (0, 1)))(x)
    x = L.Conv2D(6, 3, strides=2, use_bias=False)(x)
    x = before = L.ReLU(6.0)(L.BatchNormalization(epsilon=1e-3)(x))
    x = L.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
    x = L.ReLU(6.0)(L.BatchNormalization()(x))
    gate = L.Reshape((1, 1, 6))(L.GlobalAveragePooling2D()(x))
    gate = L.Conv2D(6, 1, activation="sigmoid")(L.Conv2D(3, 1, activation="relu")(gate))
    x = L.Add()([before, L.Multiply()([x, gate])])
    x = L.SeparableConv2D(8, 3, padding="same", activation="relu")(x)
    return L.Dense(CLASSES)(L.GlobalAveragePooling2D()(x))


def inception(x):
    """Branches side by side, scaling of the input inside the network, a convolution as head."""
    x = L.Rescaling(2.0, offset=-1.0)(x)
    x = L.Conv2D(4, 3, strides=2, padding="same", activation="relu")(x)
    one = L.Conv2D(3, 1, activation="relu")(x)
    three = L.Conv2D(4, 3, padding="same", activation="elu")(x)
    pool = L.Conv2D(2, 1)(L.MaxPooling2D(3, strides=1, padding="same")(x))
    x = L.Concatenate()([one, three, pool])
    x = L.LeakyReLU()(L.BatchNormalization()(x))
    return L.Flatten()(L.GlobalMaxPooling2D(keepdims=True)(L.Conv2D(CLASSES, 1)(x)))


NETWORKS = {
    "keras_vgg": (vgg, (16, 16, 3)),
    "keras_lenet": (lenet, (16, 12, 1)),
    "keras_mobile": (mobile, (16, 16, 3)),
    "keras_inception": (inception, (16, 12, 3)),
}


def randomise(net):
    """Biases and batch statistics that matter."""
    for layer in net.layers:
        values = []
        for weight in layer.weights:
            value = keras.ops.convert_to_numpy(weight)
            if weight.name in ("bias", "beta", "moving_mean"):
                value = rng.normal(scale=0.2, size=value.shape)
            if weight.name in ("gamma", "moving_variance"):
                value = rng.uniform(0.5, 1.5, size=value.shape)
            values.append(value)
        layer.set_weights(values)


def export(net, opset):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        net.export(str(path), format="onnx", opset_version=opset, verbose=False)
        return path.read_bytes()


def outputs(data, x):
    """onnxruntime's values of the output, or of what a last Softmax reads."""
    model = onnx.load_from_string(data)
    name = model.graph.output[0].name
    made = {n.output[0]: n for n in model.graph.node}
    while name in made and made[name].op_type in ("Identity", "Softmax"):
        name = made[name].input[0]
    if name != model.graph.output[0].name:
        model.graph.output.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model.SerializeToString(), options,
                                   providers=["CPUExecutionProvider"])
    return session.run([name], {session.get_inputs()[0].name: x})[0]


def main():
    keras.utils.set_random_seed(0)
    cases = {}
    for name, (make, shape) in NETWORKS.items():
        first = L.Input(shape)
        net = keras.Model(first, make(first))
        randomise(net)
        x = rng.uniform(size=(2, *shape)).astype(np.float32)
        net.predict(x, verbose=0)
        for opset in OPSETS:
            case = f"{name}.{BACKEND}{opset}"
            data = export(net, opset)
            cases[f"{case}.onnx"] = np.frombuffer(data, dtype=np.uint8)
            cases[f"{case}.x"], cases[f"{case}.y"] = x.transpose(0, 3, 1, 2).copy(), outputs(data, x)
            print(case, len(data), flush=True)
    np.savez_compressed(OUT, **cases)


if __name__ == "__main__":
    main()
