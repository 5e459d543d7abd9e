"""The page of several models: whatever they are called and wherever they are infinite, it is whole, small and true."""

import math
import re
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from logloss import evaluate
from logloss.core.errors import ParameterError, RunError
from logloss.evaluation.comparison import Comparison
from logloss.evaluation.decisions import Costs
from logloss.evaluation.difference import PROBABILITY, Region
from logloss.evaluation.score import Score
from logloss.report import comparison_html, write_comparison_report
from logloss.report.comparison_facts import DRAWN, MODELS, split_by, splits
from logloss.report.comparison_page import are_in_log_odds, comparison_page
from logloss.report.comparison_tables import board, costs
from logloss.report.evaluation_words import probability
from logloss.report.score_words import interval, number
from logloss.report.words import clean
from tests.comparisons import COMPARISONS, NAMES, models
from tests.test_report import HOSTILE, Elements, datasets, text_of


@cache
def page_of(name):
    return comparison_page(COMPARISONS[name](), HOSTILE[0] if name == "hostile" else name)


def with_regions(comparison, by, values):
    """The same with other regions by column: each model wins some, some are infinite, some cannot be told."""
    apart = [Score(0.1, 0.05, 0.15), Score(-0.2, -0.3, -0.1), Score(0.01, -0.2, 0.2), Score(math.inf), Score(math.nan)]
    differences = []
    for one in comparison.differences:
        winners = [one.best, one.model, None, one.best, None]
        regions = [
            Region(column, value, 12 + i, 1 / len(values), apart[i % 5], winners[i % 5])
            for column in by
            for i, value in enumerate(values)
        ]
        bands = [region for region in one.regions if region.by == PROBABILITY]
        differences.append(replace(one, regions=(*bands, *regions)))
    return Comparison(comparison.evaluations, tuple(differences))


# What comes from data stays text


def test_nothing_from_data_becomes_an_element_or_an_attribute():
    page = Elements(page_of("hostile").decode())
    assert not {"script", "img", "iframe", "object", "link", "foreignobject", "use", "image"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on") or name in ("src", "xlink:href")]
    links = [value for name, value in page.attributes if name == "href"]
    assert links == ["#scores", *(f"#model-{i}" for i in range(2, len(NAMES) + 1))]


def test_hostile_text_is_shown_and_cannot_turn_its_surroundings_about():
    for shown in (page_of("hostile").decode(), comparison_html(COMPARISONS["hostile"]())):
        assert "<script>window" not in shown
        assert not re.search("[\x00\x1b\u202e\ud800]", shown)
        for name in NAMES:
            assert clean(name)[:20] in " ".join(Elements(shown).texts)


@pytest.mark.parametrize("name", ["plain", "hostile"])
def test_a_page_names_no_address_and_runs_nothing(name):
    page = page_of(name).decode()
    assert "http://" not in page
    assert "https://" not in page
    assert "url(" not in re.sub(r"url\(#[\w-]+\)", "", page)
    assert "script-src" not in page


@pytest.mark.parametrize("name", COMPARISONS)
def test_ids_are_unique_and_references_meet_them(name):
    page = page_of(name).decode()
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids)) > 0
    assert set(re.findall(r"url\(#([\w-]+)\)", page)) | set(re.findall(r'href="#([\w-]+)"', page)) <= set(ids)


def test_no_value_of_a_row_is_shown():
    rows = 200
    table = {"y": np.arange(rows) % 2, "p": np.linspace(0.1, 0.9, rows), "q": np.full(rows, 0.5)}
    table["who"] = [f"customer-{i}" for i in range(rows)]
    import pandas as pd

    found = evaluate(pd.DataFrame(table), label="y", score=["p", "q"], by="who", id="who", show_rows=["who"])
    assert "customer-" not in comparison_page(found).decode()
    assert "customer-" not in comparison_html(found)


# The page


@pytest.mark.parametrize("name", COMPARISONS)
def test_every_comparison_has_a_page_without_bare_nan(name):
    text = text_of(page_of(name))
    assert not re.search(r"\b(nan|None|inf)\b", text)
    assert not re.search(r"\b(AUC|NE|ECE|ICI)\b", text)
    assert "()" not in text
    assert not re.search(r"\b(nan|None|inf)\b", " ".join(Elements(comparison_html(COMPARISONS[name]())).texts))


def test_the_same_facts_give_the_same_bytes():
    assert comparison_page(COMPARISONS["plain"](), "plain") == page_of("plain")
    assert comparison_html(COMPARISONS["plain"]()) == comparison_html(COMPARISONS["plain"]())


def test_the_sections_come_in_order():
    text = text_of(page_of("plain"))
    order = [
        "new has the least log loss",
        "old loses",
        "But it wins where region is east",
        "The models, best first",
        "Area under the ROC curve",
        "How far from the best",
        "Where each wins",
        "by the mean of both probabilities",
        "by region",
        "by size",
        "Are the probabilities borne out?",
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)


