"""Small apps on Lakebase through the stages: the workspace hands out the password, our Postgres has the rows."""

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
from fixtures.machine import Machine
from tests.conformance.warehouse.conftest import install_node_package
from tests.world import World

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_chromium() is None, reason="no Chromium on this machine"),
]
_TABLES = """
  CREATE SCHEMA IF NOT EXISTS shop;
  CREATE TABLE IF NOT EXISTS shop.parcels (
    id integer PRIMARY KEY, town text NOT NULL, kilos numeric(8, 2) NOT NULL, sent date NOT NULL);"""
_SEED = """
  INSERT INTO shop.parcels SELECT n, 'Town ' || n, n * 1.25, date '2024-01-01' + n FROM generate_series(1, 12) n
  ON CONFLICT DO NOTHING;"""
_READ = "SELECT id, town, kilos::float AS kilos, sent::text AS sent FROM shop.parcels ORDER BY id LIMIT 20"
#: The plugin of AppKit, which wraps the pool of the package.
_PLUGIN = """import {{ createApp, lakebase, server }} from '@databricks/appkit';
const appkit = await createApp({{
  plugins: [server(), lakebase()],
  onPluginsReady(appkit) {{
    appkit.server.extend((app) => {{
      app.get('/api/parcels', async (request, response) => {{
        try {{
          response.json((await {who}.query(`{read}`)).rows);
        }} catch (error) {{
          response.status(500).json({{ error: error.message }});
        }}
      }});
    }});
  }},
}});
await appkit.lakebase.query(`{tables}`);
"""
#: The pool alone, in a server that is not AppKit's. It checks the certificate, as on the platform.
_POOL = """import {{ createLakebasePool }} from '@databricks/lakebase';
import express from 'express';
const pool = createLakebasePool({{ sslMode: 'require' }});
await pool.query(`{tables}`);
const app = express();
app.use(express.static('public'));
app.get('/health', (request, response) => response.json({{ status: 'ok' }}));
app.get('/api/parcels', async (request, response) => response.json((await pool.query(`{read}`)).rows));
app.listen(Number(process.env.DATABRICKS_APP_PORT ?? 8000), '0.0.0.0');
"""
_PAGE = """<!doctype html><html><head><link rel="icon" href="data:,"></head><body><h1>Parcels</h1><div id="root"></div>
<script type="module">
const rows = await (await fetch('/api/parcels')).json();
document.getElementById('root').innerHTML = rows.map((row) => `<p>${row.town}: ${row.kilos} kg, ${row.sent}</p>`).join('');
</script></body></html>"""
_AS_USER, _AS_APP = "appkit.lakebase.asUser(request)", "appkit.lakebase"


@pytest.fixture(scope="module")
def modules() -> Path:
    return install_node_package("@databricks/appkit", "0.38.1") / "node_modules"


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path, machine: Machine) -> Iterator[World]:
    """Of a name of its own, so that it has a database of its own."""
    name = re.sub(r"\W+", "-", request.node.callspec.id)
    made = World(tmp_path, machine, warehouse="embedded", name=name)
    yield made
    made.close()


def app_of(server: str, *, seeded: bool, who: str = _AS_APP) -> dict[str, str | bytes]:
    package = {
        "private": True, "type": "module", "scripts": {"start": "node server/server.mjs"},
        "dependencies": {"@databricks/appkit": "0.38.1", "@databricks/lakebase": "0.3.0", "express": "4.22.0"},
    }  # fmt: skip
    tables = _TABLES + (_SEED if seeded else "")
    return {
        "package.json": json.dumps(package), "public/index.html": _PAGE,
        "server/server.mjs": server.format(tables=tables, read=_READ, who=who),
        "app.yaml": "command: [npm, start]\nenv:\n  - name: LAKEBASE_ENDPOINT\n    valueFrom: postgres\n",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("server", "seeded", "who"),
    [
        pytest.param(_PLUGIN, True, _AS_APP, id="plugin"),
        pytest.param(_PLUGIN, False, _AS_APP, id="plugin, empty tables"),
        pytest.param(_PLUGIN, True, _AS_USER, id="plugin as its user"),
        pytest.param(_POOL, True, _AS_APP, id="pool"),
    ],
)
def test_rows_of_lakebase_are_data(world: World, modules: Path, server: str, seeded: bool, who: str) -> None:
    """The password comes from the workspace and the rows from Postgres; tables that are empty are filled for the canary."""
    world.use(app_of(server, seeded=seeded, who=who), modules)
    assert world.app.stack.stores(world.workspace.app) == {"postgres"}
    for stage in ("start", "page", "probe", "queries", "canary"):
        problem = world.stage(stage).problem
        assert problem is None, problem
    for judge in (judge_page, judge_connectivity, judge_data):
        finding = judge(world.evidence())
        assert finding.low == 1, finding
    started = world.results["start"].started
    events = world.machine.warehouse.record(world.app.name, "start", started).events
    assert "database_credential" in {event.kind for event in events}
    assert world.results["canary"].facts["filling_refused"] is False
