"""An evaluation: the numbers in one object, the verdict in words, and the smells that it finds."""

import json
import math
import re

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from logloss.core.errors import ProbabilityError, SpellingError
from logloss.engines import evaluate
from logloss.evaluation.evaluation import SCORES, Evaluation
from logloss.evaluation.findings import findings
from logloss.evaluation.table import text
from logloss.evaluation.verdict import percent
from logloss.report.evaluation_page import evaluation_page
from tests.populations import Population


def rows(n=2000, seed=0):
    rng = np.random.default_rng(seed)
    z = rng.normal(-1, 1.5, n)
    p = 1 / (1 + np.exp(-z))
    return (rng.random(n) < p).astype(int), p


def codes(*arguments, **options):
    return [finding.code for finding in evaluate(*arguments, **options).findings]


def test_numbers_are_scikit_learns():
    y, p = rows()
    made = evaluate(y, p)
    assert made.log_loss.value == pytest.approx(log_loss(y, p), rel=1e-12)
    assert made.brier.value == pytest.approx(brier_score_loss(y, p), rel=1e-12)
    assert made.roc_auc.value == pytest.approx(roc_auc_score(y, p), rel=1e-12)
    assert made.average_precision.value == pytest.approx(average_precision_score(y, p), rel=1e-12)
    assert (made.n, made.n_positive) == (2000, y.sum())


def test_the_three_parts_add_up():
    made = evaluate(*rows())
    parts = made.miscalibration.value - made.discrimination.value + made.uncertainty.value
    assert parts == pytest.approx(made.log_loss.value, rel=1e-12)
    assert made.skill.value == pytest.approx(1 - made.normalized_entropy.value)
    of_brier = made.to_dict()["brier_decomposition"]
    parts = of_brier["miscalibration"] - of_brier["discrimination"] + of_brier["uncertainty"]
    assert parts == pytest.approx(made.brier.value, rel=1e-12)
    assert made.log_loss_bits.value == pytest.approx(made.log_loss.value / math.log(2))


def test_the_dictionary_is_json_and_holds_every_score():
    for data in (rows(), ([1, 1], [0.5, 1.0]), ([1, 0], [0.0, 1.0])):
        made = evaluate(*data).to_dict()
        assert set(SCORES) < set(made)
        assert json.loads(json.dumps(made, allow_nan=False)) == made
    assert made["log_loss"] == {"value": "inf", "low": None, "high": None}
    assert made["infinite_losses"]["positives_at_0"] == 1


def test_any_order_and_any_precision_that_holds_the_scores_give_the_same_json():
    y, p = rows()
    p = p.astype(np.float32)
    order = np.random.default_rng(1).permutation(len(y))
    made = [evaluate(*data).to_dict() for data in ((y, p), (y[order], p[order]), (y == 1, p.astype(float)))]
    assert made[0] == made[1] == made[2]


def test_scores_as_a_frame():
    frame = evaluate(*rows()).to_frame()
    assert list(frame.index) == list(SCORES)
    assert frame.loc["log_loss", "low"] < frame.loc["log_loss", "value"] < frame.loc["log_loss", "high"]


def test_an_evaluation_is_frozen():
    made = evaluate(*rows())
    with pytest.raises(AttributeError):
        made.evidence = None


# In words


def test_a_calibrated_model_is_not_blamed():
    words = evaluate(*rows(10_000, seed=2)).verdict
    assert words.startswith("Log loss 0.4")
    assert "Always saying" in words
    assert "explains" in words
    assert "Calibrated as far as this data can show." in words
    assert "1 % of the rows carry" in words


def test_a_miscalibrated_model_is_told_by_how_much():
    y, p = rows(10_000)
    words = evaluate(y, p**3).verdict
    assert "probabilities are off" in words
    assert "recalibrating would save about" in words


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (([1, 0], [0.0, 0.5]), "infinite: some predictions were certain and wrong"),
        (([1, 1], [0.5, 0.6]), "there is nothing to compare it to."),
        (([1] * 100, [0.5] * 100), "nothing to compare it to. The worst 1 %"),
        (([0, 0], [0.5, 0.6]), "All labels are negative"),
        (([1, 0, 1, 0], [0.1, 0.9, 0.2, 0.8]), "does worse than that"),
        (([0.3], [0.6]), "does worse than that (normalised entropy 1.301), which may be chance: a single row has no"),
    ],
)
def test_what_can_be_said_is_said(data, expected):
    assert expected in evaluate(*data).verdict


