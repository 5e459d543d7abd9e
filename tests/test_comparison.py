"""Several models on the same rows: differences are paired, sure when they say so, and a function of the rows alone."""

import json
import math
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.special import expit, logit
from scipy.stats import t as student

from logloss import evaluate
from logloss.core.errors import ParameterError, TableError
from logloss.engines import pairing
from logloss.engines.pairing import Pairing, Rival
from logloss.evaluation.comparison import wins
from logloss.evaluation.difference import PROBABILITY, Region, Sides, is_sure
from logloss.evaluation.losses import squared_errors
from logloss.evaluation.ranking import placements, roc_auc
from logloss.evaluation.score import Score
from tests.populations import Population, tally_of


def models(n=2000, seed=0, weights="none"):
    y, p, w = Population(0.2, weights=weights).draw(n, seed)
    rng = np.random.default_rng(seed + 10**6)  # not what drew the rows
    return y, {"truth": p, "noisy": expit(logit(p) + rng.normal(0, 0.7, n))}, w


def loss(y, p):
    return -np.where(y == 1, np.log(p), np.log1p(-p))


def placement(y, p):
    """Of each row, the share of the other class that it is on the right side of."""
    rows = [((q < x).mean() + (q == x).mean() / 2) if label else ((q > x).mean() + (q == x).mean() / 2)
            for label, x in zip(y, p, strict=True) for q in [p[y != label]]]  # fmt: skip
    return np.array(rows)


def by_rows(values, rows=None):
    """The mean and Student's interval."""
    n = len(values) if rows is None else rows
    reach = student.ppf(0.975, n - 1) * values.std(ddof=1) / math.sqrt(n)
    return pytest.approx([values.mean(), values.mean() - reach, values.mean() + reach], rel=1e-9, abs=1e-12)


def ends(score):
    return [score.value, score.low, score.high]


def content(comparison):
    return json.dumps(comparison.to_dict())


def test_differences_are_those_of_the_rows():
    y, by_name, _ = models()
    one = evaluate(y, by_name).differences[0]
    assert (one.best, one.model) == ("truth", "noisy")
    p, q = by_name["truth"], by_name["noisy"]
    assert ends(one.log_loss) == by_rows(loss(y, q) - loss(y, p))
    assert ends(one.brier) == by_rows((q - y) ** 2 - (p - y) ** 2)
    assert one.share_better == pytest.approx((loss(y, q) < loss(y, p)).mean())


def test_the_difference_of_areas_is_delongs():
    y, by_name, _ = models(400)
    found = evaluate(y, by_name).differences[0].roc_auc
    apart = placement(y, by_name["noisy"]) - placement(y, by_name["truth"])
    classes = [apart[y == label] for label in (0, 1)]
    error = math.sqrt(sum(each.var(ddof=1) / len(each) for each in classes))
    assert found.value == pytest.approx(classes[0].mean())
    assert found.value == pytest.approx(classes[1].mean())
    reach = student.ppf(0.975, min(map(len, classes)) - 1) * error
    assert ends(found) == pytest.approx([found.value, found.value - reach, found.value + reach], rel=1e-9)


def test_weights_are_rows_seen_more_often():
    y, by_name, _ = models(500)
    w = np.random.default_rng(1).integers(0, 4, 500)
    weighted = evaluate(y, by_name, sample_weight=w).differences[0]
    repeated = evaluate(np.repeat(y, w), {name: np.repeat(p, w) for name, p in by_name.items()}).differences[0]
    for name in ("log_loss", "brier", "roc_auc"):
        assert getattr(weighted, name).value == pytest.approx(getattr(repeated, name).value, rel=1e-12)
    assert weighted.share_better == pytest.approx(repeated.share_better)


