"""Level 3: one trace for each app and epoch of a run. Its root span is the app, below it a span for every stage with
its real times, and one for every metric, whose verdict is an assessment on the trace.

Ids are made from the run's, so that telling again tells the same. A trace is written whole by two calls of the tracking
client; the fluent API writes every span by itself, and what it cannot write it only logs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from fixtures.app import slug_of
from fixtures.evidence import CommandResult, Evidence, StageResult
from plugins.metric import Metric
from plugins.tracking.assessments import feedback_of, is_verdict
from plugins.tracking.spans import Draft, hex_of, spans_of, write_trace
from plugins.tracking.store import Store, TrackingError
from reports.model import AppResult, Run, State, Verdict
from reports.text import plain, score_text

if TYPE_CHECKING:
    from mlflow.entities import Assessment, Span, TraceInfo

#: Tags of traces, in every level that has them.
LEVEL, RUN, APP, SLUG, EPOCH = (
    "appeval.level", "appeval.run_id", "appeval.app", "appeval.slug", "appeval.epoch",
)  # fmt: skip
GENERATION_TRACE, APP_TRACES = "generation_trace_id", "app_trace_ids"
GENERATION, EVALUATION = "generation", "evaluation"
_TAIL = 2000
_MOST_COMMANDS = 30
_PAGE = 200
#: Run ids that we make: a time and four digits.
_OUR_ID = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-[0-9a-f]{4}")


@dataclass(frozen=True, slots=True)
class Case:
    """One app in one epoch as a trace tells it. `experiment` is MLflow's id of where: an id belongs to one trace of a
    whole store. `evidence` is None where nothing was kept. `app_traces` are ids of traces that the running app sent."""

    experiment: str
    run: Run
    app: AppResult
    epoch: int
    evidence: Evidence | None
    app_traces: tuple[str, ...] = ()

    @property
    def trace_id(self) -> str:
        return f"tr-{hex_of(32, self.experiment, self.run.id, self.run.started, self.app.app, self.epoch)}"

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        return tuple(v for v in self.app.verdicts if v.epoch == self.epoch)


def run_key(run: Run) -> str:
    """What a run of ours is called in MLflow: its id, made safe. An id that somebody chose may be chosen again, so it
    gets the time beside it."""
    return run.id if _OUR_ID.fullmatch(run.id) else f"{slug_of(run.id)}@{run.started}"


def id_of(key: str) -> str:
    """The (safe) id in a key."""
    return key.partition("@")[0]


def cases_of(experiment: str, run: Run, evidence: Mapping[tuple[str, int], Evidence]) -> Iterator[Case]:
    """`evidence` by (slug, epoch)."""
    for app in run.apps:
        for epoch in sorted({verdict.epoch for verdict in app.verdicts}):
            yield Case(experiment, run, app, epoch, evidence.get((app.slug, epoch)))


# ---------------------------------------------------------------------- writing


def write_traces(store: Store, cases: Sequence[Case], run_id: str, metrics: Mapping[str, Metric]) -> int:
    """Write those that are not there, and mend those that are not whole; how many are there now, all whole. `run_id` is
    MLflow's. Raises TrackingError when one of them is not."""
    there = {info.trace_id: info for info in evaluation_traces(store, run_key(cases[0].run))} if cases else {}
    for case in cases:
        store.in_time()
        known = there.get(case.trace_id)
        wanted = {verdict.metric for verdict in case.verdicts}
        if known is None or not wanted <= _judged(known) or not _has_spans(store, known):
            _write(store, case, run_id, metrics)
        elif known.tags.get(APP_TRACES, "") != ",".join(case.app_traces):
            store.client.set_trace_tag(case.trace_id, APP_TRACES, ",".join(case.app_traces))
    return _count(store, cases)


def evaluation_traces(store: Store, run: str) -> list[TraceInfo]:
    """Of one run of ours, by its key, with their assessments, without their spans."""
    found: list[TraceInfo] = []
    token = None
    while True:
        page = store.client.search_traces(
            locations=[store.experiment_id],
            filter_string=f"tags.`{RUN}` = '{run}' AND tags.`{LEVEL}` = '{EVALUATION}'",
            max_results=_PAGE, page_token=token, include_spans=False,
        )  # fmt: skip
        found += [trace.info for trace in page]
        token = page.token
        if not token:
            return found


