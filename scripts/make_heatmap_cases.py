"""Makes tests/data/heatmaps: pictures and heat maps by captum and zennit, from tests/data/goldens.

The inputs of `tinyvgg` become pictures in [0, 1] (`pictures.npy`) with the sidecar that turns them
back; of the reference arrays, integrated gradients (captum), EpsilonPlusFlat (zennit)
and Grad-CAM at the size of the last maps are kept as a user would save them.
"""

from pathlib import Path

import numpy as np

DATA = Path(__file__).parent.parent / "tests/data"


def main():
    goldens = np.load(DATA / "goldens/tinyvgg.npz")
    target = DATA / "heatmaps"
    target.mkdir(exist_ok=True)
    x = goldens["input"]
    low, high = float(x.min()), float(x.max())
    np.save(target / "pictures.npy", ((x - low) / (high - low)).astype(np.float32))
    scale = (high - low) / 255
    mean = ", ".join([repr(-low)] * 3)
    sidecar = f'channels = "rgb"\nscale = {scale!r}\nmean = [{mean}]\nstd = [1.0, 1.0, 1.0]\n'
    (target / "tinyvgg.toml").write_text(sidecar)
    gradients = goldens["ig50_gausslegendre"]
    np.savez_compressed(target / "captum.npz", **{str(i): m for i, m in enumerate(gradients)})
    np.save(target / "zennit.npy", goldens["comp_EpsilonPlusFlat"])
    np.save(target / "gradcam.npy", goldens["gradcam_relu"])


if __name__ == "__main__":
    main()
