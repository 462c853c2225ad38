"""Checks pixelflip on one network of every family of torchvision and timm, with random weights.

    pip install -r scripts/requirements-zoo.txt
    cargo build --release
    python scripts/check_zoo.py [NETWORK...] [--program target/release/pixelflip] [--again] [--table]

The networks are those of scripts/zoo.txt. Each is exported by one of PyTorch's exporters and looked at
with one random picture:

- it loads;
- its logits are within 1e-4 of the largest of onnxruntime's, or within 4 times of what onnxruntime is off from
  PyTorch in double precision;
- its gradient is within 1e-3 of the largest of autograd's in double precision, or within 4 times of what
  PyTorch's own single precision is off. Networks of rectifiers have kinks: beside one, rounding decides.
  So up to five pictures are tried, and `pictures` says how many it took;
- relevance by `lrp-epsilon` and `lrp-epsilon-plus-flat` is finite and not all zero, or refused by name.

One row per network goes into results/zoo/zoo.csv as soon as it is known, so a run that was stopped goes
on where it was; `--again` does those anew that failed, networks that are named are always done anew.
results/zoo/README.md is made from the rows (`--table`: only that). The exit code is 1 when a number is wrong.
Nothing is downloaded.
"""

import argparse
import copy
import csv
import logging
import os
import platform
import subprocess
import sys
import tempfile
import traceback
import warnings
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import timm
import torch
import torchvision
from export_models import export
from torch import nn

HERE = Path(__file__).parent
OUT = HERE.parent / "results" / "zoo"
COLUMNS = ["source", "family", "network", "side", "exporter", "parameters", "nodes", "loads", "logits",
           "onnxruntime", "gradient",
           "torch_float32", "pictures", "lrp_epsilon", "lrp_epsilon_plus_flat", "verdict", "reason"]
LOGITS, GRADIENT, TIMES, PICTURES = 1e-4, 1e-3, 4, 5
OPSET = {"legacy": 17, "dynamo": 18}
BATCH_NORM = nn.functional.batch_norm
LRP = {"lrp_epsilon": "lrp-epsilon", "lrp_epsilon_plus_flat": "lrp-epsilon-plus-flat"}


def zoo():
    """The rows of zoo.txt."""
    lines = (HERE / "zoo.txt").read_text().splitlines()
    fields = [line.split() for line in lines if line.strip() and not line.startswith("#")]
    return [{"source": f[0], "family": f[1], "network": f[2], "side": int(f[3]), "exporter": f[4],
             "options": dict(option.split("=") for option in f[5:])} for f in fields]


def number(text):
    """A number, or with commas a tuple of them."""
    return tuple(int(part) for part in text.split(",") if part) if "," in text else int(text)


def build(one):
    options = {key: number(value) for key, value in one["options"].items()}
    name, side = one["network"], one["side"]
    if one["source"] == "timm":
        return timm.create_model(name, **options)
    hidden, layers = options.pop("hidden", None), options.pop("layers", None)
    transform = options.pop("transform_input", 0)
    if name in ("googlenet", "inception_v3"):
        options |= {"aux_logits": False, "init_weights": False}
    if name.startswith("vit"):
        options["image_size"] = side
    net = torchvision.models.get_model(name, weights=None, **options)
    if transform:
        net.transform_input = True
    if layers:
        net.encoder.layers = net.encoder.layers[:layers]
    if hidden:
        wide = [m for m in net.classifier if isinstance(m, nn.Linear)][0].in_features
        net.classifier = nn.Sequential(nn.Linear(wide, hidden), nn.ReLU(), nn.Dropout(), nn.Linear(hidden, 1000))
    return net


def disturb(net, side):
    """Gives every weight a size at which it matters, batch statistics near those of pictures, none exact."""
    layers, norms = set(), []
    for module in net.modules():
        if isinstance(module, (nn.Conv1d, nn.Conv2d, nn.Linear)):
            layers.update(id(p) for p in module.parameters(recurse=False))
            if float(module.weight.detach().abs().max()) == 0:
                nn.init.xavier_normal_(module.weight)
            if module.bias is not None and float(module.bias.detach().abs().max()) < 0.02:
                nn.init.normal_(module.bias, std=0.05)
        elif "norm" in type(module).__name__.lower():
            layers.update(id(p) for p in module.parameters(recurse=False))
            for key, p in module.named_parameters(recurse=False):
                if key in ("weight", "gamma", "v"):
                    nn.init.uniform_(p, 0.5, 1.5)
                else:
                    nn.init.normal_(p, std=0.2)
            norms += [module] if getattr(module, "running_var", None) is not None else []
    # layer scales, gains, tokens, positions: not near zero, not all alike
    for p in net.parameters():
        if id(p) not in layers:
            size = float(p.detach().abs().max())
            own = p.detach() if size >= 0.1 else torch.zeros_like(p)
            p.data = own + (0.2 if size >= 0.1 else 0.5) * torch.rand_like(p)
    net.eval()
    for norm in norms:
        norm.train()
        norm.momentum = 1.0
    with torch.no_grad():
        net(torch.randn(4, 3, side, side))
    net.eval()
    for norm in norms:
        norm.momentum = 0.1
        norm.running_mean += 0.2 * torch.randn_like(norm.running_mean) * norm.running_var.sqrt()
        norm.running_var.mul_(torch.empty_like(norm.running_var).uniform_(0.7, 1.5)).add_(1e-3)
    return net.requires_grad_(False)


