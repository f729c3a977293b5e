"""`appeval import-trajectories [DIR|GLOB ...]`: the making of apps that left a trajectory and no trace, as traces."""

from __future__ import annotations

import argparse
from pathlib import Path

from fixtures.discovery import discover
from plugins.project import project_folder
from plugins.tracking.options import add_store_options, store_of
from plugins.tracking.trajectories import Imported, Outcome, import_trajectory
from reports.text import plain

HELP = "bring the trajectories of apps into MLflow, as traces of their generation"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "places", metavar="DIR|GLOB", nargs="*", help="a folder of apps, one app, or a glob (default: apps/)"
    )
    add_store_options(parser)


def run(arguments: argparse.Namespace) -> int:
    places = arguments.places or [str(project_folder() / "apps")]
    found = discover(places, Path.cwd())
    refused = 0
    with store_of(arguments) as store:
        for app in found.apps:
            store.in_time()
            done = import_trajectory(store, app)
            refused += done.outcome is Outcome.UNREADABLE
            print(_line(done), flush=True)
    for skipped in found.skipped:
        print(f"{plain(skipped.path.name, 80)}: skipped: {plain(skipped.reason)}")
    return 1 if refused else 0


def _line(done: Imported) -> str:
    said = f"{plain(done.app, 80)}: {done.outcome.value}"
    if done.trace_id is not None:
        said += f" as {done.trace_id}"
    return said + (f" ({plain(done.remark)})" if done.remark else "")