def test_regions_share_out_the_difference():
    y, by_name, w = models(3000, weights="exponential")
    site = np.random.default_rng(0).choice(["a", "b"], 3000)
    one = evaluate(y, by_name, sample_weight=w, by={"site": site}).differences[0]
    for by in ("site", PROBABILITY):
        regions = [region for region in one.regions if region.by == by]
        total = sum(region.share_of_rows * region.difference.value for region in regions)
        share = sum(region.share_of_rows for region in regions)
        assert share == pytest.approx(1, abs=0.01)
        assert total == pytest.approx(one.log_loss.value, abs=0.01 if share < 1 else 1e-12)
    p, q = by_name["truth"], by_name["noisy"]
    north = next(region for region in one.regions if region.value == "a")
    apart, v = (loss(y, q) - loss(y, p))[site == "a"], w[site == "a"]
    mean = np.average(apart, weights=v)
    rows = v.sum() ** 2 / (v**2).sum()
    error = math.sqrt((v**2 * (apart - mean) ** 2).sum() * rows / (rows - 1)) / v.sum()
    reach = student.ppf(0.975, rows - 1) * error
    assert ends(north.difference) == pytest.approx([mean, mean - reach, mean + reach], rel=1e-9)


@pytest.mark.parametrize("weights", ["none", "exponential"])
@pytest.mark.parametrize("n", [300, 2000])
def test_paired_intervals_hold_the_truth_95_times_in_100(n, weights):
    population = Population(0.2, weights=weights)
    bent = Population(0.2, 1.5, weights=weights)
    groups = population.whole(), bent.whole()
    cost = [(one.weight * squared_errors(one)).sum() / one.weight.sum() for one in groups]
    held = {"brier": 0, "log_loss": 0}
    for seed in range(200):
        y, p, w = population.draw(n, seed)
        one = evaluate(y, {"a": p, "b": expit(1.5 * logit(p))}, sample_weight=w).differences[0]
        sign = 1 if one.best == "a" else -1
        low, high = sorted((sign * one.brier.low, sign * one.brier.high))
        held["brier"] += low <= cost[1] - cost[0] <= high
        low, high = sorted((sign * one.log_loss.low, sign * one.log_loss.high))
        held["log_loss"] += low <= _excess(population) <= high
    assert all(0.91 <= count / 200 <= 0.99 for count in held.values()), held


def _excess(population):
    """By how much bending the odds costs more, where probabilities are right."""
    groups = population.whole()
    p, weight = groups.p, groups.weight.sum(1)
    q = expit(1.5 * logit(p))
    return float((weight * (p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q)))).sum() / weight.sum())


def test_areas_of_models_that_are_alike_differ_beyond_chance_5_times_in_100():
    beyond = 0
    for seed in range(300):
        y, p, _ = Population(0.2).draw(300, seed)
        rng = np.random.default_rng(seed + 10**6)  # not what drew the rows
        noisy = {name: expit(logit(p) + rng.normal(0, 0.7, 300)) for name in "ab"}
        first, second = (tally_of(y, q).groups() for q in noisy.values())
        rivals = [Rival(0.0, placements(groups)) for groups in (first, second)]
        apart = roc_auc(second).score.value - roc_auc(first).score.value
        sums = pairing.paired([pairing.Batch(y, noisy["a"], others=(noisy["b"],))], (), rivals, from_logits=False)[0]
        squares = sums[0].rounded()[0]
        error = math.hypot(*(math.sqrt(each * 2.0**-18) / (y == c).sum() for c, each in enumerate(squares[1:])))
        beyond += abs(apart) > 1.98 * error
    assert 0.02 <= beyond / 300 <= 0.08


def test_no_region_is_won_by_chance_more_than_5_times_in_100():
    won = 0
    for seed in range(120):
        y, p, _ = Population(0.2).draw(1000, seed)
        rng = np.random.default_rng(seed + 10**6)  # not what drew the rows
        noisy = {name: expit(logit(p) + rng.normal(0, 0.5, 1000)) for name in "ab"}
        one = evaluate(y, noisy, by=rng.choice(list("klmnop"), 1000)).differences[0]
        won += any(region.winner for region in one.regions)
    assert won / 120 <= 0.1


