"""Small apps of the real `@databricks/appkit` through the stages: what they do to an evaluator, one hazard after the other."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from evals.test_data_returned import judge as judge_data
from evals.test_databricks_connectivity import judge as judge_connectivity
from evals.test_ui_renders import judge as judge_page
from fixtures.browser import find_chromium
from fixtures.errors import Unmeasured
from fixtures.machine import Machine
from tests.conformance.warehouse.conftest import install_node_package
from tests.world import World

_VERSION = "0.38.1"
_SERVER = "import { analytics, createApp, genie, server } from '@databricks/appkit';\n"
_GOOD = "SELECT o_orderpriority AS priority, count(*) AS orders FROM samples.tpch.orders GROUP BY ALL ORDER BY 1"
_WRONG = _GOOD.replace("count(*)", "sum(o_total)")
_UNSUPPORTED = "SELECT o_orderpriority AS priority, xxhash64(o_orderpriority) AS orders FROM samples.tpch.orders"
#: A page as AppKit's own hook reads a query: an error of the stream is a line of the console. Like many of React, it
#: falls to pieces when rows that it counts on are not there, and its boundary says so.
_PAGE = """<!doctype html><html><head><link rel="icon" href="data:,"></head><body><div id="root"></div><script type="module">
const answer = await fetch('/api/analytics/query/orders', {
  method: 'POST', headers: {'content-type': 'application/json'}, body: JSON.stringify({parameters: {}}),
});
const events = (await answer.text()).split('\\n').filter((line) => line.startsWith('data: '));
const event = JSON.parse(events.at(-1).slice(6));
if (event.error) console.error(`[useAnalyticsQuery] Code: ${event.code}, Message: ${event.error}`);
const root = document.getElementById('root');
try {
  if (BOUNDARY || !event.error) {
    root.innerHTML = '<h1>Orders</h1>' + event.data.map((row) => `<p>${row.priority}: ${row.orders}</p>`).join('');
  } else root.innerHTML = '<h1>Orders</h1><p>The orders could not be loaded.</p>';
} catch (error) {
  root.innerHTML = `<h1>Unexpected Application Error!</h1><p>${error.message}</p>`;
}
</script></body></html>"""


@pytest.fixture(scope="module")
def modules() -> Path:
    return install_node_package("@databricks/appkit", _VERSION) / "node_modules"


@pytest.fixture
def world(tmp_path: Path, machine: Machine) -> Iterator[World]:
    made = World(tmp_path, machine, warehouse="embedded")
    yield made
    made.close()


def appkit(query: str = _GOOD, *, plugins: str = "server(), analytics({})", after: str = "", boundary: bool = False,
           scripts: dict[str, str] | None = None) -> dict[str, str | bytes]:  # fmt: skip
    start = f"{_SERVER}await createApp({{ plugins: [{plugins}] }}).catch(console.error);\n{after}"
    package = {
        "private": True, "type": "module", "scripts": {"start": "node server/server.mjs", **(scripts or {})},
        "dependencies": {"@databricks/appkit": _VERSION},
    }  # fmt: skip
    return {
        "package.json": json.dumps(package), "server/server.mjs": start, "config/queries/orders.sql": query,
        "public/index.html": _PAGE.replace("BOUNDARY", str(boundary).lower()),
    }  # fmt: skip


def run_through(world: World, *stages: str) -> None:
    for name in stages:
        problem = world.stage(name).problem
        assert problem is None, problem


# ---------------------------------------------------------------------- hazard 20


@pytest.mark.hazard(20)
def test_a_boot_that_fails_with_0_names_what_it_misses(world: World, modules: Path) -> None:
    """Hazard 20: AppKit's template logs what went wrong and exits with 0; its list of resources says what to set."""
    world.use(appkit(plugins="server(), analytics({}), genie()"), modules)
    problem = world.problem("start")
    assert problem.code == "runtime.exited"
    assert "exited 0" in problem.message
    assert "genie_space:Genie Space [genie] (set DATABRICKS_GENIE_SPACE_ID" in problem.message


@pytest.mark.slow
@pytest.mark.hazard(20)
def test_a_boot_that_fails_and_lives_on(world: World, modules: Path) -> None:
    """Hazard 20: something keeps the process alive, and no port is ever opened."""
    world.use(appkit(plugins="server(), genie()", after="setInterval(() => {}, 1000);"), modules)
    problem = world.problem("start", limit=25)
    assert problem.code == "runtime.no_port"
    assert "DATABRICKS_GENIE_SPACE_ID" in problem.message


# ---------------------------------------------------------------------- hazards 26 and 28


