"""Reading reports of the older framework: every generation of them, and whatever else stands in such a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reports.older.reading import older_from_json, read_older
from reports.older.report import OlderReport

GOOD: dict[str, Any] = {
    "build_success": True, "runtime_success": True, "type_safety": False, "tests_pass": True,
    "databricks_connectivity": True, "data_returned": False, "ui_renders": True, "local_runability_score": 4,
    "deployability_score": 2, "test_coverage_pct": 61.5, "total_loc": 12, "has_dockerfile": True, "has_tests": True,
    "build_time_sec": 14.2, "startup_time_sec": 6.1, "appeval_100": 38.3, "eff_units": 120.5, "template_type": "trpc",
}  # fmt: skip
NAMES = (
    "build_success", "runtime_success", "type_safety", "tests_pass", "databricks_connectivity", "data_returned",
    "ui_renders", "local_runability", "deployability",
)  # fmt: skip


def entry(name: str = "sales", issues: Any = (), **other: Any) -> dict[str, Any]:
    return {"app_name": name, "app_dir": f"/app/{name}", "metrics": {**GOOD, **other}, "issues": list(issues)}


def read(*entries: Any, **more: Any) -> OlderReport:
    return older_from_json(json.dumps({"summary": {}, "apps": list(entries), **more}))


def value(metric: str, **metrics: Any) -> float | None:
    raw = {"app_name": "a", "metrics": metrics}
    return older_from_json(json.dumps({"apps": [raw]})).apps["a"].values[metric]


def test_a_report_is_read_by_the_names_of_our_metrics() -> None:
    report = read(
        entry(), entry("churn", ["Tests failed"], tests_pass=False, has_tests=False), timestamp="20251120_030000"
    )
    assert list(report.apps) == ["sales", "churn"]
    sales = report.apps["sales"]
    assert [sales.values[name] for name in NAMES] == [1, 1, 0, 1, 1, None, 1, 4, 2]
    assert (sales.composite, sales.coverage, sales.build_seconds) == (38.3, 61.5, 14.2)
    assert (sales.has_tests, sales.has_dockerfile, sales.template) == (True, True, "trpc")
    churn = report.apps["churn"]
    assert churn.values["tests_pass"] == 0
    assert churn.issues == ("Tests failed",)
    assert churn.speaks_of("Tests")
    assert not sales.speaks_of("Tests")
    assert report.column("tests_pass") == (1, 0)
    assert report.made == "20251120_030000"
    assert read(entry(), summary={"evaluated_at": "2025-11-20T03:00:00Z"}, timestamp="x").made == "2025-11-20T03:00:00Z"
    assert read(entry(template_type="t" * 100)).apps["sales"].template == "t" * 80


def test_what_was_stored_as_0_for_all_was_measured_by_nobody() -> None:
    off = {"databricks_connectivity": False, "data_returned": False, "test_coverage_pct": 0.0}
    report = read(entry("a", **off), entry("b", **off), entry("c", **off))
    words = "stored as 0 for all 3 apps: nobody measured it"
    assert report.blind == {"databricks_connectivity": words, "data_returned": words}
    assert [app.values["databricks_connectivity"] for app in report.apps.values()] == [None, None, None]
    assert f"test_coverage_pct is {words}" in report.notes
    assert report.apps["a"].values["ui_renders"] == 1


def test_a_check_that_left_an_issue_was_made() -> None:
    off = {"databricks_connectivity": False}
    report = read(entry("a", ["Databricks connectivity failed"], **off), entry("b", **off))
    assert "databricks_connectivity" not in report.blind
    assert report.apps["b"].values["databricks_connectivity"] == 0


def test_one_app_alone_shows_no_check_that_was_off() -> None:
    report = read(entry(databricks_connectivity=False, test_coverage_pct=0.0))
    assert report.blind == {}
    assert report.notes == ()
    assert report.apps["sales"].values["databricks_connectivity"] == 0


def test_a_check_that_is_never_left_out_may_fail_for_all() -> None:
    off = {"type_safety": False, "deployability_score": 0}
    report = read(entry("a", **off), entry("b", **off))
    assert report.apps["a"].values["type_safety"] == 0
    assert report.apps["a"].values["deployability"] == 0
    assert list(report.blind) == ["data_returned"]


def test_a_summary_that_counts_nothing_says_that_nobody_looked() -> None:
    counts = {"metrics_summary": {"type_safety": {"pass": 0, "fail": 0}, "tests_pass": {"pass": 0, "fail": 1}}}
    report = read(entry(tests_pass=False), summary=counts)
    assert "counts no app as passed and none as failed" in report.blind["type_safety"]
    assert report.apps["sales"].values["type_safety"] is None
    assert report.apps["sales"].values["tests_pass"] == 0


@pytest.mark.parametrize(
    ("metric", "metrics", "expected"),
    [
        ("type_safety", {"type_safety_pass": True}, 1),
        ("type_safety", {"type_safety": False, "type_safety_pass": True}, 0),
        ("type_safety", {"type_safety": 1}, 1),
        ("type_safety", {"type_safety": 0.5}, None),
        ("type_safety", {"type_safety": 2}, None),
        ("type_safety", {"type_safety": "true"}, None),
        ("type_safety", {"type_safety": None}, None),
        ("type_safety", {"type_safety": [True]}, None),
        ("type_safety", {}, None),
        ("data_returned", {"databricks_data_returned": True}, 1),
        ("data_returned", {"data_validity_score": 3}, 1),
        ("data_returned", {"data_validity_score": 2}, 0),
        ("data_returned", {"data_validity_score": 6}, None),
        ("ui_renders", {"ui_functional_score": True}, 1),
        ("ui_renders", {"ui_functional_score": 5}, 1),
        ("local_runability", {"runability_score": 3.5}, 3.5),
        ("local_runability", {"local_runability_score": 0}, 0),
        ("local_runability", {"local_runability_score": True}, None),
        ("local_runability", {"local_runability_score": 5.1}, None),
        ("local_runability", {"local_runability_score": -1}, None),
        ("deployability", {"deployability_score": float("nan")}, None),
        ("deployability", {"deployability_score": float("inf")}, None),
        ("deployability", {"deployability_score": 10**400}, None),
        ("deployability", {"deployability_score": {"points": 4}}, None),
    ],
)
def test_values_of_every_generation_and_of_none(metric: str, metrics: dict[str, Any], expected: float | None) -> None:
    assert value(metric, **metrics) == expected


def test_other_shapes_of_the_file() -> None:
    many = older_from_json(json.dumps({"eval_timestamp": "2025-11-01", "results": [entry("a"), entry("b")]}))
    assert (list(many.apps), many.made) == (["a", "b"], "2025-11-01")
    one = older_from_json(json.dumps(entry("alone")))
    assert list(one.apps) == ["alone"]
    objective = older_from_json(json.dumps({"app_name": "x", "objective_metrics": {"build_success": False}}))
    assert objective.apps["x"].values["build_success"] == 0


def test_notes_say_what_was_read_how() -> None:
    old = {"app_name": "a", "metrics": {"type_safety_pass": True, "data_validity_score": 4, "tests_pass": "yes"}}
    report = read(old, {"app_name": " ", "metrics": {}}, "nothing", {"app_name": "b", "metrics": 3}, old)
    assert "left out without a name or metrics: 3 of 5" in report.notes
    assert "1 app listed more than once: the last one counts" in report.notes
    assert "type_safety was read from type_safety_pass" in report.notes
    assert "data_returned was read from data_validity_score, 3 of 5 points as passed" in report.notes
    assert "tests_pass: 2 values of no use (a wrong type, or out of range): not known" in report.notes
    assert "build_success does not occur in it" in report.notes
    table = read({"app_name": "a", "metrics": {"runability_score": 4}})
    assert "local_runability was read from runability_score" in table.notes


def test_an_app_that_was_not_evaluated_is_not_known() -> None:
    report = read(entry("a", ["Docker-only apps not yet supported"], appeval_100=0.0), entry("b"))
    assert set(report.apps["a"].values.values()) == {None}
    assert report.apps["a"].composite is None
    assert report.apps["b"].values["build_success"] == 1
    assert "1 app of a kind that was not evaluated, and stored as 0: not known" in report.notes


def test_strangers_values_beside_the_metrics() -> None:
    odd = entry(
        has_tests="no",
        has_dockerfile=1,
        build_time_sec=-3,
        template_type=["x"],
        appeval_100=101,
        test_coverage_pct=True,
    )
    odd["issues"] = [1, "x" * 1000, *["y"] * 80]
    app = read(odd).apps["sales"]
    assert (app.has_tests, app.has_dockerfile, app.build_seconds, app.template) == (None, None, None, "")
    assert (app.composite, app.coverage) == (None, None)
    assert len(app.issues) == 50
    assert len(app.issues[0]) == 500
    assert read({**entry(), "issues": "Evaluation error"}).apps["sales"].issues == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "3",
        "{}",
        '{"apps": []}',
        '{"apps": {"a": 1}}',
        '{"apps": [{"app_name": 3, "metrics": {}}]}',
        "[" * 200_000,
    ],
)
def test_what_is_no_report_is_refused_with_what_to_do(text: str) -> None:
    with pytest.raises(ValueError, match=r"an older report is evaluation_report\.json"):
        older_from_json(text)


def test_reading_a_file(tmp_path: Path) -> None:
    path = tmp_path / "evaluation_report.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps({"apps": [entry("caf\u00e9")]}, ensure_ascii=False).encode())
    report = read_older(path)
    assert (report.name, list(report.apps)) == ("evaluation_report.json", ["caf\u00e9"])
    path.write_bytes(b'{"apps": [{"app_name": "\xff", "metrics": {}}]}')
    assert list(read_older(path).apps) == ["\ufffd"]


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nowhere\.json is no file"):
        read_older(tmp_path / "nowhere.json")
    with pytest.raises(ValueError, match="is no file"):
        read_older(tmp_path)
    large = tmp_path / "large.json"
    with large.open("wb") as stream:
        stream.truncate(50_000_001)
    with pytest.raises(ValueError, match="larger than 50 MB"):
        read_older(large)
    bad = tmp_path / "bad.json"
    bad.write_text("{")
    with pytest.raises(ValueError, match=r"bad\.json: not JSON"):
        read_older(bad)
