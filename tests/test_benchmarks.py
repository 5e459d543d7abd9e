"""Every benchmark runs and gives tables; how fast anything is, no test can say."""

import re
import sys

import pytest

from benchmarks import __main__ as command
from benchmarks.measure import median, ratio, take_turns


@pytest.mark.parametrize("name", command.NAMES)
def test_every_benchmark_gives_tables(name):
    tables = list(command.tables(name, quick=True))
    assert tables
    for table in tables:
        assert table.title
        assert table.about
        assert table.rows
        assert {len(row) for row in table.rows} == {len(table.header)}


def test_the_tables_are_written_with_the_machine_and_the_date(tmp_path, monkeypatch, capsys):
    file = tmp_path / "tables.md"
    monkeypatch.setattr(sys, "argv", ["benchmarks", "training_step", "--quick", "--markdown", str(file)])
    command.main()
    written = file.read_text(encoding="utf-8")
    assert written == capsys.readouterr().out
    assert re.match(r"\d{4}-\d\d-\d\d, .*\d cores.*Python 3\..*numpy \d", written)
    assert "### Training step" in written


def test_an_unknown_benchmark_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["benchmarks", "training"])
    with pytest.raises(SystemExit):
        command.main()
    assert "training_step" in capsys.readouterr().err


def test_contenders_take_turns_and_none_always_comes_first():
    came = []
    seconds = take_turns({name: lambda name=name: came.append(name) for name in "ab"}, turns=2, calls=1)
    assert [came[i : i + 2] for i in range(0, 6, 2)] == [["b", "a"], ["a", "b"], ["b", "a"]]
    assert {name: len(times) for name, times in seconds.items()} == {"a": 2, "b": 2}


def test_a_ratio_is_taken_within_each_turn():
    seconds = {"ours": [1.0, 10.0, 3.0], "peer": [2.0, 20.0, 3.0]}
    assert ratio(seconds, "ours", "peer") == "0.50 (0.50 to 0.75)"
    assert median(seconds["ours"]) == 3.0
