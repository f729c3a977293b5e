"""The hooks of the process that collects: the controller of workers, or the serial session itself."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.sandbox import SANDBOXES
from fixtures.sandbox.processes import reap_dead_owners
from fixtures.stages import STAGES
from fixtures.stages.graph import artifact_of, closure
from plugins.collector import Collector
from plugins.exit_codes import ExitCode, exit_code
from plugins.gate import Condition, Outcome, check, parse
from plugins.metric import METRICS
from plugins.options import GIVEN, RUN_DIR
from plugins.progress import Progress
from plugins.scheduling import AppScheduling
from plugins.session import EvaluationSession
from plugins.sinks import SINKS, SinkError, given, in_order
from reports.model import Run, State
from reports.terminal import score_table
from reports.text import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from xdist.workermanage import WorkerController


class EvaluationController:
    def __init__(self, session: EvaluationSession, config: pytest.Config, gate: Sequence[Condition]) -> None:
        self.session, self.config, self.gate = session, config, gate
        self.collector = Collector(session, tuple(METRICS), config)
        self.progress: Progress | None = None
        self.run: Run | None = None
        self.outcomes: tuple[Outcome, ...] = ()
        self.said: list[str] = []
        self.troubles: list[str] = []
        self.interrupted = False
        self._begun = False

    # ------------------------------------------------------------------ beginning

    @pytest.hookimpl
    def pytest_report_header(self) -> list[str]:
        request, discovery = self.session.request, self.session.discovery
        stacks = Counter(app.stack.name for app in discovery.apps)
        kinds = ", ".join(f"{count} {name}" for name, count in sorted(stacks.items()))
        caveat = SANDBOXES[request.settings.sandbox].caveat()
        sandbox = f"{request.settings.sandbox} ({caveat})" if caveat else request.settings.sandbox
        lines = [
            f"appeval: {len(discovery.apps)} apps ({kinds}), sandbox {sandbox}, warehouse "
            f"{request.settings.warehouse}, run {request.run_id}{' (resumed)' if request.resumed else ''}"
        ]
        if (why_not := STAGES["look"].available(request.settings)) is not None and request.settings.ui_judge == "vlm":
            lines.append(f"appeval: no vision model looks at the pages: {why_not.partition(': ')[2]}")
        lines += [f"appeval: {plain(s.path.name, 80)} is no app: {s.reason}" for s in discovery.skipped]
        lines += [f"appeval: {plain(a.name, 80)}: {plain(note, 200)}" for a in discovery.apps for note in a.notes]
        return lines

    @pytest.hookimpl
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._expect([item.nodeid for item in session.items])

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: WorkerController) -> None:
        node.workerinput[RUN_DIR] = str(self.collector.run_dir)
        node.workerinput[GIVEN] = self.collector.given()

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        self._expect(ids)

    def _expect(self, nodeids: list[str]) -> None:
        self.collector.expect(nodeids)
        if not self.collector.expected or self.config.getoption("collectonly"):
            return
        reporter = self.config.pluginmanager.getplugin("terminalreporter")
        if not self._begun:
            self._begun = True
            self.collector.begin()
            self.session.machine.keep()
            housekeeping = SANDBOXES[self.session.request.settings.sandbox].housekeeping
            if housekeeping is not None:
                housekeeping.prepare(
                    self.session.request.settings, lambda words: reporter.write_line(f"appeval: {words}")
                )
            if not self.config.getoption("verbose"):
                reporter.showfspath = False  # no line per file either; at configure time there is no reporter yet
            self.progress = Progress(self.collector.run_dir, reporter)
            self.config.pluginmanager.register(self.progress, "appeval-progress")
            self.progress.start()
            self._warm_sinks()
        assert self.progress is not None
        expected = list(self.collector.expected.values())
        weights: dict[str, dict[str, float]] = {}
        settings = self.session.request.settings
        artifacts = {case.id: artifact_of(case.app.root, settings) for case in self.session.cases}
        for case, metric in expected:
            stages = (STAGES[name] for name in closure(metric.needs, artifacts[case]))
            weights.setdefault(case, {}).update({s.name: float(settings.limits.get(s.name, s.limit)) for s in stages})
        self.progress.expect(Counter(case for case, _ in expected), weights)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> object | None:
        return AppScheduling(config, log) if config.getoption("dist") == "load" else None

    # ------------------------------------------------------------------ while it runs

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.collector.take(report)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, error: object) -> None:
        if error is not None:
            reap_dead_owners(self.session.machine.ledgers)

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """At normal verbosity an app has one line when it is done, and a metric none of its own."""
        if self.config.getoption("verbose") or report.nodeid not in self.collector.expected:
            return None
        if report.when == "call" or report.outcome != "passed":
            return ("error" if report.failed and report.when != "call" else report.outcome), "", ""
        return "", "", ""

    # ------------------------------------------------------------------ the end

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if self.progress is not None:
            self.progress.stop()
        self.session.close()
        reap_dead_owners(self.session.machine.ledgers)
        if not self._begun:
            return
        stopped = bool(session.shouldstop or session.shouldfail) or exitstatus == ExitCode.INTERRUPTED
        self.interrupted = stopped
        self.run = self.collector.finish(interrupted=stopped)
        self._feed_sinks(self.run)
        self.outcomes = check(self.gate, self.run)
        by_user = exitstatus == ExitCode.INTERRUPTED and not self._stopped_by_maxfail(session)
        if exitstatus in (0, 1, 2, 5) and not by_user:
            holds = all(outcome.holds for outcome in self.outcomes) if self.gate else None
            session.exitstatus = exit_code(self.collector.selected(), gate=holds, trouble=bool(self.troubles))

    def _stopped_by_maxfail(self, session: pytest.Session) -> bool:
        if session.shouldfail:
            return True
        workers = self.config.pluginmanager.getplugin("dsession")
        return str(getattr(workers, "shouldstop", "")).startswith("stopping after")

    def _sink_options(self) -> dict[str, str | None]:
        return {option.key: self.config.getoption(option.key) for sink in SINKS for option in sink.options}

    def _warm_sinks(self) -> None:
        """While workers measure, this process has nothing to do."""
        if self.config.getoption("dist", "no") == "no":
            return
        options, run_dir = self._sink_options(), self.collector.run_dir
        for sink in SINKS:
            if sink.wanted(options):
                threading.Thread(target=_quietly, args=(sink.warm, run_dir, options), daemon=True).start()

    def _feed_sinks(self, run: Run) -> None:
        options = self._sink_options()
        for sink in in_order():
            if not sink.wanted(options):
                continue
            if run.partial and not sink.takes_partial:
                self.said.append(f"{sink.name}: not told, because it takes whole runs only and this one is partial")
                continue
            try:
                self.said.append(sink.emit(run, self.collector.run_dir, options))
            except (SinkError, OSError) as error:
                again = f"appeval emit {sink.name} {run.id}{given(sink, options)}"
                self.troubles.append(f"sink {sink.name} failed: {error} (the run is kept; repeat with `{again}`)")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> Any:
        result = yield
        if self.run is not None:
            self._say(terminalreporter, self.run)
        return result

    def _say(self, reporter: pytest.TerminalReporter, run: Run) -> None:
        width = reporter._tw.fullwidth  # noqa: SLF001 - the width that pytest itself writes with
        reporter.section("appeval")
        for app in run.apps:
            blocked: dict[str, list[str]] = {}
            for verdict in app.verdicts:
                words = plain(verdict.evidence, 400)
                if verdict.state in (State.FAIL, State.HARNESS_ERROR):
                    reporter.write_line(f"{verdict.state.value} {verdict.metric}[{plain(app.slug, 60)}] {words}")
                elif verdict.state is State.BLOCKED:
                    blocked.setdefault(words, []).append(verdict.metric)
            for words, metrics in blocked.items():
                reporter.write_line(f"BLOCKED {', '.join(metrics)} [{plain(app.slug, 60)}] by {words}")
        reporter.write_line("")
        reporter.write(score_table(run, width=width, colour=reporter.hasmarkup))
        for outcome in self.outcomes:
            holds = "holds" if outcome.holds else "does not hold"
            reporter.write_line(f"gate {holds}: {outcome.condition} ({_seen(outcome)})")
        for trouble in self.troubles:
            reporter.write_line(trouble, red=True)
        for line in self.said:
            reporter.write_line(_shorter(line))
        if self.interrupted:
            resume = run.id if self.collector.run_dir.parent.name == "runs" else str(self.collector.run_dir)
            reporter.write_line(_shorter(f"the run was cut off; go on with --resume={resume}"))

    @pytest.hookimpl
    def pytest_unconfigure(self) -> None:
        if self.progress is not None:
            self.progress.stop()
        self.session.close()
        if not self._begun:  # nothing was selected: no run, and no folder with an empty junit.xml in it
            (self.collector.run_dir / "junit.xml").unlink(missing_ok=True)
            if self.collector.run_dir.is_dir() and not any(self.collector.run_dir.iterdir()):
                self.collector.run_dir.rmdir()


def _quietly(warm: Callable[..., None], *arguments: object) -> None:
    with suppress(Exception):
        warm(*arguments)


def _seen(outcome: Outcome) -> str:
    """The end of the interval that the gate looks at."""
    if outcome.value is None:
        return "its value is not known"
    least = "at least" if outcome.condition.op.startswith(">") else "at most"
    return f"it is {least} {round(outcome.value, 3):g}"


def _shorter(line: str) -> str:
    """Paths below the current folder as people would type them."""
    return line.replace(f"{Path.cwd()}/", "")


def gate_of(text: str | None, metrics: Iterable[str]) -> tuple[Condition, ...]:
    """The conditions of `--gate`; raises pytest.UsageError for a text that is none, or names another metric."""
    if not text:
        return ()
    try:
        return parse(text, metrics)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None
