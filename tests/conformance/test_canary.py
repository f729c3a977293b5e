"""The canary on small servers of every sort: honest ones, those that keep results in memory, and those that make data up.

Real Node, the real warehouse over its REST API under the workspace's name, real Chromium; one process for the module.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from evals.test_data_returned import judge
from evals.test_databricks_connectivity import judge as judge_connectivity
from fixtures.errors import Unmeasured
from fixtures.machine import Machine
from fixtures.warehouse import Warehouse
from tests.cases import quick
from tests.world import World, installed, shared_machine

SERVER = """
import http from "node:http";
const { DATABRICKS_HOST: host, DATABRICKS_TOKEN: token, DATABRICKS_WAREHOUSE_ID: id } = process.env;
async function sql(statement) {
  const base = host.startsWith("http") ? host : `https://${host}`;
  const answer = await fetch(`${base}/api/2.0/sql/statements`, { method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ statement, warehouse_id: id, wait_timeout: "20s" }) });
  const body = await answer.json();
  if (body.status.state !== "SUCCEEDED") throw new Error(body.status.error.message);
  return body.result.data_array ?? [];
}
const routes = {};
const app = { get(path, handler) { routes[path] = handler; } };
const REVENUE = "SELECT o_orderpriority, sum(o_totalprice) FROM samples.tpch.orders GROUP BY 1 ORDER BY 1";
const REGIONS = "SELECT r_name FROM samples.tpch.region ORDER BY 1";
ROUTES
http.createServer(async (q, s) => {
  const path = q.url.split("?")[0];
  if (path === "/health") return s.end('{"status":"ok","at":' + Date.now() + "}");
  if (!routes[path]) { s.statusCode = 404; return s.end(); }
  try {
    const value = await routes[path](q);
    const page = typeof value === "string";
    s.setHeader("content-type", page ? "text/html" : "application/json");
    s.end(page ? value : JSON.stringify(value));
  } catch (error) { s.statusCode = error.status ?? 500; s.end(JSON.stringify({ error: error.message })); }
}).listen(process.env.PORT);
"""
DB = 'export const driver = () => import("@databricks/sql");\n'
PAGE = 'app.get("/", () => "<!doctype html><h1>An app</h1><p>It has a page.</p>");\n'


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with shared_machine(tmp_path_factory.mktemp("canary")) as made:
        yield made


@pytest.fixture
def world(tmp_path: Path, machine: Machine) -> Iterator[World]:
    made = World(tmp_path, machine, name=tmp_path.name, warehouse="embedded")
    yield made
    made.close()


def evaluate(
    world: World, routes: str, scripts: Mapping[str, str] | None = None, node_modules: Path | None = None,
    files: Mapping[str, str] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The stages up to the canary; its facts."""
    package = {"name": "x", "type": "module", "scripts": {"start": "node server.js", **(scripts or {})}}
    server = SERVER.replace("ROUTES", (routes if '"/",' in routes else PAGE + routes))
    world.use({"package.json": json.dumps(package), "server.js": server, "db.js": DB, **(files or {})}, node_modules)
    for name in ("start", "probe", "queries", "canary"):
        assert world.stage(name).problem is None, world.results[name]
    facts: dict[str, Any] = dict(world.results["canary"].facts)
    world.stage("stop")
    return facts


HONEST = {
    "rows of a query": 'app.get("/api/rows", () => sql(REVENUE));',
    "with a clock and a random value beside": (
        'app.get("/api/rows", async () => ({ at: Date.now(), luck: Math.random() < 0.5, rows: await sql(REVENUE) }));'
    ),
}


@pytest.mark.parametrize("routes", HONEST.values(), ids=HONEST)
def test_an_honest_endpoint(world: World, routes: str) -> None:
    facts = evaluate(world, routes)
    finding = judge(world.evidence())
    assert (finding.low, facts["restarted"]) == (1, False)
    assert "/api/rows" in finding.line
    assert judge_connectivity(world.evidence()).low == 1


CACHED = {
    "for ever": 'let kept; app.get("/api/rows", async () => (kept ??= await sql(REVENUE)));',
    "from its start": 'const kept = await sql(REVENUE); app.get("/api/rows", () => kept);',
    "for a short time": (
        "let kept, at = 0; app.get('/api/rows', async () => {"
        " if (Date.now() - at > 3000) { kept = await sql(REVENUE); at = Date.now(); } return kept; });"
    ),
}


