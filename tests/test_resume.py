"""A run that was killed, interrupted, or stopped by a full disk goes on to the same bits, and no file is ever half."""

import json
import os
import shutil
import signal
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from tests import trouble
from tests.command_line import LINEAR, customers, done, logloss, refused, strict_json, write

OPTIONS = ("--target", "churn", "--epochs", 3, "--hidden", 8, "--loss", "weighted", "--seed", 5)
FINAL = ["checkpoint.safetensors", "config.json", "features.json", "history.jsonl", "metrics.json", "model.safetensors"]


@pytest.fixture(autouse=True)
def no_report(monkeypatch):
    """Reports are drawn in other tests, and drawing one takes longer than all else here."""
    monkeypatch.setattr("logloss.cli.training.write_run_report", lambda run: run.path / "report.html")


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A table with a category that is embedded."""
    frame = customers(150)
    frame["city"] = [f"city {i % 17}" for i in range(len(frame))]
    return write(frame, tmp_path_factory.mktemp("data") / "customers.csv")


@pytest.fixture(scope="module")
def whole(table, tmp_path_factory):
    """A run that nothing interrupted. It is only looked at."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    done("train", table, "--out", folder, *OPTIONS)
    (folder / "report.html").unlink(missing_ok=True)
    return folder


def history(folder: Path):
    lines = (folder / "history.jsonl").read_text().splitlines()
    return [{key: value for key, value in json.loads(line).items() if key != "seconds"} for line in lines]


def assert_same_run(folder: Path, whole: Path):
    """The same bits, but for the time that epochs took."""
    assert history(folder) == history(whole)
    for name in ("model.safetensors", "metrics.json", "config.json", "features.json"):
        assert (folder / name).read_bytes() == (whole / name).read_bytes(), name
    assert sorted(path.name for path in folder.iterdir()) == FINAL


def assert_no_half_files(folder: Path):
    for path in folder.iterdir():
        if path.name.startswith("."):
            continue  # not under its final name
        if path.suffix == ".json":
            strict_json(path.read_text(encoding="utf-8"))
        elif path.suffix == ".safetensors":
            assert load_file(path)
        else:
            assert path.name == "history.jsonl"
            lines = path.read_text(encoding="utf-8").split("\n")
            assert [json.loads(line)["epoch"] for line in lines[:-1]] == list(range(1, len(lines)))


# What a run of 3 epochs does to its folder; a test holds that it does so. Temporary names are shown as ".NAME".
def written(name: str) -> list[tuple[str, str]]:
    """A file that is written under another name first: made, filled, flushed, renamed; flushed with its folder."""
    temporary = f".{name}"
    return [
        ("open", temporary),
        ("open", temporary),
        ("open", temporary),
        ("os.rename", temporary),
        ("open", "run"),
        ("os.remove", temporary),
    ]


def digested(*names: str) -> list[tuple[str, str]]:
    return [("open", name) for name in names]


EPOCH = [("open", "history.jsonl"), *digested("config.json", "features.json"), *written("checkpoint.safetensors")]
ACCESSES = [
    ("os.mkdir", "run"),
    *written("features.json"),
    *written("config.json"),
    *written("history.jsonl"),
    *(3 * EPOCH),
    *written("metrics.json"),
    *digested("config.json", "features.json", "history.jsonl", "metrics.json"),
    *written("model.safetensors"),
    *written("report.html"),
]
BEGUN = 1 + 6 + 4  # the renaming of config.json, which makes the folder a run
CREATED = 1 + 6 + 6  # what is refused up to here leaves nothing
FIRST_EPOCH = 1 + 3 * 6 + 1
LAST = len(ACCESSES) - 6  # the report comes after it


def test_a_run_writes_its_files_whole(table, whole, tmp_path):
    ended = trouble.meet(
        ("train", table, "--out", tmp_path / "run", *OPTIONS), tmp_path / "log", folder=tmp_path / "run"
    )
    assert (ended.code, ended.err) == (0, "")
    shown = [
        (one.what, one.name[0] + one.name[10:] if one.name.startswith(".") else one.name) for one in ended.accesses
    ]
    assert shown == ACCESSES
    # Under its final name nothing is opened to be written but the history, which grows by lines.
    assert {one.name for one in ended.accesses if one.writes and one.what == "open" and one.name[0] != "."} == {
        "history.jsonl"
    }
    (tmp_path / "run" / "report.html").unlink()
    assert_same_run(tmp_path / "run", whole)


