"""What a run leaves: plain files that belong together, which an edit or a damage cannot make lie."""

import errno
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from logloss.core.errors import RunError
from logloss.training import read_run
from logloss.training.prediction import load_scorer
from tests.command_line import QUICK, config, customers, done, logloss, refused, strict_json, write


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return write(customers(100), tmp_path_factory.mktemp("data") / "customers.csv")


@pytest.fixture(scope="module")
def finished(table, tmp_path_factory):
    """A finished run. It is only looked at."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    done("train", table, "--target", "churn", "--out", folder, "--loss", "weighted", *QUICK)
    return folder


@pytest.fixture
def run(finished, tmp_path):
    """A copy of a finished run, to be done with as one likes."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


def test_a_run_is_plain_files(finished):
    assert sorted(path.name for path in finished.iterdir()) == [
        "checkpoint.safetensors",
        "config.json",
        "features.json",
        "history.jsonl",
        "metrics.json",
        "model.safetensors",
        "report.html",
    ]
    for name in ("config.json", "features.json", "metrics.json"):
        text = (finished / name).read_text(encoding="utf-8")
        assert strict_json(text)
        assert text.endswith("}\n")
    epochs = [strict_json(line) for line in (finished / "history.jsonl").read_text().splitlines()]
    assert [epoch["epoch"] for epoch in epochs] == [1, 2]
    assert all(epoch["seconds"] >= 0 and 0 < epoch["validation_loss"] < 1 for epoch in epochs)
    for name in ("checkpoint.safetensors", "model.safetensors"):
        with safe_open(finished / name, "np") as file:
            assert list(file.keys())


def test_what_was_asked_and_what_was_chosen_is_kept(finished, table):
    kept = config(finished)
    assert kept["job"]["data"] == str(table)
    assert kept["job"]["target"] == ["churn"]
    assert kept["loss"].startswith("weighted(pos_weight=")
    assert kept["settings"] == {
        "epochs": 2,
        "batch_size": 16,
        "learning_rate": 0.002,
        "weight_decay": kept["settings"]["weight_decay"],
        "patience": 10,
        "seed": 0,
    }
    [digest] = kept["sha256"].values()
    assert subprocess.run(["sha256sum", table], capture_output=True, text=True, check=True).stdout.startswith(digest)


def test_a_run_reads_back_what_was_printed(finished):
    run = read_run(finished)
    facts = strict_json((finished / "metrics.json").read_text())
    assert run.metrics.log_loss == facts["metrics"]["labels"][0]["log_loss"]
    assert list(run.verdict) == facts["verdict"]
    assert list(run.notes) == facts["notes"]
    assert run.warnings == ()
    assert [epoch.epoch for epoch in run.history.epochs] == [1, 2]
    assert run.history.base_rate_loss == run.metrics.base_rate_loss
    assert str(run.loss) == config(finished)["loss"]
    assert run.standing == "corrected"


def test_a_run_may_be_moved(run, table, tmp_path):
    moved = run.rename(tmp_path / "else where")
    done("predict", moved, table, "--out", tmp_path / "p.csv", "--columns", "")
    done("report", moved)


# ---------------------------------------------------------------------------------------------------------------------
# Edits and damages
# ---------------------------------------------------------------------------------------------------------------------


def predict(run, table):
    said = logloss("predict", run, table, "--out", run.parent / "p.csv", "--columns", "")
    assert said.code == 0 or not (run.parent / "p.csv").exists()
    return said


def flip(content: bytes) -> bytes:
    place = content.index(b"0.") + 2
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