def test_where_another_model_wins_is_found():
    y, by_name, _ = models(6000)
    site = np.random.default_rng(3).choice(["here", "there"], 6000, p=[0.8, 0.2])
    p, q = by_name["truth"], by_name["noisy"]
    mixed = {"most": np.where(site == "here", p, q), "some": np.where(site == "here", q, p)}
    found = evaluate(y, mixed, by={"site": site})
    assert found.best == "most"
    assert [(region.by, region.value) for region in wins(found.differences[0]) if region.by == "site"] == [
        ("site", "there")
    ]
    assert "But it wins where site is there" in found.verdict


def test_a_model_does_not_differ_from_itself():
    y, by_name, w = models(weights="exponential")
    one = evaluate(y, {"a": by_name["truth"], "b": by_name["truth"].copy()}, sample_weight=w).differences[0]
    for score in (one.log_loss, one.brier, one.roc_auc, *(region.difference for region in one.regions)):
        assert ends(score) == [0, 0, 0]
    assert not any(region.winner for region in one.regions)
    assert "b loses the same" in evaluate(y, {"a": by_name["truth"], "b": by_name["truth"].copy()}).verdict


@pytest.mark.parametrize("scale", [1e-16, 1e-15, 1e-13, 1e-12])
@pytest.mark.parametrize("kind", ["a factor", "noise"])
def test_what_rounding_may_have_made_is_no_difference(kind, scale):
    y, by_name, w = models(weights="exponential")
    p = by_name["truth"]
    apart = -1 if kind == "a factor" else np.random.default_rng(0).normal(size=len(p))
    one = evaluate(y, {"a": p, "b": p * (1 + scale * apart)}, sample_weight=w, by={"all": ["x"] * len(p)})
    for score in ("log_loss", "brier", "roc_auc"):
        assert not is_sure(getattr(one.differences[0], score))
    assert not any(region.winner for region in one.differences[0].regions)
    assert "more (" not in one.verdict or "may be chance" in one.verdict


def test_the_rounding_of_two_scores_is_no_difference():
    assert Sides(0.3, np.nextafter(0.3, 1)).difference == 0
    assert Sides(1e-20, 1.1e-20).difference > 0


@pytest.mark.parametrize("seed", range(8))
def test_logits_have_the_areas_of_their_probabilities(seed):
    rng = np.random.default_rng(seed)
    y = rng.random(400) < 0.4
    levels = np.round(rng.uniform(-4, 4, 3), 2)
    z = {name: rng.choice(levels, 400) for name in "ab"}
    one, other = (evaluate(y, z, from_logits=True), evaluate(y, {name: expit(x) for name, x in z.items()}))
    assert ends(one.differences[0].roc_auc) == pytest.approx(ends(other.differences[0].roc_auc), abs=1e-9)


def test_differences_beyond_all_measure_count_as_the_greatest():
    y, by_name, _ = models(400)
    z = {"near": logit(by_name["truth"]), "far": np.where(np.arange(400) < 20, 1e30, 0.0)}
    one = evaluate(y, z, from_logits=True, by={"half": np.arange(400) < 20}).differences[0]
    for score in (one.log_loss, *(region.difference for region in one.regions)):
        assert score.low <= score.value <= score.high


def test_a_tiny_difference_keeps_its_interval():
    y, by_name, _ = models()
    p = by_name["truth"]
    q = expit(logit(p) + np.random.default_rng(0).normal(0, 1e-7, len(p)))
    one = evaluate(y, {"a": p, "b": q}).differences[0]
    sign = 1 if one.best == "a" else -1
    assert (one.log_loss.high - one.log_loss.low) / 2 == pytest.approx(
        1.96 * (loss(y, q) - loss(y, p)).std() / math.sqrt(len(y)), rel=0.01
    )
    assert one.log_loss.value == pytest.approx(sign * (loss(y, q) - loss(y, p)).mean(), abs=1e-15)


