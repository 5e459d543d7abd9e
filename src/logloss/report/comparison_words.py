"""The sentences around the charts and tables of a comparison, also for somebody who cannot see them."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from logloss.evaluation.comparison_table import models_by_finding
from logloss.evaluation.decisions import Costs
from logloss.evaluation.difference import PROBABILITY, Difference, Region, is_sure
from logloss.evaluation.score import Score
from logloss.report import words
from logloss.report.comparison_facts import Split
from logloss.report.score_words import interval, number
from logloss.tables.wording import counted

if TYPE_CHECKING:
    from logloss.evaluation.comparison import Comparison

SHORT = 60  # letters of a model's name in headings and descriptions

DIFFERENCES = (
    "Each dot is by how much a model’s log loss is above that of the best one, on the same rows. What rows have in "
    "common cancels, so a difference may be sure though the intervals of both scores overlap. Where the interval holds "
    "0, the difference may be chance."
)
REGIONS = (
    "A model that is worse overall may be the better one somewhere. Each dot is a difference of log loss among some of "
    "the rows, with its 95 % interval. A win is called only beyond chance, with as many parts looked at as there are: "
    "an interval may leave 0 out without one. Parts of fewer than ten rows are not shown."
)


def costs(given: Costs) -> str:
    """What is said above the table of costs."""
    return (
        f"A false alarm costs {given.false_positive:g} and a missed positive {given.false_negative:g}. The model with "
        "the least log loss need not be the one that decides at the least cost."
    )


def reliability(are_in_log_odds: bool) -> str:
    """What is said above the reliability diagrams."""
    axes = " Axes are in log-odds, since most probabilities are near 0 or 1." if are_in_log_odds else ""
    return (
        f"The curve’s height is the share that came out positive of the rows for which that probability was said.{axes}"
    )


def told_apart(models: tuple[str, str], longest: int = SHORT) -> tuple[str, str]:
    """Both names, cut short; other words where they would then be the same.

    Examples
    --------
    >>> told_apart(("new", "old")), told_apart(("model-24-a-v1", "model-24-b-v1"), 7)
    (('new', 'old'), ('the best', 'the other'))
    """
    best, other = (words.shortened(model, longest) for model in models)
    return (best, other) if best != other else ("the best", "the other")


def region_name(region: Region) -> str:
    """A region within its column."""
    return "missing" if region.value is None else region.value or "(empty)"


def standing(apart: Score) -> str:
    """How a model stands beside the best one.

    Examples
    --------
    >>> standing(Score(0.02, 0.01, 0.03)), standing(Score(0.02, -0.01, 0.05)), standing(Score(0.0, 0.0, 0.0))
    ('worse', 'may be chance', 'the same')
    """
    if math.isnan(apart.value):
        return "cannot be told"
    if apart.value == apart.low == apart.high == 0:
        return "the same"
    return "worse" if is_sure(apart) else "may be chance"


def better_share(one: Difference) -> str:
    """On how many rows the model that is not the best does better; nothing if that is not known."""
    if math.isnan(one.share_better):
        return ""
    other = told_apart((one.best, one.model))[1]
    return f"On {words.share(one.share_better)} of the rows {other} has the lower log loss."


def heading(by: str) -> str:
    """What a chart of regions is by."""
    return f"by {'the mean of both probabilities' if by == PROBABILITY else words.shortened(by, SHORT)}"


def split(one: Split, models: tuple[str, str]) -> str:
    """How many of the regions either wins, and how many are drawn."""
    count = counted(len(one.regions), "part")
    wins = [
        f"{name} wins {len(won):,}"
        for model, name in zip(models, told_apart(models), strict=True)
        if (won := one.won_by(model))
    ]
    said = f"Of {count}, {' and '.join(wins)}." if wins else f"Of {count}, neither wins any beyond chance."
    if unjudged := sum(not region.is_judged for region in one.regions):
        said += f" {unjudged:,} {'has' if unjudged == 1 else 'have'} too few rows of one class to judge by."
    if len(one.regions) > one.drawn:
        said += f" The {one.drawn} that make the largest difference are drawn."
    return said


def left_out(one: Split) -> str:
    """What a table does not hold, or nothing."""
    rest = len(one.regions) - one.listed
    return f"{rest:,} more {'is' if rest == 1 else 'are'} in the JSON." if rest > 0 else ""


def regions(one: Split, models: tuple[str, str]) -> str:
    """Of a chart of regions."""
    best, other = told_apart(models)
    said = [f"Log loss of {other} less that of {best}, with 95 % intervals, {heading(one.by)}.", split(one, models)]
    for model, name in zip(models, (best, other), strict=True):
        if won := one.won_by(model):
            most = max(won, key=lambda region: region.share_of_rows)
            where = words.shortened(region_name(most), SHORT)
            said.append(f"The largest part that {name} wins is {where}, by {number(abs(most.difference.value))}.")
    return " ".join(said)


def differences(found: Sequence[Difference]) -> str:
    """Of the chart of differences."""
    each = []
    for one in found:
        ends = interval(one.log_loss)
        value = "unknown" if math.isnan(one.log_loss.value) else number(one.log_loss.value)
        each.append(f"{words.shortened(one.model, SHORT)} {value}{f' ({ends})' if ends else ''}")
    best = words.shortened(found[0].best, SHORT)
    return f"By how much the log loss of each model is above that of {best}, in nats: {'; '.join(each)}."


def warnings(comparison: "Comparison") -> list[str]:
    """What was found of the models, each thing once."""
    every = len(comparison.evaluations)
    found = {
        said: [words.shortened(name, SHORT) for name in names] for said, names in models_by_finding(comparison).items()
    }
    return [said if len(names) == every else f"{', '.join(names)}: {said}" for said, names in found.items()]
