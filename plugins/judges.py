"""The metrics of the registry as MLflow scorers: the same functions, given to `mlflow.genai.evaluate`.

    from plugins.judges import ALL_JUDGES
    mlflow.genai.evaluate(data=[{"inputs": {"app_dir": "apps/churn"}}], scorers=ALL_JUDGES)

`ALL_JUDGES`, `BINARY_JUDGES` and `SCORED_JUDGES` are made when they are first named: mlflow takes three seconds to
import. Inputs are `app_dir` (and `content_hash`, if what lies there must be that), whose stages are run once for all
judges of the list; or `run`, a run folder, with `app`, a name, whose stored evidence is judged again.
"""

from __future__ import annotations

import atexit
import linecache
import secrets
import time
import traceback
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from fixtures.errors import Cancelled, HarnessError, Unmeasured
from fixtures.evidence import Evidence, load_evidence
from fixtures.settings import Settings
from fixtures.stages import STAGES
from plugins.assembly import score_of
from plugins.measurements import NOT_GENERATED, labels_of
from plugins.metric import PASS_AT, Metric, give_verdict, load_metrics
from plugins.profiles import DEFAULT_PROFILE
from plugins.project import project_folder
from plugins.stage_pool import StagePool
from plugins.tracking.assessments import SOURCE, feedback_of, verdict_of
from plugins.tracking.store import prepare
from reports.model import Run, State, Verdict, read_run

if TYPE_CHECKING:
    from mlflow.entities import Feedback
    from mlflow.genai.scorers import Scorer

COMPOSITE = "appeval_100"
#: Above the limits of all stages, twice, and the waiting for other processes: MLflow gives up after 300 s otherwise.
_PATIENCE = 3600.0


@dataclass(frozen=True, slots=True)
class Subject:
    """What judges are given: an app's evidence, and whether its generator left an app at all."""

    evidence: Evidence
    generated: bool = True


class EvidenceSource(Protocol):
    def subject(self, inputs: Mapping[str, Any]) -> Subject:
        """The evidence of the app that these inputs name. Raises Unmeasured or HarnessError."""
        ...


@dataclass(frozen=True, slots=True)
class Stored:
    """Evidence of finished runs. Inputs: `run` (a folder) and `app` (a name), and `epoch` unless it is the first."""

    def subject(self, inputs: Mapping[str, Any]) -> Subject:
        folder, name, epoch = Path(str(inputs["run"])), inputs.get("app"), int(inputs.get("epoch", 1))
        try:
            run = _run_in(folder.resolve())
        except ValueError as error:
            raise Unmeasured("unmeasured.no_run", str(error)) from None
        app = next((one for one in run.apps if name in (one.app, one.slug)), None)
        if app is None:
            raise Unmeasured("unmeasured.app_gone", f"run {run.id} has no app {name!r}")
        place = folder / "apps" / app.slug
        found = load_evidence((place if epoch == 1 else place / f"epoch-{epoch}") / "evidence.json")
        if found is None:
            raise Unmeasured("unmeasured.no_evidence", f"run {run.id} kept no evidence of {app.app}")
        return Subject(found, NOT_GENERATED not in app.labels)


@dataclass(frozen=True, slots=True)
class Pooled:
    """Evidence from stages that are run now, unless the inputs name a run. Inputs: `app_dir`."""

    pool: StagePool

    def subject(self, inputs: Mapping[str, Any]) -> Subject:
        if "run" in inputs:
            return Stored().subject(inputs)
        if "app_dir" not in inputs:
            raise Unmeasured("unmeasured.no_app", "the inputs name neither app_dir nor run")
        app = self.pool.app(Path(str(inputs["app_dir"])), inputs.get("content_hash"))
        return Subject(self.pool.evidence(app), app.generated)


@lru_cache(maxsize=16)
def _run_in(folder: Path) -> Run:
    """A finished run does not change."""
    return read_run(folder)


# ---------------------------------------------------------------------- judging


def verdict_by(metric: Metric, source: EvidenceSource, inputs: Mapping[str, Any], pass_at: float = PASS_AT) -> Verdict:
    """Whatever happens is a verdict: what cannot be looked at is UNMEASURED, what breaks is ours."""
    full, epoch = metric.info.full, int(inputs.get("epoch", 1))
    try:
        return give_verdict(metric, source.subject(inputs).evidence, pass_at)
    except Unmeasured as error:
        return Verdict(metric.name, epoch, State.UNMEASURED, 0.0, full, error.code, error.message)
    except HarnessError as error:
        return Verdict(metric.name, epoch, State.HARNESS_ERROR, 0.0, full, error.code, error.message)
    except Cancelled:
        return Verdict(metric.name, epoch, State.HARNESS_ERROR, 0.0, full, "harness.cancelled", "it was cut off")
    except Exception as error:  # noqa: BLE001 - the edge of a scorer: MLflow would drop what it raises from its means
        where = traceback.extract_tb(error.__traceback__)[-1]
        line = f"{type(error).__name__}: {error} at {Path(where.filename).name}:{where.lineno}"
        return Verdict(metric.name, epoch, State.HARNESS_ERROR, 0.0, full, "harness.bug", line[:500])


def judge_of(metric: Metric, source: EvidenceSource, *, limit: float = 0.0, pass_at: float = PASS_AT) -> Scorer:
    """One metric as a scorer. `limit` is its time-out in seconds; 0: above the limits of all stages."""
    prepare()
    from mlflow.genai.scorers import scorer

    @scorer(name=metric.name, description=metric.info.title, timeout=limit or time_out({}))
    def judge(inputs: dict[str, Any]) -> Feedback:
        return feedback_of(verdict_by(metric, source, inputs, pass_at), metric.info)

    made: Scorer = judge
    return made


