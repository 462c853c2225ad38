#!/usr/bin/env python3
"""What an LRP explanation costs, against a forward pass and against zennit, in one run.

    cargo build --release
    pip install -r scripts/requirements-bench.txt
    python scripts/bench_lrp.py --out results/bench

torchvision's networks with random weights (times do not depend on them) explain one 224x224 picture after
the other. Every measurement is a process of its own with a given number of threads. Ours explains a few
pictures and one, by the program itself; the difference over the pictures between is the time of one. The
method `constant` needs nothing but the forward pass, so what the others cost above it is the explanation;
"passes" is the whole explanation, forward pass included, in forward passes. zennit's time is that of
`EpsilonPlusFlat` or of alpha-beta on all layers, also with the forward pass. Contenders follow each
other inside a round, and ratios are taken inside a round. Memory is the peak of a process that explains one
picture; "extra" is what that needs above the forward pass, whose values of all layers are kept too.
Reading the file can need more than either, and does on VGG-16: then nothing is extra.
"""
import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench_peers import ROOT, export, machine, versions

MODELS = ["vgg16", "resnet18", "squeezenet1_1"]
METHODS = {
    "forward": "constant",
    "epsilon_plus_flat": "lrp-epsilon-plus-flat",
    "alpha2_beta1": "lrp-alpha-beta:alpha=2:beta=1",
}
REACH = {"epsilon_plus_flat": 4, "alpha2_beta1": 10}
PICTURES = {"vgg16": 7, "resnet18": 33, "squeezenet1_1": 65}


def child(prefix, command, threads):
    """Seconds, peak memory in MB, and what was printed."""
    names = ["RAYON_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"]
    environment = {**os.environ, **{name: str(threads) for name in names}}
    start = time.perf_counter()
    with subprocess.Popen(prefix + command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          env=environment, text=True) as process:
        out = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{shlex.join(command)} failed")
    return time.perf_counter() - start, used.ru_maxrss / 1024, out


def ours(options, folder, name, method, threads):
    """Milliseconds of one explanation, and the peak memory."""
    times, memory, n = {}, {}, PICTURES[name]
    for count in (1, n):
        command = [options.binary, "explain", "--model", str(folder / f"{name}.onnx")]
        command += ["--input", str(folder / f"{count}.npy"), "--target", "7"]
        command += ["--method", method, "--out", str(folder / "relevance.npy")]
        times[count], memory[count], _ = child(options.prefix, command, threads)
    return {"ms": 1e3 * (times[n] - times[1]) / (n - 1), "mb": memory[1]}


def peer(options, folder, name, threads):
    command = [sys.executable, __file__, "--child", name, "--threads", str(threads)]
    _, memory, out = child(options.prefix, command + ["--exports", str(folder)], threads)
    return {**json.loads(out), "mb": memory}


def as_child(name, threads, folder):
    """Milliseconds of a forward pass and of zennit's explanations, medians of a few."""
    import numpy
    import torch
    import torchvision
    from zennit.attribution import Gradient
    from zennit.composites import EpsilonPlusFlat, LayerMapComposite, layer_map_base
    from zennit.rules import AlphaBeta
    from zennit.types import Linear

    torch.set_num_threads(threads)
    net = torchvision.models.get_model(name, weights=None).eval()
    canonizers = []
    if name.startswith("resnet"):
        from zennit.torchvision import ResNetCanonizer

        canonizers = [ResNetCanonizer()]
    x = torch.tensor(numpy.load(folder / "1.npy"))
    target = torch.eye(1000)[[7]]

    def forward():
        with torch.inference_mode():
            net(x)

    def explain(composite):
        with Gradient(model=net, composite=composite) as attributor:
            attributor(x, target)

    everywhere = layer_map_base() + [(Linear, AlphaBeta(2, 1))]
    cases = {
        "forward": forward,
        "epsilon_plus_flat": lambda: explain(EpsilonPlusFlat(canonizers=canonizers)),
        "alpha2_beta1": lambda: explain(LayerMapComposite(everywhere, canonizers=canonizers)),
    }
    result = {}
    for case, run in cases.items():
        run()
        times = []
        for _ in range(3):
            start = time.perf_counter()
            run()
            times.append(1e3 * (time.perf_counter() - start))
        result[case] = statistics.median(times)
    print(json.dumps(result))


