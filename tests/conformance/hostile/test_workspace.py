"""The harness's own process reads and writes the app's copy, which is the app's to arrange: links, pipes and forgeries in
it must lead that process nowhere."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from fixtures.evidence import StageResult
from tests.conformance.hostile.apps import DOCKERFILE, app
from tests.conformance.hostile.fleet import need_namespaces
from tests.conformance.hostile.places import new_canary
from tests.world import MakeWorld, World, write

FORGED = '{"total":40,"skipped":0,"failed":0,"failures":[],"silent":[]}'
PATIENCE = 20.0


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world()


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A folder of somebody else, with the names that the harness uses."""
    names = ("dist/keep.js", "tests/reports/keep.json", "tests/v8/keep.json", "image/source/keep.js", "keep.json")
    package = '{"scripts": {"build": "true", "test": "true", "start": "true"}}'
    return write(tmp_path / "victim", {**dict.fromkeys(names, '{"kept": true}'), "package.json": package})


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def in_time(stage: Callable[[], StageResult], pipe: Path | None = None) -> StageResult:
    """Run a stage that may wait for a pipe for ever; the pipe is opened then, so that nothing hangs on it."""
    results: list[StageResult] = []
    thread = threading.Thread(target=lambda: results.append(stage()), daemon=True)
    thread.start()
    thread.join(PATIENCE)
    if thread.is_alive() and pipe is not None:
        os.close(os.open(pipe, os.O_RDWR | os.O_NONBLOCK))
        thread.join(10)
        pytest.fail("the harness waits for a pipe that an app made")
    return results[0]


@pytest.mark.parametrize("stage", ["build", "image"])
def test_a_copy_that_becomes_a_link_leads_nowhere(world: World, victim: Path, stage: str) -> None:
    """Its installation puts a link to somebody else's folder in the place of its copy; the build begins by removing what
    an earlier one left."""
    need_namespaces(world.sandbox.name)
    if stage == "image" and world.sandbox.images is None:
        pytest.skip("it builds no images")
    moves = f'cd .. && (mv app gone && ln -s "{victim}" app); true'
    world.use(app("moves", scripts={"postinstall": moves}, dockerfile=DOCKERFILE))
    before = contents(victim)
    world.stage("install")
    world.stage(stage)
    assert contents(victim) == before


@pytest.mark.parametrize("stage", ["tests", "image"])
def test_a_folder_of_ours_that_becomes_a_link_leads_nowhere(world: World, victim: Path, stage: str) -> None:
    if stage == "image" and world.sandbox.images is None:
        pytest.skip("it builds no images")
    moves = f'cd .. && (mv scratch gone && ln -s "{victim}" scratch); cd scratch && mv {stage} gone-too && ln -s "{victim}" {stage}; true'
    world.use(app("moves", scripts={"postinstall": moves}, dockerfile=DOCKERFILE))
    before = contents(victim)
    world.stage("install")
    world.stage(stage)
    assert contents(victim) == before


def test_output_that_becomes_a_link_is_not_read(world: World, tmp_path: Path) -> None:
    """A script that npm runs puts a link to a file of the user in the place of npm's answer."""
    canary = new_canary()
    secret = write(tmp_path / "secrets", {"secret.txt": canary}) / "secret.txt"
    replaces = f'test -z "$APPEVAL_STDOUT" || {{ rm -f "$APPEVAL_STDOUT"; ln -s "{secret}" "$APPEVAL_STDOUT"; }}'
    world.use(app("replaces", scripts={"postinstall": replaces}))
    result = world.stage("install")
    assert canary not in str(result)
    for log in world.settings.run_dir.rglob("*.log"):
        assert canary not in log.read_text("utf-8", "replace")


def test_output_that_becomes_a_pipe_is_not_waited_for(world: World) -> None:
    replaces = 'test -z "$APPEVAL_STDOUT" || { rm -f "$APPEVAL_STDOUT"; mkfifo "$APPEVAL_STDOUT"; }'
    world.use(app("replaces", scripts={"postinstall": replaces}))
    in_time(lambda: world.stage("install"), world.workspace.scratch / "install/stdout")


def test_a_report_that_is_a_pipe_is_not_waited_for(world: World) -> None:
    world.use(app("pipes", scripts={"test": 'mkfifo "$APPEVAL_TEST_REPORT/node-1.json"'}))
    world.stage("install")
    result = in_time(lambda: world.stage("tests"), world.workspace.scratch / "tests/reports/node-1.json")
    assert result.ok
    assert result.facts["total"] == 0


def test_a_report_of_gigabytes_does_not_fill_our_memory(world: World) -> None:
    world.use(app("fat", scripts={"test": 'truncate -s 600M "$APPEVAL_TEST_REPORT/node-1.json"'}))
    world.stage("install")
    me = psutil.Process()
    before, most, over = me.memory_info().rss, 0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not over.wait(0.01):
            most = max(most, me.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        world.stage("tests")
    finally:
        over.set()
        watcher.join()
    assert most - before < 300_000_000


def test_coverage_that_is_a_link_is_not_written_through(world: World, victim: Path) -> None:
    """Where source maps were left beside coverage data they are put into it."""
    links = (
        f'cd "$NODE_V8_COVERAGE" && ln -s "{victim}/keep.json" coverage-1-0.json && echo \'{{"a":1}}\' > maps-1.jsonl'
    )
    world.use(app("links", scripts={"test": links}))
    before = contents(victim)
    world.stage("install")
    world.stage("tests")
    assert contents(victim) == before


@pytest.mark.xfail(reason="whoever runs in the process of the tests can write their report", strict=True)
def test_a_forged_report_is_no_test(world: World) -> None:
    forges = f"echo '{FORGED}' > \"$APPEVAL_TEST_REPORT/node-1.json\""
    world.use(app("forges", scripts={"test": forges}))
    world.stage("install")
    assert world.stage("tests").facts["total"] == 0
