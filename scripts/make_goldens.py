#!/usr/bin/env python3
"""Reference attributions on three sequential networks: tests/data/goldens/{lenet,tinyvgg,bncnn}.npz.

Takes the networks from tests/data/onnx, the inputs and targets from the committed files, and explains
them with zennit, captum and autograd in double precision. By default compares what comes out with the
committed arrays (largest difference over largest value, at most 1e-6); with --write replaces them, and
what manifest.json says of their size. Arrays whose names begin with zcanon_ or nocanon_ record flaws
of another tool and are not made. The residual network has a script of its own, make_residual_goldens.py.

    pip install -r scripts/requirements-goldens.txt
    python scripts/make_goldens.py [--write] [lenet tinyvgg bncnn]
"""
import argparse
import copy
import json
import pathlib
import warnings

import numpy as np
import onnx
import torch
from captum import attr
from onnx import numpy_helper
from torch import nn
from zennit import composites as zc
from zennit import rules as zr
from zennit.attribution import Gradient
from zennit.composites import LayerMapComposite, SpecialFirstLayerMapComposite, layer_map_base
from zennit.types import Linear

DATA = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data"
GOLDENS = DATA / "goldens"
# where there is batch norm, an export that has folded it: LRP is defined on the folded network
FILES = {
    "lenet": "lenet.ts17_fix.onnx",
    "tinyvgg": "tinyvgg.ts17_fix.onnx",
    "bncnn": "bncnn.dyn17_fix.onnx",
}
LARGEST_DIFFERENCE = 1e-6


def attributes(node):
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


