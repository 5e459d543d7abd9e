"""An evaluation as one HTML file: the verdict, the scores, and every figure as a table too."""

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from logloss.evaluation.table import without_logit
from logloss.report import charts, evaluation_tables, words
from logloss.report import evaluation_words as said
from logloss.report.concentration_chart import concentration_chart
from logloss.report.decision_charts import along, cost_chart, greatest_cost, net_benefit_chart
from logloss.report.evaluation_facts import EvaluationFacts
from logloss.report.ranking_charts import precision_recall_chart, roc_chart
from logloss.report.reliability_chart import reliability_diagram
from logloss.report.rendering import drawn, render, script
from logloss.report.score_chart import score_chart
from logloss.report.score_words import score_table
from logloss.report.slice_chart import MOST, slice_chart
from logloss.tables.atomic import write_atomically
from logloss.tables.page_name import refuse_other_format

if TYPE_CHECKING:
    from logloss.evaluation.evaluation import Evaluation

# Squares stand side by side where there is room, so one width serves both; what is wide is drawn twice.
_SQUARE = {"both": charts.NARROW}
_WIDE = {"wide": charts.WIDE, "narrow": charts.NARROW}


def write_evaluation_report(evaluation: "Evaluation", path: str | Path, *, title: str = "Evaluation") -> Path:
    """Write the report of an evaluation as one HTML file that opens offline.

    The same facts give the same bytes. The file is whole or not there. It shows no row by itself but by identifiers
    and columns that were asked for; its curves go through scores that rows have.

    Parameters
    ----------
    evaluation : Evaluation
        The facts.
    path : str or Path
        Where to write; its folder must exist.
    title : str
        What stands at its head: the name of the file or of the model.

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
    write_atomically(path, evaluation_page(evaluation, title))
    return Path(path)


def evaluation_page(evaluation: "Evaluation", title: str = "Evaluation") -> bytes:
    """The page of an evaluation."""
    facts = EvaluationFacts(evaluation)
    code, code_hash = script("slider.js")
    return render(
        "evaluation.html",
        {
            "title": title,
            "evaluation": evaluation,
            "verdict": sentences(evaluation.verdict),
            "scores": score_table(evaluation),
            "reliability": _reliability(facts),
            "distribution": _distribution(facts),
            "ranking": _ranking(facts),
            "decisions": _decisions(facts),
            "mistakes": evaluation_tables.mistakes(facts),
            "slices": _slices(facts),
            "concentration": _concentration(facts),
            "settings": evaluation_tables.settings(evaluation.evidence),
            "said": said,
            "weights": said.weights(evaluation.tally),
            "without_logit": without_logit(evaluation),
            "reading": words.READING,
            "script": code if facts.decisions else "",
            "script_hash": code_hash if facts.decisions else "",
        },
    )


def sentences(verdict: str) -> list[str]:
    """A verdict, one thought each.

    Examples
    --------
    >>> sentences("Log loss 0.4 nats. 1 % of the rows carry 5.5 % of it.")
    ['Log loss 0.4 nats.', '1 % of the rows carry 5.5 % of it.']
    """
    return re.split(r"(?<=[.]) ", verdict)


def _reliability(facts: EvaluationFacts) -> dict[str, Any] | None:
    if facts.reliability is None or facts.logit_reliability is None:
        return None
    both = {"linear": facts.reliability, "log-odds": facts.logit_reliability}
    smooth = {"linear": facts.smooth, "log-odds": facts.logit_smooth}
    pictures = [
        drawn(
            partial(
                reliability_diagram,
                diagram,
                logit=kind == "log-odds",
                smooth=smooth[kind],
                is_weighted=facts.is_weighted,
            ),
            _SQUARE,
            name=f"reliability-{kind}",
            title="Reliability diagram" + (", in log-odds" if kind == "log-odds" else ""),
            description=words.diagram("this model", diagram),
        )
        for kind, diagram in both.items()
    ]
    tables = [
        evaluation_tables.reliability(kind, one, smooth[kind], is_weighted=facts.is_weighted)
        for kind, one in both.items()
    ]
    return {"pictures": pictures, "tables": tables, "has_smooth": bool(facts.smooth)}


def _distribution(facts: EvaluationFacts) -> dict[str, Any] | None:
    found = facts.scores
    if found is None:
        return None
    picture = drawn(
        partial(score_chart, found), _WIDE, name="scores", title="Scores of each class", description=said.scores(found)
    )
    return {"picture": picture, "table": evaluation_tables.scores(found)}


def _ranking(facts: EvaluationFacts) -> dict[str, Any] | None:
    found, evaluation = facts.thresholds, facts.evaluation
    if found is None:
        return None
    rate = evaluation.base_rate.value
    pictures = [
        drawn(
            partial(roc_chart, found),
            _SQUARE,
            name="roc",
            title="Receiver operating characteristic",
            description=said.roc(found, evaluation.roc_auc),
        ),
        drawn(
            partial(precision_recall_chart, found, rate),
            _SQUARE,
            name="precision-recall",
            title="Precision against recall",
            description=said.precision_recall(found, evaluation.average_precision, rate),
        ),
    ]
    return {"pictures": pictures, "table": evaluation_tables.ranking(found)}


def _decisions(facts: EvaluationFacts) -> dict[str, Any] | None:
    found = facts.decisions
    if found is None:
        return None
    lines = {"cost": ("Expected cost", cost_chart, found.cost)}
    lines["net-benefit"] = ("Net benefit", net_benefit_chart, found.net_benefit)
    pictures = {
        name: drawn(
            partial(chart, found),
            _SQUARE,
            name=name,
            title=title,
            description=said.decision_chart(title, found, values),
        )
        for name, (title, chart, values) in lines.items()
    }
    return {
        "pictures": pictures,
        "table": evaluation_tables.decisions(found, is_weighted=facts.is_weighted),
        "places": along(found),
        "plot": charts.NARROW - charts.BESIDE,
        "mark": charts.MARK,
        "chosen": found.chosen,
        "costs": said.costs(facts.evaluation.costs, facts.evaluation.best_threshold),
        "beyond": said.beyond(found, greatest_cost(found)),
    }


def _slices(facts: EvaluationFacts) -> dict[str, Any] | None:
    found = facts.slices
    if not found:
        return None
    overall = facts.evaluation.log_loss.value
    picture = drawn(
        partial(slice_chart, found, overall),
        _WIDE,
        name="slices",
        title="Log loss of slices",
        description=said.slices(found, overall, MOST),
    )
    return {
        "picture": picture,
        "table": evaluation_tables.slices(found, is_weighted=facts.is_weighted),
        "drawn": MOST,
        "count": len(found),
    }


def _concentration(facts: EvaluationFacts) -> dict[str, Any] | None:
    found = facts.concentration
    if found is None:
        return None
    picture = drawn(
        partial(concentration_chart, found),
        _SQUARE,
        name="concentration",
        title="How concentrated the loss is",
        description=said.concentration(found),
    )
    return {"picture": picture, "table": evaluation_tables.concentration(found)}
