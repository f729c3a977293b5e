"""A hand-made run: seven apps that between them show every state, a cap, an interval and hostile text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from reports.model import AppResult, MetricInfo, Run, ScoreRange, State, Summary, Verdict

HOSTILE = "](javascript:alert(1))<script>\x1b[31m|`*_#!&\u202etxt.exe\r\n=cmd"
NAMES = (
    "build_success", "runtime_success", "type_safety", "tests_pass", "databricks_connectivity", "data_returned",
    "ui_renders", "local_runability", "deployability",
)  # fmt: skip
METRICS = tuple(
    MetricInfo(name, i, f"Metric {i}", "scored" if i > 7 else "binary", "scored", 1) for i, name in enumerate(NAMES, 1)
)
STATES = {
    "P": State.PASS, "F": State.FAIL, "B": State.BLOCKED, "-": State.NOT_APPLICABLE, "?": State.UNMEASURED,
    "!": State.HARNESS_ERROR,
}  # fmt: skip
BLIND = "set DATABRICKS_HOST or --warehouse=embedded"


def make_verdict(metric: MetricInfo, mark: str, epoch: int = 1) -> Verdict:
    """`P F B - ? !`, or `3` and `15` for a scored metric's value and interval."""
    if mark.isdigit():
        low, high = float(mark[0]), float(mark[-1])
        state = State.PASS if low >= 3 else State.FAIL if high < 3 else State.UNMEASURED
    else:
        state = STATES[mark]
        low = metric.full if state is State.PASS else 0.0
        high = metric.full if state.unknown or state is State.PASS else 0.0
    reason = {
        State.FAIL: f"{metric.name}.broken", State.BLOCKED: "blocked.build", State.HARNESS_ERROR: "harness.port",
        State.UNMEASURED: "warehouse.none", State.NOT_APPLICABLE: "stack.none", State.PASS: "",
    }[state]  # fmt: skip
    evidence = BLIND if state is State.UNMEASURED else f"{metric.name} says {mark}"
    return Verdict(metric.name, epoch, state, low, high, reason, evidence)


def make_app(name: str, marks: str, low: float, high: float, **more: Any) -> AppResult:
    """`marks` has one word per metric; epochs are separated by a comma."""
    verdicts = tuple(
        make_verdict(metric, mark, epoch)
        for metric, word in zip(METRICS, marks.split(), strict=True)
        for epoch, mark in enumerate(word.split(","), 1)
    )
    success = more.pop("success", (0.0, 0.0))
    score = more.pop("score", ScoreRange(low, high, low, high))
    return AppResult(name, name, f"/apps/{name}", "trpc", None, verdicts, score, *success, **more)


def make_run(*apps: AppResult, **more: Any) -> Run:
    summary = Summary(
        len(apps), sum(a.score.value is not None for a in apps), 61.3, 82.04, 1 / 3, 2 / 3, {},
        (("type_safety.broken", 2, "churn: 3 errors | <b>"),), {},
    )  # fmt: skip
    defaults: dict[str, Any] = {
        "schema": 1, "id": "20260102-030405", "started": "2026-01-02T03:04:05Z", "seconds": 312.0,
        "git_commit": "abc1234", "partial": False, "profile": "weighted-1", "epochs": 1, "toolchain": {},
        "settings": {"sandbox": "local", "warehouse": "embedded"}, "metrics": METRICS, "apps": apps, "summary": summary,
    }  # fmt: skip
    return Run(**{**defaults, **more})


@pytest.fixture
def seven() -> Run:
    apps = (
        make_app("sales-pipeline", "P P P P P P P 5 5", 100, 100, success=(1.0, 1.0), measurements={
            "lines_of_code": 1234.0, "build_seconds": 12.34, "coverage_percent": 81.0, "bundle_kb": 77.0}, generation={
            "cost_usd": 0.61, "input_tokens": 148230, "output_tokens": 11874, "turns": 38, "validation_runs": 4}),
        make_app("churn", "P P F P P P P 4 3", 82, 82, success=(1.0, 1.0)),
        make_app("unmeasured", "P P P P ? ? P 15 5", 81, 100, success=(1.0, 1.0)),
        make_app("broken-build", "F B F B B B B 1 0", 1, 1),
        make_app("a-very-long-name-of-an-app-that-nobody-can-read-in-one-go", "P ! F P - P ! 4 25", 41.2, 78.8,
                 success=(0.0, 1.0)),
        make_app("template", "P P P P P P P 5 5", 60, 60, score=ScoreRange(60, 60, 100, 100),
                 labels=("unmodified template",), notes=("the app is nested in app/",)),
        make_app(HOSTILE, "P P F P P P P 5 5", 85, 85, success=(1.0, 1.0)),
    )  # fmt: skip
    return make_run(*apps, skipped=(("/apps/notes", "no package.json"), (f"/apps/{HOSTILE}", "a broken link")))


@pytest.fixture
def epochs() -> Run:
    """Three epochs of one flaky app."""
    marks = "P,P,P P,F,P F,F,F P,?,F ?,?,? -,-,- !,!,! 3,4,4 15,5,5"
    app = make_app("flaky", marks, 40, 60, score=ScoreRange(40, 60, 40, 60, 15.0))
    return make_run(app, epochs=3)


@pytest.fixture
def app_of() -> Callable[..., AppResult]:
    return make_app


@pytest.fixture
def run_of() -> Callable[..., Run]:
    return make_run


@pytest.fixture
def no_apps(seven: Run) -> Run:
    return replace(seven, apps=(), skipped=())
