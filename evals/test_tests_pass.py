"""Metric 4, tests: the app's own tests ran (more than none) and none failed; line coverage is measured beside it."""

from fixtures.app import App
from fixtures.evidence import Evidence
from plugins.metric import Finding, failed, metric, passed
from plugins.verdict import GiveVerdict


@metric("tests_pass", number=4, kind="binary", role="scored", needs=["tests"], version=1)
def judge(evidence: Evidence) -> Finding:
    tests = evidence["tests"]
    if tests.problem is not None:
        return failed(tests.problem.code, tests.problem.message)
    total, count, failures = tests.facts["total"], tests.facts["failed"], tests.facts["failures"]
    if count:
        first = failures[0]
        return failed("tests.failed", f"{count} of {total} tests failed: {first['name']}: {first['message']}")
    if not total:
        return failed("tests.none_found", "no test ran: no test script, or a runner that found nothing")
    for suite in tests.facts["suites"]:
        if suite["exit_code"] != 0:
            return failed("tests.exit_code", f"{total} tests passed, and `npm test` of {suite['suite']} exited "
                          f"{suite['exit_code']}: {suite['last_line']}")  # fmt: skip
    coverage = tests.facts["coverage"]
    return passed(
        f"{total} tests passed, "
        + ("coverage not measured" if coverage is None else f"{coverage:.0f} % of lines covered")
    )


def test_tests_pass(app: App, verdict: GiveVerdict) -> None:
    verdict(judge, app)
