"""Metric 6, data: values of the app's store come out of it: they are stable, change with its data, and return."""

from collections.abc import Mapping, Sequence
from typing import Any

from evals.unreached import refuse_unreached
from fixtures.app import App
from fixtures.errors import Unmeasured
from fixtures.evidence import Evidence
from fixtures.running.page_words import figures
from plugins.metric import Finding, failed, metric, passed
from plugins.verdict import GiveVerdict

_FIGURES = 2  # fewer may be a year or a page number
_NEEDS = ["page", "probe", "queries", "canary", "comparison"]


@metric("data_returned", number=6, kind="binary", role="scored", needs=_NEEDS, version=3)
def judge(evidence: Evidence) -> Finding:
    queries, page = evidence["queries"].facts, _page(evidence)
    if queries["warehouse"] == "live":
        return _compared(evidence["comparison"].facts, queries, page)
    canary = evidence["canary"].facts
    sources: Sequence[Mapping[str, Any]] = canary["sources"]
    proofs = [source for source in sources if source["proven"]]
    if proofs:
        return passed(_followed(proofs, sources, queries))
    if unsupported := queries["first_unsupported"]:
        raise Unmeasured("unmeasured.unsupported_sql", f"{unsupported['error']} in {unsupported['statement']}")
    if queries["read"]:
        _refuse_blind(canary, sources, page)
    else:
        refuse_unreached(queries)
    finding = _without_data(sources, queries, page)
    if canary.get("filling_refused") and finding.reason in ("data.empty", "data.error", "data.error_hidden"):
        line = "its tables are empty, and it does not bear rows of ours in them: nothing could be shown"
        raise Unmeasured("unmeasured.canary_blind", line)
    of_page = finding.reason == "data.mock" and not any(_shows_well(source) for source in sources)
    if of_page or finding.reason in ("data.empty", "data.no_endpoint"):
        _refuse_unseen(queries)
    return finding


def _page(evidence: Evidence) -> Mapping[str, Any]:
    """What the stage `page` saw; nothing where there is none."""
    page = evidence.get("page")
    return page.facts if page is not None and page.ok else {}


def _shows_well(source: Mapping[str, Any]) -> bool:
    """Whether an endpoint gives rows or figures."""
    return source["method"] != "PAGE" and source["shows_data"] and not source["error"]


def _compared(facts: Mapping[str, Any], queries: Mapping[str, Any], page: Mapping[str, Any]) -> Finding:
    """Where the data cannot be changed: whether the rows of the app's own queries are what it shows."""
    if not queries["read"]:
        refuse_unreached(queries)
        return _without_data(facts["sources"], queries, page)
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
    return _without_data(facts["sources"], queries, page)


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


def _refuse_blind(canary: Mapping[str, Any], sources: Sequence[Mapping[str, Any]], page: Mapping[str, Any]) -> None:
    """The app reads the warehouse, and nothing followed: make sure that something could have."""
    if canary["restart_failed"]:
        why = f"started anew to see other data, the app did not come up: {canary['restart_failed']}"
        raise Unmeasured("unmeasured.canary_restart", why)
    if canary["cut"]:
        raise Unmeasured(
            "unmeasured.too_slow", "the app answers too slowly for reading it under four states of the data"
        )
    for source in sources:
        shows = source["shows_data"] or (source["method"] == "PAGE" and _has_charts(page))
        if shows and source["asked"] and not source["differed"]:
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


def _has_charts(page: Mapping[str, Any]) -> bool:
    """Whether pictures stand in a page from which nothing was withheld: they may well show what it asked for."""
    return bool(page.get("pictures")) and not page.get("markers") and not _in_vain(page)


def _in_vain(page: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What the page asked for and did not get: the answer was an error, or just a page."""
    asked = page.get("requests", ())
    return [r for r in asked if r["status"] >= 400 or (r.get("kind") == "text/html" and not r.get("plumbing"))]


def _without_data(sources: Sequence[Mapping[str, Any]], queries: Mapping[str, Any], page: Mapping[str, Any]) -> Finding:
    answered = [s for s in sources if s["method"] != "PAGE"]
    shown = next(filter(_shows_well, answered), None)
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
    return _without_endpoint(answered, queries, page)


def _without_endpoint(
    answered: Sequence[Mapping[str, Any]], queries: Mapping[str, Any], page: Mapping[str, Any]
) -> Finding:
    """What the page tells where no endpoint gives data. Values beside a question in vain may be computed in it."""
    if queries.get("ended"):
        return failed("data.server_gone", "the server ended by itself before it gave any data")
    lost = [request for request in _in_vain(page) if request["status"] >= 500]
    if lost and queries["read"] and not answered:
        asked = f"{lost[0]['method']} {lost[0]['path'].partition('?')[0]}"
        return failed("data.error", f"its rows never reach the page: {asked} answers {lost[0]['status']}")
    values = tuple(dict.fromkeys(figures(page.get("lines", ()))))
    if len(values) >= _FIGURES and not _in_vain(page):
        return failed("data.mock", f"the values of the page ({', '.join(values[:3])}) {_origin(queries)}")
    shown = "no figures" if not values else f"one figure only ({values[0]})"
    if len(values) >= _FIGURES:
        shown = "its figures beside requests that gave it nothing"
    if answered:
        return failed("data.empty", f"none of {len(answered)} sources gives a row or a figure")
    return failed("data.no_endpoint", f"no endpoint that gives data was found, and the page shows {shown}")


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
