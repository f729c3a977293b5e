"""From a trace to those of the other levels: generation (1), running app (2), evaluation (3).

They are joined by one id, that of the generation: the app and its evaluation carry it as the tag `generation_trace_id`.
What the running app sends is its own claim: it finds the app's traces, and no verdict rests on it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from plugins.tracking.store import Store
from plugins.tracking.traces import APP, EVALUATION, GENERATION, GENERATION_TRACE, LEVEL, RUN, id_of
from reports.text import plain

if TYPE_CHECKING:
    from mlflow.entities import TraceInfo

_MOST = 50
_SAFE = re.compile(r"[A-Za-z0-9_.:/-]{1,200}")
#: What can be asked for by id: others would be taken for a part of the address.
_LOOKED_UP = re.compile(r"[A-Za-z0-9_-]{1,200}")
_LOCATED = re.compile(r"trace:/[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+/[A-Za-z0-9_-]+")
#: What a filter takes for more than itself.
_SPECIAL = re.compile(r"['\"`\\]")


@dataclass(frozen=True, slots=True)
class Linked:
    """The ids of traces that belong together, newest first; `generation` is None where nobody recorded one, and
    `generation_found` says whether MLflow has it."""

    generation: str | None
    generation_found: bool
    apps: tuple[str, ...]
    evaluations: tuple[str, ...]


def app_trace_ids(store: Store, generation: str) -> tuple[str, ...]:
    """Level 2 from level 1: the newest of the traces that the running app sent."""
    return _ids(_of_generation(store, generation, None))


def linked_to(store: Store, trace_id: str) -> Linked:
    """From any level to all of them, by search alone. An id that MLflow does not have is taken for a generation's."""
    info = trace_info(store, trace_id)
    named = trace_id if info is None else info.tags.get(GENERATION_TRACE) or _untagged(info)
    if named is None:  # an evaluation of an app of whose making nothing is known
        return Linked(None, False, (), (trace_id,))
    imported = _ids(_of_generation(store, named, GENERATION))
    itself = info if named == trace_id else trace_info(store, named)
    found = itself is not None and not is_evaluation(itself)
    return Linked(
        imported[0] if imported and not found else named,
        found or bool(imported),
        app_trace_ids(store, named),
        _ids(_of_generation(store, named, EVALUATION)),
    )


def page_of(store: Store, info: TraceInfo) -> str | None:
    """The address of a trace at a server; None where there is no server, or we do not know its pages."""
    place = store.destination
    if place.database is not None or place.databricks:
        return None
    return f"{place.shown().rstrip('/')}/#/experiments/{info.experiment_id}/traces/{info.trace_id}"


def _untagged(info: TraceInfo) -> str | None:
    return None if is_evaluation(info) else info.trace_id


def evaluations_of_app(store: Store, app: str, run: str | None = None) -> list[TraceInfo]:
    """Level 3 by the app's name, newest first; of one run of ours, by its key or its id, or of all."""
    found = _of_app(store, app, EVALUATION, [f"tags.`{RUN}` LIKE '{_SPECIAL.sub('_', run)}%'"] if run else [])
    return [info for info in found if run is None or is_of_run(info, run)]


def is_of_run(info: TraceInfo, run: str) -> bool:
    key = info.tags.get(RUN, "")
    return run in (key, id_of(key))


def generations_of_app(store: Store, app: str) -> list[TraceInfo]:
    """Level 1 by the app's name, newest first: those that were imported."""
    return _of_app(store, app, GENERATION, [])


def _of_app(store: Store, app: str, level: str, more: Sequence[str]) -> list[TraceInfo]:
    """Names are text of strangers, which a filter cannot always hold: what it finds is compared once more."""
    name = plain(app, 250)
    found = _search(store, [_equals(APP, name), _equals(LEVEL, level), *more])
    return [info for info in found if info.tags.get(APP) == name]


def _of_generation(store: Store, generation: str, level: str | None) -> list[TraceInfo]:
    """Of one level, None: of the running app. Apart, because an app may send so many that they hide all others."""
    if not _SAFE.fullmatch(generation):
        return []
    wanted = [_equals(GENERATION_TRACE, generation)]
    if level is not None:
        return _search(store, [*wanted, _equals(LEVEL, level)])
    ours = (EVALUATION, GENERATION)
    plain_ones = _search(store, [*wanted, f"tags.`{LEVEL}` IS NULL"])
    others = _search(store, [*wanted, *(f"tags.`{LEVEL}` != '{name}'" for name in ours)])
    both = {info.trace_id: info for info in (*plain_ones, *others) if info.tags.get(LEVEL) not in ours}
    return sorted(both.values(), key=lambda info: info.request_time, reverse=True)[:_MOST]


def _search(store: Store, wanted: Sequence[str]) -> list[TraceInfo]:
    found = store.client.search_traces(
        locations=store.trace_locations(), filter_string=" AND ".join(wanted), max_results=_MOST,
        order_by=["timestamp_ms DESC"], include_spans=False,
    )  # fmt: skip
    return [trace.info for trace in found]


def _equals(tag: str, text: str) -> str:
    """A filter that finds at least the traces whose tag is this text."""
    if _SPECIAL.search(text):
        return f"tags.`{tag}` LIKE '{_SPECIAL.sub('_', text)}'"
    return f"tags.`{tag}` = '{text}'"


def _ids(found: Sequence[TraceInfo]) -> tuple[str, ...]:
    return tuple(info.trace_id for info in found)


def is_evaluation(info: TraceInfo) -> bool:
    return info.tags.get(LEVEL) == EVALUATION


def trace_info(store: Store, trace_id: str) -> TraceInfo | None:
    """None where MLflow has no such trace."""
    from mlflow.exceptions import MlflowException

    if not _LOOKED_UP.fullmatch(trace_id) and not (store.destination.databricks and _LOCATED.fullmatch(trace_id)):
        return None
    try:
        return store.tracing.get_trace_info(trace_id)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "NOT_FOUND", "INVALID_PARAMETER_VALUE"):
            return None
        raise
