"""`mlflow.genai.evaluate` over apps, with a count afterwards: it can lose results without a word."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from plugins.tracking.assessments import is_verdict, verdict_of
from plugins.tracking.store import Store, TrackingError
from reports.model import Verdict

if TYPE_CHECKING:
    from mlflow.entities import Trace
    from mlflow.genai.scorers import Scorer

#: More rows at once lose traces on SQLite.
_WORKERS = "4"
_PAGE = 200


@dataclass(frozen=True, slots=True)
class Row:
    """What one row of the evaluation is about: `inputs` as judges take them, which name each row apart from others."""

    inputs: Mapping[str, Any]
    expectations: Mapping[str, Any]
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Evaluated:
    """`run_id` is MLflow's; `verdicts` and `scores` stand in the order of the rows. A score is None where it is not
    known exactly, or nobody asked for it."""

    run_id: str
    verdicts: tuple[tuple[Verdict, ...], ...]
    scores: tuple[float | None, ...]


def evaluate(
    store: Store, rows: Sequence[Row], judges: Sequence[Scorer], *, name: str, tags: Mapping[str, str],
    composite: str = "",
) -> Evaluated:  # fmt: skip
    """Judge all rows. `composite` names the judge whose value is the score. Raises TrackingError when a result of a row
    did not arrive."""
    import mlflow

    os.environ.setdefault("MLFLOW_GENAI_EVAL_MAX_WORKERS", _WORKERS)
    logging.getLogger("mlflow.genai.evaluation").setLevel(logging.ERROR)  # what nobody knows is no failure of a judge
    data = [
        {"inputs": {**row.inputs, "row": place}, "expectations": dict(row.expectations), "tags": dict(row.tags)}
        for place, row in enumerate(rows)
    ]
    begun = mlflow.start_run(experiment_id=store.experiment_id, run_name=name, tags=dict(tags))
    with begun as run, redirect_stdout(io.StringIO()):  # it praises itself in colours
        mlflow.genai.evaluate(data=data, scorers=list(judges))
    run_id = run.info.run_id
    found = {_place(trace): trace for trace in _traces(store, run_id)}
    wanted = {judge.name for judge in judges}
    lost = [place for place in range(len(rows)) if place not in found or not wanted <= _names(found[place])]
    if lost:
        raise TrackingError(f"MLflow kept the results of {len(rows) - len(lost)} of {len(rows)} apps: evaluate again")
    ordered = [found[place] for place in range(len(rows))]
    return Evaluated(
        run_id,
        tuple(
            tuple(verdict_of(a) for a in t.info.assessments if is_verdict(a) and a.name != composite) for t in ordered
        ),
        tuple(_value(t, composite) for t in ordered),
    )


def _traces(store: Store, run_id: str) -> list[Trace]:
    found: list[Trace] = []
    token = None
    while True:
        page = store.client.search_traces(
            locations=[store.experiment_id], run_id=run_id, max_results=_PAGE, page_token=token
        )
        found += page
        token = page.token
        if not token:
            return found


def _place(trace: Trace) -> int:
    root = trace.data.spans[0]
    return int(root.inputs["row"])


def _names(trace: Trace) -> set[str]:
    return {a.name for a in trace.info.assessments if is_verdict(a)}


def _value(trace: Trace, composite: str) -> float | None:
    found = next((a for a in trace.info.assessments if a.name == composite), None)
    value = found.feedback.value if found is not None and found.feedback is not None else None
    return float(value) if isinstance(value, (int, float)) else None
