"""Writes tests/data/stats/studies.json: intervals of shares and correlations by SciPy and statsmodels, and spectral
clusters by scikit-learn, for the studies (probe, context, compare, clusters).

    pip install scipy statsmodels scikit-learn
    python scripts/make_study_goldens.py
"""

import json
import sys
from pathlib import Path

import numpy as np
import scipy
import sklearn
import statsmodels
from scipy import stats
from sklearn.cluster import SpectralClustering
from sklearn.metrics import adjusted_rand_score
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

FILE = Path(__file__).parent.parent / "tests/data/stats/studies.json"


def wilson(count, of):
    lo, hi = proportion_confint(count, of, alpha=0.05, method="wilson")
    return {"count": count, "of": of, "lo": float(lo), "hi": float(hi)}


def exact(first, second):
    p = mcnemar([[5, first], [second, 7]], exact=True).pvalue
    return {"first": first, "second": second, "p": float(p)}


def pearson(name, x, y):
    x, y = np.round(x, 4), np.round(y, 4)
    found = stats.pearsonr(x, y)
    ci = found.confidence_interval(0.95)
    return {
        "name": name, "x": x.tolist(), "y": y.tolist(), "r": float(found.statistic),
        "p": float(found.pvalue), "lo": float(ci.low), "hi": float(ci.high),
    }


def spectral(name, points, clusters, neighbours):
    """Labels of scikit-learn for points on which all sensible starts agree."""
    points = np.round(points, 4)
    labels = [
        SpectralClustering(
            clusters, affinity="nearest_neighbors", n_neighbors=neighbours + 1, random_state=seed,
            assign_labels="kmeans", n_init=20,
        ).fit_predict(points)
        for seed in range(3)
    ]
    assert all(adjusted_rand_score(labels[0], other) == 1 for other in labels)
    return {
        "name": name, "points": points.tolist(), "clusters": clusters, "neighbours": neighbours,
        "labels": labels[0].tolist(),
    }


def rings(rng):
    angle = rng.uniform(0, 2 * np.pi, 70)
    radius = np.where(np.arange(70) < 30, 1.0, 3.0) + rng.normal(0, 0.08, 70)
    return np.c_[radius * np.cos(angle), radius * np.sin(angle)]


def main():
    rng = np.random.default_rng(2019)
    x = rng.normal(size=12)
    blobs = np.concatenate([rng.normal(c, 0.5, (20, 3)) for c in ([0, 0, 0], [2.2, 0, 0], [0, 2.2, 1])])
    content = {
        "made_with": {
            "python": sys.version.split()[0], "numpy": np.__version__, "scipy": scipy.__version__,
            "statsmodels": statsmodels.__version__, "scikit-learn": sklearn.__version__,
        },
        "wilson": [wilson(*case) for case in [(0, 10), (10, 10), (3, 7), (52, 100), (1, 1), (450, 1000)]],
        "mcnemar": [exact(*case) for case in [(0, 1), (3, 3), (1, 9), (12, 25), (0, 30)]],
        "pearson": [
            pearson("clear", x, 0.8 * x + rng.normal(size=12) * 0.4),
            pearson("none", x, rng.normal(size=12)),
            pearson("four pairs", np.array([1.0, 2, 3, 5]), np.array([2.0, 1, 4, 4])),
        ],
        "spectral": [
            spectral("two rings", rings(rng), 2, 5),
            spectral("three blobs", blobs, 3, 6),
        ],
    }
    FILE.write_text(json.dumps(content) + "\n")


if __name__ == "__main__":
    main()
