import json
import math
import os
import re
import subprocess
import sys
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import logit

from logloss.core.errors import ParameterError, RunError
from logloss.evaluation.reliability import Reliability, reliability
from logloss.report import LossCurves, TrainingReport, history, layout, words, write_training_report
from logloss.report.loss_chart import loss_curves
from logloss.report.reliability_chart import reliability_diagram
from logloss.report.training_page import training_page
from logloss.training.history import Epoch, History, write_epoch
from logloss.training.metrics import Metrics, label_metrics

HOSTILE = [
    "<script>window.reached = 1</script>",
    '"><img src=x onerror="window.reached = 1">',
    "'><svg onload=window.reached=1>",
    "]]></title></style><script>window.reached = 1</script>",
    "{{ 7 * 7 }} {% raw %} ${window.reached = 1}",
    "javascript:window.reached=1 \x00\x1b[31m \u202e\ud800 &amp;",
]


def one_label(name="churn", seed=0, rows=400):
    rng = np.random.default_rng(seed)
    probability = rng.beta(1.5, 3, rows)
    happened = (rng.random(rows) < probability**1.3).astype(float)
    return label_metrics(name, "yes", 0.26, happened, logit(probability))


LABEL = one_label()
OVERFITTING = History.from_losses(
    [0.2 + 0.5 * math.exp(-i / 9) for i in range(40)],
    [0.42 + 0.28 * math.exp(-i / 5) + 0.004 * max(0, i - 11) for i in range(40)],
    0.5623,
)


def report_of(*names, **changes):
    """A report of a training whose labels have the given names."""
    labels = tuple(replace(LABEL, name=name) for name in names or ("churn",))
    facts = {
        "title": "customers.csv",
        "loss": "bce",
        "model": "mlp",
        "history": OVERFITTING,
        "metrics": Metrics(n_train=1600, n_validation=400, labels=labels),
        "verdict": ("The model has learnt something.", "From epoch 14 on it only learnt its training rows by heart."),
        "warnings": ("312 rows without a label were left out.",),
        "settings": {"epochs": 40, "hidden": (64, 64), "patience": None, "target": "churn"},
        "versions": {"logloss": "0.1.0"},
        "kernel": "numpy",
        "created": "2026-11-23",
        "probabilities": "exact",
    }
    return TrainingReport(**facts | changes)


@cache
def plain_page():
    """The page of a report without changes."""
    return training_page(report_of())


def hostile_report():
    """A report in which whatever may come from data is an attack."""
    return report_of(
        *HOSTILE,
        title=HOSTILE[0],
        loss=HOSTILE[1],
        verdict=tuple(HOSTILE),
        warnings=tuple(HOSTILE),
        settings=dict.fromkeys(HOSTILE, HOSTILE) | {"one": HOSTILE[0]},
        versions=dict.fromkeys(HOSTILE, HOSTILE[1]),
        kernel=HOSTILE[2],
        created=HOSTILE[3],
    )


