"""What an app asked of the warehouse, as a table of text; equal statements stand together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from reports.text import plain

_MOST, _LONGEST = 50, 100


def statement_lines(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """Lines of a table from the records of `queries.jsonl`; none when nothing was asked.

    Columns: how often, how it ended, rows of the last time, median milliseconds, the statement; the error below it.
    """
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for record in records:
        groups.setdefault((str(record["text"]), str(record["state"])), []).append(record)
    if not groups:
        return []
    lines = ["times  outcome      rows      ms  statement"]
    for (text, state), same in list(groups.items())[:_MOST]:
        lines.append(_line(text, state, same))
        if same[-1]["error"]:
            lines.append(f"       {plain(str(same[-1]['error']), 200)}")
    if len(groups) > _MOST:
        lines.append(f"       … and {len(groups) - _MOST} more")
    return lines


def _line(text: str, state: str, same: Sequence[Mapping[str, Any]]) -> str:
    milliseconds = 1000 * median(float(record["seconds"]) for record in same)
    shown = plain(" ".join(text.split()), _LONGEST)
    return f"{len(same):5d}  {state:11s} {same[-1]['rows']:6d}  {milliseconds:6.0f}  {shown}"
