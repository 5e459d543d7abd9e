"""Facts → charts → one HTML file. Nothing else in logloss writes HTML."""

from logloss.core.errors import MissingPackageError

_EXTRA = {"altair", "jinja2", "markupsafe", "pandas", "pyarrow", "scipy", "sklearn", "skrub", "torch", "vl_convert"}

try:
    from logloss.report.curves import LossCurves, history
    from logloss.report.facts import TrainingReport
    from logloss.report.page import write_training_report
except ModuleNotFoundError as error:
    # Only what the extra installs: any other module that is missing is a fault, and hiding it would not help.
    if error.name not in _EXTRA:
        raise
    raise MissingPackageError(
        f"logloss.report needs {error.name}, which is not installed. Install it: pip install 'logloss[train]'"
    ) from error

__all__ = ["LossCurves", "TrainingReport", "history", "write_training_report"]
