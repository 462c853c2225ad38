#!/usr/bin/env python3
"""Reference attributions on networks with branches: tests/data/goldens/{resnet,firenet}.{npz,json}.

`resnet` has basic blocks with strided shortcuts and a pre-activation block, whose batch norm stands behind
a sum and stays; `firenet` has concatenations (fire and inception modules), depthwise and grouped
convolutions, padding of two sides, a rounded-up max-pool and a convolutional head. Both are
explained with zennit, captum and autograd in double precision, with batch norm folded into the
convolution before it (with its epsilon), sums by zennit's `Sum`, and exported as they are.

    pip install -r scripts/requirements-goldens.txt
    python scripts/make_branch_goldens.py
"""
import copy
import json
from importlib import metadata

import numpy as np
import torch
from make_goldens import GOLDENS, attributions
from make_residual_goldens import conv_bn, fold
from torch import nn
from zennit import rules as zr
from zennit.layer import Sum

PICTURES, SIZE, CLASSES = 3, 20, 6
LOW, HIGH = [-2.0, -1.5, -1.8], [2.2, 2.4, 2.6]


class Plus(nn.Module):
    """A residual sum: zennit's layer, or an Add in the file."""

    def __init__(self):
        super().__init__()
        self.sum = Sum(dim=-1)

    def forward(self, a, b):
        return a + b if torch.onnx.is_in_onnx_export() else self.sum(torch.stack([a, b], dim=-1))


class Basic(nn.Module):
    """A basic block, as in ResNet-18."""

    def __init__(self, i, o, stride):
        super().__init__()
        self.a = conv_bn(i, o, 3, stride=stride, bias=False)
        self.relu1 = nn.ReLU()
        self.b = conv_bn(o, o, 3, bias=False)
        self.short = conv_bn(i, o, 1, stride=stride, bias=False) if stride > 1 or i != o else nn.Identity()
        self.plus = Plus()
        self.relu2 = nn.ReLU()

    def forward(self, x):
        return self.relu2(self.plus(self.b(self.relu1(self.a(x))), self.short(x)))


class Scaling(nn.Conv2d):
    """A batch norm that no layer can take: one weight and one bias per channel."""

    @staticmethod
    def of(norm):
        factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        n = len(factor)
        layer = Scaling(n, n, 1, groups=n)
        layer.weight.data = factor.detach().reshape(n, 1, 1, 1)
        layer.bias.data = (norm.bias - factor * norm.running_mean).detach()
        return layer


class PreActivation(nn.Module):
    """Norm and activation first; the shortcut goes round both."""

    def __init__(self, n):
        super().__init__()
        self.norm = nn.BatchNorm2d(n)
        self.relu1 = nn.ReLU()
        self.a = conv_bn(n, n, 3, bias=False)
        self.relu2 = nn.ReLU()
        self.b = nn.Conv2d(n, n, 3, padding=1)
        self.plus = Plus()

    def forward(self, x):
        return self.plus(self.b(self.relu2(self.a(self.relu1(self.norm(x))))), x)


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = conv_bn(3, 8, 5, stride=2, bias=False)
        self.relu = nn.ReLU()
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.block1 = Basic(8, 8, 1)
        self.block2 = Basic(8, 12, 2)
        self.block3 = PreActivation(12)
        self.block4 = PreActivation(12)
        self.norm = nn.BatchNorm2d(12)
        self.top = nn.ReLU()
        self.gap = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(12, CLASSES)

    def forward(self, x):
        x = self.pool(self.relu(self.stem(x)))
        x = self.block4(self.block3(self.block2(self.block1(x))))
        return self.fc(torch.flatten(self.gap(self.top(self.norm(x))), 1))


class Fire(nn.Module):
    """Squeezed, then 1x1 and 3x3 side by side."""

    def __init__(self, i, squeezed, o):
        super().__init__()
        self.squeeze, self.relu0 = nn.Conv2d(i, squeezed, 1), nn.ReLU()
        self.one, self.relu1 = nn.Conv2d(squeezed, o, 1), nn.ReLU()
        self.three, self.relu3 = nn.Conv2d(squeezed, o, 3, padding=1), nn.ReLU()

    def forward(self, x):
        x = self.relu0(self.squeeze(x))
        return torch.cat([self.relu1(self.one(x)), self.relu3(self.three(x))], dim=1)


