"""Metric 7 over every kind of evidence."""

from __future__ import annotations

from typing import Any

import pytest

from evals.test_ui_renders import judge
from fixtures.errors import Unmeasured
from fixtures.evidence import Evidence, Problem, StageResult

TABLE = [{"text": text, "length": len(text), "in": "table"} for text in ("North", "42", "South", "17")]
GOOD: dict[str, Any] = {
    "status": 200, "page_errors": [], "console_errors": [], "failed_requests": [], "requests": [], "text": "Sales\nNorth 42",
    "text_length": 12, "media": 0, "nodes": 20, "colours": 30, "text_pixels": 500, "load_seconds": 1.0, "warehouse": "embedded",
    "form": "local build", "lines": TABLE, "markers": [], "alerts": [], "waiting": [], "pictures": 0, "inputs": 0,
    "unsupported_statements": [],
}  # fmt: skip
UNSUPPORTED = [{"statement": "SELECT h3_x(1)", "error": "[UNSUPPORTED_BY_EMBEDDED_WAREHOUSE] h3_x"}]
BOUNDARY = [{"text": "Something went wrong", "length": 18, "in": "heading"}]
FAILED = [{"path": "/api/rows", "method": "GET", "status": 500, "body": None, "kind": "application/json"}]
STREAM = [{"path": "/api/analytics", "method": "POST", "status": 200, "body": None, "kind": "text/event-stream"}]
BLOCKED = {
    "url": "https://cdn.example/x.js",
    "type": "script",
    "status": None,
    "error": "net::ERR",
    "external": True,
    "critical": True,
}


def evidence(**facts: Any) -> Evidence:
    return Evidence("app", 1, {"page": StageResult("page", True, 0.1, facts={**GOOD, **facts})})


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({}, ""),
        ({"page_errors": ["AbortError: signal is aborted without reason"]}, ""),
        ({"page_errors": ["CanceledError: canceled", "TypeError: x is undefined"]}, "ui.uncaught_error"),
        ({"status": 401}, "ui.http_error"),
        ({"content_type": "application/json; charset=utf-8"}, "ui.no_page"),
        ({"lines": BOUNDARY}, "ui.error_screen"),
        ({"lines": [*TABLE, *BOUNDARY]}, ""),
        ({"markers": [{"kind": "part", "selector": ".toast-body.error", "text": "Error", "length": 5}]}, ""),
        ({"markers": [{"kind": "part", "selector": ".toast-body.error", "text": "Error", "length": 5}], "lines": []}, "ui.error_screen"),
        ({"markers": [{"kind": "traceback", "selector": ".stException", "text": "KeyError", "length": 8}]}, "ui.traceback"),
    ],
)  # fmt: skip
def test_verdicts(facts: dict[str, Any], reason: str) -> None:
    finding = judge(evidence(**facts))
    assert (finding.reason, finding.high) == (reason, float(not reason))


@pytest.mark.hazard(28)
@pytest.mark.parametrize(
    "broken", [{"lines": BOUNDARY}, {"page_errors": ["TypeError: rows is undefined"]}, {"text_length": 0, "lines": []}]
)
@pytest.mark.parametrize(
    ("why", "code"),
    [
        ({"unsupported_statements": UNSUPPORTED}, "unmeasured.unsupported_sql"),
        ({"warehouse": "none", "requests": FAILED}, "unmeasured.no_warehouse"),
        ({"warehouse": "none", "requests": STREAM}, "unmeasured.no_warehouse"),
        ({"astray": "connections of bun cannot be led"}, "unmeasured.not_led"),
    ],
)
def test_hazard_28_what_we_broke_is_not_the_apps_fault(broken: dict[str, Any], why: dict[str, Any], code: str) -> None:
    """Rows that our warehouse cannot give cause error boundaries: nobody knows what the page would show with them."""
    assert judge(evidence(**broken)).high == 0
    with pytest.raises(Unmeasured) as raised:
        judge(evidence(**broken, **why))
    assert raised.value.code == code


@pytest.mark.hazard(28)
def test_hazard_28_a_page_that_is_shown_all_the_same_passes() -> None:
    assert judge(evidence(unsupported_statements=UNSUPPORTED)).low == 1


@pytest.mark.hazard(25)
@pytest.mark.parametrize(
    ("facts", "unmeasured"),
    [
        ({"text_length": 0, "lines": []}, True),
        ({"page_errors": ["ReferenceError: Plotly is not defined"]}, True),
        ({"markers": [{"kind": "traceback", "selector": ".stException", "text": "KeyError", "length": 8}]}, False),
        ({"lines": BOUNDARY}, False),
    ],
)
def test_hazard_25_blocked_scripts_explain_a_page_that_was_not_drawn(facts: dict[str, Any], unmeasured: bool) -> None:
    if not unmeasured:
        assert judge(evidence(**facts, failed_requests=[BLOCKED])).high == 0
        return
    with pytest.raises(Unmeasured) as raised:
        judge(evidence(**facts, failed_requests=[BLOCKED]))
    assert raised.value.code == "page.external_blocked"


def test_evidence_from_before_places_were_recorded_is_judged_by_its_text() -> None:
    new = ("lines", "markers", "alerts", "waiting", "pictures", "inputs", "unsupported_statements")
    old = {name: value for name, value in GOOD.items() if name not in new}
    for text, reason in (
        ("Sales\nNorth 42", ""),
        ("Cannot GET /", "ui.error_screen"),
        ("Loading...", "ui.still_loading"),
    ):
        page = StageResult("page", True, 0.1, facts={**old, "text": text})
        assert judge(Evidence("app", 1, {"page": page})).reason == reason


def test_a_stage_that_could_not_look_changes_nothing() -> None:
    unmeasured = StageResult(
        "look", False, 0.0, problem=Problem("unmeasured", "unmeasured.no_ui_judge", "not asked", "look")
    )
    page = StageResult("page", True, 0.1, facts=GOOD)
    alone, beside = (
        judge(Evidence("app", 1, results)) for results in ({"page": page}, {"page": page, "look": unmeasured})
    )
    assert alone == beside
