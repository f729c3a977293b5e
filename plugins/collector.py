"""Gathers the verdicts of all processes in the controller and turns them into the run.

It trusts the verdict that was given; a pytest outcome that says otherwise is a HARNESS_ERROR, and so is an
expected result that never arrives.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

import pytest

from fixtures.evidence import write_atomically
from plugins.assembly import Gathered, assemble, now
from plugins.metric import Metric
from plugins.results import append_verdict, end_cut_line, read_session, write_session
from plugins.scheduling import case_id
from plugins.session import EvaluationSession, digests_of
from plugins.verdict import verdict_of
from reports.model import Run, State, Verdict, run_to_json

_OUTCOME = {
    State.PASS: "passed", State.FAIL: "failed", State.BLOCKED: "failed", State.NOT_APPLICABLE: "skipped",
    State.UNMEASURED: "skipped", State.HARNESS_ERROR: "failed",
}  # fmt: skip


@dataclass(slots=True)
class _Pending:
    """What the reports of one test have said so far."""

    outcomes: list[str] = field(default_factory=list)
    verdict: Verdict | None = None
    trouble: str = ""


class Collector:
    """`expected` is every test that was scheduled; `verdicts` what came of it, by (case id, metric)."""

    def __init__(self, session: EvaluationSession, metrics: Sequence[Metric], config: pytest.Config) -> None:
        self.session, self.metrics, self.config = session, metrics, config
        self.run_dir = session.request.settings.run_dir
        self.expected: dict[str, tuple[str, Metric]] = {}
        self.verdicts: dict[tuple[str, str], Verdict] = {}
        self._pending: dict[str, _Pending] = {}
        self._settled: set[str] = set()
        self._digests = digests_of(session.cases)
        self._begin = time.monotonic()
        self._started = now()

    # ------------------------------------------------------------------ beginning

    def begin(self) -> None:
        """Make the run folder and say what the run is; a resumed one keeps what it said."""
        self.run_dir.mkdir(parents=True, exist_ok=True)
        if self.session.request.resumed:
            self._started = str(read_session(self.run_dir)["started"])
            self.verdicts.update(self.session.stored)
            end_cut_line(self.run_dir)
        else:
            versions = {m.name: m.info.version for m in self.metrics}
            write_session(self.run_dir, self._started, self.session.request.comparable(), versions)

    def expect(self, nodeids: Iterable[str]) -> None:
        """Tests that will be run: those of a metric's file; others are none of our business."""
        by_file = {m.module.rpartition(".")[2]: m for m in self.metrics}
        cases = {case.id for case in self.session.cases}
        for nodeid in nodeids:
            metric = by_file.get(PurePosixPath(nodeid.partition("::")[0]).stem)
            if metric is not None and case_id(nodeid) in cases:
                self.expected[nodeid] = (case_id(nodeid), metric)

    # ------------------------------------------------------------------ gathering

    def take(self, report: pytest.TestReport) -> None:
        """One phase of one test, from whichever process."""
        if report.nodeid not in self.expected or report.nodeid in self._settled:
            return  # settled: a worker may die when its verdict is in and the next test has not begun
        pending = self._pending.setdefault(report.nodeid, _Pending())
        pending.outcomes.append(report.outcome)
        pending.verdict = verdict_of(dict(report.user_properties)) or pending.verdict
        if report.failed:
            pending.trouble = str(report.longrepr)
        when: str = report.when or ""
        if when == "???":
            pending.verdict = None
            self._settle(report.nodeid, "harness.worker_crashed")
        elif when == "teardown":
            self._settle(report.nodeid, "harness.no_verdict")

    def _settle(self, nodeid: str, otherwise: str) -> None:
        pending = self._pending.pop(nodeid)
        self._settled.add(nodeid)
        case, metric = self.expected[nodeid]
        epoch = next(c.epoch for c in self.session.cases if c.id == case)
        verdict = pending.verdict
        last_line = (pending.trouble.strip().splitlines() or ["no explanation"])[-1]
        if verdict is None:
            verdict = Verdict(
                metric.name, epoch, State.HARNESS_ERROR, 0.0, metric.info.full, otherwise, last_line[:500]
            )
        else:
            said = next((o for o in pending.outcomes if o != "passed"), "passed")
            if said != _OUTCOME[verdict.state]:
                line = f"pytest says {said}, the verdict was {verdict.state}: {last_line}"
                verdict = replace(
                    verdict,
                    state=State.HARNESS_ERROR,
                    low=0.0,
                    high=metric.info.full,
                    reason="harness.contradiction",
                    evidence=line[:500],
                )
        self._record(case, verdict)

    def _record(self, case: str, verdict: Verdict) -> None:
        key = (case, verdict.metric)
        if self.session.stored.get(key) != verdict:  # a stored verdict reported again is on disk already
            append_verdict(self.run_dir, case, self._digests[case], verdict)
        self.verdicts[key] = verdict
        self.config.hook.pytest_appeval_verdict(case=case, verdict=verdict)

    def given(self) -> list[tuple[str, str]]:
        """Case and metric of what this session has settled: a replacement worker is not asked for it."""
        return [(case, metric.name) for case, metric in (self.expected[nodeid] for nodeid in sorted(self._settled))]

    # ------------------------------------------------------------------ the end

    def finish(self, interrupted: bool) -> Run:
        """Account for what never arrived, and write run.json."""
        for nodeid, (case, metric) in self.expected.items():
            if nodeid in self._pending:
                self._pending[nodeid].verdict = None
            if (case, metric.name) not in self.verdicts and not interrupted:
                self._pending.setdefault(nodeid, _Pending(trouble="its result never arrived"))
                self._settle(nodeid, "harness.missing_result")
        gathered = Gathered(self.verdicts, interrupted, self._started, time.monotonic() - self._begin)
        run = assemble(self.session, self.metrics, gathered)
        write_atomically(self.run_dir / "run.json", run_to_json(run))
        self.config.hook.pytest_appeval_run_finished(run=run, run_dir=self.run_dir)
        if not run.partial:
            self._point_latest()
        return run

    def _point_latest(self) -> None:
        """`runs/latest` points to the last complete run below runs/."""
        runs = self.session.request.settings.project / "runs"
        if self.run_dir.parent == runs:
            link = runs / ".latest.new"
            link.unlink(missing_ok=True)
            link.symlink_to(self.run_dir.name)
            link.replace(runs / "latest")

    def selected(self) -> list[Verdict]:
        """The verdicts of the tests of this session: what the exit code speaks of."""
        return [self.verdicts[key] for case, m in self.expected.values() if (key := (case, m.name)) in self.verdicts]
