"""`--warehouse=live` on small servers that ask a workspace of this machine, through their whole way to two verdicts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from evals.test_data_returned import judge as judge_data
from evals.test_databricks_connectivity import judge as judge_connectivity
from fixtures.machine import Machine
from tests.conformance.test_canary import PAGE, SERVER
from tests.unit.fixtures.warehouse.live.fake import FakeWorkspace, Result, Served
from tests.world import World, shared_machine

QUERY = "SELECT region, revenue FROM main.sales.totals"
ROWS: list[list[str | None]] = [["North", "1234567.89"], ["South", "987654.32"], ["West", "456789.01"]]
COLUMNS = (("region", "STRING"), ("revenue", "DOUBLE"))


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with shared_machine(tmp_path_factory.mktemp("live")) as made:
        yield made


@pytest.fixture
def workspace() -> Iterator[FakeWorkspace]:
    server = Served()
    workspace = server.workspace()
    workspace.results[QUERY] = Result(COLUMNS, ROWS)
    yield workspace
    server.close()


@pytest.fixture
def world(
    tmp_path: Path, machine: Machine, workspace: FakeWorkspace, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    for name, value in workspace.settings().items():
        monkeypatch.setenv(name, value)
    made = World(tmp_path, machine, warehouse="live")
    yield made
    made.machine.warehouse.close()
    made.close()


def evaluate(world: World, routes: str) -> None:
    package = {"name": "x", "type": "module", "scripts": {"start": "node server.js"}}
    server = SERVER.replace("https://", "http://").replace("ROUTES", PAGE + routes)
    world.use({"package.json": json.dumps(package), "server.js": server})
    for name in ("start", "probe", "queries", "comparison", "stop"):
        assert world.stage(name).problem is None, world.results[name]


def test_an_app_that_shows_what_it_queries(world: World, workspace: FakeWorkspace) -> None:
    evaluate(world, f'app.get("/api/totals", () => sql("{QUERY}"));')
    connectivity, data = judge_connectivity(world.evidence()), judge_data(world.evidence())
    assert (connectivity.low, data.low) == (1, 1)
    assert "main.sales.totals" in connectivity.line
    assert data.line.startswith("live: ")
    assert "1234567.89" in data.line
    asked = [entry for entry in workspace.entries if entry["client_application"] == "an app"]
    assert len(asked) == world.results["queries"].facts["asked"] + 1  # and once more to be compared


def test_an_app_that_makes_up_its_rows(world: World) -> None:
    evaluate(
        world, f'app.get("/api/totals", async () => {{ await sql("{QUERY}"); return [{{ revenue: 31415.92 }}]; }});'
    )
    assert judge_connectivity(world.evidence()).low == 1
    assert judge_data(world.evidence()).reason == "data.mock"


def test_an_app_whose_statements_fail(world: World) -> None:
    evaluate(world, 'app.get("/api/totals", () => sql("SELEC nothing"));')
    assert judge_connectivity(world.evidence()).reason == "connectivity.all_statements_failed"
    assert judge_data(world.evidence()).reason == "data.error"


def test_an_app_that_never_asks(world: World) -> None:
    evaluate(world, 'app.get("/api/totals", () => [{ revenue: 31415.92 }]);')
    world.results["queries"].facts["driver_files"].clear()
    finding = judge_connectivity(world.evidence())
    assert finding.reason == "connectivity.never_connected"
    assert "refused" in finding.line
    assert judge_data(world.evidence()).reason == "data.mock"


def test_one_app_at_a_time(world: World) -> None:
    evaluate(world, "")
    world.stage("start")
    assert "warehouse claim" in world.live
    world.stage("stop")
    assert "warehouse claim" not in world.live
