"""Every state as a pytest outcome: one clear line, no traceback, the right element in JUnit; serially and with -n 2."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.pytester.project import METRICS, Project, Result, metric_file

LINE = "3 type errors: client/src/App.tsx:12 TS2322 no such <thing> & more"
#: What the app `mixed` gets: state, reason, the element in JUnit, and what it says.
EXPECTED = {
    "build_success": ("PASS", "", None, ""),
    "runtime_success": ("FAIL", "fake_start.broken", "failure", "it died"),
    "type_safety": ("FAIL", "fake_types.said_no", "failure", LINE),
    "tests_pass": ("UNMEASURED", "unmeasured.fake", "skipped", "UNMEASURED: nobody looked"),
    "databricks_connectivity": ("BLOCKED", "blocked.fake_start", "failure", "blocked by fake_start: it died"),
    "data_returned": ("BLOCKED", "blocked.fake_start", "failure", "blocked by fake_start: it died"),
    "ui_renders": ("BLOCKED", "blocked.fake_start", "failure", "blocked by fake_start: it died"),
    "local_runability": ("NOT_APPLICABLE", "fake.none", "skipped", "NOT_APPLICABLE: there is none"),
    "deployability": ("HARNESS_ERROR", "harness.fake", "error", "harness.fake: the machine is full"),
}


@pytest.fixture(scope="module", params=[(), ("-n", "2")], ids=["serial", "n2"])
def result(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, bytecode: Path) -> Result:
    """One run for all tests of this file: every state, two bugs of ours, and an app that is fine."""
    project = Project.make(tmp_path_factory.mktemp("outcomes") / "project", bytecode)
    project.app("good")
    project.app(
        "mixed",
        fake_start={"raises": "AppError", "message": "it died"},
        fake_types={"facts": {"value": 0, "line": LINE}},
        fake_tests={"raises": "Unmeasured", "message": "nobody looked"},
        fake_readme={"raises": "NotApplicable", "message": "there is none"},
        fake_image={"raises": "HarnessError", "message": "the machine is full"},
    )
    project.app(
        "buggy",
        fake_tests={"raises": "ValueError", "message": "a bug in a stage"},
        fake_types={"facts": {"judge_raises": "a bug in a judge"}},
    )
    return project.evaluate(*request.param, code=3)


def test_states_and_reasons(result: Result) -> None:
    found = {name: (v.state.value, v.reason) for name, v in result.verdicts("mixed").items()}
    assert found == {name: (state, reason) for name, (state, reason, _, _) in EXPECTED.items()}


@pytest.mark.parametrize("metric", EXPECTED)
def test_junit_says_the_same(result: Result, metric: str) -> None:
    state, reason, element, message = EXPECTED[metric]
    case = result.junit()[f"test_{metric}[mixed]"]
    found = {name: e for name in ("failure", "error", "skipped") if (e := case.find(name)) is not None}
    assert list(found) == ([element] if element else [])
    if element:
        assert message in said_by(found[element])
        assert "Traceback" not in said_by(found[element])
        assert ".py:" not in (found[element].text or "") or element == "skipped"  # pytest says where a skip is
    properties = {p.attrib["name"]: p.attrib["value"] for p in case.iter("property")}
    assert properties["appeval.state"] == state
    assert properties["appeval.reason"] == reason
    assert properties["appeval.metric"] == metric


def said_by(element: ElementTree.Element) -> str:
    return f"{element.attrib.get('message', '')}\n{element.text or ''}"


def test_the_terminal_has_one_line_each_and_no_traceback(result: Result) -> None:
    assert "Traceback" not in result.out
    assert "evals/test_" not in result.out, "no line per file"
    lines = [line for line in result.out.splitlines() if "[mixed]" in line]
    assert lines == [
        "FAIL runtime_success[mixed] it died",
        f"FAIL type_safety[mixed] {LINE}",
        "HARNESS_ERROR deployability[mixed] the machine is full",
        "BLOCKED databricks_connectivity, data_returned, ui_renders [mixed] by fake_start: it died",
    ]
    assert "5 failed" in result.out.splitlines()[-1]
    assert "3 errors" in result.out.splitlines()[-1]
    assert "2 skipped" in result.out.splitlines()[-1]


def test_a_bug_in_a_stage_thread_or_a_judge_is_ours_and_only_there(result: Result) -> None:
    buggy = result.verdicts("buggy")
    assert {name for name, v in buggy.items() if v.state == "PASS"} == METRICS.keys() - {"tests_pass", "type_safety"}
    for metric, words in (
        ("tests_pass", "ValueError: a bug in a stage at fake.py:"),
        ("type_safety", "a bug in a judge"),
    ):
        assert (buggy[metric].state, buggy[metric].reason) == ("HARNESS_ERROR", "harness.bug")
        assert words in buggy[metric].evidence
        assert (buggy[metric].low, buggy[metric].high) == (0, 1)
        assert result.junit()[f"test_{metric}[buggy]"].find("error") is not None
    assert result.stages("buggy")["fake_tests"]["problem"]["detail"].startswith("Traceback")


def test_a_neighbour_is_not_disturbed(result: Result) -> None:
    assert set(result.states("good").values()) == {"PASS"}
    (good,) = (app for app in result.run().apps if app.app == "good")
    assert (good.score.value, good.success_low) == (100, 1)


BROKEN = {
    "contradiction": "    verdict(judge, app)\n    assert False, 'after the verdict'\n",
    "silent": "    assert verdict\n",
    "broken": "    request.getfixturevalue('nobody_has_this')\n",
    "twice": "    verdict(judge, app)\n    pytest.skip('changed its mind')\n",
}


def test_tests_that_break_the_rules(project: Project, workers: tuple[str, ...]) -> None:
    project.app("good")
    for number, (name, body) in enumerate(BROKEN.items(), 10):
        text = metric_file(name, number, "fake_types", role="info")
        head = text.partition("    begin(")[0].replace("(app: App,", "(request: pytest.FixtureRequest, app: App,")
        project.write(
            f"evals/test_{name}.py", head.replace("from fixtures.app", "import pytest\nfrom fixtures.app", 1) + body
        )
    result = project.evaluate(*workers, code=3)
    verdicts = result.verdicts("good")
    assert {name: (verdicts[name].state.value, verdicts[name].reason) for name in BROKEN} == {
        "contradiction": ("HARNESS_ERROR", "harness.contradiction"),
        "silent": ("HARNESS_ERROR", "harness.no_verdict"),
        "broken": ("HARNESS_ERROR", "harness.bug"),
        "twice": ("HARNESS_ERROR", "harness.contradiction"),
    }
    assert verdicts["contradiction"].evidence.startswith("pytest says failed, the verdict was PASS: ")
    assert "nobody_has_this" in verdicts["broken"].evidence
    assert {verdicts[name].state.value for name in METRICS} == {"PASS"}
    assert result.run().apps[0].score.value == 100, "what is not scored does not blur the score"
