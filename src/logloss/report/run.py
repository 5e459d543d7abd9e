"""The report of a run folder."""

from datetime import datetime
from pathlib import Path
from typing import Any

from logloss.report.facts import TrainingReport
from logloss.report.training_page import write_training_report
from logloss.training.result import Run
from logloss.training.run import CONFIG, REPORT


def write_run_report(run: Run, out: str | Path | None = None) -> Path:
    """Write the page of a finished run, by default as ``report.html`` into its folder; its path."""
    path = run.path / REPORT if out is None else Path(out)
    write_training_report(training_report(run), path)
    return path


def training_report(run: Run) -> TrainingReport:
    """The facts of a run's page."""
    config = run.config
    started = datetime.fromtimestamp((run.path / CONFIG).stat().st_mtime).astimezone()
    return TrainingReport(
        title=Path(config["job"]["data"]).name,
        loss=config["loss"],
        model=config["options"]["model"],
        history=run.history,
        metrics=run.metrics,
        verdict=run.verdict,
        warnings=run.warnings,
        notes=run.notes,
        settings=_settings(config),
        versions=config["versions"],
        kernel=config["kernel"],
        created=f"{started:%Y-%m-%d %H:%M}",
        probabilities=run.standing,
    )


def _settings(config: Any) -> dict[str, Any]:
    job, options = config["job"], config["options"]
    settings = {
        "target": ", ".join(f"{target['name']} (positive: {target['positive']})" for target in config["targets"]),
        "model": options["model"],
        "loss": config["loss"],
        "validation": _validation(job),
        "weight column": job["weight"] or "none",
        "dropped columns": ", ".join(job["drop"]) or "none",
        "prior correction": "yes" if options["prior_correction"] else "no",
        "seed": options["seed"],
    }
    if config["settings"] is not None:
        chosen = config["settings"]
        settings |= {
            "hidden units": ", ".join(map(str, options["hidden"])),
            "epochs at most": chosen["epochs"],
            "batch size": chosen["batch_size"],
            "learning rate": chosen["learning_rate"],
            "weight decay": chosen["weight_decay"],
            "patience": chosen["patience"],
        }
    return settings


def _validation(job: Any) -> str:
    if job["validation_data"] is not None:
        return Path(job["validation_data"]).name
    share = f"{job['validation']:.0%} of the rows"
    return f"the latest {share} by {job['time_column']}" if job["time_column"] else f"{share}, at random"
