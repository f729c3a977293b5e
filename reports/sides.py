"""One side of a comparison: what it says about each app, whatever it was read from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.headline import short_head, world_line
from reports.model import AppResult, MetricInfo, Run, State, Verdict
from reports.text import number_text, plain, score_text


@dataclass(frozen=True, slots=True)
class Reading:
    """What one side says about one thing of one app.

    `low`–`high` is the value: 0–1, 0–5, or 0–100 for a score. `passed` is None for a score, and wherever nobody knows
    or there is nothing to know. `text` is short ("PASS", "4/5"); `line` is evidence that came from an app: escape it.
    """

    low: float
    high: float
    passed: bool | None
    text: str
    line: str = ""


@dataclass(frozen=True, slots=True)
class SideApp:
    """One app of one side: its score, None where the side has none, and its readings by the name of the metric."""

    score: Reading | None
    metrics: Mapping[str, Reading]


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two things compared. `world` says where it was measured; None where nobody knows. `cautions` are
    lines that stand at the head of every comparison with it."""

    name: str
    about: str
    world: Mapping[str, str] | None
    cautions: tuple[str, ...]
    apps: Mapping[str, SideApp]


def side_of_run(run: Run) -> Side:
    cautions = (
        (f"{plain(run.id, 80)} is a partial run: not everything was selected and finished",) if run.partial else ()
    )
    apps = {app.app: SideApp(_score(app), _readings(run, app)) for app in run.apps}
    return Side(plain(run.id, 80), world_line(run), _world(run), cautions, apps)


def _readings(run: Run, app: AppResult) -> dict[str, Reading]:
    return {metric.name: _verdict_reading(app.of(metric.name), metric) for metric in run.metrics}


def _verdict_reading(verdicts: Sequence[Verdict], metric: MetricInfo) -> Reading:
    """Over all epochs: passed when all of them passed; not known as soon as one of them is not."""
    counted = [verdict for verdict in verdicts if verdict.state is not State.NOT_APPLICABLE]
    states = list(dict.fromkeys(verdict.state for verdict in counted or verdicts))
    unknown = not counted or any(state.unknown for state in states)
    text = "/".join(state.value for state in states) or State.UNMEASURED.value
    telling = next((v for v in counted if v.state is not State.PASS or v.high < metric.full), None)
    line = telling.evidence if telling else ""
    if unknown:
        return Reading(0, metric.full, None, text, line)
    low, high = (math.fsum(ends) / len(counted) for ends in zip(*((v.low, v.high) for v in counted), strict=True))
    if metric.kind == "scored" or len(states) > 1:
        text = f"{number_text(low)}/{metric.full:g}" if metric.kind == "scored" else f"{low:.0%} passed"
    return Reading(low, high, all(state is State.PASS for state in states), text, line)


def _score(app: AppResult) -> Reading:
    score = app.score
    return Reading(score.low, score.high, None, score_text(score.low, score.high), "; ".join(app.labels))


def _world(run: Run) -> dict[str, str]:
    """What must be the same for two numbers to be compared: the world of a run and the versions of its metrics."""
    settings = {name: str(run.settings.get(name, "unknown")) for name in ("sandbox", "warehouse")}
    return {
        **settings,
        "profile": run.profile,
        "epochs": str(run.epochs),
        **{f"version of {short_head(metric)}": str(metric.version) for metric in run.metrics},
    }
