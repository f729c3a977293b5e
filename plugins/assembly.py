"""From verdicts and evidence to a `Run`: pure but for reading the evidence files."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fixtures.app import App
from fixtures.evidence import load_evidence
from fixtures.generation_trace import generation_trace_id
from fixtures.stages.engine import app_folder
from plugins.measurements import CAPS, labels_of, mean_of, measurements_of, notes_of
from plugins.metric import Metric
from plugins.scoring import capped, eff_units, score, succeeds, verdict_value
from plugins.session import Case, EvaluationSession
from plugins.summary import summarize
from plugins.toolchain import git_commit, toolchain
from plugins.vision import beside_vision, seen_by_vision, vision_notes
from reports.model import NOT_SELECTED, SCHEMA, AppResult, Run, ScoreRange, State, Verdict, scored_metrics


@dataclass(frozen=True, slots=True)
class Gathered:
    """What the collector knows at the end: verdicts by (case id, metric) and whether the session was cut short."""

    verdicts: Mapping[tuple[str, str], Verdict]
    interrupted: bool
    started: str
    seconds: float


def assemble(session: EvaluationSession, metrics: Sequence[Metric], gathered: Gathered) -> Run:
    """The run. A metric that nobody asked for is UNMEASURED, and makes the run partial."""
    infos = tuple(m.info for m in metrics)
    scored = scored_metrics(infos)
    wanted = [(case.id, info.name) for case in session.cases for info in scored]
    partial = any(key not in gathered.verdicts for key in wanted)
    asked = {case_id for case_id, _ in gathered.verdicts}
    by_app: dict[str, list[Case]] = {}
    for case in session.cases:
        if gathered.interrupted or case.id in asked:  # an app of which nothing was selected is not in the run
            by_app.setdefault(case.app.name, []).append(case)
    apps = tuple(_app_result(session, cases, metrics, gathered) for cases in by_app.values())
    request = session.request
    return Run(
        schema=SCHEMA,
        id=request.run_id,
        started=gathered.started,
        seconds=round(gathered.seconds, 1),
        git_commit=git_commit(request.settings.project),
        partial=partial,
        profile=request.profile,
        epochs=request.epochs,
        toolchain=toolchain(request.settings.sandbox),
        settings=request.comparable(),
        metrics=infos,
        apps=apps,
        summary=summarize(apps, infos),
        skipped=tuple((s.path.name, s.reason) for s in session.discovery.skipped),
    )


def _app_result(
    session: EvaluationSession, cases: Sequence[Case], metrics: Sequence[Metric], gathered: Gathered
) -> AppResult:
    app, run_dir = cases[0].app, session.request.settings.run_dir
    files = [app_folder(run_dir, app, case.epoch) / "evidence.json" for case in cases]
    evidence = [e for file in files if (e := load_evidence(file))]
    verdicts = [[_verdict(case, metric, gathered) for metric in metrics] for case in cases]
    judged = beside_vision(metrics, [v for some in verdicts for v in some])
    labels = labels_of(app.generated, evidence, [v for some in verdicts for v in some])
    ranges = [score_of(some, metrics, session.request.profile, labels) for some in verdicts]
    generation = dict(app.generation)
    units = eff_units(generation)
    if units is not None:
        generation["eff_units"] = units
    return AppResult(
        app=app.name, slug=app.slug, path=str(app.path), stack=app.stack.name, prompt=app.prompt,
        verdicts=tuple(v for some in verdicts for v in some), score=_mean_range([r for r, _ in ranges]),
        success_low=_mean([s[0] for _, s in ranges]), success_high=_mean([s[1] for _, s in ranges]), labels=labels,
        generation=generation, measurements=mean_of([measurements_of(e) | seen_by_vision(e, judged) for e in evidence]),
        issues=_issues(verdicts), notes=(*app.notes, *notes_of(evidence), *vision_notes(evidence, judged)),
        why=app.why, trace_ids=_traces(app),
    )  # fmt: skip


def _traces(app: App) -> dict[str, str]:
    """What leads to the making of the app; sinks know of the other traces."""
    generation = generation_trace_id(app)
    return {"generation": generation} if generation else {}


def _verdict(case: Case, metric: Metric, gathered: Gathered) -> Verdict:
    given = gathered.verdicts.get((case.id, metric.name))
    if given is not None:
        return given
    reason = "unmeasured.not_run" if gathered.interrupted else NOT_SELECTED
    line = "the run was cut off before" if gathered.interrupted else "not selected"
    return Verdict(metric.name, case.epoch, State.UNMEASURED, 0.0, metric.info.full, reason, line)


def score_of(
    verdicts: Sequence[Verdict], metrics: Sequence[Metric], profile: str, labels: Sequence[str]
) -> tuple[ScoreRange, tuple[float, float]]:
    """The score of an app in one epoch, and whether it succeeds, as the ends of what is possible."""
    scored = {m.name for m in metrics if m.info.role == "scored"}
    mine = {v.metric: v for v in verdicts if v.metric in scored}
    whole = score({name: verdict_value(v) for name, v in mine.items()}, profile)
    shown = capped(whole, min(CAPS[label] for label in labels)) if labels else whole
    success = succeeds(whole, {name: v.state for name, v in mine.items()}, bool(labels))
    return ScoreRange(shown.low, shown.high, whole.low, whole.high), success


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _mean_range(ranges: Sequence[ScoreRange]) -> ScoreRange:
    """Over epochs; the spread is between the best and the worst low end."""
    lows = [r.low for r in ranges]
    low, high, uncapped_low, uncapped_high = (
        round(_mean([getattr(r, name) for r in ranges]), 6) for name in ("low", "high", "uncapped_low", "uncapped_high")
    )
    return ScoreRange(low, high, uncapped_low, uncapped_high, spread=round(max(lows) - min(lows), 6))


def _issues(verdicts: Sequence[Sequence[Verdict]]) -> tuple[str, ...]:
    states = (State.FAIL, State.HARNESS_ERROR)
    return tuple(dict.fromkeys(f"{v.metric}: {v.evidence}" for some in verdicts for v in some if v.state in states))


def now() -> str:
    """The time as runs write it: UTC, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
