"""Populations whose true scores are known, to see whether intervals hold them as often as they say."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

from logloss.evaluation.counting import Counter
from logloss.evaluation.groups import Groups

_SPREAD = 1.2
_GRID = np.linspace(-7, 7, 20_001)
_DENSITY = np.exp(-(_GRID**2) / 2) / np.exp(-(_GRID**2) / 2).sum()


@dataclass(frozen=True)
class Population:
    """Rows with a true logit z, normal, and a predicted one, ``slope`` times z plus ``shift``.

    ``weights`` are "none", "exponential" (whatever the row), or "sampled": three negatives in four are left out and the
    fourth counts four times.
    """

    rate: float
    slope: float = 1.0
    shift: float = 0.0
    weights: str = "none"

    @cached_property
    def middle(self) -> float:
        """The mean of the true logit that makes the base rate."""
        return float(brentq(lambda m: (_DENSITY * expit(m + _SPREAD * _GRID)).sum() - self.rate, -20, 20))

    def whole(self) -> Groups:
        """All of it, as groups with the weight that they have among endlessly many rows."""
        z = self.middle + _SPREAD * _GRID
        said = self.slope * z + self.shift
        weight = np.stack([_DENSITY * expit(-z), _DENSITY * expit(z)], -1)
        lesser = expit(-np.abs(said))
        return Groups(expit(said), lesser, np.ones(weight.shape, np.int64), weight, weight**2, np.zeros(len(z)))

    def draw(self, n, seed):
        """Labels, predicted probabilities and weights of n rows."""
        rng = np.random.default_rng(seed)
        z = self.middle + _SPREAD * rng.normal(size=5 * n)
        y = rng.random(5 * n) < expit(z)
        w = rng.exponential(size=5 * n) if self.weights == "exponential" else np.ones(5 * n)
        if self.weights == "sampled":
            kept = y | (rng.random(5 * n) < 0.25)
            w = np.where(y, 1.0, 4.0)
            z, y, w = z[kept], y[kept], w[kept]
        return y[:n].astype(float), expit(self.slope * z + self.shift)[:n], w[:n]


def tally_of(y, p, w=None, *, from_logits=False):
    counter = Counter(from_logits=from_logits)
    columns = [None if c is None else np.asarray(c, np.float64) for c in (y, p, w)]
    assert counter.add(*columns) is not None
    return counter.tally()


def coverage(population, n, repeats, scored, truths):
    """How often the intervals of `scored(tally, groups)`, by name, hold `truths`, by name."""
    held = dict.fromkeys(truths, 0)
    for seed in range(repeats):
        tally = tally_of(*population.draw(n, seed))
        found = scored(tally, tally.groups())
        for name, truth in truths.items():
            held[name] += found[name].low <= truth <= found[name].high
    return {name: count / repeats for name, count in held.items()}
