"""Runs an ONNX classifier as a PyTorch module, so that captum and zennit can explain it.

Every node becomes a module of its own kind (Conv2d, Linear, ReLU, ...), because zennit picks rules by
the kind of a module. Covers the operators in MODULES, as plain convolutional, inception and residual
networks with channels before height and width have them; refuses others, and unequal padding.
"""

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn


class Concat(nn.Module):
    def __init__(self, axis):
        super().__init__()
        self.axis = axis

    def forward(self, *xs):
        return torch.cat(xs, self.axis)


class Total(nn.Module):
    """The sum over the last axis; one input, as zennit's rule for sums needs it."""

    def forward(self, x):
        return x.sum(-1)


class Add(nn.Module):
    def __init__(self):
        super().__init__()
        self.total = Total()

    def forward(self, *xs):
        return self.total(torch.stack(xs, -1))


class Reshape(nn.Module):
    """To (N, features), whatever the shape that the file was written with."""

    def forward(self, x):
        return torch.flatten(x, 1)


def weights(module, weight, bias):
    module.weight.data = torch.tensor(weight)
    if bias is not None:
        module.bias.data = torch.tensor(bias)
    return module


def symmetric(a, count):
    """The padding before each axis, which must be that behind it."""
    assert a.get("auto_pad", b"NOTSET") in (b"NOTSET", b"VALID"), "automatic padding is not covered"
    pads = a.get("pads", [0] * 2 * count)
    half = len(pads) // 2
    assert pads[:half] == pads[half:], "unequal padding is not covered"
    return tuple(pads[:half])


def window(a, kind):
    strides = tuple(a.get("strides", [1] * len(a["kernel_shape"])))
    pads = symmetric(a, len(a["kernel_shape"]))
    options = {"ceil_mode": bool(a.get("ceil_mode", 0))}
    if kind is nn.AvgPool2d:
        options["count_include_pad"] = bool(a.get("count_include_pad", 0))
    return kind(tuple(a["kernel_shape"]), strides, pads, **options)


def conv(a, weight, bias=None):
    pads = symmetric(a, 2)
    groups = a.get("group", 1)
    module = nn.Conv2d(
        weight.shape[1] * groups, weight.shape[0], weight.shape[2:], tuple(a.get("strides", [1, 1])),
        pads, tuple(a.get("dilations", [1, 1])), groups, bias is not None,
    )
    return weights(module, weight, bias)


def gemm(a, weight, bias=None):
    plain = a.get("alpha", 1.0) == 1.0 and a.get("beta", 1.0) == 1.0 and not a.get("transA", 0)
    assert plain, "factors and a transposed input are not covered"
    weight = weight if a.get("transB", 0) else np.ascontiguousarray(weight.T)
    return weights(nn.Linear(weight.shape[1], weight.shape[0], bias is not None), weight, bias)


def batch_norm(a, scale, bias, mean, variance):
    module = nn.BatchNorm2d(len(scale), eps=a.get("epsilon", 1e-5))
    module.running_mean.data, module.running_var.data = torch.tensor(mean), torch.tensor(variance)
    return weights(module, scale, bias)


def mean(a, axes=None):
    """A mean over height and width, as a pool with a single window."""
    axes = a.get("axes") if axes is None else axes
    over = None if axes is None else sorted(int(i) % 4 for i in np.ravel(axes))
    assert over == [2, 3], "means over other axes than height and width are not covered"
    pool = nn.AdaptiveAvgPool2d(1)
    return pool if a.get("keepdims", 1) else nn.Sequential(pool, nn.Flatten())


def reshape(rank):
    assert rank == 2, "only reshaping to (N, features) is covered"
    return Reshape()


def add(a, *fixed):
    assert not fixed, "sums with constants are not covered"
    return Add()


MODULES = {
    "Conv": conv,
    "Gemm": gemm,
    "BatchNormalization": batch_norm,
    "Relu": lambda a: nn.ReLU(),
    "MaxPool": lambda a: window(a, nn.MaxPool2d),
    "AveragePool": lambda a: window(a, nn.AvgPool2d),
    "GlobalAveragePool": lambda a: nn.AdaptiveAvgPool2d(1),
    "ReduceMean": mean,
    "LRN": lambda a: nn.LocalResponseNorm(a["size"], a.get("alpha", 1e-4), a.get("beta", 0.75), a.get("bias", 1.0)),
    "Concat": lambda a: Concat(a["axis"]),
    "Add": add,
    "Sum": add,
    "Flatten": lambda a: reshape(2 if a.get("axis", 1) == 1 else None),
    "Reshape": lambda a, shape: reshape(len(shape)),
    "Dropout": lambda a, *ratio: nn.Identity(),
    "Identity": lambda a: nn.Identity(),
}


class OnnxModule(nn.Module):
    """The network of an ONNX file; its parameters are the file's."""

    def __init__(self, path):
        super().__init__()
        graph = onnx.load(path).graph
        constants = {t.name: numpy_helper.to_array(t).copy() for t in graph.initializer}
        for node in graph.node:
            if node.op_type == "Constant":
                constants[node.output[0]] = numpy_helper.to_array(node.attribute[0].t).copy()
        self.input = next(i.name for i in graph.input if i.name not in constants)
        self.output = graph.output[0].name
        self.steps, modules = [], []
        for node in graph.node:
            if node.op_type == "Constant":
                continue
            if node.op_type not in MODULES:
                raise SystemExit(f"`{path}`: operator {node.op_type} is not covered by this script")
            attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            names = [n for n in node.input if n]
            fixed = [constants[n] for n in names if n in constants]
            try:
                modules.append(MODULES[node.op_type](attributes, *fixed))
            except AssertionError as error:
                raise SystemExit(f"`{path}`: node `{node.name}` ({node.op_type}): {error}")
            self.steps.append(([n for n in names if n not in constants], node.output[0]))
        self.nodes = nn.ModuleList(modules)
        self.eval()

    def forward(self, x):
        values = {self.input: x}
        for module, (names, output) in zip(self.nodes, self.steps):
            values[output] = module(*(values[n] for n in names))
        return values[self.output]
