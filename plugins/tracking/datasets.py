"""Datasets of generated apps: a record per app (`records`), merged by what it is, and versions of the whole.

Open-source MLflow keeps no versions. So whenever a merge has changed something, the records as they are then go into a
file of a run that belongs to the dataset, and their digest into its tags.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fixtures.app import EXPECTED_FILE
from plugins.tracking.records import Record, key_of
from plugins.tracking.store import Store, TrackingError

if TYPE_CHECKING:
    from mlflow.entities import Run as MlflowRun

DATASET = "appeval.dataset"
_VERSIONS = "versions"
_FILE = re.compile(rf"{_VERSIONS}/(\d+)-([0-9a-f]+)-(\d+)\.json")
#: Characters of a digest that name it: fewer are taken for a number.
_DIGEST_BEGINS = 4
#: What a filter takes for more than itself.
_SPECIAL = re.compile(r"['\"`\\%]")


@dataclass(frozen=True, slots=True)
class Version:
    """A state of a dataset; `number` counts from 1. `path` is the file of its records in the run that keeps them."""

    number: int
    digest: str
    records: int
    path: str


@dataclass(frozen=True, slots=True)
class Merged:
    """`changed` says whether this made a version."""

    name: str
    version: Version
    changed: bool


def merge(store: Store, name: str, records: Sequence[Record]) -> Merged:
    """Add these apps or bring them up to date; where a folder holds something else by now, its record is replaced.
    Raises TrackingError for a name that cannot be told from a version's."""
    if not name or "@" in name:
        raise TrackingError(f"{name!r} is no name of a dataset: give one without `@`, which stands before a version")
    dataset = _dataset(store, name) or _create(store, name)
    new = {(record.app, record.app_dir): record for record in records}
    stale = [
        held["id"] for held in _held(dataset)
        if (record := new.get(key_of(held))) is not None and _outdated(held, record)
    ]  # fmt: skip
    if stale:
        dataset.delete_records(stale)
    if records:
        dataset.merge_records([record.to_json() for record in records])
    return _versioned(store, name)


def _outdated(held: Mapping[str, Any], record: Record) -> bool:
    """Whether a record must go, because MLflow would keep of it what is no longer so: merging only adds."""
    if held["inputs"] != record.inputs:
        return True
    if not record.expected:
        return False  # nobody knows better
    source = record.source.get("expected_from")
    left = held["expectations"].keys() - record.expected.keys()
    return held["source"].get("expected_from") != source or (source == EXPECTED_FILE and bool(left))


def _versioned(store: Store, name: str) -> Merged:
    dataset = _dataset(store, name)
    assert dataset is not None
    held = sorted(_held(dataset), key=lambda one: json.dumps(one["inputs"], sort_keys=True))
    for one in held:
        del one["id"]
    digest = _digest(held)
    known = versions(store, name)
    if known and known[-1].digest == digest:
        return Merged(name, known[-1], changed=False)
    number = known[-1].number + 1 if known else 1
    version = Version(number, digest, len(held), f"{_VERSIONS}/{number:05}-{digest}-{len(held)}.json")
    keeper = _keeper(store, name) or _make_keeper(store, name)
    store.client.log_text(keeper.info.run_id, json.dumps(held, sort_keys=True, indent=1), version.path)
    if not store.destination.databricks:  # there tags belong to Unity Catalog
        from mlflow.genai.datasets import set_dataset_tags

        tags = {f"version.{number}": f"{digest} {len(held)}", "version": str(number)}
        set_dataset_tags(dataset_id=dataset.dataset_id, tags=tags)
    return Merged(name, version, changed=True)


def _digest(records: Sequence[Mapping[str, Any]]) -> str:
    """Of what the records say. Where they came from is another run every night, and makes no version."""
    said = [[record[part] for part in ("inputs", "expectations", "tags")] for record in records]
    return hashlib.blake2b(json.dumps(said, sort_keys=True).encode(), digest_size=8).hexdigest()


def versions(store: Store, name: str) -> tuple[Version, ...]:
    """Oldest first."""
    keeper = _keeper(store, name)
    if keeper is None:
        return ()
    found = [_FILE.fullmatch(file.path) for file in store.client.list_artifacts(keeper.info.run_id, _VERSIONS)]
    made = [Version(int(m[1]), m[2], int(m[3]), m[0]) for m in found if m is not None]
    return tuple(sorted(made, key=lambda version: version.number))