DAMAGES = {
    "edited": flip,
    "respaced": lambda content: content.replace(b"\n", b"\n\n", 1),
    "cut": lambda content: content[: len(content) // 2],
    "emptied": lambda content: b"",
    "not UTF-8": lambda content: b"\xff" + content,
    "a list": lambda content: b"[1]\n",
    "missing": None,
}


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("name", ["config.json", "features.json", "history.jsonl", "metrics.json"])
def test_a_file_that_was_changed_is_noticed(run, table, name, how):
    damage = DAMAGES[how]
    path = run / name
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage(path.read_bytes()))
    # Whoever reads the run notices it, and says which file and what to do.
    sentence = refused("report", run, "--out", run.parent / "page.html")
    assert not (run.parent / "page.html").exists()
    assert str(run) in sentence
    if not (how == "missing" and name == "metrics.json"):
        assert name in sentence
    # Whoever predicts does if it matters for predicting.
    said = predict(run, table)
    assert (said.code == 2) == (name in ("config.json", "features.json"))
    assert said.code == 0 or (name in said.err and "This is a bug" not in said.err)


def test_whitespace_in_a_history_is_no_epoch(run):
    (run / "history.jsonl").write_text("\n")
    assert refused("report", run).startswith(f"Line 1 of {run / 'history.jsonl'} is not an epoch: ''")


def test_a_lost_scoresheet_is_made_again(run):
    before = (run / "metrics.json").read_bytes()
    (run / "metrics.json").unlink()
    assert refused("report", run) == f"{run} is not finished. Continue it with: logloss train --resume {run}"
    done("train", "--resume", run)
    assert (run / "metrics.json").read_bytes() == before


def test_no_bit_of_the_weights_can_be_turned_unnoticed(finished, tmp_path):
    """Either it is refused or, where the bit says nothing, the model is the same."""
    run = Path(shutil.copytree(finished, tmp_path / "run"))
    path = run / "model.safetensors"
    content = path.read_bytes()
    model = load_scorer(run).model
    tensors = {name: value.numpy().tobytes() for name, value in model.tensors().items()}
    header = 8 + int.from_bytes(content[:8], "little")
    rng = np.random.default_rng(0)
    places = np.unique(np.concatenate([np.arange(0, header, 3), rng.integers(header, len(content), 60)]))
    noticed = 0
    for place in places:
        path.write_bytes(content[:place] + bytes([content[place] ^ (1 << rng.integers(8))]) + content[place + 1 :])
        try:
            scorer = load_scorer(run)
        except RunError:
            noticed += 1
            continue
        other = scorer.model
        assert scorer.targets == ("churn",)
        assert other.shift.tolist() == model.shift.tolist()
        assert {name: value.numpy().tobytes() for name, value in other.tensors().items()} == tensors
    assert noticed > 0.95 * len(places)


@pytest.mark.parametrize("size", [0, 4, 100, -1])
def test_weights_that_were_cut_off_are_noticed(run, table, size):
    path = run / "model.safetensors"
    path.write_bytes(path.read_bytes()[:size])
    said = predict(run, table)
    assert said.code == 2
    assert said.err.startswith(f"Error: {path} is damaged (")
    assert said.err.endswith("Restore the file, or train again.\n")


def test_weights_of_another_run_are_noticed(run, table, tmp_path):
    done("train", table, "--target", "churn", "--out", tmp_path / "other", *QUICK)
    shutil.copy(tmp_path / "other" / "model.safetensors", run)
    said = predict(run, table)
    assert said.code == 2
    assert f"{run / 'config.json'} was changed since model.safetensors was written" in said.err


def test_weights_without_our_seal_are_noticed(run, table):
    from safetensors.torch import load_file, save_file

    save_file(load_file(run / "model.safetensors"), run / "model.safetensors")
    assert "model.safetensors is damaged: it does not hold what was written." in predict(run, table).err


# ---------------------------------------------------------------------------------------------------------------------
# Disks
# ---------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def disk(tmp_path, monkeypatch):
    """A small disk: a real one where we may mount it, else one that is played."""
    mounted = []

    def make(kilobytes: int) -> Path:
        folder = tmp_path / "disk"
        folder.mkdir()
        if mount(folder, kilobytes):
            mounted.append(folder)
        else:
            play(folder, kilobytes, monkeypatch)
        return folder

    yield make
    for folder in mounted:
        subprocess.run(["umount", folder], check=True)


