"""`--gate`: conditions on a finished run that decide about the exit code."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from reports.model import Run, State, Summary

EXAMPLE: Final = "avg_appeval_100>=80,success_rate>=0.85,pass_rate.build_success>=0.9,harness_errors<=0"

_COMPARE: Final[Mapping[str, Callable[[float, float], bool]]] = {
    ">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt, "==": operator.eq,
}  # fmt: skip
_RATE_OF: Final = "pass_rate."
#: Each number of a summary that a gate can name, as (low, high).
_NUMBERS: Final[Mapping[str, Callable[[Summary], tuple[float, float]]]] = {
    "avg_appeval_100": lambda s: (s.avg_low, s.avg_high),
    "success_rate": lambda s: (s.success_low, s.success_high),
    "apps_attempted": lambda s: (s.apps_attempted, s.apps_attempted),
    "apps_scored": lambda s: (s.apps_scored, s.apps_scored),
    "harness_errors": lambda s: (s.states.get(State.HARNESS_ERROR, 0), s.states.get(State.HARNESS_ERROR, 0)),
}
_SHAPE: Final = re.compile(r"\s*([A-Za-z_][\w.]*)\s*(>=|<=|==|>|<)\s*([^\s<>=]+)\s*")


@dataclass(frozen=True, slots=True)
class Condition:
    """`name` is a number of the summary, or `pass_rate.<metric>`; rates are shares from 0 to 1."""

    name: str
    op: str
    bound: float

    def __str__(self) -> str:
        return f"{self.name}{self.op}{self.bound:.12g}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """`value` is the end of the interval that was compared. It is None, and the condition does not hold,
    when there is no such value: the metric applies to no app, or `==` was asked of an interval."""

    condition: Condition
    value: float | None
    holds: bool


def parse(text: str, metrics: Iterable[str] | None = None) -> tuple[Condition, ...]:
    """The conditions in the text of one `--gate`. Pass the names of the metrics to have them checked too.

    Raises ValueError that says what is wrong and what to write instead.
    """
    known = None if metrics is None else tuple(metrics)
    return tuple(_condition(part, known) for part in text.split(","))


def _condition(text: str, metrics: tuple[str, ...] | None) -> Condition:
    match = _SHAPE.fullmatch(text)
    if match is None:
        raise ValueError(
            f"--gate: {text.strip()!r} is not a condition; write NAME, one of {' '.join(_COMPARE)}, and a number: "
            f"--gate={EXAMPLE!r}"
        )
    name, op, number = match.groups()
    _refuse_unknown(name, metrics)
    try:
        bound = float(number)
    except ValueError:
        raise ValueError(f"--gate: {number!r} in {text.strip()!r} is not a number; write {name}{op}0.9") from None
    if not math.isfinite(bound):
        raise ValueError(f"--gate: {number!r} in {text.strip()!r} is not finite; write a number such as 0.9 or 80")
    if (name == "success_rate" or name.startswith(_RATE_OF)) and not 0 <= bound <= 1:
        raise ValueError(f"--gate: {name} is a share from 0 to 1, not {number}; for 85 % write {name}{op}0.85")
    return Condition(name, op, bound)


def _refuse_unknown(name: str, metrics: tuple[str, ...] | None) -> None:
    if not name.startswith(_RATE_OF):
        if name not in _NUMBERS:
            names = ", ".join((*_NUMBERS, f"{_RATE_OF}METRIC"))
            raise ValueError(f"--gate: there is no number named {name!r}; there are: {names}")
        return
    metric = name.removeprefix(_RATE_OF)
    if not metric or (metrics is not None and metric not in metrics):
        there_are = f"; there are: {', '.join(metrics)}" if metrics else ""
        raise ValueError(f"--gate: {name!r} names no metric{there_are}")


def check(conditions: Iterable[Condition], run: Run) -> tuple[Outcome, ...]:
    """One outcome per condition, in order. What nobody knows never opens a gate: `>=` and `>` look at the low
    end of an interval, `<=` and `<` at the high end, and `==` holds only for an exact value.

    Raises ValueError for a pass rate of a metric that the run does not have.
    """
    return tuple(_outcome(condition, run) for condition in conditions)


def _outcome(condition: Condition, run: Run) -> Outcome:
    _refuse_unknown(condition.name, tuple(metric.name for metric in run.metrics))
    if condition.name.startswith(_RATE_OF):
        ends = run.summary.pass_rate.get(condition.name.removeprefix(_RATE_OF))
    else:
        ends = _NUMBERS[condition.name](run.summary)
    value = None if ends is None else _compared(condition.op, *ends)
    if value is None or not math.isfinite(value):
        return Outcome(condition, None, holds=False)
    return Outcome(condition, value, _COMPARE[condition.op](value, condition.bound))


def _compared(op: str, low: float, high: float) -> float | None:
    if op == "==" and low != high:
        return None
    return high if op in ("<=", "<") else low
