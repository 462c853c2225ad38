#!/usr/bin/env python3
"""Pixel flipping side by side: pixelflip, ONNX Runtime, PyTorch and Quantus in one run.

    cargo build --release
    pip install -r scripts/requirements-bench.txt
    python scripts/bench_peers.py --threads 2 --rounds 5 --out results/bench

Every contender evaluates the same networks (torchvision's, random weights: time does not depend on
them) on 224x224 pictures with 9x9 regions and 100 steps, in the same process tree, with the same
number of threads. A round measures all contenders one after the other, and rounds follow each
other, so drift of the machine falls on all alike; ratios are taken inside a round.

A peer's cost of a step is one full pass (best over the batch sizes); ours is a step of a chain,
everything included.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODELS = ["vgg16", "alexnet", "squeezenet1_1", "resnet18", "resnet50", "googlenet"]
BATCHES = [1, 8, 32]
STEPS, REGION = 100, 9


def export(folder, names):
    """torchvision networks with random weights as ONNX, batch size open."""
    import torch
    import torchvision

    torch.manual_seed(0)
    for name in names:
        path = folder / f"{name}.onnx"
        if path.exists():
            continue
        extra = {"aux_logits": False, "init_weights": True} if name == "googlenet" else {}
        net = torchvision.models.get_model(name, weights=None, **extra).eval()
        torch.onnx.export(
            net,
            torch.randn(1, 3, 224, 224),
            str(path),
            opset_version=17,
            dynamo=False,
            input_names=["input"],
            output_names=["logits"],
            dynamic_axes={"input": {0: "n"}, "logits": {0: "n"}},
        )


def seconds(f):
    start = time.perf_counter()
    f()
    return time.perf_counter() - start


def ours(binary, model, threads, order):
    """One round of `pixelflip bench`."""
    command = [binary, "bench", "--model", str(model), "--threads", str(threads), "--rounds", "1"]
    command += ["--steps", str(STEPS), "--region", str(REGION), "--json"]
    if order != "random":
        command += ["--order", order]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return json.loads(out)


class OnnxRuntime:
    def __init__(self, model, threads):
        import numpy
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            str(model), options, providers=["CPUExecutionProvider"]
        )
        self.inputs = {n: numpy.random.rand(n, 3, 224, 224).astype("float32") for n in BATCHES}
        for x in self.inputs.values():
            self.session.run(None, {"input": x})

    def round(self):
        """Milliseconds per pass, by batch size."""
        run = lambda x: self.session.run(None, {"input": x})
        return {n: 1e3 * seconds(lambda: run(x)) / n for n, x in self.inputs.items()}


class PyTorch:
    """The hand-written loop: fill one region, stack pictures, one batch after the other."""

    def __init__(self, name, threads, batch):
        import torch
        import torchvision

        torch.set_num_threads(threads)
        extra = {"aux_logits": False, "init_weights": True} if name == "googlenet" else {}
        self.net = torchvision.models.get_model(name, weights=None, **extra).eval()
        self.torch, self.batch = torch, batch
        self.order = torch.randperm(24 * 24, generator=torch.Generator().manual_seed(0))
        self.round()

    def round(self):
        """Milliseconds per step over one batch of steps."""
        torch = self.torch
        x = torch.rand(1, 3, 224, 224)

        def steps():
            pictures = []
            for region in self.order[: self.batch].tolist():
                y, c = region // 24 * REGION, region % 24 * REGION
                x[:, :, y : y + REGION, c : c + REGION] = torch.rand(1, 3, REGION, REGION)
                pictures.append(x.clone())
            with torch.inference_mode():
                self.net(torch.cat(pictures))

        return 1e3 * seconds(steps) / self.batch


class Zennit:
    """One LRP epsilon-plus-flat explanation."""

    def __init__(self, name):
        import torch
        import torchvision
        from zennit.attribution import Gradient
        from zennit.composites import EpsilonPlusFlat

        self.net = torchvision.models.get_model(name, weights=None).eval()
        self.torch, self.composite, self.gradient = torch, EpsilonPlusFlat(), Gradient
        self.round()

    def round(self):
        torch = self.torch
        x = torch.rand(1, 3, 224, 224)
        target = torch.zeros(1, 1000)
        target[0, 0] = 1.0

        def explain():
            with self.gradient(model=self.net, composite=self.composite) as attributor:
                attributor(x, target)

        return 1e3 * seconds(explain)


class Quantus:
    """RegionPerturbation on one picture; its own cost comes on top of the passes."""

    def __init__(self, name):
        import quantus

        self.metric = quantus.RegionPerturbation(
            patch_size=REGION, regions_evaluation=STEPS, order="random", disable_warnings=True
        )
        import torch
        import torchvision

        self.torch = torch
        self.net = torchvision.models.get_model(name, weights=None).eval()

    def round(self):
        x = self.torch.rand(1, 3, 224, 224).numpy()
        a = self.torch.rand(1, 1, 224, 224).numpy()
        call = lambda: self.metric(
            model=self.net, x_batch=x, y_batch=[0], a_batch=a, device="cpu", batch_size=1
        )
        return 1e3 * seconds(call) / STEPS


def optional(make):
    try:
        return make()
    except ImportError:
        return None


def machine():
    cpu = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = [l for l in cpuinfo.read_text().splitlines() if l.startswith("model name")]
        cpu = lines[0].split(":", 1)[1].strip() if lines else cpu
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {"cpu": cpu, "cores": os.cpu_count(), "system": platform.system(), "load": load}


def versions():
    from importlib import metadata

    found = {}
    for package in ["onnxruntime", "torch", "torchvision", "zennit", "quantus", "numpy"]:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = None
    return found


def measure(name, model, options):
    peers = {
        "onnxruntime": OnnxRuntime(model, options.threads),
        "pytorch": PyTorch(name, options.threads, 32),
        "zennit": optional(lambda: Zennit(name)) if name in ("vgg16", "alexnet") else None,
        "quantus": optional(lambda: Quantus(name)),
    }
    rounds = []
    for _ in range(options.rounds):
        row = {order: ours(options.binary, model, options.threads, order) for order in options.orders}
        for peer, contender in peers.items():
            row[peer] = contender.round() if contender else None
        rounds.append(row)
    return rounds


def median(values):
    values = [v for v in values if v is not None]
    return statistics.median(values) if values else None


def summary(name, rounds, orders):
    best = [min(r["onnxruntime"].values()) for r in rounds]
    batch1 = [r["onnxruntime"][1] for r in rounds]
    row = {
        "model": name,
        "onnxruntime_best_ms": median(best),
        "onnxruntime_batch1_ms": median(batch1),
        "pytorch_ms": median([r["pytorch"] for r in rounds]),
        "zennit_lrp_ms": median([r["zennit"] for r in rounds]),
        "quantus_ms": median([r["quantus"] for r in rounds]),
        "full_ms": median([r[orders[0]]["full_ms"] for r in rounds]),
        "gemm_gflops": median([r[orders[0]]["gemm_gflops"] for r in rounds]),
    }
    for order in orders:
        step = [r[order]["step_ms"] for r in rounds]
        ratios = sorted(b / s for b, s in zip(best, step))
        row[order] = {
            "step_ms": median(step),
            "ratio": median(ratios),
            "ratio_min": ratios[0],
            "ratio_max": ratios[-1],
            "efficiency": median([r[order]["step_efficiency"] for r in rounds]),
            "step_macs": rounds[0][order]["step_macs"],
            "step_macs_direct": rounds[0][order]["step_macs_direct"],
        }
    return row


def number(value, digits=1):
    return "" if value is None else f"{value:.{digits}f}"


def table(rows, orders):
    head = ["model", "ORT best", "ORT b1", "PyTorch", "Quantus", "our full"]
    for order in orders:
        head += [f"step, {order}", "ratio (min to max)", "of limit"]
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for row in rows:
        cells = [row["model"]]
        for key in ["onnxruntime_best_ms", "onnxruntime_batch1_ms", "pytorch_ms", "quantus_ms", "full_ms"]:
            cells.append(number(row[key]))
        for order in orders:
            o = row[order]
            cells += [
                number(o["step_ms"], 2),
                f"{o['ratio']:.1f} ({o['ratio_min']:.1f} to {o['ratio_max']:.1f})",
                f"{100 * o['efficiency']:.0f} %",
            ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--orders", default="random,lrp-epsilon-plus-flat")
    parser.add_argument("--binary", default=str(ROOT / "target/release/pixelflip"))
    parser.add_argument("--exports", help="folder for the ONNX files (default: a temporary one)")
    parser.add_argument("--out", type=Path, default=ROOT / "results/bench")
    options = parser.parse_args()
    options.orders = options.orders.split(",")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(options.exports or scratch)
        folder.mkdir(parents=True, exist_ok=True)
        names = options.models.split(",")
        export(folder, names)
        raw, rows = {}, []
        for name in names:
            raw[name] = measure(name, folder / f"{name}.onnx", options)
            rows.append(summary(name, raw[name], options.orders))
            print(table(rows[-1:], options.orders), file=sys.stderr, flush=True)
    about = {"machine": machine(), "versions": versions(), "threads": options.threads}
    about |= {"steps": STEPS, "region": REGION, "rounds": options.rounds}
    options.out.mkdir(parents=True, exist_ok=True)
    result = json.dumps({**about, "summary": rows, "rounds": raw}, indent=1)
    (options.out / "peers.json").write_text(result + "\n")
    text = f"Milliseconds, medians of {options.rounds} rounds, {options.threads} threads, {about['machine']['cpu']}.\n\n"
    (options.out / "peers.md").write_text(text + table(rows, options.orders) + "\n")
    print(table(rows, options.orders))


if __name__ == "__main__":
    main()
