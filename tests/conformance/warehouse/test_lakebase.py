"""The password of a Postgres, as `@databricks/lakebase` asks the workspace for it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from fixtures.warehouse.names import HOST
from fixtures.warehouse.process import Credentials, WarehouseServer
from fixtures.warehouse.redirect import redirect_environment
from tests.conformance.warehouse.conftest import install_node_package

_SCRIPT = """
import { getLakebasePgConfig } from '@databricks/lakebase';
const { password, user, host, ssl } = getLakebasePgConfig();
console.log(JSON.stringify({ user, host, ssl, password: await password() }));
"""


@pytest.mark.parametrize("identity", ["token", "service principal"])
def test_the_password_of_the_apps_identity(
    identity: str, server: WarehouseServer, credentials: Credentials, app: str, tmp_path: Path
) -> None:
    node = install_node_package("node", "22") / "node_modules/node/bin/node"
    modules = install_node_package("@databricks/appkit", "0.38.1") / "node_modules"
    (tmp_path / "node_modules").symlink_to(modules)
    (tmp_path / "ask.mjs").write_text(_SCRIPT)
    shown = {"DATABRICKS_TOKEN": credentials.token, "PGUSER": "somebody"}
    if identity == "service principal":
        shown = {"DATABRICKS_CLIENT_ID": credentials.client_id, "DATABRICKS_CLIENT_SECRET": credentials.client_secret}
    env = {
        **os.environ, **redirect_environment(server.host, server.address, server.https_port, server.authority),
        "DATABRICKS_HOST": HOST, "PGHOST": "127.0.0.1", "PGDATABASE": "app", "PGSSLMODE": "disable",
        "LAKEBASE_ENDPOINT": "projects/p/branches/b/endpoints/e", **shown,
    }  # fmt: skip
    done = subprocess.run([str(node), "ask.mjs"], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer["password"] == credentials.token
    assert answer["user"] == shown.get("PGUSER", credentials.client_id)
    assert server.knows(answer["password"], app)
    assert not server.knows(answer["password"], "another app")
    assert not server.knows("made up", app)
    assert "database_credential" in {event.kind for event in server.record(app, "start").events}