needs_chromium = pytest.mark.skipif(find_chromium() is None, reason="no Chromium on this machine")
_LOOKED_AT = ("start", "page", "probe", "queries", "canary")


@needs_chromium
@pytest.mark.hazard(26)
def test_an_sql_error_comes_as_an_event_with_200(world: World, modules: Path) -> None:
    """Hazard 26: every HTTP status is 200 and the page looks well; the warehouse and the event tell otherwise."""
    world.use(appkit(_WRONG), modules)
    run_through(world, *_LOOKED_AT)
    [query] = [e for e in world.results["probe"].facts["endpoints"] if e["path"] == "/api/analytics/query/orders"][:1]
    assert query["status"] == 200
    page = world.results["page"].facts
    assert [request["status"] for request in page["requests"]] == [200]
    assert any("UNRESOLVED_COLUMN" in line for line in page["console_errors"])
    assert judge_page(world.evidence()).low == 1
    assert judge_connectivity(world.evidence()).reason == "connectivity.all_statements_failed"
    data = judge_data(world.evidence())
    assert data.reason == "data.error_hidden"
    assert "UNRESOLVED_COLUMN" in data.line


@pytest.mark.slow
@needs_chromium
@pytest.mark.hazard(26, 28)
def test_rows_follow_the_warehouse_although_appkit_keeps_them(world: World, modules: Path) -> None:
    """Hazard 28: our warehouse gives the columns that the query names. AppKit keeps a result for an hour."""
    world.use(appkit(boundary=True), modules)
    run_through(world, *_LOOKED_AT)
    for judge in (judge_page, judge_connectivity, judge_data):
        finding = judge(world.evidence())
        assert finding.low == 1, finding
    assert re.search(r"1-URGENT: \d+", world.results["page"].facts["text"])


@pytest.mark.slow
@needs_chromium
@pytest.mark.hazard(28)
def test_what_our_warehouse_cannot_answer_is_nobodys_fault(world: World, modules: Path) -> None:
    """Hazard 28: an error boundary after a statement that the embedded warehouse does not know."""
    world.use(appkit(_UNSUPPORTED, boundary=True), modules)
    run_through(world, *_LOOKED_AT)
    assert "Unexpected Application Error!" in world.results["page"].facts["text"]
    for judge in (judge_page, judge_connectivity, judge_data):
        with pytest.raises(Unmeasured, match=r"unmeasured\.unsupported_sql.*xxhash64"):
            judge(world.evidence())


@pytest.mark.slow
@needs_chromium
@pytest.mark.hazard(28)
def test_a_boundary_that_the_app_broke_itself_fails(world: World, modules: Path) -> None:
    world.use(appkit(_WRONG, boundary=True), modules)
    run_through(world, "start", "page")
    assert judge_page(world.evidence()).reason == "ui.error_screen"


# ---------------------------------------------------------------------- hazard 4


_TYPES = "shared/appkit-types/analytics.d.ts"
_SCRIPTS = {"prebuild": "appkit generate-types", "build": "mkdir -p dist && cp server/server.mjs dist/"}


def typed(query: str, scripts: dict[str, str] = _SCRIPTS) -> dict[str, str | bytes]:
    return appkit(query, scripts=scripts) | {_TYPES: "// came with the app\n"}


@pytest.mark.slow
@pytest.mark.hazard(4)
def test_types_are_what_the_warehouse_says(world: World, modules: Path) -> None:
    """Hazard 4: the build rewrites the types of the queries; a naive stub would spoil them."""
    world.use(typed(_GOOD), modules)
    run_through(world, "build")
    made = (world.workspace.app / _TYPES).read_text()
    assert "priority: string" in made
    assert "orders: number" in made
    assert "undescribed" not in world.results["build"].facts


@pytest.mark.hazard(4)
@pytest.mark.parametrize(
    ("query", "why"), [(_WRONG, "UNRESOLVED_COLUMN"), pytest.param(_UNSUPPORTED, "xxhash64", marks=pytest.mark.slow)]
)
def test_a_query_that_cannot_be_described_does_not_stop_the_build(
    world: World, modules: Path, query: str, why: str
) -> None:
    """Hazard 4: AppKit fails the whole build for it. What is wrong is seen while the app runs, the rest of it as well."""
    world.use(typed(query), modules)
    run_through(world, "build")
    assert why in world.results["build"].facts["undescribed"]
    assert (world.workspace.app / _TYPES).read_text() == "// came with the app\n"


