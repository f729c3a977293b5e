"""A run as CSV: one row per app, the columns of `rows`. An empty cell is a value that nobody knows."""

from __future__ import annotations

import csv
import io
import math

from reports.measurements import all_columns
from reports.model import Run
from reports.rows import NO_APP, Cell, app_row
from reports.text import csv_text


def metrics_csv(run: Run) -> str:
    """A head, and a row per app."""
    measured = all_columns(run.apps)
    rows = [app_row(app, run.metrics, measured) for app in run.apps]
    heads = app_row(NO_APP, run.metrics, measured)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([csv_text(head, 200) for head in heads])
    writer.writerows([_cell(value) for value in row.values()] for row in rows)
    return stream.getvalue()


def _cell(value: Cell) -> str:
    if isinstance(value, str):
        return csv_text(value)
    return "" if value is None or not math.isfinite(value) else f"{value:.12g}"
