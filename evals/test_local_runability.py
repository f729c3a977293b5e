"""Metric 8, local runability: somebody who follows the README gets the app running on a laptop."""

from fixtures.app import App
from fixtures.errors import Blocked, Unmeasured
from fixtures.evidence import Evidence
from plugins.metric import Finding, Point, metric, scored
from plugins.verdict import GiveVerdict


@metric("local_runability", number=8, kind="scored", role="scored", needs=["scan", "install", "quickstart"], version=2)
def judge(evidence: Evidence) -> Finding:
    scan, install = evidence["scan"], evidence["install"]
    readme, variables = scan.facts["readme"], scan.facts["variables"]
    documented = readme["start"] is not None
    clean = install.ok and install.facts["clean"]
    why_not_clean = install.problem.message if install.problem else "; ".join(
        f"{entry['folder']}: {entry['note']}" if entry["folder"] else entry["note"]
        for entry in install.facts["installed"] if not entry["clean"]
    )  # fmt: skip
    needs_install = not install.ok or any(entry["manager"] for entry in install.facts["installed"])
    lacking = [
        what
        for what, there in (("install", readme["has_install"] or not needs_install), ("start", documented))
        if not there
    ]
    no_readme = "no README" if readme["path"] is None else f"no {' and no '.join(lacking)} command"
    lacks = ", ".join(variables["missing"][:5])
    covered = not variables["missing"] if variables["example_file"] is not None else variables.get("none", False)
    no_example = "no .env.example" if variables["example_file"] is None else f"lacks {lacks}"
    started, start_detail, healthy, health_detail = _started(evidence)
    return scored([
        Point("README", not lacking, no_readme),
        Point("env example", covered, no_example),
        Point("clean install", clean, why_not_clean),
        Point("documented start", started, start_detail),
        Point("health and smoke", healthy, health_detail),
    ], "runability")  # fmt: skip


def _started(evidence: Evidence) -> tuple[bool | None, str, bool | None, str]:
    try:
        quickstart = evidence["quickstart"]
    except Unmeasured as nobody:
        return None, nobody.message, None, nobody.message
    except Blocked as error:
        return False, f"{error.stage} failed", False, f"{error.stage} failed"
    if quickstart.problem is not None:
        return False, quickstart.problem.message, False, "not started"
    smoke = quickstart.facts["smoke"]
    if quickstart.facts["health_route"] is None:
        return True, "", False, "no health route"
    return True, "", smoke["ok"], f"{smoke['path']} answered {smoke['status']}"


def test_local_runability(app: App, verdict: GiveVerdict) -> None:
    verdict(judge, app)
