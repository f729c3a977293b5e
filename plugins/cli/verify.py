"""`appeval verify RUN`: do the verdicts equal what each app's expected.toml says?"""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fixtures.app import EXPECTED_FILE
from fixtures.errors import BadInput
from plugins.cli import run_folder
from reports.model import AppResult, Verdict, read_run

HELP = "compare the verdicts of a run with each app's expected.toml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "run_name", metavar="RUN", nargs="?", default="latest", help="run id, folder, or latest (the default)"
    )


def run(arguments: argparse.Namespace) -> int:
    """0 when all are equal, 1 when one differs or no app states what it expects."""
    shown = read_run(run_folder(arguments.run_name))
    stated = [(app, path) for app in shown.apps if (path := Path(app.path, EXPECTED_FILE)).is_file()]
    sandbox = str(shown.settings.get("sandbox", ""))
    differences = [line for app, path in stated for line in differences_of(app, path, sandbox)]
    for line in differences:
        print(f"differs: {line}")
    silent = [app.app for app in shown.apps if not Path(app.path, EXPECTED_FILE).is_file()]
    if stated and silent:
        print(f"without an expected.toml: {', '.join(silent[:10])}")
    verdicts = sum(len(app.verdicts) for app, _ in stated)
    if not stated:
        print("no app states what it expects (expected.toml)")
    elif not differences:
        print(f"all {verdicts} verdicts of {len(stated)} apps equal expected.toml")
    return 1 if differences or not stated else 0


def differences_of(app: AppResult, path: Path, sandbox: str) -> Iterator[str]:
    """One line for everything in which an app differs from its expected.toml. Raises BadInput for a broken file.

    `[verdicts]` holds in every sandbox; a table of a sandbox's name (`[local]`) states what cannot be measured there,
    and may say `success = "unknown"`.
    """
    try:
        expected = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{path}: {error}") from None
    here = {key: value for key, value in expected.get(sandbox, {}).items() if key != "success"}
    expected |= {key: value for key, value in expected.get(sandbox, {}).items() if key == "success"}
    success = {(1.0, 1.0): True, (0.0, 0.0): False}.get((app.success_low, app.success_high), "unknown")
    if "success" in expected and expected["success"] != success:
        yield f"{app.app}: success is {success}, expected {expected['success']}"
    if list(app.labels) != [label for label in [expected.get("label", "")] if label]:
        yield f"{app.app}: labels are {list(app.labels)}, expected {expected.get('label', '')!r}"
    stated: dict[str, Any] = {**expected.get("verdicts", {}), **here}
    seen = {verdict.metric for verdict in app.verdicts}
    for name in stated.keys() - seen:
        yield f"{app.app}: {name} is expected and was not judged"
    for verdict in app.verdicts:
        if verdict.metric in stated:
            yield from _compare(app, verdict, stated[verdict.metric])
        else:
            yield f"{app.app}: {verdict.metric} is {verdict.state}, and expected.toml does not state it"


def _compare(app: AppResult, verdict: Verdict, stated: str | dict[str, Any]) -> Iterator[str]:
    wanted = {"state": stated} if isinstance(stated, str) else stated
    for key, value in wanted.items():
        found = getattr(verdict, key)
        if found != value:
            yield f"{app.app}: {verdict.metric} {key} is {found}, expected {value} ({verdict.evidence})"
