import re
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from logloss import __version__, evaluate
from logloss.core.errors import ParameterError, RunError
from logloss.evaluation.decisions import Costs, decision
from logloss.evaluation.evaluation import Evaluation
from logloss.evaluation.reliability import reliability_of
from logloss.evaluation.round_thresholds import round_thresholds
from logloss.evaluation.slice_scores import slice_scores
from logloss.report import EvaluationPlots, evaluation_html, write_evaluation_report
from logloss.report.charts import BLUE, GREY, MARK, ORANGE
from logloss.report.decision_charts import greatest_cost, net_benefit_chart
from logloss.report.evaluation_facts import EvaluationFacts
from logloss.report.evaluation_page import evaluation_page
from logloss.report.score_words import score_table
from logloss.report.svg import alone
from tests.evaluations import EVALUATIONS, drawn, hostile, named, of, plain
from tests.test_report import HOSTILE, Elements, text_of

CHARTS = ("reliability", "scores", "roc", "precision_recall", "cost", "net_benefit", "concentration", "slices")


@cache
def page_of(name):
    title = HOSTILE[0] if name == "hostile" else name
    return evaluation_page(EVALUATIONS[name](), title)


# What comes from data stays text


def test_nothing_from_data_becomes_an_element_or_an_attribute():
    page = Elements(page_of("hostile").decode())
    assert page.tags.count("script") == 1
    assert not {"img", "iframe", "object", "link", "foreignobject", "use", "image"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on") or name in ("src", "xlink:href")]
    assert [value for name, value in page.attributes if name == "href"] == ["#scores"]
    assert sorted(page.tags) == sorted(Elements(page_of("hostile").decode().replace("reached", "")).tags)


def test_hostile_text_is_shown_and_cannot_turn_its_surroundings_about():
    for shown in (page_of("hostile").decode(), evaluation_html(hostile())):
        assert "<script>window" not in shown
        assert not re.search("[\x00\x1b\u202e\ud800]", shown)
    assert "&lt;script&gt;window.reached = 1&lt;/script&gt;" in page_of("hostile").decode()


@pytest.mark.parametrize("name", ["plain", "certain and wrong", "weights", "soft labels"])
def test_a_page_says_nothing_of_single_rows_unless_they_are_named(name):
    evaluation = EVALUATIONS[name]()
    assert evaluation.mistakes
    without = replace(evaluation, evidence=replace(evaluation.evidence, mistakes=()))
    assert page_of(name) == evaluation_page(without, name)
    assert evaluation_html(evaluation) == evaluation_html(without)
    assert "This page shows no row by itself" in text_of(page_of(name))


def test_only_the_slider_s_script_may_run():
    page = page_of("plain").decode()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-")
    assert "script" not in page_of("no rows").decode()


@pytest.mark.parametrize("name", ["plain", "hostile", "rare"])
def test_a_page_names_no_address(name):
    page = page_of(name).decode()
    assert "http://" not in page
    assert "https://" not in page
    assert "url(" not in re.sub(r"url\(#[\w-]+\)", "", page)


@pytest.mark.parametrize("name", EVALUATIONS)
def test_ids_are_unique_and_references_meet_them(name):
    page = page_of(name).decode()
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids)) > 0
    assert set(re.findall(r"url\(#([\w-]+)\)", page)) | {"scores"} <= set(ids)


def test_no_value_of_a_row_is_shown_unless_it_was_asked_for():
    text = text_of(page_of("plain"))
    assert "since none was asked for" in text
    assert "probability of what happened" not in text
    text = text_of(page_of("named"))
    assert "customer-0" in text
    assert "probability of what happened" in text
    assert "plan" in text


# The page


@pytest.mark.parametrize("name", EVALUATIONS)
def test_every_evaluation_has_a_page_without_bare_nan(name):
    text = text_of(page_of(name))
    assert not re.search(r"\b(nan|None|inf)\b", text)
    assert not re.search(r"\b(AUC|NE|ECE|ICI|FPR|TPR|PPV|NPV)\b", text)
    assert "nan" not in evaluation_html(EVALUATIONS[name]()).lower().replace("pan>", "").split("<table")[0]


