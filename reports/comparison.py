"""Two sides compared app by app: what was fixed, what broke, what nobody can compare. Values in, values out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from reports.cells import shown_metrics
from reports.headline import short_head
from reports.model import MetricInfo, Run
from reports.sides import Reading, Side, side_of_run
from reports.text import plain

#: Below this two means of epochs are the same.
_SAME = 1e-6


class Change(StrEnum):
    """What became of one thing of one app from the first side to the second."""

    FIXED = "fixed"
    BROKEN = "broken"
    CHANGED = "changed"
    SAME = "same"
    NEW = "new"
    GONE = "gone"
    NOT_COMPARABLE = "not comparable"


@dataclass(frozen=True, slots=True)
class Pair:
    """One thing of one app on both sides; a side that does not have it is None."""

    app: str
    change: Change
    old: Reading | None
    new: Reading | None


@dataclass(frozen=True, slots=True)
class Row:
    """One metric, or the score (`metric` is None), over all apps of both sides."""

    metric: MetricInfo | None
    pairs: tuple[Pair, ...]

    @property
    def head(self) -> str:
        return short_head(self.metric) if self.metric else "score"

    def of(self, *changes: Change) -> tuple[Pair, ...]:
        return tuple(pair for pair in self.pairs if pair.change in changes)

    def count(self, *changes: Change) -> int:
        return len(self.of(*changes))

    @property
    def comparable(self) -> int:
        """The apps of which both sides know the value."""
        return self.count(Change.FIXED, Change.BROKEN, Change.CHANGED, Change.SAME)

    @property
    def agreement(self) -> float | None:
        """The share of the comparable apps that are the same, 0–1; None when there are none."""
        return self.count(Change.SAME) / self.comparable if self.comparable else None


@dataclass(frozen=True, slots=True)
class Comparison:
    """`worlds` are the settings in which the two were measured that differ, a line each: empty in one world."""

    old: Side
    new: Side
    worlds: tuple[str, ...]
    rows: tuple[Row, ...]
    score: Row

    @property
    def both(self) -> tuple[str, ...]:
        return tuple(name for name in self.old.apps if name in self.new.apps)

    @property
    def gone(self) -> tuple[str, ...]:
        return tuple(name for name in self.old.apps if name not in self.new.apps)

    @property
    def added(self) -> tuple[str, ...]:
        return tuple(name for name in self.new.apps if name not in self.old.apps)


def compare_runs(old: Run, new: Run) -> Comparison:
    """Two runs, app by app; the metrics of both."""
    mine = shown_metrics(new)
    names = {metric.name for metric in mine}
    return compare(side_of_run(old), side_of_run(new), (*mine, *(m for m in shown_metrics(old) if m.name not in names)))


def compare(old: Side, new: Side, metrics: Sequence[MetricInfo]) -> Comparison:
    """The two sides, app by app: apps of the first side in its order, then those that only the second has."""
    apps = list(dict.fromkeys([*old.apps, *new.apps]))
    rows = tuple(Row(metric, tuple(_pair(app, old, new, metric) for app in apps)) for metric in metrics)
    score = Row(None, tuple(_pair(app, old, new, None) for app in apps))
    return Comparison(old, new, tuple(_differences(old.world, new.world)), rows, score)


def change_between(old: Reading, new: Reading) -> Change:
    """Of two readings of one thing. What is not known is never fixed or broken. Two scores that are not known exactly
    have changed when their intervals lie apart, and are not comparable when they do not."""
    if old.passed is None and new.passed is None:
        return _score_change(old, new)
    if old.passed is None or new.passed is None:
        return Change.NOT_COMPARABLE
    if abs(old.low - new.low) < _SAME:
        return Change.SAME
    if old.passed is not new.passed:
        return Change.FIXED if new.passed else Change.BROKEN
    return Change.CHANGED


def _score_change(old: Reading, new: Reading) -> Change:
    if old.low == old.high and new.low == new.high:
        return Change.SAME if abs(old.low - new.low) < _SAME else Change.CHANGED
    apart = old.high < new.low or new.high < old.low
    return Change.CHANGED if apart else Change.NOT_COMPARABLE


def _pair(app: str, old: Side, new: Side, metric: MetricInfo | None) -> Pair:
    before, after = _reading(old, app, metric), _reading(new, app, metric)
    if app not in new.apps:
        return Pair(app, Change.GONE, before, None)
    if app not in old.apps:
        return Pair(app, Change.NEW, None, after)
    change = change_between(before, after) if before and after else Change.NOT_COMPARABLE
    return Pair(app, change, before, after)


def _reading(side: Side, app: str, metric: MetricInfo | None) -> Reading | None:
    found = side.apps.get(app)
    if found is None:
        return None
    return found.metrics.get(metric.name) if metric else found.score


def _differences(old: Mapping[str, str] | None, new: Mapping[str, str] | None) -> Iterator[str]:
    for name in old or {}:
        if new is not None and old is not None and name in new and old[name] != new[name]:
            yield plain(f"{name}: {old[name]}, then {new[name]}", 200)
