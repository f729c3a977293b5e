"""The numbers beside the verdicts: their order, and what they are called in a heading."""

from __future__ import annotations

from collections.abc import Iterable

from reports.model import AppResult
from reports.text import number_text

#: The known ones in the order of their columns, each with its heading. Others follow by name.
HEADS = {
    "lines_of_code": "lines of code",
    "build_seconds": "build s",
    "start_seconds": "start s",
    "tests_total": "tests",
    "coverage_percent": "coverage %",
    "build_bytes": "build bytes",
    "image_seconds": "image s",
    "image_bytes": "image bytes",
}


#: Where the time went, stage by stage: for tables that machines read.
_DETAIL = "stage_"


def all_columns(apps: Iterable[AppResult]) -> tuple[str, ...]:
    """Every name; the known ones also when no app has them, so that a table has the same columns every day."""
    return (*HEADS, *sorted(_measured(apps) - set(HEADS)))


def shown_columns(apps: Iterable[AppResult]) -> tuple[str, ...]:
    """The names of what was measured on some app, without the seconds of each stage."""
    seen = _measured(apps)
    return (*(n for n in HEADS if n in seen), *sorted(n for n in seen - set(HEADS) if not n.startswith(_DETAIL)))


def _measured(apps: Iterable[AppResult]) -> set[str]:
    return {name for app in apps for name in app.measurements}


def heading(name: str) -> str:
    return HEADS.get(name, name.replace("_", " "))


def measured_text(value: float | None) -> str:
    """`—` for what was not measured, `1,234` or `3.7`."""
    if value is None:
        return "—"
    return f"{value:,.0f}" if abs(value) >= 1000 else number_text(value)
