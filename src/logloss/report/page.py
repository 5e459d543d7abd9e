"""A training's facts as one HTML file: no script, nothing loaded, and whatever came from data escaped."""

from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any, Protocol

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from logloss.report import charts, layout, svg, words
from logloss.report.facts import TrainingReport
from logloss.report.loss_chart import loss_curves
from logloss.report.reliability_chart import reliability_diagram
from logloss.tables.atomic import write_atomically
from logloss.tables.wording import counted

_MOST_DIAGRAMS = 6
_SINGLE = 476  # pixels: a square diagram that leaves room for words beside it
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
    RunError
        There is no such folder.
    """
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


def render(template: str, values: Mapping[str, Any]) -> bytes:
    """A page from a template of this package. Strings are escaped; only an SVG of ours is taken as it is."""
    return _environment().get_template(template).render(values).encode("utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("logloss.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        finalize=_printable,
    )
    environment.filters |= {"loss": words.loss, "share": words.share, "bits": words.bits, "counted": counted}
    return environment


def _printable(value: Any) -> Any:
    return words.clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _curves(report: TrainingReport, unit: str) -> dict[str, Any]:
    history = report.history
    drawn = _drawn(
        partial(loss_curves, history, unit=unit),
        {"wide": charts.WIDE, "narrow": charts.NARROW},
        name="curves",
        title="Loss curves",
        description=words.curves(history, unit),
    )
    return {**drawn, "notes": words.curve_notes(history, unit, layout.POINTS)}


def _diagrams(report: TrainingReport) -> list[dict[str, Markup]]:
    """A diagram a label, the greatest log loss first."""
    single = len(report.metrics.labels) == 1
    # Small multiples stand side by side where there is room, so one width serves both.
    widths = {"wide": _SINGLE, "narrow": charts.NARROW} if single else {"both": charts.NARROW}
    labels = sorted(report.metrics.labels, key=lambda label: -label.log_loss)
    known = [(label.name, label.reliability) for label in labels if label.reliability is not None]
    return [
        _drawn(
            partial(reliability_diagram, reliability, title="" if single else name),
            widths,
            name=f"diagram-{i}",
            title="Reliability diagram",
            description=words.diagram(name, reliability),
        )
        for i, (name, reliability) in enumerate(known[:_MOST_DIAGRAMS], start=1)
    ]


class _Draw(Protocol):
    def __call__(self, *, width: int) -> svg.Chart: ...


def _drawn(draw: _Draw, widths: Mapping[str, int], *, name: str, title: str, description: str) -> dict[str, Markup]:
    """A chart in each of the widths, of which the page's style displays one."""
    return {
        kind: svg.inline(draw(width=width), name=f"{name}-{kind}", title=title, description=description, css_class=kind)
        for kind, width in widths.items()
    }
