"""A run beside an older report: what is equal, what the definitions explain, what is left to explain."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from reports.comparison import Change, compare
from reports.model import AppResult, Run
from reports.older.agreement import (
    Agreement,
    AgreementRow,
    agreement_table,
    agreement_text,
    parity_with_older,
    side_of_older,
)
from reports.older.reading import older_from_json
from reports.older.report import OlderReport
from reports.sides import side_of_run

MakeApp = Callable[..., AppResult]
MakeRun = Callable[..., Run]
ALL = "P P P P P P P 5 5"
PASSED: dict[str, Any] = {
    "build_success": True, "runtime_success": True, "type_safety": True, "tests_pass": True,
    "databricks_connectivity": True, "data_returned": True, "ui_renders": True, "local_runability_score": 5,
    "deployability_score": 5, "has_tests": True, "has_dockerfile": True, "build_time_sec": 3.0, "appeval_100": 100.0,
}  # fmt: skip


def report(*apps: tuple[str, dict[str, Any]], **more: Any) -> OlderReport:
    listed = [{"app_name": name, "metrics": {**PASSED, **values}, "issues": []} for name, values in apps]
    return older_from_json(json.dumps({"apps": listed, **more}), "older.json")


def row(agreement: Agreement, head: str) -> AgreementRow:
    return next(found for found in agreement.rows if found.head == head)


def test_what_agrees_is_equal_and_not_mentioned(app_of: MakeApp, run_of: MakeRun) -> None:
    run = run_of(app_of("a", ALL, 100, 100), app_of("b", ALL, 100, 100), profile="gated-1")
    agreement = parity_with_older(run, report(("a", {}), ("b", {})))
    assert [(r.apps, r.compared, r.equal, r.disagreements, r.blind) for r in agreement.rows] == [(2, 2, 2, (), "")] * 10
    text = agreement_text(agreement)
    assert "no difference follows from the definitions\nno difference\n" in text
    assert "not compared" not in text


def test_differences_are_told_apart(app_of: MakeApp, run_of: MakeRun) -> None:
    """`type_safety` failed with its own code, of which no definition says anything; connectivity is one of ours."""
    marks = "P P P P F P P 5 5"
    app = app_of("a", marks, 90, 90)
    told = {"databricks_connectivity": "connectivity.never_connected"}
    verdicts = tuple(replace(v, reason=told.get(v.metric, v.reason)) for v in app.verdicts)
    run = run_of(replace(app, verdicts=verdicts), app_of("b", "P P F P P P P 5 5", 85, 85))
    agreement = parity_with_older(run, report(("a", {}), ("b", {})))
    connected, types = row(agreement, "5 databricks"), row(agreement, "3 type")
    assert (connected.compared, connected.equal) == (2, 1)
    assert [d.app for d in connected.explained] == ["a"]
    assert connected.unexplained == ()
    assert types.explained == ()
    assert [(d.app, d.there, d.here, d.definition) for d in types.unexplained] == [("b", "PASS", "FAIL", None)]
    text = agreement_text(agreement)
    assert "3 differences by definition:" in text, "connectivity, and two scores by another formula"
    assert "  5 databricks, 1 app: a\n      there an endpoint that answered was connected" in text
    assert "1 difference that no definition explains:\n  3 type  b: PASS there, FAIL here: type_safety says F\n" in text
    lines = agreement_table(agreement)
    assert lines[0].split() == ["apps", "compared", "equal", "by", "definition", "not", "explained"]
    assert lines[5].split() == ["5", "databricks", "2", "2", "1", "1", "0"]
    assert lines[3].split() == ["3", "type", "2", "2", "1", "0", "1"]


def test_everything_explained_says_so(app_of: MakeApp, run_of: MakeRun) -> None:
    run = run_of(app_of("a", "P P P P P P P 5 4", 95, 95))
    text = agreement_text(parity_with_older(run, report(("a", {}))))
    assert "  9 deployability, 1 app: a\n      other points" in text
    assert "every difference is explained" in text


def test_a_column_that_nobody_measured_is_told_and_not_compared(app_of: MakeApp, run_of: MakeRun) -> None:
    run = run_of(app_of("a", ALL, 100, 100), app_of("b", ALL, 100, 100))
    off = {"databricks_connectivity": False}
    agreement = parity_with_older(run, report(("a", off), ("b", off)))
    connected = row(agreement, "5 databricks")
    assert (connected.apps, connected.compared, connected.disagreements) == (2, 0, ())
    said = "not compared:\n  5 databricks: stored as 0 for all 2 apps: nobody measured it\n"
    assert said in agreement_text(agreement)


@pytest.mark.parametrize("mark", ["?", "!", "-"])
def test_what_is_unknown_here_is_no_difference(app_of: MakeApp, run_of: MakeRun, mark: str) -> None:
    run = run_of(app_of("a", f"P P {mark} P P P P 5 5", 85, 100))
    types = row(parity_with_older(run, report(("a", {}))), "3 type")
    assert (types.apps, types.compared, types.disagreements) == (1, 0, ())


@pytest.mark.parametrize(
    ("profile", "marks", "values", "labels", "words"),
    [
        ("weighted-1", ALL, {}, (), "another formula"),
        ("gated-1", "P P P P P P P 5 4", {}, (), "follows from the metrics that differ"),
        ("gated-1", "P P F P P P P 5 4", {}, (), None),
        ("gated-1", ALL, {"ui_renders": False}, (), "there what nobody measured counted as 0"),
        ("gated-1", ALL, {}, ("unmodified template",), "here a label caps the score"),
        ("gated-1", ALL, {}, (), None),
    ],
)
def test_the_score(
    app_of: MakeApp,
    run_of: MakeRun,
    profile: str,
    marks: str,
    values: dict[str, Any],
    labels: tuple[str, ...],
    words: str | None,
) -> None:
    run = run_of(app_of("a", marks, 70, 70, labels=labels), app_of("b", marks, 100, 100), profile=profile)
    score = row(parity_with_older(run, report(("a", values), ("b", values))), "score")
    assert (score.compared, score.equal) == (2, 1)
    (found,) = score.disagreements
    assert (found.app, found.there, found.here) == ("a", "100.0", "70.0")
    assert (found.definition is None) is (words is None)
    assert (words or "") in (found.definition or "")


def test_a_report_without_scores_says_so(app_of: MakeApp, run_of: MakeRun) -> None:
    agreement = parity_with_older(run_of(app_of("a", ALL, 100, 100)), report(("a", {"appeval_100": None})))
    assert row(agreement, "score").blind == "no appeval_100 is stored"
    assert row(agreement, "score").compared == 0


def test_apps_of_one_side_and_notes(app_of: MakeApp, run_of: MakeRun) -> None:
    run = run_of(app_of("a", ALL, 100, 100), app_of("mine\x1b[2J", ALL, 100, 100), partial=True)
    older = report(("a", {"type_safety": "yes"}), ("theirs", {}), timestamp="2025-11-20")
    text = agreement_text(parity_with_older(run, older))
    assert text.startswith("run 20260102-030405 beside the older report older.json (made 2025-11-20)\n")
    assert "only in the older report, 1 app: theirs\n" in text
    assert "only in the run, 1 app: mine\n" in text
    assert "CAUTION: 20260102-030405 is a partial run" in text
    assert "note: type_safety: 1 value of no use" in text


def test_text_from_strangers_is_made_safe(app_of: MakeApp, run_of: MakeRun) -> None:
    name = "evil\x1b[31m\u202e\r\nname"
    app = app_of(name, "P P F P P P P 5 5", 85, 85)
    told = tuple(replace(v, evidence="\x1b]0;title\x07line\nline") for v in app.verdicts)
    text = agreement_text(parity_with_older(run_of(replace(app, verdicts=told)), report((name, {}))))
    assert "  3 type  evil name: PASS there, FAIL here: line line\n" in text
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_long_lists_are_cut(app_of: MakeApp, run_of: MakeRun) -> None:
    run = run_of(*(app_of(f"a{i}", "P P F P P P P 5 5", 85, 85) for i in range(230)))
    text = agreement_text(parity_with_older(run, report(*((f"a{i}", {}) for i in range(230)))))
    assert "230 differences that no definition explains:" in text
    assert "  … and 30 more\n" in text


def test_an_older_report_is_a_side_of_a_comparison(app_of: MakeApp, run_of: MakeRun) -> None:
    run = run_of(app_of("a", "F P P P P P P 2 5", 60, 60))
    older = report(("a", {"local_runability_score": 3, "ui_renders": "?"}))
    comparison = compare(side_of_older(older, run.metrics), side_of_run(run), run.metrics)
    changes = [r.pairs[0].change for r in comparison.rows]
    assert changes[0] is Change.BROKEN
    assert changes[7] is Change.BROKEN, "3 of 5 was passed there"
    assert changes[6] is Change.NOT_COMPARABLE
    assert comparison.worlds == ()
    assert comparison.old.cautions[0].startswith("older.json is a report of the older framework")
    assert comparison.score.pairs[0].change is Change.CHANGED


def test_a_tenth_metric_of_ours_is_not_compared(app_of: MakeApp, run_of: MakeRun) -> None:
    run = run_of(app_of("a", ALL, 100, 100))
    tenth = type(run.metrics[0])("accessible", 10, "Metric 10", "binary", "scored", 1)
    agreement = parity_with_older(run_of(*run.apps, metrics=(*run.metrics, tenth)), report(("a", {})))
    assert row(agreement, "10 accessible").compared == 0
