"""`pytest evals/ -k type_safety` on the real metrics and stages pays for nothing that it does not use."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pytester.project import PATIENCE, REPOSITORY, Project

#: A plugin that writes down what is imported when the last test has ended, and when the session has.
SPY = """
import os
import sys
from pathlib import Path


def write(name):
    process = os.environ.get("PYTEST_XDIST_WORKER", "controller")
    Path(os.environ["SPY"], f"{name}-{process}").write_text("\\\\n".join(sys.modules))


def pytest_runtest_logfinish():
    write("measured")


def pytest_unconfigure():
    write("ended")
"""


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["serial", "n1"])
def test_one_metric_imports_no_heavy_library(project: Project, workers: tuple[str, ...]) -> None:
    app = project.root / "apps/tool"
    app.mkdir()
    (app / "Makefile").write_text("all:\n", "utf-8")  # an app of no known stack: the stages begin, and say so
    project.write("spy.py", SPY.replace("\\\\n", "\\n"))
    (project.root / "seen").mkdir()
    environment = {**project.environment, "SPY": str(project.root / "seen")}
    environment["PYTHONPATH"] = f"{project.root / 'nothing'}{os.pathsep}{project.root}"
    (project.root / "evals").rename(project.root / "not-evals")
    done = subprocess.run(
        [
            sys.executable, "-m", "pytest", "evals/", "-k", "type_safety", f"--apps={project.root / 'apps'}", *workers,
            "--sandbox=local",
            f"--run-dir={project.root / 'run'}", "-p", "spy", "-p", "no:cacheprovider", "-p", "no:anyio",
        ],
        cwd=REPOSITORY, env=environment, timeout=PATIENCE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 5, done.stdout
    assert "1 skipped" in done.stdout
    seen = {path.name: modules(path) for path in (project.root / "seen").iterdir()}
    assert len(seen) == (2 if not workers else 4)
    for where, names in seen.items():
        assert "evals.test_type_safety" in names
        assert (
            names
            & {
                "mlflow",
                "playwright",
                "PIL",
                "duckdb",
                "pyarrow",
                "sqlglot",
                "databricks",
                "docker",
                "pandas",
                "numpy",
                "detect_secrets",
            }
            == set()
        ), where


def modules(path: Path) -> set[str]:
    """Names of modules, and of the packages that they are in."""
    names = path.read_text("utf-8").splitlines()
    return {*names, *(name.partition(".")[0] for name in names)}
