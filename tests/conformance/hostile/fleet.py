"""One evaluation of all attacks and an honest neighbour, in a process of its own; and what it left."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from fixtures.app import slug_of
from fixtures.sandbox import SANDBOXES
from fixtures.sandbox.local.confinement import bubblewrap
from fixtures.sandbox.processes import MARK
from fixtures.workspace import remove_tree
from reports.model import Run, Verdict, read_run
from tests.conformance.hostile.attacks import Aims, by_dockerfile, everywhere, with_namespaces
from tests.conformance.hostile.places import KEYS, containing, decoy, door, new_canary, spellings
from tests.world import CACHE, PROJECT, deep, write

#: Low enough that attacks are over soon, high enough for npm and Node on a busy machine.
MAX_OUTPUT, MAX_FILE, MAX_MEMORY, MAX_PROCESSES, MAX_DISK = 1_000_000, 300_000_000, 700_000_000, 120, 400_000_000
PATIENCE = 420.0
_PYPROJECT = f"""\
[tool.pytest.ini_options]
addopts = ["-p", "plugins.plugin", "--import-mode=importlib"]

[tool.appeval]
cache_dir = "{CACHE}"
max_output = {MAX_OUTPUT}
max_file = {MAX_FILE}
max_memory = {MAX_MEMORY}
max_processes = {MAX_PROCESSES}
max_disk = {MAX_DISK}
"""
_LIMITS = {
    "tests": 12,
    "build": 20,
    "install": 40,
    "image": 40,
    "start": 10,
    "quickstart": 10,
    "deployment": 12,
    "page": 12,
}


def has_namespaces(sandbox: str) -> bool:
    """Whether what runs in a sandbox sees neither the processes nor the files of this machine."""
    return SANDBOXES[sandbox].images or bubblewrap().program is not None


def need_namespaces(sandbox: str) -> None:
    """Skip a test of what namespaces alone prevent."""
    if not has_namespaces(sandbox):
        pytest.skip(bubblewrap().why)


@dataclass(frozen=True, slots=True)
class Fleet:
    """A run that has ended. `leaks` are the places in which a canary was found, `changed` the originals that are not as
    they were, `left` what is left of it, `knocks` who reached a service of this machine."""

    sandbox: str
    run_dir: Path
    code: int
    output: str
    seconds: float
    leaks: tuple[str, ...]
    forged: tuple[str, ...]
    changed: tuple[str, ...]
    left: tuple[str, ...]
    knocks: tuple[str, ...]
    decoy_lives: bool

    def run(self) -> Run:
        return read_run(self.run_dir)

    def verdicts(self, app: str) -> dict[str, Verdict]:
        (found,) = (each for each in self.run().apps if each.app == app)
        return {verdict.metric: verdict for verdict in found.verdicts}

    def stages(self, app: str) -> dict[str, Any]:
        stored = json.loads((self.run_dir / "apps" / slug_of(app) / "evidence.json").read_text("utf-8"))
        return dict(stored["stages"])

    def logs(self, app: str) -> str:
        folder = self.run_dir / "apps" / slug_of(app) / "logs"
        return "\n".join(path.read_text("utf-8", "replace") for path in sorted(folder.glob("*.log")))


def evaluate(sandbox: str, folder: Path) -> Fleet:
    """Make the apps below `folder`, evaluate them, tidy up. Fails when the evaluation does not end."""
    with ExitStack() as held:
        temporary = Path(tempfile.mkdtemp(prefix="appeval-h-"))
        held.callback(remove_tree, temporary)
        word = f"hostile-{temporary.name[-8:]}"
        run_dir = folder / f"run-{word}"
        canaries = [new_canary() for _ in range(3)]
        home = held.enter_context(_planted(Path.home(), canaries[0]))
        knocked = held.enter_context(door())
        other = held.enter_context(decoy(word))
        aims = Aims(word, home, folder / "apps", run_dir, temporary, knocked.port, _free_port())
        before = _make(sandbox, folder, aims, canaries[1], home)
        code, output, seconds = _pytest(sandbox, folder, run_dir, temporary, canaries[2])
        words = tuple(spelling for canary in canaries for spelling in spellings(canary))
        leaks = [*containing(run_dir, words), *(["stdout"] if any(w.decode() in output for w in words) else [])]
        # What has been told to go may take a moment.
        until = time.monotonic() + 5
        while (left := _left(sandbox, run_dir, temporary, word, other.pid)) and time.monotonic() < until:
            time.sleep(0.2)
        left += _end(temporary, word, other.pid)
        after = _contents(folder / "apps")
        changed = [name for name in sorted(before | after) if before.get(name) != after.get(name)]
        forged = [
            place
            for place in (
                run_dir / "forged.json",
                Path(f"{home}.forged"),
                Path("/usr/local/forged"),
                Path("/etc/forged"),
            )
            if place.exists()
        ]
        for place in forged:
            place.unlink()
        return Fleet(
            sandbox, run_dir, code, output, seconds, tuple(leaks), tuple(map(str, forged)), tuple(changed),
            tuple(left), tuple(sorted(set(knocked.knocks))), other.poll() is None,
        )  # fmt: skip


def stored(fleet: Fleet) -> str:
    return json.dumps({**asdict(fleet), "run_dir": str(fleet.run_dir)})


def restored(text: str) -> Fleet:
    raw = json.loads(text)
    lists = {name: tuple(value) for name, value in raw.items() if isinstance(value, list)}
    return Fleet(**{**raw, **lists, "run_dir": Path(raw["run_dir"])})


def _make(sandbox: str, folder: Path, aims: Aims, canary: str, home: Path) -> dict[str, bytes]:
    """The project and its apps; returns their contents."""
    write(folder, {"pyproject.toml": _PYPROJECT})
    shutil.copytree(PROJECT / "evals", folder / "evals", ignore=shutil.ignore_patterns("__pycache__"))
    fleet = everywhere(aims)
    if has_namespaces(sandbox):
        fleet |= with_namespaces(aims)
    if SANDBOXES[sandbox].images:
        fleet |= by_dockerfile(aims)
    for name, files in fleet.items():
        write(aims.apps / name, files)
    write(aims.apps / "honest", {"own.txt": f"{canary}\n"})
    if "snoop" in fleet:
        snoop = aims.apps / "snoop"
        for link, target in (
            ("leak.txt", home),
            ("deep", home.parent),
            ("dist", aims.apps / "honest"),
            ("root", Path("/")),
        ):
            (snoop / link).symlink_to(target)
    names = next(name for name in fleet if "<b>" in name)
    deep(aims.apps / names, "n" * 200, 22)
    return _contents(aims.apps)


def _contents(folder: Path) -> dict[str, bytes]:
    found = {}
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith("nnnn")]
        for name in files:
            path = Path(place, name)
            found[str(path.relative_to(folder))] = b"" if path.is_symlink() else path.read_bytes()
    return found


@contextmanager
def _planted(folder: Path, canary: str) -> Iterator[Path]:
    descriptor, name = tempfile.mkstemp(prefix=".appeval-canary-", dir=folder)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(f"{canary}\n")
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _pytest(sandbox: str, folder: Path, run_dir: Path, temporary: Path, canary: str) -> tuple[int, str, float]:
    left_out = ("PYTEST", "PYTHON", "COV_", MARK)
    environment: Mapping[str, str] = {
        **{name: value for name, value in os.environ.items() if not name.startswith(left_out)},
        "PYTHONPATH": os.pathsep.join([str(folder), str(PROJECT)]), "TMPDIR": str(temporary), "COLUMNS": "160",
        "NO_COLOR": "1", **dict.fromkeys(KEYS, canary),
    }  # fmt: skip
    argv = [
        sys.executable, "-m", "pytest", "evals/", "--apps=apps", f"--run-dir={run_dir}", f"--sandbox={sandbox}",
        "--warehouse=none", "-n", "2", *(f"--limit={stage}={seconds}" for stage, seconds in _LIMITS.items()),
    ]  # fmt: skip
    begin = time.monotonic()
    done = subprocess.run(
        argv, cwd=folder, env=environment, timeout=PATIENCE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, time.monotonic() - begin


def _processes(temporary: Path, word: str, *others: int) -> list[psutil.Process]:
    """What lives and works in the folder of this evaluation, or bears its word, the decoy apart."""
    found = []
    for process in psutil.process_iter():
        try:
            mine = process.environ().get("TMPDIR", "").startswith(str(temporary)) or any(
                word in w for w in process.cmdline()
            )
            if mine and process.pid not in (os.getpid(), *others) and process.ppid() not in others:
                found.append(process)
        except psutil.Error:
            continue
    return found


def _left(sandbox: str, run_dir: Path, temporary: Path, word: str, decoy_pid: int) -> list[str]:
    left = [f"process {p.pid} {p.name()}" for p in _processes(temporary, word, decoy_pid) if p.is_running()]
    left += [
        str(path) for path in temporary.iterdir() if not path.match("appeval-*-locks") and not path.match("pytest-of-*")
    ]
    left += [str(path) for path in run_dir.glob("processes")]
    if SANDBOXES[sandbox].images:
        from fixtures.sandbox.docker.leftovers import of_run

        left += [f"{each.kind} {each.name}" for each in of_run(run_dir, images=True)]
    return left


def _end(temporary: Path, word: str, decoy_pid: int) -> list[str]:
    """End what an evaluation should have ended; nothing when all is well."""
    ended = []
    for process in _processes(temporary, word, decoy_pid):
        ended.append(f"ended {process.pid}")
        process.kill()
    return ended
