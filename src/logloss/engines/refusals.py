"""Values that no row may hold: counted over all the data, so that the sentence says how many there are."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from logloss.core.errors import LabelError, LogLossError, ProbabilityError, TableError, WeightError
from logloss.core.inputs import Array
from logloss.evaluation.plain import HEAVIEST, LIGHTEST
from logloss.tables.wording import counted, quoted

_SKIP = "leave these rows out with skip_nulls=True (--skip-nulls)"


class Found(NamedTuple):
    """How often, where first (row numbers begin with 1) and what stands there."""

    times: int
    row: int | None
    value: float | None

    def joined(self, other: "Found") -> "Found":
        """Of two parts of the data; where rows have no places, which of them comes first is not known."""
        first, second = (self, other) if other.row is None or (self.row or 0) < other.row else (other, self)
        return Found(self.times + other.times, first.row, second.value if first.value is None else first.value)


@dataclass(frozen=True)
class Refusals:
    """What was found, by the kind of trouble, and the scores' range."""

    found: Mapping[str, Found] = field(default_factory=dict)
    low: float = 0.0
    high: float = 0.0
    said: str = ""  # a sentence that came from another machine

    def __bool__(self) -> bool:
        return bool(self.found or self.said)

    def placeless(self) -> "Refusals":
        """Without the places, which mean nothing in a part of the data."""
        return replace(self, found={kind: one._replace(row=None) for kind, one in self.found.items()})

    def and_(self, kind: str, bad: npt.NDArray[np.bool_], values: Array | None, first: int) -> "Refusals":
        """With the bad rows of a batch that starts at row ``first``."""
        count = int(np.count_nonzero(bad))
        if not count:
            return self
        at = int(np.argmax(bad))
        there = self.found.get(kind)
        value = None if values is None or np.isnan(values[at]) else float(values[at])
        now = Found(count, first + at + 1, value) if there is None else there._replace(times=there.times + count)
        low, high = self.low, self.high
        if kind == "score" and values is not None:
            low, high = min(low, float(values[bad].min())), max(high, float(values[bad].max()))
        return replace(self, found={**self.found, kind: now}, low=low, high=high)

    def __add__(self, other: "Refusals") -> "Refusals":
        kinds = {**self.found, **other.found}
        both = {
            kind: self.found[kind].joined(other.found[kind]) if kind in self.found and kind in other.found else one
            for kind, one in kinds.items()
        }
        said = min(filter(None, (self.said, other.said)), default="")
        return Refusals(both, min(self.low, other.low), max(self.high, other.high), said)


def refuse(refusals: Refusals, label: str, score: str, weight: str | None, *, rows: int) -> None:
    """Refuse what was found, if anything, of columns with these names.

    Raises
    ------
    TableError, LabelError, ProbabilityError, WeightError
        With the count, the first place and the mend.
    """
    if refusals.said:
        raise TableError(refusals.said)
    kinds: dict[str, tuple[str, type[LogLossError], str, str]] = {
        "null": (score, TableError, "are missing", f"Fill them in, or {_SKIP}."),
        "label": (label, LabelError, "lie outside [0, 1]", "Mend them, or say which value is positive (--positive)."),
        "score": (score, ProbabilityError, "lie outside [0, 1]", of_scores(refusals)),
        "weight": (weight or "", WeightError, "are missing, negative or infinite", "Expected 0 or more in every row."),
        "heavy": (
            weight or "",
            WeightError,
            f"are greater than {HEAVIEST:,.0f}",
            "Divide all weights by one number, which changes no mean.",
        ),
        "light": (
            weight or "",
            WeightError,
            f"are less than {LIGHTEST:.2g} and not 0",
            "Multiply all weights by one number, which changes no mean.",
        ),
    }  # fmt: skip
    for kind, (column, error, what, mend) in kinds.items():
        if kind not in refusals.found:
            continue
        count, row, value = refusals.found[kind]
        shown = "" if value is None else f" = {value:g}"
        where = f", the first in row {row:,}{shown}" if row is not None else f", such as {value:g}" if shown else ""
        share = f"{counted(count, 'value')} of {rows:,}" if rows else counted(count, "value")
        is_one = what.replace("are ", "is ").replace("lie ", "lies ") if count == 1 else what
        raise error(f"Of the column {quoted(column)}, {share} {is_one}{where}. {mend}")


def of_scores(refusals: Refusals, logits: str = "say from_logits=True (--logit)") -> str:
    """What scores outside of [0, 1] may be."""
    if refusals.low < 0:
        return f"If these are logits, {logits}."
    if refusals.high <= 100:
        return f"If these are percentages, divide them by 100; if logits, {logits}."
    return f"Expected probabilities; if these are logits, {logits}."
