"""Metric 4, tests: the app's own tests ran (more than none) and none failed; line coverage is measured beside it."""

from collections.abc import Mapping
from typing import Any

from fixtures.app import App
from fixtures.evidence import Evidence
from plugins.metric import Finding, failed, metric, passed
from plugins.verdict import GiveVerdict


@metric("tests_pass", number=4, kind="binary", role="scored", needs=["tests"], version=2)
def judge(evidence: Evidence) -> Finding:
    tests = evidence["tests"]
    if tests.problem is not None:
        return failed(tests.problem.code, tests.problem.message)
    total, count, failures = tests.facts["total"], tests.facts["failed"], tests.facts["failures"]
    again = "; passed when run again: flaky" if tests.facts.get("flaky") else ""
    aside = "".join(f"; {suite['suite']}: {suite['note']}" for suite in _unscored(tests.facts))
    if count:
        first = failures[0]
        many = f"{count} of {total} tests failed" if count <= total else "tests could not be run"
        line = f"{many}: {first['name']}: {first['message']}{again}{aside}"
        return failed("tests.failed", line)
    if not total:
        return failed("tests.none_found", f"no test ran: {_why_none(tests.facts)}{aside}")
    for suite in tests.facts["suites"]:
        if suite["exit_code"] != 0 and suite.get("scored", True):
            return failed("tests.exit_code", f"{total} tests passed, and {_called(suite)} exited "
                          f"{suite['exit_code']}: {suite['last_line']}{again}")  # fmt: skip
    coverage = tests.facts["coverage"]
    covered = "coverage not measured" if coverage is None else f"{coverage:.0f} % of lines covered"
    return passed(f"{total} tests passed, {covered}{aside}")


def _why_none(facts: Mapping[str, Any]) -> str:
    """What each scored suite found instead, or that there is none."""
    found = []
    for suite in facts["suites"]:
        if suite.get("scored", True):
            python = suite["runner"] == "pytest"  # its last line is a table's, or a warning about coverage
            said = suite["note"] if python else suite["last_line"] if suite["exit_code"] else ""
            found.append(f"{_called(suite)} found none{f' ({said})' if said else ''}")
    return ", ".join(found) or "the app has no test script and no tests that a runner would find"


def _called(suite: Mapping[str, Any]) -> str:
    where = "" if suite["suite"] in (".", "the app") else f" of {suite['suite']}"
    return f"{suite['runner']}{where}"


def _unscored(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The suites that are shown and decide nothing; evidence of an earlier version has none."""
    return [suite for suite in facts["suites"] if not suite.get("scored", True)]


def test_tests_pass(app: App, verdict: GiveVerdict) -> None:
    verdict(judge, app)
