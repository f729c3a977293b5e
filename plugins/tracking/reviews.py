"""Apps that people should look at: items of a review queue (a labelling session on Databricks); and what they said."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from plugins.tracking.runs import Written, find_run
from plugins.tracking.store import Store
from plugins.tracking.traces import APP, EPOCH, SLUG, evaluation_traces
from reports.model import AppResult, Run
from reports.text import plain

if TYPE_CHECKING:
    from mlflow.entities import TraceInfo

#: Below this an app is looked at: the low end of its interval counts.
REVIEW_BELOW = 70.0
QUEUE = "AppEval: apps to look at"
_REQUESTED = "review_requested."
_MOST_LISTED = 200


@dataclass(frozen=True, slots=True)
class Question:
    """One of the four. `options` are what may be answered; none: a text, `("pass", "fail")`: yes or no."""

    name: str
    title: str
    options: tuple[str, ...] = ()


QUESTIONS = (
    Question("metrics_right", "Do the nine metrics measure this app right?", ("pass", "fail")),
    Question("root_cause", "What is the root cause of what is wrong?"),
    Question("issue_of", "Is it an issue of the template or of the generation?", ("template", "generation", "neither")),
    Question("quality", "How good is this app?", ("excellent", "good", "fair", "poor")),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person said of one app. `at` is Unix milliseconds."""

    app: str
    trace_id: str
    question: str
    value: str
    comment: str
    reviewer: str
    at: int


@dataclass(frozen=True, slots=True)
class Requested:
    """`apps` are asked about; `where` is the address of the queue's page, or its name."""

    apps: tuple[str, ...]
    where: str


def to_review(run: Run, below: float = REVIEW_BELOW) -> tuple[AppResult, ...]:
    return tuple(app for app in run.apps if app.score.low < below)


def request_reviews(store: Store, run: Run, written: Written, apps: Sequence[AppResult]) -> Requested:
    """Ask about these apps: once, however often it is called."""
    held = store.client.get_run(written.run_id).data.tags
    for app in apps:
        context = json.dumps(_context(run, app, written), indent=1)
        store.client.log_text(written.run_id, context, f"reviews/{app.slug}_context.json")
    traces = [trace for app in apps for trace in written.traces.get(app.app, ())]
    if not traces:
        return Requested((), "")
    if store.destination.databricks:
        new = [app for app in apps if f"{_REQUESTED}{_key(app.slug)}" not in held]
        where = _session(store, run, traces, [trace for app in new for trace in written.traces.get(app.app, ())])
    else:
        where = _queue(store, traces)
    for app in apps:  # in the end: who was cut off asks again
        store.client.set_tag(written.run_id, f"{_REQUESTED}{_key(app.slug)}", "true")
    return Requested(tuple(app.app for app in apps), where)


def _key(slug: str) -> str:
    """A slug as MLflow takes it in the name of a tag."""
    return slug.replace("+", "_")


def _context(run: Run, app: AppResult, written: Written) -> dict[str, Any]:
    """What a reviewer reads beside the trace."""
    return {
        "app_name": plain(app.app), "run": run.id, "appeval_100": app.score.value, "appeval_100_low": app.score.low,
        "appeval_100_high": app.score.high, "prompt": plain(app.prompt or "", 4000), "labels": list(app.labels),
        "issues": [plain(issue, 600) for issue in app.issues], "notes": [plain(note, 600) for note in app.notes],
        "trace_id": app.trace_ids.get("generation"), "evaluation_trace_ids": list(written.traces.get(app.app, ())),
        "verdicts": {v.metric: f"{v.state}: {plain(v.evidence, 400)}" for v in app.verdicts},
        "questions": {question.name: question.title for question in QUESTIONS},
    }  # fmt: skip


def _queue(store: Store, traces: Sequence[str]) -> str:
    from mlflow.genai import review_queues

    queue_id = (
        _queue_id(store)
        or review_queues.create_review_queue(
            QUEUE, queue_type="custom", users=[], schema_ids=_schemas(store), experiment_id=store.experiment_id
        ).queue_id
    )
    review_queues.add_items_to_review_queue(queue_id, item_ids=list(traces))
    if store.destination.uri.startswith("http"):
        page = f"#/experiments/{store.experiment_id}/review-queue?selectedQueueId={queue_id}"
        return f"{store.destination.shown().rstrip('/')}/{page}"
    return f"the review queue {QUEUE!r}"


