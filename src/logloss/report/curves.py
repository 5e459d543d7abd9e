"""The curves of a training by themselves: in a notebook, or as a file."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import altair as alt

from logloss.core.errors import ParameterError, nearest
from logloss.report import charts, sources, svg, words
from logloss.report.loss_chart import loss_curves
from logloss.report.rendering import render
from logloss.tables.atomic import write_atomically
from logloss.training.history import History

_TITLE = "Loss curves"


@dataclass(frozen=True, repr=False)
class LossCurves:
    """A history of losses that draws itself in a notebook, and keeps itself as HTML, SVG or PNG."""

    history: History

    @property
    def chart(self) -> alt.LayerChart:
        """The Altair chart, for whoever wants to change it."""
        return self._drawn(charts.WIDE)

    def save(self, path: str | Path) -> None:
        """Write the curves to a file whose name ends in .html, .svg or .png.

        The file is whole or not there, and loads nothing from elsewhere.

        Raises
        ------
        ParameterError
            The name ends in something else.
        RunError
            There is no such folder.
        """
        writers: dict[str, Callable[[], bytes]] = {
            ".html": self._page,
            ".svg": partial(svg.alone, self.chart, title=_TITLE, description=self._said()),
            ".png": partial(svg.png, self.chart),
        }
        ending = Path(path).suffix.lower()
        if ending not in writers:
            known = ", ".join(writers)
            raise ParameterError(f"{path} ends in {ending!r}; expected one of {known}.{nearest(ending, writers)}")
        write_atomically(path, writers[ending]())

    def _repr_html_(self) -> str:
        # Two cells of a notebook are one page: what is drawn decides on the ids, so they only meet where they agree.
        name = "logloss-" + hashlib.sha256(repr(self.history).encode()).hexdigest()[:12]
        return str(svg.inline(self.chart, name=name, title=_TITLE, description=self._said()))

    def __repr__(self) -> str:
        count = len(self.history.epochs)
        return f"<loss curves of {count:,} epoch{'' if count == 1 else 's'}, {words.best(self.history.best, 'epoch')}>"

    def _page(self) -> bytes:
        drawn = {
            name: svg.inline(self._drawn(width), name=name, title=_TITLE, description=self._said(), css_class=name)
            for name, width in (("wide", charts.WIDE), ("narrow", charts.NARROW))
        }
        return render("curves.html", drawn)

    def _drawn(self, width: int) -> alt.LayerChart:
        return loss_curves(self.history, width=width, note=words.left_out_note(self.history))

    def _said(self) -> str:
        return words.curves(self.history, "epoch")


def history(source: Any, *, base_rate_loss: float | None = None) -> LossCurves:
    """The loss curves of a training, whoever did it.

    Parameters
    ----------
    source : Keras History, dict of lists, path or History
        What Keras's ``fit`` returns; a dict with ``"loss"`` (or ``"train_loss"``) and, if there was validation,
        ``"val_loss"`` (or ``"validation_loss"``), an entry an epoch; a path to a ``history.jsonl``; or our own history.
    base_rate_loss : float, optional
        The loss of always saying the base rate, in nats, drawn as a line to compare with.

    Returns
    -------
    LossCurves
        Shows itself in a notebook; ``.save(path)`` writes .html, .svg or .png; ``.chart`` is the Altair chart.

    Raises
    ------
    ParameterError
        Something that holds no history of losses.
    RunError
        A file that is missing or damaged, no epoch, or lists of unequal length.

    Examples
    --------
    >>> history({"loss": [0.6, 0.5, 0.4], "val_loss": [0.62, 0.57, 0.59]}, base_rate_loss=0.69)
    <loss curves of 3 epochs, best: epoch 2, 0.5700>
    """
    return LossCurves(sources.read(source, base_rate_loss))
