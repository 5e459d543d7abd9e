"""Evaluations to draw: plain ones, rare events, few rows, and data that attack the page."""

from dataclasses import replace

import numpy as np
from scipy.special import expit

from logloss.engines.arrays import from_arrays
from logloss.evaluation.decisions import Costs
from logloss.evaluation.evaluation import Evaluation
from logloss.evaluation.evidence import Evidence
from logloss.evaluation.tally import Tally
from tests.test_report import HOSTILE

REGIONS = ("north", "south", "east", "west")


def drawn(rows=2000, rate=0.25, slope=1.0, seed=0):
    """Labels, predictions, and a region for each row; the last region has few."""
    rng = np.random.default_rng(seed)
    z = np.log(rate / (1 - rate)) + 1.3 * rng.normal(size=rows)
    y = (rng.random(rows) < expit(z)).astype(np.int64)
    return y, expit(slope * z), rng.choice(REGIONS, rows, p=[0.5, 0.3, 0.17, 0.03])


def plain(rows=2000, **changes):
    y, p, region = drawn(rows, **changes)
    return Evaluation(from_arrays(y, p, by={"region": region}), Costs(1, 4))


def named():
    """Rows have identifiers, and columns that were asked for."""
    evaluation = plain()
    mistakes = tuple(
        replace(one, id=f"customer-{i}", shown={"plan": "basic", "city": None})
        for i, one in enumerate(evaluation.mistakes)
    )
    notes = ("Rows without a label were left out.",)
    evidence = replace(
        evaluation.evidence, mistakes=mistakes, notes=notes, suppressed={"region": 2}, positive="churned", skipped=3
    )
    return Evaluation(evidence, evaluation.costs)


def hostile():
    """Whatever may come from data is an attack."""
    evaluation = plain()
    evidence = evaluation.evidence
    mistakes = tuple(
        replace(one, id=HOSTILE[i % len(HOSTILE)] * (1 + 9 * (i == 1)), shown=dict.fromkeys(HOSTILE, HOSTILE[i % 5]))
        for i, one in enumerate(evidence.mistakes)
    )
    slices = tuple(
        replace(one, by=HOSTILE[i % len(HOSTILE)], value=HOSTILE[-1 - i % len(HOSTILE)] * (1 + 9 * (i == 2)))
        for i, one in enumerate(evidence.slices)
    )
    suppressed = dict.fromkeys(HOSTILE, 2)
    return Evaluation(
        replace(
            evidence,
            mistakes=mistakes,
            slices=slices,
            suppressed=suppressed,
            notes=tuple(HOSTILE),
            positive=HOSTILE[0],
            settings={"label column": HOSTILE[0], "score column": HOSTILE[1] * 9, "slices by": ", ".join(HOSTILE)},
        ),
        evaluation.costs,
    )


def of(y, p, **options):
    return Evaluation(from_arrays(y, p, **options))


EVALUATIONS = {
    "plain": plain,
    "named": named,
    "few": lambda: plain(120, slope=2.0),
    "rare": lambda: plain(200_000, rate=0.003, slope=1.4),
    "hostile": hostile,
    "no costs": lambda: replace(plain(), costs=None),
    "one row": lambda: of([1], [0.3]),
    "one class": lambda: of([1] * 50, np.linspace(0.1, 0.9, 50)),
    "one value": lambda: of([1, 0] * 20, [0.5] * 40),
    "certain and wrong": lambda: of([1, 0, 1, 0] * 20, [0.0, 1.0, 0.5, 0.2] * 20, by=["a", "b"] * 40),
    "certain and right": lambda: of([1, 0] * 20, [1.0, 0.0] * 20),
    "no weight": lambda: of([1, 0], [0.3, 0.4], sample_weight=[0, 0]),
    "weights": lambda: of([1, 0, 1, 0] * 20, [0.7, 0.2, 0.6, 0.4] * 20, sample_weight=np.linspace(0, 3, 80)),
    "soft labels": lambda: of(np.linspace(0, 1, 50), np.linspace(0.2, 0.8, 50)),
    "far logits": lambda: of([1, 0, 1, 0] * 20, [900.0, -800.0, 3.0, -2.0] * 20, from_logits=True),
    "next to nothing": lambda: of([1] + [0] * 999, [1e-9] + [1e-12] * 999),
    "no rows": lambda: Evaluation(Evidence(Tally.empty())),
}
