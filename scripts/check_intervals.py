"""How often nominal 95 % intervals hold the truth, and how often calibrated probabilities are accused of being off.

That is over more draws than a test has time for. Run it from the top of the repository: ``python -m
scripts.check_intervals [formulas|redrawn|accused] [repeats]``.
"""

import itertools
import sys
from collections.abc import Callable, Iterator

from logloss.evaluation.decomposition import log_loss_decomposition, miscalibration_if_calibrated
from logloss.evaluation.evaluation import Evaluation
from logloss.evaluation.evidence import Evidence
from logloss.evaluation.groups import Groups
from logloss.evaluation.resampling import ERRORS, calibration_error, parts_of_loss
from logloss.evaluation.score import Score
from logloss.evaluation.tally import Tally
from tests.populations import Population, coverage, tally_of
from tests.test_intervals import scored, truths_of


def populations() -> Iterator[Population]:
    """From rare to even, calibrated and not, with weights and without."""
    slopes, weights = ((1.0, 0.0), (1.8, 0.3)), ("none", "exponential", "sampled")
    for rate, (slope, shift), kind in itertools.product((0.05, 0.2, 0.5), slopes, weights):
        yield Population(rate, slope, shift, kind)


def by_formula(repeats: int) -> None:
    """Scores whose intervals have a formula."""
    _table(repeats, scored, truths_of)


def by_drawing(repeats: int) -> None:
    """The parts of the log loss and calibration errors, whose intervals are redrawn."""

    def redrawn(tally: Tally, groups: Groups) -> dict[str, Score]:
        parts = log_loss_decomposition(tally, groups)
        redrawn = miscalibration_if_calibrated(groups)
        chance = Score(redrawn.mean, 0.0, redrawn.point_95)
        errors = {name: calibration_error(name, groups, error(groups)) for name, error in ERRORS.items()}
        return {**parts_of_loss(groups, parts, chance), **errors}

    def truths(population: Population) -> dict[str, float]:
        whole, loss = population.whole(), truths_of(population)["log_loss"]
        parts = log_loss_decomposition_of(whole, loss)
        return {**parts, **{name: error(whole) for name, error in ERRORS.items()}}

    _table(repeats, redrawn, truths)


def log_loss_decomposition_of(whole: Groups, loss: float) -> dict[str, float]:
    """Two parts for a whole population, in which what is said is an increasing function of what is true."""
    from logloss.evaluation.losses import entropy_of

    mass = whole.mass / whole.mass.sum()
    rate = whole.weight[:, 1] / whole.mass
    best = float((mass * entropy_of(rate)).sum())
    uncertainty = float(entropy_of((mass * rate).sum()))
    return {"miscalibration": max(loss - best, 0.0), "discrimination": uncertainty - best}  # 0 but for rounding


def accused(repeats: int) -> None:
    """How often perfectly calibrated probabilities are said to be off."""
    for n, population in itertools.product((300, 10_000), populations()):
        if population.slope != 1:
            continue
        blamed = 0
        for seed in range(repeats):
            verdict = Evaluation(Evidence(tally_of(*population.draw(n, seed)))).verdict
            blamed += "Calibrated as far as this data can show" not in verdict
        print(f"{n:6} {population.rate:5} {population.weights:>11} {100 * blamed / repeats:10.1f} %", flush=True)


def _table(
    repeats: int,
    scored: Callable[[Tally, Groups], dict[str, Score]],
    truths: Callable[[Population], dict[str, float]],
) -> None:
    """Print a line for each population and number of rows, in per cent."""
    heading = False
    for n, population in itertools.product((300, 10_000), populations()):
        found = coverage(population, n, repeats if n < 1000 else max(repeats // 4, 1), scored, truths(population))
        if not heading:
            print(f"{'n':>6} {'rate':>5} {'slope':>5} {'weights':>11}", *(f"{name[:10]:>10}" for name in found))
            heading = True
        cells = (f"{100 * held:10.1f}" for held in found.values())
        print(f"{n:6} {population.rate:5} {population.slope:5} {population.weights:>11}", *cells, flush=True)


KINDS = {"formulas": (by_formula, 2000), "redrawn": (by_drawing, 200), "accused": (accused, 500)}

if __name__ == "__main__":
    check, repeats = KINDS[sys.argv[1] if len(sys.argv) > 1 else "formulas"]
    check(int(sys.argv[2]) if len(sys.argv) > 2 else repeats)
