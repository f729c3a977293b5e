"""Level 1: the making of an app that left a trajectory and no trace, brought in as one. Its root span is the
generation, below it a span for every answer of the model and for every call of a tool."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from fixtures.app import App
from fixtures.generation_trace import imported_trace_id, is_trace_id, named_trace_id
from fixtures.trajectory import Event, Trajectory, read_trajectory
from fixtures.trajectory.values import Tokens
from plugins.tracking.links import is_evaluation, trace_info
from plugins.tracking.spans import Draft, spans_of, write_trace
from plugins.tracking.store import Store
from plugins.tracking.traces import APP, GENERATION, GENERATION_TRACE, LEVEL
from reports.text import count_text, plain

if TYPE_CHECKING:
    from mlflow.entities import Span, TraceInfo

#: The tag of an imported trace that was written to its end.
WHOLE = "appeval.whole"
_MOST_ASKED = 20


class Outcome(StrEnum):
    IMPORTED = "imported"
    THERE = "already there"
    NONE = "no trajectory"
    UNREADABLE = "not imported"


@dataclass(frozen=True, slots=True)
class Imported:
    """`trace_id` is where the app's generation is in MLflow, None where it is not; `remark` is one line, which may be
    empty."""

    app: str
    outcome: Outcome
    trace_id: str | None
    remark: str = ""


def import_trajectory(store: Store, app: App) -> Imported:
    """Write the generation of an app as a trace, unless MLflow has it: under the id that the app's files name, if it is
    one of MLflow's and free, else under its own. Again changes nothing, but completes what was cut off."""
    named = named_trace_id(app)
    there = trace_info(store, named) if named else None
    if named and there is not None and not is_evaluation(there) and _is_whole(there):
        return Imported(app.name, Outcome.THERE, named, _place(store, there))
    if app.trajectory is None:
        wanted = f"its files name the trace {named}, which MLflow does not have" if named else ""
        return Imported(app.name, Outcome.NONE, None, wanted)
    told = read_trajectory(app.trajectory)
    if told.trouble:
        return Imported(app.name, Outcome.UNREADABLE, None, told.trouble)
    free = named is not None and is_trace_id(named) and (there is None or not is_evaluation(there))
    trace_id = named if named is not None and free else imported_trace_id(app, told)
    own = there if trace_id == named else trace_info(store, trace_id)
    if own is not None and _is_whole(own):
        return Imported(app.name, Outcome.THERE, trace_id, _place(store, own))
    spans = spans_of(trace_id, *_drafts(app, told))
    write_trace(store, _info(store, app, told, spans, named), spans)
    store.client.set_trace_tag(trace_id, WHOLE, "true")
    return Imported(app.name, Outcome.IMPORTED, trace_id, _remark(told))


def _is_whole(info: TraceInfo) -> bool:
    """What somebody else wrote is."""
    return info.tags.get(LEVEL) != GENERATION or info.tags.get(WHOLE) == "true"


def _place(store: Store, info: TraceInfo) -> str:
    """Where it is, if that is not where we are: MLflow has one trace of an id, in all its experiments."""
    if info.experiment_id in (None, store.experiment_id):
        return ""
    return f"in the experiment {plain(store.client.get_experiment(str(info.experiment_id)).name, 100)}"


def _remark(told: Trajectory) -> str:
    calls = sum(event.kind == "tool" for event in told.told)
    parts = [f"{count_text(len(told.told) - calls, 'message')}, {count_text(calls, 'tool call')}"]
    parts += [f"{count_text(told.broken, 'broken line')} passed over"] if told.broken else []
    parts += ["the rest of a very long file left out"] if told.cut else []
    return "; ".join(parts)


