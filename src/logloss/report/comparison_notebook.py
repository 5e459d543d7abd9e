"""A comparison as notebooks show it: the verdict, the scores of the models, and how far they are from the best."""

import hashlib
from functools import partial
from typing import TYPE_CHECKING

from markupsafe import Markup

from logloss.report import charts, comparison_tables
from logloss.report import comparison_words as said
from logloss.report.comparison_charts import differences_chart
from logloss.report.comparison_facts import MODELS, shown
from logloss.report.rendering import drawn, render

if TYPE_CHECKING:
    from logloss.evaluation.comparison import Comparison

_SENTENCES = 4


def comparison_html(comparison: "Comparison") -> str:
    """A compact piece of HTML for notebooks: no script, no style that could reach beyond it."""
    board, apart = comparison_tables.board(comparison), comparison_tables.apart(comparison)
    values = {
        "best": comparison[comparison.best],
        "verdict": comparison.sentences[:_SENTENCES],
        "columns": board.columns,
        "rows": [(*row, one) for row, one in zip(board.rows, apart, strict=True)][:MODELS],
        "has_apart": bool(comparison.differences),
        "more": len(board.rows[MODELS:]),
        "picture": _picture(comparison),
    }
    return render("comparison_notebook.html", values).decode()


def _picture(comparison: "Comparison") -> Markup | None:
    found = shown(comparison)
    if not found:
        return None
    facts = [(one.model, one.log_loss) for one in found]
    # Two cells of a notebook are one page: what is drawn decides on the ids, so they only meet where they agree.
    digest = hashlib.sha256(repr(facts).encode()).hexdigest()[:12]
    return drawn(
        partial(differences_chart, found),
        {"": charts.WIDE},
        name=f"logloss-d-{digest}",
        title="Differences from the best model",
        description=said.differences(found),
    )[""]
