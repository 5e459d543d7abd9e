"""Which of a comparison's regions a page shows: those that matter most, and no more than it has room for."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from logloss.evaluation.difference import PROBABILITY, Difference, Region

if TYPE_CHECKING:
    from logloss.evaluation.comparison import Comparison

MODELS = 20  # that have a part of their own
# What a page has room for in all: columns by which regions are shown, regions drawn, and regions in tables.
_COLUMNS, _DRAWN_IN_ALL, _LISTED = 40, 600, 1500
DRAWN, _LISTED_OF_ONE = 20, 200  # by one column


@dataclass(frozen=True)
class Split:
    """The regions by one column, bands of probability from low to high, slices by the difference that they make.

    ``drawn`` and ``listed`` say how many, from the first on, the chart and the table show.
    """

    by: str
    regions: tuple[Region, ...]
    drawn: int
    listed: int

    def won_by(self, model: str) -> tuple[Region, ...]:
        """Where a model wins beyond chance."""
        return tuple(region for region in self.regions if region.winner == model)


def shown(comparison: "Comparison") -> tuple[Difference, ...]:
    """The differences of the models that have a part of their own; none where nothing can be said."""
    return () if math.isnan(comparison[comparison.best].log_loss.value) else comparison.differences[: MODELS - 1]


def splits(comparison: "Comparison") -> list[tuple[Difference, list[Split], int]]:
    """Of each model that is shown how it differs, its regions, and by how many columns more there are some."""
    differences = shown(comparison)
    by_column = [split_by(one) for one in differences]
    columns = _part(_COLUMNS, len(differences), most=_COLUMNS)
    count = sum(min(len(every), columns) for every in by_column)
    drawn, listed = _part(_DRAWN_IN_ALL, count, most=DRAWN), _part(_LISTED, count, most=_LISTED_OF_ONE)
    found = []
    for difference, every in zip(differences, by_column, strict=True):
        # All bands of probability are shown, since there are never many.
        some = [
            Split(by, regions, *((len(regions), len(regions)) if by == PROBABILITY else (drawn, listed)))
            for by, regions in list(every.items())[:columns]
        ]
        found.append((difference, some, len(every) - len(some)))
    return found


def split_by(difference: Difference) -> dict[str, tuple[Region, ...]]:
    """The regions by column."""
    columns = dict.fromkeys(region.by for region in difference.regions)
    found = {by: [region for region in difference.regions if region.by == by] for by in columns}
    return {
        by: tuple(regions if by == PROBABILITY else sorted(regions, key=lambda region: -_makes(region)))
        for by, regions in found.items()
    }


def _makes(region: Region) -> float:
    """The difference that a region makes overall."""
    made = abs(region.difference.value)
    return -1.0 if math.isnan(made) else made if math.isinf(made) else made * region.share_of_rows


def _part(whole: int, count: int, *, most: int) -> int:
    return max(1, min(most, whole // max(count, 1)))