def mount(folder: Path, kilobytes: int, *options: str) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", ",".join([f"size={kilobytes}k", *options]), "none", folder]
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        return False


def play(folder: Path, kilobytes: int, monkeypatch) -> None:
    """Let what is in the folder reach the disk only if it has room there, in blocks of 4 kB."""
    fsync = os.fsync

    def sync(descriptor):
        used = sum(-(-one.stat().st_size // 4096) for one in folder.rglob("*") if one.is_file())
        if used > kilobytes // 4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", sync)


def grow(disk: Path, monkeypatch) -> None:
    """Give the disk room."""
    if disk.is_mount():
        subprocess.run(["mount", "-o", "remount,size=100m", disk], check=True)
    else:
        monkeypatch.undo()


def test_a_disk_that_is_full_at_the_start_leaves_nothing(table, disk):
    folder = disk(4)
    (folder / "mine").write_bytes(bytes(4000))
    command = ("train", table, "--target", "churn", "--out", folder / "run", *QUICK)
    said = refused(*command)
    assert "could not be written: the disk is full." in said
    assert said.endswith("Free some space, or write to another disk.")
    assert [path.name for path in folder.iterdir()] == ["mine"]


def test_a_disk_that_fills_up_in_the_middle_loses_nothing(table, disk, tmp_path, monkeypatch):
    command = ("train", table, "--target", "churn", "--epochs", 4, "--hidden", 64, "--out")
    done(*command, tmp_path / "whole")
    checkpoint = (tmp_path / "whole" / "checkpoint.safetensors").stat().st_size
    folder = disk(3 * 4 + 4 * -(-checkpoint // 4096) + 4)  # room for one checkpoint, not for two side by side
    run = folder / "run"
    said = refused(*command, run)
    assert said.startswith(f"{run / 'checkpoint.safetensors'} could not be written: the disk is full.")
    assert said.endswith(f"Then continue with: logloss train --resume {run}")
    assert sorted(path.name for path in run.iterdir()) == [
        "checkpoint.safetensors",
        "config.json",
        "features.json",
        "history.jsonl",
    ]
    assert refused("train", "--resume", run).endswith(f"Then continue with: logloss train --resume {run}")
    grow(folder, monkeypatch)
    assert "Continuing after epoch 1.\n" in done("train", "--resume", run)
    for name in ("model.safetensors", "metrics.json"):
        assert (run / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_predictions_that_find_no_room_leave_what_was_there(finished, table, disk):
    folder = disk(8)
    (folder / "p.csv").write_text("mine")
    said = refused("predict", finished, table, "--out", folder / "p.csv")
    assert said.startswith(f"{folder / 'p.csv'} could not be written: the disk is full.")
    assert (folder / "p.csv").read_text() == "mine"
    assert [path.name for path in folder.iterdir()] == ["p.csv"]


@pytest.fixture
def protected(tmp_path, monkeypatch):
    """A folder in which nothing can be made, not even by root: a real one where we may mount it, else it is played."""
    folder = tmp_path / "protected"
    folder.mkdir()
    mounted = mount(folder, 64, "ro")
    if not mounted:
        for name in ("open", "mkdir"):
            monkeypatch.setattr(os, name, refusing(getattr(os, name), folder))
    yield folder
    if mounted:
        subprocess.run(["umount", folder], check=True)


def refusing(function, folder: Path):
    def refuse(path, *arguments, **options):
        if folder in Path(path).parents:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        return function(path, *arguments, **options)

    return refuse


def test_a_folder_that_may_not_be_written_to(finished, table, protected):
    command = ("train", table, "--target", "churn", *QUICK, "--out")
    assert refused(*command, protected / "run").startswith(f"The folder {protected / 'run'} cannot be made: ")
    assert "could not be written: " in refused(*command, protected)
    assert "could not be written: " in refused("predict", finished, table, "--out", protected / "p.csv")
    assert "could not be written: " in refused("report", finished, "--out", protected / "page.html")
    assert not list(protected.iterdir())