class Inception(nn.Module):
    """Three branches: 1x1, pooled, and grouped, depthwise and pointwise; batch norm behind all."""

    def __init__(self, i, o):
        super().__init__()
        self.one, self.relu1 = conv_bn(i, o, 1, bias=False), nn.ReLU()
        self.pool = nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)
        self.after, self.relu2 = conv_bn(i, o, 1), nn.ReLU()
        self.grouped, self.relu3 = conv_bn(i, i, 3, groups=4, bias=False), nn.ReLU()
        self.depthwise, self.relu4 = conv_bn(i, i, 5, groups=i), nn.ReLU()
        self.pointwise, self.relu5 = conv_bn(i, o, 1), nn.ReLU()

    def forward(self, x):
        deep = self.relu4(self.depthwise(self.relu3(self.grouped(x))))
        branches = [
            self.relu1(self.one(x)),
            self.relu2(self.after(self.pool(x))),
            self.relu5(self.pointwise(deep)),
        ]
        return torch.cat(branches, dim=1)


class FireNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.relu = nn.Conv2d(3, 8, 3, padding=1), nn.ReLU()
        self.fire1 = Fire(8, 4, 8)
        self.pool = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.pad = nn.ZeroPad2d((0, 1, 0, 1))
        self.down, self.relu2 = nn.Conv2d(16, 16, 3, stride=2), nn.ReLU()
        self.inception = Inception(16, 6)
        self.fire2 = Fire(18, 6, 8)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Conv2d(16, CLASSES, 1)
        self.gap = nn.AdaptiveAvgPool2d(1)

    def forward(self, x):
        x = self.pool(self.fire1(self.relu(self.stem(x))))
        x = self.fire2(self.inception(self.relu2(self.down(self.pad(x)))))
        return torch.flatten(self.gap(self.head(self.drop(x))), 1)


def drawn(net):
    """Biases that matter and batch-norm statistics of a trained network."""
    with torch.no_grad():
        for m in net.modules():
            if isinstance(m, nn.BatchNorm2d):
                m.running_mean.normal_(0, 0.3)
                m.running_var.uniform_(0.5, 2.0)
                m.weight.uniform_(0.6, 1.6)
                m.bias.normal_(0, 0.3)
            elif isinstance(m, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(m.weight, nonlinearity="relu")
                if m.bias is not None:
                    m.bias.normal_(0, 0.2)
    return net.eval()


def with_scalings(module):
    """Batch norms that are left become layers of their own."""
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(module, name, Scaling.of(child))
        else:
            with_scalings(child)
    return module


def make(name, net, seed):
    torch.manual_seed(seed)
    net = drawn(net())
    x = torch.rand(PICTURES, 3, SIZE, SIZE) * 4 - 1.9
    folded = with_scalings(fold(copy.deepcopy(net)))
    with torch.no_grad():
        scores = folded.double()(x.double())
        assert torch.allclose(scores, copy.deepcopy(net).double()(x.double()), atol=1e-12)
    order = scores.argsort(dim=1)
    targets = torch.stack([order[0, -1], order[1, -2], order[2, -1]])
    entry = {"zbox_low": LOW, "zbox_high": HIGH}
    scaling = [(Scaling, zr.Epsilon(1e-6)), (Scaling, zr.Epsilon(1e-6, zero_params="bias"))]
    exact = attributions(folded, x.double(), targets, entry, scaling)
    rough = attributions(folded, x, targets, entry, scaling)
    arrays = {"input": x.numpy(), "target": targets.numpy()}
    entries = {}
    for array, value in exact.items():
        largest, off = float(np.abs(value).max()), float(np.abs(rough[array] - value).max())
        entries[array] = {"max_abs": largest, "dev_f32_max_abs": off}
        arrays[array] = value.astype(np.float32)
    np.savez_compressed(GOLDENS / f"{name}.npz", **arrays)
    file = f"{name}.ts17.onnx"
    packages = ["torch", "zennit", "captum", "numpy"]
    manifest = {
        "versions": {p: metadata.version(p) for p in packages},
        "onnx": file,
        "targets": targets.tolist(),
        **entry,
        "arrays": entries,
    }
    (GOLDENS / f"{name}.json").write_text(json.dumps(manifest, indent=1) + "\n")
    torch.onnx.export(
        net, (x[:1],), str(GOLDENS / file), opset_version=17, dynamo=False, do_constant_folding=False,
        training=torch.onnx.TrainingMode.PRESERVE, input_names=["input"], output_names=["logits"],
    )
    print(name, scores.numpy().round(3).tolist(), targets.tolist())


def main():
    torch.set_num_threads(1)
    # with seed 11 residual sums nearly cancel
    make("resnet", ResNet, 11)
    make("firenet", FireNet, 12)


if __name__ == "__main__":
    main()
