"""Facts → charts → one HTML file. Nothing else in logloss writes HTML."""

from typing import TYPE_CHECKING

from logloss import lazy

if TYPE_CHECKING:
    from logloss.report.curves import LossCurves, history
    from logloss.report.facts import TrainingReport
    from logloss.report.page import write_training_report
    from logloss.report.run import write_run_report

__all__ = ["LossCurves", "TrainingReport", "history", "write_run_report", "write_training_report"]

__getattr__, __dir__ = lazy.attributes(
    __name__,
    {
        "LossCurves": "logloss.report.curves",
        "history": "logloss.report.curves",
        "TrainingReport": "logloss.report.facts",
        "write_run_report": "logloss.report.run",
        "write_training_report": "logloss.report.page",
    },
    extra="train",
)
