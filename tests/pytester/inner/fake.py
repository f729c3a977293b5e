"""The extension of the inner project: the stack `fake` and instant stages whose behaviour each app dictates.

An app is a folder with `fake.json`, which maps a stage to what it does there; a stage that is not named passes.

    facts       what the stage records; `value` is what `judging.py` makes the verdict from
    epoch_facts a list: what it records in each epoch
    raises      AppError, HarnessError, Transient, Unmeasured, NotApplicable or ValueError; with `until`, only as long
                as that file does not exist in the project folder
    when_test   begin only when the test of this metric and app has begun (so that it is the current one)
    after       begin only when these stages have ended
    wait_for    begin only when this file exists in the project folder; gives up when the session closes
    run         run this command
    spawn       start a server of ours (`sleep`), and write its process id to the log
    kill        `once` or `always`: end this pytest process with SIGKILL
    hang        never come back by itself

Every start of a stage is a line in `stages.log`: stage, app, epoch, pid of the pytest process.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from fixtures.errors import AppError, Cancelled, HarnessError, NotApplicable, Unmeasured
from fixtures.stacks import stack
from fixtures.stacks.base import BuildPlan, CommandPlan, Installer, Stack, TestSuite, TypeChecker
from fixtures.stages import stage
from fixtures.stages.context import StageContext

BEHAVIOUR = "fake.json"
_PATIENCE = 60.0


@stack
class FakeStack(Stack):
    name = "fake"
    precedence = 1

    def recognise(self, root: Path) -> str | None:
        return "a fake.json" if (root / BEHAVIOUR).is_file() else None

    def _none(self) -> NoReturn:
        raise AssertionError("no real stage runs on a fake app")

    def installers(self, root: Path) -> Sequence[Installer]:
        self._none()

    def checkers(self, root: Path) -> Sequence[TypeChecker]:
        self._none()

    def suites(self, root: Path) -> Sequence[TestSuite]:
        self._none()

    def build(self, root: Path) -> BuildPlan:
        self._none()

    def start(self, root: Path) -> CommandPlan:
        self._none()

    def server_sources(self, root: Path) -> Sequence[Path]:
        self._none()


def _behave(context: StageContext) -> None:
    project = context.settings.project
    wanted: dict[str, Any] = json.loads((context.root / BEHAVIOUR).read_text("utf-8")).get(context.name, {})
    if "when_test" in wanted:
        _await(context, lambda: _begun(project, wanted["when_test"], context.app.slug))
    if "after" in wanted:
        _await(context, lambda: set(wanted["after"]) <= _ended(context.folder / "evidence.json"))
    if "epoch_facts" in wanted:  # the epoch is told by the folder of the run
        epoch = context.folder.name.removeprefix("epoch-") if context.folder.name.startswith("epoch-") else "1"
        context.facts |= wanted["epoch_facts"][int(epoch) - 1]
    with (project / "stages.log").open("a", encoding="utf-8") as log:
        log.write(f"{context.name} {context.app.slug} {os.getpid()}\n")
    context.facts |= wanted.get("facts", {})
    if wanted.get("spawn"):
        context.start(["sleep", "600"])
        (project / f"spawned-{context.app.slug}").touch()
    if "run" in wanted:
        context.run(wanted["run"])
    if "wait_for" in wanted:
        _await(context, (project / wanted["wait_for"]).exists)
    if wanted.get("kill") == "always" or (wanted.get("kill") == "once" and _first(project / "killed")):
        os.kill(os.getpid(), signal.SIGKILL)
    if wanted.get("hang"):
        context.cancel.wait()
        raise Cancelled
    if "raises" in wanted and not ("until" in wanted and (project / wanted["until"]).exists()):
        _raise(wanted["raises"], context.name, wanted.get("message", "the fake app says so"))


def _await(context: StageContext, ready: Callable[[], bool]) -> None:
    if context.poll(lambda: True if ready() else None, _PATIENCE, every=0.02) is None:
        raise HarnessError("harness.fake", "what the fake stage waits for never came")


def _begun(project: Path, metric: str, app: str) -> bool:
    log = project / "tests.log"
    return log.exists() and any(line.split()[:2] == [metric, app] for line in log.read_text("utf-8").splitlines())


def _ended(evidence: Path) -> set[str]:
    return set(json.loads(evidence.read_text("utf-8"))["stages"]) if evidence.exists() else set()


def _first(marker: Path) -> bool:
    try:
        marker.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _raise(kind: str, stage: str, message: str) -> NoReturn:
    if kind == "AppError":
        raise AppError(f"{stage}.broken", message)
    if kind == "HarnessError":
        raise HarnessError("harness.fake", message)
    if kind == "Transient":
        raise HarnessError("harness.fake", message, transient=True)
    if kind == "Unmeasured":
        raise Unmeasured("unmeasured.fake", message)
    if kind == "NotApplicable":
        raise NotApplicable("fake.none", message)
    raise ValueError(message)


stage("fake_build", limit=30, cpu=False)(_behave)
stage("fake_start", limit=30, needs=["fake_build"], cpu=False, live=True)(_behave)
stage("fake_page", limit=30, needs=["fake_start"], cpu=False)(_behave)
stage("fake_types", limit=30, cpu=False)(_behave)
stage("fake_tests", limit=30, cpu=False)(_behave)
stage("fake_queries", limit=30, needs=["fake_start"], cpu=False)(_behave)
stage("fake_readme", limit=30, cpu=False)(_behave)
stage("fake_image", limit=30, cpu=False)(_behave)