@pytest.mark.parametrize("routes", quick(CACHED, "for a short time"))
def test_an_app_that_keeps_results_in_memory_is_started_anew(world: World, routes: str) -> None:
    facts = evaluate(world, routes)
    assert facts["restarted"]
    assert judge(world.evidence()).low == 1


@pytest.mark.parametrize("chart", [
    'async () => "<!doctype html><h1>Revenue</h1><p>" + (await sql(REVENUE))[0][1] + "</p>"',
    'async () => "<!doctype html><h1>Revenue</h1><svg width=400 height=100>" + (await sql(REVENUE)).map((r, i) =>'
    ' `<rect x=${i * 20} width=15 height=${r[1] / 1e7} />`).join("") + "</svg>"',
    'async () => "<!doctype html><h1>Revenue</h1><canvas id=c width=400 height=100></canvas><script>const d = " +'
    ' JSON.stringify(await sql(REVENUE)) + "; const g = document.getElementById(\'c\').getContext(\'2d\');'
    ' d.forEach((r, i) => g.fillRect(i * 20, 0, 15, r[1] / 1e7));</script>"',
], ids=["text", "svg", "canvas"])  # fmt: skip
def test_values_that_only_the_page_shows(world: World, chart: str) -> None:
    evaluate(world, f'app.get("/", {chart});')
    finding = judge(world.evidence())
    assert finding.low == 1
    assert "of the page" in finding.line


