"""The runs that MLflow knows of, newest first, and what they hold."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from plugins.tracking.runs import TABLE
from plugins.tracking.store import Store, TrackingError
from plugins.tracking.traces import RUN
from reports.model import Run, run_from_json

if TYPE_CHECKING:
    from mlflow.entities import Run as MlflowRun


@dataclass(frozen=True, slots=True)
class Known:
    """A run as MLflow tells it. `whole` is false for one that was begun and not finished."""

    id: str
    mlflow_id: str
    started: int
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    whole: bool
    artifacts: str

    def table(self) -> list[dict[str, Any]]:
        """Its apps, a row each. Raises TrackingError for a run that has no table."""
        raw = json.loads(_text(self, TABLE))
        return [dict(zip(raw["columns"], row, strict=True)) for row in raw["data"]]

    def run(self) -> Run:
        """The whole run, from the file that was kept. Raises TrackingError."""
        try:
            return run_from_json(_text(self, "run.json"))
        except (KeyError, TypeError, ValueError) as error:
            raise TrackingError(f"the run.json of {self.id} cannot be read: {error}") from None


def known_runs(store: Store, most: int) -> list[Known]:
    """Those that were evaluated, newest first."""
    found = store.client.search_runs(
        [store.experiment_id], f"tags.`{RUN}` != ''", max_results=most, order_by=["attributes.start_time DESC"]
    )
    return [_known(run) for run in found]


def known_run(store: Store, name: str) -> Known:
    """By our id, its beginning, MLflow's id, or `latest`. Raises TrackingError, naming some that there are."""
    runs = known_runs(store, 1000)
    found = [run for run in runs if name in (run.id, run.mlflow_id)] or [run for run in runs if run.id.startswith(name)]
    if name == "latest":
        found = runs[:1]
    if len(found) != 1:
        there = ", ".join(run.id for run in (found or runs)[:5]) or "none"
        raise TrackingError(f"{len(found)} runs are called {name!r} at {store.destination.shown()}; there are: {there}")
    return found[0]


def app_rows(runs: Sequence[Known]) -> Iterator[tuple[Known, dict[str, Any]]]:
    """Every app of these runs that were told whole."""
    for run in runs:
        if run.whole:
            for row in run.table():
                yield run, row


def _known(run: MlflowRun) -> Known:
    return Known(
        run.data.tags[RUN], run.info.run_id, run.info.start_time, run.data.params, run.data.metrics, run.data.tags,
        run.info.status == "FINISHED", run.info.artifact_uri,
    )  # fmt: skip


def _text(run: Known, path: str) -> str:
    from mlflow.artifacts import load_text
    from mlflow.exceptions import MlflowException

    try:
        return str(load_text(f"{run.artifacts}/{path}"))
    except (MlflowException, OSError) as error:
        raise TrackingError(
            f"{run.id} has no {path} in MLflow ({error}): tell it with `appeval emit mlflow {run.id}`"
        ) from None
