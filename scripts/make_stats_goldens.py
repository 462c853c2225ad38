"""Writes tests/data/stats/bootstrap.json: bootstrap intervals by SciPy.

Each case holds the data, 999 resampled means with the intervals that SciPy makes of exactly these
means, and the intervals from a million resamples of its own.
"""

import json
import sys
from pathlib import Path

import numpy as np
import scipy
from scipy import stats

TARGET = Path(__file__).parent.parent / "tests/data/stats/bootstrap.json"


def interval(result):
    ci = result.confidence_interval
    return [float(ci.low), float(ci.high)]


def case(name, values, rng):
    values = np.round(values, 6)

    def run(method, count, previous=None):
        return stats.bootstrap(
            (values,), np.mean, n_resamples=count, method=method, batch=1000,
            rng=rng, bootstrap_result=previous, vectorized=True,
        )

    few = run("percentile", 999)
    many = run("percentile", 1_000_000)
    return {
        "name": name,
        "values": values.tolist(),
        "means": few.bootstrap_distribution.tolist(),
        "percentile": interval(few),
        "bca": interval(run("BCa", 0, few)),
        "percentile_million": interval(many),
        "bca_million": interval(run("BCa", 0, many)),
    }


def main():
    rng = np.random.default_rng(20170828)
    cases = [
        case("normal, 50 values", rng.normal(2.0, 1.0, 50), rng),
        case("gamma of shape 1, 20 values", rng.gamma(1.0, 2.0, 20), rng),
        case("a few large, 12 values", np.r_[np.linspace(-1, 1, 10), 6.0, 9.0], rng),
    ]
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    versions = {"python": sys.version.split()[0], "numpy": np.__version__, "scipy": scipy.__version__}
    TARGET.write_text(json.dumps({"made_with": versions, "cases": cases}, indent=0) + "\n")


if __name__ == "__main__":
    main()
