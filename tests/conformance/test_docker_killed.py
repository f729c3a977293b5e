"""A harness that is killed in the middle of a build or of a container, its reapers too: `appeval doctor --clean` finds
what it left, and `--resume` completes the run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from fixtures.sandbox import SANDBOXES
from fixtures.sandbox.docker.engine import client
from fixtures.sandbox.docker.labels import RUN, run_label
from fixtures.sandbox.processes import marked
from reports.model import State, read_run
from tests.world import PROJECT, until, write

_WHY_NOT = SANDBOXES["docker"].why_not()
pytestmark = pytest.mark.skipif(_WHY_NOT is not None, reason=f"docker: {_WHY_NOT}")

#: Found among the processes of the machine by these seconds, whoever runs it.
_BUILDING, _SERVING = "7.4317", "9.1743"
_STARTED: list[subprocess.Popen[str]] = []
SERVER = """
import http from "node:http"; import { spawnSync } from "node:child_process"; import fs from "node:fs";
if (process.env.HOLD) spawnSync("sleep", [process.env.HOLD]);
http.createServer((request, response) => {
  response.writeHead(["/health", "/"].includes(request.url) ? 200 : 404);
  response.end(request.url === "/health" ? "fine" : "<h1>A page with some words on it</h1>");
}).listen(Number(process.env.PORT), "0.0.0.0");
process.on("SIGTERM", () => process.exit(0));
"""


def app(root: Path, *, building: str = "0", serving: str = "") -> Path:
    hold = f"ENV HOLD={serving}\n" if serving else ""
    never_built = f"RUN echo {uuid.uuid4()}\n"  # or the engine would have the steps of an earlier test
    dockerfile = f"FROM node:22-slim\n{never_built}{hold}WORKDIR /app\nRUN sleep {building}\nCOPY . .\n"
    return write(root / "apps/held", {
        "package.json": json.dumps({"name": "held", "type": "module", "scripts": {"start": "node server.mjs"}}),
        "server.mjs": SERVER, "Dockerfile": f'{dockerfile}CMD ["node", "server.mjs"]\n',
    })  # fmt: skip


@pytest.fixture
def run_dir() -> Iterator[Path]:
    """A run of this project, where `appeval doctor` looks for runs that were killed."""
    folder = PROJECT / "runs" / f"killed-{os.getpid()}"
    yield folder
    for harness in _STARTED:
        if harness.poll() is None:  # a test that failed left it
            harness.kill()
            harness.communicate()
    _STARTED.clear()
    shutil.rmtree(folder, ignore_errors=True)


def evaluate(*where: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "pytest", "evals/", "--sandbox=docker", "--warehouse=none", "-q",
            "-k", "runtime_success or build_success", *where]  # fmt: skip
    _STARTED.append(subprocess.Popen(argv, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
    return _STARTED[-1]


def kill(harness: subprocess.Popen[str]) -> None:
    """SIGKILL, and for the reapers as well, which would tidy up at once."""
    family = psutil.Process(harness.pid).children(recursive=True)
    reapers = [process for process in family if "fixtures.sandbox.reaper" in " ".join(process.cmdline())]
    assert reapers
    for process in (*reapers, psutil.Process(harness.pid)):
        process.send_signal(signal.SIGKILL)
    harness.communicate()


def sleeping(seconds: str) -> list[int]:
    return [p.pid for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", seconds]]


def left(run_dir: Path) -> list[str]:
    """Containers, networks and images of a run that the engine still has."""
    api, wanted = client().api, {"label": [f"{RUN}={run_label(run_dir)}"]}
    found = [*api.containers(all=True, filters=wanted), *api.networks(filters=wanted), *api.images(filters=wanted)]
    return [str(one["Id"]) for one in found]


@pytest.mark.parametrize(
    ("held", "seconds"),
    [
        pytest.param({"building": _BUILDING}, _BUILDING, id="in a build", marks=pytest.mark.slow),
        pytest.param({"serving": _SERVING}, _SERVING, id="in a container"),
    ],
)
def test_nothing_is_left_after_clean_and_resume_completes(
    tmp_path: Path, run_dir: Path, held: dict[str, str], seconds: str
) -> None:
    apps = app(tmp_path, **held)
    harness = evaluate(f"--run-dir={run_dir}", f"--apps={apps}")
    until(lambda: sleeping(seconds), 60)
    mark = f"{harness.pid}-"
    kill(harness)
    assert sleeping(seconds), "what the harness had started goes on without it"
    cleaned = appeval("doctor", "--clean")
    assert f"cleaned {run_dir.name}" in cleaned
    until(lambda: not sleeping(seconds), 10)
    assert left(run_dir) == []
    assert marked(mark) == []
    assert "left by killed runs: nothing" in appeval("doctor")
    resumed = evaluate(f"--resume={run_dir}")
    out, _ = resumed.communicate(timeout=180)
    assert resumed.returncode == 0, out
    run = read_run(run_dir)
    asked = [v.state for v in run.apps[0].verdicts if v.metric in ("build_success", "runtime_success")]
    assert asked == [State.PASS, State.PASS], out
    assert left(run_dir) == []


def appeval(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "plugins.cli", *arguments], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def test_a_killed_harness_is_tidied_up_by_its_reaper(tmp_path: Path, run_dir: Path) -> None:
    harness = evaluate(f"--run-dir={run_dir}", f"--apps={app(tmp_path, serving=_SERVING)}")
    until(lambda: sleeping(_SERVING), 60)
    harness.send_signal(signal.SIGKILL)
    harness.communicate()
    until(lambda: left(run_dir) == [], 20)
    until(lambda: not sleeping(_SERVING), 5)
