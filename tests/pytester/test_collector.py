"""The collector alone, fed with hand-written reports: what arrives, what contradicts, and what never comes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fixtures.app import App
from fixtures.discovery import Discovery
from fixtures.machine import Machine
from fixtures.settings import Settings
from fixtures.stacks.unknown import UNKNOWN
from plugins.collector import Collector
from plugins.metric import Metric, passed
from plugins.options import Request
from plugins.session import EvaluationSession, cases_of
from plugins.verdict import properties_of
from reports.model import MetricInfo, State, Verdict
from tests.pytester.project import METRICS, stored

NODE = "evals/test_{metric}.py::test_{metric}[{case}]"


class Hook:
    """The hooks that the collector calls: they remember."""

    def __init__(self) -> None:
        self.verdicts: list[tuple[str, str]] = []

    def pytest_appeval_verdict(self, case: str, verdict: Verdict) -> None:
        self.verdicts.append((case, verdict.metric))

    def pytest_appeval_run_finished(self, **_: Any) -> None:
        return None


def metrics() -> Sequence[Metric]:
    made = []
    for number, (name, (_, full)) in enumerate(METRICS.items(), 1):
        info = MetricInfo(name, number, name, "binary" if full == 1 else "scored", "scored", 1)
        made.append(Metric(info, (), lambda _evidence: passed("yes"), f"evals.test_{name}", name))
    return made


@pytest.fixture
def collector(tmp_path: Path) -> Collector:
    """It expects all nine metrics of the app `sales`."""
    root = tmp_path / "sales"
    root.mkdir()
    app = App("sales", "sales", root, root, UNKNOWN, "", None, {}, None, ())
    settings = Settings(tmp_path, tmp_path / "run", tmp_path / "work", tmp_path / "cache")
    request = Request(
        settings=settings, places=(), epochs=1, profile="weighted-1", pass_at=3.0, gate=None, resumed=False,
        started=time.time(),
    )  # fmt: skip
    session = EvaluationSession(
        request, Discovery((app,), ()), tuple(cases_of([app], 1)), Machine(settings, keeper=True), {}
    )
    config: Any = SimpleNamespace(hook=Hook())
    made = Collector(session, metrics(), config)
    made.begin()
    made.expect([NODE.format(metric=name, case="sales") for name in METRICS])
    return made


def report(metric: str, when: str, outcome: str = "passed", verdict: Verdict | None = None, text: str = "") -> Any:
    """A report as a worker sends it."""
    return SimpleNamespace(
        nodeid=NODE.format(metric=metric, case="sales"), when=when, outcome=outcome, failed=outcome == "failed",
        longrepr=text, user_properties=properties_of(verdict) if verdict else [],
    )  # fmt: skip


def give(collector: Collector, metric: str, verdict: Verdict, outcome: str = "passed") -> None:
    collector.take(report(metric, "setup"))
    collector.take(report(metric, "call", outcome, verdict, "as pytest puts it"))
    collector.take(report(metric, "teardown", verdict=verdict))


def a_pass(metric: str) -> Verdict:
    full = METRICS[metric][1]
    return Verdict(metric, 1, State.PASS, full, full, "", "yes")


def outcome(collector: Collector, metric: str) -> tuple[str, str]:
    verdict = collector.verdicts["sales", metric]
    return verdict.state.value, verdict.reason


def test_a_result_that_never_arrives_is_reported_missing(collector: Collector) -> None:
    for metric in list(METRICS)[1:]:
        give(collector, metric, a_pass(metric))
    run = collector.finish(interrupted=False)
    assert outcome(collector, "build_success") == ("HARNESS_ERROR", "harness.missing_result")
    assert run.apps[0].of("build_success")[0].evidence == "its result never arrived"
    assert (run.apps[0].score.low, run.apps[0].score.high, run.partial) == (80, 100, False)
    assert stored(collector.run_dir)[-1][1].reason == "harness.missing_result"


def test_a_result_that_was_cut_off_is_not_a_verdict(collector: Collector) -> None:
    """The call has reported, the teardown has not: nobody knows how the test would have ended."""
    collector.take(report("build_success", "setup"))
    collector.take(report("build_success", "call", verdict=a_pass("build_success")))
    assert collector.verdicts == {}
    collector.finish(interrupted=False)
    assert outcome(collector, "build_success") == ("HARNESS_ERROR", "harness.missing_result")


def test_after_an_interrupt_nothing_is_missing(collector: Collector) -> None:
    give(collector, "build_success", a_pass("build_success"))
    run = collector.finish(interrupted=True)
    assert list(collector.verdicts) == [("sales", "build_success")]
    assert run.partial
    assert {v.reason for v in run.apps[0].verdicts} == {"", "unmeasured.not_run"}


@pytest.mark.parametrize(
    ("state", "said", "agrees"),
    [
        (State.PASS, "passed", True), (State.FAIL, "failed", True), (State.BLOCKED, "failed", True),
        (State.UNMEASURED, "skipped", True), (State.NOT_APPLICABLE, "skipped", True),
        (State.HARNESS_ERROR, "failed", True), (State.HARNESS_ERROR, "passed", False),
        (State.PASS, "failed", False), (State.PASS, "skipped", False), (State.FAIL, "passed", False),
        (State.UNMEASURED, "passed", False), (State.NOT_APPLICABLE, "failed", False),
    ],
)  # fmt: skip
def test_the_verdict_is_trusted_unless_pytest_contradicts(
    collector: Collector, state: State, said: str, agrees: bool
) -> None:
    given = Verdict("build_success", 1, state, 0, 0, "some.reason", "some words")
    give(collector, "build_success", given, said)
    if agrees:
        assert collector.verdicts["sales", "build_success"] == given
    else:
        assert outcome(collector, "build_success") == ("HARNESS_ERROR", "harness.contradiction")
        assert f"pytest says {said}, the verdict was {state}" in collector.verdicts["sales", "build_success"].evidence


def test_a_crash_costs_the_test_that_ran(collector: Collector) -> None:
    collector.take(report("build_success", "setup"))
    collector.take(report("build_success", "???", "failed", text="worker 'gw0' crashed while running it"))
    assert outcome(collector, "build_success") == ("HARNESS_ERROR", "harness.worker_crashed")
    assert collector.given() == [("sales", "build_success")]


def test_a_crash_after_the_verdict_costs_nothing(collector: Collector) -> None:
    """xdist names the last test that it knows to have begun, and that one may have reported everything."""
    give(collector, "build_success", a_pass("build_success"))
    collector.take(report("build_success", "???", "failed", text="worker 'gw0' crashed while running it"))
    assert outcome(collector, "build_success") == ("PASS", "")
    assert len(stored(collector.run_dir)) == 1


def test_every_verdict_is_on_disk_before_anybody_hears_of_it(collector: Collector) -> None:
    hook: Any = collector.config.hook
    for number, metric in enumerate(METRICS, 1):
        give(collector, metric, a_pass(metric))
        assert [v.metric for _, v in stored(collector.run_dir)] == list(METRICS)[:number]
        assert hook.verdicts[-1] == ("sales", metric)


def test_tests_that_are_no_metric_are_none_of_its_business(collector: Collector) -> None:
    collector.expect(["tests/test_other.py::test_it", "evals/test_build_success.py::test_build_success[nobody]"])
    assert len(collector.expected) == len(METRICS)
