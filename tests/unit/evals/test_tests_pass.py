"""Metric 4: what its line says of an app whose tests did not run, and of a runner that failed."""

from __future__ import annotations

from typing import Any

import pytest

from evals.test_tests_pass import judge
from fixtures.evidence import Evidence, StageResult

SUITE: dict[str, Any] = {
    "suite": ".", "runner": "pytest", "total": 0, "skipped": 0, "failed": 0, "exit_code": 5, "scored": True, "note": "",
    "last_line": "no data was collected",
}  # fmt: skip
FACTS: dict[str, Any] = {"suites": [], "total": 0, "skipped": 0, "failed": 0, "failures": [], "coverage": None}
NODE = {"suite": "the app", "runner": "node:test", "exit_code": 1, "last_line": "Error: no test specified"}
NOTE = "there is no test in test_app.py, and it was not imported"


def evidence(*suites: dict[str, Any], total: int = 0) -> Evidence:
    facts = {**FACTS, "total": total, "suites": [{**SUITE, **suite} for suite in suites]}
    return Evidence("app", 1, {"tests": StageResult("tests", True, 0.1, facts=facts)})


@pytest.mark.parametrize(
    ("suites", "line"),
    [
        ([], "no test ran: the app has no test script and no tests that a runner would find"),
        ([{}], "no test ran: pytest found none"),
        ([{"note": NOTE}], f"no test ran: pytest found none ({NOTE})"),
        ([NODE], "no test ran: node:test found none (Error: no test specified)"),
        (
            [{"suite": "web", "runner": "vitest", "exit_code": 0}, NODE],
            "no test ran: vitest of web found none, node:test found none (Error: no test specified)",
        ),
    ],
)
def test_why_no_test_ran(suites: list[dict[str, Any]], line: str) -> None:
    finding = judge(evidence(*suites))
    assert (finding.reason, finding.line) == ("tests.none_found", line)


def test_the_runner_that_failed_is_named() -> None:
    """A Python app has no `npm test`."""
    finding = judge(evidence({"exit_code": 2, "last_line": "a hook failed"}, total=3))
    assert (finding.reason, finding.line) == ("tests.exit_code", "3 tests passed, and pytest exited 2: a hook failed")
