"""The inner project: an AppEval project on fake, instant stages, and what came of running pytest in it.

It has its own folder for temporary files, so that nothing of it meets another evaluation of this machine and a test
can see what a run leaves behind.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

import psutil

from fixtures.sandbox.processes import MARK
from fixtures.workspace import work_dir_of
from reports.model import Run, Verdict, read_run, verdict_from_json

REPOSITORY: Final = Path(__file__).resolve().parents[2]
INNER: Final = Path(__file__).parent / "inner"
PATIENCE: Final = 60.0

#: The nine metrics that the score profile requires: the fake stage of each, and its highest value.
METRICS: Final[Mapping[str, tuple[str, float]]] = {
    "build_success": ("fake_build", 1),
    "runtime_success": ("fake_start", 1),
    "type_safety": ("fake_types", 1),
    "tests_pass": ("fake_tests", 1),
    "databricks_connectivity": ("fake_queries", 1),
    "data_returned": ("fake_queries", 1),
    "ui_renders": ("fake_page", 1),
    "local_runability": ("fake_readme", 5),
    "deployability": ("fake_image", 5),
}
#: Every stage that the nine need.
STAGES: Final = frozenset(stage for stage, _ in METRICS.values())

_PYPROJECT = """\
[tool.pytest.ini_options]
addopts = ["-p", "plugins.plugin", "-p", "no:anyio", "--import-mode=importlib"]
testpaths = ["tests"]
strict_markers = true

[tool.appeval]
sandbox = "local"
extensions = ["fake.py"]
"""
_METRIC = '''\
"""Metric {number}, {name}: the fake stage says so."""

from fixtures.app import App
from fixtures.evidence import Evidence
from judging import begin, finding_of
from plugins.metric import Finding, metric
from plugins.verdict import GiveVerdict


@metric("{name}", number={number}, kind="{kind}", role="{role}", needs=["{stage}"], version=1)
def judge(evidence: Evidence) -> Finding:
    return finding_of(evidence, "{stage}", {full})


def test_{name}(app: App, verdict: GiveVerdict) -> None:
    begin("{name}", app)
    verdict(judge, app)
'''


def metric_file(name: str, number: int, stage: str, full: float = 1, role: str = "scored") -> str:
    """The whole text of a metric's file."""
    kind = "binary" if full == 1 else "scored"
    return _METRIC.format(name=name, number=number, stage=stage, full=full, role=role, kind=kind)


@dataclass(frozen=True, slots=True)
class Result:
    """A pytest session that has ended. `out` is all that it wrote, `run_dir` where its run should be."""

    code: int
    out: str
    run_dir: Path

    def run(self) -> Run:
        return read_run(self.run_dir)

    def verdicts(self, app: str) -> dict[str, Verdict]:
        """By metric; of the last epoch, where there are several."""
        (found,) = (a for a in self.run().apps if a.app == app)
        return {v.metric: v for v in found.verdicts}

    def states(self, app: str) -> dict[str, str]:
        return {name: verdict.state.value for name, verdict in self.verdicts(app).items()}

    def junit(self) -> dict[str, ElementTree.Element]:
        """The test cases of junit.xml by their name (`test_x[app]`)."""
        tree = ElementTree.parse(self.run_dir / "junit.xml")  # noqa: S314 - written by ourselves a moment ago
        return {case.attrib["name"]: case for case in tree.iter("testcase")}

    def stages(self, app: str) -> dict[str, Any]:
        """`evidence.json` of an app: its stages."""
        stored = json.loads((self.run_dir / "apps" / app / "evidence.json").read_text("utf-8"))
        return dict(stored["stages"])

    def has_line(self, text: str) -> bool:
        return any(text in line for line in self.out.splitlines())


