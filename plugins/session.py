"""The evaluation in one pytest process: its apps, its machine, and the engine of the app at hand."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fixtures.app import App, content_digest
from fixtures.discovery import Discovery, discover
from fixtures.errors import BadInput
from fixtures.machine import Machine
from fixtures.stages.engine import StageEngine
from plugins.metric import Metric, give_verdict
from plugins.options import Request
from plugins.results import stored_verdicts
from reports.model import Verdict


@dataclass(frozen=True, slots=True)
class Case:
    """One app in one epoch: what a metric test is parametrized with. `id` is its pytest id."""

    app: App
    epoch: int
    id: str


@dataclass(slots=True)
class EvaluationSession:
    """`needs` maps the id of each case to the stages that its selected metrics need; `cases` are all of them.

    `stored` are verdicts of an earlier part of the run, `given` those (case id, metric) that a worker which has died
    had settled: nobody asks for them again.
    """

    request: Request
    discovery: Discovery
    cases: tuple[Case, ...]
    machine: Machine
    stored: dict[tuple[str, str], Verdict]
    given: frozenset[tuple[str, str]] = frozenset()
    needs: dict[str, set[str]] = field(default_factory=dict)
    _engine: StageEngine | None = None
    _current: str = ""

    def select(self, metric: Metric, case: Case) -> None:
        """A metric of a case is going to be asked for: what it needs will be run, unless it is already known."""
        needs = self.needs.setdefault(case.id, set())
        if (case.id, metric.name) not in self.stored.keys() | self.given:
            needs.update(metric.needs)

    def verdict(self, metric: Metric, case: Case) -> Verdict:
        """The stored verdict of a resumed run, or a judgment of evidence, waiting for it."""
        known = self.stored.get((case.id, metric.name))
        if known is not None:
            return known
        evidence = self._engine_of(case).evidence(metric.needs)
        if takes_judges(case.app, self.request.judges):
            from plugins.judges import verdict_through_judge

            return verdict_through_judge(metric, evidence, self.request.pass_at)
        return give_verdict(metric, evidence, self.request.pass_at)

    def _engine_of(self, case: Case) -> StageEngine:
        if self._engine is None or self._current != case.id:
            self.close_app()
            self._engine, self._current = StageEngine(case.app, case.epoch, self.machine, self._watch(case)), case.id
            self._engine.start(self.needs.get(case.id, set()))
        return self._engine

    def _watch(self, case: Case) -> Events:
        return Events(self.request.settings.run_dir / "events.jsonl", case.id)

    def close_app(self) -> None:
        """End the stages of the app at hand and remove its copy."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.close()

    def close(self) -> None:
        self.close_app()
        self.machine.close()


@dataclass(frozen=True, slots=True)
class Events:
    """Tells the controller what a stage is doing: one short line per event, appended in one write."""

    path: Path
    case: str

    def __call__(self, stage: str, what: str) -> None:
        line = json.dumps({"case": self.case, "stage": stage, "what": what, "time": round(time.time(), 2)})
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")


SESSION = pytest.StashKey[EvaluationSession]()


def open_session(
    request: Request, *, keeper: bool, given: frozenset[tuple[str, str]] = frozenset()
) -> EvaluationSession:
    """Find the apps and make the session; raises pytest.UsageError when there is nothing to evaluate."""
    try:
        discovery = discover(request.places, request.settings.project)
    except BadInput as error:
        raise pytest.UsageError(str(error)) from None
    cases = tuple(cases_of(discovery.apps, request.epochs))
    stored = stored_verdicts(request.settings.run_dir, digests_of(cases)) if request.resumed else {}
    return EvaluationSession(request, discovery, cases, Machine(request.settings, keeper=keeper), stored, given)


def takes_judges(app: App, share: float) -> bool:
    """Whether an app is among this share (0–1): by its name alone, and whoever is in 10 % is in 50 %."""
    place = int.from_bytes(hashlib.blake2b(app.name.encode("utf-8", "surrogateescape"), digest_size=8).digest())
    return place / 2**64 < share


def cases_of(apps: Iterable[App], epochs: int) -> Iterable[Case]:
    for app in apps:
        for epoch in range(1, epochs + 1):
            yield Case(app, epoch, app.slug if epochs == 1 else f"{app.slug}-epoch{epoch}")


def digests_of(cases: Iterable[Case]) -> dict[str, str]:
    """Content hash of each case's app, by case id: stored verdicts of a changed app are dropped."""
    return {case.id: content_digest(case.app.root) for case in cases}