@pytest.mark.slow
@pytest.mark.hazard(4)
def test_types_that_were_spoiled_are_put_back(world: World, modules: Path) -> None:
    """Hazard 4: earlier versions of AppKit write `unknown` for what they cannot describe, and go on."""
    spoil = f'[ -z "$DATABRICKS_WAREHOUSE_ID" ] || appkit generate-types || echo "result: unknown" > {_TYPES}'
    world.use(typed(_UNSUPPORTED, {**_SCRIPTS, "prebuild": spoil}), modules)
    run_through(world, "build")
    assert "xxhash64" in world.results["build"].facts["undescribed"]
    assert (world.workspace.app / _TYPES).read_text() == "// came with the app\n"


@pytest.mark.slow
@pytest.mark.hazard(4)
def test_without_a_warehouse_types_are_left_alone(tmp_path: Path, machine: Machine, modules: Path) -> None:
    """Hazard 4: dummies that point nowhere would fail the build; also an .env of the app must not bring them back."""
    world = World(tmp_path, machine, warehouse="none")
    try:
        env = "DATABRICKS_WAREHOUSE_ID=abc\nDATABRICKS_HOST=https://nowhere.invalid\nDATABRICKS_TOKEN=dapi\n"
        world.use(typed(_GOOD) | {".env": env}, modules)
        run_through(world, "build")
        assert (world.workspace.app / _TYPES).read_text() == "// came with the app\n"
    finally:
        world.close()


@pytest.mark.slow
@pytest.mark.hazard(4)
def test_another_failure_of_the_build_stays_one(world: World, modules: Path) -> None:
    world.use(appkit(_GOOD, scripts={"prebuild": "appkit generate-types", "build": "node missing.mjs"}), modules)
    assert world.problem("build").code == "build.failed"
    assert "undescribed" not in world.results["build"].facts


# ---------------------------------------------------------------------- how its template documents it


_README = "# Orders\n\n```bash\ncp .env.example .env\n%s\nnpm install\nnpm start\n```\n"
_EXAMPLE = """DATABRICKS_HOST=https://...
DATABRICKS_WAREHOUSE_ID=your_sql_warehouse_id
DATABRICKS_APP_PORT=8000
FLASK_RUN_HOST=0.0.0.0
"""


@pytest.mark.slow
@pytest.mark.parametrize("login", [True, False])
def test_its_template_counts_on_a_login_by_the_cli(world: World, modules: Path, login: bool) -> None:
    """AppKit's template names no credentials in .env.example; its README has one log in. Without that, nobody gets it
    to run."""
    step = "databricks auth login --host https://your-workspace.cloud.databricks.com" if login else ""
    world.use({**appkit(), "README.md": _README % step, ".env.example": _EXAMPLE}, modules)
    result = world.stage("quickstart")
    assert result.facts["login"] is login
    if login:
        assert result.problem is None, result.problem
        assert result.facts["smoke"]["ok"]
    else:
        assert result.problem is not None
        assert "authentication failed" in result.problem.message


# ---------------------------------------------------------------------- hazard 21


_STRICT = """
import http from 'node:http';
const wanted = ['x-forwarded-user', 'x-forwarded-email', 'x-forwarded-access-token'];
http.createServer((request, response) => {
  const missing = wanted.filter((name) => !request.headers[name]);
  response.statusCode = missing.length > 0 ? 401 : 200;
  if (missing.length > 0) return response.end(JSON.stringify({ error: 'Unauthorized', missing }));
  if (request.url === '/health') return response.end('{"status":"ok"}');
  if (request.url === '/api/me') {
    response.setHeader('content-type', 'application/json');
    return response.end(JSON.stringify({ email: request.headers['x-forwarded-email'] }));
  }
  response.setHeader('content-type', 'text/html');
  response.end(`<h1 id="who">nobody</h1><script>
    fetch('/api/me').then((answer) => answer.json()).then((me) => { who.textContent = 'Hello ' + me.email; });
  </script>`);
}).listen(process.env.PORT, '0.0.0.0');
"""


@needs_chromium
@pytest.mark.hazard(21)
def test_every_request_comes_as_the_platform_passes_it_on(world: World) -> None:
    """Hazard 21: some apps answer 401 to what lacks the platform's headers: health, page, and what the page fetches."""
    package = {"type": "module", "scripts": {"start": "node server/server.js"}, "dependencies": {"@dbx/sdk": "0.0.1"}}
    world.use({"package.json": json.dumps(package), "server/server.js": _STRICT})
    assert world.app.stack.name == "appkit"
    run_through(world, "start", "page")
    assert world.results["start"].facts["health_route"] == "/health"
    page = world.results["page"].facts
    assert "Hello appeval@example.com" in page["text"]
    assert [request["status"] for request in page["requests"]] == [200]
