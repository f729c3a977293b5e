"""Questions about tables of apps: `appeval_100 < 70 and stack = trpc`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

_COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<=": operator.le, ">=": operator.ge, "!=": operator.ne, "==": operator.eq, "=": operator.eq,
    "<": operator.lt, ">": operator.gt,
}  # fmt: skip
_CONDITION: Final = re.compile(
    r"\s*([A-Za-z_]\w*)\s*(<=|>=|!=|==|=|<|>)\s*(?:'([^']*)'|\"([^\"]*)\"|([^\s'\"<>=]+))(?:(\s+and)\s+|\s*$)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Condition:
    """A column, how it is compared, and with what: as a number wherever the column holds numbers."""

    column: str
    op: str
    value: str


def parse_query(text: str) -> tuple[Condition, ...]:
    """Conditions joined by `and`. Raises ValueError that says what to write."""
    found: list[Condition] = []
    place = 0
    while not found or place < len(text):
        match = _CONDITION.match(text, place)
        if match is None or (match[6] and match.end() == len(text)):
            raise ValueError(
                f"{text[place:].strip()!r} is not a condition; write COLUMN, one of {' '.join(_COMPARE)}, and a number "
                "or a word (in quotes if it has several), joined by `and`: appeval_100 < 70 and stack = trpc"
            )
        found.append(Condition(match[1], match[2], next(part for part in match.group(3, 4, 5) if part is not None)))
        place = match.end()
    return tuple(found)


def refuse_unknown(conditions: Sequence[Condition], columns: Sequence[str]) -> None:
    """Raises ValueError for a column that the table does not have."""
    for condition in conditions:
        if condition.column not in columns:
            near = [name for name in columns if condition.column.lower() in name.lower()] or list(columns[:12])
            raise ValueError(f"there is no column {condition.column!r}; there are for example: {', '.join(near[:12])}")


def answer(row: Mapping[str, Any], conditions: Sequence[Condition]) -> bool | None:
    """Whether a row fulfils all conditions; None when that hangs on a value that nobody knows."""
    answers = [_holds(row.get(_column(row, condition)), condition) for condition in conditions]
    if False in answers:
        return False
    return None if None in answers else True


def _column(row: Mapping[str, Any], condition: Condition) -> str:
    """A metric that is asked for a word is asked for its state: `METRIC = PASS`."""
    state = f"{condition.column}_state"
    return state if state in row and not _is_number(condition.value) else condition.column


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _holds(value: Any, condition: Condition) -> bool | None:
    if value is None:
        return None
    if not isinstance(value, (int, float)):
        return _COMPARE[condition.op](str(value), condition.value)
    try:
        return _COMPARE[condition.op](float(value), float(condition.value))
    except ValueError:
        raise ValueError(f"{condition.column} holds numbers, and {condition.value!r} is none") from None
