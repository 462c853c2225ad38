"""Heat maps by captum for `pixelflip run --heatmaps`.

    pixelflip data export --model M.onnx --data pictures --out x.npz
    python scripts/captum_heatmaps.py --model M.onnx --data x.npz --method integrated-gradients --out ig.npz
    pixelflip run --model M.onnx --data pictures --methods random,lrp-epsilon-plus-flat --heatmaps ig=ig.npz

Needs torch, captum, onnx, numpy and Pillow.
"""

import numpy as np
import torch
from captum import attr

from heatmap_inputs import arguments, run
from onnx_torch import OnnxModule

METHODS = {
    # with signs, as `gradient`; captum's default, the absolute value, is `gradient:value=absolute`
    "gradient": lambda m, x, c: attr.Saliency(m).attribute(x, target=c, abs=False),
    "absolute-gradient": lambda m, x, c: attr.Saliency(m).attribute(x, target=c),
    "gradient-x-input": lambda m, x, c: attr.InputXGradient(m).attribute(x, target=c),
    "integrated-gradients": lambda m, x, c: attr.IntegratedGradients(m).attribute(x, target=c, n_steps=50),
    "deconvolution": lambda m, x, c: attr.Deconvolution(m).attribute(x, target=c),
    "guided-backprop": lambda m, x, c: attr.GuidedBackprop(m).attribute(x, target=c),
    "occlusion": lambda m, x, c: attr.Occlusion(m).attribute(
        x, target=c, sliding_window_shapes=(x.shape[1], 4, 4), strides=(x.shape[1], 2, 2)
    ),
}


def main():
    args = arguments("Heat maps by captum", METHODS, "integrated-gradients")
    model = OnnxModule(args.model)
    torch.manual_seed(0)

    def explain(x):
        target = int(model(x).argmax())
        relevance = METHODS[args.method](model, x.clone().requires_grad_(), target)
        return relevance[0].detach().numpy().astype(np.float32)

    run(args, "captum", explain)


if __name__ == "__main__":
    main()