def test_the_same_facts_give_the_same_bytes():
    assert evaluation_page(plain(), "plain") == page_of("plain")
    assert evaluation_html(plain()) == evaluation_html(plain())


def test_the_order_of_rows_is_nothing_to_the_page():
    from logloss.engines.arrays import from_arrays
    from logloss.evaluation.decisions import Costs
    from logloss.evaluation.evaluation import Evaluation

    y, p, region = drawn()
    order = np.random.default_rng(1).permutation(len(y))
    other = Evaluation(from_arrays(y[order], p[order], by={"region": region[order]}), Costs(1, 4))
    assert evaluation_page(other, "plain") == page_of("plain")


def test_a_page_is_small_however_many_rows_there_are():
    many = evaluation_page(plain(1_000_000, slope=1.1))
    assert len(many) < 500_000
    assert len(many) < 1.5 * len(page_of("plain"))


def test_many_slices_are_still_one_small_page():
    from logloss.engines.arrays import from_arrays
    from logloss.evaluation.evaluation import Evaluation

    y, p, _ = drawn(60_000)
    page = evaluation_page(Evaluation(from_arrays(y, p, by={"shop": np.arange(60_000) // 20})))
    assert len(page) < 500_000
    assert "Of 3,000, the first 20 are drawn." in text_of(page)


def test_the_sections_come_in_order():
    text = text_of(page_of("named"))
    order = [
        "Log loss 0.",
        "Scores",
        "Area under the ROC curve",
        "Are the probabilities borne out?",
        "How its scores are spread",
        "Does it rank positives first?",
        "Acting on it",
        "Confident mistakes",
        "How concentrated the loss is",
        "Slices",
        "The data",
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)


def test_every_figure_is_a_table_too():
    page = Elements(page_of("named").decode())
    assert page.tags.count("figure") == 9
    # Reliability as two tables; ROC and precision, cost and benefit share one; and what was evaluated.
    assert page.tags.count("details") == 8


def test_every_picture_says_what_it_shows():
    page = page_of("plain").decode()
    for svg in re.findall(r"<svg[^>]*>", page):
        assert 'role="img"' in svg
        assert len(re.search(r'aria-label="([^"]+)"', svg)[1]) > 40


@pytest.mark.parametrize(
    ("change", "said"),
    [("a missing folder", "there is no folder")],
)
def test_a_page_that_cannot_be_written_is_said(change, said, tmp_path):
    with pytest.raises(RunError, match=said):
        write_evaluation_report(plain(), tmp_path / "nowhere" / "report.html")


def test_a_page_is_where_it_was_asked_for(tmp_path):
    path = write_evaluation_report(plain(), str(tmp_path / "report.html"), title="plain")
    assert path == tmp_path / "report.html"
    assert path.read_bytes() == page_of("plain")


def test_that_rows_are_weighted_is_said_of_those_only():
    for name in ("weights", "plain", "soft labels"):
        for shown in (text_of(page_of(name)), evaluation_html(EVALUATIONS[name]())):
            assert ("weighted" in shown) == (name == "weights")


def test_sums_of_weights_are_not_named_as_numbers_of_rows():
    text = text_of(page_of("weights"))
    for name in ("positives caught", "positives missed", "false alarms"):
        assert text.count(f"{name}, by weight") == 2
        assert f"{name}, by weight" not in text_of(page_of("plain"))
    for name, counted in (("weights", "weight"), ("plain", "rows")):
        chart = EvaluationPlots(EVALUATIONS[name]()).reliability().to_dict()
        assert chart["vconcat"][1]["layer"][0]["encoding"]["y"]["axis"]["title"] == counted


def test_a_rare_share_differs_from_the_ends_of_its_interval():
    y, p = np.arange(100_000) % 330 == 0, np.full(100_000, 0.003)
    (line,) = [one for _, lines in score_table(of(y, p)) for one in lines if one.name == "Share of positives"]
    shown = [line.value, *line.interval.split(" to ")]
    assert len(set(shown)) == 3
    assert [float(one.removesuffix("\N{NO-BREAK SPACE}%")) for one in shown] == pytest.approx(
        [0.304, 0.272, 0.34], abs=5e-4
    )


def test_a_page_says_what_was_evaluated(tmp_path):
    for name in ("monday", "tuesday"):
        (tmp_path / f"{name}.csv").write_text("bad,p,w,site\n" + "yes,0.8,2,a\nno,0.3,1,b\n" * 20)
    evaluation = evaluate(tmp_path, label="bad", score="p", weight="w", by="site", positive="yes")
    text = text_of(evaluation_page(evaluation))
    assert "label column bad positive value yes score column p scores are probabilities weight column w" in text
    assert "slices by site files 2" in text
    assert f"logloss version {__version__}" in text
    assert "weight column" not in str(evaluation.to_dict())


# Charts and their points


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_s_points_are_a_frame(name):
    plots = EvaluationPlots(plain())
    assert getattr(plots, name)().to_dict()["config"]
    frame = getattr(plots.points, name)()
    assert 2 <= len(frame) <= 500
    assert not frame.isna().all().any()


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_by_itself_says_what_it_is_and_what_its_lines_are(name):
    evaluation = plain(120, slope=2.0)
    chart = getattr(EvaluationPlots(evaluation), name)()
    assert chart.to_dict()["title"]["text"]
    shown = alone(chart, title="", description="").decode()
    said = {
        "reliability": ["this model", "the same, smooth", "perfectly calibrated", "95 % of what chance"],
        "cost": ["this model", "acting on every row", "acting on none", "the threshold"],
        "net_benefit": ["this model", "acting on every row", "acting on none", "the threshold"],
        "roc": ["this model", "guessing"],
        "precision_recall": ["this model", "guessing"],
        "concentration": ["this model", "all rows carry alike"],
        "scores": ["positives", "negatives"],
        "slices": ["grey strokes are the log loss of all rows"],
    }
    assert [words for words in said[name] if words not in shown] == []
    # Each line of the key is drawn as in the chart, where its colour is told by nothing else.
    if name in ("cost", "net_benefit"):
        assert all(shown.count(f'stroke="{colour}"') >= 2 for colour in (BLUE, ORANGE, GREY, MARK))


def test_a_page_s_charts_leave_titles_and_keys_to_the_page():
    page = re.sub("<title>.*?</title>|<desc>.*?</desc>", "", page_of("plain").decode())
    pictures = " ".join(re.findall("<svg.*?</svg>", page))
    assert "acting on none</text>" not in pictures
    assert "Expected cost</text>" not in pictures


def test_percentages_are_written_in_one_way():
    for name in ("named", "rare", "certain and right", "certain and wrong"):
        page = re.sub("<style>.*?</style>", "", page_of(name).decode(), flags=re.DOTALL)
        assert not re.search(r">[^<]*\d%[^<]*<", page)
        assert not re.search(r">[^<]*(^|[ (>])-\d[^<]*<", page)


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_of_nothing_is_refused_by_name(name):
    with pytest.raises(ParameterError, match="nothing to draw: this needs"):
        getattr(EvaluationPlots(EVALUATIONS["no rows"]()), name)()


# Facts of charts


@pytest.mark.parametrize("name", ["plain", "rare", "few", "weights"])
def test_round_thresholds_say_what_a_decision_says(name):
    evaluation = EVALUATIONS[name]()
    costs = evaluation.costs or named().costs
    found = round_thresholds(evaluation.groups, costs)
    assert 40 <= len(found.threshold) <= 140
    assert list(found.threshold) == sorted(set(found.threshold))
    for i in (0, found.chosen, len(found.threshold) - 1):
        one = decision(evaluation.groups, found.threshold[i], costs)
        assert found.caught[i] / (found.caught[i] + found.missed[i]) == pytest.approx(one.sensitivity.value)
        assert found.cost[i] == pytest.approx(one.cost.value)
        assert found.net_benefit[i] == pytest.approx(one.net_benefit.value)
        assert found.treat_all[i] == pytest.approx(one.treat_all.value)
    assert found.threshold[found.chosen] == pytest.approx(costs.threshold)


def test_a_diagram_in_log_odds_is_the_same_curve_on_another_grid():
    groups = plain().groups
    linear, other = reliability_of(groups), reliability_of(groups, in_log_odds=True)
    steps = np.diff(np.log(other.predicted) - np.log1p(-np.array(other.predicted)))
    assert steps == pytest.approx(steps[0])
    assert sum(other.count) == sum(linear.count) == 2000
    assert (other.predicted[0], other.predicted[-1]) == pytest.approx((linear.predicted[0], linear.predicted[-1]))
    between = np.interp(other.predicted[20:], linear.predicted, linear.observed)
    assert np.abs(between - other.observed[20:]).mean() < 0.02
    assert (np.array(other.low) <= other.high).all()


def test_a_loss_that_is_infinite_stands_beside_its_finite_part():
    text = text_of(page_of("certain and wrong"))
    assert "Log loss of the other rows" in text
    assert "Log loss as Keras clips it" in text
    assert "Log loss of the other rows" not in text_of(page_of("plain"))


def test_a_slice_s_interval_holds_its_true_loss_as_often_as_it_says():
    from logloss.engines.arrays import from_arrays

    held, count = 0, 0
    rng = np.random.default_rng(0)
    for _ in range(40):
        p = rng.beta(2, 3, 2000)
        y = (rng.random(2000) < p).astype(float)
        evidence = from_arrays(y, p, by={"s": np.arange(2000) // 100})
        draws = rng.beta(2, 3, 100_000)
        truth = float(-(draws * np.log(draws) + (1 - draws) * np.log1p(-draws)).mean())
        for one in slice_scores(evidence.slices, evidence.tally):
            held += one.log_loss.low <= truth <= one.log_loss.high
            count += 1
    assert 0.93 <= held / count <= 0.97


@pytest.mark.parametrize("name", ["page.pdf", "page.txt"])
def test_a_page_is_not_written_under_the_name_of_another_format(tmp_path, name):
    with pytest.raises(ParameterError, match="would hold HTML under another name"):
        plain().report(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_what_the_model_costs_is_drawn_and_what_is_not_is_told():
    rng = np.random.default_rng(0)
    z = rng.normal(-6, 2, 20_000)
    y, p = (rng.random(len(z)) < 1 / (1 + np.exp(-z))).astype(int), 1 / (1 + np.exp(-(z + 5) * 4))
    facts = EvaluationFacts(evaluate(y, p))
    found = facts.decisions
    assert found.cost[found.chosen] < greatest_cost(found) < found.cost_all
    page = text_of(evaluation_page(facts.evaluation))
    assert "Beyond this chart: acting on every row costs 0.9" in page
    dearer = EvaluationFacts(Evaluation(facts.evaluation.evidence, Costs(1, 9)))
    best = dearer.evaluation.best_threshold
    assert best.is_worth_it
    chosen = dearer.decisions.threshold[dearer.decisions.chosen]
    assert chosen == best.threshold != best.by_theory
    assert best.by_theory in dearer.decisions.threshold
    assert "Beyond this chart" not in text_of(evaluation_page(plain()))


def test_the_charts_of_decisions_are_of_some_height_where_nothing_costs_anything():
    for y, costs in (([0, 0, 0], (0.2, 0.5)), ([0, 1, 0], (0, 1))):
        made = evaluate(y, [0.1, 0.2, 0.25], costs=costs)
        assert greatest_cost(EvaluationFacts(made).decisions) == 1
        assert "Beyond this chart" not in text_of(evaluation_page(made))


def test_net_benefit_at_the_threshold_is_within_its_chart():
    y, p = np.repeat([1, 0], [10, 990]), np.concatenate([np.full(10, 0.9), np.full(990, 0.8)])
    facts = EvaluationFacts(evaluate(y, p)).decisions
    chosen = facts.net_benefit[facts.chosen]
    (low, high), *_ = [
        layer["encoding"]["y"]["scale"]["domain"] for layer in net_benefit_chart(facts).to_dict()["layer"][:1]
    ]
    assert low < chosen < 0 < high
