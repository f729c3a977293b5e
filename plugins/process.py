"""The hooks of every process that runs metrics: a serial session, or each worker."""

from __future__ import annotations

import traceback
from collections.abc import Generator
from pathlib import Path

import pytest

from fixtures.stages import STAGES
from plugins.metric import METRICS, Metric
from plugins.session import Case, EvaluationSession
from plugins.verdict import PROPERTY, HarnessTrouble, properties_of
from reports.model import State, Verdict

#: Seconds of waiting for other processes that the backstop grants on top of the stages' own limits.
_PATIENCE = 3600.0


def metric_of(item: pytest.Item) -> Metric | None:
    """The metric that a test stands for: the one declared in its file."""
    if not isinstance(item, pytest.Function) or "verdict" not in item.fixturenames:
        return None
    declared = METRICS.in_module(item.module.__name__)
    if len(declared) != 1:
        raise pytest.UsageError(f"{item.path.name} declares {len(declared)} metrics; a metric's file declares one")
    return declared[0]


class EvaluationProcess:
    def __init__(self, session: EvaluationSession) -> None:
        self.session = session

    @pytest.hookimpl
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if {"app", "verdict"} <= set(metafunc.fixturenames):
            cases = self.session.cases
            metafunc.parametrize("app", cases, ids=[case.id for case in cases], indirect=True)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """App by app, and within an app by number: its stages are run once, its copy is removed after the last."""
        order = {case.id: place for place, case in enumerate(self.session.cases)}

        def place(item: pytest.Item) -> tuple[int, int]:
            metric, case = metric_of(item), self._case(item)
            return (order[case.id], metric.info.number) if metric and case else (len(order), 0)

        items.sort(key=place)
        backstop = 2 * sum(self.session.request.settings.limits.get(s.name, s.limit) for s in STAGES) + _PATIENCE
        for item in items:
            if metric_of(item) is not None and item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(backstop))

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            metric, case = metric_of(item), self._case(item)
            if metric is not None and case is not None:
                self.session.select(metric, case)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """A HARNESS_ERROR is an error and not a failure, in the terminal and in JUnit: a report of the set-up
        phase with a text. Whatever else a judge or fixture raises is a bug of ours."""
        report = yield
        metric, case = metric_of(item), self._case(item)
        if metric is None or case is None or not report.failed or call.excinfo is None:
            return report
        if any(name.startswith(PROPERTY) for name, _ in item.user_properties):
            if isinstance(call.excinfo.value, HarnessTrouble):
                report.when, report.longrepr = "setup", str(call.excinfo.value)
            return report
        if call.when != "teardown":
            verdict = _bug(metric, case, call.excinfo.value)
            report.user_properties.extend(properties_of(verdict))
            detail = "".join(traceback.format_exception(call.excinfo.value))
            report.when, report.longrepr = "setup", f"{verdict.reason}: {verdict.evidence}\n{detail}"
        return report

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        self.session.close()

    @pytest.hookimpl
    def pytest_unconfigure(self) -> None:
        self.session.close()

    @staticmethod
    def _case(item: pytest.Item) -> Case | None:
        callspec = getattr(item, "callspec", None)
        case = callspec.params.get("app") if callspec is not None else None
        return case if isinstance(case, Case) else None


def _bug(metric: Metric, case: Case, error: BaseException) -> Verdict:
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    line = f"{type(error).__name__}: {error}{where}"[:500]
    return Verdict(metric.name, case.epoch, State.HARNESS_ERROR, 0.0, metric.info.full, "harness.bug", line)