@pytest.mark.parametrize("share", [5e-324, 1e-12, 5e-7, 0.00012, 0.5, 0.9996, 0.999999, 1 - 2**-53, -5e-7])
def test_a_share_is_none_or_all_only_where_it_is(share):
    said = float(percent(share).removesuffix(" %"))
    assert said not in (0, 100, -100)
    assert said == pytest.approx(100 * share, rel=0.05)
    assert 100 - said == pytest.approx(100 * (1 - share), rel=0.5)
    assert (percent(0.0), percent(-0.0), percent(1.0)) == ("0 %", "0 %", "100 %")


def test_always_saying_a_rare_rate_is_not_always_saying_0():
    evaluation = evaluate([1] + [0] * 2_000_000, np.full(2_000_001, 1e-6))
    assert "Always saying 0.00005 % would give" in evaluation.verdict


def test_what_is_printed_has_words_numbers_and_findings():
    y, p = rows(50)
    lines = str(evaluate(y, p)).splitlines()
    assert all(len(line) <= 100 for line in lines)
    for words in ("Log loss", "50 rows", "ROC AUC", " to ", "! Only "):
        assert any(words in line for line in lines)


def test_an_infinite_log_loss_is_printed_with_what_is_left_of_it():
    y, p = rows()
    made = evaluate(y, np.where(p > 0.9, 1.0, p))
    lines = str(made).splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("Log loss, in nats"))
    left = made.infinite_losses
    for line, score in zip(lines[at + 1 : at + 3], (left.finite_part, left.keras_clip), strict=True):
        assert line.endswith(f"{score.value:.4g}  {score.low:.4g} to {score.high:.4g}")
    assert "of the other rows" not in str(evaluate(y, p))


def test_a_slope_of_minus_infinity_is_printed_as_such():
    lines = str(evaluate([1, 1, 0, 0], [0.1, 0.2, 0.8, 0.9])).splitlines()
    assert [line.split() for line in lines if "slope" in line] == [["Calibration", "slope", "minus", "infinity"]]
    assert "minus" not in str(evaluate([1, 1, 0, 0], [0.9, 0.8, 0.2, 0.1]))


def test_rows_that_calibration_intercept_and_slope_leave_out_are_told():
    y, p = rows()
    made = evaluate([*y, 1, 0, 0], [*p, 1.0, 0.0, 0.0])
    expected = "Calibration intercept and slope leave out 3 rows at a probability of 0 or 1"
    assert expected in str(made)
    assert expected in evaluation_page(made).decode()
    assert "leave out 1 row at" in str(evaluate([*y, 1], [*p, 1.0]))
    assert "leave out" not in str(evaluate(y, p)) + evaluation_page(evaluate(y, p)).decode()


def test_why_no_row_was_counted_is_said():
    table = pa.table({"y": [1, 0], "p": pa.nulls(2, pa.float64()), "none": pa.nulls(2, pa.float64())})
    for label, why in (
        ("y", "No row with a known label has a score, "),
        ("none", "There are no rows with a known label"),
    ):
        made = evaluate(table, label=label, score="p", skip_nulls=True)
        assert made.verdict.startswith(why)
        assert [finding.words for finding in made.findings] == [made.verdict]


# Smells


def test_clean_data_smells_of_nothing():
    assert codes(*rows(5000)) == []


def test_labels_that_are_flipped():
    y, p = rows()
    assert "flipped" in codes(1 - y, p)


def test_scores_that_are_all_the_same():
    assert "one_value" in codes([0, 1] * 200, [0.5] * 400)