def _info(store: Store, app: App, told: Trajectory, spans: Sequence[Span], named: str | None) -> TraceInfo:
    from mlflow.entities import TraceInfo, TraceLocation, TraceState
    from mlflow.tracing.constant import TRACE_SCHEMA_VERSION, TRACE_SCHEMA_VERSION_KEY, TraceMetadataKey

    root = spans[0]
    inputs, outputs = (json.dumps(value, ensure_ascii=False) for value in (root.inputs, root.outputs))
    metadata = {
        TRACE_SCHEMA_VERSION_KEY: str(TRACE_SCHEMA_VERSION),
        TraceMetadataKey.INPUTS: inputs[:250],
        TraceMetadataKey.OUTPUTS: outputs[:250],
    }
    if told.tokens is not None:
        metadata[TraceMetadataKey.TOKEN_USAGE] = json.dumps(_usage(told.tokens))
    tags = {"mlflow.traceName": f"generate {plain(app.name, 200)}", LEVEL: GENERATION, APP: plain(app.name, 250)}
    if named and named != root.trace_id:
        tags[GENERATION_TRACE] = named  # what the app and its evaluations carry
    return TraceInfo(
        trace_id=root.trace_id,
        trace_location=TraceLocation.from_experiment_id(store.experiment_id),
        request_time=root.start_time_ns // 1_000_000,
        execution_duration=((root.end_time_ns or root.start_time_ns) - root.start_time_ns) // 1_000_000,
        state=TraceState.ERROR if told.failed else TraceState.OK,
        request_preview=inputs[:1000],
        response_preview=outputs[:1000],
        trace_metadata=metadata,
        tags=tags,
    )


def _drafts(app: App, told: Trajectory) -> tuple[Draft, list[Draft]]:
    """The root, and what is below it."""
    said = [event for event in told.told if event.kind == "message"]
    asked = next((event.text for event in said if event.role == "user" and event.text), "")
    answers = [
        event.text for event in told.events if event.text and (event.role == "assistant" or event.name == "result")
    ]
    attributes: dict[str, Any] = {
        "appeval.app": app.name,
        "appeval.broken_lines": told.broken,
        "appeval.cut": told.cut,
        "appeval.times_measured": all(event.measured for event in told.told),
    }
    if told.cost is not None:
        attributes["appeval.cost_usd"] = told.cost
    root = Draft(
        f"generate {app.name}", "AGENT",
        min(event.start for event in told.told), max(event.end for event in told.told),
        inputs={"prompt": app.prompt or asked}, outputs={"message": answers[-1] if answers else ""},
        trouble="the generation ended with an error" if told.failed else "", attributes=attributes, key="root",
    )  # fmt: skip
    return root, list(_below(told.told))


def _below(events: Sequence[Event]) -> Iterator[Draft]:
    asked: list[dict[str, str]] = []
    for number, event in enumerate(events):
        attributes: dict[str, Any] = {"appeval.event": number, "appeval.time_measured": event.measured}
        if event.tokens is not None:
            attributes["mlflow.chat.tokenUsage"] = _usage(event.tokens)
        if event.kind == "tool":
            yield Draft(
                f"tool {event.name}", "TOOL", event.start, event.end, inputs=event.arguments, outputs=event.result,
                trouble=(event.result or "failed") if event.failed else "", attributes=attributes, key=str(number),
            )  # fmt: skip
            asked.append({"role": "tool", "name": event.name, "content": (event.result or "")[:500]})
        elif event.role == "assistant":
            if event.model:
                attributes["mlflow.llm.model"] = event.model
            yield Draft(
                f"model {event.model}" if event.model else "model", "LLM", event.start, event.end,
                inputs={"messages": asked[-_MOST_ASKED:]}, outputs={"role": "assistant", "content": event.text},
                attributes=attributes, key=str(number),
            )  # fmt: skip
            asked = []
        else:
            asked.append({"role": event.role, "content": event.text})


def _usage(tokens: Tokens) -> dict[str, int]:
    """In MLflow's words."""
    held = {"input_tokens": tokens.input, "output_tokens": tokens.output, "total_tokens": tokens.total}
    cached = {"cache_read_input_tokens": tokens.cache_read, "cache_creation_input_tokens": tokens.cache_created}
    return held | {name: count for name, count in cached.items() if count}
