"""What pytest users do: -k, --lf, -x, --deselect, --collect-only, --junitxml, -v, and plain pytest."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from tests.pytester.project import METRICS, STAGES, Project, Result

NO_TYPES = {"fake_types": {"facts": {"value": 0, "line": "3 type errors"}}}


def begun(project: Project) -> list[tuple[str, str]]:
    return [(metric, app) for metric, app, _ in project.log("tests.log")]


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["evals/", "-k", "type_safety and churn"], id="k"),
        pytest.param(["evals/test_type_safety.py::test_type_safety[churn]"], id="node-id"),
        pytest.param(
            ["evals/test_type_safety.py", "--deselect=evals/test_type_safety.py::test_type_safety[sales]"], id="file"
        ),
        pytest.param(["evals/test_type_safety.py", "--apps=apps/churn", "-n", "2"], id="n2"),
    ],
)
def test_one_metric_of_one_app_runs_what_it_needs(project: Project, arguments: list[str]) -> None:
    for name in ("churn", "sales"):
        project.app(name)
    result = project.pytest(*arguments, "--run-dir=runs/part", run="runs/part", code=0)
    assert begun(project) == [("type_safety", "churn")]
    assert project.log("stages.log")[0][:2] == ["fake_types", "churn"]
    assert len(project.log("stages.log")) == 1
    assert list(result.stages("churn")) == ["fake_types"]
    states = result.states("churn")
    assert states.pop("type_safety") == "PASS"
    assert set(states.values()) == {"UNMEASURED"}
    assert {v.reason for v in result.verdicts("churn").values()} == {"", "unmeasured.not_selected"}
    assert result.run().partial
    assert "PARTIAL RUN" in result.out
    assert not os.path.lexists(project.root / "runs/latest"), "a partial run is not the latest one"


def test_latest_points_to_the_last_whole_run(project: Project) -> None:
    project.app("churn")
    project.pytest("evals/", code=0)
    (whole,) = (p for p in (project.root / "runs").iterdir() if p.name != "latest")
    assert (project.root / "runs/latest").resolve() == whole
    project.pytest("evals/", "-k", "tests_pass", code=0)
    assert len(list((project.root / "runs").iterdir())) == 3
    assert (project.root / "runs/latest").resolve() == whole


def test_last_failed(project: Project) -> None:
    project.app("churn", **NO_TYPES)
    project.app("sales")
    project.evaluate(run="first", code=1)
    before = len(begun(project))
    result = project.evaluate("--lf", run="second", code=1)
    assert begun(project)[before:] == [("type_safety", "churn")]
    assert list(result.stages("churn")) == ["fake_types"]
    assert result.run().partial


def test_exit_first(project: Project, workers: tuple[str, ...]) -> None:
    project.app("churn", **NO_TYPES, fake_tests={"after": ["fake_types"], "wait_for": "never"})
    if not workers:
        project.app("sales")
    result = project.evaluate("-x", *workers, code=1)
    states = result.states("churn")
    assert [states[m] for m in list(METRICS)[:3]] == ["PASS", "PASS", "FAIL"]
    assert result.run().partial
    assert {state for app in result.run().apps for state in result.states(app.app).values()} == {
        "PASS",
        "FAIL",
        "UNMEASURED",
    }
    assert result.has_line("stopping after 1 failures")
    assert "INTERNALERROR" not in result.out
    assert project.left_behind() == []


def test_collect_only_writes_nothing(project: Project) -> None:
    project.app("churn")
    before = sorted(p for p in project.root.rglob("*") if "tmp" not in p.parts and ".pytest_cache" not in p.parts)
    result = project.pytest("evals/", "--collect-only", "-q", code=0)
    after = sorted(p for p in project.root.rglob("*") if "tmp" not in p.parts and ".pytest_cache" not in p.parts)
    assert after == before
    assert [line for line in result.out.splitlines() if line.startswith("evals/")] == [
        f"evals/test_{metric}.py::test_{metric}[churn]" for metric in METRICS
    ]


@pytest.mark.parametrize("arguments", [[], ["."], ["-n", "2"], ["tests"]])
def test_plain_pytest_never_evaluates(project: Project, arguments: list[str]) -> None:
    project.app("churn")
    project.write("tests/test_plain.py", "def test_plain():\n    assert True\n")
    result = project.pytest(*arguments, code=0)
    assert "1 passed" in result.out.splitlines()[-1]
    assert "appeval" not in result.out
    assert not (project.root / "runs").exists()
    assert begun(project) == []


def test_options_of_pytest_are_respected(project: Project) -> None:
    project.app("churn", **NO_TYPES)
    result = project.evaluate("-v", "--junitxml=mine.xml", code=1)
    assert (project.root / "mine.xml").is_file()
    assert not (result.run_dir / "junit.xml").exists()
    assert line_of(result, "test_build_success[churn]").split()[1] == "PASSED"
    assert line_of(result, "test_type_safety[churn]").split()[1] == "FAILED"
    assert Counter(project.stage_runs("churn")) == Counter(STAGES)


def line_of(result: Result, test: str) -> str:
    """The line of a test in pytest's own verbose output."""
    return next(line for line in result.out.splitlines() if line.startswith("evals/") and f"::{test} " in line)


def test_quiet_shows_letters(project: Project) -> None:
    project.app("churn", **NO_TYPES, fake_image={"raises": "HarnessError"}, fake_tests={"raises": "Unmeasured"})
    result = project.evaluate("-q", code=3)
    assert result.out.splitlines()[0].startswith("..Fs....E ")


def test_a_distribution_that_would_tear_an_app_apart_is_refused(project: Project) -> None:
    project.app("churn")
    result = project.evaluate("-n", "2", "--dist=loadfile", code=4)
    assert "--dist=loadfile: all of an app is measured by one worker; leave it out" in result.out
