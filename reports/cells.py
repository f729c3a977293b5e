"""What stands in one cell of an app × metric table, in any format: a symbol, points of five, or a share of epochs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from reports.model import NOT_SELECTED, AppResult, MetricInfo, Run, State, Verdict
from reports.text import number_text, range_text

#: A symbol per state. They differ in shape, not only in colour.
Symbols = Mapping[State, str]

#: What was not asked for in this run.
NOT_ASKED = "·"
#: Of verdicts that differ between epochs, the first of these that occurs says how the whole is shown.
_GRAVITY = (State.FAIL, State.BLOCKED, State.HARNESS_ERROR, State.UNMEASURED, State.PASS)


def shown_metrics(run: Run) -> tuple[MetricInfo, ...]:
    """The metrics that get a column: those that score, and those of which some app has a verdict."""
    judged = {verdict.metric for app in run.apps for verdict in app.verdicts}
    return tuple(m for m in run.metrics if m.role == "scored" or m.name in judged)


def cell_state(verdicts: Sequence[Verdict]) -> State:
    """One state for the verdicts of one metric over the epochs. No verdict at all is UNMEASURED."""
    if not verdicts:
        return State.UNMEASURED
    states = {verdict.state for verdict in verdicts}
    return next((state for state in _GRAVITY if state in states), State.NOT_APPLICABLE)


def cell_text(verdicts: Sequence[Verdict], metric: MetricInfo, symbols: Symbols) -> str:
    """A binary metric: its symbol, and with several epochs the share of those passed (`2/3`, `1–3/3` when some
    are not known). A scored one: its points (`4/5`, `1–5/5`), with several epochs their mean. Where every
    epoch says that there is nothing to count, the symbol."""
    if verdicts and all(verdict.reason == NOT_SELECTED for verdict in verdicts):
        return NOT_ASKED
    counted = [verdict for verdict in verdicts if verdict.state is not State.NOT_APPLICABLE]
    states = {verdict.state for verdict in counted}
    if not states or (len(states) == 1 and not _counts(counted, metric, len(verdicts))):
        return symbols[cell_state(verdicts)]
    if metric.kind == "scored":
        low, high = (math.fsum(ends) / len(counted) for ends in zip(*((v.low, v.high) for v in counted), strict=True))
        return f"{range_text(low, high)}/{number_text(metric.full)}"
    passed = sum(verdict.state is State.PASS for verdict in counted)
    unknown = sum(verdict.state.unknown for verdict in counted)
    return f"{range_text(passed, passed + unknown)}/{len(counted)}"


def _counts(verdicts: Sequence[Verdict], metric: MetricInfo, epochs: int) -> bool:
    """Whether verdicts of one and the same state are shown as a number rather than as its symbol."""
    state = verdicts[0].state
    if metric.kind == "scored" and state is State.UNMEASURED:
        return any((v.low, v.high) != (0, metric.full) for v in verdicts)
    if state in (State.PASS, State.FAIL):
        return metric.kind == "scored" or epochs > 1
    return False


def app_cells(app: AppResult, metrics: Sequence[MetricInfo], symbols: Symbols) -> list[str]:
    return [cell_text(app.of(metric.name), metric, symbols) for metric in metrics]
