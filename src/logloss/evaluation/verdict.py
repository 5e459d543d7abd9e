"""What the numbers come to, in sentences that a manager understands and an engineer can check."""

import math
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from logloss.evaluation.evaluation import Evaluation

_NEGLIGIBLE = 1e-3  # of the loss
_AT_99 = 2.5758 / 1.9600  # what an interval at 95 % is stretched by


def verdict(facts: "Evaluation") -> str:
    """The sentences, one thought each."""
    if not facts.n:
        return "There are no rows with a known label, so nothing can be said yet."
    if math.isnan(facts.log_loss.value):
        return "The weights sum to nothing, so nothing can be said."
    sentences = [_loss(facts), _calibration(facts), _concentration(facts)]
    return " ".join(filter(None, sentences))


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
        what = f"the model does worse than that (normalised entropy {ne:.3f})"
    doubt = ", which may be chance" if skill.low <= 0 <= skill.high else ""
    return f"{said} {always}{what}{doubt}."


def _calibration(facts: "Evaluation") -> str:
    """Whether the data can show that probabilities are off: beyond what perfect ones reach once in 20 times."""
    found, chance = facts.decomposition.miscalibration, facts.miscalibration_if_calibrated.high
    if not math.isfinite(found):
        return ""
    if not found > chance:
        return _on_the_whole(facts)
    share = found / facts.log_loss.value
    if share < _NEGLIGIBLE:
        return f"Its probabilities are off by next to nothing: recalibrating would save {percent(share)} of the loss."
    return (
        f"Its probabilities are off: {percent(share)} of the loss ({found:.3g} nats) would go by recalibrating, "
        f"where chance alone gives up to {chance:.3g}."
    )


def _on_the_whole(facts: "Evaluation") -> str:
    """Whether there are too many positives or too few, where nothing else is shown.

    That is judged at 1 %, so that both judgements together seldom blame a model that is right.
    """
    intercept, ratio = facts.calibration_intercept, facts.calibration_ratio
    reach = (intercept.high - intercept.low) / 2 * _AT_99
    if not abs(intercept.value) > reach:  # NaN is not
        return "Calibrated as far as this data can show."
    how = "high" if intercept.value < 0 else "low"
    return (
        f"Its probabilities are too {how} on the whole: they say {ratio.value:.3g} times as many positives as there "
        f"are ({ratio.low:.3g} to {ratio.high:.3g})."
    )


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
