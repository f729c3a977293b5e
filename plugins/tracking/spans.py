"""Traces that are written whole, after the fact: spans with the times that they had, under ids that stay the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from plugins.tracking.store import Store
from reports.text import plain

if TYPE_CHECKING:
    from mlflow.entities import Span, TraceInfo

_MOST_TEXT = 4000
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Draft:
    """A span before it has an id. Times are seconds since the epoch. `key` tells spans of one name apart."""

    name: str
    kind: str
    start: float
    end: float
    inputs: Any = None
    outputs: Any = None
    trouble: str = ""
    attributes: Mapping[str, Any] | None = None
    key: str = ""


def write_trace(store: Store, info: TraceInfo, spans: Sequence[Span]) -> None:
    """Writing again what is there mends it."""
    from mlflow.entities import TraceData

    made = store.tracing.start_trace(info)
    if store.destination.databricks:  # where spans are kept beside the trace
        store.tracing._upload_trace_data(made, TraceData(list(spans)))  # noqa: SLF001 - as its own exporter does
        return
    for begin in range(0, len(spans), _BATCH):
        store.in_time()
        store.tracing.log_spans(store.experiment_id, list(spans[begin : begin + _BATCH]))


def spans_of(trace_id: str, root: Draft, below: Sequence[Draft]) -> list[Span]:
    """The root first. `trace_id` is `tr-` and 32 hexadecimal digits."""
    return [_span(trace_id, root, None), *(_span(trace_id, draft, root) for draft in below)]


def _span(trace_id: str, draft: Draft, parent: Draft | None) -> Span:
    from mlflow.entities import Span
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags

    def context(of: Draft) -> SpanContext:
        span_id = int(hex_of(16, trace_id, of.key or of.name), 16)
        return SpanContext(int(trace_id.removeprefix("tr-"), 16), span_id, is_remote=False, trace_flags=TraceFlags(1))

    held = {
        "mlflow.traceRequestId": trace_id,
        "mlflow.spanType": draft.kind,
        "mlflow.spanInputs": draft.inputs,
        "mlflow.spanOutputs": draft.outputs,
        **(draft.attributes or {}),
    }
    status = Status(StatusCode.ERROR, plain(draft.trouble, 600)) if draft.trouble else Status(StatusCode.OK)
    return Span(
        ReadableSpan(
            name=plain(draft.name, 200),
            context=context(draft),
            parent=context(parent) if parent is not None else None,
            attributes={name: json.dumps(clean(value)) for name, value in held.items()},
            start_time=int(draft.start * 1e9),
            end_time=int(draft.end * 1e9),
            status=status,
            resource=Resource({}),
        )
    )


def clean(value: Any) -> Any:
    """Text of apps without what a database or a page cannot hold; its lines stay."""
    if isinstance(value, str):
        return "\n".join(map(_line, value[:_MOST_TEXT].split("\n")))
    if isinstance(value, Mapping):
        return {plain(str(name), 200): clean(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(inner) for inner in value]
    return value


def _line(text: str) -> str:
    return " " * (len(text) - len(text.lstrip(" "))) + plain(text, _MOST_TEXT)


def hex_of(digits: int, *parts: object) -> str:
    """As many hexadecimal digits, always the same for the same parts."""
    return hashlib.blake2b("\0".join(map(str, parts)).encode("utf-8", "replace"), digest_size=digits // 2).hexdigest()