@pytest.mark.parametrize("from_logits", [False, True])
def test_infinite_losses_decide(from_logits):
    y = np.array([1.0, 0.0] * 20)
    p = np.where(y == 1, 0.8, 0.2)
    certain = np.where(np.arange(40) == 0, 0.0, p)
    both = {"finite": p, "certain": certain}
    if from_logits:
        with np.errstate(divide="ignore"):
            both = {name: np.log(q) - np.log1p(-q) for name, q in both.items()}
    found = evaluate(y, both, by={"half": np.arange(40) < 20}, from_logits=from_logits)
    one = found.differences[0]
    assert (found.best, one.log_loss.value) == ("finite", math.inf)
    by_half = {region.value: region for region in one.regions if region.by == "half"}
    assert (by_half["true"].difference.value, by_half["true"].winner) == (math.inf, "finite")
    assert ends(by_half["false"].difference) == [0, 0, 0]
    assert "has an infinite log loss" in found.verdict
    assert math.isnan(evaluate(y, {"a": certain, "b": certain}).differences[0].log_loss.value)


def table(n=3000):
    y, by_name, w = models(n, weights="exponential")
    site = np.random.default_rng(0).choice(["a", "b", None], n)
    return pd.DataFrame({"y": y, **by_name, "w": w, "site": site})


COLUMNS = {"label": "y", "score": ["noisy", "truth"], "weight": "w", "by": "site"}


def test_neither_source_nor_chunks_nor_order_change_anything(monkeypatch, tmp_path):
    frame = table()
    expected = content(evaluate(frame, **COLUMNS))
    frame.sample(frac=1, random_state=0).to_parquet(tmp_path / "t.parquet", row_group_size=700)
    frame.to_csv(tmp_path / "t.csv", index=False)
    arrays = evaluate(
        frame.y, {"truth": frame.truth, "noisy": frame.noisy}, sample_weight=frame.w, by={"site": frame.site}
    )
    assert content(arrays) == expected
    assert content(evaluate(tmp_path / "t.parquet", **COLUMNS)) == expected
    assert content(evaluate(tmp_path / "t.csv", **COLUMNS)) == expected
    monkeypatch.setattr("logloss.engines.sums_by_value._BLOCK", 100)
    assert content(evaluate(frame, **COLUMNS)) == expected


def test_models_are_compared_on_the_rows_that_all_of_them_scored():
    frame = table(500)
    frame.loc[:49, "truth"] = np.nan
    frame.loc[30:99, "noisy"] = np.nan
    with pytest.raises(TableError, match="are missing"):
        evaluate(frame, **COLUMNS)
    found = evaluate(frame, **COLUMNS, skip_nulls=True)
    assert [one.n for one in found.evaluations.values()] == [400, 400]
    assert [one.skipped for one in found.evaluations.values()] == [100, 100]
    rows = content(evaluate(frame[100:], **COLUMNS))
    assert json.loads(content(found))["differences"] == json.loads(rows)["differences"]


def test_a_score_that_is_missing_is_missing_in_its_own_column():
    frame = table(500)
    frame.loc[:49, "noisy"] = np.nan
    for scores in (["truth", "noisy"], ["noisy", "truth"]):
        with pytest.raises(TableError, match='Of the column "noisy", 50 values of 500 are missing'):
            evaluate(frame, label="y", score=scores)


def test_rows_that_weigh_nothing_say_nothing():
    frame = table(500)
    heavy = evaluate(frame[:300], **COLUMNS).differences[0]
    frame.loc[300:, "w"] = 0
    light = evaluate(frame, **COLUMNS).differences[0]
    for one, other in ((heavy, light), *zip(heavy.regions, light.regions, strict=True)):
        scores = [name for name, value in vars(one).items() if isinstance(value, Score)]
        for name in scores:
            assert ends(getattr(one, name)) == pytest.approx(ends(getattr(other, name)), rel=1e-12)
    assert [(r.by, r.value, r.rows) for r in heavy.regions] == [(r.by, r.value, r.rows) for r in light.regions]
    frame["w"] = 0
    nothing = evaluate(frame, **COLUMNS).differences[0]
    assert math.isnan(nothing.log_loss.value)
    assert nothing.regions == ()
    frame["y"] = None
    assert math.isnan(evaluate(frame, **COLUMNS).differences[0].log_loss.value)


def test_small_regions_are_not_shown():
    frame = table(200).assign(site=["rare"] * 9 + ["common"] * 191)
    assert {region.value for region in evaluate(frame, **COLUMNS).differences[0].regions if region.by == "site"} == {
        "common"
    }


