"""Metric 6, data: an endpoint or the page shows rows that came from the warehouse."""

from fixtures.app import App
from fixtures.evidence import Evidence
from plugins.metric import Finding, failed, metric
from plugins.verdict import GiveVerdict


@metric("data_returned", number=6, kind="binary", role="scored", needs=["queries"], version=1)
def judge(evidence: Evidence) -> Finding:
    evidence["queries"]  # raises: there is no warehouse yet whose rows could come out
    return failed("data.no_endpoint", "no row of the warehouse came out")


def test_data_returned(app: App, verdict: GiveVerdict) -> None:
    verdict(judge, app)
