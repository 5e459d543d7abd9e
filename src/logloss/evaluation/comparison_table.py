"""A comparison in words and small tables, as it is printed."""

from typing import TYPE_CHECKING

from logloss.evaluation.difference import Difference, is_sure
from logloss.evaluation.scores import MORE_IS_BETTER
from logloss.evaluation.table import aligned, costs, counts, interval, number, small_slices, wrapped

if TYPE_CHECKING:
    from logloss.evaluation.comparison import Comparison

_SHOWN = {
    "log_loss": "log loss",
    "normalized_entropy": "normalised entropy",
    "brier": "Brier score",
    "roc_auc": "ROC AUC",
    "calibration_ratio": "said over seen",
}

_MOST = 30  # regions that are printed


def text(facts: "Comparison") -> str:
    """The verdict, the rows, every model's scores, what was found and asked for, and how models differ."""
    models = facts.evaluations
    board = [["model", *_SHOWN.values()]]
    for name, one in models.items():
        board.append([name, *(number(getattr(one, score).value) for score in _SHOWN)])
    notes = dict.fromkeys(note for one in models.values() for note in one.notes)
    parts = [
        wrapped(facts.verdict),
        [counts(models[facts.best])],
        [line for note in notes for line in wrapped(note)],
        aligned(board),
        [line for said, names in models_by_finding(facts).items() for line in wrapped(f"! {', '.join(names)}: {said}")],
        [line for name, one in models.items() if (said := costs(one)) for line in wrapped(f"{name}: {said}")],
        *(_differences(one) for one in facts.differences),
        small_slices(models[facts.best]),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part)


def models_by_finding(facts: "Comparison") -> dict[str, list[str]]:
    """What was found of the models, each thing once, and the names of those that it was found of."""
    found: dict[str, list[str]] = {}
    for name, one in facts.evaluations.items():
        for finding in one.findings:
            found.setdefault(finding.words, []).append(name)
    return found


def _differences(one: Difference) -> list[str]:
    """By how much the scores of a model differ from those of the best, and the regions that either wins."""
    rows = [[f"{one.model} less {one.best}", "difference", "95 % interval", "rows", "wins"]]
    scores = {"log_loss": one.log_loss, "brier": one.brier, "roc_auc": one.roc_auc}
    for name, score in scores.items():
        winner = one.model if (score.value > 0) == (name in MORE_IS_BETTER) else one.best
        rows.append([_SHOWN[name], number(score.value), interval(score), "all", winner if is_sure(score) else ""])
    won = [region for region in one.regions if region.winner]
    for region in won[:_MOST]:
        value = "missing" if region.value is None else region.value
        difference = region.difference
        cells = [f"{region.rows:,}", region.winner or ""]
        rows.append([f"log loss, {region.by} {value}", number(difference.value), interval(difference), *cells])
    return [*aligned(rows), *_not_shown(one, len(won))]


def _not_shown(one: Difference, won: int) -> list[str]:
    """How many regions the table leaves out, and why."""
    unjudged = sum(not region.is_judged for region in one.regions)
    drawn = len(one.regions) - won - unjudged
    said = []
    if drawn:
        said.append(f"Neither wins in {_regions(drawn, bool(won))}, beyond chance.")
    if unjudged:
        said.append(f"Too few rows of one class to judge by are in {_regions(unjudged, bool(won or drawn))}.")
    if won > _MOST:
        rest = won - _MOST
        said.append(f"{rest:,} more that either wins {'is' if rest == 1 else 'are'} in the JSON.")
    return said


def _regions(count: int, are_more: bool) -> str:
    return f"{count:,} {'more ' if are_more else ''}{'region' if count == 1 else 'regions'}"
