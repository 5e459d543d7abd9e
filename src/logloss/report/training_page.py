"""A training's facts as one HTML file: no script, nothing loaded, and whatever came from data escaped."""

from functools import partial
from pathlib import Path
from typing import Any

from markupsafe import Markup

from logloss.report import charts, layout, words
from logloss.report.facts import TrainingReport
from logloss.report.loss_chart import loss_curves
from logloss.report.reliability_chart import reliability_diagram
from logloss.report.rendering import SINGLE, drawn, render
from logloss.tables.atomic import write_atomically
from logloss.tables.page_name import refuse_other_format

_MOST_DIAGRAMS = 6
_MODELS = {"mlp": "A neural network", "linear": "A linear model"}


def write_training_report(report: TrainingReport, path: str | Path) -> None:
    """Write the report of a training as one HTML file.

    The same facts give the same bytes. The file is whole or not there.

    Parameters
    ----------
    report : TrainingReport
        The facts.
    path : str or Path
        Where to write; its folder must exist.

    Raises
    ------
    ParameterError
        The name ends as that of another format does.
    RunError
        There is no such folder.
    """
    refuse_other_format(path)
    write_atomically(path, training_page(report))


def training_page(report: TrainingReport) -> bytes:
    """The page of a training."""
    unit = "iteration" if report.model == "linear" else "epoch"
    labels = report.metrics.labels
    versions = {**report.versions, "kernel": report.kernel}
    return render(
        "training.html",
        {
            "report": report,
            "metrics": report.metrics,
            "model": _MODELS[report.model],
            "unit": unit,
            "curves": _curves(report, unit) if report.history.epochs else None,
            "probabilities": words.PROBABILITIES[report.probabilities],
            "diagrams": _diagrams(report),
            "left_out": len(labels) > _MOST_DIAGRAMS,
            "reading": words.READING,
            "tables": [
                ("Settings", [(key, words.setting(value)) for key, value in report.settings.items()]),
                ("Versions", list(versions.items())),
            ],
        },
    )


def _curves(report: TrainingReport, unit: str) -> dict[str, Any]:
    history = report.history
    pictures = drawn(
        partial(loss_curves, history, unit=unit),
        {"wide": charts.WIDE, "narrow": charts.NARROW},
        name="curves",
        title="Loss curves",
        description=words.curves(history, unit),
    )
    return {**pictures, "notes": words.curve_notes(history, unit, layout.POINTS)}


def _diagrams(report: TrainingReport) -> list[dict[str, Markup]]:
    """A diagram a label, the greatest log loss first."""
    single = len(report.metrics.labels) == 1
    # Small multiples stand side by side where there is room, so one width serves both.
    widths = {"wide": SINGLE, "narrow": charts.NARROW} if single else {"both": charts.NARROW}
    labels = sorted(report.metrics.labels, key=lambda label: -label.log_loss)
    known = [(label.name, label.reliability) for label in labels if label.reliability is not None]
    return [
        drawn(
            partial(reliability_diagram, reliability, title="" if single else name),
            widths,
            name=f"diagram-{i}",
            title="Reliability diagram",
            description=words.diagram(name, reliability),
        )
        for i, (name, reliability) in enumerate(known[:_MOST_DIAGRAMS], start=1)
    ]