def test_a_region_of_one_class_is_won_by_nobody():
    y, by_name, _ = models(5000)
    p = np.where(y == 1, 0.95 + 0.001 * by_name["truth"], by_name["truth"])
    group = np.where((y == 1) & (np.arange(5000) % 3 == 0), "positives", "others")
    one = evaluate(y, {"a": p, "b": by_name["truth"]}, by={"group": group}).differences[0]
    found = {region.value: region for region in one.regions if region.by == "group"}
    assert found["positives"].difference.low > 0
    assert (found["positives"].winner, found["others"].winner) == (None, "a")
    assert (found["positives"].is_judged, found["others"].is_judged) == (False, True)


def test_a_column_that_is_called_as_the_bands_are_takes_nothing_from_them():
    y, by_name, _ = models(500)
    alone = evaluate(y, by_name).differences[0].regions
    both = evaluate(y, by_name, by={PROBABILITY: ["x"] * 500}).differences[0].regions
    assert [(r.value, r.rows) for r in both] == [*((r.value, r.rows) for r in alone), ("x", 500)]


def test_one_class_has_no_area_and_the_rest_is_said():
    one = evaluate(np.ones(50), {"a": np.linspace(0.5, 0.9, 50), "b": np.full(50, 0.6)}).differences[0]
    assert math.isnan(one.roc_auc.value)
    assert math.isfinite(one.log_loss.low)


def test_what_cannot_be_compared_is_refused():
    frame = table(50)
    for scores, words in (([], "of no model"), (["truth", "truth"], "each once")):
        with pytest.raises(ParameterError, match=words):
            evaluate(frame, label="y", score=scores)
    with pytest.raises(ParameterError, match="take another read"):
        evaluate(pa.Table.from_pandas(frame).to_reader(), **{**COLUMNS, "by": None})
    with pytest.raises(ParameterError, match="label and as score"):
        evaluate(frame, label="y", score=["truth", "y"])


def test_a_single_score_in_a_list_is_a_comparison_without_differences():
    found = evaluate(table(100), label="y", score=["truth"])
    assert (found.best, found.differences, found["truth"].n) == ("truth", (), 100)


def test_it_prints_and_makes_a_frame():
    found = evaluate(table(), **COLUMNS)
    text = str(found)
    assert text.startswith("truth has the least log loss, ")
    assert "noisy less truth" in text
    frame = found.to_frame()
    assert list(frame.index) == ["truth", "noisy"]
    assert frame.loc["truth", "log_loss"] == found["truth"].log_loss.value


def test_what_is_printed_of_one_model_is_printed_of_several():
    frame = table().assign(flipped=lambda t: 1 - t.truth)
    frame["y"] = np.where(frame.y == 1, "ok", "late")
    frame.loc[:9, "y"] = None
    found = evaluate(frame, label="y", score=["truth", "noisy", "flipped"], costs=(1, 5))
    text, words = str(found), " ".join(str(found).split())
    one = found["truth"]
    assert f"2,990 rows, {one.n_positive:,} positive" in text
    assert "10 more wait for their label" in text
    assert words.count("counts as positive") == 1
    assert "! flipped: Positives get lower scores than negatives" in words
    assert "truth: Positives get" not in words
    for name, model in found.evaluations.items():
        cost = f"{model.best_threshold.cost_by_theory.value:.4g}"
        assert f"{name}: A false positive costs 1 and a false negative 5: decide from " in words
        assert f"costs {cost} a row" in words or f"costs {cost}." in words
    assert "A false positive" not in str(evaluate(frame, label="y", score=["truth", "noisy"]))


def test_what_is_found_of_several_models_is_printed_once():
    y, by_name, _ = models(60)
    words = " ".join(str(evaluate(y, by_name)).split())
    assert words.count("Only ") == 1
    assert re.search(r"! (truth, noisy|noisy, truth): Only ", words)


