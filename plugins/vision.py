"""What a vision model said, beside the verdicts of the metrics that let one look: its cost, and where it disagrees."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fixtures.evidence import Evidence, StageResult
from fixtures.vision.answer import QUESTIONS
from plugins.metric import Metric
from reports.model import State, Verdict

STAGE = "look"
#: Not worth a note: nobody asked, or the header of the run has said it.
_SAID = ("unmeasured.no_ui_judge", "unmeasured.no_api_key")


def beside_vision(metrics: Iterable[Metric], verdicts: Iterable[Verdict]) -> list[Verdict]:
    """The verdicts that a vision model stands beside, of those that say something."""
    names = {metric.name for metric in metrics if STAGE in metric.needs}
    return [v for v in verdicts if v.metric in names and v.state in (State.PASS, State.FAIL)]


def seen_by_vision(evidence: Evidence, judged: Sequence[Verdict]) -> dict[str, float]:
    """`vision_tokens`, `vision_usd` (where the price is known) and `vision_disagrees` (0 or 1)."""
    look = evidence.get(STAGE)
    if look is None:
        return {}
    found: dict[str, float] = {}
    if "tokens_in" in look.facts:
        found["vision_tokens"] = float(look.facts["tokens_in"] + look.facts["tokens_out"])
    if look.facts.get("usd") is not None:
        found["vision_usd"] = float(look.facts["usd"])
    if look.ok and (mine := [v for v in judged if v.epoch == evidence.epoch]):
        found["vision_disagrees"] = float(any(_disagrees(look, v) for v in mine))
    return found


def vision_notes(evidence: Sequence[Evidence], judged: Sequence[Verdict]) -> tuple[str, ...]:
    """Where it disagrees with a verdict, and why it could not look."""
    notes: dict[str, None] = {}
    for one in evidence:
        look = one.get(STAGE)
        if look is None:
            continue
        if look.problem is not None and look.problem.kind != "blocked" and look.problem.code not in _SAID:
            notes[f"no vision model looked at its page ({look.problem.code}): {look.problem.message}"] = None
        for verdict in judged:
            if look.ok and verdict.epoch == one.epoch and _disagrees(look, verdict):
                notes[
                    f"{verdict.metric} is {verdict.state}, and the vision model disagrees: {look.facts['reason']}"
                ] = None
    return tuple(notes)


def _disagrees(look: StageResult, verdict: Verdict) -> bool:
    """A verdict that passed with a finding of its own (a placeholder) has said that there is no content."""
    asked = QUESTIONS[:2] if verdict.state is State.PASS and verdict.reason else QUESTIONS
    return all(look.facts[name] for name in asked) != (verdict.state is State.PASS)
