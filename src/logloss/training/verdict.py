"""What came out of a training, in words."""

import math
from collections.abc import Sequence
from dataclasses import replace

from logloss.core.family import BinaryCrossEntropy
from logloss.tables.wording import counted, listed, quoted
from logloss.training import priors
from logloss.training.history import History
from logloss.training.linear import LinearFit
from logloss.training.metrics import LabelMetrics, Metrics

NATS = (
    "A nat is the unit of log loss: 0 is certainty that came true, 0.693 is what saying 50 % always costs, "
    "and one nat is 1.443 bits."
)

_FINE = 0.8  # an accuracy that looks fine whatever the classes
_CLEARLY = 0.05  # a share of the base rate's loss that nobody would call noise
_NAMED = 6


def verdict(
    metrics: Metrics,
    history: History,
    bce: BinaryCrossEntropy,
    *,
    corrected: bool,
    linear: Sequence[LinearFit] = (),
    feature_names: Sequence[str] = (),
) -> tuple[str, ...]:
    """Sentences for a person, the most important first."""
    sentences = [_headline(metrics, history, bce, linear)]
    sentences += _curves(history, is_linear=bool(linear))
    sentences += _worth(metrics, is_distorted=not priors.is_shape_plain(bce))
    sentences += _accuracy(metrics)
    sentences += _probabilities(bce, metrics, corrected=corrected)
    sentences += _linear(linear, metrics, feature_names)
    return (*sentences, NATS)


def _headline(metrics: Metrics, history: History, bce: BinaryCrossEntropy, linear: Sequence[LinearFit]) -> str:
    if linear:
        best = "Maximum likelihood" if priors.standing(bce, corrected=False) == "exact" else "Least loss"
        reached = best if all(fit.converged for fit in linear) else "Stopped"
        start = f"{reached} after {counted(len(history.epochs), 'iteration')}: "
    else:
        start = f"Best epoch {history.best.epoch} of {len(history.epochs)}: "
    loss = f"validation log loss {amount(metrics.log_loss)} nats ({amount(metrics.log_loss_bits)} bits)"
    if len(metrics.labels) == 1:
        return (
            f"{start}{loss}; "
            f"always saying {percent(metrics.labels[0].base_rate)} gives {amount(metrics.base_rate_loss)}."
        )
    return (
        f"{start}{loss}, the mean over {len(metrics.labels)} labels; "
        f"always saying each label's base rate gives {amount(metrics.base_rate_loss)}."
    )


def _curves(history: History, *, is_linear: bool) -> list[str]:
    if is_linear:
        return []
    over = history.overfitting
    if over is not None:
        return [
            f"Overfitting since epoch {over.since}: validation loss rose by {amount(over.validation_rose)} "
            f"while training loss fell by {amount(over.train_fell)}. "
            f"The weights are those of epoch {history.best.epoch}."
        ]
    if history.best is history.epochs[-1] and len(history.epochs) > 1:
        return ["Validation loss was still falling at the last epoch: more epochs may do better."]
    return []


def _worth(metrics: Metrics, *, is_distorted: bool) -> list[str]:
    sentences = []
    for label in metrics.labels:
        name = f"{quoted(label.name)}: " if len(metrics.labels) > 1 else ""
        saved = label.base_rate_loss - label.log_loss
        if saved <= 0 and is_distorted:
            sentences.append(
                f"{name}Taken at their word, the probabilities cost more than always saying "
                f"{percent(label.base_rate)}; this says little of a model whose loss distorts them."
            )
        elif saved <= 0:
            sentences.append(
                f"{name}The model does no better than always saying {percent(label.base_rate)}: "
                "it has learnt nothing that helps on new rows."
            )
        elif len(metrics.labels) == 1:
            by_chance = ""
            if metrics.n_validation == 1:
                by_chance = " On a single row that says nothing: give more rows to validate on."
            elif saved < 2 * label.saving_error:
                by_chance = (
                    f" On {counted(metrics.n_validation, 'row')} that may be chance: "
                    f"{amount(saved)} nats, give or take {amount(2 * label.saving_error)}."
                )
            sentences.append(f"The model saves {percent(label.skill)} of the base rate's loss.{by_chance}")
    return sentences


def _accuracy(metrics: Metrics) -> list[str]:
    sentences = list(accuracy_notes(metrics.labels))
    if len(metrics.labels) == 1:
        label = metrics.labels[0]
        sentences.insert(
            0,
            f"Accuracy at one half is {percent(label.accuracy)}; "
            f"always saying the commoner class gives {percent(label.majority_accuracy)}.",
        )
    return sentences


