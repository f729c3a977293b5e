"""Time limits of stages: --limit, [tool.appeval] limits, and what happens when one is reached."""

from __future__ import annotations

import pytest

from tests.pytester.project import Project

SLEEPS = {"fake_types": {"run": ["sleep", "600"]}}


@pytest.mark.parametrize("where", ["option", "pyproject", "both"])
def test_a_command_over_the_limit_of_its_stage(project: Project, where: str) -> None:
    project.app("slow", **SLEEPS)
    if where != "option":
        seconds = 0.3 if where == "pyproject" else 500
        project.pyproject("[tool.appeval]\n", f"[tool.appeval]\nlimits = {{fake_types = {seconds}}}\n")
    arguments = () if where == "pyproject" else ("--limit=fake_types=0.3",)
    result = project.evaluate(*arguments, code=1)
    verdict = result.verdicts("slow")["type_safety"]
    assert (verdict.state, verdict.reason) == ("FAIL", "fake_types.timeout")
    assert verdict.evidence == "`sleep 600` ran over the 0 s limit"
    stage = result.stages("slow")["fake_types"]
    assert stage["attempts"] == 2, "a machine that was busy is no verdict: once more, alone"
    assert [command["killed_by"] for command in stage["commands"]] == ["time", "time"]
    assert result.run().settings["limits"] == {"fake_types": 0.3}
    assert project.left_behind() == []


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ("moon=3", ["there is no stage 'moon' to limit; there are: ", "fake_types"]),
        ("fake_types=soon", ["--limit=fake_types=soon: give a number of seconds"]),
        ("fake_types=0", ["--limit=fake_types=0: give a number of seconds above 0"]),
        ("fake_types=nan", ["--limit=fake_types=nan: give a number of seconds above 0"]),
        ("fake_types", ["--limit=fake_types"]),
    ],
)
def test_a_bad_limit_is_refused_with_the_fix(project: Project, limit: str, words: list[str]) -> None:
    project.app("one")
    result = project.evaluate(f"--limit={limit}", code=4)
    assert [word for word in words if word not in result.out] == []
    assert "Traceback" not in result.out


@pytest.mark.parametrize(
    "table",
    [
        "limits = 5", "limits = {fake_types = 'soon'}", "limits = {fake_types = []}", "limits = {moon = 3}",
        "colour = 'red'", "cpu_slots = 'many'", "pass_at = true", "pass_at = 9", "profile = 'best-9'", "extensions = 'fake.py'",
    ],
)  # fmt: skip
def test_a_bad_table_is_refused(project: Project, table: str) -> None:
    project.app("one")
    if table.startswith("extensions"):
        project.pyproject('extensions = ["fake.py"]', "")
    project.pyproject("[tool.appeval]\n", f"[tool.appeval]\n{table}\n")
    result = project.evaluate(code=4)
    assert "Traceback" not in result.out
    assert table.partition(" ")[0] in result.out


def test_a_stage_that_never_comes_back(project: Project, workers: tuple[str, ...]) -> None:
    project.write("impatient.py", "from fixtures.stages import engine\n\nengine._OVERRUN = 0.3\n")
    project.pyproject('["fake.py"]', '["fake.py", "impatient.py"]')
    project.app("hangs", fake_start={"hang": True})
    project.app("other")
    result = project.evaluate("--limit=fake_start=0.3", *workers, code=3)
    verdicts = result.verdicts("hangs")
    lost = {name for name, v in verdicts.items() if v.state == "HARNESS_ERROR"}
    assert lost == {"runtime_success", "databricks_connectivity", "data_returned", "ui_renders"}
    assert {verdicts[name].reason for name in lost} == {"harness.stage_over_limit"}
    assert "fake_start did not come back" in verdicts["ui_renders"].evidence
    assert set(result.states("other").values()) == {"PASS"}
    assert project.left_behind() == []
