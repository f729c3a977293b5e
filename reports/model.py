"""The values that a run is made of, and its JSON: schema-versioned, immutable, the source of everything else."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

SCHEMA = 1
#: The reason code of a metric that nobody asked for in this run.
NOT_SELECTED = "unmeasured.not_selected"

Kind = Literal["binary", "scored"]
Role = Literal["scored", "info", "runtime"]


class State(StrEnum):
    """What is known about one metric of one app. The last two are never a zero."""

    PASS = "PASS"  # noqa: S105 - not a password
    FAIL = "FAIL"
    BLOCKED = "BLOCKED"
    NOT_APPLICABLE = "NOT_APPLICABLE"
    UNMEASURED = "UNMEASURED"
    HARNESS_ERROR = "HARNESS_ERROR"

    @property
    def failed(self) -> bool:
        return self in (State.FAIL, State.BLOCKED)

    @property
    def unknown(self) -> bool:
        """Nobody knows the value: the score becomes an interval."""
        return self in (State.UNMEASURED, State.HARNESS_ERROR)


@dataclass(frozen=True, slots=True)
class MetricInfo:
    """A metric as renderers see it. `full` is the highest value: 1 (binary) or 5 (scored)."""

    name: str
    number: int
    title: str
    kind: Kind
    role: Role
    version: int

    @property
    def full(self) -> float:
        return 1.0 if self.kind == "binary" else 5.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """One metric of one app and epoch. `low` and `high` are 0–1 for a binary metric, 0–5 for a scored one;
    both are 0 for NOT_APPLICABLE. `reason` is a code, `evidence` one line for people, `links` are paths
    relative to the run folder, `seconds` the time of the stages that it rests on."""

    metric: str
    epoch: int
    state: State
    low: float
    high: float
    reason: str = ""
    evidence: str = ""
    links: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def value(self) -> float | None:
        """None when the value is not known exactly, and for NOT_APPLICABLE."""
        return self.low if self.low == self.high and self.state is not State.NOT_APPLICABLE else None


@dataclass(frozen=True, slots=True)
class ScoreRange:
    """A score on 0–100, an interval when not everything was measured. `uncapped_*` is what it would be
    without the cap of a label; `spread` the difference between the best and the worst epoch."""

    low: float
    high: float
    uncapped_low: float
    uncapped_high: float
    spread: float = 0.0

    @property
    def value(self) -> float | None:
        return self.low if self.low == self.high else None


@dataclass(frozen=True, slots=True)
class AppResult:
    """Everything a run says about one app.

    `success` is the share of epochs in which it succeeded (0 or 1 with one epoch), as an interval:
    `success_low` < `success_high` when nobody knows. `labels` cap the score ("unmodified template").
    `measurements` are numbers beside the verdicts (lines of code, seconds, coverage %); absent means not
    measured. `issues` are the lines of what went wrong, `notes` remarks made while finding the app, `why` the
    evidence for its stack.
    """

    app: str
    slug: str
    path: str
    stack: str
    prompt: str | None
    verdicts: tuple[Verdict, ...]
    score: ScoreRange
    success_low: float
    success_high: float
    labels: tuple[str, ...] = ()
    generation: Mapping[str, Any] = field(default_factory=dict)
    measurements: Mapping[str, float] = field(default_factory=dict)
    trace_ids: Mapping[str, str] = field(default_factory=dict)
    issues: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    why: str = ""

    def of(self, metric: str) -> tuple[Verdict, ...]:
        """The verdicts of one metric, by epoch."""
        return tuple(v for v in self.verdicts if v.metric == metric)


@dataclass(frozen=True, slots=True)
class Summary:
    """Averages over all apps. Both denominators stand beside them: `apps_attempted` (every app, failed
    generations included as zeros) and `apps_scored` (those whose score is known exactly).

    `pass_rate` maps each metric to (low, high) over the apps to which it applies.
    `common_failures` are (reason code, number of apps, an example line), most frequent first.
    """

    apps_attempted: int
    apps_scored: int
    avg_low: float
    avg_high: float
    success_low: float
    success_high: float
    pass_rate: Mapping[str, tuple[float, float]]
    common_failures: tuple[tuple[str, int, str], ...]
    states: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Run:
    """One evaluation. `partial` runs (a selection of metrics, an interrupt) are shown, never published or
    compared as a whole. `settings` say in which world it was measured; `skipped` are folders that were no app."""

    schema: int
    id: str
    started: str
    seconds: float
    git_commit: str | None
    partial: bool
    profile: str
    epochs: int
    toolchain: Mapping[str, str]
    settings: Mapping[str, Any]
    metrics: tuple[MetricInfo, ...]
    apps: tuple[AppResult, ...]
    summary: Summary
    skipped: tuple[tuple[str, str], ...] = ()


def run_to_json(run: Run) -> str:
    return json.dumps(asdict(run), indent=1, ensure_ascii=False, sort_keys=False)


def run_from_json(text: str) -> Run:
    """Raises ValueError for text that is not a run of a schema that we read."""
    raw = json.loads(text)
    if not isinstance(raw, dict) or raw.get("schema") != SCHEMA:
        raise ValueError(f"not a run of schema {SCHEMA}")
    apps = tuple(_app(a) for a in raw["apps"])
    summary = raw["summary"]
    summary["pass_rate"] = {k: (v[0], v[1]) for k, v in summary["pass_rate"].items()}
    summary["common_failures"] = tuple((c[0], c[1], c[2]) for c in summary["common_failures"])
    return Run(**{
        **raw, "metrics": tuple(MetricInfo(**m) for m in raw["metrics"]), "apps": apps, "summary": Summary(**summary),
        "skipped": tuple((s[0], s[1]) for s in raw["skipped"]),
    })  # fmt: skip


def read_run(folder: Path) -> Run:
    """The run in a run folder. Raises ValueError with what to do when there is none."""
    path = folder / "run.json"
    try:
        return run_from_json(path.read_text(encoding="utf-8"))
    except OSError:
        raise ValueError(
            f"{path} does not exist: no run folder, or the run still goes on, or it was cut off (go on with --resume)"
        ) from None
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not a readable run: {error}") from None


def verdict_from_json(raw: Mapping[str, Any]) -> Verdict:
    return Verdict(**{**raw, "state": State(raw["state"]), "links": tuple(raw["links"])})


def _app(raw: Mapping[str, Any]) -> AppResult:
    return AppResult(**{
        **raw, "verdicts": tuple(verdict_from_json(v) for v in raw["verdicts"]), "score": ScoreRange(**raw["score"]),
        "labels": tuple(raw["labels"]), "issues": tuple(raw["issues"]), "notes": tuple(raw["notes"]),
    })  # fmt: skip


def scored_metrics(metrics: Iterable[MetricInfo]) -> tuple[MetricInfo, ...]:
    return tuple(m for m in metrics if m.role == "scored")