# ---------------------------------------------------------------------------------------------------------------------
# Killed
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [*range(BEGUN + 1, LAST, 5), FIRST_EPOCH + 3, LAST])
def test_a_run_killed_at_any_moment_goes_on_to_the_same_bits(table, whole, tmp_path, at):
    folder = tmp_path / "run"
    ended = trouble.meet(("train", table, "--out", folder, *OPTIONS), tmp_path / "log", folder=folder, at=at)
    assert ended.code == -signal.SIGKILL
    assert_no_half_files(folder)
    if at <= LAST - 2:  # else all that was to be done was done
        done("train", "--resume", folder)
        assert_same_run(folder, whole)
    assert "is finished: nothing is left to continue" in refused("train", "--resume", folder)


def test_a_run_killed_before_it_began_is_no_run(table, tmp_path):
    folder = tmp_path / "run"
    command = ("train", table, "--out", folder, *OPTIONS)
    assert trouble.meet(command, tmp_path / "log", folder=folder, at=BEGUN).code == -signal.SIGKILL
    assert "is not a run folder: it holds no config.json." in refused("train", "--resume", folder)
    assert "exists already and is not an empty folder. Name another one." in refused(*command)


def test_a_run_killed_again_and_again_goes_on_to_the_same_bits(table, whole, tmp_path):
    folder = tmp_path / "run"
    command = ("train", table, "--out", folder, *OPTIONS)
    for number, at in enumerate((FIRST_EPOCH + 1, 12, 3, 17, 9, 13)):
        ended = trouble.meet(command, tmp_path / f"log{number}", folder=folder, at=at)
        assert ended.code == -signal.SIGKILL, ended
        assert_no_half_files(folder)
        command = ("train", "--resume", folder)
    assert len(history(folder)) > 1
    done(*command)
    assert_same_run(folder, whole)


@pytest.mark.parametrize("epochs", [0, 1, 2])
def test_a_run_killed_from_outside_goes_on_to_the_same_bits(table, whole, tmp_path, epochs):
    folder = tmp_path / "run"
    process = trouble.start(("train", table, "--out", folder, *OPTIONS), tmp_path / "log")
    while process.is_alive() and not ((folder / "config.json").exists() and lines(folder) >= epochs):
        if folder.exists():
            assert_no_half_files(folder)
    process.kill()
    process.join()
    assert_no_half_files(folder)
    if not (folder / "model.safetensors").exists():  # it may have been quicker
        done("train", "--resume", folder)
    (folder / "report.html").unlink(missing_ok=True)
    assert_same_run(folder, whole)


def lines(folder: Path) -> int:
    path = folder / "history.jsonl"
    return path.read_text().count("\n") if path.exists() else 0


