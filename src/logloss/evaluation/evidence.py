"""What one read of the data yields: all that an `Evaluation` is made from."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from logloss.evaluation.tally import Tally

LEAST_ROWS = 10  # of a slice or region that is shown


@dataclass(frozen=True)
class Mistake:
    """A row that cost much.

    ``share_of_loss`` is what it carries of the log loss of all rows: NaN where that is infinite, and until an
    `Evaluation` tells it. ``row`` is its place among all rows as they were read, from 0, where one machine read them.
    Of rows that are equal and have one name it may be any; so it is in no JSON.
    """

    id: str | None
    label: float
    p: float  # of the positive class
    p_actual: float  # of the class that it was
    loss: float  # times the weight
    weight: float
    share_of_loss: float = field(default=math.nan, compare=False)
    shown: Mapping[str, str | None] = field(default_factory=dict)  # the columns that were asked for by name
    row: int | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Slice:
    """The rows in which a column has one value. Sums are rounded once, and do not depend on the order of rows.

    Sums of losses are of the finite ones; ``infinite`` counts the others, at negatives and at positives. A row's loss
    times its weight counts as 2^39 at most, so that its square fits.
    ``loss_square`` adds up (weight · loss)² and ``weight_loss`` weight² · loss: with ``square`` they give the variance
    of the mean.
    """

    by: str
    value: str | None  # None of a row without one
    rows: int
    weight: float
    square: float  # weights times weights
    positives: float  # weight times label
    said: float  # weight times probability
    loss: float  # weight times loss
    loss_square: float
    weight_loss: float
    infinite: tuple[int, int]
    content: bytes = field(default=b"", repr=False)  # of `Tally.to_bytes`, of the slices that matter most

    @property
    def tally(self) -> Tally | None:
        """All that is known of its rows; None of a slice that is not among those that matter most."""
        return Tally.from_bytes(self.content) if self.content else None

    def excess(self, mean_loss: float) -> float:
        """By how much its loss exceeds what as much weight costs on average; infinite losses come before all."""
        return float("inf") if any(self.infinite) else self.loss - mean_loss * self.weight


@dataclass(frozen=True)
class Evidence:
    """What is known of the data.

    ``mistakes`` are the rows that cost most, the worst first. ``slices`` begins with those that matter most, by how
    much they exceed the mean loss, of every column of ``by``; the hundred first have a tally. Rows in slices of fewer
    than ten are not shown one by one: ``suppressed`` says, of each column, how many such slices there are.
    """

    tally: Tally
    skipped: int = 0  # rows without a score, left out on request
    mistakes: tuple[Mistake, ...] = ()
    slices: tuple[Slice, ...] = ()
    suppressed: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()  # what the reader should be told of how the data was read
    positive: str | None = None  # the value of the label that was taken as positive, where it was not a number
    # What was evaluated, as pages say it.
    settings: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
