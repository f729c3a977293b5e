"""What a metric is: a declaration, a pure judge, and the verdict that a judge's finding becomes.

@metric("type_safety", number=3, kind="binary", role="scored", needs=["typecheck"], version=1)
def judge(evidence: Evidence) -> Finding: ...
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from fixtures.errors import BadInput, Blocked, HarnessError, NotApplicable, Unmeasured
from fixtures.evidence import Evidence
from fixtures.stages import ARTIFACT, STAGES
from fixtures.stages.graph import closure
from reports.model import Kind, MetricInfo, Role, State, Verdict
from reports.text import plain

PASS_AT = 3.0  # a scored metric passes at 3 of 5 or more, unless the settings say otherwise


@dataclass(frozen=True, slots=True)
class Finding:
    """What a judge says. `low` and `high` bound the value: 0–1, or 0–5 for a scored metric; they differ
    where a point could not be measured. `links` name stages whose logs or artifacts show it."""

    low: float
    high: float
    reason: str
    line: str


def passed(line: str) -> Finding:
    """A binary metric holds; `line` says what was seen ("27 files checked")."""
    return Finding(1.0, 1.0, "", line)


def failed(reason: str, line: str) -> Finding:
    """A binary metric does not hold; `reason` is a stable code, `line` what a person needs to see."""
    return Finding(0.0, 0.0, reason, line)


@dataclass(frozen=True, slots=True)
class Point:
    """One of the five points of a scored metric. `got` is None when nobody could look."""

    name: str
    got: bool | None
    detail: str = ""


def scored(points: Sequence[Point], reason: str) -> Finding:
    """A scored metric: a point each, an interval where points are unmeasured. `reason` prefixes the code of
    the first lost point (`runability.env_example`)."""
    if len(points) != 5:
        raise ValueError(f"a scored metric has five points, not {len(points)}")
    lost = [p for p in points if p.got is False]
    unknown = [p for p in points if p.got is None]
    low = float(sum(1 for p in points if p.got))
    parts = []
    if lost:
        parts.append("missing: " + "; ".join(f"{p.name} ({p.detail})" if p.detail else p.name for p in lost))
    if unknown:
        parts.append("unmeasured: " + "; ".join(f"{p.name} ({p.detail})" if p.detail else p.name for p in unknown))
    code = f"{reason}.{re.sub('[^a-z0-9]+', '_', lost[0].name.lower())}" if lost else ""
    return Finding(low, low + len(unknown), code, " · ".join(parts) or "all five points")


Judge = Callable[[Evidence], Finding]


@dataclass(frozen=True, slots=True)
class Metric:
    """A registered metric. Calling it judges evidence; it starts nothing and changes nothing."""

    info: MetricInfo
    needs: tuple[str, ...]
    judge: Judge
    module: str
    doc: str

    @property
    def name(self) -> str:
        return self.info.name

    def __call__(self, evidence: Evidence) -> Finding:
        return self.judge(evidence)


class MetricRegistry:
    """Metrics by name, in order of their number. Filled by importing the files of `evals/`."""

    def __init__(self) -> None:
        self._metrics: dict[str, Metric] = {}

    def add(self, metric: Metric) -> None:
        other = self._metrics.get(metric.name)
        if other is not None and other.module != metric.module:
            raise BadInput(f"metric {metric.name!r} is declared in {other.module} and in {metric.module}")
        same = next((m for m in self if m.info.number == metric.info.number and m.name != metric.name), None)
        if same is not None:
            raise BadInput(f"metrics {same.name!r} and {metric.name!r} both have number {metric.info.number}")
        self._metrics[metric.name] = metric

    def __iter__(self) -> Iterator[Metric]:
        return iter(sorted(self._metrics.values(), key=lambda m: m.info.number))

    def __getitem__(self, name: str) -> Metric:
        return self._metrics[name]

    def in_module(self, module: str) -> list[Metric]:
        return [m for m in self if m.module == module]


METRICS = MetricRegistry()


def metric(
    name: str, *, number: int, kind: Kind, needs: Sequence[str], role: Role = "info", version: int = 1
) -> Callable[[Judge], Metric]:
    """Declare a metric; checked here, when its file is collected. Raises BadInput for a name that is no
    identifier, a stage that does not exist, a number or name that is taken, a missing docstring."""

    def register(judge: Judge) -> Metric:
        doc = (sys.modules[judge.__module__].__doc__ or "").strip()
        if not name.isidentifier():
            raise BadInput(f"metric name {name!r} is not an identifier")
        if not doc:
            raise BadInput(f"metric {name!r}: its file needs a docstring that says when it passes")
        unknown = [stage for stage in needs if stage not in STAGES and stage != ARTIFACT]
        if unknown:
            raise BadInput(
                f"metric {name!r} needs the stages {unknown}, which do not exist; there are: {STAGES.names()}"
            )
        closure(needs, "build")  # raises for stages that need each other in a circle
        title = doc.splitlines()[0].rstrip(".")
        info = MetricInfo(name, number, title, kind, role, version)
        made = Metric(info, tuple(needs), judge, judge.__module__, doc)
        METRICS.add(made)
        return made

    return register


def load_metrics() -> MetricRegistry:
    """Import every file of `evals/`, so that the registry is complete without collecting tests.

    Raises BadInput for a file that cannot be imported, whatever is wrong with it.
    """
    package = importlib.import_module("evals")
    for module in pkgutil.iter_modules(package.__path__):
        if module.name.startswith("test_"):
            try:
                importlib.import_module(f"evals.{module.name}")
            except BadInput:
                raise
            except Exception as error:  # a file that its author has not finished may raise anything
                raise BadInput(f"evals/{module.name}.py: {type(error).__name__}: {error}") from error
    return METRICS


def give_verdict(metric: Metric, evidence: Evidence, pass_at: float = PASS_AT) -> Verdict:
    """Judge evidence. Every state has its cause in a type: what a judge or its evidence raises, or the
    finding's bounds. An exception of any other type is a bug of ours and passes through."""
    begin = time.monotonic()
    full = metric.info.full
    state, low, high, reason, line = State.HARNESS_ERROR, 0.0, full, "", ""
    try:
        finding = metric(evidence)
        low, high, reason, line = finding.low, finding.high, finding.reason, finding.line
        state = _state(metric.info, finding, pass_at)
        if state is State.UNMEASURED:
            reason = _unmeasured_code(evidence, metric)
    except Blocked as error:
        state, low, high, reason, line = State.BLOCKED, 0.0, 0.0, error.code, f"{error.stage}: {error.message}"
    except Unmeasured as error:
        state, reason, line = State.UNMEASURED, error.code, error.message
    except NotApplicable as error:
        state, low, high, reason, line = State.NOT_APPLICABLE, 0.0, 0.0, error.code, error.message
    except HarnessError as error:
        state, reason, line = State.HARNESS_ERROR, error.code, error.message
    stages = [result for name in metric.needs if (result := evidence.get(name)) is not None]
    seconds = sum(s.seconds for s in stages) + time.monotonic() - begin
    return Verdict(
        metric.name,
        evidence.epoch,
        state,
        low,
        high,
        reason,
        plain(line, 600),
        links_of(evidence, metric),
        round(seconds, 3),
    )


def _state(info: MetricInfo, finding: Finding, pass_at: float) -> State:
    if not 0 <= finding.low <= finding.high <= info.full:
        raise ValueError(f"{info.name} found {finding.low}–{finding.high}, outside 0–{info.full:g}")
    threshold = pass_at if info.kind == "scored" else 1.0
    if finding.low >= threshold:
        return State.PASS
    return State.FAIL if finding.high < threshold else State.UNMEASURED


def _unmeasured_code(evidence: Evidence, metric: Metric) -> str:
    """A scored metric whose unmeasured points decide: the code of the first stage that could not look."""
    for name in closure(metric.needs, evidence.artifact):
        result = evidence.get(name)
        if result is not None and result.problem is not None and result.problem.kind == "unmeasured":
            return result.problem.code
    return "unmeasured.points"


def links_of(evidence: Evidence, metric: Metric) -> tuple[str, ...]:
    """Logs and artifacts of the stages that a verdict rests on, relative to the run folder."""
    links: dict[str, None] = {}
    for name in metric.needs:
        result = evidence.get(name)
        if result is not None:
            links.update(dict.fromkeys([*(c.log for c in result.commands if c.log), *result.artifacts]))
    return tuple(links)
