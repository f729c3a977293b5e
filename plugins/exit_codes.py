"""The exit code of an evaluation, from its verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from reports.model import State, Verdict


class ExitCode(IntEnum):
    OK = 0
    FAILED = 1
    INTERRUPTED = 2
    HARNESS_ERROR = 3
    USAGE = 4
    NOTHING_MEASURED = 5


def exit_code(verdicts: Sequence[Verdict], *, gate: bool | None, trouble: bool) -> ExitCode:
    """`gate` is whether the gate holds, None without one; `trouble` a sink that failed."""
    states = {verdict.state for verdict in verdicts}
    if trouble or State.HARNESS_ERROR in states:
        return ExitCode.HARNESS_ERROR
    if not states - {State.UNMEASURED, State.NOT_APPLICABLE}:
        return ExitCode.NOTHING_MEASURED
    if gate is not None:
        return ExitCode.OK if gate else ExitCode.FAILED
    return ExitCode.FAILED if any(state.failed for state in states) else ExitCode.OK
