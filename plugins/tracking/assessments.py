"""A verdict as MLflow's feedback, and back without loss.

PASS and FAIL are a value: true or false, or the points of a scored metric (their low end where points are unmeasured).
BLOCKED is a fail. UNMEASURED and HARNESS_ERROR are errors and never a value, so that no mean can take them for one.
NOT_APPLICABLE is a word: nine are always there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.model import MetricInfo, State, Verdict

if TYPE_CHECKING:
    from mlflow.entities import Assessment, Feedback

NOT_APPLICABLE = "not applicable"
#: Verdicts are told by code; people and models come beside them.
SOURCE = "appeval"
_KEY = "appeval."
_MOST_LINKS = 99


def feedback_of(verdict: Verdict, metric: MetricInfo) -> Feedback:
    """Named for the metric; the rationale is the evidence line, the metadata hold the rest of the verdict."""
    from mlflow.entities import AssessmentError, AssessmentSource, Feedback

    value: bool | float | str | None = None
    error = None
    if verdict.state.unknown:
        error = AssessmentError(error_code=verdict.state.value, error_message=f"{verdict.reason}: {verdict.evidence}")
    elif verdict.state is State.NOT_APPLICABLE:
        value = NOT_APPLICABLE
    else:
        value = verdict.state is State.PASS if metric.kind == "binary" else verdict.low
    return Feedback(
        name=metric.name,
        value=value,
        error=error,
        rationale=verdict.evidence,
        source=AssessmentSource(source_type="CODE", source_id=f"{SOURCE}/{metric.name}@{metric.version}"),
        metadata=_metadata(verdict),
    )


def _metadata(verdict: Verdict) -> dict[str, str]:
    numbers = {"epoch": verdict.epoch, "low": verdict.low, "high": verdict.high, "seconds": verdict.seconds}
    links = {f"link.{number:02}": link for number, link in enumerate(verdict.links[:_MOST_LINKS], 1)}
    held = {"state": verdict.state.value, "reason": verdict.reason, **{k: repr(v) for k, v in numbers.items()}, **links}
    return {f"{_KEY}{name}": text for name, text in held.items()}


def is_verdict(assessment: Assessment) -> bool:
    """Whether this is a verdict of ours, and not what a person or a model said beside it."""
    source = assessment.source
    return source is not None and source.source_type == "CODE" and str(source.source_id).startswith(f"{SOURCE}/")


def verdict_of(assessment: Assessment) -> Verdict:
    """The verdict that a feedback of ours was made from. Raises ValueError for one of somebody else."""
    held = {
        name.removeprefix(_KEY): text for name, text in (assessment.metadata or {}).items() if name.startswith(_KEY)
    }
    try:
        return Verdict(
            metric=assessment.name,
            epoch=int(held["epoch"]),
            state=State(held["state"]),
            low=float(held["low"]),
            high=float(held["high"]),
            reason=held["reason"],
            evidence=assessment.rationale or "",
            links=tuple(held[name] for name in sorted(held) if name.startswith("link.")),
            seconds=float(held["seconds"]),
        )
    except (KeyError, ValueError) as error:
        raise ValueError(f"the feedback {assessment.name!r} is no verdict of ours: {error}") from None
