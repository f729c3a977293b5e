"""Metric 5, connectivity: while the app ran, the warehouse saw it complete a statement that reads a table."""

from fixtures.app import App
from fixtures.evidence import Evidence
from plugins.metric import Finding, failed, metric
from plugins.verdict import GiveVerdict


@metric("databricks_connectivity", number=5, kind="binary", role="scored", needs=["queries"], version=1)
def judge(evidence: Evidence) -> Finding:
    evidence["queries"]  # raises: there is no warehouse yet that could have seen anything
    return failed("connectivity.never_connected", "the warehouse saw no statement")


def test_databricks_connectivity(app: App, verdict: GiveVerdict) -> None:
    verdict(judge, app)