def regions(won, drawn, unjudged):
    """A comparison with so many regions of each kind."""
    kinds = [("a", True)] * won + [(None, True)] * drawn + [(None, False)] * unjudged
    made = [Region("at", str(i), 20, 0.1, Score(0.1, 0.05, 0.15), *kind) for i, kind in enumerate(kinds)]
    found = evaluate([1, 0] * 50, {"a": [0.8, 0.2] * 50, "b": [0.7, 0.3] * 50})
    return str(replace(found, differences=(replace(found.differences[0], regions=tuple(made)),)))


def test_what_is_printed_counts_the_regions_that_nobody_wins():
    assert "Neither wins in 1 region, beyond chance." in regions(0, 1, 0)
    assert "Neither wins in 1 more region, beyond chance." in regions(2, 1, 0)
    assert "Neither wins in 3 more regions, beyond chance." in regions(1, 3, 0)
    assert "1 more that either wins is in the JSON." in regions(31, 0, 0)
    assert "2 more that either wins are in the JSON." in regions(32, 0, 0)


def test_a_region_that_cannot_be_judged_is_not_said_to_be_drawn():
    said = regions(0, 0, 1)
    assert "Too few rows of one class to judge by are in 1 region." in said
    assert "Neither" not in said
    both = regions(1, 2, 3)
    assert "Neither wins in 2 more regions, beyond chance." in both
    assert "Too few rows of one class to judge by are in 3 more regions." in both


def test_pairing_takes_chunks_in_any_order():
    y, by_name, w = models(1000, weights="exponential")
    rivals = [Rival(0.1, placements(tally_of(y, p, w).groups())) for p in by_name.values()]
    whole, parts = (Pairing(*rivals, (), from_logits=False) for _ in range(2))
    p, q = by_name.values()
    whole.add(pairing.Batch(y, p, w), q)
    for at in (700, 0, 300):
        rows = slice(at, {700: 1000, 0: 300, 300: 700}[at])
        parts.add(pairing.Batch(y[rows], p[rows], w[rows]), q[rows])
    assert [one.to_bytes() for one in whole.sums()] == [one.to_bytes() for one in parts.sums()]


def test_a_model_that_ranks_better_is_told_of():
    rng = np.random.default_rng(0)
    z = rng.normal(size=4000)
    y = (rng.random(4000) < 1 / (1 + np.exp(-z))).astype(int)
    blurred = 1 / (1 + np.exp(-0.7 * (z + rng.normal(0, 0.7, 4000))))
    made = evaluate(y, {"blurred": blurred, "shifted": 1 / (1 + np.exp(-z - 1.5))})
    assert made.best == "blurred"
    (one,) = made.differences
    assert one.roc_auc.low > 0
    assert "But it ranks better: its ROC AUC is 0.0" in made.verdict
    assert "and with both recalibrated it loses less." in made.verdict
    assert made.verdict.count(" But ") == 1
    assert max(map(len, str(made).splitlines())) <= 100
    # Where positives are many, the one that says more wins.
    where = np.where((y == 1) | (rng.random(4000) < 0.1), "rich", "poor")
    said = evaluate(y, {"blurred": blurred, "shifted": 1 / (1 + np.exp(-z - 1.5))}, by={"where": where}).verdict
    assert "loses less. And it wins" in said
    rows = [
        line.split()[-1] for line in str(made).splitlines() if re.match("(log loss|Brier score|ROC AUC) .* all", line)
    ]
    assert rows == ["blurred", "blurred", "shifted"]


def test_a_model_that_ranks_better_but_tells_less_apart_is_not_said_to_gain_by_recalibration():
    rng = np.random.default_rng(0)
    sure = rng.choice([0.999, 0.5, 0.001], 20_000, p=[0.1, 0.8, 0.1])
    y = (rng.random(20_000) < sure).astype(int)
    mixed = np.where((rng.random(20_000) < 0.7) == y, 0.7, 0.3)
    made = evaluate(y, {"sure": sure, "mixed": mixed})
    assert made.best == "sure"
    assert made["mixed"].decomposition.discrimination < made["sure"].decomposition.discrimination
    assert re.search(r"But it ranks better: its ROC AUC is 0\.0\d+ higher \([^)]*\)\.", made.verdict)
    assert "recalibrated" not in made.verdict
