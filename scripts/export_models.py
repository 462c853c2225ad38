"""Exports torchvision's networks to ONNX with the sidecar that pixelflip reads beside the model.

    pip install -r scripts/requirements-models.txt
    python scripts/export_models.py OUT [NAME...] [--exporter legacy|dynamo] [--opset N]
        [--batch fixed|dynamic] [--external-data] [--random] [--check]

For every NAME (default: all below) it writes NAME.onnx, NAME.toml (preprocessing) and NAME.txt (class
names). Weights are torchvision's defaults, which it downloads; `--random` takes random ones instead
and downloads nothing. `--check` runs the file in onnxruntime on a random input and compares the
outputs with PyTorch's; scripts/check_exports.py compares pixelflip with onnxruntime.
"""

import argparse
from pathlib import Path

import torch
from torch import nn
from torchvision import models

NAMES = [
    "alexnet", "vgg11", "vgg11_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn", "squeezenet1_0",
    "squeezenet1_1", "resnet18", "resnet50", "googlenet", "mobilenet_v2", "densenet121",
]


def build(name, weights, random):
    if not random:
        return models.get_model(name, weights=weights)
    torch.manual_seed(0)
    more = {"aux_logits": False, "init_weights": False} if name == "googlenet" else {}
    return randomise(models.get_model(name, weights=None, **more))


def randomise(net):
    """Weights of a size that keeps signals alive, biases and batch statistics that matter."""
    for module in net.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight)
            if module.bias is not None:
                nn.init.normal_(module.bias, std=0.1)
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.2)
            nn.init.normal_(module.running_mean, std=0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return net.eval()


def export(net, side, path, exporter, opset, batch, external_data=False):
    x = torch.randn(2 if batch == "dynamic" else 1, 3, side, side)
    names = dict(input_names=["input"], output_names=["logits"], opset_version=opset)
    if exporter == "legacy":
        axes = {"input": {0: "n"}, "logits": {0: "n"}} if batch == "dynamic" else None
        torch.onnx.export(net, (x,), str(path), dynamo=False, dynamic_axes=axes, **names)
    else:
        shapes = ({0: torch.export.Dim("n")},) if batch == "dynamic" else None
        torch.onnx.export(net, (x,), str(path), dynamo=True, dynamic_shapes=shapes,
                          external_data=external_data, verbose=False, **names)


def sidecar(transforms, classes):
    """Preprocessing of 0..255 pixels: `scale` first, then `mean` and `std`."""
    side, short = transforms.crop_size[0], transforms.resize_size[0]
    lines = [f"input = [{side}, {side}]", 'preset = "torchvision"']
    if short != 256:
        lines.append(f"resize = {{ short = {short} }}")
    if transforms.interpolation.value != "bilinear":
        lines.append(f'interpolation = "{transforms.interpolation.value}"')
    if list(transforms.mean) != [0.485, 0.456, 0.406] or list(transforms.std) != [0.229, 0.224, 0.225]:
        lines += [f"mean = {list(transforms.mean)}", f"std = {list(transforms.std)}"]
    return "\n".join(lines + [f'classes = "{classes}"']) + "\n"


def check(net, path, side):
    import numpy as np
    import onnxruntime as ort

    x = torch.randn(1, 3, side, side)
    with torch.no_grad():
        want = net(x).numpy()
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    found = session.run(None, {"input": x.numpy()})[0]
    return float(np.abs(found - want).max() / np.abs(want).max())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME", default=NAMES)
    parser.add_argument("--exporter", choices=["legacy", "dynamo"], default="dynamo")
    parser.add_argument("--opset", type=int, default=18)
    parser.add_argument("--batch", choices=["fixed", "dynamic"], default="dynamic")
    parser.add_argument("--external-data", action="store_true")
    parser.add_argument("--random", action="store_true")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for name in args.names:
        weights = models.get_model_weights(name).DEFAULT
        transforms = weights.transforms()
        net = build(name, weights, args.random).eval()
        path = args.out / f"{name}.onnx"
        export(net, transforms.crop_size[0], path, args.exporter, args.opset, args.batch,
               args.external_data)
        path.with_suffix(".toml").write_text(sidecar(transforms, f"{name}.txt"))
        path.with_suffix(".txt").write_text("\n".join(weights.meta["categories"]) + "\n")
        print(f"{name}: {path.stat().st_size / 1e6:.1f} MB", flush=True)
        if args.check:
            print(f"  off by {check(net, path, transforms.crop_size[0]):.1e} of the largest logit")


if __name__ == "__main__":
    main()
