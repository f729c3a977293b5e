"""`appeval compare A B`: two runs app by app, or a run beside a report of the older framework."""

from __future__ import annotations

import argparse
from pathlib import Path

from fixtures.errors import BadInput
from plugins.cli import run_folder
from reports.cells import shown_metrics
from reports.comparison import compare, compare_runs
from reports.comparison_text import comparison_text, head_lines, table_lines
from reports.model import Run, read_run
from reports.older.agreement import agreement_lines, parity_with_older, side_of_older
from reports.older.reading import FILE, read_older
from reports.older.report import OlderReport
from reports.sides import side_of_run

HELP = "compare two runs, or a run with an evaluation_report.json of the older framework"
_SIDE = f"run id, folder, latest, or the path of an older {FILE}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("a", metavar="A", help=_SIDE)
    parser.add_argument("b", metavar="B", help=_SIDE)


def run(arguments: argparse.Namespace) -> int:
    """0 whatever they say, as soon as both can be read."""
    a, b = _side(arguments.a), _side(arguments.b)
    if isinstance(a, Run) and isinstance(b, Run):
        print(comparison_text(compare_runs(a, b)), end="")
    elif isinstance(a, Run) and isinstance(b, OlderReport):
        _print_beside(a, b, older_first=False)
    elif isinstance(a, OlderReport) and isinstance(b, Run):
        _print_beside(b, a, older_first=True)
    else:
        raise BadInput("A and B are both reports of the older framework; one of them must be a run of this one")
    return 0


def _side(name: str) -> Run | OlderReport:
    """A file is an older report unless it is a run's own run.json; a folder is a run unless it holds only a report."""
    path = Path(name)
    if path.is_file():
        return read_run(path.parent) if path.name == "run.json" else read_older(path)
    if (path / FILE).is_file() and not (path / "run.json").exists():
        return read_older(path / FILE)
    return read_run(run_folder(name))


def _print_beside(shown: Run, report: OlderReport, *, older_first: bool) -> None:
    metrics = shown_metrics(shown)
    older, newer = side_of_older(report, metrics), side_of_run(shown)
    comparison = compare(older, newer, metrics) if older_first else compare(newer, older, metrics)
    agreement = parity_with_older(shown, report)
    print("\n".join([*head_lines(comparison), "", *table_lines(comparison), "", *agreement_lines(agreement)]))
