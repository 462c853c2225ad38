#!/usr/bin/env python3
"""Reference attributions on a network with residual sums, concatenation, both poolings and batch norm.

Writes tests/data/goldens/mixnet.npz, mixnet.json and tests/data/goldens/mixnet.ts17.onnx. The network is
explained by zennit 0.5.1 in double precision with batch norm folded by hand (with its epsilon), sums
by zennit's `Sum` layer, and exported with batch norm in place. Made with the versions that the JSON
file names. Needs: torch, zennit, numpy.
"""
import copy
import json
import pathlib

import numpy as np
import torch
from torch import nn
from zennit import composites as zc
from zennit import rules as zr
from zennit.attribution import Gradient
from zennit.composites import LayerMapComposite, SpecialFirstLayerMapComposite, layer_map_base
from zennit.layer import Sum
from zennit.types import Linear

ROOT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "goldens"
LOW, HIGH = [-2.0, -1.5, -1.8], [2.2, 2.4, 2.6]


def conv_bn(i, o, k, **kw):
    return nn.Sequential(nn.Conv2d(i, o, k, padding=k // 2, **kw), nn.BatchNorm2d(o))


class Block(nn.Module):
    """Two convolutions beside a strided shortcut."""

    def __init__(self, i, o, stride):
        super().__init__()
        self.a = conv_bn(i, o, 3, stride=stride, bias=False)
        self.relu1 = nn.ReLU()
        self.b = conv_bn(o, o, 3, groups=2)
        self.short = conv_bn(i, o, 1, stride=stride) if stride > 1 or i != o else nn.Identity()
        self.sum = Sum(dim=-1)
        self.relu2 = nn.ReLU()

    def forward(self, x):
        y = self.b(self.relu1(self.a(x)))
        return self.relu2(self.sum(torch.stack([y, self.short(x)], dim=-1)))


class MixNet(nn.Module):
    """Stem, two residual blocks, two concatenated branches, average pools, dense layer."""

    def __init__(self):
        super().__init__()
        self.stem = conv_bn(3, 8, 3)
        self.act = nn.LeakyReLU(0.1)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.block1 = Block(8, 8, 1)
        self.block2 = Block(8, 12, 2)
        self.left = conv_bn(12, 6, 1)
        self.right = conv_bn(12, 10, 3)
        self.act2 = nn.ReLU6()
        self.avg = nn.AvgPool2d(2)
        self.gap = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(16, 5)

    def forward(self, x):
        x = self.block2(self.block1(self.pool(self.act(self.stem(x)))))
        x = self.act2(torch.cat([self.left(x), self.right(x)], dim=1))
        return self.fc(torch.flatten(self.gap(self.avg(x)), 1))



def plain_block(self, x):
    return self.relu2(self.b(self.relu1(self.a(x))) + self.short(x))


def fold(module):
    """Batch norm into the convolution before it."""
    for name, child in module.named_children():
        pair = list(child.children())
        if isinstance(child, nn.Sequential) and len(pair) == 2 and isinstance(pair[1], nn.BatchNorm2d):
            setattr(module, name, nn.utils.fusion.fuse_conv_bn_eval(pair[0], pair[1]))
        else:
            fold(child)
    return module


def everywhere(rule):
    return LayerMapComposite(layer_map_base() + [(Linear, rule)])


def first_rest(first, rest):
    return SpecialFirstLayerMapComposite(layer_map_base() + [(Linear, rest)], [(Linear, first)])


def box(x):
    shape = (1, 3, 1, 1)
    low = torch.tensor(LOW, dtype=x.dtype).reshape(shape).expand_as(x[:1])
    high = torch.tensor(HIGH, dtype=x.dtype).reshape(shape).expand_as(x[:1])
    return low, high


def references(x):
    """Name -> composite. `nobias` leaves the bias out of the denominators."""
    low, high = box(x)
    zero = {"zero_params": "bias"}
    return {
        "lrp_eps1e-6": everywhere(zr.Epsilon(1e-6)),
        "lrp_eps0.25": everywhere(zr.Epsilon(0.25)),
        "lrp_eps0.25_nobias": everywhere(zr.Epsilon(0.25, **zero)),
        "lrp_zplus": everywhere(zr.ZPlus()),
        "lrp_zplus_nobias": everywhere(zr.ZPlus(**zero)),
        "lrp_ab_2_1": everywhere(zr.AlphaBeta(2, 1)),
        "lrp_ab_2_1_nobias": everywhere(zr.AlphaBeta(2, 1, **zero)),
        "lrp_gamma0.25": everywhere(zr.Gamma(0.25)),
        "lrp_gamma0.25_nobias": everywhere(zr.Gamma(0.25, **zero)),
        "lrp_flat_first_zplus": first_rest(zr.Flat(), zr.ZPlus()),
        "lrp_wsquare_first_zplus_nobias": first_rest(zr.WSquare(**zero), zr.ZPlus(**zero)),
        "lrp_zbox_first_zplus": first_rest(zr.ZBox(low, high), zr.ZPlus()),
        "comp_EpsilonPlus": zc.EpsilonPlus(),
        "comp_EpsilonPlusFlat": zc.EpsilonPlusFlat(),
        "comp_EpsilonAlpha2Beta1": zc.EpsilonAlpha2Beta1(),
        "comp_EpsilonAlpha2Beta1Flat": zc.EpsilonAlpha2Beta1Flat(),
        "comp_EpsilonGammaBox": zc.EpsilonGammaBox(low=low, high=high),
    }


def attribute(model, composite, x, targets, scores):
    """Relevance of each picture, started with its target's score (1 for the gradient)."""
    onehot = torch.eye(scores.shape[1], dtype=x.dtype)[targets]
    start = onehot if composite is None else onehot * scores
    with Gradient(model=model, composite=composite) as attributor:
        return attributor(x, start)[1].detach().numpy()


def main():
    torch.manual_seed(7)
    net = MixNet().eval()
    with torch.no_grad():
        for m in net.modules():
            if isinstance(m, nn.BatchNorm2d):
                m.running_mean.normal_(0, 0.3)
                m.running_var.uniform_(0.5, 2.0)
                m.weight.uniform_(0.6, 1.6)
                m.bias.normal_(0, 0.3)
    x = torch.rand(4, 3, 24, 24) * 4 - 1.9
    folded = fold(copy.deepcopy(net)).double().eval()
    scores = folded(x.double()).detach()
    order = scores.argsort(dim=1)
    targets = torch.stack([order[0, -1], order[1, -1], order[2, -2], order[3, 0]])
    arrays = {"input": x.numpy(), "target": targets.numpy(), "logits": scores.float().numpy()}
    entries = {}
    cases = {"gradient": None, **references(x.double())}
    single = {"gradient": None, **references(x)}
    for name in cases:
        exact = attribute(folded, cases[name], x.double(), targets, scores)
        rough = attribute(copy.deepcopy(folded).float(), single[name], x, targets, scores.float())
        arrays[name] = exact.astype(np.float32)
        largest = float(np.abs(exact).max())
        off = float(np.abs(rough - exact).max())
        entries[name] = {"max_abs": largest, "dev_f32_max_abs": off}
    np.savez_compressed(ROOT / "mixnet.npz", **arrays)
    manifest = {
        "versions": {"torch": torch.__version__, "zennit": "0.5.1", "numpy": np.__version__},
        "onnx": "mixnet.ts17.onnx",
        "targets": targets.tolist(),
        "zbox_low": LOW,
        "zbox_high": HIGH,
        "arrays": entries,
    }
    (ROOT / "mixnet.json").write_text(json.dumps(manifest, indent=1) + "\n")
    Block.forward = plain_block
    file = ROOT / "mixnet.ts17.onnx"
    names = {"input_names": ["input"], "output_names": ["logits"]}
    torch.onnx.export(net, (x[:1],), str(file), opset_version=17, dynamo=False, do_constant_folding=False,
                      training=torch.onnx.TrainingMode.PRESERVE, **names)


if __name__ == "__main__":
    main()