def _queue_id(store: Store) -> str | None:
    from mlflow.genai import review_queues

    token = None
    while True:
        page = review_queues.list_review_queues(experiment_id=store.experiment_id, page_token=token)
        found = next((queue.queue_id for queue in page if queue.name == QUEUE), None)
        token = page.token
        if found or not token:
            return found


def _schemas(store: Store) -> list[str]:
    """The ids of our questions, made where they are missing."""
    from mlflow.genai import label_schemas

    known = {s.name: s for s in label_schemas.list_label_schemas(experiment_id=store.experiment_id)}
    ids = []
    for question in QUESTIONS:
        made = known.get(question.name) or label_schemas.create_label_schema(
            question.name, type="feedback", input=_input(question), instruction=question.title, enable_comment=True,
            experiment_id=store.experiment_id,
        )  # fmt: skip
        ids.append(str(made.schema_id))
    return ids


def _input(question: Question) -> Any:
    from mlflow.genai.label_schemas import InputCategorical, InputPassFail, InputText

    if not question.options:
        return InputText()
    return (
        InputPassFail("yes", "no")
        if question.options == ("pass", "fail")
        else InputCategorical(options=list(question.options))
    )


def _session(store: Store, run: Run, traces: Sequence[str], new: Sequence[str]) -> str:
    """On Databricks: a labelling session per run, found again by its name. `new` are those of all `traces` that were
    not asked about before."""
    from mlflow import genai
    from mlflow.genai import label_schemas

    name = f"AppEval {run.id}"
    found = next((session for session in genai.get_labeling_sessions() if session.name == name), None)
    if found is None:
        for question in QUESTIONS:
            label_schemas.create_label_schema(
                question.name, type="feedback", title=question.title, input=_databricks_input(question),
                enable_comment=True, overwrite=True,
            )  # fmt: skip
        found = genai.create_labeling_session(name, label_schemas=[question.name for question in QUESTIONS])
        new = traces
    if new:
        found.add_traces([store.client.get_trace(trace) for trace in new])
    return str(found.url)


def _databricks_input(question: Question) -> Any:
    """There is no yes and no there: a choice of two."""
    from mlflow.genai.label_schemas import InputCategorical

    return InputCategorical(options=["yes", "no"]) if question.options == ("pass", "fail") else _input(question)


# ---------------------------------------------------------------------- what people said


def requested(store: Store, run: str) -> dict[str, str]:
    """The apps of a run of ours, by its key, that were asked about, each with its (first) evaluation trace."""
    found = sorted(evaluation_traces(store, run), key=lambda info: int(info.tags.get(EPOCH, "1")))
    held = find_run(store, run)
    asked = {tag.removeprefix(_REQUESTED) for tag in held.data.tags if tag.startswith(_REQUESTED)} if held else set()
    by_app: dict[str, str] = {}
    for info in found:
        if _key(info.tags.get(SLUG, "")) in asked:
            by_app.setdefault(info.tags.get(APP, ""), info.trace_id)
    return by_app


def answers(store: Store, run: str) -> list[Answer]:
    """Of the apps of one run of ours, by its key, oldest first."""
    found = [answer for info in evaluation_traces(store, run) for answer in _answers(info)]
    return sorted(found, key=lambda answer: (answer.at, answer.app, answer.question))


def _answers(info: TraceInfo) -> Iterator[Answer]:
    for said in info.assessments:
        if said.valid is False or said.source is None or said.feedback is None:
            continue  # taken back, or no answer
        if said.source.source_type == "HUMAN":
            yield Answer(
                info.tags.get(APP, ""), info.trace_id, said.name, plain(str(said.feedback.value), 500),
                plain(said.rationale or "", 1000), plain(str(said.source.source_id), 100), said.create_time_ms or 0,
            )  # fmt: skip


def statuses(store: Store, traces: Sequence[str]) -> Mapping[str, str]:
    """By trace id: `pending`, `complete` or `declined`, for those that are in the queue."""
    if store.destination.databricks:
        return {}
    from mlflow.genai import review_queues

    queue_id = _queue_id(store)
    if queue_id is None:
        return {}
    found: dict[str, str] = {}
    token = None
    while True:
        page = review_queues.list_review_queue_items(queue_id, max_results=_MOST_LISTED, page_token=token)
        found |= {item.item_id: item.status.value for item in page if item.item_id in set(traces)}
        token = page.token
        if not token:
            return found
