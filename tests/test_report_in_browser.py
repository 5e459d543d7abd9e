from dataclasses import replace

import pytest

from logloss.report import history, write_training_report
from logloss.training.history import History
from logloss.training.metrics import Metrics
from tests.looking import (
    CLIPPED,
    NARROW,
    OVERLAPPING,
    WIDE,
    assert_it_can_be_read,
    assert_text_stands_out,
    written_when_asked_for,
)
from tests.test_report import HOSTILE, LABEL, OVERFITTING, hostile_report, report_of

LONG_NAME = "a label whose name goes on and on, " * 4
REPORTS = {
    "overfitting": lambda: report_of(),
    "one epoch": lambda: report_of(history=History.from_losses([0.52], [0.55], 0.5623)),
    "linear": lambda: report_of(
        model="linear",
        loss="weighted(pos_weight=3.0)",
        probabilities="corrected",
        history=History.from_losses([0.69 - 0.2 * (1 - 0.8**i) for i in range(25)], None, 0.66),
    ),
    "linear, three lines alike": lambda: report_of(
        model="linear", history=History.from_losses([0.81, 0.70, 0.6928], [0.80, 0.70, 0.6932], 0.6931)
    ),
    "four labels": lambda: report_of("drama", "comedy", LONG_NAME, "x" * 200, title="y" * 200 + ".csv"),
    "far base rate, best last": lambda: report_of(
        history=History.from_losses(
            [0.02 + 0.01 / i for i in range(1, 31)], [0.021 + 0.01 / i for i in range(1, 31)], 0.69
        )
    ),
    "long": lambda: report_of(
        history=History.from_losses(
            [0.3 + 0.3 * 0.9999**i for i in range(100_000)],
            [0.4 + 0.2 * 0.9999**i + 1e-6 * max(0, i - 70_000) for i in range(100_000)],
            0.65,
        )
    ),
    "steep": lambda: report_of(history=History.from_losses([1e4 * 0.5**i + 0.3 for i in range(30)], None, 0.69)),
    "hostile": hostile_report,
}


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    return written_when_asked_for(folder, lambda name, file: write_training_report(REPORTS[name](), file))


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("name", REPORTS)
def test_a_report_can_be_read_at_any_width(name, viewport, reports, look):
    assert_it_can_be_read(look(reports(name), viewport))


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("name", ["overfitting", "linear"])
def test_the_verdict_stands_above_the_fold(name, viewport, reports, look):
    page = look(reports(name), viewport)
    verdict = page.get_by_text("The model has learnt something.").bounding_box()
    assert verdict["y"] >= 0
    assert verdict["y"] + verdict["height"] <= viewport["height"]


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize(("name", "said"), [("overfitting", "best: epoch 14, "), ("linear", "reached: iteration 25, ")])
def test_the_best_epoch_is_named_in_the_chart(name, said, viewport, reports, look):
    labels = look(reports(name), viewport).locator("svg text", has_text=said)
    assert sum(label.is_visible() for label in labels.all()) == 1


def test_a_hostile_name_is_read_and_not_run(reports, look):
    page = look(reports("hostile"), WIDE)
    assert page.locator("table.labels th bdi").first.inner_text() == HOSTILE[0]
    assert page.locator("svg text", has_text=HOSTILE[0]).count() == 1
    assert page.locator("script, img, iframe, [onerror], [onload]").count() == 0
    page.locator("summary").first.click()
    assert page.get_by_text(HOSTILE[1], exact=True).first.is_visible()
    assert page.evaluate("window.reached === undefined")


def test_settings_are_folded_until_asked_for(reports, look):
    page = look(reports("overfitting"), NARROW)
    setting = page.get_by_text("patience")
    assert not setting.is_visible()
    page.get_by_text("Settings", exact=True).click()
    assert setting.is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]


def test_clip_paths_still_clip_though_one_of_two_charts_is_hidden(reports, look):
    for viewport in (WIDE, NARROW):
        page = look(reports("overfitting"), viewport)
        # A path that is clipped by something not displayed would vanish, so the curve would have no pixel of its blue.
        line = page.locator("figure.single svg:visible path[stroke='#0072B2']").first
        assert line.bounding_box()["width"] > 100


def test_curves_of_any_history_are_a_page_too(tmp_path, look):
    curves = history({"loss": [0.6, 0.5, float("nan")], "val_loss": [0.7, 0.6, 0.65]}, base_rate_loss=0.69)
    curves.save(tmp_path / "curves.html")
    for viewport in (WIDE, NARROW):
        page = look(tmp_path / "curves.html", viewport)
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
        assert page.locator("svg:visible").count() == 1
        assert page.evaluate(CLIPPED) == []
        assert page.evaluate(OVERLAPPING) == []


def test_more_labels_than_are_drawn_are_still_one_page(tmp_path, look):
    labels = tuple(replace(LABEL, name=f"label {i}") for i in range(12))
    metrics = Metrics(n_train=10, n_validation=10, labels=labels)
    write_training_report(report_of(metrics=metrics, history=OVERFITTING), tmp_path / "report.html")
    page = look(tmp_path / "report.html", WIDE)
    assert page.locator("figure svg:visible").count() == 1 + 6
    assert page.locator("table.labels tbody tr").count() == 12 + 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["overfitting", "four labels"])
def test_every_text_stands_out_in_light_and_in_dark(name, scheme, reports, look):
    assert_text_stands_out(look(reports(name), WIDE, color_scheme=scheme), scheme)
