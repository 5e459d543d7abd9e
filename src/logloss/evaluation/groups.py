"""Rows by probability: the one form that scores are made from."""

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Groups:
    """What is known of the rows at each probability, in ascending order.

    Columns are negatives and positives; a soft label is in both, by its parts.
    """

    p: Floats  # (m,)
    lesser: Floats  # (m,), of p and 1 - p
    rows: Integers  # (m, 2)
    weight: Floats  # (m, 2)
    square: Floats  # (m, 2), weights times weights
    width: Floats  # (m,), by how much probabilities in it may differ

    @cached_property
    def mass(self) -> Floats:
        """The weight of each group, (m,)."""
        return self.weight[:, 0] + self.weight[:, 1]

    @cached_property
    def heaviness(self) -> Floats:
        """The weight of a row, (m, 2), on average by weight; 0 where there is none."""
        return np.divide(self.square, self.weight, out=np.zeros_like(self.weight), where=self.weight > 0)

    @cached_property
    def pull(self) -> Floats:
        """What multiplies the influence of a row on a score, (m, 2); 0 where there is no row.

        A row pulls the score towards itself and so seems nearer than it is, the more the greater its share of all
        weight: its square is divided by what it leaves to the others.
        """
        return self._pull(self.weight.sum())

    @cached_property
    def pull_in_class(self) -> Floats:
        """As `pull`, where a row's share is that of its class: for a score that compares classes."""
        return self._pull(self.weight.sum(0))

    def _pull(self, together: Any) -> Floats:
        left = np.maximum(1 - self.heaviness / together, 0.1)
        return np.asarray((self.weight > 0) / self.weight.sum() / np.sqrt(left))

    def at(self, places: Any) -> Self:
        """Some of the groups, by places or by a mask."""
        return type(self)(**{field.name: getattr(self, field.name)[places] for field in fields(self)})

    def times(self, share: Floats) -> Self:
        """Every group with such shares of its weight, (m, 2)."""
        made = {field.name: getattr(self, field.name) for field in fields(self)}
        return type(self)(**made | {"weight": self.weight * share, "square": self.square * share})