def _count(store: Store, cases: Sequence[Case]) -> int:
    """What MLflow has in the end, which is what counts."""
    there = {info.trace_id: info for info in evaluation_traces(store, run_key(cases[0].run))} if cases else {}
    lost = [
        case.app.app
        for case in cases
        if case.trace_id not in there or not {v.metric for v in case.verdicts} <= _judged(there[case.trace_id])
    ]
    if lost:
        names = ", ".join(plain(name, 60) for name in lost[:5])
        raise TrackingError(f"{len(lost)} of {len(cases)} traces did not arrive whole ({names})")
    return len(cases)


def _judged(info: TraceInfo) -> set[str]:
    return {assessment.name for assessment in info.assessments if is_verdict(assessment)}


def _has_spans(store: Store, info: TraceInfo) -> bool:
    from mlflow.exceptions import MlflowException

    try:
        return bool(store.client.get_trace(info.trace_id).data.spans)
    except MlflowException:
        return False


def _write(store: Store, case: Case, run_id: str, metrics: Mapping[str, Metric]) -> None:
    spans = _spans(case, metrics)
    write_trace(store, _info(store, case, run_id, spans), spans)


def _info(store: Store, case: Case, run_id: str, spans: Sequence[Span]) -> TraceInfo:
    from mlflow.entities import TraceInfo, TraceLocation, TraceState
    from mlflow.tracing.constant import TRACE_SCHEMA_VERSION, TRACE_SCHEMA_VERSION_KEY, TraceMetadataKey

    root = spans[0]
    states = {verdict.state for verdict in case.verdicts}
    tags = {
        "mlflow.traceName": f"evaluate {plain(case.app.app, 200)}",
        LEVEL: EVALUATION,
        RUN: run_key(case.run),
        APP: plain(case.app.app, 250),
        SLUG: case.app.slug,
        EPOCH: str(case.epoch),
        **{name: f"{value:g}" for name, value in _score(case.app).items()},
        GENERATION_TRACE: case.app.trace_ids.get("generation", ""),
        APP_TRACES: ",".join(case.app_traces),
    }
    return TraceInfo(
        trace_id=case.trace_id,
        trace_location=TraceLocation.from_experiment_id(store.experiment_id),
        request_time=root.start_time_ns // 1_000_000,
        execution_duration=((root.end_time_ns or root.start_time_ns) - root.start_time_ns) // 1_000_000,
        state=TraceState.ERROR if State.HARNESS_ERROR in states else TraceState.OK,
        request_preview=plain(f"{case.app.app}: {case.app.prompt or 'no prompt'}", 1000),
        response_preview=_answer(case),
        client_request_id=_request_id(case.app),
        trace_metadata={
            TRACE_SCHEMA_VERSION_KEY: str(TRACE_SCHEMA_VERSION),
            TraceMetadataKey.SOURCE_RUN: run_id,
            TraceMetadataKey.INPUTS: json.dumps(root.inputs)[:250],
            TraceMetadataKey.OUTPUTS: json.dumps(root.outputs)[:250],
        },
        tags={name: text for name, text in tags.items() if text},
        assessments=list(_assessments(case, run_id, root)),
    )


def _answer(case: Case) -> str:
    """What lists show of a trace: the score, and what did not pass."""
    score = score_text(case.app.score.low, case.app.score.high)
    states: dict[State, list[str]] = {}
    for verdict in case.verdicts:
        if verdict.state not in (State.PASS, State.NOT_APPLICABLE):
            states.setdefault(verdict.state, []).append(verdict.metric)
    return "; ".join([score, *(f"{state}: {', '.join(names)}" for state, names in states.items())])


def _score(app: AppResult) -> dict[str, float]:
    """The score is a tag: nine assessments are the verdicts, and only they."""
    ends = {"appeval_100_low": app.score.low, "appeval_100_high": app.score.high}
    return ends if app.score.value is None else {"appeval_100": app.score.value, **ends}


def _request_id(app: AppResult) -> str | None:
    """What the generator called its request."""
    named = (app.generation.get(name) for name in ("request_id", "generation_request_id"))
    return next((plain(value, 50) for value in named if isinstance(value, str) and value), None)


