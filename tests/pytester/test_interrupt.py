"""Ctrl-C: what was measured is kept, and nothing that we started is left."""

from __future__ import annotations

from tests.pytester.project import METRICS, STAGES, Project, stored, wait_until


def test_ctrl_c(project: Project, workers: tuple[str, ...]) -> None:
    project.app("a", fake_types={"facts": {"value": 0}})
    project.app(
        "b", fake_start={"spawn": True}, fake_page={"after": sorted(STAGES - {"fake_page"}), "wait_for": "never"}
    )
    with project.evaluating(*workers) as session:
        results = session.run_dir / "results.jsonl"
        wait_until(lambda: results.exists() and len(stored(session.run_dir)) == 15, "all of a, and six metrics of b")
        assert (project.root / "spawned-b").exists()
        session.interrupt()
        result = session.result()
    assert result.code == 2, result.out
    assert "INTERNALERROR" not in result.out
    run = result.run()
    assert run.partial
    assert result.states("a") == {m: "FAIL" if m == "type_safety" else "PASS" for m in METRICS}
    b = result.verdicts("b")
    assert [m for m, v in b.items() if v.state == "PASS"] == list(METRICS)[:6]
    assert {(v.state.value, v.reason) for m, v in b.items() if m in list(METRICS)[6:]} == {
        ("UNMEASURED", "unmeasured.not_run")
    }
    assert (result.run_dir / "summary.md").read_text("utf-8").lower().count("partial") >= 1
    assert project.left_behind() == []
