"""From a trace to those of the other levels: generation (1), running app (2), evaluation (3).

They are joined by one id, that of the generation: the app and its evaluation carry it as the tag `generation_trace_id`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from plugins.tracking.store import Store
from plugins.tracking.traces import APP, EVALUATION, GENERATION_TRACE, LEVEL, RUN

if TYPE_CHECKING:
    from mlflow.entities import TraceInfo

_MOST = 50
_SAFE = re.compile(r"[A-Za-z0-9_.:/-]{1,200}")


@dataclass(frozen=True, slots=True)
class Linked:
    """The ids of traces that belong together, newest first; `generation` is None where nobody recorded one, and
    `generation_found` says whether MLflow has it."""

    generation: str | None
    generation_found: bool
    apps: tuple[str, ...]
    evaluations: tuple[str, ...]


def app_trace_ids(store: Store, generation: str) -> tuple[str, ...]:
    """Level 2 from level 1: the traces that the running app sent."""
    return tuple(info.trace_id for info in _tagged(store, generation) if not _is_evaluation(info))


def linked_to(store: Store, trace_id: str) -> Linked:
    """From any level to all of them, by search alone."""
    info = _info(store, trace_id)
    generation = trace_id
    if info is not None and GENERATION_TRACE in info.tags:
        generation = info.tags[GENERATION_TRACE]
    elif info is not None and _is_evaluation(info):
        return Linked(None, False, (), (trace_id,))
    found = list(_tagged(store, generation))
    return Linked(
        generation,
        _info(store, generation) is not None,
        tuple(one.trace_id for one in found if not _is_evaluation(one)),
        tuple(one.trace_id for one in found if _is_evaluation(one)),
    )


def evaluations_of_app(store: Store, app: str, run: str | None = None) -> list[TraceInfo]:
    """Level 3 by the app's name, newest first; of one run of ours, or of all."""
    wanted = f"tags.`{APP}` = '{_quoted(app)}' AND tags.`{LEVEL}` = '{EVALUATION}'"
    return _search(store, wanted + (f" AND tags.`{RUN}` = '{_quoted(run)}'" if run else ""))


def _tagged(store: Store, generation: str) -> Iterator[TraceInfo]:
    if _SAFE.fullmatch(generation):
        yield from _search(store, f"tags.`{GENERATION_TRACE}` = '{generation}'")


def _search(store: Store, wanted: str) -> list[TraceInfo]:
    found = store.client.search_traces(
        locations=store.trace_locations(), filter_string=wanted, max_results=_MOST,
        order_by=["timestamp_ms DESC"], include_spans=False,
    )  # fmt: skip
    return [trace.info for trace in found]


def _is_evaluation(info: TraceInfo) -> bool:
    return info.tags.get(LEVEL) == EVALUATION


def _info(store: Store, trace_id: str) -> TraceInfo | None:
    from mlflow.exceptions import MlflowException

    try:
        return store.tracing.get_trace_info(trace_id)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "NOT_FOUND", "INVALID_PARAMETER_VALUE"):
            return None
        raise


def _quoted(text: str) -> str:
    return text.replace("'", "")
