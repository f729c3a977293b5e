"""The table of apps: the same columns every day, nothing where nobody knows, and always a table that can be read."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from reports.app_table import app_table
from reports.model import AppResult, Run
from tests.unit.reports.conftest import BLIND, HOSTILE, METRICS

RunOf = Callable[..., Run]
AppOf = Callable[..., AppResult]
GOOD = "P P P P P P P 5 5"


def rows(run: Run, **traces: list[str]) -> dict[str, dict[str, Any]]:
    """As a reader gets them: through JSON."""
    raw = json.loads(app_table(run, traces).to_json())
    assert set(raw) == {"columns", "data"}
    assert len(set(raw["columns"])) == len(raw["columns"])
    return {row["app"]: row for row in (dict(zip(raw["columns"], cells, strict=True)) for cells in raw["data"])}


def test_columns_do_not_hang_on_the_apps(seven: Run, no_apps: Run, app_of: AppOf, run_of: RunOf) -> None:
    empty = app_table(no_apps, {})
    assert empty.rows == ()
    plain_app = run_of(app_of("one", GOOD, 100, 100))
    assert app_table(plain_app, {"one": ["tr-1"]}).columns == empty.columns
    more = [name for name in app_table(seven, {}).columns if name not in empty.columns]
    assert {name.partition("_")[0] for name in more} == {"gen", "bundle"}, "only what a generator or a build adds"
    for metric in METRICS:
        wanted = {metric.name, *(f"{metric.name}_{part}" for part in ("state", "low", "high", "reason", "evidence"))}
        assert wanted <= set(empty.columns)


def test_what_nobody_knows_is_null_and_never_zero(seven: Run) -> None:
    table = rows(seven)
    app = table["unmeasured"]
    assert app["appeval_100"] is None
    assert (app["appeval_100_low"], app["appeval_100_high"]) == (81, 100)
    assert app["databricks_connectivity"] is None
    assert (app["databricks_connectivity_low"], app["databricks_connectivity_high"]) == (0, 1)
    assert (app["databricks_connectivity_state"], app["databricks_connectivity_reason"]) == (
        "UNMEASURED",
        "warehouse.none",
    )
    assert app["databricks_connectivity_evidence"] == BLIND
    assert app["local_runability"] is None
    assert [app[name] for name in ("cost_usd", "tokens", "eff_units", "coverage_percent", "trace_id", "prompt")] == [
        None
    ] * 6
    failed = table["broken-build"]
    assert (failed["build_success"], failed["runtime_success"], failed["deployability"]) == (0, 0, 0), "that is a zero"
    inapplicable = table["a-very-long-name-of-an-app-that-nobody-can-read-in-one-go"]
    assert [inapplicable[f"databricks_connectivity{part}"] for part in ("", "_low", "_high")] == [None] * 3


def test_traces_and_what_was_recorded(seven: Run, app_of: AppOf, run_of: RunOf) -> None:
    recorded = {"model": "m", "cost_usd": 0.5, "cached": True, "request_id": "r-1", "generated_at": "2026-01-01", "steps": [1],
                "bad name": 1}  # fmt: skip
    app = app_of("one", GOOD, 100, 100, generation=recorded, trace_ids={"generation": "tr-g"}, issues=("a", "b"))
    (row,) = rows(run_of(app), one=["tr-1", "tr-2"]).values()
    assert (row["trace_id"], row["evaluation_trace_id"], row["evaluation_trace_ids"]) == ("tr-g", "tr-1", "tr-1,tr-2")
    assert (row["gen_model"], row["gen_cost_usd"], row["gen_cached"]) == ("m", 0.5, 1.0)
    assert (row["request_id"], row["generated_at"], row["issues"]) == ("r-1", "2026-01-01", "a | b")
    assert {"gen_steps", "gen_bad name"} & row.keys() == set()
    assert row["run_id"] == run_of().id
    assert rows(seven)["churn"]["gen_turns"] is None, "others recorded it"


def test_epochs_are_means_and_lists(epochs: Run) -> None:
    (row,) = rows(epochs, flaky=["tr-1", "tr-2", "tr-3"]).values()
    assert (row["build_success"], row["build_success_state"]) == (1, "PASS")
    assert (row["runtime_success"], row["runtime_success_state"]) == (0.666667, "PASS;FAIL;PASS")
    assert row["tests_pass"] is None, "an epoch of it is not known"
    assert row["tests_pass_low"] < row["tests_pass_high"]
    assert row["local_runability"] == 3.666667
    assert row["runtime_success_evidence"] == "runtime_success says P | runtime_success says F"
    assert row["appeval_100_spread"] == 15.0


def test_hostile_text_is_plain(seven: Run) -> None:
    (name,) = [name for name in rows(seven) if "javascript" in name]
    assert name != HOSTILE
    assert not {"\x1b", "\u202e", "\n", "\r"} & set(name)
    long = replace(seven.apps[0], prompt="p" * 9000, labels=("l" * 9000,), issues=("\ud800 \x00",))
    (row,) = rows(replace(seven, apps=(long,))).values()
    assert (len(row["prompt"]), len(row["label"]), row["issues"]) == (2000, 2000, "\ufffd")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), 10**400])
def test_what_is_no_number_is_not_known(app_of: AppOf, run_of: RunOf, value: float) -> None:
    app = app_of(
        "one", GOOD, 100, 100, generation={"cost_usd": value, "odd": value}, measurements={"build_seconds": value}
    )
    (row,) = rows(run_of(app)).values()
    assert [row[name] for name in ("cost_usd", "gen_cost_usd", "gen_odd", "build_seconds")] == [None] * 4


def test_a_whole_number_that_no_reader_can_hold_is_a_float(app_of: AppOf, run_of: RunOf) -> None:
    (row,) = rows(run_of(app_of("one", GOOD, 100, 100, generation={"big": 10**30, "small": 7}))).values()
    assert (type(row["gen_big"]), row["gen_big"]) == (float, 1e30)
    assert (type(row["gen_small"]), row["gen_small"]) == (int, 7)


def test_an_app_does_not_fill_the_table_with_columns(app_of: AppOf, run_of: RunOf) -> None:
    flood = {f"a{number:03}": number for number in range(500)} | {"x" * 5000: 1}
    apps = [app_of(f"app-{i}", GOOD, 100, 100, generation={"model": "m"}) for i in range(3)]
    run = run_of(app_of("flood", GOOD, 100, 100, generation=flood), *apps)
    made = [name for name in app_table(run, {}).columns if name.startswith("gen_")]
    assert len(made) == 60
    assert "gen_model" in made, "what most apps have stays"
    assert max(map(len, made)) < 200
