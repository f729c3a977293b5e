"""Why an app is not at 100: one line per thing that is wrong, and what nobody could measure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reports.headline import long_name
from reports.model import NOT_SELECTED, AppResult, MetricInfo, Run, State, Verdict
from reports.text import count_text, range_text


@dataclass(frozen=True, slots=True)
class Line:
    """`text` comes from an app: escape it for where it goes."""

    state: State
    text: str


def app_lines(app: AppResult, metrics: Sequence[MetricInfo], epochs: int) -> Iterator[Line]:
    """What is FAIL, BLOCKED or HARNESS_ERROR, and the points that a passed metric lost; in order of the metrics.

    Equal findings of several epochs are one line that names the epochs.
    """
    for metric in metrics:
        same: dict[tuple[State, str, str, str], list[Verdict]] = {}
        for verdict in app.of(metric.name):
            if verdict.state.failed or verdict.state is State.HARNESS_ERROR or _lost_points(verdict, metric):
                points = _points(verdict, metric)
                same.setdefault((verdict.state, points, verdict.evidence, verdict.reason), []).append(verdict)
        for (state, points, evidence, reason), verdicts in same.items():
            said = ": ".join(part for part in (long_name(metric) + points, evidence) if part)
            yield Line(state, said + (f" ({reason})" if reason else "") + _epochs(verdicts, epochs))


def _lost_points(verdict: Verdict, metric: MetricInfo) -> bool:
    return verdict.state is State.PASS and verdict.high < metric.full


def _points(verdict: Verdict, metric: MetricInfo) -> str:
    if metric.kind != "scored" or verdict.state not in (State.PASS, State.FAIL):
        return ""
    return f" {range_text(verdict.low, verdict.high)}/{metric.full:g}"


def _epochs(verdicts: Sequence[Verdict], epochs: int) -> str:
    if epochs == 1 or len(verdicts) == epochs:
        return ""
    return f" [{'epoch' if len(verdicts) == 1 else 'epochs'} {', '.join(str(v.epoch) for v in verdicts)}]"


def unmeasured_lines(run: Run) -> Iterator[str]:
    """Each explanation of something that was not measured, once, with the number of its apps and its metrics; what
    was not asked for (`unmeasured.not_selected`) is not listed."""
    names = {metric.name: long_name(metric) for metric in run.metrics}
    by_words: dict[tuple[str, str], list[tuple[AppResult, Verdict]]] = {}
    for app in run.apps:
        for verdict in app.verdicts:
            if verdict.state is State.UNMEASURED and verdict.reason != NOT_SELECTED:
                by_words.setdefault((verdict.reason, verdict.evidence), []).append((app, verdict))
    for (reason, evidence), found in sorted(by_words.items(), key=lambda item: -len(item[1])):
        apps = count_text(len({app.app for app, _ in found}), "app")
        metrics = ", ".join(dict.fromkeys(names.get(verdict.metric, verdict.metric) for _, verdict in found))
        yield f"{metrics}, {apps}: {evidence or 'no reason was given'}" + (f" ({reason})" if reason else "")
