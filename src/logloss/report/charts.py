"""What our charts have in common: their widths, colours and type, and how rows become a layer."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import altair as alt

Chart = TypeVar("Chart", alt.LayerChart, alt.VConcatChart)

# Each chart is drawn for a page and again for a telephone, since type that is only scaled down cannot be read.
WIDE, NARROW = 720, 340

# From Okabe and Ito's palette, told apart by the colour-blind and in print; text is darker, to be read on white.
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#6E7781"
DARK_BLUE, DARK_ORANGE, DARK_GREY = "#00609A", "#A84800", "#57606A"
INK = "#1F2328"
PAPER = "white"
MARK = "#8250DF"  # of what a reader moves: nothing else has this colour, so that a script finds it
_FAINT, _LINE = "#E7EBEF", "#AFB8C1"

# What each colour becomes where pages are dark: the page's style changes them, so that one drawing serves both.
DARK = {
    BLUE: "#4DA3E0",
    ORANGE: "#F0883E",
    GREY: "#8B949E",
    DARK_BLUE: "#79BDF0",
    DARK_ORANGE: "#F5A870",
    DARK_GREY: "#A9B3BD",
    INK: "#E6EDF3",
    PAPER: "#0F1419",
    MARK: "#B08CFF",
    _FAINT: "#222A32",
    _LINE: "#4A535D",
}

BESIDE = 80  # pixels beside the plot of a square chart: the axis at its left, and half of a label at its right
_PADDING = 10
LABELS = 34  # of these, for the labels at the left

TYPE_SIZE = 12
LETTER = 6.4  # pixels: the mean width of a letter of that size, in bold
# Liberation Sans comes with vl-convert and measures as Arial and Helvetica do, so text fits wherever it is shown.
_FONT = "Liberation Sans, Arial, Helvetica, sans-serif"

# Labels of an axis of shares, written as everywhere else.
PERCENT = {"labelExpr": "format(100 * abs(datum.value), '~g') + '\N{NO-BREAK SPACE}%'"}

DASHED: dict[str, Any] = {"color": GREY, "strokeDash": [5, 4], "strokeWidth": 1.25}


def data(rows: Sequence[Mapping[str, Any]]) -> alt.Chart:
    """A layer's rows. Fields are named by us and never by a table, since a field's name can be an expression."""
    return alt.Chart(alt.InlineData(values=[dict(row) for row in rows]))


def joined(*columns: Iterable[float]) -> list[dict[str, float]]:
    """Rows with fields a, b, c … of columns; what is no finite number is left out of them.

    Examples
    --------
    >>> joined([1.0, 2.0], [0.5, float("nan")])
    [{'a': 1.0, 'b': 0.5}]
    """
    rows = [dict(zip("abcdefg", row, strict=False)) for row in zip(*columns, strict=True)]
    return [row for row in rows if all(map(math.isfinite, row.values()))]


def axis(title: str | None, **options: Any) -> alt.Axis:
    """An axis as our square charts have it: few ticks, a grid, no line."""
    plain: dict[str, Any] = {"domain": False, "ticks": False, "labelFlush": False, "labelOverlap": True}
    plain["labelPadding"] = _PADDING  # as much as keeps the labels of two axes apart where they meet
    if "values" not in options:
        plain["tickCount"] = 5  # with values Vega would take some of them away
    return alt.Axis(title=title, **plain | options)


def upright(title: str, **options: Any) -> alt.Axis:
    """The axis at the left, with as much room for its labels in every chart: what stands side by side is as wide."""
    return axis(title, minExtent=LABELS, labelPadding=5, **options)


def span(low: float, high: float) -> alt.Scale:
    """A scale that begins and ends where it is told to."""
    return alt.Scale(domain=[low, high], nice=False, zero=False)


def styled(chart: Chart) -> Chart:
    """The chart in the house's type and colours, on white."""
    finished: Chart = (
        chart.properties(padding=4, background=PAPER)
        .configure(font=_FONT, aria=False)
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=DARK_GREY,
            labelFontSize=TYPE_SIZE,
            labelPadding=5,
            titleColor=DARK_GREY,
            titleFontSize=TYPE_SIZE,
            titleFontWeight="normal",
            titlePadding=8,
            gridColor=_FAINT,
            domainColor=_LINE,
            tickColor=_LINE,
            tickSize=4,
        )
        .configure_text(fontSize=TYPE_SIZE)
        .configure_title(color=INK)
    )
    return finished
