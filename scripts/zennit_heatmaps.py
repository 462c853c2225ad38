"""Heat maps by zennit for `pixelflip run --heatmaps`.

    pixelflip data export --model M.onnx --data pictures --out x.npz
    python scripts/zennit_heatmaps.py --model M.onnx --data x.npz --method epsilon-plus-flat --out lrp.npz
    pixelflip run --model M.onnx --data pictures --methods random,gradient --heatmaps zennit=lrp.npz

Needs torch, zennit, onnx, numpy and Pillow.
"""

import numpy as np
import torch
from zennit.attribution import Gradient
from zennit.canonizers import SequentialMergeBatchNorm
from zennit.composites import EpsilonAlpha2Beta1, EpsilonAlpha2Beta1Flat, EpsilonPlus, EpsilonPlusFlat, ExcitationBackprop
from zennit.rules import Norm

from heatmap_inputs import arguments, run
from onnx_torch import OnnxModule, Total

METHODS = {
    "epsilon-plus": EpsilonPlus,
    "epsilon-plus-flat": EpsilonPlusFlat,
    "epsilon-alpha2-beta1": EpsilonAlpha2Beta1,
    "epsilon-alpha2-beta1-flat": EpsilonAlpha2Beta1Flat,
    "excitation-backprop": ExcitationBackprop,
}


def main():
    args = arguments("Heat maps by zennit", METHODS, "epsilon-plus-flat")
    model = OnnxModule(args.model)
    composite = METHODS[args.method](layer_map=[(Total, Norm())], canonizers=[SequentialMergeBatchNorm()])

    def explain(x):
        logits = model(x).detach()
        start = torch.nn.functional.one_hot(logits.argmax(1), logits.shape[1]) * logits
        with Gradient(model=model, composite=composite) as attributor:
            _, relevance = attributor(x.clone().requires_grad_(), start)
        return relevance[0].detach().numpy().astype(np.float32)

    run(args, "zennit", explain)


if __name__ == "__main__":
    main()