def test_scores_that_were_squashed_twice():
    y, p = rows()
    assert codes(y, 1 / (1 + np.exp(-p))) == ["squashed_twice"]


def test_squashed_twice_whatever_the_base_rate():
    rng = np.random.default_rng(0)
    for a, b in ((2, 2), (3, 2), (1, 9), (9, 1)):
        truth = rng.beta(a, b, 2000)
        y = (rng.random(2000) < truth).astype(int)
        assert codes(y, 1 / (1 + np.exp(-truth))) == ["squashed_twice"]
    timid = 0.5 + 0.23 * rng.random(2000)  # which is right, though it lies where squashed ones do
    assert "squashed_twice" not in codes((rng.random(2000) < timid).astype(int), timid)


def test_scores_that_are_saturated():
    y, p = rows()
    assert "saturated" in codes(y, np.where(p > 0.9, y, p))
    assert "infinite_losses" in codes(y, np.where(p > 0.9, 1.0, p))


def test_logits_of_near_certainty_are_not_saturated():
    assert codes([1, 0, 1, 0], [1000, -1000, -1000, 0], from_logits=True) == ["few"]
    assert codes([1, 0] * 200, [800, -800] * 200, from_logits=True) == []
    y, p = rows()
    z = np.log(p / (1 - p))
    assert codes(y, np.where(np.abs(z) > 3, 1000 * (2 * y - 1), z), from_logits=True) == []


def test_scores_rounded_to_two_digits():
    y, p = rows()
    assert "rounded" in codes(y, np.clip(np.round(p, 2), 0.01, 0.99))
    assert "rounded" not in codes(y, np.round(p, 3))


def test_negatives_that_were_sampled_away_and_how_to_mend_it():
    y, p = rows(20_000)
    kept = (y == 1) | (np.random.default_rng(0).random(len(y)) < 0.2)
    odds = p / (1 - p) * 5  # as a model says it that was trained on what was kept
    assert kept.mean() < 0.6
    (finding,) = evaluate(y, odds / (1 + odds)).findings
    assert finding.code == "resampled"
    assert "multiply the odds by 0.2" in finding.words


def test_decisions_in_place_of_probabilities():
    y, p = rows()
    assert codes(y, p > 0.5) == ["classes", "infinite_losses"]
    assert codes(y, y.astype(float)) == ["classes"]
    assert "classes" not in codes(y, np.where(p > 0.9, 1.0, p))
    assert codes([1, 0] * 200, [1.0] * 400) == ["one_value", "infinite_losses"]


def test_labels_and_scores_that_were_swapped():
    y, p = rows()
    assert "swapped" in codes(p, y)


def test_scores_too_close_together_to_be_ranked():
    rng = np.random.default_rng(0)
    n = 150_000
    place = rng.random(n)
    y = (rng.random(n) < 0.5 + (place > 0.5) * 0.2).astype(int)
    close = evaluate(y, 0.5 + place * 1e-5)
    for name, exact in (("roc_auc", roc_auc_score(y, place)), ("average_precision", average_precision_score(y, place))):
        assert getattr(close, name).low <= exact <= getattr(close, name).high
    (finding,) = (one for one in close.findings if one.code == "coarse")
    assert "ROC AUC by up to 0.5 and average precision by up to 0." in finding.words
    ranks = (place.argsort().argsort() + 0.5) / n  # which is what it says to do
    made = evaluate(y, ranks)
    assert "coarse" not in [one.code for one in made.findings]
    assert made.roc_auc.value == pytest.approx(roc_auc_score(y, place), abs=1e-4)
    assert 0 < made.roc_auc_ranking.error < 1e-4


def test_too_few_of_a_class():
    assert "few" in codes([1] * 5 + [0] * 500, np.linspace(0.9, 0.01, 505))


def test_one_class_and_no_weight():
    assert codes([1, 1, 1], [0.5, 0.6, 0.7]) == ["one_class"]
    assert codes([1, 0], [0.5, 0.6], sample_weight=[0, 0]) == ["no_weight"]


Y, P = rows()


