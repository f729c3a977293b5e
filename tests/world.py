"""A small world for tests of `fixtures/`: an app written from a dict of files, its copy, a sandbox, stages by name.

Everything real: processes, npm, servers, Chromium. Only the engine is left out, so a stage runs once, at once.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest

from fixtures.app import App
from fixtures.browser import BrowserThread
from fixtures.discovery import discover
from fixtures.errors import AppError, HarnessError, NotApplicable, Unmeasured
from fixtures.evidence import CommandResult, Evidence, Problem, StageResult, problem_of
from fixtures.host import HostLocks
from fixtures.machine import Machine
from fixtures.postgres.server import Postgres
from fixtures.sandbox import SANDBOXES
from fixtures.sandbox.base import Command, Network, Sandbox, SandboxRequest, Server
from fixtures.sandbox.processes import Ledger, marked
from fixtures.settings import Settings
from fixtures.stages import STAGES
from fixtures.stages.context import StageContext
from fixtures.stages.graph import artifact_of
from fixtures.warehouse import Warehouse
from fixtures.workspace import Workspace

T = TypeVar("T")
PROJECT = Path(__file__).resolve().parents[1]
CACHE = PROJECT / ".cache"


def until(look: Callable[[], T], seconds: float = 10.0) -> T:
    """Poll until `look` gives something true; fails with the last thing that it gave."""
    end = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < end, f"not within {seconds:.0f} s; last seen: {seen!r}"
        time.sleep(0.02)
    return seen


def gone(pid: int) -> bool:
    """Whether a process has ended (a zombie has)."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def write(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files below `root`; a `.json` given as anything but text is up to the caller."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    root.mkdir(parents=True, exist_ok=True)
    return root


def deep(root: Path, names: str, depth: int) -> None:
    """A chain of folders too deep for one path, made step by step."""
    here = os.open(root, os.O_DIRECTORY)
    for _ in range(depth):
        os.mkdir(names, dir_fd=here)
        below = os.open(names, os.O_DIRECTORY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("file.js", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)


def installed(package: str) -> Path:
    """The node_modules folder of one package from the registry (`typescript@5.9.3`), kept in the project's cache."""
    folder = CACHE / "tests" / package
    CACHE.joinpath("tests").mkdir(parents=True, exist_ok=True)
    with HostLocks(1, threading.Event()).named(f"tests-{package.replace('/', '_')}"):
        if not (folder / ".ready").exists():
            shutil.rmtree(folder, ignore_errors=True)
            write(folder, {"package.json": '{"private": true}'})
            command = ["npm", "install", "--no-audit", "--no-fund", package]
            subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=300)
            (folder / ".ready").touch()
    return folder / "node_modules"


def blank_app(root: Path) -> App:
    """An app of the `node` kind around a folder that may still be empty."""
    write(root, {"package.json": "{}"})
    return discover([str(root)], root).apps[0]


def require(sandbox: str) -> None:
    """Skip the test where this machine cannot use a sandbox, and say why."""
    why_not = SANDBOXES[sandbox].why_not()
    if why_not is not None:
        pytest.skip(f"{sandbox}: {why_not}")


def containers_of(workspace: Workspace) -> list[str]:
    """The containers of an app's copy that the engine still has."""
    from fixtures.sandbox.docker.engine import client
    from fixtures.sandbox.docker.labels import APP

    wanted = {"label": [f"{APP}={workspace.base}"]}
    return [f"container {c['Image']} {c['Command']}" for c in client().api.containers(all=True, filters=wanted)]


class Borrowed(Machine):
    """A machine with settings of its own whose ledger, reaper, browser and warehouse are those of the whole test session."""

    def __init__(self, settings: Settings, shared: Machine) -> None:
        super().__init__(settings, keeper=False)
        self._shared = shared

    @property
    def ledger(self) -> Ledger:
        return self._shared.ledger

    @property
    def browser(self) -> BrowserThread:
        return self._shared.browser

    @property
    def warehouse(self) -> Warehouse:
        return self._shared.warehouse if self.settings.warehouse == "embedded" else super().warehouse

    @property
    def postgres(self) -> Postgres:
        return self._shared.postgres


@contextmanager
def shared_machine(base: Path) -> Iterator[Machine]:
    """One per test session: if pytest is killed, its reaper ends what the tests had started. Its working folder has
    a short path, because Chromium keeps a socket there."""
    short = Path(tempfile.mkdtemp(prefix="appeval-t-"))
    machine = Machine(Settings(PROJECT, base / "run", short, CACHE), keeper=True)
    try:
        yield machine
    finally:
        machine.close()
        shutil.rmtree(short, ignore_errors=True)


