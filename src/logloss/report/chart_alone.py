"""What a chart needs where no page stands around it: a title, and a key of its lines."""

from collections.abc import Mapping
from typing import Any

import altair as alt

from logloss.report import charts
from logloss.report.charts import Chart, data
from logloss.report.decision_charts import MARKED, STYLES
from logloss.report.reliability_chart import BAND, SMOOTHED

Key = Mapping[str, Mapping[str, Any]]  # what a line means, and how it is drawn

MODEL: dict[str, Any] = {"color": charts.BLUE, "strokeWidth": 2.5}
RANKING: Key = {"this model": MODEL, "guessing": charts.DASHED}
CONCENTRATION: Key = {"this model": MODEL, "a loss that all rows carry alike": charts.DASHED}
DECISIONS: Key = {
    "this model": STYLES["model"],
    "acting on every row": STYLES["all"],
    "acting on none": STYLES["none"],
    "the threshold to decide from": MARKED,
}

_CHANNELS = {"color": alt.Stroke, "strokeWidth": alt.StrokeWidth, "strokeDash": alt.StrokeDash}
_WHOLE = [1, 0]  # dashes of a line without gaps


def titled(chart: Chart, title: str, said: str = "") -> Chart:
    """The chart under its title, with a sentence below that if there is something to say."""
    words = alt.TitleParams(
        title, subtitle=said or alt.Undefined, anchor="start", frame="group", fontSize=charts.TYPE_SIZE + 3, offset=12
    )
    made: Chart = chart.properties(title=words).configure_title(
        color=charts.INK, subtitleColor=charts.DARK_GREY, subtitleFontSize=charts.TYPE_SIZE
    )
    return made


def reliability_key(*, has_smooth: bool) -> Key:
    """Of a reliability diagram."""
    return {
        "this model": MODEL,
        **({"the same, smooth": SMOOTHED} if has_smooth else {}),
        "perfectly calibrated": charts.DASHED,
        "95 % of what chance would do to perfectly calibrated probabilities": BAND,
    }


def keyed(chart: Chart, key: Key) -> Chart:
    """The chart with a key below it: a stroke for each line, drawn as the line is."""
    made: Chart = chart.copy()
    if isinstance(made, alt.VConcatChart):
        # Below the last of them, whose own axis stands between.
        made.vconcat[-1] = alt.layer(made.vconcat[-1], _key(key))
    else:
        made.layer = [*made.layer, _key(key)]
    return made


def _key(key: Key) -> alt.Chart:
    """A layer without rows, whose scales alone make the key."""
    names = list(key)
    legend = alt.Legend(
        title=None,
        orient="bottom",
        direction="vertical",
        labelLimit=0,
        labelColor=charts.DARK_GREY,
        labelFontSize=charts.TYPE_SIZE,
        symbolSize=700,
        symbolType="stroke",
        offset=12,
    )
    encodings = [
        channel(
            "name:N",
            scale=alt.Scale(type="ordinal", domain=names, range=[style.get(name, _WHOLE) for style in key.values()]),
            legend=legend,
        )
        for name, channel in _CHANNELS.items()
    ]
    layer: alt.Chart = data([]).mark_line().encode(*encodings)
    return layer
