"""Metric 7, UI: Chromium shows the page: no uncaught error, no failed critical resource, no error screen, content."""

import re

from fixtures.app import App
from fixtures.errors import Unmeasured
from fixtures.evidence import Evidence, StageResult
from plugins.metric import Finding, failed, metric, passed
from plugins.verdict import GiveVerdict

ERROR_SCREEN = re.compile(
    r"\A\s*(?:Cannot GET /|Internal Server Error|Not Found\s*(?:\n|\Z)|Unexpected Application Error!|"
    r"(?:404|50[0-4])\s*(?:\n|\Z|[-–—:|]|Not Found|Page|Internal|Bad Gateway|Service Unavailable|Error)|"
    r"Application error:|Something went wrong|Traceback \(most recent call last\)|Error: ENOENT|"
    r"\{\s*\"(?:error|message|detail|statusCode)\"|Uncaught \w*Error)",
    re.IGNORECASE,
)
LOADING = re.compile(r"^\W*(?:loading|please wait|initiali[sz]ing)\b[\s.…]*$", re.IGNORECASE)
#: Findings that data which never came could explain.
NOT_ALWAYS_ITS_FAULT = ("ui.uncaught_error", "ui.error_screen", "ui.blank", "ui.still_loading")
FLAT = 8  # colours of a page on which there is nothing but plain areas


@metric("ui_renders", number=7, kind="binary", role="scored", needs=["page"], version=1)
def judge(evidence: Evidence) -> Finding:
    page = evidence["page"]
    finding = _look(page)
    if finding.high == 0 and finding.reason in NOT_ALWAYS_ITS_FAULT:
        _refuse_if_not_the_apps_fault(page)
    return finding


def _look(page: StageResult) -> Finding:
    if page.problem is not None:
        return failed(page.problem.code, page.problem.message)
    facts = page.facts
    if not 200 <= (facts.get("status") or 0) < 300:
        return failed("ui.http_error", f"the page answered {facts.get('status') or 'nothing'}")
    if facts["page_errors"]:
        return failed("ui.uncaught_error", f"{len(facts['page_errors'])} uncaught: {facts['page_errors'][0]}")
    broken = [r for r in facts["failed_requests"] if r["critical"] and not r["external"]]
    if broken:
        return failed(
            "ui.resource_failed", f"{broken[0]['type']} {broken[0]['url']}: {broken[0]['status'] or broken[0]['error']}"
        )
    if match := ERROR_SCREEN.search(facts["text"]):
        return failed("ui.error_screen", f"the page shows an error: {match[0].strip()!r}")
    if LOADING.match(facts["text"]):
        return failed(
            "ui.still_loading", f"after {facts['load_seconds']:.0f} s it still says {facts['text'].strip()!r}"
        )
    nothing = not (facts["text_length"] or facts["media"]) or facts["colours"] <= 1
    unreadable = facts.get("text_pixels") == 0 and not facts["media"] and facts["colours"] <= FLAT
    if nothing or unreadable:
        hint = f"; console: {facts['console_errors'][0]}" if facts["console_errors"] else ""
        seen = f"{facts['text_length']} characters, none of them visible" if unreadable else "no text, no picture"
        return failed("ui.blank", f"nothing to be seen: {seen}, {facts['colours']} colours{hint}")
    seen = f"{facts['text_length']} characters, {facts['nodes']} elements"
    return passed(f"{seen} after {facts['load_seconds']:.1f} s ({facts['form']})")


def _refuse_if_not_the_apps_fault(page: StageResult) -> None:
    """What we broke is not the app's fault: data requests that failed for want of a warehouse, scripts of a
    foreign host that this machine does not reach."""
    facts = page.facts
    if facts["warehouse"] == "none" and any(request["status"] >= 500 for request in facts["requests"]):
        raise Unmeasured("unmeasured.no_warehouse", "the page failed after its data did, and there is no warehouse")
    blocked = [r for r in facts["failed_requests"] if r["critical"] and r["external"] and r["status"] is None]
    if blocked:
        raise Unmeasured("unmeasured.external_blocked", f"the page needs {blocked[0]['url']}, out of reach here")


def test_ui_renders(app: App, verdict: GiveVerdict) -> None:
    verdict(judge, app)