class World:
    """One app in one sandbox, under `base`. `close` ends what is left and proves that nothing is."""

    def __init__(
        self, base: Path, shared: Machine, *, sandbox: str = "local", name: str = "an-app", **settings: Any
    ) -> None:
        wanted: dict[str, Any] = {"cpu_slots": 2, "sandbox": sandbox, "warehouse": "none", **settings}
        self.base = base
        self.settings = Settings(PROJECT, base / "run", base / "work", CACHE, **wanted)
        self.machine = Borrowed(self.settings, shared)
        self.cancel = threading.Event()
        self.workspace = Workspace(self.settings.work_dir / "a")
        self.app = blank_app(base / "apps" / name)
        self.workspace.fill(self.app)
        self.ledger = self.machine.ledger
        request = SandboxRequest(self.workspace, self.settings, self.ledger, self.cancel)
        self.sandbox: Sandbox = SANDBOXES[sandbox].make(request)
        self.live: dict[str, Any] = {}
        self.results: dict[str, StageResult] = {}
        self._logs = 0

    # ------------------------------------------------------------------ commands

    def command(
        self, *argv: str, timeout: float = 20.0, cwd: str = "", env: Mapping[str, str] | None = None,
        network: Network = "open",
    ) -> Command:  # fmt: skip
        self._logs += 1
        name = f"logs/{self._logs}.log"
        return Command(argv, cwd, timeout, self.settings.run_dir / name, name, env or {}, network)

    def run(self, *argv: str, **more: Any) -> CommandResult:
        return self.sandbox.run(self.command(*argv, **more))

    def serve(self, *argv: str, **more: Any) -> Server:
        return self.sandbox.start(self.command(*argv, **more))

    def script(self, text: str, **more: Any) -> CommandResult:
        """Run Python text in the sandbox, from a file so that no quoting matters."""
        return self.run("python3", self.program(text), **more)

    def program(self, text: str, name: str = "program.py") -> str:
        write(self.workspace.app, {name: text})
        return name

    def log(self, result: CommandResult) -> str:
        return (self.settings.run_dir / result.log).read_text(encoding="utf-8", errors="replace")

    # ------------------------------------------------------------------ stages

    def use(self, files: Mapping[str, str | bytes], node_modules: Path | None = None) -> App:
        """Make the app of these files, found as discovery finds it, and its copy; `node_modules` is linked in."""
        shutil.rmtree(self.app.path)
        write(self.app.path, files)
        self.app = discover([str(self.app.path)], self.base).apps[0]
        self.workspace.fill(self.app)
        if node_modules is not None:
            subprocess.run(["cp", "-al", str(node_modules), str(self.workspace.app)], check=True)
        self.live.clear()
        self.results.clear()
        return self.app

    def context(self, stage: str, limit: float | None = None) -> StageContext:
        return StageContext(
            name=stage, app=self.app, machine=self.machine, workspace=self.workspace, sandbox=self.sandbox,
            locks=HostLocks(self.settings.cpu_slots, self.cancel), warehouse=self.machine.warehouse, live=self.live,
            earlier=self.results, folder=self.settings.run_dir / "apps" / self.app.slug,
            limit=limit or STAGES[stage].limit, cancel=self.cancel,
            artifact_stage=artifact_of(self.app.root, self.settings),
        )  # fmt: skip

    def stage(self, name: str, limit: float | None = None) -> StageResult:
        """Run one stage once and give what the engine would record."""
        context, problem, begin, started = self.context(name, limit), None, time.monotonic(), time.time()
        try:
            STAGES[name].run(context)
        except (AppError, HarnessError, Unmeasured, NotApplicable) as error:
            problem = problem_of(error, name)
        result = StageResult(
            name, problem is None, time.monotonic() - begin, tuple(context.commands), context.facts,
            tuple(context.artifacts), problem, started,
        )  # fmt: skip
        self.results[name] = result
        return result

    def problem(self, name: str, limit: float | None = None) -> Problem:
        """Run a stage that must not end well."""
        problem = self.stage(name, limit).problem
        assert problem is not None, self.results[name].facts
        return problem

    def evidence(self) -> Evidence:
        return Evidence(self.app.name, 1, dict(self.results), artifact_of(self.app.root, self.settings))

    # ------------------------------------------------------------------ the end

    def left(self) -> list[str]:
        """Containers of this world, and command lines of processes of ours that still live, the browser's apart."""
        found = containers_of(self.workspace) if SANDBOXES[self.settings.sandbox].images else []
        for pid in marked(f"{self.ledger.owner.mark}:"):
            try:
                process = psutil.Process(pid)
                if not process.environ().get("APPEVAL_OWNER", "").endswith((":chromium", ":driver")):
                    found.append(f"{pid} {' '.join(process.cmdline())[:200]}")
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return found

    def close(self) -> None:
        self.sandbox.close()
        left = self.left()
        self.workspace.discard()
        assert left == [], f"the sandbox left processes behind: {left}"
        assert not self.workspace.base.exists()


#: What the fixture `make_world` gives: makes a world with the settings that a test wants.
MakeWorld = Callable[..., World]
