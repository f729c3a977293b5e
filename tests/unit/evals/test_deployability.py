"""Metric 9 over every kind of evidence: five points, and who could not be looked at."""

from __future__ import annotations

from typing import Any

import pytest

from evals.test_deployability import judge
from fixtures.errors import HarnessError
from fixtures.evidence import Evidence, Problem, StageResult
from plugins.metric import Finding

DOCKERFILE = [{"path": "Dockerfile", "kind": "Dockerfile", "problems": []}]
APP_YAML = [{"path": "app.yaml", "kind": "app.yaml", "problems": []}]
BROKEN = [{"path": "app.yaml", "kind": "app.yaml", "problems": ["command is not a list of strings"]}]
SECRET = {"file": "image:/app/.env", "line": 1, "kind": "GitHub Token"}
NO_ENGINE = Problem("unmeasured", "unmeasured.no_engine", "no container engine was used", "image")
FAILED = Problem("app", "image.failed", "`RUN npm run build` failed: error TS2322", "image")


def blocked(by: str) -> Problem:
    return Problem("blocked", f"blocked.{by}", "it failed", by)


DEPLOYED = {
    "form": "container", "port": 4000, "given_port": 4000, "listens": ["0.0.0.0"], "everywhere": True,  # noqa: S104
    "health_route": "/health", "unhealthy": "", "smoke": {"path": "/", "status": 200, "ok": True},
}  # fmt: skip


def stage(name: str, given: dict[str, Any] | Problem) -> StageResult:
    if isinstance(given, Problem):
        return StageResult(name, False, 0.1, problem=given)
    return StageResult(name, True, 0.1, facts=given)


def judged(
    *, descriptors: list[dict[str, Any]] | None = None, secrets: list[dict[str, Any]] | None = None,
    image: dict[str, Any] | Problem | None = None, build: dict[str, Any] | Problem | None = None,
    deployment: dict[str, Any] | Problem | None = None, artifact: str = "image",
) -> Finding:  # fmt: skip
    results = {
        "scan": stage("scan", {"descriptors": DOCKERFILE if descriptors is None else descriptors, "secrets": secrets or []}),
        "image": stage("image", {"secrets": []} if image is None else image),
        "build": stage("build", build or {}),
        "deployment": stage("deployment", DEPLOYED if deployment is None else deployment),
    }  # fmt: skip
    return judge(Evidence("app", 1, results, artifact))


def test_all_five_points() -> None:
    finding = judged()
    assert (finding.low, finding.high, finding.line) == (5, 5, "all five points")


LOCAL: dict[str, Any] = {"image": NO_ENGINE, "artifact": "build"}


@pytest.mark.parametrize(
    ("given", "low", "high", "reason", "words"),
    [
        ({"descriptors": []}, 4, 4, "deployability.descriptor", "no Dockerfile, app.yaml or databricks.yml"),
        ({"descriptors": BROKEN}, 4, 4, "deployability.descriptor", "command is not a list"),
        ({"secrets": [SECRET]}, 4, 4, "deployability.no_secret", "image:/app/.env:1 GitHub Token"),
        ({"image": {"secrets": [SECRET]}}, 4, 4, "deployability.no_secret", "image:/app/.env:1 GitHub Token"),
        ({"deployment": {**DEPLOYED, "port": 3000}}, 4, 4, "deployability.starts_deployed", "was given 4000"),
        ({"deployment": {**DEPLOYED, "everywhere": False, "listens": ["127.0.0.1"]}}, 4, 4,
         "deployability.starts_deployed", "listens on 127.0.0.1"),
        ({"deployment": {**DEPLOYED, "health_route": None, "unhealthy": "/health answered 500"}}, 4, 4,
         "deployability.health_and_smoke_deployed", "/health answered 500"),
        ({"deployment": {**DEPLOYED, "smoke": {"path": "/", "status": 404, "ok": False}}}, 4, 4,
         "deployability.health_and_smoke_deployed", "/ answered 404"),
        ({"deployment": Problem("app", "runtime.exited", "it exited 1", "deployment")}, 3, 3,
         "deployability.starts_deployed", "it exited 1"),
        # A failed image was not looked into: its secrets are unknown.
        ({"image": FAILED, "deployment": blocked("image")}, 1, 2, "deployability.artifact_builds", "error TS2322"),
        # Without an engine an image is not measured, however the local build fared.
        (LOCAL | {"deployment": Problem("unmeasured", "unmeasured.no_engine", "no engine", "deployment")}, 1, 5, "",
         "no container engine was used"),
        (LOCAL | {"build": Problem("app", "build.failed", "tsc", "build"), "deployment": blocked("build")}, 1, 5, "",
         "no container engine was used"),
        # Without a Dockerfile none is needed.
        (LOCAL | {"descriptors": APP_YAML}, 5, 5, "", "all five points"),
        (LOCAL | {"descriptors": APP_YAML, "build": Problem("app", "build.failed", "tsc", "build"),
                  "deployment": blocked("build")}, 2, 2, "deployability.artifact_builds", "tsc"),
    ],
)  # fmt: skip
def test_points(given: dict[str, Any], low: float, high: float, reason: str, words: str) -> None:
    finding = judged(**given)
    assert (finding.low, finding.high, finding.reason) == (low, high, reason)
    assert words in finding.line


def test_trouble_of_ours_is_no_verdict() -> None:
    problem = Problem("harness", "harness.registry_unreachable", "no such host", "image")
    with pytest.raises(HarnessError, match="no such host"):
        judged(image=problem, deployment=problem)
