"""Comparisons to draw: plain ones, many models, infinite losses, and names that attack the page."""

from functools import cache

import numpy as np
from scipy.special import expit, logit

from logloss import evaluate
from tests.evaluations import drawn
from tests.test_report import HOSTILE

NAMES = [
    *HOSTILE,
    "מודל חדש של הצוות",
    "👩‍👩‍👧‍👦" * 20,
    "a_very_long_name_of_a_model_that_somebody_trained_" * 6,
    "a b " * 75,
    "'\"&<>",
]


def models(count, rows=2000, seed=0):
    """Labels, probabilities by the names of models, each noisier than the one before, and where rows are."""
    y, p, region = drawn(rows, seed=seed)
    rng = np.random.default_rng(seed + 1)
    return y, {f"model {i}": expit(logit(p) + rng.normal(0, 0.25 * i, rows)) for i in range(count)}, region


def plain(rows=2000):
    """The model that is worse overall wins in a region, and is the best by far in none other."""
    y, p, region = drawn(rows)
    z, noise = logit(p), np.random.default_rng(1).normal(0, 1.2, rows)
    east = region == "east"
    by_name = {"new": expit(np.where(east, z + noise, z)), "old": expit(np.where(east, z, z + noise / 2))}
    return evaluate(y, by_name, by={"region": region, "size": np.where(p > 0.5, "large", "small")})


def hostile():
    """Whatever may come from data is an attack."""
    y, by_name, region = models(len(NAMES))
    places = {one: NAMES[i % len(NAMES)] for i, one in enumerate(np.unique(region))}
    where = [places[one] for one in region]
    return evaluate(y, dict(zip(NAMES, by_name.values(), strict=True)), by=dict.fromkeys(HOSTILE[:3], where))


def certain(which, rows=400):
    """Models of which some are certain and wrong once, where they are said to be."""
    y, p, region = drawn(rows)
    wrong = np.where(np.arange(rows) == 7, 1.0 - y, p)
    return evaluate(y, {name: wrong if name in which else expit(logit(p) * 1.3) for name in "abc"}, by={"at": region})


def of(y, **by_name):
    return evaluate(y, by_name)


COMPARISONS = {
    "plain": plain,
    "several": lambda: (lambda y, by_name, region: evaluate(y, by_name, by={"region": region}))(*models(8)),
    "hostile": hostile,
    "one model": lambda: of([1, 0] * 50, only=[0.7, 0.4] * 50),
    "the same": lambda: of([1, 0] * 50, a=[0.7, 0.4] * 50, b=[0.7, 0.4] * 50),
    "nearly the same": lambda: of([1, 0] * 50, a=[0.7, 0.4] * 50, b=[0.7, 0.4 + 1e-13] * 50),
    "one infinite": lambda: certain("c"),
    "two infinite": lambda: certain("bc"),
    "all infinite": lambda: certain("abc"),
    "one row": lambda: of([1], a=[0.7], b=[0.6]),
    "one class": lambda: of([1] * 50, a=np.linspace(0.1, 0.9, 50), b=[0.5] * 50),
    "no weight": lambda: evaluate([1, 0], {"a": [0.3, 0.4], "b": [0.5, 0.5]}, sample_weight=[0, 0]),
}
COMPARISONS = {name: cache(make) for name, make in COMPARISONS.items()}
