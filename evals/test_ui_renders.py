"""Metric 7, UI: Chromium shows the page: no uncaught error, no failed critical resource, no error screen, content."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from evals.page_states import Shown, left_waiting, loading, only_frame, placeholder, trouble
from fixtures.app import App
from fixtures.errors import Unmeasured
from fixtures.evidence import Evidence, StageResult
from fixtures.vision.answer import QUESTIONS
from plugins.metric import Finding, failed, metric, passed
from plugins.verdict import GiveVerdict

#: Findings that data which never came could explain.
NOT_ALWAYS_ITS_FAULT = (
    "ui.uncaught_error", "ui.error_screen", "ui.traceback", "ui.blank", "ui.still_loading",
)  # fmt: skip
#: Uncaught, and no failure: requests that React's double mount or a new page breaks off, a notice of the browser's own.
NOISE = re.compile(
    r"^(?:AbortError|CanceledError)\b|^\w*Error: (?:The user aborted a request|signal is aborted)|ResizeObserver loop"
)
#: What a page looks like whose scripts never came, and how it says that it misses one.
UNDRAWN = ("ui.blank", "ui.still_loading", "ui.uncaught_error")
MISSES_SCRIPT = re.compile(r"is not defined|is undefined|not (?:been )?loaded|dynamically imported|Loading chunk")
FLAT = 8  # colours of a page on which there is nothing but plain areas


@metric("ui_renders", number=7, kind="binary", role="scored", needs=["page", "look"], version=2)
def judge(evidence: Evidence) -> Finding:
    page = evidence["page"]
    finding = _look(page)
    if finding.high == 0 and finding.reason in NOT_ALWAYS_ITS_FAULT:
        _refuse_if_not_the_apps_fault(page, finding)
    return _beside(finding, evidence.get("look"))


def _look(page: StageResult) -> Finding:
    if page.problem is not None:
        return failed(page.problem.code, page.problem.message)
    facts = page.facts
    if not 200 <= (facts.get("status") or 0) < 300:
        return failed("ui.http_error", f"the page answered {facts.get('status') or 'nothing'}")
    if uncaught := [error for error in facts["page_errors"] if not NOISE.search(error)]:
        return failed("ui.uncaught_error", f"{len(uncaught)} uncaught: {uncaught[0]}")
    broken = [r for r in facts["failed_requests"] if r["critical"] and not r["external"]]
    if broken:
        return failed(
            "ui.resource_failed", f"{broken[0]['type']} {broken[0]['url']}: {broken[0]['status'] or broken[0]['error']}"
        )
    shown = Shown(facts)
    if found := trouble(shown):
        return failed(found[0], f"the page shows an error: {' '.join(found[1].split())[:200]!r}")
    if "json" in facts.get("content_type", ""):
        return failed("ui.no_page", "/ answers JSON, which is no page")
    if waiting := loading(shown):
        return failed("ui.still_loading", f"after {facts['load_seconds']:.0f} s it still says or shows {waiting!r}")
    if blank := _blank(shown, facts):
        return blank
    seen = f"{facts['text_length']} characters, {facts['nodes']} elements after {facts['load_seconds']:.1f} s"
    if words := placeholder(shown):
        return Finding(1.0, 1.0, "ui.placeholder", f"a placeholder: {words!r} is all that it says ({facts['form']})")
    left, refused = left_waiting(shown), sum(request["status"] >= 500 for request in facts["requests"])
    seen += f", {left} parts still loading" if left else ""
    seen += f", {refused} of its requests failed" if refused else ""
    return passed(f"{seen} ({facts['form']})")


def _beside(finding: Finding, look: StageResult | None) -> Finding:
    """With what a vision model says of the page, if one was asked and answered. It never changes the verdict."""
    if look is None or not look.ok:
        return finding
    asked = QUESTIONS[:2] if finding.reason == "ui.placeholder" else QUESTIONS  # a placeholder has no content: agreed
    wrong = [f"{name}: no" for name in asked if not look.facts[name]]
    words = "vision: agrees"
    if bool(wrong) == (finding.high == 1):
        words = f"vision: disagrees ({', '.join(wrong) or 'it sees a page with content'}: {look.facts['reason']})"
    return replace(finding, line=f"{finding.line}; {words}")


def _blank(shown: Shown, facts: Mapping[str, Any]) -> Finding | None:
    nothing = not (facts["text_length"] or facts["media"]) or facts["colours"] <= 1
    unreadable = facts.get("text_pixels") == 0 and not facts["media"] and facts["colours"] <= FLAT
    if not (nothing or unreadable or only_frame(shown)):
        return None
    seen = "no text, no picture" if nothing else "navigation, and nothing in the content"
    if unreadable:
        seen = f"{facts['text_length']} characters, none of them visible"
    hint = f"; console: {facts['console_errors'][0]}" if facts["console_errors"] else ""
    return failed("ui.blank", f"nothing to be seen: {seen}, {facts['colours']} colours{hint}")


def _refuse_if_not_the_apps_fault(page: StageResult, finding: Finding) -> None:
    """What we broke is not the app's fault: data requests that failed for want of a warehouse, scripts of a
    foreign host that this machine does not reach."""
    facts = page.facts
    if refused := facts.get("unsupported_statements"):
        line = f"the page failed after a statement that the warehouse cannot answer: {refused[0]['error']}"
        raise Unmeasured("unmeasured.unsupported_sql", f"{line} in {refused[0]['statement']}")
    if facts.get("astray"):
        line = f"the page failed, and its server cannot reach the warehouse here: {facts['astray']}"
        raise Unmeasured("unmeasured.not_led", line)
    if facts["warehouse"] == "none" and any(_has_failed_for_data(request) for request in facts["requests"]):
        raise Unmeasured("unmeasured.no_warehouse", "the page failed after its data did, and there is no warehouse")
    blocked = [r for r in facts["failed_requests"] if r["external"] and r["status"] is None and r["type"] == "script"]
    if blocked and (finding.reason in UNDRAWN or MISSES_SCRIPT.search(finding.line)):
        raise Unmeasured("page.external_blocked", f"the page needs {blocked[0]['url']}, out of reach here")


def _has_failed_for_data(request: Mapping[str, Any]) -> bool:
    """An answer that failed, or a stream of events: these tell of failures with the status 200."""
    return request["status"] >= 500 or request.get("kind") == "text/event-stream"


def test_ui_renders(app: App, verdict: GiveVerdict) -> None:
    verdict(judge, app)
