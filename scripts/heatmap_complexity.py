"""File size and entropy of heat maps (Samek et al. 2017, table I): how complex is what a method shows?

    python scripts/heatmap_complexity.py PIXELFLIP SHARED OUT.csv [COUNT]

Takes COUNT (default 100) evenly spaced pictures of SHARED/images/imagenet_val, has PIXELFLIP explain
SqueezeNet's prediction for each by the paper's heat maps, and writes one row per method: mean size in
KB as grey PNG and as grey JPEG of quality 90, and mean entropy of the 256 grey levels in bits. Heat
maps are scaled by their largest absolute value; 0 is grey 0 for norms and grey 128 for signed
relevance. Needs numpy and pillow (made with numpy 2.4.6, pillow 13.0.0).
"""

import csv
import io
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

METHODS = [
    "sensitivity:norm=l2", "sensitivity:norm=linf", "deconvolution:norm=l2",
    "deconvolution:norm=linf", "lrp-samek2017-eps:eps=0.01", "lrp-samek2017-eps:eps=100",
    "lrp-samek2017", "lrp-epsilon-plus-flat",
]


def pooled(relevance, method):
    if "linf" in method:
        return np.abs(relevance).max(axis=0)
    if "l2" in method:
        return np.sqrt((relevance ** 2).sum(axis=0))
    return relevance.sum(axis=0)


def grey(heat, signed):
    heat = heat / max(np.abs(heat).max(), 1e-30)
    level = heat * 127.5 + 127.5 if signed else heat * 255
    return np.clip(np.rint(level), 0, 255).astype(np.uint8)


def kilobytes(picture, **how):
    file = io.BytesIO()
    Image.fromarray(picture).save(file, **how)
    return len(file.getvalue()) / 1024


def entropy(picture):
    share = np.bincount(picture.ravel(), minlength=256) / picture.size
    share = share[share > 0]
    return float(-(share * np.log2(share)).sum())


def main():
    program, shared, out = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    count = int(sys.argv[4]) if len(sys.argv) > 4 else 100
    files = sorted((shared / "images/imagenet_val/images").rglob("*.JPEG"))
    files = files[:: len(files) // count][:count]
    mean = np.array([104, 117, 123], dtype=np.float32).reshape(3, 1, 1)
    read = [np.asarray(Image.open(f).convert("RGB"), dtype=np.float32)[:, :, ::-1] for f in files]
    inputs = np.stack([x.transpose(2, 0, 1) - mean for x in read])
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        np.save(f"{folder}/x.npy", inputs)
        for method in METHODS:
            subprocess.run([program, "explain", "--model", shared / "models/squeezenet1_1_227.onnx",
                            "--input", f"{folder}/x.npy", "--method", method,
                            "--out", f"{folder}/h.npy"], check=True, stdout=subprocess.DEVNULL)
            maps = [grey(pooled(r, method), "norm" not in method)
                    for r in np.load(f"{folder}/h.npy")]
            rows.append({
                "method": method,
                "images": len(maps),
                "png_kb": np.mean([kilobytes(m, format="PNG", optimize=True) for m in maps]),
                "jpeg_kb": np.mean([kilobytes(m, format="JPEG", quality=90) for m in maps]),
                "entropy_bits": np.mean([entropy(m) for m in maps]),
            })
            print(rows[-1], flush=True)
    with open(out, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({k: f"{v:.4f}" if isinstance(v, float) else v for k, v in row.items()})


if __name__ == "__main__":
    main()
