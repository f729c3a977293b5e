"""Metric 2, runtime: the built app starts, keeps running, and answers its health route within 30 s."""

from fixtures.app import App
from fixtures.evidence import Evidence
from plugins.metric import Finding, failed, metric, passed
from plugins.verdict import GiveVerdict


@metric("runtime_success", number=2, kind="binary", role="scored", needs=["start", "stop"], version=2)
def judge(evidence: Evidence) -> Finding:
    start = evidence["start"]
    if start.problem is not None:
        return failed(start.problem.code, start.problem.message)
    if unhealthy := start.facts.get("unhealthy"):
        return failed(unhealthy["code"], unhealthy["message"])
    stop = evidence["stop"]
    if not stop.facts["alive"]:
        if limit := stop.facts["killed_by"]:
            return failed(f"runtime.{limit}", f"it was healthy and then went over the {limit} limit")
        line = f"it was healthy and then exited {stop.facts['exit_code']}: {stop.facts['last_words']}"
        return failed("runtime.died", line)
    route, status, seconds = (start.facts[name] for name in ("health_route", "health_status", "seconds"))
    port = f", on port {start.facts['port']} whatever it was given" if start.facts["port_ignored"] else ""
    return passed(f"{route} answered {status} after {seconds:.1f} s{port} ({start.facts['form']})")


def test_runtime_success(app: App, verdict: GiveVerdict) -> None:
    verdict(judge, app)
