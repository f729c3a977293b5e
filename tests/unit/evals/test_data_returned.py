"""Metric 6 over every kind of evidence."""

from __future__ import annotations

from typing import Any

import pytest

from evals.test_data_returned import judge
from fixtures.errors import Unmeasured
from fixtures.evidence import Evidence, StageResult
from plugins.metric import Finding
from tests.unit.evals.test_databricks_connectivity import FAILED, NOTHING, UNSUPPORTED

READ = {"asked": 3, "succeeded": 3, "read": {"samples.tpch.orders": 3}, "connections": 1}
LIVE = {"warehouse": "live"}
DRIVER = {"driver_files": ["server/db.ts"]}


def source(path: str = "/api/rows", **facts: Any) -> dict[str, Any]:
    usual = {
        "path": path, "method": "GET", "status": 200, "error": "", "items": 2, "shows_data": True, "asked": 0,
        "differed": False, "proven": False, "followed": 0, "strayed": 0, "unsteady": 0, "fixed": 3, "examples": [],
        "from_rows": [],
    }  # fmt: skip
    return {**usual, **facts}


PROVEN = source(asked=1, differed=True, proven=True, followed=2, examples=[{"path": "$[0].n", "a": 5, "b": 7}])
QUIET = source("/api/quiet", items=0, shows_data=False)
PAGE = source("/", method="PAGE", shows_data=False, items=0)


def line(text: str, place: str = "") -> dict[str, Any]:
    return {"text": text, "length": len(text), "in": place}


def asked_by_page(status: int, kind: str = "application/json") -> dict[str, Any]:
    return {"path": "/ask?id=1", "method": "POST", "status": status, "body": None, "kind": kind}


ROWS = [line("Oslo", "table"), line("-2.3", "table"), line("17.2", "table")]


def judged(queries: dict[str, Any], sources: list[dict[str, Any]], **canary: Any) -> Finding:
    facts = {"sources": sources, "restarted": False, "restart_failed": "", "cut": False, "unrepeated": 0, **canary}
    results = {
        "queries": StageResult("queries", True, 0.1, facts={**NOTHING, **queries}),
        "canary": StageResult("canary", True, 0.1, facts=facts),
        "comparison": StageResult("comparison", True, 0.1, facts=facts),
        "page": StageResult("page", True, 0.1, facts=canary.get("page", {})),
    }
    return judge(Evidence("app", 1, results))


def test_values_that_follow_pass() -> None:
    finding = judged(READ, [QUIET, PROVEN])
    assert finding.low == 1
    assert finding.line == (
        "2 of 5 values of /api/rows follow the warehouse's data ($[0].n: 5 → 7); 1 of 2 sources have such values"
    )
    assert judged({**READ, "own_tables": ["pets.sql"]}, [PROVEN]).line.endswith("it brings tables of its own: pets.sql")


@pytest.mark.parametrize(("queries", "sources", "reason", "words"), [
    ({}, [QUIET, source()], "data.mock", "the warehouse was never asked"),
    ({"asked": 2, "succeeded": 2}, [source()], "data.mock", "no table was read"),
    ({"asked": 2, "failed": 2, "first_failed": FAILED}, [source()], "data.mock", "its statements failed"),
    (READ, [source(), PAGE], "data.mock", "do not follow"),
    (READ, [source(asked=1, differed=True)], "data.mock", "do not follow"),
    ({}, [source(error="no table", status=200)], "data.error_hidden", "200 with an error: no table"),
    (READ, [source(error="x", status=503, shows_data=False)], "data.error", "503: x"),
    ({}, [source(error="ReadTimeout", status=None, shows_data=False)], "data.error", "nothing: ReadTimeout"),
    (READ, [QUIET, PAGE], "data.empty", "none of 1 sources"),
    ({}, [PAGE], "data.no_endpoint", "no endpoint"),
    ({}, [], "data.no_endpoint", "no endpoint"),
])  # fmt: skip
def test_failures(queries: dict[str, Any], sources: list[dict[str, Any]], reason: str, words: str) -> None:
    finding = judged(queries, sources)
    assert (finding.high, finding.reason) == (0, reason)
    assert words in finding.line


