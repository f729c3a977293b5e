"""Metric 9, deployability: the app has what a deployment needs, builds, starts and answers in its deployed form."""

from fixtures.app import App
from fixtures.errors import Blocked, HarnessError, Unmeasured
from fixtures.evidence import Evidence
from plugins.metric import Finding, Point, metric, scored
from plugins.verdict import GiveVerdict


@metric(
    "deployability", number=9, kind="scored", role="scored", needs=["scan", "image", "artifact", "deployment"],
    version=2,
)  # fmt: skip
def judge(evidence: Evidence) -> Finding:
    descriptors = evidence["scan"].facts["descriptors"]
    problems = "; ".join(f"{d['path']}: {d['problems'][0]}" for d in descriptors if d["problems"])
    valid = any(not d["problems"] for d in descriptors)
    by_image = any(d["kind"] == "Dockerfile" for d in descriptors)
    return scored([
        Point("descriptor", valid, problems or "no Dockerfile, app.yaml or databricks.yml"),
        _builds(evidence, "image" if by_image else "artifact"),
        *_runs(evidence, by_image=by_image),
        _no_secret(evidence, by_image=by_image),
    ], "deployability")  # fmt: skip


def _builds(evidence: Evidence, form: str) -> Point:
    try:
        built = evidence[form]
    except Unmeasured as nobody:
        return Point("artifact builds", None, nobody.message)
    except Blocked as error:
        return Point("artifact builds", False, f"{error.stage} failed")
    return Point("artifact builds", built.problem is None, built.problem.message if built.problem else "")


def _runs(evidence: Evidence, *, by_image: bool) -> list[Point]:
    starts, answers = "starts deployed", "health and smoke deployed"
    try:
        if by_image:
            _ = evidence["image"]  # without one there is nothing deployed to look at, however the local build fared
        ran = evidence["deployment"]
    except Unmeasured as nobody:
        return [Point(starts, None, nobody.message), Point(answers, None, nobody.message)]
    except Blocked as error:
        return [Point(starts, False, f"{error.stage} failed"), Point(answers, False, f"{error.stage} failed")]
    if ran.problem is not None:
        return [Point(starts, False, ran.problem.message), Point(answers, False, "not started")]
    facts, smoke = ran.facts, ran.facts["smoke"]
    told = facts["port"] == facts["given_port"]
    where = f"it listens on {', '.join(facts['listens'])} port {facts['port']}, and was given {facts['given_port']}"
    silent = facts["unhealthy"] or f"{smoke['path']} answered {smoke['status']}"
    return [
        Point(starts, told and facts["everywhere"], where),
        Point(answers, facts["health_route"] is not None and smoke["ok"], silent),
    ]


def _no_secret(evidence: Evidence, *, by_image: bool) -> Point:
    """The sources, and what the image holds besides."""
    sources = evidence["scan"].facts["secrets"]
    try:
        image = evidence["image"].facts.get("secrets") if by_image else []
    except (Unmeasured, Blocked, HarnessError):
        image = None
    found = [*sources, *(image or [])]
    if found:
        return Point("no secret", False, f"{found[0]['file']}:{found[0]['line']} {found[0]['kind']}")
    return Point("no secret", None if image is None else True, "the sources are clean, the image was not looked into")


def test_deployability(app: App, verdict: GiveVerdict) -> None:
    verdict(judge, app)
