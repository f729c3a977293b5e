"""Metric 6, data: values of the app's store come out of it: they are stable, change with its data, and return."""

from collections.abc import Mapping, Sequence
from typing import Any

from evals.unreached import refuse_unreached
from fixtures.app import App
from fixtures.errors import Unmeasured
from fixtures.evidence import Evidence
from plugins.metric import Finding, failed, metric, passed
from plugins.verdict import GiveVerdict

_NEEDS = ["page", "probe", "queries", "canary", "comparison"]


@metric("data_returned", number=6, kind="binary", role="scored", needs=_NEEDS, version=3)
def judge(evidence: Evidence) -> Finding:
    queries = evidence["queries"].facts
    if queries["warehouse"] == "live":
        return _compared(evidence["comparison"].facts, queries)
    canary = evidence["canary"].facts
    sources: Sequence[Mapping[str, Any]] = canary["sources"]
    proofs = [source for source in sources if source["proven"]]
    if proofs:
        return passed(_followed(proofs, sources, queries))
    if unsupported := queries["first_unsupported"]:
        raise Unmeasured("unmeasured.unsupported_sql", f"{unsupported['error']} in {unsupported['statement']}")
    if queries["read"]:
        _refuse_blind(canary, sources)
    else:
        refuse_unreached(queries)
    finding = _without_data(sources, queries)
    if canary.get("filling_refused") and finding.reason in ("data.empty", "data.error", "data.error_hidden"):
        line = "its tables are empty, and it does not bear rows of ours in them: nothing could be shown"
        raise Unmeasured("unmeasured.canary_blind", line)
    if finding.reason in ("data.empty", "data.no_endpoint"):
        _refuse_unseen(queries)
    return finding


def _compared(facts: Mapping[str, Any], queries: Mapping[str, Any]) -> Finding:
    """Where the data cannot be changed: whether the rows of the app's own queries are what it shows."""
    if not queries["read"]:
        refuse_unreached(queries)
        return _without_data(facts["sources"], queries)
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
    return _without_data(facts["sources"], queries)


def _followed(
    proofs: Sequence[Mapping[str, Any]], sources: Sequence[Mapping[str, Any]], queries: Mapping[str, Any]
) -> str:
    best = max(proofs, key=lambda source: int(source["followed"]))
    shift = best["examples"][0]
    number = best["followed"] + best["fixed"] + best["unsteady"] + best["strayed"]
    values = f"{best['followed']} of {number} values of {_name(best)} follow {_data(queries)}"
    others = f"{len(proofs)} of {len(sources)} sources have such values"
    brought = queries["own_tables"]
    own = f"; it brings tables of its own: {', '.join(brought)}" if brought else ""
    return f"{values} ({shift['path']}: {shift['a']} → {shift['b']}); {others}{own}"


def _refuse_blind(canary: Mapping[str, Any], sources: Sequence[Mapping[str, Any]]) -> None:
    """The app reads the warehouse, and nothing followed: make sure that something could have."""
    if canary["restart_failed"]:
        why = f"started anew to see other data, the app did not come up: {canary['restart_failed']}"
        raise Unmeasured("unmeasured.canary_restart", why)
    if canary["cut"]:
        raise Unmeasured(
            "unmeasured.too_slow", "the app answers too slowly for reading it under four states of the data"
        )
    for source in sources:
        if source["shows_data"] and source["asked"] and not source["differed"]:
            line = f"the rows that {_name(source)} asked for are the same under both data, which proves nothing"
            raise Unmeasured("unmeasured.canary_blind", line)
        if source["from_rows"]:
            rows = ", ".join(source["from_rows"])
            line = f"{_name(source)} shows values of the rows that it asked for ({rows}), none that follow the data"
            raise Unmeasured("unmeasured.canary_blind", line)
    if canary["unrepeated"]:
        line = f"{canary['unrepeated']} of its statements did not come again under other data (results kept on disk?)"
        raise Unmeasured("unmeasured.canary_blind", line)


def _refuse_unseen(queries: Mapping[str, Any]) -> None:
    """Nothing was shown: make sure that we asked for what there is."""
    if old := queries["old_dates"]:
        line = f"nothing was found for {old['date']}, and the sample data here end yesterday: {old['statement']}"
        raise Unmeasured("unmeasured.other_dates", line)
    if queries["driver_files"] and queries["unasked"]:
        left = queries["unasked"][0]
        raise Unmeasured("unmeasured.not_exercised", f"no data where we could ask; {left['path']}: {left['why']}")


def _without_data(sources: Sequence[Mapping[str, Any]], queries: Mapping[str, Any]) -> Finding:
    answered = [s for s in sources if s["method"] != "PAGE"]
    shown = next((s for s in answered if s["shows_data"] and not s["error"]), None)
    if shown is not None:
        return failed("data.mock", f"the values of {_name(shown)} {_origin(queries)}")
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
        return failed("data.empty", f"none of {len(answered)} sources gives a row or a figure")
    return failed("data.no_endpoint", "no endpoint that gives data was found, and the page shows none")


def _origin(queries: Mapping[str, Any]) -> str:
    if queries["read"]:
        return f"do not follow {_data(queries)}"
    if first := queries["first_failed"]:
        return f"come from nowhere: its statements failed, the first with {first['error']}"
    store = queries.get("store", "the warehouse")
    return f"come from nowhere: {'no table was read' if queries['asked'] else f'{store} was never asked'}"


def _data(queries: Mapping[str, Any]) -> str:
    return (
        "the warehouse's data"
        if queries.get("store", "the warehouse") == "the warehouse"
        else f"the data of {queries['store']}"
    )


def _name(source: Mapping[str, Any]) -> str:
    return "the page" if source["method"] == "PAGE" else str(source["path"])


def test_data_returned(app: App, verdict: GiveVerdict) -> None:
    verdict(judge, app)
