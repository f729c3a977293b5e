"""An app of a run as one row of a table: the same columns every day. A cell of None is a value that nobody knows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from reports.generation import effort
from reports.model import AppResult, MetricInfo, ScoreRange, State

Cell = str | float | None

#: Gives the columns of a run without apps.
NO_APP = AppResult("", "", "", "", None, (), ScoreRange(0, 0, 0, 0), 0, 0)


def app_row(app: AppResult, metrics: Sequence[MetricInfo], measured: Sequence[str]) -> dict[str, Cell]:
    """Scores are 0–100, success and binary metrics 0–1, scored metrics 0–5, each with `_low` and `_high`. With several
    epochs values are means, and states and reasons are listed by epoch where they differ. `measured` names the
    measurements that get a column."""
    made = effort(app.generation)
    row: dict[str, Cell] = {
        "app": app.app,
        "stack": app.stack,
        "appeval_100": app.score.value,
        "appeval_100_low": app.score.low,
        "appeval_100_high": app.score.high,
        "appeval_100_spread": app.score.spread,
        "uncapped_low": app.score.uncapped_low,
        "uncapped_high": app.score.uncapped_high,
        "success_low": app.success_low,
        "success_high": app.success_high,
        "label": "; ".join(app.labels),
    }
    for metric in metrics:
        row |= _metric(app, metric)
    row |= {name: app.measurements.get(name) for name in measured}
    return row | {
        "cost_usd": made.cost,
        "tokens": made.tokens,
        "turns": made.turns,
        "validation_runs": made.validation_runs,
        "eff_units": made.units,
    }


def _metric(app: AppResult, metric: MetricInfo) -> Mapping[str, Cell]:
    verdicts = app.of(metric.name)
    counted = [v for v in verdicts if v.state is not State.NOT_APPLICABLE]
    return {
        f"{metric.name}_state": _listed([verdict.state.value for verdict in verdicts]),
        f"{metric.name}_low": _mean([verdict.low for verdict in counted]),
        f"{metric.name}_high": _mean([verdict.high for verdict in counted]),
        f"{metric.name}_reason": _listed([verdict.reason for verdict in verdicts]),
    }


def _listed(texts: Sequence[str]) -> str | None:
    if not texts:
        return None
    return texts[0] if len(set(texts)) == 1 else ";".join(texts)


def _mean(values: Sequence[float]) -> float | None:
    return round(math.fsum(values) / len(values), 6) if values else None