@pytest.mark.parametrize(
    ("y", "p", "code"),
    [
        (Y, P, None),
        (Y, np.full(len(Y), 0.5), "one_value"),
        (Y, 1 / (1 + np.exp(-P)), "squashed_twice"),
        (Y, np.where(P > 0.9, Y, P), "saturated"),
        (Y, np.where(P > 0.9, 1.0, P), "infinite_losses"),
        (Y, np.clip(np.round(P, 2), 0.01, 0.99), "rounded"),
        (P, Y, "swapped"),
        (Y, (P > 0.5).astype(float), "classes"),
        ([1] * 5 + [0] * 500, np.linspace(0.9, 0.01, 505), "few"),
    ],
)
def test_rows_that_weigh_nothing_change_no_finding(y, p, code):
    more_y, more_p = rows(3000, seed=1)
    weight = np.repeat([1, 0, 0], [len(y), 3000, 2])
    found = codes(np.concatenate([y, more_y, [0, 1]]), np.concatenate([p, more_p, [1, 0]]), sample_weight=weight)
    assert found == codes(y, p)
    assert code is None or code in found


def test_a_certain_row_that_weighs_nothing_takes_no_share_of_the_loss():
    made = evaluate([1, 0, 1], [0.5, 0.4, 0.0], sample_weight=[1, 1, 0])
    assert sum(one.share_of_loss for one in made.mistakes) == pytest.approx(1)


@pytest.mark.parametrize("p", [5e-324, 1e-310, [1e-310, 2e-310] * 50])
def test_probabilities_of_next_to_nothing_can_be_told_of(p):
    made = evaluate([1, 0, 0, 0] * 25, np.broadcast_to(p, 100))
    assert "does worse than that" in str(made)
    assert made.to_dict()["findings"]


def test_odds_that_no_sampling_makes_are_no_finding():
    y = [1, 0, 0, 0, 0] * 20 + [1, 0] * 50
    assert "resampled" not in codes(y, np.repeat([1e-310, 4e-310], 100))


def test_absurd_logits_make_no_long_numbers():
    made = evaluate([1, 0, 0], [-1e200, 1e199, 0.0], from_logits=True)
    assert re.search(r"normalised entropy \d\.\d+e\+\d+\)", made.verdict)


def test_a_slope_that_is_not_1_leaves_a_doubt_where_it_is_no_proof():
    drawn = [Population(0.2, 1.25).draw(300, seed) for seed in range(40)]
    made = [evaluate(y, p) for y, p, _ in drawn]
    by_doubt = {"leaves a doubt" in one.verdict: one for one in made}
    doubted, other = by_doubt[True], by_doubt[False]
    assert "Calibrated as far as this data can show, though a slope of 0." in doubted.verdict
    assert doubted.calibration_slope.high < 1
    timid = [evaluate(y, p) for y, p, _ in (Population(0.2, 0.8).draw(300, seed) for seed in range(40))]
    assert any("though a slope of 1." in one.verdict and one.calibration_slope.low > 1 for one in timid)
    assert other.calibration_slope.high > 1 or "Calibrated" not in other.verdict


def test_the_costliest_rows_tell_their_share_of_the_loss():
    made = evaluate([1, 0, 1, 1], [0.5, 0.25, 0.5, 0.125], sample_weight=[1, 1, 1, 2])
    log2, log43 = np.log([2, 4 / 3])
    total = 8 * log2 + log43
    shares = [one["share_of_loss"] for one in made.to_dict()["mistakes"]]
    assert shares == pytest.approx([6 * log2 / total, log2 / total, log2 / total, log43 / total], rel=1e-14)
    endless = evaluate([1, 0], [0.0, 0.3]).to_dict()["mistakes"]
    assert [one["share_of_loss"] for one in endless] == [None, None]


def test_every_finding_is_a_sentence_for_people():
    y, p = rows(30)
    for data in ((1 - y, p), (y, np.round(p, 2)), (y, y.astype(float)), (p, y)):
        for finding in findings(evaluate(*data)):
            assert finding.words.endswith(".")
            assert finding.words[0].isupper() or finding.words[0].isdigit()


