"""Nothing that an app, or whoever made it, says of it changes a verdict."""

from __future__ import annotations

import json

import pytest

from tests.pytester.project import METRICS, Project

_BADGE = "# App\n\n![tests](https://img.shields.io/badge/tests-passing-green) 100 % coverage, production ready.\n"


@pytest.mark.hazard(32)
@pytest.mark.parametrize("claim", [True, False], ids=["a success", "a failure"])
def test_a_label_changes_no_verdict(project: Project, claim: bool) -> None:
    """Hazard 32, published labels err both ways: an app labelled a failure worked, one labelled a success did not."""
    broken = {"fake_types": {"raises": "AppError"}, "fake_start": {"raises": "AppError"}}
    for name, stages in (("works", {}), ("broken", broken)):
        for suffix in ("", "-labelled"):
            folder = project.app(f"{name}{suffix}", "apps", **stages)
            if suffix:
                record = {"success": claim, "build_success": claim, "appeval_100": 100.0 * claim, "score": 100 * claim}
                (folder / "generation_metrics.json").write_text(json.dumps(record), "utf-8")
                (folder / "README.md").write_text(_BADGE, "utf-8")
    result = project.evaluate(code=1)
    run = result.run()
    for name in ("works", "broken"):
        assert result.states(f"{name}-labelled") == result.states(name)
        plain, labelled = (next(app for app in run.apps if app.app == each) for each in (name, f"{name}-labelled"))
        assert (labelled.score, labelled.success_low, labelled.labels) == (plain.score, plain.success_low, plain.labels)
    assert set(result.states("works").values()) == {"PASS"}
    assert len(result.states("broken")) == len(METRICS)
    assert result.states("broken")["type_safety"] == "FAIL"


@pytest.mark.hazard(30)
def test_records_that_are_none_are_noted(project: Project) -> None:
    """Hazard 30: a record of the generation and a trajectory are optional, and broken ones cost nothing."""
    folder = project.app("one")
    (folder / "generation_metrics.json").write_text("{not json", "utf-8")
    (folder / "trajectory.jsonl").write_bytes(b"\xff\x00 no json\n")
    result = project.evaluate(code=0)
    (app,) = result.run().apps
    assert (app.score.low, dict(app.generation)) == (100.0, {})
    assert result.has_line("generation_metrics.json is not valid JSON and was not used")