@pytest.mark.parametrize(("queries", "page", "reason", "words"), [
    ({}, {"lines": ROWS}, "data.mock", "values of the page (-2.3, 17.2) come from nowhere"),
    ({"asked": 1, "read": {"t": 1}}, {"lines": ROWS}, "data.mock", "do not follow"),
    ({}, {"lines": ROWS, "requests": [asked_by_page(200)]}, "data.mock", "come from nowhere"),
    ({}, {"lines": [line("Total"), line("0"), line("0 %"), line("2026", "frame")]}, "data.no_endpoint", "no figures"),
    ({}, {"lines": ROWS, "requests": [asked_by_page(200, "text/html")]}, "data.no_endpoint", "beside requests that gave it nothing"),
    ({}, {"lines": ROWS, "requests": [{**asked_by_page(200, "text/html"), "plumbing": True}]}, "data.mock", "come from nowhere"),
    ({}, {"lines": ROWS[:2]}, "data.no_endpoint", "one figure only (-2.3)"),
    ({"ended": True}, {}, "data.server_gone", "ended by itself"),
    ({}, {"lines": ROWS, "requests": [asked_by_page(404)]}, "data.no_endpoint", "no endpoint"),
    (READ, {"pictures": 2, "requests": [asked_by_page(500, "text/html")]}, "data.error", "POST /ask answers 500"),
    ({}, {"requests": [asked_by_page(500)]}, "data.no_endpoint", "no endpoint"),
])  # fmt: skip
def test_what_only_the_page_tells(queries: dict[str, Any], page: dict[str, Any], reason: str, words: str) -> None:
    finding = judged(queries, [PAGE], page=page)
    assert (finding.high, finding.reason) == (0, reason)
    assert words in finding.line


@pytest.mark.parametrize(("queries", "canary", "code"), [
    ({**READ, "first_unsupported": UNSUPPORTED}, {}, "unmeasured.unsupported_sql"),
    (READ, {"sources": [source(asked=2)]}, "unmeasured.canary_blind"),
    ({**READ, **DRIVER, "unasked": [{"path": "/api/x", "where": "a.ts", "why": "POST"}]}, {"sources": [QUIET]},
     "unmeasured.not_exercised"),
    (READ, {"unrepeated": 1}, "unmeasured.canary_blind"),
    (READ, {"sources": [{**PAGE, "asked": 1}], "page": {"pictures": 1}}, "unmeasured.canary_blind"),
    (READ, {"sources": [{**PAGE, "asked": 1, "shows_data": True}]}, "unmeasured.canary_blind"),
    ({**DRIVER, "connections": 1, "unasked": [{"path": "/api/x", "where": "a.ts", "why": "POST"}]},
     {"sources": [PAGE], "page": {"lines": ROWS}}, "unmeasured.not_exercised"),
    (READ, {"sources": [source(asked=2, differed=True, from_rows=["12.5 as 12.5"])]}, "unmeasured.canary_blind"),
    ({**READ, "old_dates": {"statement": "q", "date": "2016-01-01"}}, {"sources": [QUIET]}, "unmeasured.other_dates"),
    (READ, {"restart_failed": "it exited 1"}, "unmeasured.canary_restart"),
    (READ, {"cut": True}, "unmeasured.too_slow"),
    ({**DRIVER, "called": 0}, {}, "unmeasured.not_exercised"),
    ({**DRIVER, "astray": "connections of bun cannot be led"}, {}, "unmeasured.not_led"),
])  # fmt: skip
def test_what_proves_nothing_is_unmeasured(queries: dict[str, Any], canary: dict[str, Any], code: str) -> None:
    with pytest.raises(Unmeasured) as raised:
        judged(queries, **{"sources": [source()], **canary})
    assert raised.value.code == code


# ---------------------------------------------------------------------- a live warehouse


def live(queries: dict[str, Any], shown: int, distinctive: int, **more: Any) -> Finding:
    examples = ["1234567 as 1.23M"][:shown]
    facts = {"answers": [], "distinctive": distinctive, "shown": shown, "examples": examples, **more}
    return judged({**LIVE, **queries}, [source()], **facts)


@pytest.mark.parametrize(("shown", "distinctive"), [(2, 40), (1, 1)])
def test_live_values_that_are_shown_pass(shown: int, distinctive: int) -> None:
    finding = live(READ, shown, distinctive)
    assert (finding.low, finding.line[:5]) == (1, "live:")


def test_live_values_that_are_not_shown_are_a_mock() -> None:
    assert live(READ, 0, 40).reason == "data.mock"
    assert live({}, 0, 0).reason == "data.mock"


@pytest.mark.parametrize(("shown", "distinctive"), [(1, 40), (0, 0)])
def test_live_values_that_may_be_chance_are_unmeasured(shown: int, distinctive: int) -> None:
    with pytest.raises(Unmeasured) as raised:
        live(READ, shown, distinctive, answers=[{"statement": "q", "error": "parameters are unknown"}])
    assert raised.value.code == "unmeasured.not_comparable"
