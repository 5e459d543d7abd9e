"""Facts → charts → one HTML file. Nothing else in logloss writes HTML."""

from typing import TYPE_CHECKING

from logloss import lazy

if TYPE_CHECKING:
    from logloss.report.curves import LossCurves, history
    from logloss.report.evaluation_page import write_evaluation_report
    from logloss.report.facts import TrainingReport
    from logloss.report.notebook import evaluation_html
    from logloss.report.plots import EvaluationPlots
    from logloss.report.run import write_run_report
    from logloss.report.training_page import write_training_report

__all__ = [
    "EvaluationPlots",
    "LossCurves",
    "TrainingReport",
    "evaluation_html",
    "history",
    "write_evaluation_report",
    "write_run_report",
    "write_training_report",
]

__getattr__, __dir__ = lazy.attributes(
    __name__,
    evaluate={
        "EvaluationPlots": "logloss.report.plots",
        "LossCurves": "logloss.report.curves",
        "TrainingReport": "logloss.report.facts",
        "evaluation_html": "logloss.report.notebook",
        "history": "logloss.report.curves",
        "write_evaluation_report": "logloss.report.evaluation_page",
        "write_training_report": "logloss.report.training_page",
    },
    train={"write_run_report": "logloss.report.run"},  # it reads what training wrote
)