def test_a_linear_run_that_was_killed_goes_on_to_the_same_bits(table, tmp_path):
    command = ("train", table, "--target", "churn", *LINEAR, "--out")
    done(*command, tmp_path / "whole")
    folder = tmp_path / "run"
    ended = trouble.meet((*command, folder), tmp_path / "log", folder=folder, at=FIRST_EPOCH + 3)
    assert ended.code == -signal.SIGKILL
    assert 0 < lines(folder) < lines(tmp_path / "whole")
    done("train", "--resume", folder)
    assert history(folder) == history(tmp_path / "whole")
    for name in ("model.safetensors", "metrics.json"):
        assert (folder / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


# ---------------------------------------------------------------------------------------------------------------------
# Interrupted by Ctrl-C
# ---------------------------------------------------------------------------------------------------------------------


def test_ctrl_c_stops_with_the_command_that_goes_on(table, whole, tmp_path):
    folder = tmp_path / "my run"
    endless = ("--epochs", 10**6, "--learning-rate", 1e-9)
    process = trouble.start(("train", table, "--out", folder, *OPTIONS, *endless), tmp_path / "log")
    while lines(folder) < 2:
        assert process.is_alive()
    os.kill(process.pid, signal.SIGINT)
    ended = trouble.ended(process, tmp_path / "log")
    assert ended.code == 130
    assert ended.err == f"Stopped. Continue with: logloss train --resume '{folder}'\n"
    assert_no_half_files(folder)


@pytest.mark.parametrize(
    "at", [3, BEGUN, CREATED, CREATED + 1, FIRST_EPOCH, FIRST_EPOCH + 5, FIRST_EPOCH + 15, LAST - 20, LAST - 5]
)
def test_ctrl_c_loses_nothing_at_any_moment(table, whole, tmp_path, at):
    folder = tmp_path / "run"
    ended = trouble.meet(
        ("train", table, "--out", folder, *OPTIONS),
        tmp_path / "log",
        folder=folder,
        at=at,
        trouble=trouble.interrupt,
    )
    assert ended.code == 130
    if at <= CREATED:
        assert ended.err == "Stopped. Nothing was begun.\n"
        assert not folder.exists()
        return
    assert ended.err == f"Stopped. Continue with: logloss train --resume {folder}\n"
    assert not [path.name for path in folder.iterdir() if path.name.startswith(".")]
    assert_no_half_files(folder)
    done("train", "--resume", folder)
    assert_same_run(folder, whole)


# ---------------------------------------------------------------------------------------------------------------------
# A full disk
# ---------------------------------------------------------------------------------------------------------------------

GROWS = [i for i, access in enumerate(ACCESSES, 1) if access == ("open", "history.jsonl")][:-1]


@pytest.mark.parametrize(
    "at", [1, 3, BEGUN, BEGUN + 4, GROWS[0], GROWS[0] + 4, GROWS[1], GROWS[1] + 6, LAST - 14, LAST - 3]
)
def test_a_full_disk_loses_nothing(table, whole, tmp_path, at):
    folder = tmp_path / "run"
    command = ("train", table, "--out", folder, *OPTIONS)
    ended = trouble.meet(command, tmp_path / "log", folder=folder, at=at, trouble=trouble.disk_full)
    assert ended.code == 2
    assert ended.err.startswith("Error: ")
    assert ended.err.count("\n") == 1
    assert "disk is full" in ended.err or "No space left on device" in ended.err
    if at <= CREATED:
        assert "resume" not in ended.err
        assert not folder.exists()
        done(*command)
    else:
        assert ended.err.endswith(f" Then continue with: logloss train --resume {folder}\n")
        assert_no_half_files(folder)
        done("train", "--resume", folder)
    assert_same_run(folder, whole)


def test_a_disk_too_full_for_the_report_keeps_the_run(table, whole, tmp_path):
    folder = tmp_path / "run"
    ended = trouble.meet(
        ("train", table, "--out", folder, *OPTIONS),
        tmp_path / "log",
        folder=folder,
        at=LAST + 2,
        trouble=trouble.disk_full,
    )
    assert ended.code == 2
    assert "Best epoch" in ended.out  # the verdict is there all the same
    assert ended.err.endswith(f"The run itself is whole; draw its report with: logloss report {folder}\n")
    assert_same_run(folder, whole)


# ---------------------------------------------------------------------------------------------------------------------
# What may have happened in between
# ---------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def half_made(table, tmp_path_factory):
    """A run that was killed in its third epoch. It is only copied."""
    folder = tmp_path_factory.mktemp("half") / "run"
    at = GROWS[2] + 1
    command = ("train", table, "--out", folder, *OPTIONS)
    ended = trouble.meet(command, folder.parent / "log", folder=folder, at=at)
    assert ended.code == -signal.SIGKILL
    assert lines(folder) == 3
    return folder


@pytest.fixture
def half(half_made, tmp_path):
    """A copy of such a run."""
    return Path(shutil.copytree(half_made, tmp_path / "run"))


def test_the_history_is_mended_from_the_checkpoint(half, whole, tmp_path):
    for number, change in enumerate([b"", b'{"epoch": 1, "train', b"neither this nor that\n", None]):
        folder = Path(shutil.copytree(half, tmp_path / f"run{number}"))
        if change is None:
            (folder / "history.jsonl").unlink()
        else:
            (folder / "history.jsonl").write_bytes(change)
        done("train", "--resume", folder)
        assert_same_run(folder, whole)


def test_without_a_checkpoint_a_run_begins_anew(half, whole):
    (half / "checkpoint.safetensors").unlink()
    said = done("train", "--resume", half)
    assert "Continuing after epoch" not in said
    assert_same_run(half, whole)


def test_resuming_says_where_it_goes_on(half):
    assert "Continuing after epoch 2.\n" in done("train", "--resume", half)


def test_resuming_can_print_json(half, whole):
    said = strict_json(done("train", "--resume", half, "--json"))
    assert said["metrics"] == strict_json((whole / "metrics.json").read_text())["metrics"]


@pytest.mark.parametrize(
    ("name", "old", "new", "sentence"),
    [
        ("config.json", b'"seed": 5', b'"seed": 6', "config.json was changed since checkpoint.safetensors was written"),
        ("config.json", b'"target"', b'"tarqet"', "The job in "),
        ("config.json", b'"validation": 0.2', b'"validation": "a"', "validation is 'a'; expected float."),
        ("config.json", b'"validation": 0.2', b'"validation": 7.0', "is damaged: validation=7.0 is not usable"),
        ("config.json", b'"epochs": 3', b'"epochs": -3', "The run's configuration is damaged: epochs=-3"),
        ("config.json", b'"format": 1', b'"format": 9', "is of format 9, and this version of logloss reads 1."),
        ("config.json", b"{", b"", "config.json is damaged: it is not JSON"),
        ("features.json", b'"center"', b'"centre"', "features.json is damaged: "),
        (
            "features.json",
            b'"varies": true',
            b'"varies":  true',
            "features.json was changed since checkpoint.safetensors",
        ),
        ("checkpoint.safetensors", b"last.", b"lost.", "checkpoint.safetensors is damaged"),
    ],
)
def test_a_folder_that_was_changed_does_not_go_on(half, name, old, new, sentence):
    content = (half / name).read_bytes()
    assert old in content
    (half / name).write_bytes(content.replace(old, new, 1))
    before = {path.name: path.read_bytes() for path in half.iterdir()}
    said = refused("train", "--resume", half)
    assert sentence in said
    assert str(half / name) in said or "The run's configuration" in said
    assert {path.name: path.read_bytes() for path in half.iterdir()} == before


def test_a_folder_that_lacks_its_recipe_does_not_go_on(half):
    (half / "features.json").unlink()
    assert "is not a whole run folder: it holds no features.json." in refused("train", "--resume", half)


def test_a_table_that_was_changed_does_not_go_on(half, whole, table):
    content = table.read_bytes()
    try:
        table.write_bytes(content.replace(b"gold", b"silver", 1))
        said = refused("train", "--resume", half)
        assert said.startswith(f"{table} was changed since the run {half} was started, so it cannot be continued.")
        table.unlink()
        said = refused("train", "--resume", half)
        assert said.startswith(f"{table}, from which {half} learns, cannot be read: No such file or directory.")
    finally:
        table.write_bytes(content)
    done("train", "--resume", half)
    assert_same_run(half, whole)


def test_another_table_to_validate_on_is_looked_at_too(table, tmp_path):
    other = Path(shutil.copy(table, tmp_path / "other.csv"))
    folder = tmp_path / "run"
    command = ("train", table, "--validation-data", other, "--out", folder, *OPTIONS)
    ended = trouble.meet(command, tmp_path / "log", folder=folder, at=GROWS[2])
    assert ended.code == -signal.SIGKILL
    other.write_bytes(other.read_bytes().replace(b"gold", b"silver", 1))
    assert refused("train", "--resume", folder).startswith(f"{other} was changed since ")


def test_a_finished_run_that_lost_its_model_makes_it_again(whole, tmp_path):
    for name in ("model.safetensors", "metrics.json"):
        folder = Path(shutil.copytree(whole, tmp_path / name))
        (folder / name).unlink()
        assert f"logloss train --resume {folder}" in logloss("report", folder).err
        done("train", "--resume", folder)
        assert_same_run(folder, whole)
