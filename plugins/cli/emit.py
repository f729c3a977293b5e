"""`appeval emit SINK RUN`: feed a stored run to a sink again, with that sink's own options."""

from __future__ import annotations

import argparse
import sys

from plugins.cli import run_folder
from plugins.sinks import SINKS, SinkError, add_option
from reports.model import read_run

HELP = "feed a stored run to a sink again"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    sinks = parser.add_subparsers(dest="sink", required=True, metavar="SINK")
    for sink in SINKS:
        sub = sinks.add_parser(sink.name)
        sub.add_argument("run_name", metavar="RUN", help="run id, folder, or latest")
        for option in sink.options:
            add_option(sub.add_argument, option)


def run(arguments: argparse.Namespace) -> int:
    sink, folder = SINKS[arguments.sink], run_folder(arguments.run_name)
    stored = read_run(folder)
    if stored.partial and not sink.takes_partial:
        print(f"appeval: {stored.id} is a partial run; {sink.name} takes whole ones only", file=sys.stderr)
        return 1
    try:
        print(sink.emit(stored, folder, vars(arguments)))
    except (SinkError, OSError) as error:
        print(f"appeval: sink {sink.name} failed: {error}", file=sys.stderr)
        return 3
    return 0
