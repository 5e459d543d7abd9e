"""What the numbers come to, in sentences that a manager understands and an engineer can check."""

import math
from decimal import Decimal
from typing import TYPE_CHECKING

from logloss.evaluation.score import Score

if TYPE_CHECKING:
    from logloss.evaluation.evaluation import Evaluation

_NEGLIGIBLE = 1e-3  # of the loss
_STRETCHED = 2.8070 / 1.9600  # an interval at 99.5 %, beside one at 95 %


def verdict(facts: "Evaluation") -> str:
    """The sentences, one thought each."""
    if not facts.n:
        return no_rows(facts)
    if math.isnan(facts.log_loss.value):
        return "The weights sum to nothing, so nothing can be said."
    sentences = [_loss(facts), _calibration(facts), _concentration(facts)]
    return " ".join(filter(None, sentences))


def no_rows(facts: "Evaluation") -> str:
    """Why there is nothing to count."""
    what = "No row with a known label has a score" if facts.skipped else "There are no rows with a known label"
    return f"{what}, so nothing can be said yet."


def _loss(facts: "Evaluation") -> str:
    loss, rate = facts.log_loss.value, facts.base_rate.value
    if math.isinf(loss):
        return "Log loss is infinite: some predictions were certain and wrong."
    said = f"Log loss {loss:.4g} nats."
    if not 0 < rate < 1:
        return f"{said} All labels are {'positive' if rate else 'negative'}, so there is nothing to compare it to."
    always = f"Always saying {percent(rate)} would give {facts.entropy.value:.4g}: "
    skill, ne = facts.skill, facts.normalized_entropy.value
    if skill.value > 0:
        what = f"the model explains {percent(skill.value)} of the uncertainty (normalised entropy {ne:.3f})"
    else:
        beyond = f"{ne:.3f}" if ne < 1000 else f"{ne:.4g}"
        what = f"the model does worse than that (normalised entropy {beyond})"
    doubt = ", which may be chance" if skill.low <= 0 <= skill.high else ""
    if math.isnan(skill.low) and skill.value < 1:
        doubt = ", which may be chance: a single row has no interval"
    return f"{said} {always}{what}{doubt}."


def _calibration(facts: "Evaluation") -> str:
    """Whether the data can show that probabilities are off: beyond what perfect ones reach once in 20 times."""
    found, chance = facts.decomposition.miscalibration, facts.miscalibration_if_calibrated
    if not math.isfinite(found) or not 0 < facts.base_rate.value < 1:
        return ""
    if not found > chance.high:
        return _on_the_whole(facts)
    saved = max(found - chance.value, 0.0)
    share = saved / facts.log_loss.value
    if share < _NEGLIGIBLE:
        return f"Its probabilities are off by next to nothing: recalibrating would save {percent(share)} of the loss."
    return (
        f"Its probabilities are off: recalibrating would save about {percent(share)} of the loss: {found:.3g} nats on "
        f"these rows, less the {chance.value:.3g} that chance alone would give (seldom above {chance.high:.3g})."
    )


def _on_the_whole(facts: "Evaluation") -> str:
    """Whether they are too high or too sure on the whole, where nothing else is shown.

    Each is judged at 0.5 %, so that all judgements together seldom blame a model that is right.
    """
    intercept, slope, ratio = facts.calibration_intercept, facts.calibration_slope, facts.calibration_ratio
    if _is_beyond(intercept, 0.0):
        how = "high" if intercept.value < 0 else "low"
        return (
            f"Its probabilities are too {how} on the whole: they say {ratio.value:.3g} times as many positives as "
            f"there are ({ratio.low:.3g} to {ratio.high:.3g})."
        )
    if _is_beyond(slope, 1.0):
        how = "sure of themselves" if slope.value < 1 else "timid"
        return (
            f"Its probabilities are too {how}: their calibration slope is {slope.value:.3g} ({slope.low:.3g} to "
            f"{slope.high:.3g}), where 1 is right."
        )
    doubt = ""
    if slope.low > 1 or slope.high < 1:  # at 5 %, which one calibrated model in 20 comes to
        doubt = f", though a slope of {slope.value:.3g} ({slope.low:.3g} to {slope.high:.3g}) leaves a doubt"
    return f"Calibrated as far as this data can show{doubt}."


def _is_beyond(score: Score, right: float) -> bool:
    return abs(score.value - right) > (score.high - score.low) / 2 * _STRETCHED  # nothing is beyond NaN


def _concentration(facts: "Evaluation") -> str:
    share = facts.worst_hundredth
    return (
        "" if math.isnan(share) or facts.n < 100 else f"The worst 1 % of the rows carry {percent(share)} of the loss."
    )


def percent(share: float) -> str:
    """A share as people read it: three digits, more where it would else read as none or as all.

    Examples
    --------
    >>> percent(0.2371), percent(0.00012), percent(0.5)
    ('23.7 %', '0.012 %', '50 %')
    >>> percent(0.0000005), percent(0.999999), percent(1.0)
    ('0.00005 %', '99.9999 %', '100 %')
    """
    if not math.isfinite(share):
        return "all" if share > 0 else "no part"
    value, left = 100 * share + 0.0, abs(1 - share)
    if 0 < abs(value) < 1e-9 or abs(value) >= 1000:
        return f"{value:.1e} %" if abs(value) < 1 else f"{value:.0f} %"
    digits = 3 if left == 0 or left >= 0.001 else min(1 - math.floor(math.log10(left)), 17)
    text = f"{Decimal(f'{value:.{digits}g}'):f}"  # without an exponent
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} %"