def batch_norm(x, mean, var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    """Batch normalisation, written out where statistics are fixed."""
    if training:
        return BATCH_NORM(x, mean, var, weight, bias, training, momentum, eps)
    shape = [1, -1] + [1] * (x.dim() - 2)
    factor = (var + eps).rsqrt() if weight is None else weight * (var + eps).rsqrt()
    shift = -mean * factor if bias is None else bias - mean * factor
    return x * factor.view(shape) + shift.view(shape)


@contextmanager
def norms_written_out():
    """PyTorch 2.15 hands a gradient whose axes are permuted through batch normalisation in the wrong order
    (on CPUs, with fixed statistics): finite differences agree with the written-out form."""
    nn.functional.batch_norm = batch_norm
    try:
        yield
    finally:
        nn.functional.batch_norm = BATCH_NORM


def gradient(net, x, target):
    x = x.clone().requires_grad_(True)
    with norms_written_out():
        net(x)[0, target].backward()
    return x.grad[0].double().numpy()


def reference(path, x):
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})[0].reshape(-1)


class Refused(Exception):
    """The program gave no result: its sentence."""


class Program:
    def __init__(self, path, folder):
        self.path, self.folder = path, folder

    def array(self, *arguments):
        out = self.folder / "out.npy"
        out.unlink(missing_ok=True)
        command = [self.path, *arguments, "--model", self.folder / "model.onnx", "--input", self.folder / "x.npy",
                   "--out", out]
        environment = {**os.environ, "RAYON_NUM_THREADS": "1"}
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        if done.returncode != 0:
            lines = done.stderr.replace(str(self.folder / "model.onnx"), "model.onnx").splitlines()
            said = [line for line in lines if line.strip() and not line.startswith("warning")]
            raise Refused((" ".join(said) or f"exit code {done.returncode}").removeprefix("error: "))
        return np.load(out)


def off(found, want):
    """The largest difference as a share of the largest value; NaN counts as infinite."""
    share = np.abs(found.astype(np.float64) - want).max() / np.abs(want).max()
    return float(share) if np.isfinite(share) else float("inf")


def relevance(program, method):
    try:
        found = program.array("explain", "--method", method)
    except Refused as refused:
        return "refused: " + str(refused).split("cannot explain this network: ")[-1]
    if not np.isfinite(found).all():
        return "wrong: not finite"
    return "yes" if np.abs(found).max() > 0 else "wrong: all zero"


def check(one, program):
    """The row of a network."""
    row = {key: one[key] for key in ("source", "family", "network", "side", "exporter")}
    torch.manual_seed(0)
    net = disturb(build(one), one["side"])
    path = program.folder / "model.onnx"
    export(net, one["side"], path, one["exporter"], OPSET[one["exporter"]], "fixed")
    row["parameters"] = sum(p.numel() for p in net.parameters())
    row["nodes"] = len(onnx.load(path, load_external_data=False).graph.node)
    x = torch.randn(1, 3, one["side"], one["side"])
    want = reference(path, x.numpy())
    if not np.isfinite(want).all() or not want.any():
        raise ValueError("onnxruntime's own logits are not finite or all zero: the random weights do not suit it")
    target = int(want.argmax())
    np.save(program.folder / "x.npy", x.numpy())
    try:
        logits = program.array("predict")
    except Refused as refused:
        return row | {"loads": "no", "verdict": "refused", "reason": str(refused)}
    with torch.no_grad():
        theirs = off(want, copy.deepcopy(net).double()(x.double()).reshape(-1).numpy())
    row |= {"loads": "yes", "logits": f"{off(logits, want):.1e}", "onnxruntime": f"{theirs:.1e}"}
    for pictures in range(1, PICTURES + 1):
        found, single = gradients(net, x, target, program)
        if good := found <= max(GRADIENT, TIMES * single):
            break
        x = torch.randn(1, 3, one["side"], one["side"])
    row |= {"gradient": f"{found:.1e}", "torch_float32": f"{single:.1e}", "pictures": pictures}
    row |= {column: relevance(program, method) for column, method in LRP.items()}
    wrong = []
    if off(logits, want) > max(LOGITS, TIMES * theirs):
        wrong.append("logits")
    if not good:
        wrong.append("gradient")
    wrong += [method for column, method in LRP.items() if row[column].startswith("wrong")]
    refused = [row[c].removeprefix("refused: ") for c in LRP if row[c].startswith("refused")]
    verdict = "wrong" if wrong else "no LRP" if refused else "yes"
    return row | {"verdict": verdict, "reason": ", ".join(wrong) or (refused or [""])[0]}


