"""What the metrics of the inner project have in common: the finding is what the fake stage recorded."""

from __future__ import annotations

import os
from pathlib import Path

from fixtures.app import App
from fixtures.evidence import Evidence
from plugins.metric import Finding, failed


def finding_of(evidence: Evidence, stage: str, full: float) -> Finding:
    """Facts: `value`, a number or a pair (default: all of it); `line`; `judge_raises`, a bug in the judge."""
    result = evidence[stage]
    if result.problem is not None:
        return failed(result.problem.code, result.problem.message)
    if "judge_raises" in result.facts:
        raise ValueError(result.facts["judge_raises"])
    value = result.facts.get("value", full)
    low, high = value if isinstance(value, list) else (value, value)
    reason = "" if low == full else f"{stage}.said_no"
    return Finding(float(low), float(high), reason, result.facts.get("line", f"{stage} says {low:g}"))


def begin(metric: str, app: App) -> None:
    """Write down that the test of this metric and app has begun, and in which process."""
    with Path(__file__).with_name("tests.log").open("a", encoding="utf-8") as log:
        log.write(f"{metric} {app.slug} {os.getpid()}\n")
