"""An evaluation as notebooks show it: the verdict, the scores that matter most, and two charts."""

import hashlib
from functools import partial
from typing import TYPE_CHECKING

from logloss.report import charts, words
from logloss.report import evaluation_words as said
from logloss.report.evaluation_facts import EvaluationFacts
from logloss.report.evaluation_page import sentences
from logloss.report.reliability_chart import reliability_diagram
from logloss.report.rendering import drawn, render
from logloss.report.score_chart import score_chart
from logloss.report.score_words import score_line

if TYPE_CHECKING:
    from logloss.evaluation.evaluation import Evaluation

_SCORES = (
    "log_loss",
    "normalized_entropy",
    "brier",
    "miscalibration",
    "miscalibration_if_calibrated",
    "calibration_slope",
    "roc_auc",
    "average_precision",
)
_SQUARE = {"": charts.NARROW}


def evaluation_html(evaluation: "Evaluation") -> str:
    """A compact piece of HTML for notebooks: no script, no style that could reach beyond it."""
    facts = EvaluationFacts(evaluation)
    # Two cells of a notebook are one page: what is drawn decides on the ids, so they only meet where they agree.
    digest = hashlib.sha256(repr((facts.reliability, facts.scores)).encode()).hexdigest()[:12]
    pictures = []
    if facts.reliability:
        pictures.append(
            drawn(
                partial(reliability_diagram, facts.reliability, smooth=facts.smooth, is_weighted=facts.is_weighted),
                _SQUARE,
                name=f"logloss-r-{digest}",
                title="Reliability diagram",
                description=words.diagram("this model", facts.reliability),
            )
        )
    if facts.scores:
        pictures.append(
            drawn(
                partial(score_chart, facts.scores),
                _SQUARE,
                name=f"logloss-s-{digest}",
                title="Scores of each class",
                description=said.scores(facts.scores),
            )
        )
    values = {
        "evaluation": evaluation,
        "verdict": sentences(evaluation.verdict),
        "lines": [line for name in _SCORES if (line := score_line(evaluation, name))],
        "pictures": [picture[""] for picture in pictures],
    }
    return render("notebook.html", values).decode()
