"""The table of an app's statements."""

from __future__ import annotations

from typing import Any

from reports.statements import statement_lines


def record(
    text: str, state: str = "succeeded", seconds: float = 0.01, rows: int = 3, error: str = ""
) -> dict[str, Any]:
    return {"text": text, "state": state, "seconds": seconds, "rows": rows, "error": error}


def test_equal_statements_stand_together() -> None:
    lines = statement_lines(
        [record("SELECT 1", seconds=0.01), record("SELECT\n 2"), record("SELECT 1", seconds=0.03, rows=4)]
    )
    assert lines == [
        "times  outcome      rows      ms  statement",
        "    2  succeeded        4      20  SELECT 1",
        "    1  succeeded        3      10  SELECT 2",
    ]


def test_an_error_stands_below_and_is_plain() -> None:
    lines = statement_lines([record("SELECT x", "failed", error="[UNRESOLVED_COLUMN] \x1b[31mx")])
    assert lines[-1].strip().startswith("[UNRESOLVED_COLUMN]")
    assert "\x1b" not in "".join(lines)


def test_bounds() -> None:
    assert statement_lines([]) == []
    lines = statement_lines([record(f"SELECT {i}" + " " * 500 + "x" * 500) for i in range(80)])
    assert len(lines) == 52
    assert lines[-1].strip() == "… and 30 more"
    assert max(map(len, lines)) < 150
