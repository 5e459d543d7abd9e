"""What was learnt of each column: plain facts, which are written as JSON and read back without loss."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import numpy as np

from logloss.core.errors import RunError
from logloss.core.plain import read_plain
from logloss.tables.wording import quoted
from logloss.training.features import dates
from logloss.training.features.reading import Source

Name: TypeAlias = str | int  # columns of a frame that was an array are numbered


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Where a column of numbers lies: its middle fills gaps, and half of its rows or more are from low to high."""

    low: float
    center: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ValueError(f"low is {self.low!r} and high is {self.high!r}; expected low <= high")

    @property
    def unit(self) -> float:
        """What counts as one when the column is standardised."""
        return self.high - self.low or 1.0


@dataclass(frozen=True)
class Measure:
    """A number a row: how it is called, where it lies, and how the feature is called that says where it is missing."""

    label: str
    scale: Scale
    shown: bool  # False if only its gaps are a feature
    gap: str | None


@dataclass(frozen=True, kw_only=True)
class Number:
    """A column of numbers, of truth values, or of times of day and durations, which are numbers of seconds."""

    name: Name
    source: Source
    scale: Scale
    varies: bool  # False if only its gaps tell rows apart
    gaps: bool  # whether there is a column of 0 and 1 that says where a value is missing

    @property
    def measures(self) -> tuple[Measure, ...]:
        """What is measured of each row: the number itself."""
        label = f"{self.name} (seconds)" if self.source == "seconds" else f"{self.name}"
        return (Measure(label, self.scale, self.varies, _gap(self)),)


@dataclass(frozen=True, kw_only=True)
class Category:
    """A column of text. Levels are numbered from 1, the commonest first; whatever is none of them has number 0.

    A level that is None stands for a missing value. ``shown`` are the numbers that have a column of 0 and 1 of their
    own; ``embedded`` columns have none, and their numbers are among the codes.
    """

    name: Name
    levels: tuple[str | None, ...]
    others: int  # how many of the rows of training had number 0
    rows: int
    embedded: bool
    shown: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(set(self.levels)) < len(self.levels):
            raise ValueError("a level stands in levels twice")
        if not 0 <= self.others <= self.rows or not self.rows:
            raise ValueError(f"others is {self.others} of {self.rows} rows; expected some of them")
        if self.shown != tuple(sorted({*self.shown} & {*range(len(self.levels) + 1)})):
            raise ValueError(f"shown is {list(self.shown)}; expected rising numbers from 0 to {len(self.levels)}")

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of its columns of 0 and 1."""
        return tuple(self._label(number) for number in self.shown)

    def of_others(self, count: int, rows: int, example: str | None) -> str | None:
        """What to say where so many of a new table's rows have number 0, if they are more than training lets expect.

        Examples
        --------
        >>> city = Category(name="city", levels=("Rome", "Oslo"), others=0, rows=50, embedded=False, shown=(2,))
        >>> city.of_others(3, 10, "Bern")
        'Column "city": 3 rows hold values never seen in training, such as "Bern"; they count as "Rome", the commonest.'
        """
        share = self.others / self.rows
        if count <= rows * share + 3 * (rows * share * (1 - share)) ** 0.5:  # three standard deviations
            return None
        many = count > 1
        which = "rare in training or new" if self.others else "never seen in training"
        value = "a missing one" if example is None else quoted(example)
        hold = f"{count:,} rows hold values" if many else "1 row holds a value"
        they, count_as = ("they", "count as") if many else ("it", "counts as")
        if 0 in self.shown or (self.embedded and self.others):
            end = f"{they} {count_as} rare"
        elif self.embedded or 1 in self.shown:
            end = f"{they} {'say' if many else 'says'} nothing"
        else:
            commonest = "missing" if self.levels[0] is None else quoted(self.levels[0])
            end = f"{they} {count_as} {commonest}, the commonest"
        subject = called([self.name])
        return f"{subject[0].upper()}{subject[1:]}: {hold} {which}, such as {value}; {end}."

    def _label(self, number: int) -> str:
        if number == 0:
            return f"{self.name} is rare or new"
        level = self.levels[number - 1]
        return f"{self.name} is missing" if level is None else f"{self.name}={level}"


@dataclass(frozen=True, kw_only=True)
class Date:
    """A column of dates, with or without a time of day."""

    name: Name
    format: str | None  # how they are written, if they are text
    zone: str | None
    origin: int  # the day from which days are counted, itself counted from 1970
    scale: Scale  # of the days since then
    varies: bool  # False if the days since then are no feature
    parts: tuple[str, ...]
    gaps: bool

    def __post_init__(self) -> None:
        if unknown := {*self.parts} - {*dates.PARTS}:
            raise ValueError(f"nobody knows the part {sorted(unknown)[0]!r} of a date")
        if self.zone is not None and not dates.is_zone(self.zone):
            raise ValueError(f"there is no time zone {self.zone!r}")
        if self.format is not None:
            dates.reader(self.format)
        np.datetime64(self.origin, "D")

    @property
    def measures(self) -> tuple[Measure, ...]:
        """What is measured of each row: the days since the origin, and the parts of the date."""
        days = Measure(
            f"{self.name}: days since {np.datetime64(self.origin, 'D')}", self.scale, self.varies, _gap(self)
        )
        return (days, *(Measure(f"{self.name}: {part}", _ROUND, True, None) for part in self.parts))


def _gap(column: Number | Date) -> str | None:
    return f"{column.name} is missing" if column.gaps else None


# A missing date has the middle of every circle.
_ROUND = Scale(low=-0.5, center=0.0, high=0.5)

Column: TypeAlias = Number | Category | Date
_KINDS: dict[str, type[Number] | type[Category] | type[Date]] = {"number": Number, "category": Category, "date": Date}


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A column that is no feature, and why: the end of the sentence "Column x is left out: …"."""

    name: Name
    reason: str


def called(names: Sequence[Name]) -> str:
    """Columns as a sentence calls them.

    Examples
    --------
    >>> called(["age"]), called(["age", 7])
    ('column "age"', 'columns "age" and 7')
    """
    said = [quoted(name) if isinstance(name, str) else str(name) for name in names]
    if len(said) == 1:
        return f"column {said[0]}"
    if len(said) > 5:
        return f"columns {', '.join(said[:4])} and {len(said) - 4} more"
    return f"columns {', '.join(said[:-1])} and {said[-1]}"


def to_config(column: Column) -> dict[str, Any]:
    """The facts of a column as plain JSON."""
    kind = next(kind for kind, cls in _KINDS.items() if isinstance(column, cls))
    return {"kind": kind, **{key: list(v) if isinstance(v, tuple) else v for key, v in asdict(column).items()}}


def from_config(config: Any, where: str) -> Column:
    """The facts that `to_config` wrote.

    Raises
    ------
    RunError
        The facts are damaged.
    """
    kind = config.get("kind") if isinstance(config, Mapping) else None
    if not isinstance(kind, str) or kind not in _KINDS:
        raise RunError(f"{where} has the kind {kind!r}; expected one of {', '.join(_KINDS)}.")
    return read_plain(_KINDS[kind], {key: value for key, value in config.items() if key != "kind"}, where)
