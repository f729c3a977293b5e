"""From the results of all apps to the averages of a run. Nothing is left out of a denominator."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from reports.model import AppResult, MetricInfo, State, Summary, Verdict

#: How many of the most common failures are named.
TOP = 3


@dataclass(frozen=True, slots=True)
class _Failure:
    """One failed verdict, and whose. `rank` is the place of its metric among the metrics."""

    app: AppResult
    verdict: Verdict
    rank: int

    @property
    def code(self) -> str:
        return self.verdict.reason or f"{self.verdict.metric}.{self.verdict.state.lower()}"

    @property
    def example(self) -> str:
        return f"{self.app.app}: {self.verdict.evidence}" if self.verdict.evidence else self.app.app


def summarize(apps: Sequence[AppResult], metrics: Sequence[MetricInfo]) -> Summary:
    """Averages over the apps attempted; an app whose score is not known counts as its interval.

    `pass_rate` has no entry for a metric that applies to no app, or of which no app has a verdict. With
    no apps at all nothing is known: 0–100 and 0–1.
    """
    verdicts = [verdict for app in apps for verdict in app.verdicts]
    low, high = _mean([(app.score.low, app.score.high) for app in apps], unknown=(0.0, 100.0))
    success = _mean([(app.success_low, app.success_high) for app in apps], unknown=(0.0, 1.0))
    rates = {metric.name: _pass_rate(apps, metric) for metric in metrics}
    states = Counter(verdict.state for verdict in verdicts)
    return Summary(
        apps_attempted=len(apps),
        apps_scored=sum(app.score.value is not None for app in apps),
        avg_low=low,
        avg_high=high,
        success_low=success[0],
        success_high=success[1],
        pass_rate={name: rate for name, rate in rates.items() if rate is not None},
        common_failures=tuple(_common_failures(apps, [metric.name for metric in metrics])),
        states={state.value: states[state] for state in State if states[state]},
    )


def _pass_rate(apps: Iterable[AppResult], metric: MetricInfo) -> tuple[float, float] | None:
    """The mean over the apps of the mean over their epochs. An app without a verdict is not known."""
    rates, judged = [], False
    for app in apps:
        verdicts = app.of(metric.name)
        judged = judged or bool(verdicts)
        applicable = [v for v in verdicts if v.state is not State.NOT_APPLICABLE]
        if applicable or not verdicts:
            rates.append(_mean([(v.low / metric.full, v.high / metric.full) for v in applicable], unknown=(0.0, 1.0)))
    return _mean(rates, unknown=(0.0, 1.0)) if rates and judged else None


def _mean(ranges: Collection[tuple[float, float]], unknown: tuple[float, float]) -> tuple[float, float]:
    if not ranges:
        return unknown
    low, high = (math.fsum(ends) / len(ranges) for ends in zip(*ranges, strict=True))
    return round(low, 6), round(high, 6)


def _common_failures(apps: Iterable[AppResult], order: Sequence[str]) -> Iterable[tuple[str, int, str]]:
    """The reasons that the most apps share; of equally many, the one of the earlier metric.

    BLOCKED counts where it is the only word about its cause: a failed install is no metric's own failure, a failed
    build is.
    """
    ranks = {name: rank for rank, name in enumerate(order)}
    wrong = [
        _Failure(app, verdict, ranks.get(verdict.metric, len(ranks)))
        for app in apps
        for verdict in app.verdicts
        if verdict.state.failed or verdict.state is State.HARNESS_ERROR
    ]
    failed = {(f.app.app, f.verdict.evidence) for f in wrong if f.verdict.state is State.FAIL}
    own = [
        f
        for f in wrong
        if f.verdict.state is not State.BLOCKED or (f.app.app, f.verdict.evidence.partition(": ")[2]) not in failed
    ]
    by_code: dict[str, list[_Failure]] = {}
    for failure in own:
        by_code.setdefault(failure.code, []).append(failure)

    def commonness(code: str) -> tuple[int, int, str]:
        failures = by_code[code]
        return -len({f.app.app for f in failures}), min(f.rank for f in failures), code

    for code in sorted(by_code, key=commonness)[:TOP]:
        yield code, len({f.app.app for f in by_code[code]}), by_code[code][0].example