@dataclass(slots=True)
class Project:
    """An inner project at `root`. `app` and `metric` write files, `evaluate` runs `pytest evals/` to its end."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)

    @classmethod
    def make(cls, root: Path, bytecode: Path) -> Project:
        """A project with the nine metrics and no app. `bytecode` is a folder that projects may share: compiling is
        half of what a short session takes. No Node and no browser is on its PATH: nobody shall ask for versions."""
        temporary, programs = root / "tmp", root / "bin"
        for folder in (root / "evals", root / "apps", temporary, programs):
            folder.mkdir(parents=True)
        (programs / "sleep").symlink_to(str(shutil.which("sleep")))
        (root / "pyproject.toml").write_text(_PYPROJECT, "utf-8")
        (root / "evals/__init__.py").touch()
        for name in ("fake.py", "judging.py"):
            shutil.copy(INNER / name, root / name)
        for number, (name, (stage, full)) in enumerate(METRICS.items(), 1):
            (root / f"evals/test_{name}.py").write_text(metric_file(name, number, stage, full), "utf-8")
        left_out = ("PYTEST", "PYTHON", "COV_", MARK)
        return cls(root, {
            **{k: v for k, v in os.environ.items() if not k.startswith(left_out)},
            "PATH": str(programs), "PYTHONPATH": os.pathsep.join([str(root), str(REPOSITORY)]),
            "PYTHONPYCACHEPREFIX": str(bytecode), "TMPDIR": str(temporary), "COLUMNS": "160", "NO_COLOR": "1",
        })  # fmt: skip

    # ------------------------------------------------------------------ its files

    def app(self, name: str, folder: str = "apps", /, **stages: Mapping[str, Any]) -> Path:
        """Make an app that behaves like this; see inner/fake.py."""
        path = self.root / folder / name
        path.mkdir(parents=True)
        (path / "fake.json").write_text(json.dumps(stages), "utf-8")
        return path

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    def pyproject(self, old: str, new: str) -> None:
        """Change the project's pyproject.toml."""
        path = self.root / "pyproject.toml"
        text = path.read_text("utf-8")
        assert text.count(old) == 1, f"{old!r} is not there once"
        path.write_text(text.replace(old, new), "utf-8")

    def append(self, name: str, text: str) -> None:
        with (self.root / name).open("a", encoding="utf-8") as stream:
            stream.write(text)

    def log(self, name: str) -> list[list[str]]:
        """The lines of `stages.log` or `tests.log` as words: what, app, pid."""
        path = self.root / name
        return [line.split() for line in path.read_text("utf-8").splitlines()] if path.exists() else []

    def stage_runs(self, app: str) -> list[str]:
        """The stages that have begun for an app, over all sessions, sorted."""
        return sorted(stage for stage, of, _ in self.log("stages.log") if of == app)

    # ------------------------------------------------------------------ running it

    def evaluate(self, *arguments: str, run: str = "run", code: int | None = None) -> Result:
        """`pytest evals/` with these arguments; `code` is the exit code that is asserted."""
        where = [] if any(a.startswith(("--resume", "--run-dir")) for a in arguments) else [f"--run-dir={run}"]
        return self.pytest("evals/", *where, *arguments, run=run, code=code)

    def pytest(self, *arguments: str, run: str = "run", code: int | None = None) -> Result:
        """pytest in the project folder."""
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *arguments], cwd=self.root, env=self.environment, timeout=PATIENCE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        assert code is None or done.returncode == code, f"exit {done.returncode}, not {code}:\n{done.stdout}"
        return Result(done.returncode, done.stdout, self.root / run)

    @contextmanager
    def evaluating(self, *arguments: str, run: str = "run") -> Iterator[Evaluating]:
        """`pytest evals/` in the background, in a process group of its own; killed at the end if it still runs."""
        log = self.root / "output.txt"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [sys.executable, "-m", "pytest", "evals/", f"--run-dir={run}", *arguments], cwd=self.root,
                env=self.environment, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, start_new_session=True,
            )  # fmt: skip
        try:
            yield Evaluating(process, log, self.root / run)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def appeval(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The command line, in the project folder and with its extension loaded."""
        program = (
            "import sys; from pathlib import Path; from fixtures.registry import load_extension;"
            "from fixtures.settings import pyproject_table; from plugins.cli import main;"
            "[load_extension(Path.cwd(), name) for name in pyproject_table(Path.cwd())['extensions']]; sys.exit(main())"
        )
        return subprocess.run(
            [sys.executable, "-c", program, *arguments], cwd=self.root, env=self.environment, timeout=PATIENCE,
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    # ------------------------------------------------------------------ what is left of it

    def left_behind(self, run: str = "run") -> list[str]:
        """Processes, ledgers and temporary folders of a run that should all be gone; empty when they are."""
        left = [f"process {p}" for p in self.processes()]
        work_dir = work_dir_of(self.root / run, self.root / "tmp")
        left += [str(work_dir)] if work_dir.exists() else []
        left += [str(p) for p in (self.root / run).glob("processes/*")]
        left += [p.name for p in (self.root / "tmp").iterdir() if not p.match("*-locks") and not p.match("pytest-of-*")]
        return left

    def processes(self) -> list[str]:
        """Living processes that belong to this project: they work in its folder, or carry its TMPDIR."""
        found = []
        mine = str(self.root)
        for process in psutil.process_iter():
            try:
                environment = process.environ()
                if environment.get("TMPDIR", "").startswith(mine) or environment.get("PYTHONPATH", "").startswith(mine):
                    found.append(f"{process.pid} {' '.join(process.cmdline())[:100]}")
            except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                continue
        return found


@dataclass(frozen=True, slots=True)
class Evaluating:
    """A session in the background."""

    process: subprocess.Popen[bytes]
    log: Path
    run_dir: Path

    def interrupt(self) -> None:
        """What a terminal does at Ctrl-C: SIGINT to the whole foreground group."""
        os.killpg(self.process.pid, signal.SIGINT)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def result(self) -> Result:
        """Wait for its end."""
        code = self.process.wait(PATIENCE)
        return Result(code, self.log.read_text("utf-8", "replace"), self.run_dir)


def wait_until(ready: Callable[[], object], what: str) -> None:
    """Poll; fails the test when it does not come true."""
    until = time.monotonic() + PATIENCE
    while not ready():
        assert time.monotonic() < until, f"never: {what}"
        time.sleep(0.02)


def stored(run_dir: Path) -> list[tuple[str, Verdict]]:
    """The lines of results.jsonl that are whole, in order: case and verdict."""
    found = []
    for line in (run_dir / "results.jsonl").read_text("utf-8").splitlines():
        try:
            raw = json.loads(line)
        except ValueError:
            continue
        found.append((raw["case"], verdict_from_json(raw["verdict"])))
    return found


def facts(run: Run) -> Sequence[object]:
    """What two runs of the same apps must agree in: every verdict without its seconds, and every score."""
    return [
        (app.app, [(v.metric, v.epoch, v.state, v.low, v.high, v.reason, v.evidence) for v in app.verdicts], app.score)
        for app in run.apps
    ]


__all__ = ["METRICS", "STAGES", "Evaluating", "Project", "Result", "facts", "metric_file", "stored", "wait_until"]