def test_the_board_has_every_model_the_best_first():
    page = page_of("several").decode()
    board = page[page.index('<table class="labels board">') : page.index("</table>")]
    names = [text for text in Elements(board).texts if text.startswith("model ")]
    assert names == [f"model {i}" for i in range(8)]
    loss = COMPARISONS["several"]()["model 3"].log_loss
    assert f"{loss.value:.4f}" in board
    assert f"{loss.low:.4f} to {loss.high:.4f}" in board


def test_every_figure_is_a_table_too():
    page = Elements(page_of("several").decode())
    figures = 1 + 7 * 2 + 6
    assert page.tags.count("figure") == figures
    assert page.tags.count("details") == figures + 2  # what the scores mean, and what was evaluated


def test_every_picture_says_what_it_shows():
    for svg in re.findall(r"<svg[^>]*>", page_of("several").decode()):
        assert 'role="img"' in svg
        assert len(re.search(r'aria-label="([^"]+)"', svg)[1]) > 40


def test_the_winner_is_told_by_colour_by_shape_and_by_word():
    chart = COMPARISONS["plain"]().plot.regions("old", by="region")
    rows = [row for rows in datasets(chart) for row in rows]
    looks = {(row["colour"], row["shape"]) for row in rows if "shape" in row}
    assert len(looks) == len({colour for colour, _ in looks}) == len({shape for _, shape in looks}) == 3
    assert {"new wins", "old wins"} <= {row.get("text") for row in rows}


def test_names_that_look_alike_when_cut_short_are_told_apart():
    long = "x" * 100
    found = evaluate([1, 0] * 50, {f"{long}a{long}": [0.7, 0.4] * 50, f"{long}b{long}": [0.6, 0.4] * 50})
    text = text_of(comparison_page(found))
    assert "the other beside the best" in text
    assert "the best wins" in text


def test_one_model_has_nothing_beside_it():
    text = text_of(page_of("one model"))
    assert "there is no other model to compare it with" in text
    assert "Where each wins" not in text
    assert "Reliability diagram" in text


def test_what_is_infinite_or_unknown_is_said():
    text = text_of(page_of("two infinite"))
    assert "b has an infinite log loss." in text
    assert "infinite: a wins" in text
    assert re.search(r"other rows: 0\.\d+; as Keras clips it: 0\.\d+", text)
    text = text_of(page_of("all infinite"))
    assert "Every log loss is infinite; a comes first by its Brier score, 0." in text
    assert "b cannot be told from a: both losses are infinite." in text
    assert "The weights sum to nothing" in text_of(page_of("no weight"))
    assert "How far from the best" not in text_of(page_of("no weight"))


def test_what_is_found_of_all_models_is_said_once():
    text = text_of(page_of("one class"))
    assert text.count("All labels are positive: ranking") == 1
    assert "a: All labels" not in text
    assert "b, c: Rows with a certain" in text_of(page_of("two infinite"))