def accuracy_notes(labels: Sequence[LabelMetrics]) -> tuple[str, ...]:
    """Where accuracy and log loss say different things, and what follows."""
    fooled = [
        label.name
        for label in labels
        if (label.accuracy > label.majority_accuracy or label.accuracy >= _FINE)
        and label.log_loss >= label.base_rate_loss
    ]
    unseen = [label.name for label in labels if label.accuracy <= label.majority_accuracy and label.skill > _CLEARLY]
    endless = [label.name for label in labels if label.log_loss == math.inf]

    def of(which: list[str]) -> str:
        return f" for {_named(which)}" if len(labels) > 1 else ""

    notes = []
    if fooled:
        notes.append(
            f"Accuracy looks fine{of(fooled)}, log loss does not: always saying the base rate would have cost no more. "
            "Accuracy does not ask how sure a wrong answer was."
        )
    if unseen:
        notes.append(
            f"Accuracy sees nothing{of(unseen)}, log loss does: no more rows fall on the right side of one half than "
            "by always saying the commoner class, yet the probabilities tell likelier rows from less likely ones."
        )
    if endless:
        notes.append(f"The log loss is infinite{of(endless)}: something that was called impossible happened.")
    return tuple(notes)


def _named(of: Sequence[str]) -> str:
    if len(of) > _NAMED:
        return listed(of, _NAMED)
    return " and ".join(filter(None, [listed(of[:-1]), quoted(of[-1])]))


def _probabilities(bce: BinaryCrossEntropy, metrics: Metrics, *, corrected: bool) -> list[str]:
    standing = priors.standing(bce, corrected=corrected)
    if standing == "exact":
        return []
    shifts = priors.shift(bce, len(metrics.labels)) if corrected else ()
    sentences = []
    if any(shifts):
        said = ", ".join(f"{shift:+.3f}" for shift in shifts)
        sentences.append(
            f"Class weights moved the probabilities, and a shift of the logit by {said} moved them back "
            "(-log(pos_weight/neg_weight)); prior_correction=False (--no-prior-correction) keeps them as trained."
        )
    if standing == "distorted":
        sentences += _distortions(bce, corrected=corrected)
    return sentences


def _distortions(bce: BinaryCrossEntropy, *, corrected: bool) -> list[str]:
    if not priors.is_shape_plain(bce):
        return [
            f"The probabilities are distorted by the loss, {bce}, and this is not undone: "
            "they rank rows, but they are not frequencies until they are calibrated."
        ]
    sentences = []
    if bce.label_smoothing:
        sentences.append(
            f"Label smoothing of {bce.label_smoothing:g} draws probabilities towards one half: "
            "they are less sure than the data would let them be."
        )
    if priors.standing(replace(bce, label_smoothing=0.0), corrected=corrected) == "distorted":
        sentences.append(
            "The probabilities are distorted by the class weights, which were not undone: they are not frequencies."
        )
    return sentences


def _linear(fits: Sequence[LinearFit], metrics: Metrics, names: Sequence[str]) -> list[str]:
    sentences = []
    for fit, label in zip(fits, metrics.labels, strict=False):
        of = f" of {quoted(label.name)}" if len(fits) > 1 else ""
        if fit.separating:
            shown = listed((names[i] for i in fit.separating), limit=5)
            sentences.append(
                f"The classes{of} are separated by {shown}: no finite coefficients are most likely. "
                "Their coefficients would grow without end, so fitting stopped; "
                "the probabilities are surer than the data allow."
            )
        elif not fit.converged:
            sentences.append(f"Newton's method did not converge{of} in {counted(fit.iterations, 'iteration')}.")
        if fit.dependent:
            sentences.append(
                f"Some features{of} are combinations of others, so their coefficients are not unique; "
                "the smallest were taken, and probabilities do not depend on the choice."
            )
    return sentences


def amount(nats: float) -> str:
    """A loss to three decimals, or to two digits where those would hide it.

    Examples
    --------
    >>> amount(0.4123), amount(0.00004217), amount(float("inf"))
    ('0.412', '0.000042', 'inf')
    """
    if 0 < abs(nats) < 0.01:
        digits = 1 - math.floor(math.log10(abs(nats)))
        return f"{nats:.{digits}f}" if digits < 12 else f"{nats:.1e}"
    return f"{nats:.3f}"


def percent(share: float) -> str:
    """A share as a person says it, never rounded to none or to all.

    Examples
    --------
    >>> percent(0.2371), percent(0.00031), percent(0.99987), percent(1.0)
    ('23.7 %', '0.031 %', '99.987 %', '100.0 %')
    """
    value = 100 * share
    left = min(abs(value), abs(100 - value))  # to the nearer end, two digits of which are shown
    digits = 1 if left >= 1 or left == 0 else min(1 - math.floor(math.log10(left)), 9)
    return f"{value:.{digits}f} %"
