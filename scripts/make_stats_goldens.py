"""Writes tests/data/stats: figures by SciPy, scikit-posthocs and statsmodels.

`bootstrap.json`: each case holds the data, 999 resampled means with the intervals that SciPy makes of exactly these
means, and the intervals from a million resamples of its own. `tests.json`: tests, corrections, rank
correlations, ranges.
"""

import json
import sys
from pathlib import Path

import numpy as np
import scikit_posthocs
import scipy
import statsmodels
from scipy import stats
from statsmodels.stats.multitest import multipletests

FOLDER = Path(__file__).parent.parent / "tests/data/stats"


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
        "mean": float(np.mean(values)),
        "stderr": float(stats.sem(values)),
        "means": few.bootstrap_distribution.tolist(),
        "percentile": interval(few),
        "bca": interval(run("BCa", 0, few)),
        "percentile_million": interval(many),
        "bca_million": interval(run("BCa", 0, many)),
    }


def bootstrap_cases():
    rng = np.random.default_rng(20170828)
    return [
        case("normal, 50 values", rng.normal(2.0, 1.0, 50), rng),
        case("gamma of shape 1, 20 values", rng.gamma(1.0, 2.0, 20), rng),
        case("a few large, 12 values", np.r_[np.linspace(-1, 1, 10), 6.0, 9.0], rng),
    ]


def wilcoxon_case(name, differences):
    differences = np.round(differences, 6)
    p = None
    if np.any(differences != 0):
        p = float(stats.wilcoxon(differences, zero_method="pratt", correction=False, method="auto").pvalue)
    return {"name": name, "differences": differences.tolist(), "p": p}


def wilcoxon_cases(rng):
    tied = np.round(rng.normal(0.3, 1.0, 120), 1)
    return [
        wilcoxon_case("6 without ties", rng.normal(1.0, 1.0, 6)),
        wilcoxon_case("13 with ties and zeros", np.r_[0, 0, 1, 1, -1, 2, 2, 2, -3, 4, 5, 5, 0.5]),
        wilcoxon_case("14 with ties and zeros", np.r_[0, 0, 1, 1, -1, 2, 2, 2, -3, 4, 5, 5, 0.5, 7]),
        wilcoxon_case("50 without ties", rng.normal(0.2, 1.0, 50)),
        wilcoxon_case("51 without ties", rng.normal(0.2, 1.0, 51)),
        wilcoxon_case("120 with ties and zeros", tied),
        wilcoxon_case("1300 without ties", rng.gamma(1.0, 1.0, 1300) - 0.9),
        wilcoxon_case("1300 far from zero", rng.normal(2.0, 1.0, 1300)),
        wilcoxon_case("all zero", np.zeros(20)),
        wilcoxon_case("one", np.array([0.5])),
    ] + small_wilcoxon_cases(np.random.default_rng(1959))


def small_wilcoxon_cases(rng):
    """Every small number of differences, without and with ties and zeros, all of one sign and balanced."""
    cases = [wilcoxon_case(f"{n} without ties", rng.normal(0.5, 1.0, n)) for n in range(2, 16)]
    for n in (2, 3, 5, 8, 11, 12, 13, 14, 20, 50):
        cases.append(wilcoxon_case(f"{n} with ties", rng.choice([-2, -1, 1, 2, 3], n).astype(float)))
        cases.append(wilcoxon_case(f"{n} with zeros", rng.choice([-1.5, 0, 0, 1, 2], n).astype(float)))
        cases.append(wilcoxon_case(f"{n} of one sign", np.arange(1.0, n + 1)))
    cases.append(wilcoxon_case("balanced", np.array([1.0, -1.0, 2.0, -2.0])))
    cases.append(wilcoxon_case("a zero and one other", np.array([0.0, 3.0])))
    return cases


def friedman_case(values):
    values = np.round(values, 3)
    n, k = values.shape
    test = stats.friedmanchisquare(*values.T)
    pairs = scikit_posthocs.posthoc_nemenyi_friedman(values).to_numpy()
    q = stats.studentized_range.ppf(0.95, k, np.inf)
    return {
        "values": values.tolist(),
        "statistic": float(test.statistic),
        "p": float(test.pvalue),
        "nemenyi": pairs.tolist(),
        "critical_difference": float(q / np.sqrt(2) * np.sqrt(k * (k + 1) / (6 * n))),
    }


def friedman_cases(rng):
    shifts = np.array([0.0, 0.2, 0.3, 0.9, 1.5])
    return [
        friedman_case(rng.normal(0, 1, (30, 5)) + shifts),
        friedman_case(np.round(rng.normal(0, 1, (25, 4)) + shifts[:4])),
        friedman_case(rng.normal(0, 1, (12, 3))),
        friedman_case(np.random.default_rng(12).normal(0, 1, (60, 12)) + np.linspace(0, 1, 12)),
        friedman_case(np.random.default_rng(13).integers(0, 3, (40, 8)).astype(float)),
        friedman_case(np.random.default_rng(14).normal(0, 1, (2, 3))),
    ]


def holm_case(p):
    return {"p": list(map(float, p)), "corrected": multipletests(p, method="holm")[1].tolist()}


def holm_cases():
    rng = np.random.default_rng(1979)
    return [
        holm_case(np.round(rng.uniform(0, 1, 6), 4)),
        holm_case(np.round(rng.uniform(0, 0.02, 66), 6)),
        holm_case([0.01, 0.01, 0.04, 0.04, 1.0, 1e-300]),
        holm_case([0.3]),
    ]


def range_case(k, q):
    ranges = stats.studentized_range
    return {
        "k": k, "q": q, "cdf": float(ranges.cdf(q, k, np.inf)), "q95": float(ranges.ppf(0.95, k, np.inf)),
    }


def kendall_case(a, b):
    tau = stats.kendalltau(a, b).statistic
    return {"a": list(map(float, a)), "b": list(map(float, b)), "tau": None if np.isnan(tau) else float(tau)}


def test_cases():
    rng = np.random.default_rng(19451101)
    return {
        "wilcoxon": wilcoxon_cases(rng),
        "holm": holm_cases(),
        "friedman": friedman_cases(rng),
        "studentised_range": [range_case(k, q) for k in (2, 3, 8, 12, 30) for q in (0.5, 2.0, 3.5, 5.5)],
        "kendall": [
            kendall_case(rng.permutation(12), rng.permutation(12)),
            kendall_case(rng.integers(0, 4, 15), rng.integers(0, 4, 15)),
            kendall_case([1, 2, 3], [5, 5, 5]),
            kendall_case([1, 2], [2, 1]),
            kendall_case(np.arange(30), -np.arange(30)),
            kendall_case(*np.random.default_rng(1938).integers(0, 20, (2, 40))),
        ],
    }


def write(name, content):
    versions = {
        "python": sys.version.split()[0],
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-posthocs": scikit_posthocs.__version__,
        "statsmodels": statsmodels.__version__,
    }
    (FOLDER / name).write_text(json.dumps({"made_with": versions, **content}, indent=0) + "\n")


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    write("bootstrap.json", {"cases": bootstrap_cases()})
    write("tests.json", test_cases())


if __name__ == "__main__":
    main()