def test_nothing_is_worked_out_twice():
    made = evaluate(*rows())
    assert isinstance(made, Evaluation)
    assert made.thresholds is made.thresholds
    assert text(made) == str(made)


def test_a_slice_is_evaluated_by_itself():
    y, p = np.array([1, 0, 1, 1] * 30), np.linspace(0.05, 0.95, 120)
    site, kind = np.repeat(["a", "b", None], 40), np.repeat(["a", "c"], 60)
    whole = evaluate(y, p, by={"site": site, "kind": kind})
    for value, rows in (("b", slice(40, 80)), (None, slice(80, 120))):
        alone = evaluate(y[rows], p[rows]).to_dict()
        assert whole.of_slice(value).to_dict() == alone | {"mistakes": []}
    assert whole.of_slice("a", by="kind").n == 60
    for asked, words in (("a", "Say which: by="), ("bb", 'Did you mean "b"')):
        with pytest.raises(SpellingError, match=words):
            whole.of_slice(asked)


def test_too_many_positives_and_too_much_trust_are_said_where_no_other_shape_shows():
    z = np.random.default_rng(2).normal(-1, 1, 10_000)
    evenly = np.arange(10_000) * 0.6180339887498949 % 1  # so that there are as many positives as are expected
    y = (evenly < 1 / (1 + np.exp(-z))).astype(int)
    assert "Calibrated as far as this data can show." in evaluate(y, 1 / (1 + np.exp(-z))).verdict
    for shift, how in ((0.05, "high"), (-0.1, "low")):
        assert f"too {how} on the whole: they say " in evaluate(y, 1 / (1 + np.exp(-z - shift))).verdict
    for slope, how in ((1.12, "sure of themselves"), (0.94, "timid")):
        words = evaluate(y, 1 / (1 + np.exp(1 - slope * (z + 1)))).verdict
        assert f"too {how}: their calibration slope is" in words


def test_what_was_asked_for_is_printed():
    y, p = np.array([1, 0, 1, 1] * 30), np.linspace(0.05, 0.95, 120)
    table = pa.table({"y": np.where(y, "late", "soon"), "p": p, "site": ["a", "b"] * 60, "row": np.arange(120)})
    columns = {"label": "y", "score": "p", "positive": "late"}
    plain = str(evaluate(table, **columns))
    asked = str(evaluate(table, **columns, by="site", id="row", costs=(1, 4), show_rows=["site"]))
    for words in ("slice, the costliest first", "site a", "The costliest rows:", "decide from 0."):
        assert (words in plain, words in asked) == (False, True)
    guessed = table.set_column(0, "y", pa.array(np.where(y, "late", "early")))
    assert "counts as positive" in str(evaluate(guessed, label="y", score="p"))
    gaps = table.set_column(1, "p", pa.array([None, *p[1:]]))
    assert "1 more have no score" in str(evaluate(gaps, **columns, skip_nulls=True))
    assert repr(evaluate(table, **columns)).startswith("<Evaluation of 120 rows: log loss ")


def test_why_the_threshold_by_theory_is_kept_is_printed():
    y, p = rows(3000)
    evaluation = evaluate(y, p, costs=(1, 4))
    best, words = evaluation.best_threshold, " ".join(str(evaluation).split())
    assert not best.is_worth_it
    assert f"decide from 0.2 on, which costs {best.cost_by_theory.value:.4g} a row. On these rows " in words
    assert f"{best.empirical:.4g} would have cost least, {best.apparent_cost:.4g}; but so chosen" in words
    assert f"rows it costs {best.cost.value:.4g}, which is not shown to be less." in words
    assert "no other would have cost less" in str(evaluate([0, 1] * 50, [0.1, 0.9] * 50, costs=(1, 1)))
    too_low = evaluate(y, p**2, costs=(1, 1))
    assert too_low.best_threshold.is_worth_it
    assert "not shown to be less" not in str(too_low)