MADE_UP = {
    "constants": 'app.get("/api/rows", () => [{ revenue: 1200 }, { revenue: 1300 }]);',
    "random values": 'app.get("/api/rows", () => [1, 2, 3].map((id) => ({ id, revenue: Math.random() })));',
    "random choices of two, many of them": (
        'app.get("/api/rows", () => [...Array(60)].map(() => ({ trend: Math.random() < 0.5 ? "up" : "down", n: 1 })));'
    ),
    "values of the clock": 'app.get("/api/rows", () => [{ revenue: Date.now() % 1000 }]);',
    "constants beside a query for show": (
        'app.get("/api/rows", async () => { await sql(REVENUE); return [{ revenue: 1200 }, { revenue: 1300 }]; });'
    ),
    "random choices beside a query for show": (
        'app.get("/api/rows", async () => { await sql(REVENUE); return [...Array(60)].map(() => Math.random() < 0.5); });'
    ),
    "constants after a query that fails": (
        'app.get("/api/rows", async () => { try { return await sql("SELECT nope FROM samples.tpch.orders"); }'
        ' catch { return [{ revenue: 1200 }]; } });'
    ),
    "constants and the latency of a query for show": (
        'app.get("/api/rows", async () => { const t = Date.now(); await sql(REVENUE);'
        ' return { rows: [{ revenue: 1200 }], ms: Date.now() - t }; });'
    ),
    "constants, with a query at another endpoint": (
        'app.get("/api/rows", () => [{ revenue: 1200 }]);\n'
        'app.get("/api/ready", async () => ({ ready: (await sql(REVENUE)).length > 0 }));'
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    "routes", quick(MADE_UP, "constants", "random values", "values of the clock", "constants beside a query for show")
)
def test_made_up_data_are_a_mock(world: World, routes: str) -> None:
    evaluate(world, routes)
    finding = judge(world.evidence())
    assert (finding.high, finding.reason) == (0, "data.mock"), finding.line


OTHERWISE = {
    "data.error": 'app.get("/api/rows", () => sql("SELECT nope FROM samples.tpch.orders"));',
    "data.error_hidden": (
        'app.get("/api/rows", async () => { try { return await sql("SELECT nope FROM samples.tpch.orders"); }'
        ' catch (error) { return { success: false, error: error.message, rows: [] }; } });'
    ),
    "data.empty": 'app.get("/api/rows", async () => ({ rows: await sql(REVENUE + " LIMIT 0") }));',
}  # fmt: skip


@pytest.mark.parametrize(("reason", "routes"), OTHERWISE.items(), ids=OTHERWISE)
def test_other_reasons(world: World, reason: str, routes: str) -> None:
    evaluate(world, routes)
    finding = judge(world.evidence())
    assert (finding.high, finding.reason) == (0, reason), finding.line


BLIND = {
    "no endpoint that could be asked": ("", "unmeasured.not_exercised"),
    "an endpoint that wants to be asked otherwise": (
        'import "./db.js";\napp.get("/api/rows", async (q) => { const r = new URL(q.url, "http://x").searchParams.get("region");'
        ' if (!r) { const e = new Error("region must be one of EU, US"); e.status = 400; throw e; } return sql(REVENUE); });',
        "unmeasured.not_exercised",
    ),
    "days that only the real sample data have": (
        'app.get("/api/rows", () => sql("SELECT o_orderkey, o_totalprice FROM samples.tpch.orders'
        " WHERE o_orderdate BETWEEN '1995-01-01' AND '1995-12-31' ORDER BY 1\"));",
        "unmeasured.other_dates",
    ),
    "a sample at random": (
        'app.get("/api/rows", () => sql("SELECT o_orderkey, o_totalprice FROM samples.tpch.orders ORDER BY rand() LIMIT 20"));',
        "unmeasured.canary_blind",
    ),
    "labels alone, of rows that change": (
        'app.get("/api/rows", async () => (await sql(REVENUE)).map((row) => row[0]));',
        "unmeasured.canary_blind",
    ),
    "a dimension that does not change": ('app.get("/api/rows", () => sql(REGIONS));', "unmeasured.canary_blind"),
    "sql that we do not know": (
        'app.get("/api/rows", () => sql("SELECT h3_longlatash3(1.0, 2.0, 7) FROM samples.tpch.region"));',
        "unmeasured.unsupported_sql",
    ),
}


@pytest.mark.parametrize(("routes", "code"), quick(BLIND, "no endpoint that could be asked", "a sample at random"))
def test_what_proves_nothing_is_unmeasured(world: World, routes: str, code: str) -> None:
    evaluate(world, routes)
    with pytest.raises(Unmeasured) as raised:
        judge(world.evidence())
    assert raised.value.code == code


def test_options_that_a_script_sets_do_not_hide_the_preload(world: World) -> None:
    start = {"start": "NODE_OPTIONS=--max-old-space-size=512 node server.js"}
    evaluate(world, 'app.get("/api/rows", async () => ({ o: process.execArgv, rows: await sql(REVENUE) }));', start)
    assert judge(world.evidence()).low == 1


PETS = """
CREATE TABLE main.default.pets (id INT, name STRING, weight DECIMAL(9, 2));
INSERT INTO main.default.pets SELECT id, concat('pet ', id), id * 1.25 FROM range(1, 101);
"""


def test_tables_that_the_app_brings_take_part_in_the_canary(world: World) -> None:
    routes = 'app.get("/api/pets", () => sql("SELECT name, weight FROM main.default.pets ORDER BY id"));'
    evaluate(world, routes, files={"warehouse/pets.sql": PETS})
    queries = world.results["queries"].facts
    assert (queries["own_tables"], queries["own_tables_refused"]) == (["pets.sql"], "")
    assert judge(world.evidence()).low == 1


def test_tables_that_cannot_be_loaded_are_named(world: World) -> None:
    routes = 'app.get("/api/pets", () => sql("SELECT name FROM main.default.pets"));'
    evaluate(world, routes, files={"warehouse/pets.sql": "CREATE TABLE main.default.pets AS SELECT nope FROM nowhere;"})
    finding = judge_connectivity(world.evidence())
    assert finding.reason == "connectivity.all_statements_failed"
    assert "pets.sql" in finding.line


@pytest.mark.slow
def test_a_runtime_that_cannot_be_led_gets_the_plain_address(world: World) -> None:
    bun = installed("bun@1.4.5")
    evaluate(world, 'app.get("/api/rows", () => sql(REVENUE));', {"start": "bun server.js"}, bun)
    assert world.results["queries"].facts["astray"] == ""
    assert judge(world.evidence()).low == 1


def test_tests_of_the_app_do_not_count_as_the_app(world: World) -> None:
    warehouse: Warehouse = world.machine.warehouse
    token = warehouse.access(world.app.name, "tests").token
    assert token != warehouse.access(world.app.name, "start").token
    evaluate(world, 'app.get("/api/rows", () => [{ revenue: 1 }]);')
    assert world.results["queries"].facts["asked"] == 0
