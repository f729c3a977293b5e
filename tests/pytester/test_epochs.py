"""--epochs=K: every metric K times; the share and the spread."""

from __future__ import annotations

from collections import Counter

from tests.pytester.project import STAGES, Project


def test_a_flaky_app(project: Project, workers: tuple[str, ...]) -> None:
    project.app("flaky", fake_page={"epoch_facts": [{}, {"value": 0, "line": "a blank page"}, {}]})
    project.app("steady")
    result = project.evaluate("--epochs=3", *workers, code=1)
    run = result.run()
    assert run.epochs == 3
    flaky, steady = run.apps
    assert [(v.epoch, v.state.value) for v in flaky.of("ui_renders")] == [(1, "PASS"), (2, "FAIL"), (3, "PASS")]
    assert Counter(project.stage_runs("flaky")) == dict.fromkeys(STAGES, 3)
    assert (flaky.score.value, flaky.score.spread) == (96.666667, 10)
    assert (steady.score.value, steady.score.spread) == (100, 0)
    assert (round(flaky.success_low, 3), round(flaky.success_high, 3), steady.success_low) == (0.667, 0.667, 1)
    assert run.summary.pass_rate["ui_renders"] == (0.833333, 0.833333)
    row = next(line for line in result.out.splitlines() if line.startswith("flaky "))
    assert "96.7" in row
    assert "2/3" in row
    summary = (result.run_dir / "summary.md").read_text("utf-8")
    assert "2/3" in next(line for line in summary.splitlines() if line.startswith("|") and "flaky" in line)
    assert set(result.junit()) >= {"test_ui_renders[flaky-epoch1]", "test_ui_renders[flaky-epoch3]"}
    assert (result.run_dir / "apps/flaky/epoch-2/evidence.json").is_file()
    assert project.left_behind() == []