def _assessments(case: Case, run_id: str, root: Span) -> Iterator[Assessment]:
    from mlflow.tracing.constant import AssessmentMetadataKey

    infos = {info.name: info for info in case.run.metrics}
    at = (root.end_time_ns or root.start_time_ns) // 1_000_000
    for verdict in case.verdicts:
        made = feedback_of(verdict, infos[verdict.metric])
        made.metadata = {**(made.metadata or {}), AssessmentMetadataKey.SOURCE_RUN_ID: run_id}
        made.trace_id, made.assessment_id = case.trace_id, f"a-{hex_of(32, case.trace_id, verdict.metric)}"
        made.create_time_ms = made.last_update_time_ms = at
        made.span_id = root.span_id
        yield made


# ---------------------------------------------------------------------- spans


def _spans(case: Case, metrics: Mapping[str, Metric]) -> list[Span]:
    """The root first."""
    stages = [r for r in (case.evidence.results.values() if case.evidence else ()) if r.started]
    stages.sort(key=lambda r: r.started)
    begin = min((r.started for r in stages), default=_time(case.run.started))
    end = max((r.started + r.seconds for r in stages), default=begin)
    below = [_stage(result) for result in stages]
    below += [_metric(verdict, case, metrics.get(verdict.metric), begin) for verdict in case.verdicts]
    states = {verdict.metric: verdict.state.value for verdict in case.verdicts}
    outputs = {"appeval_100": case.app.score.value, "low": case.app.score.low, "high": case.app.score.high, **states}
    app = {"app": case.app.app, "epoch": case.epoch, "prompt": case.app.prompt, "app_dir": case.app.path}
    root = Draft(f"evaluate {case.app.app}", "EVALUATOR", begin, end, inputs=app, outputs=outputs)
    return spans_of(case.trace_id, root, below)


def _stage(result: StageResult) -> Draft:
    commands = [_command(command) for command in result.commands[:_MOST_COMMANDS]]
    codes = [command["exit_code"] for command in commands]
    problem = result.problem
    outputs = {"ok": result.ok, "attempts": result.attempts, "commands": commands, "artifacts": list(result.artifacts)}
    if problem is not None:
        outputs["problem"] = {"kind": problem.kind, "code": problem.code, "message": problem.message}
    wrong = problem is not None and problem.kind in ("app", "harness")
    return Draft(
        f"stage {result.stage}", "TOOL", result.started, result.started + result.seconds,
        inputs={"stage": result.stage, "commands": [command["command"] for command in commands]}, outputs=outputs,
        trouble=f"{problem.code}: {problem.message}" if problem is not None and wrong else "",
        attributes={"appeval.stage": result.stage, "appeval.exit_codes": codes},
    )  # fmt: skip


def _command(command: CommandResult) -> dict[str, Any]:
    return {
        "command": plain(" ".join(command.argv), 500), "exit_code": command.exit_code, "seconds": command.seconds,
        "killed_by": command.killed_by, "log": command.log,
        "output": plain((command.stderr_tail or command.stdout_tail)[-_TAIL:], _TAIL),
    }  # fmt: skip


def _metric(verdict: Verdict, case: Case, metric: Metric | None, begin: float) -> Draft:
    """Judged when the last of its stages had ended."""
    known = [case.evidence.get(name) for name in metric.needs] if metric is not None and case.evidence else []
    at = max((r.started + r.seconds for r in known if r is not None and r.started), default=begin)
    return Draft(
        f"metric {verdict.metric}", "EVALUATOR", at, at,
        inputs={"metric": verdict.metric, "stages": list(metric.needs) if metric is not None else []},
        outputs={"state": verdict.state.value, "low": verdict.low, "high": verdict.high, "reason": verdict.reason,
                 "evidence": verdict.evidence, "links": list(verdict.links)},
        trouble=f"{verdict.reason}: {verdict.evidence}" if verdict.state is State.HARNESS_ERROR else "",
        attributes={"appeval.metric": verdict.metric, "appeval.state": verdict.state.value},
    )  # fmt: skip


def _time(text: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()


def with_app_traces(case: Case, found: Sequence[str]) -> Case:
    return replace(case, app_traces=tuple(found))
