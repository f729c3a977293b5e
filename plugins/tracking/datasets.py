"""Datasets of generated apps: a record per app, merged by what it is, and versions of the whole.

Open-source MLflow keeps no versions. So whenever a merge has changed something, the records as they are then go into a
file of a run that belongs to the dataset, and their digest into its tags.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fixtures.app import EXPECTED_FILE, TRAJECTORY_FILE, App, content_digest
from fixtures.generation_trace import generation_trace_id
from fixtures.untrusted import regular_bytes
from plugins.tracking.store import Store, TrackingError
from reports.model import AppResult, Run
from reports.text import plain

DATASET = "appeval.dataset"
_VERSIONS = "versions"
_TAGS = {
    "category": ("category",), "complexity": ("complexity",), "generator": ("generator",), "model": ("model",),
    "prompts_version": ("prompts_version", "prompt_set_version"),
}  # fmt: skip
_FILE = re.compile(rf"{_VERSIONS}/(\d+)-([0-9a-f]+)-(\d+)\.json")


@dataclass(frozen=True, slots=True)
class Record:
    """One app. `expected` maps metrics to states, and `appeval_100` to a score, as far as anybody knows them."""

    app: str
    prompt: str
    app_dir: str
    content_hash: str
    expected: Mapping[str, str | float]
    source: Mapping[str, str]
    tags: Mapping[str, str]

    @property
    def inputs(self) -> dict[str, str]:
        """What it is: merging the same again updates its record."""
        return {
            "app": self.app, "prompt": self.prompt, "app_dir": self.app_dir, "content_hash": self.content_hash,
        }  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        return {
            "inputs": self.inputs, "expectations": dict(self.expected), "tags": dict(self.tags),
            "source": {"source_type": "CODE", "source_data": dict(self.source)},
        }  # fmt: skip


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


def record_of_app(app: App, earlier: AppResult | None = None) -> Record:
    """An app on disk; `earlier` is what a run found out about it."""
    digest = content_digest(app.root)
    trace = generation_trace_id(app)
    return _record(app.name, app.prompt, app.path, digest, app.generation, trace, earlier)


def record_of_result(run: Run, app: AppResult, digest: str) -> Record:
    """An app of a run: what was found out now is expected the next time. `digest` is that of what was judged."""
    made = _record(app.app, app.prompt, Path(app.path), digest, app.generation, app.trace_ids.get("generation"), app)
    return Record(**{**_fields(made), "source": {**made.source, "run": run.id}})


def _fields(record: Record) -> dict[str, Any]:
    return {name: getattr(record, name) for name in Record.__dataclass_fields__}


def _record(
    name: str, prompt: str | None, path: Path, digest: str, generation: Mapping[str, Any], trace: str | None,
    known: AppResult | None,
) -> Record:  # fmt: skip
    stated = _stated(path)
    source = {"app_dir": str(path), "expected_from": EXPECTED_FILE if stated else "a run" if known else "nobody"}
    if (path / TRAJECTORY_FILE).is_file():
        source["trajectory"] = str(path / TRAJECTORY_FILE)
    if trace:
        source["generation_trace_id"] = trace
    expected = stated or (_found(known) if known is not None else {})
    return Record(plain(name, 250), plain(prompt or "", 4000), str(path), digest, expected, source, _tags(generation))


def _tags(generation: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for tag, names in _TAGS.items():
        value = next((generation[name] for name in names if generation.get(name)), None)
        if isinstance(value, (str, int, float)):
            found[tag] = plain(str(value), 200)
    return found


def _stated(folder: Path) -> dict[str, str | float]:
    """The states that the app's `expected.toml` states, where it has one."""
    try:
        stated = tomllib.loads(regular_bytes(folder / EXPECTED_FILE).decode("utf-8", "replace"))
    except (OSError, tomllib.TOMLDecodeError):
        return {}
    verdicts = stated.get("verdicts")
    found = {
        name: wanted if isinstance(wanted, str) else str(wanted.get("state", ""))
        for name, wanted in (verdicts.items() if isinstance(verdicts, dict) else ())
        if isinstance(wanted, (str, dict))
    }
    return {plain(name, 100): plain(state, 40) for name, state in found.items() if state}


def _found(app: AppResult) -> dict[str, str | float]:
    """What a run knows. What nobody measured is not expected of anybody."""
    states: dict[str, str | float] = {v.metric: v.state.value for v in app.verdicts if not v.state.unknown}
    return states | ({"appeval_100": app.score.value} if app.score.value is not None else {})


# ---------------------------------------------------------------------- the store


def merge(store: Store, name: str, records: Sequence[Record]) -> Merged:
    """Add these apps or bring them up to date; where a folder holds something else by now, its record is replaced."""
    dataset = _dataset(name) or _create(store, name)
    new = {(record.app, record.app_dir): record.content_hash for record in records}
    before = _held(dataset)
    stale = [
        held["id"] for held in before
        if new.get((held["inputs"].get("app"), held["inputs"].get("app_dir")), held["inputs"].get("content_hash"))
        != held["inputs"].get("content_hash")
    ]  # fmt: skip
    if stale:
        dataset.delete_records(stale)
    if records:
        dataset.merge_records([record.to_json() for record in records])
    return _versioned(store, name)


