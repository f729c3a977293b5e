"""Metric 1, build: the production build exits 0 and leaves a fresh artifact."""

from fixtures.app import App
from fixtures.errors import NotApplicable
from fixtures.evidence import Evidence
from plugins.metric import Finding, failed, metric, passed
from plugins.verdict import GiveVerdict


@metric("build_success", number=1, kind="binary", role="scored", needs=["artifact"], version=1)
def judge(evidence: Evidence) -> Finding:
    build = evidence["artifact"]
    if build.problem is not None:
        return failed(build.problem.code, build.problem.message)
    if nothing := build.facts.get("not_applicable"):
        raise NotApplicable(nothing["code"], nothing["message"])
    if evidence.artifact == "image":
        return passed(
            f"an image of {build.facts['bytes'] / 1e6:.0f} MB in {build.facts['seconds']:.1f} s (docker build)"
        )
    left = ", ".join(
        f"{artifact['files']} file{'s' * (artifact['files'] != 1)} of {artifact['name']}"
        for artifact in build.facts["artifacts"]
    )
    return passed(f"{left} in {build.facts['seconds']:.1f} s (local build)")


def test_build_success(app: App, verdict: GiveVerdict) -> None:
    verdict(judge, app)
