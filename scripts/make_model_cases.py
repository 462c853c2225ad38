"""Tiny versions of the networks people have, as each exporter writes them, with onnxruntime's outputs.

The blocks are torchvision's own, with a few channels and random weights; the Keras network is written
node by node the way tf2onnx does it (NHWC input, Transpose, MatMul + Add, Softmax at the end). Writes
tests/data/model_cases.npz: the model <case>.onnx as bytes, its inputs <case>.x, its outputs <case>.y
(before a Softmax). A case is <network>.<exporter><opset>.<fixed|dynamic>.

    pip install -r scripts/requirements-models.txt
    python scripts/make_model_cases.py
"""

import importlib
import io
import logging
import tempfile
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from export_models import export, randomise
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from torchvision.models import densenet, mobilenetv2, resnet, squeezenet, vgg

# the package has a function of this name
googlenet = importlib.import_module("torchvision.models.googlenet")

OUT = Path(__file__).parent.parent / "tests" / "data" / "model_cases.npz"
VARIANTS = [
    ("legacy", 11, "fixed"),
    ("legacy", 13, "dynamic"),
    ("legacy", 17, "fixed"),
    ("legacy", 20, "dynamic"),
    ("dynamo", 18, "fixed"),
    ("dynamo", 20, "dynamic"),
]
CLASSES = 5
rng = np.random.default_rng(0)


def alexnet():
    return nn.Sequential(
        nn.Conv2d(3, 4, 11, stride=4, padding=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2),
        nn.Conv2d(4, 6, 5, padding=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2),
        nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(), nn.Dropout(), nn.Linear(6, 8),
        nn.ReLU(inplace=True), nn.Linear(8, CLASSES)), 63


def vgg_net(norm):
    net = vgg.VGG(vgg.make_layers([3, "M", 4, 4, "M"], norm), num_classes=CLASSES)
    net.classifier = nn.Sequential(nn.Linear(4 * 49, 8), nn.ReLU(True), nn.Dropout(),
                                   nn.Linear(8, CLASSES))
    return net, 28


def squeeze():
    fire = squeezenet.Fire
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, stride=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, ceil_mode=True),
        fire(6, 3, 4, 4), fire(8, 3, 4, 4), nn.MaxPool2d(3, 2, ceil_mode=True), nn.Dropout(),
        nn.Conv2d(8, CLASSES, 1), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d((1, 1)),
        nn.Flatten()), 32


class Residual(nn.Module):
    def __init__(self, block):
        super().__init__()
        wide = 4 * block.expansion
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 7, 2, 3, bias=False), nn.BatchNorm2d(4),
                                  nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1))
        shortcut = nn.Sequential(resnet.conv1x1(4, wide, 2), nn.BatchNorm2d(wide))
        self.blocks = nn.Sequential(block(4, 4, 2, shortcut), block(wide, 4))
        self.pool, self.fc = nn.AdaptiveAvgPool2d((1, 1)), nn.Linear(wide, CLASSES)

    def forward(self, x):
        return self.fc(torch.flatten(self.pool(self.blocks(self.stem(x))), 1))


class Inception(nn.Module):
    """With `transform`, the re-normalisation of the input that torchvision's weights bring along."""

    def __init__(self, transform):
        super().__init__()
        self.transform_input = transform
        self.stem = nn.Sequential(googlenet.BasicConv2d(3, 4, kernel_size=7, stride=2, padding=3),
                                  nn.MaxPool2d(3, 2, ceil_mode=True))
        self.blocks = nn.Sequential(googlenet.Inception(4, 2, 2, 3, 2, 3, 2),
                                    nn.MaxPool2d(2, 2, ceil_mode=True),
                                    googlenet.Inception(10, 2, 2, 3, 2, 3, 2))
        self.pool, self.drop = nn.AdaptiveAvgPool2d((1, 1)), nn.Dropout(0.2)
        self.fc = nn.Linear(10, CLASSES)

    def forward(self, x):
        x = googlenet.GoogLeNet._transform_input(self, x)
        return self.fc(self.drop(torch.flatten(self.pool(self.blocks(self.stem(x))), 1)))


def mobile():
    norm = partial(nn.BatchNorm2d)
    block = mobilenetv2.InvertedResidual
    return nn.Sequential(
        mobilenetv2.Conv2dNormActivation(3, 4, stride=2, norm_layer=norm, activation_layer=nn.ReLU6),
        block(4, 4, 1, 2), block(4, 6, 2, 2), nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(),
        nn.Dropout(0.2), nn.Linear(6, CLASSES)), 24


def dense():
    return densenet.DenseNet(growth_rate=2, block_config=(2, 2), num_init_features=4, bn_size=2,
                             num_classes=CLASSES), 32


NETWORKS = {
    "alexnet": alexnet,
    "vgg": lambda: vgg_net(False),
    "vgg_bn": lambda: vgg_net(True),
    "squeezenet": squeeze,
    "resnet_basic": lambda: (Residual(resnet.BasicBlock), 32),
    "resnet_bottleneck": lambda: (Residual(resnet.Bottleneck), 32),
    "googlenet": lambda: (Inception(False), 32),
    "googlenet_transform": lambda: (Inception(True), 32),
    "mobilenet_v2": mobile,
    "densenet": dense,
}


