"""metrics_csv: stable columns, empty cells for what nobody knows."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

from reports.csv import metrics_csv
from reports.model import Run


def rows(run: Run) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(metrics_csv(run))))


def test_one_row_per_app_with_a_value_or_an_interval(seven: Run) -> None:
    table = {row["app"]: row for row in rows(seven)}
    assert len(table) == 7
    churn, unmeasured, template = table["churn"], table["unmeasured"], table["template"]
    assert [churn[f"appeval_100{end}"] for end in ("", "_low", "_high")] == ["82", "82", "82"]
    assert [unmeasured[f"appeval_100{end}"] for end in ("", "_low", "_high")] == ["", "81", "100"]
    assert [template[n] for n in ("appeval_100", "uncapped_high", "label")] == ["60", "100", "unmodified template"]
    assert (churn["success_low"], churn["success_high"], churn["stack"]) == ("1", "1", "trpc")


def test_every_metric_has_state_ends_and_reason(seven: Run) -> None:
    table = {row["app"]: row for row in rows(seven)}
    for metric in seven.metrics:
        assert {f"{metric.name}_{part}" for part in ("state", "low", "high", "reason")} <= set(table["churn"])
    churn, broken = table["churn"], table["broken-build"]
    assert (churn["type_safety_state"], churn["type_safety_low"]) == ("FAIL", "0")
    assert (broken["ui_renders_state"], broken["ui_renders_reason"]) == ("BLOCKED", "blocked.build")
    unmeasured = table["unmeasured"]
    assert [unmeasured[f"local_runability_{p}"] for p in ("state", "low", "high")] == ["UNMEASURED", "1", "5"]
    not_applicable = next(row for row in table.values() if row["databricks_connectivity_state"] == "NOT_APPLICABLE")
    assert not_applicable["databricks_connectivity_low"] == ""


def test_measurements_and_generation(seven: Run) -> None:
    first, second, *_ = rows(seven)
    names = ("lines_of_code", "build_seconds", "coverage_percent", "bundle_kb", "tests_total")
    assert [first[name] for name in names] == ["1234", "12.34", "81", "77", ""]
    made = ("cost_usd", "tokens", "turns", "validation_runs", "eff_units")
    assert [first[name] for name in made] == ["0.61", "160104", "38", "4", "202.104"]
    assert {second[name] for name in (*names, *made)} == {""}


def test_columns_do_not_depend_on_what_was_measured(seven: Run, no_apps: Run) -> None:
    bare = replace(seven, apps=seven.apps[1:2])
    assert metrics_csv(bare).splitlines()[0] == metrics_csv(no_apps).splitlines()[0]
    assert metrics_csv(no_apps).count("\n") == 1


def test_epochs_are_means_and_lists(epochs: Run) -> None:
    (row,) = rows(epochs)
    assert (row["runtime_success_state"], row["runtime_success_low"]) == ("PASS;FAIL;PASS", "0.666667")
    assert (row["build_success_state"], row["appeval_100_spread"]) == ("PASS", "15")
    assert (row["tests_pass_low"], row["tests_pass_high"]) == ("0.333333", "0.666667")


def test_hostile_names(seven: Run) -> None:
    names = ('=HYPERLINK("http://x","y")', "+1", 'a,"b"\nc\x1b[31m', "-\ud800")
    apps = tuple(replace(app, app=name) for app, name in zip(seven.apps, names, strict=False))
    found = [row["app"] for row in rows(replace(seven, apps=apps))]
    assert found == ['\'=HYPERLINK("http://x","y")', "'+1", 'a,"b" c', "'-\ufffd"]


def test_a_number_that_is_none_is_empty(seven: Run) -> None:
    app = replace(seven.apps[0], measurements={"build_seconds": float("nan")})
    assert rows(replace(seven, apps=(app,)))[0]["build_seconds"] == ""
