"""`appeval show RUN [APP]`: the table of a run, or everything that it says about one app."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from fixtures.errors import BadInput
from fixtures.untrusted import read_lines
from plugins.cli import run_folder
from reports.model import AppResult, Run, Verdict, read_run
from reports.statements import statement_lines
from reports.terminal import score_table
from reports.text import plain, range_text, score_text

HELP = "print a run, or one app of it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "run_name", metavar="RUN", nargs="?", default="latest", help="run id, folder, or latest (the default)"
    )
    parser.add_argument("app", metavar="APP", nargs="?", help="an app's name, or a part of it that only one has")


def run(arguments: argparse.Namespace) -> int:
    folder = run_folder(arguments.run_name)
    shown = read_run(folder)
    if arguments.app is None:
        width = shutil.get_terminal_size((100, 24)).columns
        sys.stdout.write(score_table(shown, width=width, colour=sys.stdout.isatty()))
        return 0
    for line in _app_lines(shown, _find(shown, arguments.app), folder):
        print(line)
    return 0


def _find(run: Run, name: str) -> AppResult:
    exact = [app for app in run.apps if name in (app.app, app.slug)]
    found = exact or [app for app in run.apps if name in app.app or name in app.slug]
    if len(found) != 1:
        names = ", ".join(plain(app.app, 60) for app in (found or run.apps))
        raise BadInput(f"{len(found)} apps match {name!r}; there are: {names}")
    return found[0]


def _app_lines(run: Run, app: AppResult, folder: Path) -> list[str]:
    kind = f"{app.stack}: {plain(app.why)}" if app.why else app.stack
    lines = [f"{plain(app.app)} ({kind}), run {run.id}", f"score {score_text(app.score.low, app.score.high)}"]
    if app.labels:
        uncapped = score_text(app.score.uncapped_low, app.score.uncapped_high)
        lines[1] += f", capped because: {', '.join(app.labels)} (without the cap {uncapped})"
    if app.prompt:
        lines.append(f"prompt: {plain(app.prompt)}")
    lines += [f"note: {plain(note)}" for note in app.notes]
    numbers = {metric.name: metric for metric in run.metrics}
    for verdict in app.verdicts:
        metric = numbers[verdict.metric]
        lines += [
            "",
            f"{metric.number} {metric.name}{_epoch(run, verdict)}: {verdict.state}{_value(verdict, metric.full)}",
        ]
        lines.append(f"  {plain(verdict.evidence, 600)}" + (f"  [{verdict.reason}]" if verdict.reason else ""))
        lines += [f"  see {folder / link}" for link in verdict.links]
    lines += _statements(folder / "apps" / app.slug / "queries.jsonl")
    measured = {k: v for k, v in app.measurements.items() if not k.startswith("stage_")}
    if measured:
        lines += ["", "  ".join(f"{name}={value:g}" for name, value in measured.items())]
    return lines


def _statements(path: Path) -> list[str]:
    """What the running app asked of the warehouse, if that was looked at."""
    asked = statement_lines(read_lines(path))
    return ["", "statements at the warehouse:", *(f"  {line}" for line in asked)] if asked else []


def _epoch(run: Run, verdict: Verdict) -> str:
    return f" (epoch {verdict.epoch})" if run.epochs > 1 else ""


def _value(verdict: Verdict, full: float) -> str:
    return (
        f" {range_text(verdict.low, verdict.high)}/5" if full > 1 and not verdict.state.name.startswith("NOT") else ""
    )
