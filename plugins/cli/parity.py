"""`appeval parity [RUN]`: its verdicts by pytest, through MLflow's scorers, and by judging its evidence again."""

from __future__ import annotations

import argparse
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from fixtures.app import App
from fixtures.errors import Unmeasured
from plugins.cli import run_folder
from plugins.metric import PASS_AT, Metric
from plugins.options import request_for
from plugins.project import project_folder
from plugins.stage_pool import StagePool
from plugins.tracking.options import add_store_options, store_of
from reports.model import Run, Verdict, read_run
from reports.parity import Said, parity, parity_text

HELP = "whether pytest, MLflow's scorers and stored evidence give the same verdicts"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run_name", metavar="RUN", nargs="?", default="latest", help="run id, folder, or latest")
    parser.add_argument("--again", action="store_true", help="the scorers run the stages again, from the apps' folders")
    parser.add_argument("--old", metavar="REPORT", help="compare with an older evaluation_report.json instead")
    add_store_options(parser)


def run(arguments: argparse.Namespace) -> int:
    folder = run_folder(arguments.run_name)
    shown = read_run(folder)
    if arguments.old:
        return _older(shown, Path(arguments.old))
    if arguments.again and shown.epochs > 1:
        raise ValueError(f"{shown.id} has {shown.epochs} epochs: --again measures every app once")
    if shown.partial:
        raise ValueError(f"{shown.id} is a partial run: what was not selected cannot be compared")
    metrics = _metrics(shown)
    pass_at = float(shown.settings.get("pass_at", PASS_AT))
    pytest = ("pytest", _said((app.app, verdict) for app in shown.apps for verdict in app.verdicts))
    stored = ("stored evidence", _rejudged(shown, folder, metrics, pass_at))
    scorers = ("MLflow scorers", _through_mlflow(arguments, shown, folder, metrics, pass_at))
    names = [metric.name for metric in metrics]
    ways = [parity(pytest, scorers, names), parity(pytest, stored, names)]
    print(parity_text(ways))
    return 1 if any(way.differences for way in ways) else 0


def _older(shown: Run, path: Path) -> int:
    from reports.older.agreement import agreement_text, parity_with_older
    from reports.older.reading import read_older

    found = parity_with_older(shown, read_older(path))
    print(agreement_text(found), end="")
    return 1 if any(row.unexplained for row in found.rows) else 0


def _metrics(shown: Run) -> list[Metric]:
    from plugins.judges import scored_metrics

    judged = {verdict.metric for app in shown.apps for verdict in app.verdicts}
    return [metric for metric in scored_metrics() if metric.name in judged]


def _said(verdicts: Iterable[tuple[str, Verdict]]) -> Said:
    return {(app, verdict.epoch, verdict.metric): verdict for app, verdict in verdicts}


def _subjects(shown: Run, folder: Path) -> list[dict[str, Any]]:
    """What judges are told: each app and epoch of the run."""
    return [
        {"run": str(folder), "app": app.app, "epoch": epoch}
        for app in shown.apps
        for epoch in sorted({verdict.epoch for verdict in app.verdicts})
    ]


def _rejudged(shown: Run, folder: Path, metrics: list[Metric], pass_at: float) -> Said:
    from plugins.judges import Stored, verdict_by

    source = Stored()
    return _said(
        (str(inputs["app"]), verdict_by(metric, source, inputs, pass_at))
        for inputs in _subjects(shown, folder)
        for metric in metrics
    )


def _through_mlflow(
    arguments: argparse.Namespace, shown: Run, folder: Path, metrics: list[Metric], pass_at: float
) -> Said:
    from plugins.judges import Pooled, Stored, judges_of, time_out
    from plugins.tracking.evaluation import Row, evaluate

    tags = {"appeval.kind": "parity", "appeval.judged_run_id": shown.id}
    inputs: list[Mapping[str, Any]] = list(_subjects(shown, folder))
    if not arguments.again:
        judges = judges_of(metrics, Stored(), pass_at=pass_at)
        with store_of(arguments) as store:
            found = evaluate(store, [Row(one, {}, {}) for one in inputs], judges, name=f"parity {shown.id}", tags=tags)
        return _by_row(inputs, found.verdicts)
    stamp = f"parity-{time.strftime('%Y-%m-%dT%H-%M-%S', time.gmtime())}-{secrets.token_hex(2)}"
    asked = {name: shown.settings.get(name.removeprefix("--")) for name in ("--sandbox", "--warehouse")}
    settings = request_for({**asked, "--run-dir": str(project_folder() / "runs" / stamp)}, project_folder()).settings
    needs = dict.fromkeys(name for metric in metrics for name in metric.needs)
    inputs = [{"app_dir": app.path, "app": app.app} for app in shown.apps]
    with StagePool(settings, needs, print) as pool:
        pool.warm(_found(pool, shown))
        judges = judges_of(metrics, Pooled(pool), limit=time_out(settings.limits), pass_at=pass_at)
        with store_of(arguments) as store:
            found = evaluate(store, [Row(one, {}, {}) for one in inputs], judges, name=f"parity {shown.id}", tags=tags)
    return _by_row(inputs, found.verdicts)


def _found(pool: StagePool, shown: Run) -> Iterator[App]:
    """The scorers will say themselves of an app that is gone that nobody measured it."""
    for app in shown.apps:
        with suppress(Unmeasured):
            yield pool.app(Path(app.path))


def _by_row(inputs: list[Mapping[str, Any]], verdicts: tuple[tuple[Verdict, ...], ...]) -> Said:
    return _said((str(one["app"]), verdict) for one, some in zip(inputs, verdicts, strict=True) for verdict in some)