def composite_of(
    metrics: Sequence[Metric], source: EvidenceSource, *, limit: float = 0.0, pass_at: float = PASS_AT,
    profile: str = DEFAULT_PROFILE,
) -> Scorer:  # fmt: skip
    """`appeval_100` as a scorer: a value where the score is known exactly, else an error that states the interval."""
    prepare()
    from mlflow.entities import AssessmentError, AssessmentSource, Feedback
    from mlflow.genai.scorers import scorer

    scored = [metric for metric in metrics if metric.info.role == "scored"]

    @scorer(name=COMPOSITE, description="the weighted score, 0–100", timeout=limit or time_out({}))
    def judge(inputs: dict[str, Any]) -> Feedback:
        verdicts = [verdict_by(metric, source, inputs, pass_at) for metric in scored]
        try:
            subject = source.subject(inputs)
            labels = labels_of(subject.generated, [subject.evidence], verdicts)
        except (Unmeasured, HarnessError, Cancelled):
            labels = ()
        found, _ = score_of(verdicts, scored, profile, labels)
        unknown = [verdict.metric for verdict in verdicts if verdict.low != verdict.high]
        error = AssessmentError("UNMEASURED", f"{found.low:g} to {found.high:g}: {', '.join(unknown)} not known")
        return Feedback(
            name=COMPOSITE, value=found.value, error=error if found.value is None else None,
            rationale=f"{'; '.join(labels) or 'no label'}; without a cap {found.uncapped_low:g}",
            source=AssessmentSource(source_type="CODE", source_id=f"{SOURCE}/{COMPOSITE}@{profile}"),
            metadata={"low": repr(found.low), "high": repr(found.high), "labels": "; ".join(labels)},
        )  # fmt: skip

    made: Scorer = judge
    return made


@dataclass(frozen=True, slots=True)
class _Known:
    known: Subject

    def subject(self, _inputs: Mapping[str, Any]) -> Subject:
        return self.known


def verdict_through_judge(metric: Metric, evidence: Evidence, pass_at: float = PASS_AT) -> Verdict:
    """The verdict as MLflow's users get it: through the scorer and out of its feedback again."""
    judge = judge_of(metric, _Known(Subject(evidence)), pass_at=pass_at)
    feedback: Any = judge(inputs={"app": evidence.app, "epoch": evidence.epoch})
    return verdict_of(feedback)


def time_out(limits: Mapping[str, float]) -> float:
    """Seconds above everything that the stages may take, with their second tries and the waiting for others."""
    return 2 * sum(limits.get(stage.name, stage.limit) for stage in STAGES) + _PATIENCE


def judges_of(
    metrics: Iterable[Metric], source: EvidenceSource, *, limit: float = 0.0, pass_at: float = PASS_AT
) -> list[Scorer]:
    return [judge_of(metric, source, limit=limit, pass_at=pass_at) for metric in metrics]


def registrable(metric: Metric) -> Scorer:
    """A scorer that a platform can keep: MLflow stores its source, so it must stand alone and name the metric."""
    prepare()
    from mlflow.genai.scorers import scorer

    name = f"<judge {metric.name}>"
    source = (
        f"def {metric.name}(inputs):\n"
        f"    from plugins.judges import judge_inputs\n"
        f"    return judge_inputs({metric.name!r}, inputs)\n"
    )
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    made: dict[str, Any] = {}
    exec(compile(source, name, "exec"), made)  # noqa: S102 - three lines of ours, with the name of a metric of ours
    kept: Scorer = scorer(made[metric.name], name=metric.name)
    return kept


def judge_inputs(name: str, inputs: Mapping[str, Any]) -> Feedback:
    """Where a registered scorer ends up: the metric of this name, on an app or a run that this machine has."""
    metric = load_metrics()[name]
    return feedback_of(verdict_by(metric, _shared(), inputs), metric.info)


# ---------------------------------------------------------------------- the lists


def scored_metrics() -> list[Metric]:
    """Those that are judged about an app: all but the ones for production."""
    return [metric for metric in load_metrics() if metric.info.role != "runtime"]


def __getattr__(name: str) -> list[Scorer]:
    chosen = {
        "ALL_JUDGES": ("binary", "scored"), "BINARY_JUDGES": ("binary",), "SCORED_JUDGES": ("scored",),
    }.get(name)  # fmt: skip
    if chosen is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _listed(chosen)


@lru_cache
def _listed(kinds: tuple[str, ...]) -> list[Scorer]:
    """All of these kinds with a pool of their own; the full list has the composite, too."""
    every = scored_metrics()
    metrics = [metric for metric in every if metric.info.kind in kinds]
    source = _source(metrics)
    limit = time_out(source.pool.settings.limits)
    made = judges_of(metrics, source, limit=limit)
    return [*made, composite_of(every, source, limit=limit)] if len(metrics) == len(every) else made


@lru_cache
def _shared() -> Pooled:
    return _source(scored_metrics())


def _source(metrics: Iterable[Metric]) -> Pooled:
    """Stages with the settings of this project, ended with this process."""
    pool = StagePool(_settings(), dict.fromkeys(name for metric in metrics for name in metric.needs))
    atexit.register(pool.close)
    return Pooled(pool)


def _settings() -> Settings:
    """As `pytest evals/` would take them, in a run folder of their own."""
    from plugins.options import request_for

    stamp = time.strftime("%Y-%m-%dT%H-%M-%S", time.gmtime())
    run_dir = project_folder() / "runs" / f"judges-{stamp}-{secrets.token_hex(2)}"
    return request_for({"--run-dir": str(run_dir)}, project_folder()).settings
