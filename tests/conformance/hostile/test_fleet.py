"""What must come of the attacks that are apps: one evaluation per sandbox, read by all tests."""

from __future__ import annotations

import csv
from xml.etree import ElementTree

import pytest

from fixtures.sandbox import SANDBOXES
from reports.model import State
from tests.conformance.hostile.fleet import MAX_OUTPUT, Fleet, need_namespaces

#: What an app with nothing wrong gets; its fate with a Dockerfile, or without one, differs in deployability alone.
GOOD = {
    "build_success": "PASS", "runtime_success": "PASS", "type_safety": "NOT_APPLICABLE types.javascript",
    "tests_pass": "PASS", "databricks_connectivity": "UNMEASURED unmeasured.no_warehouse",
    "data_returned": "UNMEASURED unmeasured.no_warehouse", "ui_renders": "PASS", "local_runability": "PASS",
    "deployability": "PASS",
}  # fmt: skip
NAMES = "\x1b[31m<b>names|`"
UNSTARTED = {"local_runability": "PASS runability.documented_start", "deployability": "FAIL deployability.descriptor"}
NOT_BUILT = {
    **dict.fromkeys(("runtime_success", "ui_renders", "databricks_connectivity", "data_returned"), "BLOCKED blocked.build"),
    **UNSTARTED,
}  # fmt: skip
NOT_STARTED = dict.fromkeys(("ui_renders", "databricks_connectivity", "data_returned"), "BLOCKED blocked.start")
#: By app: how its verdicts differ from those of the honest neighbour, and the line that says why.
EXPECTED: dict[str, tuple[dict[str, str], str]] = {
    "forks": ({"tests_pass": "FAIL tests.processes"}, "`npm test` went over the processes limit"),
    "writes": ({"build_success": "FAIL build.disk", **NOT_BUILT}, "`npm run build` went over the disk limit"),
    "hangs": ({"tests_pass": "FAIL tests.timeout"}, "ran over the 12 s limit"),
    "stubborn": ({}, ""),
    "thief": ({"tests_pass": "FAIL tests.none_found"}, "no test ran"),
    "impostor": ({"runtime_success": "FAIL runtime.exited", **NOT_STARTED, **UNSTARTED}, "exited 1"),
    "liar": ({"build_success": "FAIL build.no_artifact", "tests_pass": "FAIL tests.none_found", **NOT_BUILT},
             "the build exited 0 and left no fresh file"),
    "early": ({"tests_pass": "FAIL tests.none_found"}, "no test ran"),
    "spins": ({"ui_renders": "FAIL ui.hung"}, "kept the browser from answering"),
    "hog": ({"runtime_success": "FAIL runtime.memory"}, "went over the memory limit"),
    NAMES: ({"tests_pass": "FAIL tests.failed"}, "1 of 1 tests failed"),
    "killer": ({"tests_pass": "FAIL tests.none_found"}, "no test ran"),
}  # fmt: skip
#: Whether a page can be seen before the memory is used up, or a port found, is a matter of milliseconds.
RACES = {
    "hog": {"ui_renders", "local_runability", "deployability", "databricks_connectivity", "data_returned"},
    "impostor": {"local_runability", "deployability"},
}  # fmt: skip


def said(fleet: Fleet, app: str) -> dict[str, str]:
    """State and reason of each metric."""
    return {name: f"{v.state.value} {v.reason}".strip() for name, v in fleet.verdicts(app).items()}


def good(*, dockerfile: bool, sandbox: str) -> dict[str, str]:
    if not dockerfile:
        return {**GOOD, "deployability": "PASS deployability.descriptor"}
    return GOOD if SANDBOXES[sandbox].images else {**GOOD, "deployability": "UNMEASURED unmeasured.no_engine"}


# ---------------------------------------------------------------------- the run as a whole


def test_it_ends_in_time_and_as_documented(fleet: Fleet) -> None:
    """In the docker sandbox one app adds a file from a server that does not exist: nobody's fault but the network's."""
    assert fleet.code == (3 if SANDBOXES[fleet.sandbox].images else 1), fleet.output[-5000:]
    assert fleet.seconds < 300
    assert "Traceback" not in fleet.output


def test_nothing_is_left(fleet: Fleet) -> None:
    """No process by its mark or its words, no copy, no ledger; no container, network or image by its label."""
    assert fleet.left == ()


