"""Metric 5, connectivity: as the app ran, its store (warehouse, Postgres) completed a statement that reads a table."""

from evals.unreached import refuse_unreached
from fixtures.app import App
from fixtures.errors import Unmeasured
from fixtures.evidence import Evidence
from plugins.metric import Finding, failed, metric, passed
from plugins.verdict import GiveVerdict

_NEEDS = ["page", "probe", "queries"]  # the first two make the app ask


@metric("databricks_connectivity", number=5, kind="binary", role="scored", needs=_NEEDS, version=3)
def judge(evidence: Evidence) -> Finding:
    facts = evidence["queries"].facts
    if facts["read"]:
        tables = ", ".join(facts["read"])
        where = (
            ""
            if facts.get("read_at", ["the warehouse"]) == ["the warehouse"]
            else f" at {' and '.join(facts['read_at'])}"
        )
        return passed(f"{facts['succeeded']} of {facts['asked']} statements completed{where}; tables: {tables}")
    if unsupported := facts["first_unsupported"]:
        raise Unmeasured("unmeasured.unsupported_sql", f"{unsupported['error']} in {unsupported['statement']}")
    if facts["asked"] and not facts["succeeded"] and (first := facts["first_failed"]):
        line = f"all {facts['asked']} statements failed, the first with {first['error']} in {first['statement']}"
        if facts["own_tables_refused"]:
            line += f"; its own tables were refused: {facts['own_tables_refused']}"
        return failed("connectivity.all_statements_failed", line)
    if facts["asked"]:
        return failed("connectivity.no_table_read", f"{facts['asked']} statements, and none that read a table")
    if facts["rejected"]:
        return failed(
            "connectivity.auth_rejected",
            f"{facts.get('store', 'the warehouse')} refused the app: {facts['rejected'][0]}",
        )
    if facts["sessions"] or facts["connections"]:
        return failed("connectivity.no_table_read", "the app connected and asked nothing")
    refuse_unreached(facts)
    if facts.get("ended"):
        return failed("connectivity.server_gone", "the server ended by itself before it asked anything")
    unseen = ", whose history shows no refused request" if facts["warehouse"] == "live" else ""
    called = f"the page was loaded and {facts['called']} endpoints were called"
    return failed(
        "connectivity.never_connected",
        f"{facts.get('store', 'the warehouse')}{unseen} saw no connection while {called}",
    )


def test_databricks_connectivity(app: App, verdict: GiveVerdict) -> None:
    verdict(judge, app)
