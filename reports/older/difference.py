"""One metric of one app with other values in an older report and in a run, and questions about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reports.model import AppResult
from reports.older.report import OlderApp, OlderReport

#: The metrics that others hang on.
BUILD, START, CONNECTED = "build_success", "runtime_success", "databricks_connectivity"

#: When the older start scripts began to ask a server that they had started, in seconds.
_ASKED_AFTER = 5.0


@dataclass(frozen=True, slots=True)
class Difference:
    """`there` is the older value, `here` the run's."""

    metric: str
    report: OlderReport
    older: OlderApp
    app: AppResult
    there: float
    here: float

    @property
    def reasons(self) -> tuple[str, ...]:
        """The reason codes of what failed here, over all epochs."""
        return tuple(verdict.reason for verdict in self.app.of(self.metric) if verdict.state.failed)

    @property
    def place(self) -> str:
        """The first folder of the file that our evidence names; "" when it names none."""
        for verdict in self.app.of(self.metric):
            if found := re.search(r": ([^\s:/]+)/[^\s:]+:\d+ ", verdict.evidence):
                return found[1]
        return ""


Question = Callable[[Difference], bool]


def higher(*codes: str) -> Question:
    """Better there, and failed here for one of these reasons; `tests.` stands for all that begin so."""

    def asked(d: Difference) -> bool:
        return d.there > d.here and bool(d.reasons) and all(_is(reason, codes) for reason in d.reasons)

    return asked


def _is(reason: str, codes: Sequence[str]) -> bool:
    return any(reason.startswith(code) if code.endswith(".") else reason == code for code in codes)


def lower(question: Question) -> Question:
    """Worse there, and the answer is yes."""
    return lambda d: d.there < d.here and question(d)


def both(first: Question, second: Question) -> Question:
    return lambda d: first(d) and second(d)


def failed_there(metric: str) -> Question:
    return lambda d: d.older.values.get(metric) == 0


def issue(*beginnings: str) -> Question:
    """Whether one of the older issues begins so."""
    return lambda d: d.older.speaks_of(*beginnings)


def no_dockerfile(d: Difference) -> bool:
    """The oldest form built images only; the time of a build that nobody tried is 0."""
    return d.older.has_dockerfile is False and d.older.build_seconds == 0


def slow_start(d: Difference) -> bool:
    return d.app.measurements.get("start_seconds", 0.0) > _ASKED_AFTER


def same_as_start(d: Difference) -> bool:
    """Every app has the value of its older runtime check: it says no more than that. One app alone shows nothing."""
    mine = d.report.column(d.metric)
    return len(mine) > 1 and 1.0 in mine and mine == d.report.column(START)


def always_passed(d: Difference) -> bool:
    mine = d.report.column(d.metric)
    return len(mine) > 1 and set(mine) == {1.0}


def all_or_nothing(d: Difference) -> bool:
    """No app of several has 1 to 4 points."""
    mine = d.report.column(d.metric)
    return len(mine) > 1 and set(mine) <= {0.0, 5.0}


def other_kind(d: Difference) -> bool:
    """The older checks knew the layout of one stack."""
    return d.app.stack != "trpc"
