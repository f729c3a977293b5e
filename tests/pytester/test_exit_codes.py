"""The exit codes of DESIGN §6, and the gate."""

from __future__ import annotations

from typing import Any

import pytest

from tests.pytester.project import STAGES, Project

FAILS = {"fake_types": {"facts": {"value": 0}}}
BROKEN = {"fake_tests": {"raises": "HarnessError"}}
UNMEASURED = {stage: {"raises": "Unmeasured"} for stage in STAGES}
NO_TYPES = {**UNMEASURED, "fake_types": {"raises": "NotApplicable"}}


@pytest.mark.parametrize(
    ("behaviour", "arguments", "code"),
    [
        pytest.param({}, (), 0, id="all-passed"),
        pytest.param(FAILS, (), 1, id="a-metric-failed"),
        pytest.param({**FAILS, **BROKEN}, (), 3, id="ours-wins-over-a-failure"),
        pytest.param(NO_TYPES, (), 5, id="nothing-measured"),
        pytest.param(FAILS, ("--gate=avg_appeval_100>=85",), 0, id="the-gate-holds"),
        pytest.param(FAILS, ("--gate=avg_appeval_100>85",), 1, id="the-gate-does-not-hold"),
        pytest.param({}, ("--gate=apps_scored>=1,pass_rate.type_safety<1",), 1, id="half-a-gate-does-not-hold"),
        pytest.param(BROKEN, ("--gate=harness_errors<=1",), 3, id="ours-wins-over-the-gate"),
        pytest.param(NO_TYPES, ("--gate=success_rate>=0",), 5, id="nothing-measured-wins-over-the-gate"),
        pytest.param(FAILS, ("-k", "not type_safety"), 0, id="what-was-selected-passed"),
    ],
)
def test_exit_code(project: Project, behaviour: dict[str, Any], arguments: tuple[str, ...], code: int) -> None:
    project.app("one", **behaviour)
    result = project.evaluate(*arguments, code=code)
    if "--gate" in "".join(arguments):
        assert result.has_line("gate does not hold: ") == (code == 1)
        assert (
            len([line for line in result.out.splitlines() if line.startswith("gate ")]) == arguments[0].count(",") + 1
        )


@pytest.mark.parametrize(
    ("argument", "fix"),
    [
        ("--gate=avg>=80", "there is no number named 'avg'; there are: avg_appeval_100, success_rate"),
        ("--gate=success_rate>=85", "for 85 % write success_rate>=0.85"),
        ("--gate=pass_rate.nobody>=0.5", "names no metric; there are: build_success"),
        ("--epochs=0", "give a whole number from 1 to 100"),
        ("--sandbox=moon", "there is no such sandbox; there are: auto, docker, local"),
    ],
)
def test_a_wrong_option_says_the_fix_before_anything_runs(project: Project, argument: str, fix: str) -> None:
    project.app("one")
    result = project.evaluate(argument, code=4)
    assert fix in result.out
    assert "Traceback" not in result.out
    assert not result.run_dir.exists()


def test_nothing_selected_is_nothing_measured(project: Project) -> None:
    project.app("one")
    result = project.evaluate("-k", "nobody_is_called_this", code=5)
    assert not (result.run_dir / "run.json").exists()


SINK = """
from pathlib import Path

from plugins.sinks import SinkError, sink


@sink
class Post:
    name = "post"
    options = ()
    takes_partial = False
    carries = False

    def wanted(self, options):
        return True

    def warm(self, run_dir, options):
        pass

    def emit(self, run, run_dir, options):
        if not Path("office").is_dir():
            raise SinkError("the post office is closed")
        Path("office/mail").write_text(run.id)
        return f"posted {run.id}"
"""


def test_a_sink_that_fails_is_3_and_can_be_fed_again(project: Project) -> None:
    project.app("one")
    project.write("sink.py", SINK)
    project.pyproject('["fake.py"]', '["fake.py", "sink.py"]')
    result = project.evaluate(code=3)
    assert "Traceback" not in result.out
    line = "sink post failed: the post office is closed (the run is kept; repeat with `appeval emit post run`)"
    assert result.has_line(line)
    assert (result.run_dir / "summary.md").is_file(), "the other sinks were fed"
    assert result.run().partial is False

    (project.root / "office").mkdir()
    again = project.appeval("emit", "post", str(result.run_dir))
    assert (again.returncode, again.stdout, again.stderr) == (0, "posted run\n", "")
    assert (project.root / "office/mail").read_text("utf-8") == "run"


def test_a_partial_run_is_not_sent_to_a_sink_that_takes_whole_ones(project: Project) -> None:
    project.app("one")
    project.write("sink.py", SINK)
    project.pyproject('["fake.py"]', '["fake.py", "sink.py"]')
    result = project.evaluate("-k", "type_safety", code=0)
    assert result.run().partial
    again = project.appeval("emit", "post", str(result.run_dir))
    assert again.returncode == 1
    assert "post takes whole ones only" in again.stderr
