"""Compares pixelflip with onnxruntime on torchvision's networks, as both PyTorch exporters write them.

    pip install -r scripts/requirements-models.txt
    cargo build --release
    python scripts/check_exports.py [NAME...] [--variant EXPORTER,OPSET,BATCH[,external]...]
        [--program target/release/pixelflip] [--limit 1e-4]

Random weights, nothing is downloaded. For every network and variant it exports the network, gives two
random pictures to both programs, and prints the largest difference of a logit as a share of the
largest logit. The exit code is 1 when one is above the limit or a file is refused.
"""

import argparse
import logging
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch
from export_models import NAMES, build, export

VARIANTS = [
    "legacy,11,fixed", "legacy,13,dynamic", "legacy,17,fixed", "legacy,20,dynamic",
    "dynamo,18,fixed", "dynamo,20,dynamic", "dynamo,18,dynamic,external",
]
SIDE = 224


def reference(path, x):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    first = session.get_inputs()[0]
    parts = np.split(x, len(x)) if first.shape[0] == 1 else [x]
    return np.concatenate([session.run(None, {first.name: part})[0] for part in parts])


def predict(program, path, x, folder):
    """pixelflip's logits, or the sentence with which it refused."""
    np.save(folder / "x.npy", x)
    command = [program, "predict", "--model", path, "--input", folder / "x.npy", "--out",
               folder / "y.npy"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        return None, done.stderr.strip()
    return np.load(folder / "y.npy"), None


def check(net, variant, program):
    """The largest difference as a share of the largest logit, or why there is none."""
    exporter, opset, batch, *more = variant.split(",")
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        path = folder / "model.onnx"
        export(net, SIDE, path, exporter, int(opset), batch, more == ["external"])
        if more == ["external"] and not Path(f"{path}.data").exists():
            return None, "the exporter wrote no external data"
        x = np.random.default_rng(1).normal(size=(2, 3, SIDE, SIDE)).astype(np.float32)
        want = reference(path, x)
        found, refusal = predict(program, path, x, folder)
    if refusal:
        return None, refusal
    return float(np.abs(found - want).max() / np.abs(want).max()), None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", default=NAMES)
    parser.add_argument("--variant", action="append")
    parser.add_argument("--program", type=Path, default=Path("target/release/pixelflip"))
    parser.add_argument("--limit", type=float, default=1e-4)
    args = parser.parse_args()
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    wrong = 0
    for name in args.names:
        net = build(name, None, random=True)
        for variant in args.variant or VARIANTS:
            torch.manual_seed(0)
            off, refusal = check(net, variant, args.program.resolve())
            wrong += refusal is not None or off > args.limit
            print(f"{name:14} {variant:26} {refusal or format(off, '.1e')}", flush=True)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