def measure(options, folder, name, threads):
    rounds = []
    # files into the system's cache
    ours(options, folder, name, METHODS["forward"], threads)
    for _ in range(options.rounds):
        row = {key: ours(options, folder, name, spec, threads) for key, spec in METHODS.items()}
        row["zennit"] = peer(options, folder, name, threads)
        rounds.append(row)
    return rounds


def median(values):
    return statistics.median(values)


def summary(name, threads, rounds):
    row = {"model": name, "threads": threads}
    row["forward_ms"] = median([r["forward"]["ms"] for r in rounds])
    row["forward_mb"] = median([r["forward"]["mb"] for r in rounds])
    row["zennit_forward_ms"] = median([r["zennit"]["forward"] for r in rounds])
    for key in REACH:
        row[key] = {
            "ms": median([r[key]["ms"] for r in rounds]),
            "passes": median([r[key]["ms"] / r["forward"]["ms"] for r in rounds]),
            "zennit_ms": median([r["zennit"][key] for r in rounds]),
            "faster_than_zennit": median([r["zennit"][key] / r[key]["ms"] for r in rounds]),
            "extra_mb": median([r[key]["mb"] - r["forward"]["mb"] for r in rounds]),
        }
    return row


def table(rows):
    head = ["model", "threads", "pass", "torch's pass", "method", "explanation", "passes", "asked", "zennit",
            "zennit / ours", "extra MB"]
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for row in rows:
        for key, most in REACH.items():
            r = row[key]
            cells = [row["model"], row["threads"], f"{row['forward_ms']:.1f}",
                     f"{row['zennit_forward_ms']:.1f}", f"`{METHODS[key]}`", f"{r['ms']:.1f}",
                     f"{r['passes']:.1f}", most, f"{r['zennit_ms']:.1f}", f"{r['faster_than_zennit']:.2f}",
                     f"{r['extra_mb']:.0f}"]
            lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def inputs(folder, names):
    import numpy

    pictures = numpy.random.default_rng(0).standard_normal((max(PICTURES.values()), 3, 224, 224))
    for count in {1, *(PICTURES[name] for name in names)}:
        numpy.save(folder / f"{count}.npy", pictures[:count].astype("float32"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--threads", default=",".join(sorted({"1", str(os.cpu_count())})))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--binary", default=str(ROOT / "target/release/pixelflip"))
    parser.add_argument("--prefix", type=shlex.split, default=[], help="put before each measured command")
    parser.add_argument("--exports", type=Path, help="folder for the ONNX files (default: a temporary one)")
    parser.add_argument("--out", type=Path, default=ROOT / "results/bench")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        return as_child(options.child, int(options.threads), options.exports)
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.exports or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        names = options.models.split(",")
        export(folder, names)
        inputs(folder, names)
        raw, rows = {}, []
        for name in names:
            for threads in map(int, options.threads.split(",")):
                raw[f"{name}, {threads}"] = rounds = measure(options, folder, name, threads)
                rows.append(summary(name, threads, rounds))
                print(table(rows[-1:]), file=sys.stderr, flush=True)
    about = {"machine": machine(), "versions": versions(), "rounds": options.rounds}
    options.out.mkdir(parents=True, exist_ok=True)
    result = json.dumps({**about, "summary": rows, "rounds_raw": raw}, indent=1)
    (options.out / "lrp.json").write_text(result + "\n")
    text = f"Milliseconds, medians of {options.rounds} rounds, {about['machine']['cpu']}.\n\n"
    (options.out / "lrp.md").write_text(text + table(rows) + "\n")
    print(table(rows))


if __name__ == "__main__":
    main()
