"""--resume: a run that was killed goes on, without losing or repeating a verdict."""

from __future__ import annotations

import os
import signal
from collections import Counter

from tests.pytester.project import METRICS, STAGES, Project, facts, stored, wait_until

BESIDE = sorted(STAGES - {"fake_tests"})


def test_a_serial_session_that_was_killed(project: Project) -> None:
    project.app("a", fake_types={"facts": {"value": 0, "line": "2 type errors"}})
    project.app("b", fake_tests={"when_test": "tests_pass", "after": BESIDE, "kill": "once"})
    killed = project.evaluate(code=-signal.SIGKILL)
    assert [(case, v.metric) for case, v in stored(killed.run_dir)] == [
        *(("a", metric) for metric in METRICS), *(("b", metric) for metric in list(METRICS)[:3]),
    ]  # fmt: skip
    assert not (killed.run_dir / "run.json").exists()
    wait_until(lambda: not project.left_behind(), "the reaper of the killed session tidies up")

    resumed = project.evaluate("--resume=run", code=1)
    assert project.stage_runs("a") == sorted(STAGES)
    assert Counter(project.stage_runs("b")) - Counter(STAGES) == Counter(["fake_tests"]), "only what had not ended"
    assert resumed.has_line("run run (resumed)")
    assert "1 failed, 17 passed" in resumed.out.splitlines()[-1], "stored verdicts are outcomes again"
    assert len(stored(resumed.run_dir)) == 18, "a stored verdict is not written twice"
    assert resumed.run().partial is False
    assert facts(resumed.run()) == facts(project.evaluate(run="whole", code=1).run())
    assert project.left_behind() == []


def test_a_controller_that_was_killed(project: Project) -> None:
    project.app("a")
    project.app("b", fake_start={"spawn": True}, fake_page={"after": sorted(STAGES - {"fake_page"}), "wait_for": "go"})
    with project.evaluating("-n", "2") as session:
        wait_until(lambda: len(verdicts_of(project)) == 15, "all of a, and six metrics of b")
        session.kill()
        wait_until(lambda: not project.left_behind(), "workers, servers and copies of a killed controller are gone")
    project.write("go", "")
    before = Counter(project.stage_runs("b"))

    resumed = project.evaluate("--resume=run", "-n", "2", code=0)
    assert set(resumed.states("a").values()) | set(resumed.states("b").values()) == {"PASS"}
    assert project.stage_runs("a") == sorted(STAGES)
    again = Counter(project.stage_runs("b")) - before
    assert again == Counter(["fake_build", "fake_start", "fake_page"]), "the page needs a live server, it needs a build"
    assert len(stored(resumed.run_dir)) == 18
    assert project.left_behind() == []


def verdicts_of(project: Project) -> list[object]:
    path = project.root / "run/results.jsonl"
    return list(stored(path.parent)) if path.exists() else []


def test_a_complete_run_goes_on_with_what_is_not_final(project: Project) -> None:
    """Trouble of ours and what nobody could look at is tried again; a line that was cut short is judged again; an
    app that has changed is measured again."""
    project.app("same", fake_types={"facts": {"value": 0}})
    project.app(
        "ours",
        fake_tests={"raises": "HarnessError", "until": "fixed"},
        fake_image={"raises": "Unmeasured", "until": "fixed"},
    )
    changed = project.app("will-change")
    first = project.evaluate(code=3)
    assert [v.metric for _, v in stored(first.run_dir)][-1] == "deployability"
    project.write("fixed", "")
    changed.joinpath("fake.json").write_text('{"fake_build": {"raises": "AppError"}}', "utf-8")
    results = first.run_dir / "results.jsonl"
    same = [line for line in results.read_text("utf-8").splitlines() if '"case": "same"' in line]
    others = [line for line in results.read_text("utf-8").splitlines() if line not in same]
    results.write_text("\n".join([*others, *same])[:-30], "utf-8")

    again = project.evaluate("--resume=run", code=1)
    assert set(again.states("ours").values()) == {"PASS"}
    assert Counter(project.stage_runs("ours")) - Counter(STAGES) == Counter(["fake_tests", "fake_image"])
    assert project.stage_runs("same") == sorted(STAGES)
    assert again.states("same") == first.states("same")
    assert again.states("will-change")["build_success"] == "FAIL"
    assert again.states("will-change")["ui_renders"] == "BLOCKED"
    assert Counter(project.stage_runs("will-change"))["fake_types"] == 2
    readable = {(case, v.metric) for case, v in stored(again.run_dir)}
    assert ("same", "deployability") in readable, "the line after the one that was cut short is whole"

    last = project.evaluate("--resume=run", code=1)
    assert facts(last.run()) == facts(again.run())
    assert Counter(project.stage_runs("ours"))["fake_tests"] == 2, "nothing is left to do"


def test_what_cannot_be_resumed_is_refused_with_the_reason(project: Project) -> None:
    project.app("one")
    project.evaluate("-k", "type_safety", code=0)
    nothing = project.evaluate("--resume=nobody", code=4)
    assert "--resume=nobody: no run of that name has begun" in nothing.out
    changed = project.evaluate("--resume=run", "--epochs=2", "--limit=fake_types=7", code=4)
    assert "the settings have changed" in changed.out
    assert "epochs: 1 then, 2 now" in changed.out
    assert "limits: {} then, {'fake_types': 7.0} now" in changed.out
    metric = project.root / "evals/test_type_safety.py"
    metric.write_text(metric.read_text("utf-8").replace("version=1", "version=2"), "utf-8")
    newer = project.evaluate("--resume=run", code=4)
    assert "metrics: " in newer.out
    both = project.evaluate("--resume=run", "--run-dir=other", code=4)
    assert "leave --run-dir out" in both.out
    twice = project.evaluate("--run-dir=run", code=4)
    assert "use --resume=run to go on with it" in twice.out
    assert all("Traceback" not in r.out for r in (nothing, changed, newer, both, twice))


def test_a_partial_run_becomes_whole(project: Project) -> None:
    project.app("one")
    part = project.evaluate("-k", "type_safety", "--run-dir=runs/mine", run="runs/mine", code=0)
    assert part.run().partial
    assert not os.path.lexists(project.root / "runs/latest")
    whole = project.evaluate("--resume=mine", run="runs/mine", code=0)
    assert not whole.run().partial
    assert (project.root / "runs/latest").resolve() == project.root / "runs/mine"
    assert Counter(project.stage_runs("one")) == Counter(STAGES)
