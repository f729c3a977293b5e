"""Attacks on the limits of a sandbox, each after a harmless probe that proves the limit."""

from __future__ import annotations

import time

import psutil
import pytest

from fixtures.evidence import CommandResult
from fixtures.sandbox import SANDBOXES
from tests.conformance.hostile.apps import DOCKERFILE, app
from tests.world import MakeWorld, until

SLEEPERS = """
import os, time
for _ in range({count}):
    if os.fork() == 0:
        time.sleep(10)
        os._exit(0)
time.sleep(10)
"""
#: Doubles itself: 256 processes at most, which live for 20 seconds, each in a session of its own.
BOMB = """
import os, time
end = time.time() + 20
for _ in range(8):
    try:
        if os.fork() == 0: os.setsid()
    except OSError:
        pass
while time.time() < end: time.sleep(0.1)
"""
ONE_FILE = """
with open("big", "wb") as stream:
    for _ in range({megabytes}): stream.write(b"x" * 1_000_000); stream.flush()
"""
MANY_FILES = """
import time
for i in range({count}):
    with open(f"big-{{i}}", "wb") as stream: stream.write(b"x" * 5_000_000)
time.sleep(5)
"""
MEMORY = """
import os, time
held = []
for _ in range({count}): held.append(bytearray(b"x" * 50_000_000)); time.sleep(0.02)
time.sleep(2)
"""
OUTPUT = """
import sys
line = b"x" * 999_999 + b"\\n"
for _ in range({megabytes}): sys.stdout.buffer.write(line)
"""


def ended_by(result: CommandResult, limit: str) -> bool:
    return not result.ok and result.killed_by == limit


def refused_forks(result: CommandResult) -> bool:
    """By the kernel, and the program took it as an error of its own; or we saw too many and ended them."""
    return not result.ok and (result.killed_by in ("processes", None))


def test_a_fork_bomb_is_ended(make_world: MakeWorld) -> None:
    world = make_world(max_processes=20)
    probe = world.script(SLEEPERS.format(count=30))
    assert refused_forks(probe), "thirty harmless processes where twenty are allowed"
    until(lambda: world.left() == [], 3)
    begin = time.monotonic()
    result = world.script(BOMB, timeout=8)
    assert result.killed_by in ("processes", "time")
    assert time.monotonic() - begin < 15
    until(lambda: world.left() == [], 5)
    assert world.run("true").ok


def test_a_write_without_end_into_one_file_ends(make_world: MakeWorld) -> None:
    world = make_world(max_file=1_000_000)
    assert not world.script(ONE_FILE.format(megabytes=2)).ok, "two megabytes where one is allowed"
    assert not world.script(ONE_FILE.format(megabytes=2000)).ok
    assert (world.workspace.app / "big").stat().st_size <= 1_000_000


def test_a_write_without_end_into_many_files_ends(make_world: MakeWorld) -> None:
    world = make_world(max_disk=100_000_000)
    assert ended_by(world.script(MANY_FILES.format(count=80)), "disk"), "400 MB where 100 are allowed"
    begin = time.monotonic()
    assert ended_by(world.script(MANY_FILES.format(count=200)), "disk")
    assert time.monotonic() - begin < 10


def test_memory_without_end_ends(make_world: MakeWorld) -> None:
    world = make_world(max_memory=200_000_000)
    assert ended_by(world.script(MEMORY.format(count=6)), "memory"), "300 MB where 200 are allowed"
    assert ended_by(world.script(MEMORY.format(count=40)), "memory")


def test_a_log_of_gigabytes_is_bounded(make_world: MakeWorld) -> None:
    """On disk and in our own memory; it goes on until its time is over."""
    world = make_world(max_output=1_000_000)
    probe = world.script(OUTPUT.format(megabytes=2))
    assert probe.ok
    assert len(world.log(probe)) < 1_001_000, "two megabytes where one is kept"
    before = psutil.Process().memory_info().rss
    result = world.script(OUTPUT.format(megabytes=2000), timeout=10)
    assert result.ok or result.killed_by == "time"
    assert len(world.log(result)) < 1_001_000
    assert len(result.stdout_tail) < 20_000
    assert psutil.Process().memory_info().rss - before < 100_000_000


def test_the_processes_of_an_image_build_are_limited(make_world: MakeWorld) -> None:
    """The engine limits none itself. 300 of them live for seconds at most: with their step they end."""
    if not SANDBOXES["docker"].images or SANDBOXES["docker"].why_not() is not None:
        pytest.skip("docker: no engine")
    world = make_world(max_processes=60, cpu_slots=1)
    if world.sandbox.images is None:
        pytest.skip(f"{world.sandbox.name}: it builds no images")
    from fixtures.sandbox.docker.limits import build_group

    if build_group(world.settings) is None:
        pytest.skip("the engine's builds cannot be limited here: no control group may be made")
    forks = "RUN for i in $(seq 300); do sleep 8 & done; sleep 2; echo running $(ls -d /proc/[0-9]* | wc -l)"
    world.use(app("forks", dockerfile=DOCKERFILE.replace("COPY . .", f"COPY . .\n{forks}")))
    problem = world.problem("image", limit=40)
    assert problem.code in ("image.failed", "image.processes")
