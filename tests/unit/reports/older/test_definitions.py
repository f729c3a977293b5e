"""Which differences follow from the definitions: each entry by what must be recorded for it, and what nothing explains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from reports.model import AppResult, ScoreRange, State, Verdict
from reports.older.definitions import DEFINITIONS, explanation
from reports.older.difference import Difference
from reports.older.keys import KEYS
from reports.older.report import OlderApp, OlderReport

ALL_PASS: Mapping[str, float | None] = {name: key.full for name, key in KEYS.items()}


def older(values: Mapping[str, float | None], *issues: str, **other: Any) -> OlderApp:
    plain = {
        "composite": None, "coverage": None, "has_tests": True, "has_dockerfile": True, "build_seconds": 9.0,
        "template": "trpc",
    }  # fmt: skip
    return OlderApp(app="a", values={**ALL_PASS, **values}, issues=issues, **{**plain, **other})


def difference(
    metric: str, there: float, here: float, *codes: str, evidence: str = "", app: OlderApp | None = None,
    others: Mapping[str, float | None] | None = None, stack: str = "trpc", start_seconds: float = 1.0,
    more: tuple[Verdict, ...] = (),
) -> Difference:  # fmt: skip
    """One difference. `codes` are the reasons of our verdicts, one per epoch; `others` the values of a second older app."""
    mine = app or older({metric: there})
    failed = [State.BLOCKED if code.startswith("blocked.") else State.FAIL for code in codes] or [State.PASS]
    verdicts = tuple(
        Verdict(metric, i, state, here, here, code, evidence)
        for i, (state, code) in enumerate(zip(failed, codes or ("",), strict=True), 1)
    )
    result = AppResult(
        "a", "a", "/a", stack, None, (*verdicts, *more), ScoreRange(0, 0, 0, 0), 0, 0,
        measurements={"start_seconds": start_seconds},
    )  # fmt: skip
    second = {} if others is None else {"b": older(others)}
    return Difference(metric, OlderReport("r", "", {"a": mine, **second}, {}, ()), mine, result, there, here)


def test_every_metric_of_the_older_report_has_definitions() -> None:
    assert DEFINITIONS.keys() == KEYS.keys()


@pytest.mark.parametrize(
    ("metric", "code", "words"),
    [
        ("build_success", "build.no_artifact", "fresh artifact"),
        ("build_success", "build.no_script", "without a build script passed"),
        ("build_success", "image.failed", "the image of the Dockerfile is built"),
        ("build_success", "build.failed", None),
        ("runtime_success", "runtime.no_health_route", "any answer of / was health"),
        ("runtime_success", "runtime.unhealthy", "any answer of / was health"),
        ("runtime_success", "runtime.died", "still run at the end"),
        ("runtime_success", "runtime.loopback_only", "from outside"),
        ("runtime_success", "runtime.exited", None),
        ("runtime_success", "blocked.artifact", None),
        ("type_safety", "types.nothing_checked", "exit 0 of tsc"),
        ("type_safety", "types.unchecked", "exit 0 of tsc"),
        ("type_safety", "types.no_project", "exit 0 of tsc"),
        ("type_safety", "types.no_typescript", "exit 0 of tsc"),
        ("type_safety", "types.errors", None),
        ("type_safety", "blocked.install", "judged by itself"),
        ("tests_pass", "tests.none_found", "a test must have run"),
        ("tests_pass", "tests.failed", None),
        ("tests_pass", "blocked.install", "judged by itself"),
        ("databricks_connectivity", "connectivity.no_table_read", "the warehouse must see"),
        ("databricks_connectivity", "connectivity.never_connected", "the warehouse must see"),
        ("data_returned", "data.mock", "rows must come"),
        ("ui_renders", "ui.uncaught_error", "what the browser records"),
        ("ui_renders", "ui.http_error", "what the browser records"),
        ("ui_renders", "ui.blank", None),
        ("local_runability", "runability.no_start_command", "the README is followed"),
        ("deployability", "deployability.builds", "other points"),
    ],
)
def test_better_there(metric: str, code: str, words: str | None) -> None:
    found = explanation(difference(metric, KEYS[metric].full, 0.0, code))
    assert (found is None) is (words is None)
    assert (words or "") in (found or "")


@pytest.mark.parametrize("metric", [name for name in KEYS if name != "deployability"])
def test_a_difference_of_which_nothing_is_recorded_is_not_explained(metric: str) -> None:
    assert explanation(difference(metric, 0, KEYS[metric].full)) is None


def test_one_epoch_that_failed_otherwise_is_not_explained() -> None:
    assert explanation(difference("build_success", 1, 0, "build.no_artifact", "build.no_artifact")) is not None
    assert explanation(difference("build_success", 1, 0, "build.no_artifact", "build.failed")) is None


@pytest.mark.parametrize("template", ["", "docker"])
def test_an_image_that_was_built_there_too_explains_nothing(template: str) -> None:
    assert explanation(difference("build_success", 1, 0, "image.failed", app=older({}, template=template))) is None


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        ("3 type errors: shared/types.ts:1 TS2322 x", "the errors are elsewhere"),
        ("3 type errors: client/src/App.tsx:12 TS2322 x", "references of its tsconfig.json"),
        ("1 type error: frontend/src/App.tsx:12 TS2322 x", "references of its tsconfig.json"),
        ("1 type error: server/src/index.ts:12 TS2322 x", None),
        ("1 type error: TS18003 no inputs", None),
        ("1 type error: index.ts:3 TS2322 x", None),
    ],
)
def test_type_errors_by_where_they_are(evidence: str, words: str | None) -> None:
    found = explanation(difference("type_safety", 1, 0, "types.errors", evidence=evidence))
    assert (found is None) is (words is None)
    assert (words or "") in (found or "")


def test_tests_whose_exit_code_was_thrown_away() -> None:
    passed = difference("tests_pass", 1, 0, "tests.failed", others={})
    assert "npm test || true" in (explanation(passed) or "")
    one_failed = difference("tests_pass", 1, 0, "tests.failed", others={"tests_pass": 0})
    assert explanation(one_failed) is None


def test_tests_that_the_older_report_says_are_not_there() -> None:
    none = older({}, has_tests=False)
    assert "there are none" in (explanation(difference("tests_pass", 1, 0, "tests.exit_code", app=none)) or "")
    none = older({"tests_pass": 0}, has_tests=False)
    assert "every suite is found" in (explanation(difference("tests_pass", 0, 1, app=none)) or "")


@pytest.mark.parametrize("metric", ["build_success", "runtime_success"])
@pytest.mark.parametrize(
    ("has_dockerfile", "seconds", "explained"),
    [(False, 0.0, True), (False, 3.0, False), (True, 0.0, False), (None, None, False)],
)
def test_what_was_not_tried_without_a_dockerfile(
    metric: str, has_dockerfile: bool | None, seconds: float | None, explained: bool
) -> None:
    app = older({metric: 0}, has_dockerfile=has_dockerfile, build_seconds=seconds)
    found = explanation(difference(metric, 0, 1, app=app))
    assert ("nobody tried" in found if found else False) is explained


@pytest.mark.parametrize(("seconds", "explained"), [(4.9, False), (5.1, True)])
def test_a_server_that_was_slow_for_the_older_check(seconds: float, explained: bool) -> None:
    assert (explanation(difference("runtime_success", 0, 1, start_seconds=seconds)) is not None) is explained


def test_a_start_that_the_older_framework_tried_after_a_failed_build() -> None:
    tried = difference("runtime_success", 1, 0, "blocked.artifact", app=older({"build_success": 0}))
    assert "though its build had failed" in (explanation(tried) or "")


@pytest.mark.parametrize("metric", ["databricks_connectivity", "data_returned", "ui_renders"])
def test_what_was_not_looked_at_because_the_app_did_not_run_there(metric: str) -> None:
    app = older({metric: 0, "runtime_success": 0})
    assert "passed the runtime check" in (explanation(difference(metric, 0, 1, app=app)) or "")


@pytest.mark.parametrize("metric", ["databricks_connectivity", "data_returned", "ui_renders"])
def test_what_is_blocked_here_is_explained_exactly_when_its_cause_is(metric: str) -> None:
    for code, explained in (("runtime.died", True), ("runtime.exited", False)):
        start = Verdict("runtime_success", 1, State.FAIL, 0, 0, code)
        found = explanation(difference(metric, 1, 0, "blocked.start", more=(start,)))
        assert (found is not None) is explained
        if found:
            assert found.startswith("follows from runtime_success: there one answer was enough")
    not_there = older({metric: 1, "runtime_success": 0})
    start = Verdict("runtime_success", 1, State.FAIL, 0, 0, "runtime.died")
    assert explanation(difference(metric, 1, 0, "blocked.start", app=not_there, more=(start,))) is None
    assert explanation(difference(metric, 1, 0, "blocked.page", more=(start,))) is None


def test_data_that_nobody_asked_for() -> None:
    not_connected = older({"data_returned": 0, "databricks_connectivity": None})
    assert "connectivity check" in (explanation(difference("data_returned", 0, 1, app=not_connected)) or "")
    doubted = older({"data_returned": 0}, "Data validity concerns: NO")
    assert "first query" in (explanation(difference("data_returned", 0, 1, app=doubted)) or "")
    looked = older({"data_returned": 0}, "Data validity concerns: Agentic SQL-to-endpoint parity check failed")
    assert explanation(difference("data_returned", 0, 1, app=looked)) is None


@pytest.mark.parametrize("issue", ["UI concerns: No screenshot found", "UI concerns: Skipped: no client"])
def test_pages_that_nobody_looked_at(issue: str) -> None:
    assert "no screenshot" in (explanation(difference("ui_renders", 0, 1, app=older({"ui_renders": 0}, issue))) or "")
    other = older({"ui_renders": 0}, "UI concerns: VLM check failed: FAIL")
    assert explanation(difference("ui_renders", 0, 1, app=other)) is None


def test_pages_that_were_never_more_than_the_runtime_check() -> None:
    same = difference("ui_renders", 1, 0, "ui.blank", others={"ui_renders": 0, "runtime_success": 0})
    assert "equals the runtime check for every app" in (explanation(same) or "")
    differ = difference("ui_renders", 1, 0, "ui.blank", others={"ui_renders": 0, "runtime_success": 1})
    assert explanation(differ) is None


@pytest.mark.parametrize("metric", ["databricks_connectivity", "local_runability"])
def test_an_app_of_another_kind_than_the_older_checks_knew(metric: str) -> None:
    found = explanation(difference(metric, 0, KEYS[metric].full, stack="streamlit"))
    assert "of another kind" in (found or "")


@pytest.mark.parametrize(("there", "here"), [(4, 5), (4, 1), (1, 0)])
def test_points_that_were_counted_otherwise(there: float, here: float) -> None:
    codes = ("runability.readme",) if here < 3 else ()
    assert "other points" in (explanation(difference("local_runability", there, here, *codes)) or "")


def test_all_points_or_none() -> None:
    value = {"local_runability": 0.0}
    model = difference("local_runability", 0, 4, app=older(value), others={"local_runability": 5.0})
    assert "5 points or none" in (explanation(model) or "")
    counted = difference("local_runability", 0, 4, app=older(value), others={"local_runability": 3.0})
    assert explanation(counted) is None


@pytest.mark.parametrize("metric", KEYS)
def test_an_evaluation_that_broke(metric: str) -> None:
    broke = older({metric: 0}, "Evaluation error: disk full")
    assert "the evaluation of this app broke" in (
        explanation(difference(metric, 0, KEYS[metric].full, app=broke)) or ""
    )


@pytest.mark.parametrize("metric", ["type_safety", "tests_pass"])
def test_packages_that_could_not_be_installed(metric: str) -> None:
    app = older({metric: 0}, "Dependencies installation failed")
    assert "could not be installed" in (explanation(difference(metric, 0, 1, app=app)) or "")


def test_a_metric_that_the_older_framework_did_not_have() -> None:
    assert explanation(difference("accessible", 0, 1)) is None
