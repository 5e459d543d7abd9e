"""Several models on the same rows: which is best, by how much, and where another one wins."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from logloss.core.plain import plain
from logloss.evaluation.comparison_table import text
from logloss.evaluation.difference import PROBABILITY, Difference, Region, is_sure
from logloss.evaluation.evaluation import Evaluation
from logloss.evaluation.table import interval, number
from logloss.evaluation.verdict import percent

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Models evaluated on the same rows, the one with the least log loss first. `logloss.evaluate` makes it.

    Attributes
    ----------
    evaluations : mapping of str to Evaluation
        Of each model, in order.
    differences : tuple of Difference
        How each other model differs from the best.
    """

    evaluations: Mapping[str, Evaluation]
    differences: tuple[Difference, ...]

    def __getitem__(self, model: str) -> Evaluation:
        return self.evaluations[model]

    @property
    def best(self) -> str:
        """The model with the least log loss."""
        return next(iter(self.evaluations))

    @cached_property
    def sentences(self) -> tuple[str, ...]:
        """What it comes to: a sentence or two of the best model, then of each other one."""
        best = self.evaluations[self.best]
        loss = best.log_loss.value
        if math.isnan(loss):
            return (best.verdict,)
        if not self.differences:
            return (f"{self.best} has a log loss of {number(loss)} nats; there is no other model to compare it with.",)
        said = f"{self.best} has the least log loss, {number(loss)} nats."
        if math.isinf(loss):
            brier = number(best.brier.value)
            said = f"Every log loss is infinite; {self.best} comes first by its Brier score, {brier}."
        return (said, *(_of_difference(one, best, self.evaluations[one.model]) for one in self.differences))

    @property
    def verdict(self) -> str:
        """The same in one text."""
        return " ".join(self.sentences)

    def __repr__(self) -> str:
        return f"<Comparison of {', '.join(self.evaluations)}>"

    def __str__(self) -> str:
        return text(self)

    def _repr_html_(self) -> str:
        from logloss.report import comparison_html  # a comparison draws itself

        return str(comparison_html(self))

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON has it (RFC 8259): infinities are "inf" and "-inf", NaN is null."""
        return {
            "best": self.best,
            "verdict": self.verdict,
            "differences": plain(self.differences),
            "models": {name: one.to_dict() for name, one in self.evaluations.items()},
        }

    def to_frame(self) -> "pd.DataFrame":
        """The scores' values as a table: a row for each model, a column for each score."""
        import pandas as pd

        columns = {name: one.to_frame()["value"] for name, one in self.evaluations.items()}
        return pd.DataFrame(columns).T.rename_axis("model")

    @property
    def plot(self) -> Any:
        """Charts: ``plot.differences()`` and ``plot.regions(model)``; each an Altair chart with its points."""
        from logloss.report import ComparisonPlots  # a comparison draws itself

        return ComparisonPlots(self)

    def report(self, path: str | Path, *, title: str = "Comparison") -> Path:
        """Write the page, one HTML file that opens offline, with ``title`` at its head; its path."""
        from logloss.report import write_comparison_report  # a comparison draws itself

        return Path(write_comparison_report(self, path, title=title))


def wins(difference: Difference) -> tuple[Region, ...]:
    """Where the model that is not the best overall has the lower loss, beyond chance."""
    return tuple(region for region in difference.regions if region.winner == difference.model)


def name_of(region: Region) -> str:
    """A region, as it is named in sentences."""
    if region.by == PROBABILITY:
        return f"where both say {region.value} on average"
    return f"where {region.by} is {'missing' if region.value is None else region.value}"


def _of_difference(one: Difference, best: Evaluation, other: Evaluation) -> str:
    """How a model differs from the best, and where it does better all the same."""
    apart = one.log_loss
    if math.isnan(apart.value):
        return f"{one.model} cannot be told from {one.best}: both losses are infinite."
    if math.isinf(apart.value):
        said = f"{one.model} has an infinite log loss."
    elif apart.low == apart.high == 0:
        said = f"{one.model} loses the same."
    else:
        ends = f" ({interval(apart)})" if interval(apart) else ""
        said = f"{one.model} loses {number(apart.value)} more{ends}"
        said += "." if is_sure(apart) else ", which may be chance."
    if is_sure(apart) and one.roc_auc.low > 0:
        said += f" But it ranks better: its ROC AUC is {number(one.roc_auc.value)} higher ({interval(one.roc_auc)})"
        # What is left of the loss once all is recalibrated is uncertainty less discrimination.
        tells_more = other.decomposition.discrimination > best.decomposition.discrimination
        said += ", and with both recalibrated it loses less." if tells_more else "."
    where: Sequence[Region] = sorted(wins(one), key=lambda region: -region.share_of_rows)
    if where:
        first = where[0]
        joint = "And" if " But " in said else "But"
        said += f" {joint} it wins {name_of(first)}, with {percent(first.share_of_rows)} of the rows"
        said += f", and in {len(where) - 1} more such." if len(where) > 1 else "."
    return said
