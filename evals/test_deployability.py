"""Metric 9, deployability: the app has what a deployment needs, builds, starts and answers in its deployed form."""

from fixtures.app import App
from fixtures.evidence import Evidence
from plugins.metric import Finding, Point, metric, scored
from plugins.verdict import GiveVerdict


@metric("deployability", number=9, kind="scored", role="scored", needs=["scan", "image"], version=1)
def judge(evidence: Evidence) -> Finding:
    scan, image = evidence["scan"], evidence.get("image")
    descriptors, secrets = scan.facts["descriptors"], scan.facts["secrets"]
    problems = "; ".join(f"{d['path']}: {d['problems'][0]}" for d in descriptors if d["problems"])
    valid = any(not d["problems"] for d in descriptors)
    has_image = any(d["kind"] == "Dockerfile" for d in descriptors)
    nobody_looked = image.problem.message if image and image.problem else "not measured"
    if secrets:
        first = secrets[0]
        secret = Point("no secret", False, f"{first['file']}:{first['line']} {first['kind']}")
    else:
        secret = Point("no secret", None if has_image else True, "the sources are clean, the image was not looked into")
    return scored([
        Point("descriptor", valid, problems or "no Dockerfile, app.yaml or databricks.yml"),
        Point("artifact builds", None, nobody_looked),
        Point("starts deployed", None, nobody_looked),
        Point("health and smoke deployed", None, nobody_looked),
        secret,
    ], "deployability")  # fmt: skip


def test_deployability(app: App, verdict: GiveVerdict) -> None:
    verdict(judge, app)
