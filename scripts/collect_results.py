"""Takes runs of pixelflip into results/: tables, mean curves and figures, and the tables of a README.

    python scripts/collect_results.py RUNS results/samek2017 NAME...

Copies from each folder RUNS/NAME what may be published (no pictures, no heat maps over pictures) to
results/samek2017/NAME, averages its curves into curves.csv, and writes the tables between the lines
`<!-- tables -->` and `<!-- end of tables -->` of results/samek2017/README.md. Of a run that is not in
RUNS the tables are those taken before; one that is not finished either is left out, and said. Needs
pyarrow (made with pyarrow 25).
"""

import csv
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

FILES = ["summary.csv", "summary.parquet", "manifest.json", "aopc.png"]
BEGIN, END = "<!-- tables -->", "<!-- end of tables -->"


def short(method):
    """Without the parameters that are defaults of every LRP method."""
    keep = [p for p in method.split(":")
            if p.split("=")[0] not in ("bias", "start", "sum", "max", "norm", "product") or
            p in ("norm=l2", "norm=linf")]
    return ":".join(keep)


def order_of(columns):
    """The column with the order of removal, which earlier versions called otherwise."""
    return "removal_order" if "removal_order" in columns else "order"


def mean_curves(run, to):
    """One line per setting, method, order and step: the mean over pictures and repeats."""
    sums = {}
    for part in sorted((run / "curves").glob("*.parquet")):
        columns = ["method", order_of(pq.read_schema(part).names), "perturbation", "region", "scores"]
        for row in pq.read_table(part, columns=columns).to_pylist():
            if row["scores"] is not None:
                key = (row["perturbation"], row["region"], row["method"], row[columns[1]])
                total, count = sums.get(key, (0.0, 0))
                sums[key] = (total + np.array(row["scores"], dtype=np.float64), count + 1)
    with open(to, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["perturbation", "region", "method", "order", "step", "mean_score"])
        for (perturbation, region, method, order), (total, count) in sums.items():
            for step, value in enumerate(total / count):
                row = [perturbation, region, short(method), order, step, f"{value:.6g}"]
                writer.writerow(row)


def tables(name, rows, manifest):
    """A table for each size of the regions."""
    sizes = list(dict.fromkeys(r["region"] for r in rows))
    lines = []
    for size in sizes:
        title = f"### `{name}`" + (f", {size}x{size}" if len(sizes) > 1 else "")
        lines += table(title, [r for r in rows if r["region"] == size], manifest)
    return lines


def table(title, rows, manifest):
    """MoRF and LeRF side by side, in the order of the ranking."""
    order = order_of(rows[0])
    morf = [r for r in rows if r[order] == "morf"]
    lerf = {(r["perturbation"], r["method"]): r for r in rows if r[order] == "lerf"}
    first = rows[0]
    results = manifest["results"] or {}
    top = results.get("top1")
    accuracy = "" if top is None else f", top-1 {100 * top:.1f} %"
    lines = [
        title,
        "",
        f"{first['images']} pictures{accuracy}; {first['steps']} regions of "
        f"{first['region']}x{first['region']}; score: {first['score_kind']}.",
        "",
        "| perturbation | rank | method | AOPC (95 % interval) | against random | AOPC of LeRF | ABPC |",
        "|---|---|---|---|---|---|---|",
    ]
    number = lambda text, form: format(float(text), form) if text else "-"
    for r in morf:
        back = lerf.get((r["perturbation"], r["method"]))
        interval = f"{number(r['aopc_lo'], '.3f')} to {number(r['aopc_hi'], '.3f')}"
        lines.append(
            f"| {r['perturbation']} | {r['rank']} | `{short(r['method'])}` "
            f"| {number(r['aopc'], '.3f')} ({interval}) | {number(r['relative_aopc'], '+.3f')} "
            f"| {number(back['aopc'], '.3f') if back else '-'} | {number(r['abpc'], '.3f')} |")
    return lines + [""]


def main():
    runs, results, names = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
    lines = []
    for name in names:
        run, to = runs / name, results / name
        if (run / "summary.csv").exists():
            to.mkdir(parents=True, exist_ok=True)
            for file in [*FILES, *(p.name for p in sorted(run.glob("aopc-*.png")))]:
                shutil.copy(run / file, to / file)
            mean_curves(run, to / "curves.csv")
        elif not (to / "summary.csv").exists():
            print(f"{name}: not finished, left out")
            continue
        with open(to / "summary.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        lines += tables(name, rows, json.loads((to / "manifest.json").read_text()))
    readme = results / "README.md"
    text = readme.read_text()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    readme.write_text(before + BEGIN + "\n\n" + "\n".join(lines).rstrip() + "\n\n" + END + after)


if __name__ == "__main__":
    main()