class FirstMax(nn.MaxPool2d):
    """A max-pool that gives the gradient to the first of values that differ by rounding only.

    On a constant picture many values of a window are the same sum. In double precision they may differ in
    the last place, which depends on the processor; the arrays must not.
    """

    def forward(self, x):
        n, c, h, w = x.shape
        k, s, p = self.kernel_size, self.stride, self.padding
        size = [(m + 2 * p - k + (s - 1 if self.ceil_mode else 0)) // s + 1 for m in (h, w)]
        size = [m - 1 if (m - 1) * s >= full + p else m for m, full in zip(size, (h, w))]
        right, bottom = ((m - 1) * s + k - full - p for m, full in zip(size[::-1], (w, h)))
        padded = nn.functional.pad(x, (p, max(right, 0), p, max(bottom, 0)), value=-torch.inf)
        taps = padded.unfold(2, k, s).unfold(3, k, s)[:, :, : size[0], : size[1]].flatten(4)
        largest = taps.detach().amax(-1, keepdim=True)
        first = (taps.detach() >= largest - 1e-12 * largest.abs()).byte().argmax(-1, keepdim=True)
        return taps.gather(-1, first).squeeze(-1)

    @staticmethod
    def of(pool):
        return FirstMax(pool.kernel_size, pool.stride, pool.padding, ceil_mode=pool.ceil_mode)


def with_first_max(module):
    """The network with its max-pools replaced."""
    for name, child in module.named_children():
        if isinstance(child, nn.MaxPool2d):
            setattr(module, name, FirstMax.of(child))
        else:
            with_first_max(child)
    return module


def convolution(node, weight, bias):
    a = attributes(node)
    outputs, inputs, *kernel = weight.shape
    groups = a.get("group", 1)
    layer = nn.Conv2d(inputs * groups, outputs, kernel, a["strides"], a["pads"][:2], groups=groups)
    return with_weights(layer, weight, bias)


def with_weights(layer, weight, bias):
    zeros = np.zeros(weight.shape[0], np.float32)
    layer.weight.data = torch.tensor(weight)
    layer.bias.data = torch.tensor(zeros if bias is None else bias)
    return layer


def network(name):
    """The network as a sequence of modules."""
    graph = onnx.load(DATA / "onnx" / FILES[name]).graph
    values = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    layers = []
    for node in graph.node:
        found = [values.get(i) for i in node.input]
        bias = found[2] if len(found) > 2 else None
        if node.op_type == "Conv":
            layers.append(convolution(node, found[1], bias))
        elif node.op_type == "Gemm":
            weight = found[1] if attributes(node).get("transB") else found[1].T
            layers.append(with_weights(nn.Linear(*weight.shape[::-1]), weight, bias))
        elif node.op_type == "Relu":
            layers.append(nn.ReLU())
        elif node.op_type == "MaxPool":
            a = attributes(node)
            layers.append(nn.MaxPool2d(a["kernel_shape"][0], a["strides"][0], a["pads"][0]))
        elif node.op_type in ("Flatten", "Reshape"):
            layers.append(nn.Flatten())
        elif node.op_type not in ("Constant", "Identity", "Dropout", "Shape", "Concat", "Gather", "Unsqueeze"):
            raise SystemExit(f"{FILES[name]}: operator {node.op_type} is not known here")
    return nn.Sequential(*layers).eval()


def rules(low, high, scaling):
    """Name -> composite, each with the bias in the denominators and, as `_nobias`, without.

    `scaling` has the entries of a layer map for layers that are no layers of the network, one with
    the bias and one without; none in a sequence.
    """
    found = {}
    for suffix, zero, own in (("", {}, scaling[:1]), ("_nobias", {"zero_params": "bias"}, scaling[1:])):

        def everywhere(rule):
            return LayerMapComposite(own + layer_map_base() + [(Linear, rule)])

        def first_rest(first, rest):
            layers = own + layer_map_base() + [(Linear, rest)]
            return SpecialFirstLayerMapComposite(layers, [(Linear, first)])

        found |= {
            f"lrp_eps1e-6{suffix}": everywhere(zr.Epsilon(1e-6, **zero)),
            f"lrp_eps0.25{suffix}": everywhere(zr.Epsilon(0.25, **zero)),
            f"lrp_zplus{suffix}": everywhere(zr.ZPlus(**zero)),
            f"lrp_ab_2_1{suffix}": everywhere(zr.AlphaBeta(2, 1, **zero)),
            f"lrp_ab_1_0{suffix}": everywhere(zr.AlphaBeta(1, 0, **zero)),
            f"lrp_gamma0.25{suffix}": everywhere(zr.Gamma(0.25, **zero)),
            f"lrp_wsquare{suffix}": everywhere(zr.WSquare(**zero)),
            f"lrp_zbox_first_zplus{suffix}": first_rest(zr.ZBox(low, high, **zero), zr.ZPlus(**zero)),
            f"lrp_zbox_first_eps1e-6{suffix}": first_rest(zr.ZBox(low, high, **zero), zr.Epsilon(1e-6, **zero)),
            f"lrp_wsquare_first_zplus{suffix}": first_rest(zr.WSquare(**zero), zr.ZPlus(**zero)),
        }
        if zero:
            found["lrp_flat"] = everywhere(zr.Flat())
        else:
            found["lrp_flat_first_zplus"] = first_rest(zr.Flat(), zr.ZPlus())
    own = {"layer_map": scaling[:1]}
    return found | {
        "comp_EpsilonPlus": zc.EpsilonPlus(**own),
        "comp_EpsilonPlusFlat": zc.EpsilonPlusFlat(**own),
        "comp_EpsilonAlpha2Beta1": zc.EpsilonAlpha2Beta1(**own),
        "comp_EpsilonAlpha2Beta1Flat": zc.EpsilonAlpha2Beta1Flat(**own),
        "comp_EpsilonGammaBox": zc.EpsilonGammaBox(low=low, high=high, **own),
        "comp_ExcitationBackprop": zc.ExcitationBackprop(**own),
    }


def by_zennit(model, x, onehot, scores, low, high, scaling):
    """Relevance starts with the score of the target; signals and gradients with 1."""
    signals = {"comp_DeconvNet": zc.DeconvNet(), "comp_GuidedBackprop": zc.GuidedBackprop(), "gradient": None}
    cases = [(name, c, onehot * scores) for name, c in rules(low, high, scaling).items()]
    cases += [(name, c, onehot) for name, c in signals.items()]
    arrays = {}
    for name, composite, start in cases:
        with Gradient(model=model, composite=composite) as attributor:
            arrays[name] = attributor(x, start)[1].detach()
    return arrays | {"gradient_x_input": arrays["gradient"] * x}


def by_captum(model, x, targets):
    arrays = {}
    methods = ("gausslegendre", "riemann_left", "riemann_right", "riemann_middle", "riemann_trapezoid")
    for method in methods:
        integrated = attr.IntegratedGradients(model)
        arrays[f"ig50_{method}"] = integrated.attribute(x, target=targets, n_steps=50, method=method)
    arrays["captum_Deconvolution"] = attr.Deconvolution(model).attribute(x, target=targets)
    arrays["captum_GuidedBackprop"] = attr.GuidedBackprop(model).attribute(x, target=targets)
    last = [layer for layer in model.modules() if type(layer) is nn.Conv2d][-1]
    cam = attr.LayerGradCam(model, last)
    arrays["gradcam_raw"] = cam.attribute(x, target=targets)
    arrays["gradcam_relu"] = cam.attribute(x, target=targets, relu_attributions=True)
    arrays["gradcam_relu_bilinear"] = attr.LayerAttribution.interpolate(
        arrays["gradcam_relu"], x.shape[2:], "bilinear"
    )
    channels = x.shape[1]
    for window, stride in ((4, 4), (5, 3), (9, 9)):
        arrays[f"occlusion_w{window}s{stride}_zero"] = attr.Occlusion(model).attribute(
            x, (channels, window, window), strides=(channels, stride, stride), target=targets
        )
    return arrays


def attributions(model, x, targets, entry, scaling=()):
    """All arrays, in the precision of `x`."""
    model = with_first_max(copy.deepcopy(model)).to(x.dtype)
    scores = model(x).detach()
    onehot = torch.eye(scores.shape[1], dtype=x.dtype)[targets]

    def bound(key):
        return torch.tensor(entry[key], dtype=x.dtype).reshape(1, -1, 1, 1).expand_as(x[:1])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = by_zennit(model, x, onehot, scores, bound("zbox_low"), bound("zbox_high"), list(scaling))
        found |= by_captum(model, x, targets) | {"logits": scores}
    return {name: array.detach().double().numpy() for name, array in found.items()}


def make(name, entry, write):
    """Returns the names of arrays that differ from the committed ones."""
    file = GOLDENS / f"{name}.npz"
    committed = dict(np.load(file))
    x = torch.tensor(committed["input"])
    targets = torch.tensor(entry["targets"])
    model = network(name)
    exact = attributions(model, x.double(), targets, entry)
    rough = attributions(model, x, targets, entry)
    different = []
    for array, value in exact.items():
        largest = float(np.abs(value).max())
        off = float(np.abs(value - committed[array]).max()) / largest
        print(f"{name} {array}: {off:.1e}")
        if off > LARGEST_DIFFERENCE:
            different.append(f"{name} {array}")
        if write:
            committed[array] = value.astype(np.float32)
            entry["arrays"][array] |= {
                "max_abs": largest,
                "dev_f32_max_abs": float(np.abs(rough[array] - value).max()),
            }
    if write:
        np.savez_compressed(file, **committed)
    made = set(exact) | {"input", "target"}
    left = [n for n in committed if n not in made and not n.startswith(("zcanon_", "nocanon_"))]
    return different + [f"{name} {array} is not made" for array in left]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true")
    parser.add_argument("networks", nargs="*", default=list(FILES))
    args = parser.parse_args()
    torch.set_num_threads(1)
    manifest = json.loads((GOLDENS / "manifest.json").read_text())
    different = [d for name in args.networks for d in make(name, manifest["models"][name], args.write)]
    if args.write:
        (GOLDENS / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    elif different:
        raise SystemExit("not as committed: " + ", ".join(different))


if __name__ == "__main__":
    main()
