"""The lines that head every report of a run, as plain text: where it was measured, its averages, its columns."""

from __future__ import annotations

from reports.model import MetricInfo, Run, Summary
from reports.text import count_text, plain, score_text, share_text


def world_line(run: Run) -> str:
    """When, and in which world: numbers of different worlds are never compared."""
    parts = [
        run.started,
        f"sandbox {_setting(run, 'sandbox')}",
        f"warehouse {_setting(run, 'warehouse')}",
        f"profile {run.profile}",
    ]
    if run.epochs != 1:
        parts.append(count_text(run.epochs, "epoch"))
    parts.append(f"{run.seconds:,.0f} s")
    if run.git_commit:
        parts.append(f"commit {run.git_commit[:12]}")
    return plain(" · ".join(parts), 500)


def _setting(run: Run, name: str) -> str:
    value = run.settings.get(name)
    return "unknown" if value is None else str(value)


def average_line(summary: Summary) -> str:
    """The average with both denominators."""
    attempted = count_text(summary.apps_attempted, "app")
    return (
        f"average {score_text(summary.avg_low, summary.avg_high)} over {attempted} attempted, "
        f"{summary.apps_scored:,} of them with an exact score"
    )


def success_line(summary: Summary) -> str:
    rate = share_text(summary.success_low, summary.success_high)
    return f"success rate {rate} of {count_text(summary.apps_attempted, 'app')}"


def first_word(metric: MetricInfo) -> str:
    return plain(metric.name.partition("_")[0], 16)


def short_head(metric: MetricInfo) -> str:
    """A metric as the head of a narrow column: its number and the first word of its name."""
    return f"{metric.number} {first_word(metric)}"


def long_name(metric: MetricInfo) -> str:
    """A metric in running text: its name in words."""
    return plain(metric.name.replace("_", " "), 60)