def records_of(store: Store, reference: str) -> list[dict[str, Any]]:
    """The records of `NAME`, of `NAME@3` or of `NAME@<digest>`, each with inputs, expectations, tags and source. Raises
    TrackingError, naming what there is."""
    name, _, wanted = reference.partition("@")
    if not wanted:
        dataset = _dataset(store, name)
        if dataset is None:
            raise TrackingError(f"there is no dataset {name!r}; there are: {', '.join(names(store)) or 'none'}")
        held = _held(dataset)
        return [{key: value for key, value in one.items() if key != "id"} for one in held]
    known, keeper = versions(store, name), _keeper(store, name)
    chosen = [v for v in known if str(v.number) == wanted.removeprefix("v")]
    if not chosen and len(wanted) >= _DIGEST_BEGINS:
        chosen = [v for v in known if v.digest.startswith(wanted)]
    if len(chosen) != 1 or keeper is None:
        there = ", ".join(f"{v.number} ({v.digest})" for v in known) or "none"
        raise TrackingError(f"dataset {name!r} has no version {wanted!r}; there are: {there}")
    from mlflow.artifacts import load_text

    stored: list[dict[str, Any]] = json.loads(load_text(f"{keeper.info.artifact_uri}/{chosen[0].path}"))
    return stored


def names(store: Store) -> list[str]:
    """Of the datasets that we made here and that are still there."""
    found = store.client.search_runs([store.experiment_id], f"tags.`{DATASET}` != ''", max_results=1000)
    return sorted(name for name in {run.data.tags[DATASET] for run in found} if _dataset(store, name) is not None)


def _dataset(store: Store, name: str) -> Any:
    """MLflow's, or None. Only Databricks has one of a name: elsewhere it is that of the experiment, so that trials in a
    staging twin leave what counts alone."""
    from mlflow.exceptions import MlflowException
    from mlflow.genai.datasets import get_dataset, search_datasets

    if not store.destination.databricks:
        named = search_datasets([store.experiment_id], _like("name", name), order_by=["created_time ASC"])
        found = [dataset for dataset in named if dataset.name == name]
        if len(found) > 1:
            raise TrackingError(f"{len(found)} datasets are called {name!r}: delete those that do not count")
        return found[0] if found else None
    try:
        return get_dataset(name=name)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise


def _create(store: Store, name: str) -> Any:
    from mlflow.genai.datasets import create_dataset

    tags = None if store.destination.databricks else {"made_by": "appeval"}
    return create_dataset(name=name, experiment_id=[store.experiment_id], tags=tags)


def _keeper(store: Store, name: str) -> MlflowRun | None:
    """The run that keeps the versions of a dataset."""
    found = store.client.search_runs([store.experiment_id], _like(f"tags.`{DATASET}`", name), max_results=1000)
    return next((run for run in found if run.data.tags[DATASET] == name), None)


def _make_keeper(store: Store, name: str) -> MlflowRun:
    run = store.client.create_run(store.experiment_id, tags={DATASET: name, "mlflow.runName": f"dataset {name}"})
    store.client.set_terminated(run.info.run_id)
    return run


def _like(key: str, text: str) -> str:
    """A filter that finds at least what is this text: names hold what a filter cannot."""
    return f"{key} LIKE '{_SPECIAL.sub('_', text)}'"


def _held(dataset: Any) -> list[dict[str, Any]]:
    """Every record as plain values, with its `id`."""
    frame = dataset.to_df()
    return [_plain_record(row) for row in frame.to_dict(orient="records")]


def _plain_record(row: Mapping[str, Any]) -> dict[str, Any]:
    source = row.get("source")
    data = getattr(source, "source_data", source) or {}
    tags = {name: text for name, text in (row.get("tags") or {}).items() if not name.startswith("mlflow.")}
    return {
        "id": row["dataset_record_id"], "inputs": dict(row["inputs"] or {}), "source": dict(data),
        "expectations": dict(row.get("expectations") or {}), "tags": tags,
    }  # fmt: skip
