"""Metric 6, data: values of the warehouse come out of the app: they are stable, change with its data, and return."""

from collections.abc import Mapping, Sequence
from typing import Any

from evals.unreached import refuse_unreached
from fixtures.app import App
from fixtures.errors import Unmeasured
from fixtures.evidence import Evidence
from plugins.metric import Finding, failed, metric, passed
from plugins.verdict import GiveVerdict

_NEEDS = ["page", "probe", "queries", "canary", "comparison"]


@metric("data_returned", number=6, kind="binary", role="scored", needs=_NEEDS, version=2)
def judge(evidence: Evidence) -> Finding:
    queries = evidence["queries"].facts
    if queries["warehouse"] == "live":
        return _compared(evidence["comparison"].facts, queries)
    canary = evidence["canary"].facts
    sources: Sequence[Mapping[str, Any]] = canary["sources"]
    proofs = [source for source in sources if source["proven"]]
    if proofs:
        return passed(_followed(proofs, sources))
    if unsupported := queries["first_unsupported"]:
        raise Unmeasured("unmeasured.unsupported_sql", f"{unsupported['error']} in {unsupported['statement']}")
    if queries["read"]:
        _refuse_blind(canary, sources)
    else:
        refuse_unreached(queries)
    return _without_data(sources, asked=bool(queries["read"]))


def _compared(facts: Mapping[str, Any], queries: Mapping[str, Any]) -> Finding:
    """Where the data cannot be changed: whether the rows of the app's own queries are what it shows."""
    if not queries["read"]:
        refuse_unreached(queries)
        return _without_data(facts["sources"], asked=False)
    distinctive, shown = facts["distinctive"], facts["shown"]
    if not distinctive:
        failures = [answer["error"] for answer in facts["answers"] if answer["error"]]
        why = failures[0] if failures else "no query returned a value that could be told from chance"
        raise Unmeasured("unmeasured.not_comparable", f"what the app shows cannot be compared: {why}")
    if shown >= min(2, distinctive):
        return passed(f"live: {shown} of {distinctive} values of its queries are shown: {', '.join(facts['examples'])}")
    if shown:
        line = f"one of {distinctive} values of its queries is shown, which may be chance"
        raise Unmeasured("unmeasured.not_comparable", line)
    return _without_data(facts["sources"], asked=True)


def _followed(proofs: Sequence[Mapping[str, Any]], sources: Sequence[Mapping[str, Any]]) -> str:
    best = max(proofs, key=lambda source: int(source["followed"]))
    shift = best["examples"][0]
    values = f"{best['followed']} values of {_name(best)} follow the warehouse's data"
    return (
        f"{values} ({shift['path']}: {shift['a']} → {shift['b']}); so do {len(proofs)} of {len(sources)} that were read"
    )


def _refuse_blind(canary: Mapping[str, Any], sources: Sequence[Mapping[str, Any]]) -> None:
    """The app reads the warehouse, and nothing followed: make sure that something could have."""
    if canary["restart_failed"]:
        why = f"started anew to see other data, the app did not come up: {canary['restart_failed']}"
        raise Unmeasured("unmeasured.canary_restart", why)
    if canary["cut"]:
        raise Unmeasured(
            "unmeasured.too_slow", "the app answers too slowly for reading it under four states of the data"
        )
    same = next((s for s in sources if s["shows_data"] and s["asked"] and not s["differed"]), None)
    if same is not None:
        line = f"the rows that {_name(same)} asked for are the same under both data, so what it shows proves nothing"
        raise Unmeasured("unmeasured.canary_blind", line)
    if canary["unrepeated"]:
        line = f"{canary['unrepeated']} statements that the app had asked were not asked again under other data"
        raise Unmeasured("unmeasured.canary_blind", line)


def _without_data(sources: Sequence[Mapping[str, Any]], *, asked: bool) -> Finding:
    answered = [s for s in sources if s["method"] != "PAGE"]
    shown = next((s for s in answered if s["shows_data"] and not s["error"]), None)
    if shown is not None:
        why = "do not change with the warehouse's data" if asked else "come from nowhere: the warehouse was never asked"
        return failed("data.mock", f"the values of {_name(shown)} {why}")
    hidden = next((s for s in answered if s["error"] and (s["status"] or 500) < 400), None)
    if hidden is not None:
        return failed(
            "data.error_hidden", f"{_name(hidden)} answers {hidden['status']} with an error: {hidden['error']}"
        )
    broken = next((s for s in answered if (s["status"] or 500) >= 400), None)
    if broken is not None:
        answer = broken["status"] or "nothing"
        return failed("data.error", f"{_name(broken)} answers {answer}: {broken['error'] or 'no reason given'}")
    if answered:
        return failed("data.empty", f"{len(answered)} endpoints answer, none with a row or a figure")
    return failed("data.no_endpoint", "no endpoint that gives data was found, and the page shows none")


def _name(source: Mapping[str, Any]) -> str:
    return "the page" if source["method"] == "PAGE" else str(source["path"])


def test_data_returned(app: App, verdict: GiveVerdict) -> None:
    verdict(judge, app)
