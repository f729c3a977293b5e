"""What a dataset holds of an app: what it is, what is expected of it, where it came from; and how two lists differ."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fixtures.app import EXPECTED_FILE, TRAJECTORY_FILE, App, content_digest
from fixtures.generation_trace import generation_trace_id
from fixtures.untrusted import regular_bytes
from reports.model import AppResult, Run, State
from reports.text import plain

_TAGS = {
    "category": ("category",), "complexity": ("complexity",), "generator": ("generator",), "model": ("model",),
    "prompts_version": ("prompts_version", "prompt_set_version"),
}  # fmt: skip
_UNKNOWN = {state.value for state in State if state.unknown}


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
    """The states that the app's `expected.toml` states, where it has one: those that are a verdict."""
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
    return {plain(name, 100): plain(state, 40) for name, state in found.items() if state and state not in _UNKNOWN}


def _found(app: AppResult) -> dict[str, str | float]:
    """What a run knows. What nobody measured is not expected of anybody."""
    states: dict[str, str | float] = {v.metric: v.state.value for v in app.verdicts if not v.state.unknown}
    return states | ({"appeval_100": app.score.value} if app.score.value is not None else {})


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
    return {key_of(record): record for record in records}


def key_of(record: Mapping[str, Any]) -> tuple[str, str]:
    """What a record is about. Records of others may hold anything, or nothing, under these names."""
    return str(record["inputs"].get("app")), str(record["inputs"].get("app_dir"))


def _flat(record: Mapping[str, Any]) -> dict[str, object]:
    parts = ("inputs", "expectations", "tags")
    return {f"{part}.{name}": value for part in parts for name, value in (record.get(part) or {}).items()}
