"""A run as a table for a terminal of a given width, readable without colour."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.cells import app_cells, cell_state, shown_metrics
from reports.failures import unmeasured_lines
from reports.headline import average_line, first_word, short_head, success_line
from reports.model import AppResult, MetricInfo, Run, State
from reports.text import count_text, plain, score_text

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

SYMBOLS = {
    State.PASS: "✓",
    State.FAIL: "✗",
    State.BLOCKED: "⊘",
    State.NOT_APPLICABLE: "–",
    State.UNMEASURED: "?",
    State.HARNESS_ERROR: "!",
}
LEGEND = "✓ passed  ✗ failed  ⊘ blocked  – not applicable  ? not measured  ! our own error  · not asked"
_COLOURS = {
    State.PASS: "green",
    State.FAIL: "red",
    State.BLOCKED: "yellow",
    State.NOT_APPLICABLE: "dim",
    State.UNMEASURED: "cyan",
    State.HARNESS_ERROR: "bold magenta",
}
_CAPPED = "*"
_LONGEST_NAME, _SHORTEST_NAME, _CUT_HEAD = 32, 16, 7
_MOST_SKIPPED = 10
_MOST_UNMEASURED = 6


@dataclass(frozen=True, slots=True)
class _Layout:
    """The heads of the metric columns, the spaces between columns, and the cells that are left for a name."""

    heads: tuple[str, ...]
    gap: int
    name: int


def score_table(run: Run, width: int, colour: bool) -> str:
    """The table and the lines below it, no line wider than `width` cells where `width` is 40 or more."""
    from rich.console import Console

    stream = io.StringIO()
    console = Console(
        file=stream, width=width, force_terminal=colour, color_system="standard" if colour else None,
        no_color=not colour, markup=False, highlight=False, emoji=False, legacy_windows=False,
    )  # fmt: skip
    metrics = shown_metrics(run)
    layout = _layout(run, metrics, width)
    console.print(_table(run, metrics, layout))
    _below(console, run, metrics, layout)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def _layout(run: Run, metrics: Sequence[MetricInfo], width: int) -> _Layout:
    """Whole words as heads where they fit, then cut ones, then numbers alone; the name gets what is left."""
    from rich.cells import cell_len

    rows = [app_cells(app, metrics, SYMBOLS) for app in run.apps]
    cells = [max((cell_len(row[i]) for row in rows), default=1) for i in range(len(metrics))]
    score = max((cell_len(_score(app)) for app in run.apps), default=5)
    wanted = min(max((cell_len(plain(app.app, 200)) for app in run.apps), default=3), _LONGEST_NAME)
    full = tuple(short_head(m) for m in metrics)
    cut = tuple(f"{m.number} {first_word(m)[:_CUT_HEAD]}" for m in metrics)
    numbers = tuple(str(m.number) for m in metrics)
    for heads, gap in ((full, 2), (cut, 2), (cut, 1), (numbers, 2), (numbers, 1)):
        needed = sum(max(a, cell_len(b)) for a, b in zip(cells, heads, strict=True))
        left = width - needed - max(score, 5) - gap * (len(metrics) + 1)
        if left >= min(wanted, _SHORTEST_NAME):
            return _Layout(heads, gap, max(3, min(wanted, left)))
    return _Layout(numbers, 1, max(3, min(wanted, left)))


def _table(run: Run, metrics: Sequence[MetricInfo], layout: _Layout) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        box=box.Box("    \n    \n ── \n    \n    \n    \n    \n    \n"), show_edge=False, pad_edge=False,
        padding=(0, layout.gap - 1, 0, 0), header_style="bold",
    )  # fmt: skip
    table.add_column("app", no_wrap=True, overflow="ellipsis", width=layout.name)
    table.add_column("score", no_wrap=True, justify="right", min_width=5)
    for head in layout.heads:
        table.add_column(Text(head), no_wrap=True, justify="center")
    for app in run.apps:
        cells = zip(metrics, app_cells(app, metrics, SYMBOLS), strict=True)
        table.add_row(
            Text(plain(app.app, 200)), Text(_score(app), style="bold"),
            *(Text(text, style=_COLOURS[cell_state(app.of(metric.name))]) for metric, text in cells),
        )  # fmt: skip
    return table


def _score(app: AppResult) -> str:
    return score_text(app.score.low, app.score.high) + (_CAPPED if app.labels else "")


def _below(console: Console, run: Run, metrics: Sequence[MetricInfo], layout: _Layout) -> None:
    from rich.text import Text

    if layout.heads and " " not in layout.heads[0]:
        console.print(Text(" ".join(f"{m.number}={first_word(m)}" for m in metrics), style="dim"))
    console.print(Text(LEGEND, style="dim"))
    console.print()
    console.print(Text(average_line(run.summary), style="bold"))
    console.print(Text(success_line(run.summary), style="bold"))
    for line in _notes(run):
        console.print(Text(line), overflow="fold")
    if run.partial:
        warning = "PARTIAL RUN: not every metric of every app was selected and finished; do not compare it as a whole"
        console.print(Text(warning, style="bold yellow"))


def _notes(run: Run) -> Iterator[str]:
    if run.summary.common_failures:
        yield "most common failures:"
    for code, apps, example in run.summary.common_failures:
        yield f"  {count_text(apps, 'app')}  {plain(code, 60)}  {plain(example)}"
    unmeasured = list(unmeasured_lines(run))
    if unmeasured:
        yield "not measured:"
    for line in unmeasured[:_MOST_UNMEASURED]:
        yield f"  {plain(line)}"
    for app in run.apps:
        if app.labels:
            uncapped = score_text(app.score.uncapped_low, app.score.uncapped_high)
            yield f"{_CAPPED} {plain(app.app, 40)}: {plain('; '.join(app.labels))} (capped, {uncapped} without)"
    if run.skipped:
        yield f"skipped {count_text(len(run.skipped), 'folder')}:"
    for path, reason in run.skipped[:_MOST_SKIPPED]:
        yield f"  {plain(path.rpartition('/')[2] or path, 40)}: {plain(reason)}"
    if len(run.skipped) > _MOST_SKIPPED:
        yield f"  … and {len(run.skipped) - _MOST_SKIPPED:,} more"