@pytest.mark.parametrize("models", [["p"], ["p", "q"]])
def test_slices_of_few_rows_are_counted_where_they_are_not_shown(models):
    y, p = np.array([1, 0, 1, 1] * 30), np.linspace(0.05, 0.95, 120)
    table = pa.table({"y": y, "p": p, "q": p[::-1], "row": np.arange(120), "site": ["a"] * 110 + ["b"] * 9 + ["c"]})
    columns = {"label": "y", "score": models if len(models) > 1 else "p"}
    lines = str(evaluate(table, **columns, by=["row", "site"])).splitlines()
    assert "No value of row has 10 rows, so no slice by it is shown; it has 120." in lines
    assert "Not shown: 2 values of site with fewer than 10 rows each." in lines
    assert "shown" not in str(evaluate(table.slice(0, 110), **columns, by="site"))


def test_slices_have_scores_with_intervals():
    y, p = np.array([1, 0, 1, 1] * 30), np.linspace(0.05, 0.95, 120)
    first = evaluate(y, p, by={"site": ["a", "b"] * 60}).to_dict()["slices"][0]
    rows = np.arange(120) % 2 == (first["value"] == "b")
    assert first["log_loss"]["value"] == pytest.approx(log_loss(y[rows], p[rows], labels=[0, 1]))
    assert first["log_loss"]["low"] < first["log_loss"]["value"] < first["log_loss"]["high"]


def test_percentages_in_arrays_are_called_so():
    with pytest.raises(ProbabilityError, match="If these are percentages, divide them by 100"):
        evaluate([1, 0, 1], [80.0, 20.0, 30.0])
    with pytest.raises(ProbabilityError, match="If these are logits, say from_logits=True"):
        evaluate([1, 0, 1], [8.0, -2.0, 3.0])


def test_what_holds_much_is_short_by_its_name():
    evaluation = evaluate(*rows(300))
    assert repr(evaluation.thresholds).startswith("<Thresholds: ")
    assert repr(evaluation.reliability).startswith("<Reliability: ")
    assert len(evaluation.to_dict()["thresholds"]["cost"]) == len(evaluation.thresholds.cost)


def test_what_breaks_lines_in_the_data_breaks_none_of_the_table():
    made = evaluate([1, 0] * 20, [0.6, 0.5] * 20, by={"site": ["a\r\nb\u2028\x0bd", "c"] * 20})
    assert "site a\\r\\nb\\u2028\\x0bd" in str(made)


def test_rows_without_a_name_have_no_column_of_names():
    data = pa.table({"y": [1, 0], "p": [0.2, 0.4], "age": [33, 44]})
    words = str(evaluate(data, label="y", score="p", show_rows=["age"]))
    assert "not named" not in words
    assert re.search(r"The costliest rows:\nlabel +said of it +loss +share of loss +age\n1 +0.2 ", words)


def test_what_is_printed_says_of_which_rows_and_of_what():
    words = str(evaluate(*rows()))
    for name in ("Miscalibration, in nats", "Discrimination, in nats"):
        assert re.search(f"{name} +[0-9.]+  [0-9.e-]+ to [0-9.]+ for rows to come\n", words)
    assert words.count("for rows to come") == 2
    data = pa.table({"y": [1, 0], "p": [0.2, 0.4], "w": [2.0, 1.0], "id": ["a", "b"]})
    assert "said of it  loss times weight  share" in str(evaluate(data, label="y", score="p", weight="w", id="id"))
    assert "said of it  loss    share" in str(evaluate(data, label="y", score="p", id="id"))


def test_a_threshold_above_every_score_is_to_act_on_no_row():
    y, p = np.repeat([1, 0], [3, 2997]), np.concatenate([np.full(3, 0.2), np.full(300, 1.0), np.full(2697, 0.1)])
    made = evaluate(y, p, costs=(1, 1))
    assert made.best_threshold.is_worth_it
    assert made.best_threshold.threshold > 1
    assert "false negative 1: act on no row, which costs 0.001 a row" in " ".join(str(made).split())
    page = evaluation_page(made).decode()
    assert "act on no row, and recalibrate" in page
