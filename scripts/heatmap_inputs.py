"""What captum_heatmaps.py and zennit_heatmaps.py share: flags, pictures, writing.

`pixelflip data export --model M.onnx --data D --out x.npz` writes the very inputs that a run sees: give that file as
`--data`. A folder of pictures does as well where these have the size of the network's input already: another program's
resizing would give other pixels than pixelflip's, and heat maps of other pictures.
"""

import argparse
import tomllib
from pathlib import Path

import numpy as np
import torch
from PIL import Image

ENDINGS = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"}


def arguments(description, methods, default):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--model", type=Path, required=True, help="ONNX file, its sidecar M.toml beside it")
    parser.add_argument("--data", type=Path, required=True, help=".npz of `pixelflip data export`, folder of pictures, or .npy (N, C, H, W) in [0, 1]")
    parser.add_argument("--method", choices=sorted(methods), default=default)
    parser.add_argument("--out", type=Path, required=True, help=".npz file, one array per picture")
    return parser.parse_args()


def normalise(picture, sidecar):
    """From (C, H, W) in [0, 1], RGB or grey, to the network's input."""
    if sidecar.get("channels", "rgb") == "bgr":
        picture = picture[::-1]
    column = lambda key, default: np.asarray(sidecar.get(key, [default]), float).reshape(-1, 1, 1)
    value = (picture * 255.0 * sidecar.get("scale", 1 / 255) - column("mean", 0.0)) / column("std", 1.0)
    return torch.tensor(np.ascontiguousarray(value), dtype=torch.float32)[None]


def pictures(folder, sidecar):
    """Pairs of the id that pixelflip gives a picture, and the network's input."""
    if folder.suffix == ".npz":
        with np.load(folder) as file:
            for name, value in zip(file["ids"], file["inputs"]):
                yield str(name), torch.from_numpy(value)[None]
        return
    if folder.suffix == ".npy":
        for i, picture in enumerate(np.load(folder)):
            yield str(i), normalise(picture, sidecar)
        return
    mode = "L" if sidecar.get("channels") == "grey" else "RGB"
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in ENDINGS):
        pixels = np.asarray(Image.open(path).convert(mode), float) / 255
        pixels = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
        size = tuple(sidecar.get("input", pixels.shape[1:]))
        if pixels.shape[1:] != size:
            raise SystemExit(f"`{path}` has {pixels.shape[1:]} pixels, the network takes {size}: resize it first")
        yield path.relative_to(folder).as_posix(), normalise(pixels, sidecar)


def run(args, tool, explain):
    """Explains the predicted class of every picture and writes the relevance (C, H, W)."""
    beside = args.model.with_suffix(".toml")
    # what was exported is prepared already
    sidecar = {} if args.data.suffix == ".npz" else tomllib.loads(beside.read_text())
    maps = {name: explain(x) for name, x in pictures(args.data, sidecar)}
    if not maps:
        raise SystemExit(f"`{args.data}` holds no pictures ({', '.join(sorted(ENDINGS))})")
    np.savez_compressed(args.out, **maps)
    print(f"{len(maps)} heat maps in {args.out}; now\n  pixelflip run --heatmaps {tool}-{args.method}={args.out} ...")
