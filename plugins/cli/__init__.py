"""`appeval`: one file per command. Output is made here and in the commands; errors become a line and an exit code.

A command is a module with `HELP`, `add_arguments(parser)` and `run(arguments) -> int`; its file name is its name,
with `-` for `_`.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
from collections.abc import Sequence
from pathlib import Path

from fixtures.errors import BadInput
from fixtures.registry import load_extension
from fixtures.settings import pyproject_table
from plugins.project import project_folder
from plugins.tracking.store import TrackingError


def main(argv: Sequence[str] | None = None) -> int:
    """Exit codes: 0 done, 1 the answer is no, 2 or 4 wrong usage, 3 trouble of ours."""
    try:
        arguments = _parser().parse_args(argv)
        return int(arguments.handler(arguments))
    except (BadInput, ValueError) as error:
        print(f"appeval: {error}", file=sys.stderr)
        return 4
    except TrackingError as error:
        print(f"appeval: {error}", file=sys.stderr)
        return 3
    except BrokenPipeError:
        return 0


def _parser() -> argparse.ArgumentParser:
    """Of all commands. Raises BadInput for an extension that cannot be used."""
    for extension in pyproject_table(project_folder()).get("extensions", ()):
        load_extension(project_folder(), str(extension))
    parser = argparse.ArgumentParser(prog="appeval", description="Work with evaluation runs of generated apps.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in pkgutil.iter_modules(__path__):
        if module.name == "__main__":
            continue
        command = importlib.import_module(f"{__name__}.{module.name}")
        sub = commands.add_parser(module.name.replace("_", "-"), help=command.HELP, description=command.HELP)
        command.add_arguments(sub)
        sub.set_defaults(handler=command.run)
    return parser


def run_folder(name: str) -> Path:
    """A run by its id, its folder, or `latest`. Raises BadInput when there is none."""
    for candidate in (Path(name), project_folder() / "runs" / name):
        if candidate.is_dir():
            return candidate.resolve()
    raise BadInput(f"no run {name!r}: give a run folder, an id below runs/, or `latest`")