def gradients(net, x, target, program):
    """How far pixelflip's gradient and PyTorch's own are off from that in double precision."""
    exact = gradient(copy.deepcopy(net).double(), x.double(), target)
    single = off(gradient(net, x, target), exact)
    if not np.isfinite(single):
        raise ValueError("PyTorch's own gradient is not finite: the random weights do not suit it")
    np.save(program.folder / "x.npy", x.numpy())
    return off(program.array("explain", "--method", "gradient", "--target", str(target)), exact), single


def done_before():
    path = OUT / "zoo.csv"
    if not path.exists():
        return {}
    with path.open() as file:
        return {(row["source"], row["network"]): row for row in csv.DictReader(file)}


def write(rows):
    OUT.mkdir(parents=True, exist_ok=True)
    order = [(one["source"], one["network"]) for one in zoo()]
    with (OUT / "zoo.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows({c: rows[key].get(c, "") for c in COLUMNS} for key in order if key in rows)


def table(rows):
    """README.md, from the rows."""
    rows = list(rows)
    lines = [
        "# Which networks load, and with which numbers", "",
        "Written by `scripts/check_zoo.py`, which says what is checked; the networks are those of `scripts/zoo.txt`: "
        "the smallest of each family of torchvision and timm, random weights, small pictures. "
        f"torch {torch.__version__.split('+')[0]}, torchvision {torchvision.__version__.split('+')[0]}, "
        f"timm {timm.__version__}, onnx {onnx.__version__}, onnxruntime {ort.__version__}, "
        f"Python {platform.python_version()}.", "",
        "| | networks | load | logits agree | gradient agrees | LRP |", "|---|---|---|---|---|---|",
    ]

    def share(part, whole):
        return f"{len(part)} ({100 * len(part) / max(1, len(whole)):.0f} %)"

    for source, name in (("tv", "torchvision"), ("timm", "timm")):
        own = [r for r in rows if r["source"] == source and r["verdict"] != "not made"]
        load = [r for r in own if r["loads"] == "yes"]
        wrong = {what: [r for r in load if r["verdict"] == "wrong" and what in r["reason"]]
                 for what in ("logits", "gradient")}
        good = {what: [r for r in load if r not in wrong[what]] for what in wrong}
        lrp = [r for r in load if all(r[c] == "yes" for c in LRP)]
        lines.append(f"| {name} | {len(own)} | {share(load, own)} | {share(good['logits'], own)} | "
                     f"{share(good['gradient'], own)} | {share(lrp, own)} |")
    failed = [r for r in rows if r["verdict"] not in ("yes", "no LRP")]
    lines += ["", "## What fails, and why", ""]
    lines += [f"- {r['source']} {r['network']}: {r['verdict']}: {r['reason']}" for r in failed] or ["Nothing."]
    lines += [
        "", "## All", "",
        "`logits`: largest difference to onnxruntime over the largest logit; `onnxruntime`: what that is off from "
        "PyTorch in double precision. `gradient`: likewise to autograd in double "
        "precision; `float32`: what PyTorch is off from that itself. `LRP`: `lrp-epsilon` and `lrp-epsilon-plus-flat`.",
        "", "| network | exporter | side | nodes | logits | onnxruntime | gradient | float32 | LRP |", "|---|---|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        lrp = "yes" if all(r[c] == "yes" for c in LRP) else "no" if r["loads"] == "yes" else ""
        lines.append(f"| {r['source']} {r['network']} | {r['exporter']} | {r['side']} | {r['nodes']} | {r['logits']} | "
                     f"{r['onnxruntime']} | {r['gradient']} | {r['torch_float32']} | {lrp} |")
    (OUT / "README.md").write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", metavar="NETWORK")
    parser.add_argument("--program", type=Path, default=Path("target/release/pixelflip"))
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--keep", type=Path, help="a folder in which the exported file stays")
    args = parser.parse_args()
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    rows = done_before()
    good = ("yes", "no LRP")
    for one in [] if args.table else zoo():
        key = (one["source"], one["network"])
        wanted = one["network"] in args.networks if args.networks else (
            key not in rows or (args.again and rows[key]["verdict"] not in good))
        if not wanted:
            continue
        with tempfile.TemporaryDirectory() as folder:
            program = Program(args.program.resolve(), args.keep or Path(folder))
            try:
                rows[key] = check(one, program)
            except Exception as error:  # a network that PyTorch cannot export is a row too
                traceback.print_exc(limit=2)
                rows[key] = {**{k: one[k] for k in ("source", "family", "network", "side", "exporter")},
                             "verdict": "not made", "reason": " ".join(f"{type(error).__name__}: {error}".split())[:300]}
        write(rows)
        print(" ".join(str(rows[key].get(c, "")) for c in COLUMNS if c not in ("family", "side")), flush=True)
    write(rows)
    table(done_before().values())
    sys.exit(any(row["verdict"] == "wrong" for row in rows.values()))


if __name__ == "__main__":
    main()