def test_many_models_columns_and_values_are_still_one_small_page():
    y, by_name, _ = models(MODELS + 5, 400)
    names = [(HOSTILE[i % 5] * 12)[:298] + f"{i:02d}" for i in range(len(by_name))]
    found = evaluate(y, dict(zip(names, by_name.values(), strict=True)))
    values = [f"{HOSTILE[i % 5] * 8}{i}" for i in range(100_000 // len(names))]
    page = comparison_page(with_regions(found, [*HOSTILE[:5], "f", "g"], values))
    assert len(page) < 3_000_000
    text = text_of(page)
    assert "in the JSON" in text
    assert text.count("more columns are in the JSON") == MODELS - 1
    assert "The first 20 models are drawn" in text


def test_a_hundred_thousand_values_are_a_small_page():
    found = with_regions(COMPARISONS["plain"](), ["shop"], [f"{i}" for i in range(100_000)])
    page = comparison_page(found)
    assert len(page) < 500_000
    text = text_of(page)
    assert "Of 100,000 parts, new wins 40,000 and old wins 20,000. The 20 that make the largest difference" in text
    assert "99,800 more are in the JSON." in text


def test_a_page_is_as_small_for_many_rows():
    y, by_name, region = models(2, 300_000)
    assert len(comparison_page(evaluate(y, by_name, by={"region": region}))) < 2 * len(page_of("plain"))


def test_the_parts_that_are_drawn_make_the_largest_difference():
    one = COMPARISONS["plain"]().differences[0]
    found = with_regions(COMPARISONS["plain"](), ["shop"], list("abcdefghij"))
    assert [region.value for region in split_by(one)[PROBABILITY]] == [
        region.value for region in one.regions if region.by == PROBABILITY
    ]
    shops = split_by(found.differences[0])["shop"]
    assert [abs(region.difference.value) for region in shops[:4]] == [math.inf, math.inf, 0.2, 0.2]
    assert math.isnan(shops[-1].difference.value)
    ((_, (bands, split), more),) = splits(found)
    assert (bands.by, split.by, split.drawn, split.listed, more) == (PROBABILITY, "shop", DRAWN, 200, 0)


def test_a_page_is_where_it_was_asked_for(tmp_path):
    found = COMPARISONS["plain"]()
    assert found.report(str(tmp_path / "r.html"), title="plain") == tmp_path / "r.html"
    assert (tmp_path / "r.html").read_bytes() == page_of("plain")
    with pytest.raises(RunError, match="there is no folder"):
        write_comparison_report(found, tmp_path / "nowhere" / "r.html")


def test_a_title_is_given_to_either_page(tmp_path):
    found = COMPARISONS["plain"]()
    for one in (found, found["old"]):
        assert "<h1><bdi>May &amp; June</bdi></h1>" in one.report(tmp_path / "r.html", title="May & June").read_text()


# Charts and their points


def test_a_chart_s_points_are_a_frame():
    plots = COMPARISONS["plain"]().plot
    for chart, frame in (
        (plots.differences(), plots.points.differences()),
        (plots.regions("old"), plots.points.regions("old")),
        (plots.regions("old", by="region"), plots.points.regions("old", by="region")),
    ):
        assert chart.to_dict()["config"]
        assert {"difference", "low", "high"} <= set(frame.columns)
        assert frame.difference.notna().all()
    assert set(plots.points.regions("old", by="region").value) == {"north", "south", "east", "west"}


def test_what_cannot_be_drawn_is_refused_by_name():
    found = COMPARISONS["plain"]()
    with pytest.raises(ParameterError, match="'new' is the best model itself; expected one of 'old'"):
        found.plot.regions("new")
    with pytest.raises(ParameterError, match=r"'odl' is not known.*Did you mean"):
        found.plot.regions("odl")
    with pytest.raises(ParameterError, match="by='shop' is not known; there is 'mean probability', 'region', 'size'"):
        found.plot.points.regions("old", by="shop")
    with pytest.raises(ParameterError, match="this needs two models or more"):
        COMPARISONS["one model"]().plot.differences()


def test_a_chart_by_itself_says_what_it_is_of():
    plots = COMPARISONS["plain"]().plot
    title = plots.differences().to_dict()["title"]
    assert title["text"] == "Differences from the best model"
    assert title["subtitle"].startswith("Beside new, with 95 % intervals")
    title = plots.regions("old", by="region").to_dict()["title"]
    assert title["text"] == "Where each wins, by region"
    assert title["subtitle"].startswith("old beside new")


def test_no_number_on_a_page_has_a_hyphen_for_its_sign():
    for name in ("nearly the same", "several", "plain"):
        page = re.sub("<style>.*?</style>", "", page_of(name).decode(), flags=re.DOTALL)
        assert not re.search(r">[^<]*[ (]-\d[^<]*<", page)


def test_a_notebook_shows_the_verdict_the_board_and_the_differences():
    shown = COMPARISONS["several"]()._repr_html_()
    assert shown.count("<svg") == shown.count("<table") == 1
    assert "model 0 has the least log loss" in shown
    for one in COMPARISONS["several"]().differences:
        assert f">{interval(one.log_loss)}</small>" in shown
    assert "<style" not in shown
    assert "<script" not in shown


def test_the_best_of_each_column_is_bold():
    y, by_name, _ = models(1)
    truth = by_name["model 0"]
    made = evaluate(y, {"truth": truth, "steep": 1 / (1 + (1 / truth - 1) ** 3)})
    found = board(made)
    steep = dict(found.rows)["steep"]
    assert [cell.is_best for cell in dict(found.rows)["truth"]] == [True] * 6
    assert [cell.is_best for cell in steep] == [False] * 4 + [True] * 2
    assert not any(cell.is_best for _, cells in board(evaluate(y, {"one": truth})).rows for cell in cells)


def test_what_deciding_by_each_model_costs_is_told():
    y, by_name, _ = models(3)
    made = evaluate(y, by_name, costs=Costs(1, 5))
    page = text_of(comparison_page(made))
    assert "A false alarm costs 1 and a missed positive 5." in page
    table = costs(made)
    assert [row[0] for row in table.rows] == list(made.evaluations)
    for row, one in zip(table.rows, made.evaluations.values(), strict=True):
        best = one.best_threshold
        cost = best.cost if best.is_worth_it else best.cost_by_theory
        assert row[1:4] == (probability(best.threshold), number(cost.value), interval(cost))
    assert "What deciding costs" not in text_of(comparison_page(evaluate(y, by_name)))


def test_diagrams_of_rare_events_are_in_log_odds():
    y, by_name, _ = models(2)
    assert not are_in_log_odds(evaluate(y, by_name))
    rare = evaluate(y * (np.arange(len(y)) % 50 == 0), {name: p / 50 for name, p in by_name.items()})
    assert are_in_log_odds(rare)
    assert "Axes are in log-odds" in text_of(comparison_page(rare))
    assert "Axes are in log-odds" not in text_of(comparison_page(evaluate(y, by_name)))
