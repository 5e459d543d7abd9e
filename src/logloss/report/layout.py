"""Where things go in a chart of losses: which points are drawn, how far the axis reaches, which labels make room."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Point = tuple[int, float | None]  # an epoch, and its loss or a gap

POINTS = 480  # a line: about as many as the pixels of a chart can tell apart
_LOGARITHMIC = 30.0  # from this ratio on, a linear axis would press most of a curve flat
_MARGIN = 0.05
_NEAR = 1.5  # times the height of the curves: a base rate's loss further off would press them flat


def thin(points: Sequence[Point], limit: int = POINTS) -> list[Point]:
    """At most about ``limit`` of the points, among them the first, the last and the extremes.

    Examples
    --------
    >>> thin([(1, 0.5), (2, 0.4), (3, 0.6)])
    [(1, 0.5), (2, 0.4), (3, 0.6)]
    >>> curve = [(i, 1 / i) for i in range(1, 100_001)]
    >>> drawn = thin(curve)
    >>> len(drawn) <= 480, drawn[0] == curve[0], drawn[-1] == curve[-1]
    (True, True, True)
    """
    if len(points) <= limit:
        return list(points)
    inner = points[1:-1]
    gaps = any(value is None for _, value in inner)
    buckets = max(1, (limit - 2) // (3 if gaps else 2))  # the least, the most and perhaps a gap of each
    kept = [points[0]]
    for i in range(buckets):
        bucket = inner[i * len(inner) // buckets : (i + 1) * len(inner) // buckets]
        known = [(value, epoch) for epoch, value in bucket if value is not None]
        chosen: set[Point] = {(epoch, value) for value, epoch in (min(known), max(known))} if known else set()
        chosen.update([gap for gap in bucket if gap[1] is None][:1])
        kept += sorted(chosen, key=lambda point: point[0])
    return [*kept, points[-1]]


def alone(points: Sequence[Point]) -> list[Point]:
    """The points that no line reaches, since there is a gap on either side."""
    values = [None, *(value for _, value in points), None]
    return [p for i, p in enumerate(points) if p[1] is not None and values[i] is None and values[i + 2] is None]


@dataclass(frozen=True)
class Axis:
    """The ends of the axis of losses, and whether it is logarithmic."""

    low: float
    high: float
    logarithmic: bool

    def height_of(self, loss: float) -> float:
        """How high the loss stands, as a share of the axis."""
        low, high, at = (self._scaled(x) for x in (self.low, self.high, loss))
        return (at - low) / (high - low)

    def loss_at(self, height: float) -> float:
        """The loss that stands so high."""
        low, high = self._scaled(self.low), self._scaled(self.high)
        at = low + height * (high - low)
        return 10**at if self.logarithmic else at

    def holds(self, loss: float) -> bool:
        """Whether the loss lies on the axis."""
        return self.low <= loss <= self.high

    def _scaled(self, loss: float) -> float:
        return math.log10(loss) if self.logarithmic else loss


def axis(losses: Sequence[float], base_rate_loss: float | None) -> Axis:
    """An axis for finite losses, and for the base rate's loss unless this would press the curves flat.

    Examples
    --------
    >>> axis([0.5, 0.6], 0.69).holds(0.69), axis([0.012, 0.010, 0.011], 0.69).holds(0.69)
    (True, False)
    >>> axis([900.0, 0.5, 0.4], None).logarithmic
    True
    """
    least, most = min(losses), max(losses)
    logarithmic = least > 0 and most / least > _LOGARITHMIC
    low, high = (math.log10(least), math.log10(most)) if logarithmic else (least, most)
    if base_rate_loss is not None and not (logarithmic and base_rate_loss <= 0):
        base = math.log10(base_rate_loss) if logarithmic else base_rate_loss
        # A single epoch draws no curve whose shape could suffer.
        near = _NEAR * (high - low) if len(losses) > 2 else 2 * abs(high)
        if low - near <= base <= high + near:
            low, high = min(low, base), max(high, base)
    margin = _MARGIN * (high - low) or 0.1 * abs(high) or 0.1
    low, high = low - margin, high + margin
    if not logarithmic and least >= 0:
        low = max(low, 0.0)
    return Axis(10**low, 10**high, True) if logarithmic else Axis(low, high, False)


def whole_ticks(first: int, last: int, count: int) -> list[int]:
    """At most about ``count`` round whole numbers between the ends.

    Examples
    --------
    >>> whole_ticks(1, 40, 8), whole_ticks(1, 3, 8)
    ([5, 10, 15, 20, 25, 30, 35, 40], [1, 2, 3])
    """
    power = 1
    while True:
        for step in (power, 2 * power, 5 * power):
            if (last - first) / step <= count:
                return list(range(-(-first // step) * step, last + 1, step))
        power *= 10


def logarithmic_ticks(low: float, high: float) -> list[float]:
    """Powers of ten between the ends, every so many if they are many, and 2 and 5 times them if they are few.

    Examples
    --------
    >>> logarithmic_ticks(0.3, 900), logarithmic_ticks(0.3, 12)
    ([1.0, 10.0, 100.0], [0.5, 1.0, 2.0, 5.0, 10.0])
    """
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    factors = (1, 2, 5) if len(powers) <= 4 else (1,)
    marks = [float(f"{factor}e{power}") for power in powers[:: -(-len(powers) // 8)] for factor in factors]
    return [mark for mark in marks if low <= mark <= high]


def spread(wanted: Sequence[float], gap: float) -> list[float]:
    """Heights in [0, 1] as near to the wanted ones as they can be while ``gap`` apart, in the same order.

    Examples
    --------
    >>> spread([0.5, 0.52, 0.1], 0.1)
    [0.46, 0.56, 0.1]
    """
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    groups: list[list[int]] = []  # labels that touch move together, about the middle of where they want to be
    places: list[float] = []
    for i in order:
        groups.append([i])
        places.append(_inside(wanted[i], 0))
        while len(groups) > 1 and places[-1] - places[-2] < gap * (len(groups[-2]) + len(groups[-1])) / 2 - 1e-12:
            groups[-2:] = [groups[-2] + groups[-1]]
            middle = sum(wanted[j] for j in groups[-1]) / len(groups[-1])
            places[-2:] = [_inside(middle, gap * (len(groups[-1]) - 1) / 2)]
    placed = [0.0] * len(wanted)
    for group, place in zip(groups, places, strict=True):
        for rank, i in enumerate(group):
            placed[i] = round(place + gap * (rank - (len(group) - 1) / 2), 9)
    return placed


def _inside(place: float, half: float) -> float:
    return min(max(place, half), 1 - half) if half < 0.5 else 0.5


@dataclass(frozen=True)
class Beside:
    """How a label is tied to a vertical line: its alignment, its shift from the line, and where it ends, in pixels."""

    align: Literal["left", "right"]
    shift: float
    end: float


def beside(line: float, label: float, left: float, right: float) -> Beside:
    """A place for a label of a given length by a line: left of it if it fits, else right of it, else wherever it fits.

    Examples
    --------
    >>> beside(300, 100, left=0, right=700).align, beside(50, 100, left=0, right=700).align
    ('right', 'left')
    """
    if line - label >= left:
        return Beside("right", 3.0, line)
    if line + label <= right:
        return Beside("left", -3.0, line + label)
    return Beside("left", left - line, left + label)
