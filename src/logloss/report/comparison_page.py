"""A comparison as one HTML file: the verdict, the models side by side, where each wins; every figure as a table too."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from logloss.evaluation.difference import Difference
from logloss.evaluation.log_odds import needs_log_odds
from logloss.report import charts, comparison_tables, evaluation_tables, evaluation_words, words
from logloss.report import comparison_words as said
from logloss.report.comparison_charts import differences_chart, regions_chart
from logloss.report.comparison_facts import MODELS, Split, shown, splits
from logloss.report.evaluation_facts import EvaluationFacts
from logloss.report.reliability_chart import reliability_diagram
from logloss.report.rendering import drawn, render
from logloss.tables.atomic import write_atomically
from logloss.tables.page_name import refuse_other_format

if TYPE_CHECKING:
    from logloss.evaluation.comparison import Comparison

# What stands side by side where there is room has one width; what is wide is drawn twice.
_BESIDE = {"both": charts.NARROW}
_WIDE = {"wide": charts.WIDE, "narrow": charts.NARROW}
_DIAGRAMS = 6
_SENTENCES = 4  # of the verdict: those of further models stand in their parts


def write_comparison_report(comparison: "Comparison", path: str | Path, *, title: str = "Comparison") -> Path:
    """Write the report of a comparison as one HTML file that opens offline.

    The same facts give the same bytes. The file is whole or not there. It shows no row by itself.

    Parameters
    ----------
    comparison : Comparison
        The facts.
    path : str or Path
        Where to write; its folder must exist.
    title : str
        What stands at its head: the name of the file.

    Returns
    -------
    Path
        Where it is.

    Raises
    ------
    ParameterError
        The name ends as that of another format does.
    RunError
        There is no such folder, or the disk is full.
    """
    refuse_other_format(path)
    write_atomically(path, comparison_page(comparison, title))
    return Path(path)


def comparison_page(comparison: "Comparison", title: str = "Comparison") -> bytes:
    """The page of a comparison."""
    logit = are_in_log_odds(comparison)
    return render(
        "comparison.html",
        {
            "title": title,
            "best": comparison[comparison.best],
            "models": len(comparison.evaluations),
            "verdict": comparison.sentences[:_SENTENCES],
            "untold": len(comparison.sentences[_SENTENCES:]),
            "warnings": said.warnings(comparison),
            "board": comparison_tables.board(comparison),
            "meanings": comparison_tables.meanings(),
            "costs": comparison_tables.costs(comparison),
            "differences": _differences(comparison),
            "rivals": _rivals(comparison),
            "shown": MODELS,
            "diagrams": _diagrams(comparison, logit=logit),
            "reliability": said.reliability(logit),
            "settings": evaluation_tables.settings(comparison[comparison.best].evidence),
            "said": said,
            "weights": evaluation_words.weights(comparison[comparison.best].tally),
        },
    )


def _differences(comparison: "Comparison") -> dict[str, Any] | None:
    found = shown(comparison)
    if not found:
        return None
    picture = drawn(
        partial(differences_chart, found),
        _WIDE,
        name="differences",
        title="Differences from the best model",
        description=said.differences(found),
    )
    return {"picture": picture, "table": comparison_tables.differences(comparison.differences)}


def _rivals(comparison: "Comparison") -> list[dict[str, Any]]:
    names = [one.model for one in comparison.differences]
    told = dict(zip(names, comparison.sentences[1:], strict=False))  # without a loss, the best alone is told of
    if len(names) == 1:  # the verdict says already what is to be said of it
        told = {}
    return [_rival(i, *one, told.get(one[0].model, "")) for i, one in enumerate(splits(comparison), start=2)]


def _rival(place: int, one: Difference, some: list[Split], more: int, told: str) -> dict[str, Any]:
    """The part of a model that is not the best."""
    models = one.best, one.model
    best, other = said.told_apart(models)
    return {
        "place": place,
        "best": best,
        "other": other,
        "said": f"{told} {said.better_share(one)}".strip(),
        "charts": [_regions(f"regions-{place}-{i}", split, models) for i, split in enumerate(some, start=1)],
        "more": more,
    }


def _regions(name: str, split: Split, models: tuple[str, str]) -> dict[str, Any]:
    picture = drawn(
        partial(regions_chart, split.regions[: split.drawn], models),
        _BESIDE,
        name=name,
        title="Where each wins",
        description=said.regions(split, models),
    )
    return {
        "picture": picture,
        "heading": said.heading(split.by),
        "said": said.split(split, models),
        "table": comparison_tables.regions(split, models),
        "left_out": said.left_out(split),
    }


def are_in_log_odds(comparison: "Comparison") -> bool:
    """Whether the diagrams are in log-odds: all are, to be compared, where one would show but a corner."""
    return any(needs_log_odds(one.groups) for one in list(comparison.evaluations.values())[:_DIAGRAMS])


def _diagrams(comparison: "Comparison", *, logit: bool) -> list[dict[str, Any]]:
    """Reliability diagrams of the first models."""
    is_weighted = comparison[comparison.best].tally.is_weighted
    some = [(name, EvaluationFacts(one)) for name, one in list(comparison.evaluations.items())[:_DIAGRAMS]]
    found = [(name, one.logit_reliability if logit else one.reliability) for name, one in some]
    known = [(name, one) for name, one in found if one is not None]
    return [
        {
            "picture": drawn(
                partial(reliability_diagram, reliability, title=name, logit=logit, is_weighted=is_weighted),
                _BESIDE,
                name=f"diagram-{i}",
                title="Reliability diagram",
                description=words.diagram(words.shortened(name, said.SHORT), reliability),
            ),
            "table": evaluation_tables.reliability(
                words.shortened(name, said.SHORT), reliability, is_weighted=is_weighted
            ),
        }
        for i, (name, reliability) in enumerate(known, start=1)
    ]
