"""Numbers and facts as a reader meets them: how a loss is printed, and the sentences around tables and charts."""

import json
import math
import re
from typing import Any, Literal

from logloss.evaluation.reliability import Reliability
from logloss.training.history import Epoch, History

PROBABILITIES = {
    "exact": "This loss does not distort probabilities; whether they are borne out, the diagram shows.",
    "corrected": "This loss shifts probabilities in a known way; the numbers here are of probabilities that were "
    "corrected for it.",
    "distorted": "This loss distorts probabilities, and that was not undone: use the outputs to rank rows, or "
    "calibrate them before reading them as probabilities.",
}

READING = (
    "Read it so: of all rows for which the model said 0.7, the curve’s height above 0.7 is the share that came out "
    "positive; inside the grey band a difference may be chance, outside it the probabilities are off."
)


_BREAKS = re.compile("[\t-\r\x85\u2028\u2029]+")
# Control and direction characters would break the XML of a chart, or let a name rearrange the text around it.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


def clean(text: str) -> str:
    r"""The text on one line, with a mark in place of each character that cannot be printed.

    Examples
    --------
    >>> clean("two\nlines and a bell\x07")
    'two lines and a bell�'
    """
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", _BREAKS.sub(" ", text))


def loss(value: float) -> str:
    """A loss to four digits.

    Examples
    --------
    >>> loss(0.43219), loss(12.3456), loss(0.0000123), loss(float("inf"))
    ('0.4322', '12.35', '0.0000123', '∞')
    """
    if not math.isfinite(value):
        return _odd(value)
    size = abs(value)
    if size >= 1e6 or 0 < size < 1e-6:
        mantissa, _, exponent = f"{value:.3g}".partition("e")
        return f"{mantissa.replace('-', '−')}e{exponent}"
    if size >= 10 or size == 0:
        text = f"{value:,.2f}" if size else "0"
    elif size < 0.001:
        text = f"{value:.{2 - math.floor(math.log10(size))}f}"
    else:
        text = f"{value:.4f}"
    return text.replace("-", "−")


def share(value: float) -> str:
    """A share of one as a percentage, never rounded to none or to all.

    Examples
    --------
    >>> print(share(0.2655), share(0.00303), share(0.99999), share(-0.125), share(1.0), sep=", ")
    26.6 %, 0.303 %, over 99.9 %, −12.5 %, 100 %
    """
    if not math.isfinite(value):
        return _odd(value)
    size = abs(value)
    if size in (0, 1):
        text = f"{value:.0%}"
    elif size < 0.01:
        text = f"{value:.3%}" if size >= 0.00001 else "under 0.001%"
    elif 0.999 < value < 1:
        text = "over 99.9%"
    else:
        text = f"{value:.1%}"
    return text.replace("-", "−").replace("%", "\N{NO-BREAK SPACE}%")


def shortened(text: str, longest: int) -> str:
    """The text on one line, cut in its middle if it is too long: names that differ often do so at an end.

    Examples
    --------
    >>> shortened("model-2024-spring-a", 12), shortened("old", 12)
    ('model-…ing-a', 'old')
    """
    text = clean(text)
    end = (longest - 1) // 2
    return text if len(text) <= longest else f"{text[: longest - 1 - end]}…{text[-end:]}"


def slice_name(by: str, value: str | None, longest: int = 60) -> str:
    """A slice as people name it, cut short if it is too long.

    Examples
    --------
    >>> slice_name("region", "north"), slice_name("region", None)
    ('region = north', 'region: none')
    """
    by, value = clean(by), None if value is None else clean(value)
    if value is None:
        return f"{by}: none"
    name = f"{by} = {value}"
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def setting(value: Any) -> str:
    """A setting's value: a string as it is, anything else as JSON would have it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def bits(nats: float) -> float:
    """A loss in bits."""
    return nats / math.log(2)


def best(epoch: Epoch, unit: str) -> str:
    """The best epoch and its loss."""
    value = epoch.train_loss if epoch.validation_loss is None else epoch.validation_loss
    return f"{'best' if unit == 'epoch' else 'reached'}: {unit} {epoch.epoch:,}, {loss(value)}"


def left_out(history: History) -> int:
    """How many losses are no numbers that can be drawn."""
    values = [value for e in history.epochs for value in (e.train_loss, e.validation_loss)]
    return sum(value is not None and not math.isfinite(value) for value in values)


def left_out_note(history: History) -> str:
    """What a chart leaves out, in a sentence, or nothing."""
    count = left_out(history)
    if count == 0:
        return ""
    return f"{count:,} {'loss is' if count == 1 else 'losses are'} infinite or not a number, and left out."


def curve_notes(history: History, unit: str, drawn_at_most: int) -> tuple[str, ...]:
    """What stands below the curves of a training."""
    notes = []
    if history.overfitting is not None:
        best, over = history.best.epoch, history.overfitting
        notes.append(
            f"Shaded: after {unit} {best:,} the validation loss rose by {loss(over.validation_rose)} nats "
            f"while the training loss fell by {loss(over.train_fell)}."
        )
    if history.base_rate_loss is not None:
        notes.append(f"Always saying the base rate costs {loss(history.base_rate_loss)} nats.")
    if len(history.epochs) > drawn_at_most:
        notes.append(f"Of {len(history.epochs):,} {unit}s the least and the greatest loss of each stretch are drawn.")
    return tuple(filter(None, [*notes, left_out_note(history)]))


def curves(history: History, unit: str) -> str:
    """What a chart of losses shows, for somebody who cannot see it."""
    count = len(history.epochs)
    said = [f"Loss curves over {count:,} {unit}{'' if count == 1 else 's'}."]
    lines: list[tuple[Literal["Training", "Validation"], list[float | None]]] = [
        ("Training", [e.train_loss for e in history.epochs]),
        ("Validation", [e.validation_loss for e in history.epochs]),
    ]
    for name, values in lines:
        known = [value for value in values if value is not None and math.isfinite(value)]
        if len(known) > 1:
            said.append(f"{name} loss goes from {loss(known[0])} to {loss(known[-1])} nats.")
        elif known:
            said.append(f"{name} loss is {loss(known[0])} nats.")
    said.append(f"{best(history.best, unit).capitalize()}.")
    if history.base_rate_loss is not None:
        said.append(f"Always saying the base rate costs {loss(history.base_rate_loss)}.")
    if history.overfitting is not None:
        said.append(f"From {unit} {history.overfitting.since:,} on the model overfits.")
    return " ".join(filter(None, [*said, left_out_note(history)]))


def diagram(name: str, reliability: Reliability) -> str:
    """What a reliability diagram shows, for somebody who cannot see it."""
    rows = zip(reliability.observed, reliability.low, reliability.high, strict=True)
    within = sum(low - 1e-9 <= seen <= high + 1e-9 for seen, low, high in rows) / len(reliability.observed)
    first, last = reliability.predicted[0], reliability.predicted[-1]
    return (
        f"Reliability diagram of {clean(name)}. Predicted probabilities go from {first:.3g} to {last:.3g}. "
        f"Over {share(within)} of that range the observed frequency lies within the band of chance."
    )


def _odd(value: float) -> str:
    return "not a number" if math.isnan(value) else "∞" if value > 0 else "−∞"
