"""`app_metrics`: the apps of a run as the table that MLflow shows: the columns of `rows`, and what leads from a row to
the app's traces and to what its generator recorded."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports.measurements import all_columns
from reports.model import AppResult, Run
from reports.rows import NO_APP, Cell, app_row
from reports.text import plain

#: What the generator recorded gets columns of this prefix: those that most apps have.
GENERATED = "gen_"
_MOST_GENERATED = 60
_LONGEST_NAME = 100
#: A larger whole number is read as something else by whoever reads the table.
_MOST_EXACT = 2**53


@dataclass(frozen=True, slots=True)
class AppTable:
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def to_json(self) -> str:
        """As MLflow keeps tables: `{"columns": […], "data": [[…], …]}`."""
        return json.dumps({"columns": self.columns, "data": self.rows}, allow_nan=False)


def app_table(run: Run, evaluation_traces: Mapping[str, Sequence[str]]) -> AppTable:
    """`evaluation_traces`: ids by app name, one per epoch. A metric's own column holds its exact value, and nothing
    where there is none; with several epochs the mean."""
    measured = all_columns(run.apps)
    recorded = Counter(name for app in run.apps for name in _generated(app))
    generated = sorted(sorted(recorded, key=lambda name: (-recorded[name], name))[:_MOST_GENERATED])
    rows = [_row(run, app, measured, generated, evaluation_traces.get(app.app, ())) for app in run.apps]
    columns = tuple(_row(run, NO_APP, measured, generated, ()))
    return AppTable(columns, tuple(tuple(row.values()) for row in rows))


def _row(
    run: Run, app: AppResult, measured: Sequence[str], generated: Sequence[str], traces: Sequence[str]
) -> dict[str, Cell]:
    row = app_row(app, run.metrics, measured)
    for metric in run.metrics:
        low, high = row[f"{metric.name}_low"], row[f"{metric.name}_high"]
        row[metric.name] = low if low == high else None
        row[f"{metric.name}_evidence"] = " | ".join(dict.fromkeys(v.evidence for v in app.of(metric.name)))
    recorded = _generated(app)
    row |= {
        "slug": app.slug,
        "prompt": app.prompt,
        "app_dir": app.path,
        "issues": " | ".join(app.issues),
        "trace_id": app.trace_ids.get("generation"),
        "evaluation_trace_id": traces[0] if traces else None,
        "evaluation_trace_ids": ",".join(traces) or None,
        "request_id": _text(app.generation, "request_id", "generation_request_id"),
        "generated_at": _text(app.generation, "generated_at", "timestamp", "created_at"),
        "evaluated_at": run.started,
        "run_id": run.id,
        **{f"{GENERATED}{name}": recorded.get(name) for name in generated},
    }
    return {name: _bounded(value) for name, value in row.items()}


def _generated(app: AppResult) -> dict[str, Cell]:
    """The numbers and texts that the generator recorded, as far as they are values of a table."""
    kept = [
        (n, v) for n, v in app.generation.items()
        if isinstance(v, (str, int, float)) and n.isidentifier() and len(n) <= _LONGEST_NAME
    ]  # fmt: skip
    return {n: float(v) if isinstance(v, bool) else v for n, v in kept[:_MOST_GENERATED]}


def _text(recorded: Mapping[str, Any], *names: str) -> str | None:
    return next((value for name in names if isinstance(value := recorded.get(name), str) and value), None)


def _bounded(value: Cell) -> Cell:
    if isinstance(value, str):
        return plain(value, 2000)
    if value is None:
        return None
    try:
        number = float(value)
    except OverflowError:  # a whole number of hundreds of digits
        return None
    return (value if abs(number) <= _MOST_EXACT else number) if math.isfinite(number) else None
