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
    r"\s*([A-Za-z_]\w*)\s*(<=|>=|!=|==|=|<|>)\s*(?:'([^']*)'|\"([^\"]*)\"|([^\s'\"<>=]+))\s*"
)
_AND: Final = re.compile(r"\s+and\s+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Condition:
    """A column, how it is compared, and with what: a number wherever the text is one."""

    column: str
    op: str
    value: str | float


def parse_query(text: str) -> tuple[Condition, ...]:
    """Conditions joined by `and`. Raises ValueError that says what to write."""
    return tuple(_condition(part) for part in _AND.split(text.strip()))


def _condition(text: str) -> Condition:
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise ValueError(
            f"{text.strip()!r} is not a condition; write COLUMN, one of {' '.join(_COMPARE)}, and a number or a word, "
            "joined by `and`: appeval_100 < 70 and stack = trpc"
        )
    quoted = match[3] if match[3] is not None else match[4]
    return Condition(match[1], match[2], quoted if quoted is not None else _number(match[5]))


def _number(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text


def refuse_unknown(conditions: Sequence[Condition], columns: Sequence[str]) -> None:
    """Raises ValueError for a column that the table does not have."""
    for condition in conditions:
        if condition.column not in columns:
            near = [name for name in columns if condition.column.lower() in name.lower()] or list(columns[:12])
            raise ValueError(f"there is no column {condition.column!r}; there are for example: {', '.join(near[:12])}")


def answer(row: Mapping[str, Any], conditions: Sequence[Condition]) -> bool | None:
    """Whether a row fulfils all conditions; None when that hangs on a value that nobody knows."""
    answers = [_holds(row.get(condition.column), condition) for condition in conditions]
    if False in answers:
        return False
    return None if None in answers else True


def _holds(value: Any, condition: Condition) -> bool | None:
    if value is None:
        return None
    wanted = condition.value
    if isinstance(wanted, float) and isinstance(value, (int, float)):
        return _COMPARE[condition.op](float(value), wanted)
    return _COMPARE[condition.op](str(value), f"{wanted:g}" if isinstance(wanted, float) else wanted)
