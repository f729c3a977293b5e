"""What the terminal says while an evaluation runs.

On a terminal: a live line per app in progress with its stages and seconds, a count and an estimate (rich). Elsewhere:
one plain line when an app is done. Both read `events.jsonl`, to which every process appends what its stages do.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import pytest

from reports.model import State, Verdict
from reports.text import plain

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

_TOO_EARLY = 0.08  # an estimate from less than this share of the work would only alarm
_WORTH_A_WORD = (State.FAIL, State.HARNESS_ERROR)


_WORDS = {
    State.PASS: "passed", State.FAIL: "failed", State.BLOCKED: "blocked", State.NOT_APPLICABLE: "not applicable",
    State.UNMEASURED: "not measured", State.HARNESS_ERROR: "HARNESS_ERROR",
}  # fmt: skip


@dataclass(slots=True)
class _CaseProgress:
    started: float | None = None
    running: dict[str, float] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    verdicts: list[Verdict] = field(default_factory=list)


class Progress:
    """Counts verdicts against what is expected, and weighs stages by their limits for an estimate of the rest."""

    def __init__(self, run_dir: Path, reporter: pytest.TerminalReporter) -> None:
        self._events, self._reporter = run_dir / "events.jsonl", reporter
        self._offset = self._events.stat().st_size if self._events.exists() else 0
        self._cases: dict[str, _CaseProgress] = {}
        self._expected: dict[str, int] = {}
        self._weights: dict[str, dict[str, float]] = {}
        self._begin = time.time()
        self._live: Live | None = None
        self._quiet = reporter.verbosity != 0

    def expect(self, expected: Mapping[str, int], weights: Mapping[str, dict[str, float]]) -> None:
        """`expected` maps a case id to its number of metrics, `weights` to the limits of its stages in seconds."""
        self._expected, self._weights = dict(expected), dict(weights)

    # ------------------------------------------------------------------ live

    def start(self) -> None:
        """Show the live lines, when there is a terminal to show them on."""
        if self._quiet or not self._reporter.isatty or self._live is not None:
            return
        from rich.console import Console
        from rich.file_proxy import FileProxy
        from rich.live import Live

        writer: Any = self._reporter._tw  # noqa: SLF001 - pytest offers no other way to share its terminal
        terminal: TextIO = writer._file  # noqa: SLF001
        # A copy: during a test of a serial session pytest's capturing leads the original into the test's output.
        self._copy = os.fdopen(os.dup(terminal.fileno()), "w", encoding=terminal.encoding, errors="replace")
        console = Console(file=self._copy, highlight=False, markup=False)
        self._live = Live(
            console=console, get_renderable=self._render, refresh_per_second=4, transient=True,
            redirect_stdout=False, redirect_stderr=False,  # pytest exchanges them around every test by itself
        )  # fmt: skip
        self._file, writer._file = terminal, FileProxy(console, self._copy)  # noqa: SLF001
        self._live.start()

    def stop(self) -> None:
        if self._live is not None:
            self._live.stop()
            writer: Any = self._reporter._tw  # noqa: SLF001
            writer._file = self._file  # noqa: SLF001
            self._copy.close()
            self._live = None

    def _render(self) -> RenderableType:
        from rich.table import Table
        from rich.text import Text

        self._read_events()
        table = Table.grid(padding=(0, 2))
        for case_id, case in self._cases.items():
            if case.running and len(case.verdicts) < self._expected.get(case_id, 0):
                stages = ", ".join(f"{name} {time.time() - since:.0f} s" for name, since in case.running.items())
                table.add_row(Text(f"  {plain(case_id, 40)}", style="bold"), Text(stages))
        table.add_row(Text("  " + self._counts(), style="dim"))
        return table

    def _counts(self) -> str:
        done, total = self._done()
        metrics = sum(len(case.verdicts) for case in self._cases.values())
        wanted, elapsed = sum(self._expected.values()), time.time() - self._begin
        text = f"{done}/{total} apps, {metrics}/{wanted} verdicts, {_duration(elapsed)}"
        share = self._share_done()
        if share > _TOO_EARLY and metrics < wanted:
            text += f", about {_duration(elapsed / share * (1 - share))} to go"
        return text

    def _share_done(self) -> float:
        """How much of the work is behind us, 0 to 1: a stage weighs as much as its limit."""
        total = sum(sum(stages.values()) for stages in self._weights.values())
        done = 0.0
        for case_id, stages in self._weights.items():
            case = self._case(case_id)
            complete = len(case.verdicts) >= self._expected.get(case_id, 0)
            done += sum(weight for stage, weight in stages.items() if complete or stage in case.ended)
        return done / total if total else 0.0

    def _done(self) -> tuple[int, int]:
        done = sum(1 for id_, count in self._expected.items() if count and len(self._case(id_).verdicts) >= count)
        return done, len(self._expected)

    def _read_events(self) -> None:
        try:
            with self._events.open("rb") as stream:
                stream.seek(self._offset)
                data = stream.read()
        except OSError:
            return
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        for line in whole.splitlines():
            try:
                event = json.loads(line)
                case = self._case(event["case"])
                if event["what"] == "started":
                    case.started = case.started or event["time"]
                    case.running[event["stage"]] = event["time"]
                else:
                    case.running.pop(event["stage"], None)
                    case.ended.add(event["stage"])
            except (ValueError, KeyError, TypeError):
                continue

    # ------------------------------------------------------------------ lines

    def _case(self, case_id: str) -> _CaseProgress:
        return self._cases.setdefault(case_id, _CaseProgress())

    @pytest.hookimpl
    def pytest_appeval_verdict(self, case: str, verdict: Verdict) -> None:
        mine = self._case(case)
        mine.verdicts.append(verdict)
        if len(mine.verdicts) == self._expected.get(case) and not self._quiet:
            self._read_events()
            self._reporter.write_line(self._line(case, mine))

    def _line(self, case_id: str, case: _CaseProgress) -> str:
        done, total = self._done()
        took = f" in {_duration(time.time() - case.started)}" if case.started else ""
        counts = Counter(_WORDS[v.state] for v in case.verdicts)
        passed = ", ".join(f"{counts[word]} {word}" for word in dict.fromkeys(_WORDS.values()) if counts[word])
        said = [f"{v.metric}: {plain(v.evidence, 90)}" for v in case.verdicts if v.state in _WORTH_A_WORD]
        words = f"; {'; '.join(said[:2])}" if said else ""
        return f"[{done}/{total}] {plain(case_id, 60)}: {passed}{took}{words}"


def _duration(seconds: float) -> str:
    seconds = max(0, round(seconds))
    return f"{seconds} s" if seconds < 60 else f"{seconds // 60} min {seconds % 60:02d} s"