def test_no_secret_of_ours_is_in_what_the_run_left_or_said(fleet: Fleet) -> None:
    """Neither of the environment of the evaluation, nor of the user's home, nor of another app."""
    assert fleet.leaks == ()


def test_the_originals_are_as_they_were(fleet: Fleet) -> None:
    assert fleet.changed == ()
    assert fleet.forged == ()


def test_a_neighbour_is_judged_as_if_it_were_alone(fleet: Fleet) -> None:
    assert said(fleet, "honest") == good(dockerfile=True, sandbox=fleet.sandbox)


@pytest.mark.parametrize("app", [name for name in EXPECTED if name != "killer"])
def test_the_verdicts_are_honest(fleet: Fleet, app: str) -> None:
    differing, why = EXPECTED[app]
    expected = {**good(dockerfile=False, sandbox=fleet.sandbox), **differing}
    seen, free = said(fleet, app), RACES.get(app, set())
    assert {k: v for k, v in seen.items() if k not in free} == {k: v for k, v in expected.items() if k not in free}
    failed = [v.evidence for v in fleet.verdicts(app).values() if v.state is State.FAIL]
    assert not why or any(why in line for line in failed), failed


# ---------------------------------------------------------------------- single attacks


def test_a_secret_is_not_found_however_one_looks(fleet: Fleet) -> None:
    """While packages are installed, built, tested and served, and while an image is built. Links out of the app lead
    nowhere; the harness's records cannot be written."""
    need_namespaces(fleet.sandbox)
    assert said(fleet, "snoop") == good(dockerfile=True, sandbox=fleet.sandbox)
    logs = fleet.logs("snoop")
    when = ["install", "build", "test", "server", *(["image"] if SANDBOXES[fleet.sandbox].images else [])]
    for stage in when:
        assert f"snooped {stage}: own=control found=\n" in logs, "it ran, and could read what it may"
    left_out = fleet.stages("snoop")["scan"]["facts"]["left_out"]
    assert [line for line in left_out if "link out of the app" in line]
    assert len(left_out) == 4


def test_what_kills_by_name_and_parentage_meets_only_itself(fleet: Fleet) -> None:
    need_namespaces(fleet.sandbox)
    test_the_verdicts_are_honest(fleet, "killer")
    assert fleet.decoy_lives
    seen = [int(word) for word in fleet.logs("killer").split("killer saw ")[1].split()[:1]]
    assert seen[0] < 20


def test_a_server_that_ignores_sigterm_is_killed(fleet: Fleet) -> None:
    stop = fleet.stages("stubborn")["stop"]["facts"]
    assert (stop["alive"], stop["killed"]) == (True, True)
    assert stop["seconds"] < 10


def test_output_without_end_is_bounded(fleet: Fleet) -> None:
    """A timed-out stage is tried once more; each command has its own bound."""
    for log in fleet.run_dir.rglob("*.log"):
        assert log.stat().st_size < 2 * MAX_OUTPUT + 100_000, log
    assert "longer than the limit" in fleet.logs("hangs")


def test_the_port_of_a_daemon_is_free_for_the_server(fleet: Fleet) -> None:
    """A process that was left by the installation and one that was left by the tests, without our mark, hold the one
    port that the app's own server listens on."""
    start = fleet.stages("thief")["start"]["facts"]
    assert start["port_ignored"] is True


def test_terminal_codes_and_html_do_not_reach_people(fleet: Fleet) -> None:
    for name in ("summary.md", "metrics.csv", "junit.xml"):
        text = (fleet.run_dir / name).read_text("utf-8")
        assert "\x1b" not in text, name
        assert "\x07" not in text, name
    assert "\x1b" not in fleet.output
    assert "<script" not in (fleet.run_dir / "summary.md").read_text("utf-8")
    ElementTree.parse(fleet.run_dir / "junit.xml")  # noqa: S314 - written by ourselves a moment ago
    rows = list(csv.DictReader((fleet.run_dir / "metrics.csv").read_text("utf-8").splitlines()))
    assert len(rows) >= len(fleet.run().apps)
    for verdict in fleet.verdicts(NAMES).values():
        assert not [char for char in verdict.evidence if ord(char) < 32], verdict


def test_paths_of_4000_characters_are_left_out_and_removed(fleet: Fleet) -> None:
    """One in the app as it was given, one that its build makes (whose removal the test of what is left sees)."""
    (line,) = fleet.stages(NAMES)["scan"]["facts"]["left_out"]
    assert line.startswith("nnnn")
    assert len(line) < 5000
