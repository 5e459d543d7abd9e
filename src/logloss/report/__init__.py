"""Facts → charts → one HTML file. Nothing else in logloss writes HTML."""

from typing import TYPE_CHECKING

from logloss import lazy

if TYPE_CHECKING:
    from logloss.report.comparison_notebook import comparison_html
    from logloss.report.comparison_page import write_comparison_report
    from logloss.report.comparison_plots import ComparisonPlots
    from logloss.report.curves import LossCurves, history
    from logloss.report.evaluation_page import write_evaluation_report
    from logloss.report.facts import TrainingReport
    from logloss.report.notebook import evaluation_html
    from logloss.report.plots import EvaluationPlots
    from logloss.report.run import write_run_report
    from logloss.report.training_page import write_training_report

__all__ = [
    "ComparisonPlots",
    "EvaluationPlots",
    "LossCurves",
    "TrainingReport",
    "comparison_html",
    "evaluation_html",
    "history",
    "write_comparison_report",
    "write_evaluation_report",
    "write_run_report",
    "write_training_report",
]

__getattr__, __dir__ = lazy.attributes(
    __name__,
    evaluate={
        "ComparisonPlots": "logloss.report.comparison_plots",
        "EvaluationPlots": "logloss.report.plots",
        "LossCurves": "logloss.report.curves",
        "TrainingReport": "logloss.report.facts",
        "comparison_html": "logloss.report.comparison_notebook",
        "evaluation_html": "logloss.report.notebook",
        "history": "logloss.report.curves",
        "write_comparison_report": "logloss.report.comparison_page",
        "write_evaluation_report": "logloss.report.evaluation_page",
        "write_training_report": "logloss.report.training_page",
    },
    train={"write_run_report": "logloss.report.run"},  # it reads what training wrote
)
