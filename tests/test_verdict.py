"""What a person is told: the right sentences, with the right numbers, and no others."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logloss import BinaryCrossEntropy
from logloss.training.history import History
from logloss.training.linear import LinearFit
from logloss.training.metrics import LabelMetrics, Metrics
from logloss.training.verdict import NATS, accuracy_notes, amount, percent, verdict

law = settings(deadline=None, derandomize=True)

BCE = BinaryCrossEntropy()
GOOD = LabelMetrics(
    name="churn",
    positive="yes",
    base_rate=0.25,
    validation_rate=0.24,
    log_loss=0.4,
    base_rate_loss=0.55,
    accuracy=0.85,
    majority_accuracy=0.76,
)
FALLING = History.from_losses([0.6, 0.5, 0.45], [0.62, 0.52, 0.5])
SETTLED = History.from_losses([0.6, 0.5, 0.45], [0.62, 0.5, 0.501])
OVERFIT = History.from_losses([0.6, 0.5, 0.4, 0.3], [0.60, 0.55, 0.58, 0.61])
CONVERGED = LinearFit(iterations=5, separating=(), dependent=False, converged=True)


def said(label=GOOD, history=SETTLED, bce=BCE, corrected=True, labels=None, **options):
    several = labels or (label,)
    metrics = Metrics(n_train=80, n_validation=20, labels=tuple(several))
    sentences = verdict(metrics, history, bce, corrected=corrected, **options)
    assert all(sentence.endswith((".", "?", "(-log(pos_weight/neg_weight))")) for sentence in sentences)
    assert sentences[-1] == NATS
    return sentences[:-1]


def changed(**values):
    return dataclasses.replace(GOOD, **values)


def test_a_good_network_needs_three_sentences():
    headline, worth, accuracy = said()
    assert headline == (
        "Best epoch 2 of 3: validation log loss 0.400 nats (0.577 bits); always saying 25.0 % gives 0.550."
    )
    assert worth == "The model saves 27.3 % of the base rate's loss."
    assert accuracy == "Accuracy at one half is 85.0 %; always saying the commoner class gives 76.0 %."


def test_one_row_shows_nothing():
    alone = Metrics(n_train=5, n_validation=1, labels=(GOOD,))
    joined = " ".join(verdict(alone, SETTLED, BCE, corrected=True))
    assert "On a single row that says nothing: give more rows to validate on." in joined


# The curves


def test_overfitting_says_since_when_and_by_how_much():
    (sentence,) = [s for s in said(history=OVERFIT) if "verfitting" in s]
    for word in ("Overfitting since epoch 3", "rose by 0.060", "fell by 0.200", "those of epoch 2"):
        assert word in sentence


def test_a_loss_that_still_falls_says_that_more_epochs_may_help():
    assert any("more epochs may do better" in s for s in said(history=FALLING))
    assert not any("more epochs" in s for s in said(history=SETTLED))
    assert not any("more epochs" in s for s in said(history=History.from_losses([0.6], [0.6])))


def test_a_linear_model_has_no_word_on_curves():
    for history in (FALLING, OVERFIT):
        joined = " ".join(said(history=history, linear=[CONVERGED]))
        assert "verfitting" not in joined
        assert "more epochs" not in joined


# The worth


@pytest.mark.parametrize("loss", [0.55, 0.7, math.inf])
def test_a_model_that_is_no_better_than_the_base_rate(loss):
    joined = " ".join(said(changed(log_loss=loss)))
    assert "does no better than always saying 25.0 %" in joined
    assert "learnt nothing" in joined
    assert "saves" not in joined


def test_what_may_be_chance_is_said_to_be():
    joined = " ".join(said(changed(saving_error=0.08)))
    assert (
        "saves 27.3 % of the base rate's loss. On 20 rows that may be chance: 0.150 nats, give or take 0.160." in joined
    )
    assert "chance" not in " ".join(said(changed(saving_error=0.07)))


def test_a_distorting_loss_is_not_blamed_for_what_it_costs():
    joined = " ".join(said(changed(log_loss=0.6), bce=BinaryCrossEntropy.focal()))
    assert "Taken at their word, the probabilities cost more than always saying 25.0 %" in joined
    assert "learnt nothing" not in joined


def test_an_infinite_loss_is_explained():
    joined = " ".join(said(changed(log_loss=math.inf)))
    assert "validation log loss inf nats (inf bits)" in joined
    assert "The log loss is infinite: something that was called impossible happened." in joined


def test_accuracy_that_looks_fine_where_the_loss_does_not():
    assert any("Accuracy looks fine, log loss does not" in s for s in said(changed(log_loss=0.6)))
    assert any("Accuracy looks fine" in s for s in said(changed(log_loss=0.6, accuracy=0.8, majority_accuracy=0.9)))
    assert not any("Accuracy looks fine" in s for s in said(changed(log_loss=0.6, accuracy=0.5)))
    assert not any("Accuracy looks fine" in s for s in said())


def test_accuracy_that_sees_nothing_where_the_loss_does():
    assert any("Accuracy sees nothing, log loss does" in s for s in said(changed(accuracy=0.76)))
    assert not any("sees nothing" in s for s in said(changed(accuracy=0.77)))
    assert not any("sees nothing" in s for s in said(changed(accuracy=0.76, log_loss=0.549)))


def test_several_labels():
    bad = changed(name="fraud", log_loss=0.6, base_rate=0.05)
    joined = " ".join(said(labels=(GOOD, bad)))
    assert "validation log loss 0.500 nats (0.721 bits), the mean over 2 labels" in joined
    assert "always saying each label's base rate gives 0.550" in joined
    assert '"fraud": The model does no better than always saying 5.0 %' in joined
    assert '"churn"' not in joined
    assert "Accuracy at one half" not in joined
    assert 'Accuracy looks fine for "fraud", log loss does not' in joined


def test_names_are_listed_and_then_counted():
    labels = [changed(name=f"label {i}", log_loss=0.9) for i in range(9)]
    (note,) = accuracy_notes(labels[:3])
    assert 'for "label 0", "label 1" and "label 2",' in note
    (note,) = accuracy_notes(labels)
    assert '"label 5" and 3 more' in note


# The probabilities


@pytest.mark.parametrize(
    ("bce", "corrected", "words", "not_words"),
    [
        (BCE, True, [], ["shift", "distorted", "smoothing"]),
        (BCE, False, [], ["shift", "distorted", "smoothing"]),
        (
            BinaryCrossEntropy(pos_weight=3.0),
            True,
            ["shift of the logit by -1.099", "prior_correction=False (--no-prior-correction)"],
            ["distorted"],
        ),
        (BinaryCrossEntropy(pos_weight=3.0), False, ["distorted by the class weights", "not undone"], ["shift"]),
        (BinaryCrossEntropy(pos_weight=(2.0,), neg_weight=(2.0,)), False, [], ["shift", "distorted"]),
        (BinaryCrossEntropy(label_smoothing=0.1), True, ["Label smoothing of 0.1", "one half"], ["distorted"]),
        (
            BinaryCrossEntropy(label_smoothing=0.1, pos_weight=2.0),
            True,
            ["Label smoothing of 0.1", "by -0.693"],
            ["distorted"],
        ),
        (
            BinaryCrossEntropy(label_smoothing=0.1, pos_weight=2.0),
            False,
            ["Label smoothing of 0.1", "distorted by the class weights"],
            ["shift"],
        ),
        (
            BinaryCrossEntropy.focal(),
            True,
            ["distorted by the loss, focal(gamma=2.0, alpha=0.25)", "this is not undone", "rank rows"],
            ["shift"],
        ),
        (BinaryCrossEntropy.asymmetric(), False, ["distorted by the loss, asymmetric("], ["shift"]),
    ],
)
def test_what_the_loss_did_to_probabilities(bce, corrected, words, not_words):
    joined = " ".join(said(bce=bce, corrected=corrected)[3:])
    for word in words:
        assert word in joined
    for word in not_words:
        assert word not in joined


def test_every_label_has_its_shift():
    joined = " ".join(said(labels=(GOOD, GOOD), bce=BinaryCrossEntropy(pos_weight=(1.0, 2.0))))
    assert "by +0.000, -0.693" in joined


# The linear model


@pytest.mark.parametrize(
    ("bce", "fit", "start"),
    [
        (BCE, CONVERGED, "Maximum likelihood after 3 iterations: "),
        (BinaryCrossEntropy(pos_weight=2.0), CONVERGED, "Least loss after 3 iterations: "),
        (BinaryCrossEntropy.focal(), CONVERGED, "Least loss after 3 iterations: "),
        (BinaryCrossEntropy(label_smoothing=0.1), CONVERGED, "Least loss after 3 iterations: "),
        (BCE, dataclasses.replace(CONVERGED, converged=False), "Stopped after 3 iterations: "),
    ],
)
def test_the_headline_of_a_linear_model(bce, fit, start):
    assert said(bce=bce, linear=[fit])[0].startswith(start)


def test_one_iteration_is_one():
    headline = said(history=History.from_losses([0.5], [0.5]), linear=[CONVERGED])[0]
    assert headline.startswith("Maximum likelihood after 1 iteration: ")


def linear(*fits, names=("age", "price\x1b[31m", *"abcdef"), labels=None):
    return " ".join(said(linear=fits, feature_names=names, labels=labels))


def test_separation_names_its_features():
    joined = linear(LinearFit(7, (1, 0), dependent=False, converged=False))
    assert 'separated by "price\\u001b[31m", "age": no finite coefficients' in joined
    assert "did not converge" not in joined
    joined = linear(LinearFit(7, (0, 2, 3, 4, 5, 6, 7), dependent=False, converged=False))
    assert 'separated by "age", "a", "b", "c", "d" and 2 more: no finite' in joined


def test_what_did_not_converge_and_what_depends():
    assert "did not converge in 100 iterations" in linear(LinearFit(100, (), dependent=False, converged=False))
    joined = linear(LinearFit(5, (), dependent=True, converged=True))
    assert "combinations of others" in joined
    assert "did not converge" not in joined
    assert linear(CONVERGED).count(".") == linear().count(".")


def test_of_several_labels_it_says_which():
    separated = LinearFit(7, (0,), dependent=True, converged=False)
    joined = linear(CONVERGED, separated, labels=(GOOD, changed(name="fraud\n")))
    assert 'The classes of "fraud\\n" are separated by "age"' in joined
    assert 'Some features of "fraud\\n" are' in joined
    assert '"churn"' not in joined


# Numbers


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0.0 %"),
        (1.0, "100.0 %"),
        (0.5, "50.0 %"),
        (0.2371, "23.7 %"),
        (0.0123, "1.2 %"),
        (0.0051, "0.51 %"),
        (0.00034, "0.034 %"),
        (0.000001, "0.00010 %"),
        (0.99987, "99.987 %"),
        (1 - 1e-6, "99.99990 %"),
    ],
)
def test_shares(share, text):
    assert percent(share) == text


@law
@given(st.floats(1e-8, 1 - 1e-8))
def test_a_share_is_never_rounded_to_none_or_all(share):
    number = float(percent(share).removesuffix(" %"))
    assert 0 < number < 100
    assert number == pytest.approx(100 * share, abs=0.051)


@law
@given(st.floats(1e-12, 1e3))
def test_an_amount_of_nats_is_never_rounded_to_none(nats):
    assert float(amount(nats)) == pytest.approx(nats, rel=0.06)
    assert amount(math.inf) == "inf"
    assert amount(0.0) == "0.000"
    assert np.isclose(float(amount(-nats)), -float(amount(nats)))