def _versioned(store: Store, name: str) -> Merged:
    dataset = _dataset(name)
    assert dataset is not None
    held = sorted(_held(dataset), key=lambda one: json.dumps(one["inputs"], sort_keys=True))
    for one in held:
        del one["id"]
    text = json.dumps(held, sort_keys=True, indent=1)
    digest = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()
    known = versions(store, name)
    if known and known[-1].digest == digest:
        return Merged(name, known[-1], changed=False)
    number = known[-1].number + 1 if known else 1
    version = Version(number, digest, len(held), f"{_VERSIONS}/{number:05}-{digest}-{len(held)}.json")
    store.client.log_text(_keeper(store, name, make=True), text, version.path)
    if not store.destination.databricks:  # there tags belong to Unity Catalog
        from mlflow.genai.datasets import set_dataset_tags

        tags = {f"version.{number}": f"{digest} {len(held)}", "version": str(number)}
        set_dataset_tags(dataset_id=dataset.dataset_id, tags=tags)
    return Merged(name, version, changed=True)


def versions(store: Store, name: str) -> tuple[Version, ...]:
    """Oldest first."""
    run_id = _keeper(store, name, make=False)
    if not run_id:
        return ()
    found = [_FILE.fullmatch(file.path) for file in store.client.list_artifacts(run_id, _VERSIONS)]
    made = [Version(int(m[1]), m[2], int(m[3]), m[0]) for m in found if m is not None]
    return tuple(sorted(made, key=lambda version: version.number))


def records_of(store: Store, reference: str) -> list[dict[str, Any]]:
    """The records of `NAME`, of `NAME@3` or of `NAME@<digest>`, each with inputs, expectations, tags and source. Raises
    TrackingError, naming what there is."""
    name, _, wanted = reference.partition("@")
    if not wanted:
        dataset = _dataset(name)
        if dataset is None:
            raise TrackingError(f"there is no dataset {name!r}; there are: {', '.join(names(store)) or 'none'}")
        held = _held(dataset)
        return [{key: value for key, value in one.items() if key != "id"} for one in held]
    known = versions(store, name)
    chosen = [v for v in known if str(v.number) == wanted.removeprefix("v") or v.digest.startswith(wanted)]
    if len(chosen) != 1:
        there = ", ".join(f"{v.number} ({v.digest})" for v in known) or "none"
        raise TrackingError(f"dataset {name!r} has no version {wanted!r}; there are: {there}")
    from mlflow.artifacts import load_text

    run = store.client.get_run(_keeper(store, name, make=False))
    stored: list[dict[str, Any]] = json.loads(load_text(f"{run.info.artifact_uri}/{chosen[0].path}"))
    return stored


def names(store: Store) -> list[str]:
    """Of the datasets that we made here."""
    found = store.client.search_runs([store.experiment_id], f"tags.`{DATASET}` != ''", max_results=1000)
    return sorted({run.data.tags[DATASET] for run in found})


def _dataset(name: str) -> Any:
    """MLflow's, or None."""
    from mlflow.exceptions import MlflowException
    from mlflow.genai.datasets import get_dataset

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


def _keeper(store: Store, name: str, *, make: bool) -> str:
    """The run that keeps the versions of a dataset; empty where there is none."""
    wanted = name.replace("'", "")
    found = store.client.search_runs([store.experiment_id], f"tags.`{DATASET}` = '{wanted}'", max_results=1)
    if found:
        return str(found[0].info.run_id)
    if not make:
        return ""
    run = store.client.create_run(store.experiment_id, tags={DATASET: wanted, "mlflow.runName": f"dataset {wanted}"})
    store.client.set_terminated(run.info.run_id)
    return str(run.info.run_id)


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


# ---------------------------------------------------------------------- comparing


@dataclass(frozen=True, slots=True)
class Difference:
    """What one app is in two datasets; `what` names the fields that differ."""

    app: str
    kind: str
    what: tuple[str, ...] = ()


def differences(first: Iterable[Mapping[str, Any]], second: Iterable[Mapping[str, Any]]) -> Iterator[Difference]:
    """By app and folder: `new`, `gone`, or `changed`."""
    before, after = _by_app(first), _by_app(second)
    for key in sorted(before.keys() | after.keys()):
        if key not in before or key not in after:
            yield Difference(key[0], "new" if key in after else "gone")
            continue
        old, new = _flat(before[key]), _flat(after[key])
        what = tuple(name for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name))
        if what:
            yield Difference(key[0], "changed", what)


def _by_app(records: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], Mapping[str, Any]]:
    return {(str(r["inputs"].get("app")), str(r["inputs"].get("app_dir"))): r for r in records}


def _flat(record: Mapping[str, Any]) -> dict[str, object]:
    parts = ("inputs", "expectations", "tags")
    return {f"{part}.{name}": value for part in parts for name, value in (record.get(part) or {}).items()}
