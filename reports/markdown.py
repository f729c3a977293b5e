"""A run as Markdown: what a GitHub job summary shows, and `summary.md`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import quote

from reports.cells import app_cells, shown_metrics
from reports.failures import app_lines, unmeasured_lines
from reports.headline import average_line, short_head, success_line, world_line
from reports.measurements import heading, measured_text, shown_columns
from reports.model import AppResult, Run, State
from reports.text import count_text, markdown_text, score_text, share_text

_MOST_LINKS = 8
SYMBOLS = {
    State.PASS: "✅",
    State.FAIL: "❌",
    State.BLOCKED: "⛔",
    State.NOT_APPLICABLE: "—",
    State.UNMEASURED: "?",
    State.HARNESS_ERROR: "⚠",
}
LEGEND = "✅ passed · ❌ failed · ⛔ blocked by another failure · — not applicable · ? not measured · ⚠ our own error"

_PARTIAL = (
    "> **PARTIAL RUN.** Not every metric of every app was selected and finished. "
    "Do not compare these numbers with those of a whole run."
)

# GitHub drops a job summary above 1 MiB, so each part has its share, in bytes of UTF-8.
_TABLE, _WHY, _MEASURED, _SKIPPED = 300_000, 350_000, 150_000, 50_000


def summary_markdown(run: Run) -> str:
    """The whole run on one page of less than 1 MiB: averages, table, reasons, measurements."""
    parts = [_head(run), _scores(run), _why(run), _common(run), _skipped(run), _measurements(run)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(run: Run) -> str:
    lines = [f"## AppEval run {markdown_text(run.id)}", "", markdown_text(world_line(run), 600)]
    if run.partial:
        lines += ["", "> [!WARNING]", _PARTIAL]
    lines += ["", f"**{average_line(run.summary)}**", "", f"**{success_line(run.summary)}**"]
    return "\n".join(lines)


def _scores(run: Run) -> str:
    metrics = shown_metrics(run)
    labelled = any(app.labels for app in run.apps)
    heads = ["app", "score", "succeeds", *(markdown_text(short_head(m)) for m in metrics)]
    heads += ["label"] if labelled else []
    rows = [
        [
            markdown_text(app.app, 80), _score(app, run.epochs), _success(app), *app_cells(app, metrics, SYMBOLS),
            *([_labels(app)] if labelled else []),
        ]
        for app in run.apps
    ]  # fmt: skip
    return f"### Scores\n\n{_table(heads, rows, _TABLE)}\n\n{LEGEND}"


def _score(app: AppResult, epochs: int) -> str:
    text = score_text(app.score.low, app.score.high)
    return f"{text} (spread {app.score.spread:.1f})" if epochs > 1 else text


def _success(app: AppResult) -> str:
    """Yes, no, or ? when nobody knows; with several epochs the share of those in which it succeeded."""
    known = {(1.0, 1.0): "yes", (0.0, 0.0): "no", (0.0, 1.0): "?"}
    return known.get((app.success_low, app.success_high)) or share_text(app.success_low, app.success_high)


def _labels(app: AppResult) -> str:
    if not app.labels:
        return ""
    uncapped = score_text(app.score.uncapped_low, app.score.uncapped_high)
    return markdown_text("; ".join(app.labels), 200) + f" (capped, {uncapped} without)"


def _why(run: Run) -> str:
    blocks = []
    for app in run.apps:
        wrong = app_lines(app, run.metrics, run.epochs)
        lines = [f"- {SYMBOLS[line.state]} {markdown_text(line.text, 400)}" for line in wrong]
        lines += [f"- note: {markdown_text(note)}" for note in app.notes]
        if lines and (links := _links(app)):
            lines.append(f"- see {links}")
        if lines:
            blocks.append("\n".join([f"**{markdown_text(app.app, 80)}**", "", *lines]))
    unmeasured = [f"- {SYMBOLS[State.UNMEASURED]} {markdown_text(line, 400)}" for line in unmeasured_lines(run)]
    if unmeasured:
        blocks.insert(0, "\n".join(["**Not measured**", "", *unmeasured]))
    return "### Why\n\n" + "\n\n".join(_bounded(blocks, _WHY, "app")) if blocks else ""


def _links(app: AppResult) -> str:
    """Links, relative to the run folder, to what its verdicts rest on: the screenshot first."""
    links = sorted({link for v in app.verdicts for link in v.links}, key=lambda link: (not link.endswith(".png"), link))
    return " · ".join(f"[{markdown_text(link.rpartition('/')[2], 60)}]({quote(link)})" for link in links[:_MOST_LINKS])


def _common(run: Run) -> str:
    failures = run.summary.common_failures
    lines = [
        f"- {count_text(apps, 'app')}: {markdown_text(code)}, for example {markdown_text(example)}"
        for code, apps, example in failures
    ]
    return "### Most common failures\n\n" + "\n".join(lines) if lines else ""


def _skipped(run: Run) -> str:
    lines = [f"- {markdown_text(path)}: {markdown_text(reason)}" for path, reason in run.skipped]
    return "### Skipped folders\n\n" + "\n".join(_bounded(lines, _SKIPPED, "folder", "- ")) if lines else ""


def _measurements(run: Run) -> str:
    names = shown_columns(run.apps)
    if not names:
        return ""
    rows = [[markdown_text(app.app, 80), *(measured_text(app.measurements.get(n)) for n in names)] for app in run.apps]
    return "### Measurements\n\n" + _table(["app", *(markdown_text(heading(n), 40) for n in names)], rows, _MEASURED)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], limit: int) -> str:
    """Cells are escaped already."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    rule = "|".join(["", " --- ", *(" :---: " for _ in heads[1:]), ""])
    return "\n".join([f"| {' | '.join(heads)} |", rule, *_bounded(lines, limit, "app", "\n")])


def _bounded(parts: Sequence[str], limit: int, noun: str, prefix: str = "") -> list[str]:
    """As many parts as fit, and how many more there are."""
    kept: list[str] = []
    for part in parts:
        limit -= len(part.encode()) + 2
        if limit < 0:
            return [*kept, f"{prefix}… and {count_text(len(parts) - len(kept), f'more {noun}')}"]
        kept.append(part)
    return kept
