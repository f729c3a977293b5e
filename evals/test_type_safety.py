"""Metric 3, types: the checker (TypeScript's compiler, pyright) finds no error in any project, and read a file."""

from fixtures.app import App
from fixtures.evidence import Evidence
from plugins.metric import Finding, failed, metric, passed
from plugins.verdict import GiveVerdict


@metric("type_safety", number=3, kind="binary", role="scored", needs=["typecheck"], version=2)
def judge(evidence: Evidence) -> Finding:
    check = evidence["typecheck"]
    if check.problem is not None:
        return failed(check.problem.code, check.problem.message)
    count, errors = check.facts["error_count"], check.facts["errors"]
    if count:
        first = errors[0]
        place = f"{first['file']}:{first['line']} " if first["file"] else ""
        return failed(
            "types.errors", f"{count} type error{'s' * (count > 1)}: {place}{first['code']} {first['message']}"
        )
    if not check.facts["files"]:
        return failed("types.nothing_checked", "the compiler reported no error, and read no file of the app")
    if unchecked := check.facts.get("unchecked"):
        parts = ", ".join(f"{part}/ ({number} files)" for part, number in unchecked.items())
        return failed("types.unchecked", f"no project of the compiler reads the TypeScript of {parts}")
    return passed(f"files checked: {check.facts['files']}, in {len(check.facts['projects'])} of the app's projects")


def test_type_safety(app: App, verdict: GiveVerdict) -> None:
    verdict(judge, app)