def exported(net, side, exporter, opset, batch):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        export(net, side, path, exporter, opset, batch)
        return path.read_bytes()


def keras_vgg(opset):
    """conv-conv-pool-bn blocks, dense layers after a flattening of channels-last maps, Softmax."""
    weights, nodes = {}, []

    def add(op, inputs, output, **attributes):
        nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def weight(name, *shape, scale=1.0, offset=0.0):
        weights[name] = (offset + scale * rng.normal(size=shape)).astype(np.float32)
        return name

    t = add("Transpose", ["conv2d_input"], "sequential/conv2d/Conv2D__6:0", perm=[0, 3, 1, 2])
    channels = 3
    for block, wide in enumerate([4, 6]):
        for k in range(2):
            name = f"sequential/conv2d_{2 * block + k}"
            kernel = weight(f"{name}/kernel", wide, channels, 3, 3, scale=0.3)
            t = add("Conv", [t, kernel, weight(f"{name}/bias", wide, scale=0.1)],
                    f"{name}/BiasAdd:0", auto_pad="SAME_UPPER", strides=[1, 1],
                    dilations=[1, 1], group=1, kernel_shape=[3, 3])
            t = add("Relu", [t], f"{name}/Relu:0")
            channels = wide
        t = add("MaxPool", [t], f"sequential/max_pooling2d_{block}/MaxPool:0", auto_pad="VALID",
                kernel_shape=[2, 2], strides=[2, 2])
        name = f"sequential/batch_normalization_{block}"
        variance = f"{name}/variance"
        weights[variance] = rng.uniform(0.5, 1.5, size=wide).astype(np.float32)
        t = add("BatchNormalization",
                [t, weight(f"{name}/gamma", wide, scale=0.1, offset=1.0),
                 weight(f"{name}/beta", wide, scale=0.1), weight(f"{name}/mean", wide, scale=0.1),
                 variance], f"{name}/FusedBatchNormV3:0", epsilon=0.001)
    t = add("Transpose", [t], "sequential/flatten/Reshape__36:0", perm=[0, 2, 3, 1])
    weights["const_fold"] = np.array([-1, 4 * 4 * channels], dtype=np.int64)
    t = add("Reshape", [t, "const_fold"], "sequential/flatten/Reshape:0")
    width = 4 * 4 * channels
    for k, wide in enumerate([8, 6, CLASSES]):
        name = f"sequential/dense_{k}"
        t = add("MatMul", [t, weight(f"{name}/kernel", width, wide, scale=0.3)], f"{name}/MatMul:0")
        t = add("Add", [t, weight(f"{name}/bias", wide, scale=0.1)], f"{name}/BiasAdd:0")
        t = add("Relu", [t], f"{name}/Relu:0") if wide != CLASSES else t
        width = wide
    before = t
    add("Softmax", [t], "dense_2", axis=1)
    x = helper.make_tensor_value_info("conv2d_input", TensorProto.FLOAT, ["unk__37", 16, 16, 3])
    y = helper.make_tensor_value_info("dense_2", TensorProto.FLOAT, ["unk__38", CLASSES])
    tensors = [numpy_helper.from_array(v, k) for k, v in weights.items()]
    graph = helper.make_graph(nodes, "tf2onnx", [x], [y], tensors)
    model = helper.make_model(graph, producer_name="tf2onnx", ir_version=8,
                              opset_imports=[helper.make_opsetid("", opset)])
    onnx.checker.check_model(model)
    return model.SerializeToString(), before


def outputs(model, x, name=None):
    """onnxruntime's values of the output, or of the inner tensor `name`."""
    if name:
        proto = onnx.load(io.BytesIO(model))
        proto.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
        model = proto.SerializeToString()
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    first = session.get_inputs()[0]
    one = first.shape[0] == 1
    want = name or session.get_outputs()[0].name
    runs = np.split(x, len(x)) if one else [x]
    return np.concatenate([session.run([want], {first.name: part})[0] for part in runs])


def main():
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    cases = {}

    def keep(name, model, x, y):
        cases[f"{name}.onnx"] = np.frombuffer(model, dtype=np.uint8)
        cases[f"{name}.x"], cases[f"{name}.y"] = x, y
        print(name, len(model), flush=True)

    for network, make in NETWORKS.items():
        net, side = make()
        randomise(net)
        x = rng.normal(size=(2, 3, side, side)).astype(np.float32)
        for exporter, opset, batch in VARIANTS:
            model = exported(net, side, exporter, opset, batch)
            keep(f"{network}.{exporter}{opset}.{batch}", model, x, outputs(model, x))
    for opset in (11, 13, 18):
        model, before = keras_vgg(opset)
        x = rng.uniform(size=(2, 16, 16, 3)).astype(np.float32)
        y = outputs(model, x, before)
        # inputs are kept as (N, C, H, W), like those of the other cases
        keep(f"keras_vgg.tf2onnx{opset}.dynamic", model, x.transpose(0, 3, 1, 2).copy(), y)
    np.savez_compressed(OUT, **cases)


if __name__ == "__main__":
    main()
