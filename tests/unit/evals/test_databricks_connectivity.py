"""Metric 5 over every kind of evidence."""

from __future__ import annotations

from typing import Any

import pytest

from evals.test_databricks_connectivity import judge
from fixtures.errors import Unmeasured
from fixtures.evidence import Evidence, StageResult

NOTHING: dict[str, Any] = {
    "warehouse": "embedded",     "connections": 0, "sessions": 0, "rejected": [], "asked": 0, "succeeded": 0, "failed": 0, "unsupported": 0, "read": {},
    "first_failed": None, "first_unsupported": None, "driver_files": [], "called": 3, "unasked": [], "astray": "", "own_tables_refused": "", "own_tables": [], "old_dates": None,
}  # fmt: skip
CONNECTED = {"connections": 1, "sessions": 1}
FAILED = {"statement": "SELECT nope FROM t", "error": "[UNRESOLVED_COLUMN] nope"}
UNSUPPORTED = {"statement": "SELECT h3_x(1)", "error": "[UNSUPPORTED_BY_EMBEDDED_WAREHOUSE] h3_x"}


def evidence(**facts: Any) -> Evidence:
    return Evidence("app", 1, {"queries": StageResult("queries", True, 0.1, facts={**NOTHING, **facts})})


def test_a_statement_that_reads_a_table_passes() -> None:
    finding = judge(evidence(**CONNECTED, asked=3, succeeded=1, failed=2, read={"samples.tpch.orders": 1}))
    assert (finding.low, finding.line) == (1, "1 of 3 statements completed; tables: samples.tpch.orders")


@pytest.mark.parametrize(("facts", "reason", "words"), [
    ({}, "connectivity.never_connected", "3 endpoints were called"),
    ({"driver_files": ["server/db.ts"]}, "connectivity.never_connected", "3 endpoints"),
    ({"driver_files": ["app.py"], "called": 0, "ended": True, "astray": "nothing listens on its port any more"},
     "connectivity.server_gone", "ended by itself"),
    ({**CONNECTED}, "connectivity.no_table_read", "asked nothing"),
    ({**CONNECTED, "asked": 2, "succeeded": 2}, "connectivity.no_table_read", "none that read a table"),
    ({"rejected": ["unknown token at /sql"]}, "connectivity.auth_rejected", "unknown token"),
    ({**CONNECTED, "asked": 4, "failed": 4, "first_failed": FAILED}, "connectivity.all_statements_failed", "SELECT nope"),
])  # fmt: skip
def test_failures(facts: dict[str, Any], reason: str, words: str) -> None:
    finding = judge(evidence(**facts))
    assert (finding.high, finding.reason) == (0, reason)
    assert words in finding.line


@pytest.mark.parametrize(("facts", "code"), [
    ({**CONNECTED, "asked": 2, "failed": 1, "unsupported": 1, "first_failed": FAILED, "first_unsupported": UNSUPPORTED},
     "unmeasured.unsupported_sql"),
    ({"driver_files": ["server/db.ts"], "unasked": [{"path": "/api/x", "where": "a.ts", "why": "a mutation"}]},
     "unmeasured.not_exercised"),
    ({"driver_files": ["server/db.ts"], "called": 0}, "unmeasured.not_exercised"),
    ({"driver_files": ["server/db.ts"], "astray": "connections of bun cannot be led"}, "unmeasured.not_led"),
])  # fmt: skip
def test_what_nobody_can_know_is_unmeasured(facts: dict[str, Any], code: str) -> None:
    with pytest.raises(Unmeasured) as raised:
        judge(evidence(**facts))
    assert raised.value.code == code
