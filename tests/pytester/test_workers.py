"""With -n 2: an app stays on one worker, and a worker that dies costs the metric at hand and nothing else."""

from __future__ import annotations

from tests.pytester.project import METRICS, STAGES, Project

#: The stages that are none of `fake_page`'s business and may be running beside it.
BESIDE = sorted(STAGES - {"fake_page"})


def test_an_app_stays_on_one_worker_and_its_stages_run_once(project: Project) -> None:
    names = [f"app{i}" for i in range(4)]
    for name in names:
        project.app(name)
    result = project.evaluate("-n", "2", code=0)
    workers = {name: {pid for _, app, pid in project.log("tests.log") if app == name} for name in names}
    assert {len(pids) for pids in workers.values()} == {1}
    assert len(set.union(*workers.values())) == 2, "both workers had something to do"
    for name in names:
        assert [metric for metric, app, _ in project.log("tests.log") if app == name] == list(METRICS)
        assert project.stage_runs(name) == sorted(STAGES)
        assert {pid for _, app, pid in project.log("stages.log") if app == name} == workers[name]
    assert result.run().summary.states == {"PASS": 4 * len(METRICS)}
    assert project.left_behind() == []


def test_a_killed_worker_costs_one_metric(project: Project) -> None:
    project.app("victim", fake_page={"when_test": "ui_renders", "after": BESIDE, "kill": "once"})
    for name in ("other1", "other2"):
        project.app(name)
    result = project.evaluate("-n", "2", code=3)
    assert result.run().summary.states == {"PASS": 3 * len(METRICS) - 1, "HARNESS_ERROR": 1}
    lost = result.verdicts("victim")["ui_renders"]
    assert (lost.state, lost.reason, lost.low, lost.high) == ("HARNESS_ERROR", "harness.worker_crashed", 0, 1)
    assert "crashed while running" in lost.evidence
    assert project.stage_runs("victim") == sorted(STAGES), "what had ended, and what nobody asks for, is not run again"
    by_metric = {metric: pid for metric, app, pid in project.log("tests.log") if app == "victim"}
    assert by_metric["build_success"] == by_metric["ui_renders"] != by_metric["local_runability"]
    assert result.junit()["test_ui_renders[victim]"].find("error") is not None
    assert "26 passed, 1 error" in result.out.splitlines()[-1]
    assert (result.run().partial, "Traceback" in result.out) == (False, False)
    assert project.left_behind() == []


def test_a_stage_that_kills_every_worker_costs_one_metric(project: Project) -> None:
    project.app("victim", fake_page={"when_test": "ui_renders", "after": BESIDE, "kill": "always"})
    result = project.evaluate("-n", "2", code=3)
    assert {m for m, state in result.states("victim").items() if state != "PASS"} == {"ui_renders"}


def test_what_a_dead_worker_had_started_is_ended(project: Project) -> None:
    project.app(
        "victim",
        fake_start={"spawn": True},
        fake_page={"when_test": "ui_renders", "kill": "once"},
        fake_image={"when_test": "deployability", "facts": {"value": 4}},
    )
    result = project.evaluate("-n", "2", code=3)
    assert result.states("victim")["deployability"] == "PASS"
    assert project.left_behind() == []