class Elements(HTMLParser):
    """The elements, attributes and texts of a page, as a browser would have them."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.texts = [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.texts.append(data)


def text_of(page):
    return re.sub(r"[ \n]+", " ", " ".join(Elements(page.decode()).texts))


def datasets(chart):
    return list(chart.to_dict()["datasets"].values())


def test_one_row_is_one():
    one = Metrics(n_train=1, n_validation=1, labels=(LABEL,))
    text = text_of(training_page(report_of(metrics=one)))
    assert "on 1 row, judged on 1 validation row " in text
    assert "On the 1 validation row, for" in text
    two = Metrics(n_train=2000, n_validation=2, labels=(LABEL, LABEL))
    text = text_of(training_page(report_of(metrics=two)))
    assert "on 2,000 rows, judged on 2 validation rows " in text
    assert "On the 2 validation rows, losses" in text


# What comes from data stays text


@pytest.fixture(scope="module")
def hostile_page():
    return training_page(hostile_report()).decode()


def test_nothing_from_data_becomes_an_element_or_an_attribute(hostile_page):
    page = Elements(hostile_page)
    assert not {"script", "img", "iframe", "object", "link", "foreignobject", "use", "image", "a"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on") or name in ("href", "src", "xlink:href")]
    assert page.tags.count("svg") == 2 + 6
    assert page.tags.count("style") == 1


def test_hostile_names_are_shown_as_they_are_also_in_charts(hostile_page):
    assert "&lt;script&gt;window.reached = 1&lt;/script&gt;" in hostile_page
    charts = "".join(re.findall(r"<svg.*?</svg>", hostile_page, re.DOTALL))
    assert "<text" in charts
    assert "&lt;script&gt;window.reached" in charts
    assert "{{ 7 * 7 }}" in hostile_page
    assert "\x00" not in hostile_page
    assert "\x1b" not in hostile_page
    assert "\u202e" not in hostile_page


def test_a_page_forbids_everything_but_its_own_style(hostile_page):
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', hostile_page)[1]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline';")


def test_a_page_names_no_address(hostile_page):
    for page in (hostile_page, plain_page().decode()):
        assert "http://" not in page
        assert "https://" not in page
        assert "url(" not in re.sub(r"url\(#[\w-]+\)", "", page)


def test_ids_are_unique_and_references_meet_them(hostile_page):
    for page in (hostile_page, plain_page().decode()):
        ids = re.findall(r'\bid="([^"]+)"', page)
        assert len(ids) == len(set(ids)) > 0
        assert set(re.findall(r"url\(#([\w-]+)\)", page)) <= set(ids)


# The page


def test_the_same_facts_give_the_same_bytes():
    first = training_page(report_of("a", "b"))
    training_page(report_of("c"))  # what was drawn before leaves no trace
    assert training_page(report_of("a", "b")) == first


def test_the_sections_come_in_order():
    text = text_of(plain_page())
    order = [
        "customers.csv",
        "The model has learnt",
        "312 rows",
        "Loss curves",
        "Final numbers",
        "Reliability",
        "Settings",
    ]
    places = [text.index(part, text.index("training report", 200)) for part in order]
    assert places == sorted(places)


def test_the_numbers_stand_beside_those_of_the_same_answer_always():
    text = text_of(plain_page())
    for number in (LABEL.log_loss, LABEL.log_loss_bits, LABEL.base_rate_loss):
        assert words.loss(number) in text
    for share in (LABEL.skill, LABEL.accuracy, LABEL.majority_accuracy, LABEL.base_rate):
        assert words.share(share) in text


def test_every_label_has_its_row_and_the_six_worst_their_diagram():
    labels = tuple(replace(LABEL, name=f"label-{i}", log_loss=0.1 * i) for i in range(1, 10))
    page = training_page(report_of(metrics=Metrics(n_train=10, n_validation=10, labels=labels)))
    text = text_of(page)
    assert all(f"label-{i}" in text for i in range(1, 10))
    assert "Of 9 labels, the 6 with the greatest log loss are shown" in text
    diagrams = re.findall(r'aria-label="Reliability diagram of (label-\d)', page.decode())
    assert diagrams == [f"label-{i}" for i in (9, 8, 7, 6, 5, 4)]


def test_a_label_without_a_diagram_is_said():
    metrics = Metrics(n_train=1, n_validation=1, labels=(replace(LABEL, reliability=None),))
    assert "There is no reliability diagram" in text_of(training_page(report_of(metrics=metrics)))


def test_no_epoch_is_said():
    assert "No iteration was recorded" in text_of(training_page(report_of(history=History(()), model="linear")))


@pytest.mark.parametrize(
    ("kind", "said"), [("exact", "does not distort"), ("corrected", "corrected"), ("distorted", "rank")]
)
def test_what_the_loss_does_to_probabilities_is_said(kind, said):
    assert said in words.PROBABILITIES[kind]
    assert words.PROBABILITIES[kind] in text_of(training_page(report_of(probabilities=kind)))


def test_numbers_that_are_none_are_printed():
    scores = {"log_loss": math.inf, "base_rate_loss": math.nan, "accuracy": math.nan}
    metrics = Metrics(n_train=1, n_validation=1, labels=(replace(LABEL, **scores),))
    text = text_of(training_page(report_of(metrics=metrics)))
    assert "∞" in text
    assert "not a number" in text


def test_a_page_is_small_and_does_not_grow_with_its_epochs():
    noise = np.random.default_rng(0).normal(0, 0.02, (2, 60_000))
    sizes = [
        len(training_page(report_of(history=History.from_losses(0.5 + noise[0, :n], 0.6 + noise[1, :n], 0.69))))
        for n in (6_000, 60_000)
    ]
    assert max(sizes) < 400_000
    assert abs(sizes[1] - sizes[0]) < 0.05 * sizes[0]


# Writing


@pytest.mark.parametrize("function", ["replace", "fsync"])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(function, tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("old")

    def fail(*args):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, function, fail)
    with pytest.raises(RunError, match="no space"):
        write_training_report(report_of(), path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_report_replaces_the_old_one(tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    write_training_report(report_of(), str(path))
    assert path.read_bytes() == plain_page()
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(RunError, match="there is no folder"):
        write_training_report(report_of(), tmp_path / "nowhere" / "report.html")


# Histories of any source

LOSSES, OTHERS = [0.6, 0.5, 0.4], [0.62, 0.55, 0.58]


def a_file(tmp_path):
    path = tmp_path / "history.jsonl"
    epochs = [
        Epoch(epoch=i + 1, train_loss=a, validation_loss=b) for i, (a, b) in enumerate(zip(LOSSES, OTHERS, strict=True))
    ]
    path.write_text("".join(map(write_epoch, epochs)))
    return path


SOURCES = {
    "ours": lambda _: History.from_losses(LOSSES, OTHERS),
    "keras": lambda _: SimpleNamespace(history={"loss": LOSSES, "val_loss": OTHERS, "auc": [0, 0, 0]}, epoch=[0, 1, 2]),
    "keras names": lambda _: {"loss": LOSSES, "val_loss": OTHERS},
    "our names": lambda _: {"train_loss": LOSSES, "validation_loss": OTHERS},
    "arrays": lambda _: {"loss": np.float32(LOSSES), "val_loss": tuple(OTHERS)},
    "path": a_file,
    "name of a file": lambda folder: str(a_file(folder)),
}


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_gives_the_same_curves(source, tmp_path):
    curves = history(SOURCES[source](tmp_path), base_rate_loss=0.69)
    assert isinstance(curves, LossCurves)
    assert [e.epoch for e in curves.history.epochs] == [1, 2, 3]
    assert [e.train_loss for e in curves.history.epochs] == pytest.approx(LOSSES)
    assert [e.validation_loss for e in curves.history.epochs] == pytest.approx(OTHERS)
    assert curves.history.base_rate_loss == 0.69
    assert repr(curves) == "<loss curves of 3 epochs, best: epoch 2, 0.5500>"


def test_a_history_without_validation_or_base_rate_is_drawn():
    shown = history({"loss": LOSSES})._repr_html_()
    assert ">training<" in shown
    assert ">validation<" not in shown
    assert ">base rate<" not in shown


def test_our_history_keeps_its_base_rate_unless_another_is_given():
    ours = History.from_losses(LOSSES, None, 0.7)
    assert history(ours).history.base_rate_loss == 0.7
    assert history(ours, base_rate_loss=0.6).history.base_rate_loss == 0.6


@pytest.mark.parametrize(
    ("source", "error", "said"),
    [
        ({"losses": LOSSES}, ParameterError, "'losses'.* Did you mean \"loss\""),
        ({"val_loss": LOSSES, "auc": LOSSES}, ParameterError, "'val_loss', 'auc'"),
        ({}, RunError, "empty"),
        ({"loss": []}, RunError, "no finished epoch"),
        ({"loss": LOSSES, "val_loss": OTHERS[:2]}, RunError, "'loss' has 3 entries and 'val_loss' has 2"),
        ({"loss": [0.5], "val_loss": OTHERS[:2]}, RunError, "'loss' has 1 entry and 'val_loss' has 2"),
        ({"loss": LOSSES, "train_loss": LOSSES}, ParameterError, "both 'loss' and 'train_loss'"),
        ({"loss": 0.5}, ParameterError, "'loss' is a float"),
        ({"loss": "0.5"}, ParameterError, "'loss' is a str"),
        ({"loss": [0.5, "low"]}, ParameterError, "'low' at place 1"),
        ([0.5, 0.4], ParameterError, "a list; expected what Keras"),
        (None, ParameterError, "NoneType"),
        (SimpleNamespace(history=[1, 2]), ParameterError, "SimpleNamespace"),
        (History(()), RunError, "no finished epoch"),
        ("no/such/history.jsonl", RunError, "There is no file"),
    ],
)
def test_anything_else_is_refused_by_name(source, error, said):
    with pytest.raises(error, match=said):
        history(source)


def test_an_empty_or_damaged_file_is_refused(tmp_path):
    path = tmp_path / "history.jsonl"
    path.write_text("")
    with pytest.raises(RunError, match="no finished epoch"):
        history(path)
    path.write_text(json.dumps({"accuracy": 1}) + "\n")
    with pytest.raises(RunError, match="Line 1"):
        history(path)


@pytest.mark.parametrize("value", ["0.5", math.nan, math.inf, [0.5]])
def test_a_base_rate_that_is_no_loss_is_refused(value):
    with pytest.raises(ParameterError, match="base_rate_loss"):
        history({"loss": LOSSES}, base_rate_loss=value)


def test_curves_are_saved_by_the_name_s_ending(tmp_path):
    curves = history({"loss": LOSSES, "val_loss": [0.6, math.nan, 0.5]})
    for name in ("curves.html", "curves.svg", "curves.PNG"):
        curves.save(tmp_path / name)
    page = (tmp_path / "curves.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "http://" not in page
    assert "1 loss is infinite or not a number, and left out." in page
    assert (tmp_path / "curves.svg").read_text().startswith("<?xml")
    assert (tmp_path / "curves.PNG").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ParameterError, match=r"ends in '\.htm'.*Did you mean"):
        curves.save(tmp_path / "curves.htm")
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize(
    ("name", "package", "extra"),
    [
        ("history", "altair", "evaluate"),
        ("history", "vl_convert", "evaluate"),
        ("write_evaluation_report", "jinja2", "evaluate"),
        ("write_comparison_report", "jinja2", "evaluate"),
        ("comparison_html", "altair", "evaluate"),
        ("write_run_report", "torch", "train"),
        ("write_run_report", "pandas", "train"),
    ],
)
def test_a_missing_package_is_named_with_the_least_that_installs_it(name, package, extra):
    code = f"import sys; sys.modules[{package!r}] = None\nfrom logloss.report import {name}"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert f"MissingPackageError: logloss.report.{name} needs the package {package}." in run.stderr
    assert f"pip install 'logloss[{extra}]'" in run.stderr


def test_nothing_heavy_is_imported_before_it_is_needed():
    code = "import sys, logloss.report; print({'altair', 'jinja2', 'vl_convert', 'sklearn'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


# Charts


def test_a_chart_says_what_it_shows(tmp_path):
    page = plain_page().decode()
    for svg in re.findall(r"<svg[^>]*>", page):
        assert 'role="img"' in svg
        assert re.search(r'aria-label="(Loss curves over 40 epochs\.|Reliability diagram of churn\.)', svg)
    assert page.count("<title>") == 1 + page.count("<svg")


def test_losses_that_cannot_be_drawn_are_left_out_and_counted():
    odd = History.from_losses([0.6, math.inf, 0.4, math.nan], [0.7, 0.6, math.nan, math.inf], math.nan)
    values = [row["y"] for rows in datasets(loss_curves(odd)) for row in rows if row.get("y") is not None]
    assert all(math.isfinite(value) for value in values)
    assert words.left_out(odd) == 4
    assert "4 losses are infinite or not a number" in text_of(training_page(report_of(history=odd)))


def test_a_history_of_nothing_but_nan_says_so():
    nothing = History.from_losses([math.nan, math.nan], [math.inf, math.nan])
    page = training_page(report_of(history=nothing)).decode()
    assert page.count("no loss that can be drawn") == 2
    assert "4 losses are infinite" in page


@pytest.mark.parametrize(("model", "said"), [("mlp", "best: epoch"), ("linear", "reached: iteration")])
def test_the_axis_says_what_a_step_is(model, said):
    page = training_page(report_of(model=model)).decode()
    assert page.count(f">{said.split()[1]}</text>") == 2
    assert page.count(f">{said} 14, ") == 2


def test_overfitting_is_shaded_from_the_best_epoch_on():
    shaded = [rows for rows in datasets(loss_curves(OVERFITTING)) if "x2" in rows[0]]
    assert [(row["x"], row["x2"]) for rows in shaded for row in rows] == [(OVERFITTING.best.epoch, 40)]
    calm = History.from_losses(LOSSES, LOSSES)
    assert not [rows for rows in datasets(loss_curves(calm)) if "x2" in rows[0]]


def test_never_more_than_a_thousand_points_are_drawn_and_the_best_among_them():
    noise = np.random.default_rng(0).normal(0, 0.02, (2, 50_000))
    noise[0, ::7] = math.nan
    long = History.from_losses(0.5 + noise[0], 0.6 + noise[1])
    rows = [row for rows in datasets(loss_curves(long)) for row in rows]
    assert len(rows) <= 1000
    best = long.best
    assert sum((row.get("x"), row.get("y")) == (best.epoch, best.validation_loss) for row in rows) >= 2


def test_thinning_keeps_extremes_ends_order_and_gaps():
    values = np.sin(np.arange(10_000) / 700)
    points = [(i, None if i % 1000 == 5 else float(v)) for i, v in enumerate(values)]
    drawn = layout.thin(points)
    known = [v for _, v in points if v is not None]
    assert len(drawn) <= layout.POINTS
    assert [e for e, _ in drawn] == sorted({e for e, _ in drawn})
    assert {min(known), max(known)} <= {v for _, v in drawn}
    assert (drawn[0], drawn[-1]) == (points[0], points[-1])
    assert sum(v is None for _, v in drawn) == 10


def test_a_far_base_rate_does_not_press_the_curves_flat():
    near, far = [0.010, 0.012, 0.011], 0.69
    axis = layout.axis(near, far)
    assert not axis.holds(far)
    assert axis.height_of(0.012) - axis.height_of(0.010) > 0.8
    shown = history({"loss": near}, base_rate_loss=far)._repr_html_()
    assert ">0.6900 ↑<" in shown


def test_a_curve_over_many_magnitudes_is_drawn_on_a_logarithmic_axis():
    shown = history({"loss": [900.0 * 0.5**i for i in range(20)]})._repr_html_()
    assert ">log loss (nats), logarithmic<" in shown


@pytest.mark.parametrize("losses", [[0.5], [0.0], [0.5, 0.5], [-0.2, -0.3], [1e-12, 2e-12], [1e12, 1.0], [0.0, 3.0]])
def test_any_finite_losses_have_an_axis_that_holds_them(losses):
    for base in (None, 0.0, 0.69):
        axis = layout.axis(losses, base)
        assert axis.low < axis.high
        assert all(axis.holds(value) for value in losses)
        assert all(-1e-9 <= axis.height_of(value) <= 1 + 1e-9 for value in losses)
    assert "<svg" in history({"loss": losses}, base_rate_loss=0.69)._repr_html_()


def test_labels_never_touch():
    rng = np.random.default_rng(0)
    for _ in range(200):
        wanted = list(rng.random(4) * rng.random())
        placed = layout.spread(wanted, 0.07)
        assert np.diff(sorted(placed)).min() >= 0.07 - 1e-6
        assert list(np.argsort(placed)) == list(np.argsort(wanted))
        assert min(placed) >= 0
        assert max(placed) <= 1


@pytest.mark.parametrize(
    "diagram",
    [
        reliability([0, 1, 0, 0], [0.3] * 4),
        reliability([0, 1], [0.0, 1.0]),
        reliability([0, 0, 1, 1], [0.1, 0.4, 0.6, 0.8], [0.5, 0.25, 1, 1]),
        LABEL.reliability,
    ],
    ids=["one probability", "certain", "weighted", "many"],
)
def test_any_reliability_is_drawn_and_every_prediction_counted(diagram: Reliability):
    chart = reliability_diagram(diagram)
    assert "predicted probability" in json.dumps(chart.to_dict())
    bars = [rows for rows in datasets(chart) if "low" not in rows[0] and len(rows) != 2] or datasets(chart)[-1:]
    assert sum(row["y"] for row in bars[-1]) == pytest.approx(sum(diagram.count))
