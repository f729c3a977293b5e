"""Which form of host and which credentials the clients accept: what the variables that we give to apps follow from.

The platform gives apps a host without a scheme and a service principal.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from fixtures.warehouse.names import HOST, HTTP_PATH
from fixtures.warehouse.process import Credentials, WarehouseServer
from fixtures.warehouse.redirect import redirect_environment
from tests.conformance.warehouse.conftest import NodeDriver, install_node_package

#: Asks who it is under each of these variables, in one process; the answer is its user's name, or why it has none.
Client = Callable[..., list[str]]

_PYTHON_SDK = """
import json, os, sys
from databricks.sdk import WorkspaceClient
for variables in json.load(sys.stdin):
    for name in ("DATABRICKS_TOKEN", "DATABRICKS_CLIENT_ID", "DATABRICKS_CLIENT_SECRET", "DATABRICKS_AUTH_TYPE"):
        os.environ.pop(name, None)
    token = variables.pop("USER_TOKEN", None)
    os.environ.update(variables)
    try:
        print(WorkspaceClient(token=token).current_user.me().user_name)
    except ValueError as error:
        print(error)
"""
_NODE_SDK = """
const { WorkspaceClient } = require('@databricks/sdk-experimental');
(async () => {
  for (const { USER_TOKEN: token, ...env } of JSON.parse(require('fs').readFileSync(0, 'utf8'))) {
    const client = new WorkspaceClient({ env: { ...process.env, ...env }, ...(token ? { token } : {}) });
    await client.currentUser.me().then((me) => console.log(me.userName), (error) => console.log(error.message));
  }
})();
"""
_CONNECTOR = """
import os
from databricks import sql
with sql.connect(
    server_hostname=os.environ["DATABRICKS_HOST"], http_path=os.environ["DATABRICKS_HTTP_PATH"],
    access_token=os.environ["DATABRICKS_TOKEN"], enable_telemetry=False,
) as connection, connection.cursor() as cursor:
    cursor.execute("SELECT current_user()")
    print(cursor.fetchone()[0])
"""
_NODE_DRIVER = """
const { DBSQLClient } = require('@databricks/sql');
const { DATABRICKS_HOST: host, DATABRICKS_TOKEN: token } = process.env;
new DBSQLClient().connect({ host, token, path: '/sql/1.0/warehouses/w' }).then((client) => client.openSession())
  .then(() => console.log('open'), (error) => console.log(error.message)).finally(() => process.exit());
"""


def variables(server: WarehouseServer) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("DATABRICKS_")}
    redirect = redirect_environment(server.host, server.address, server.https_port, server.authority)
    return {**ours, **redirect, "DATABRICKS_HOST": HOST, "DATABRICKS_HTTP_PATH": HTTP_PATH}


def output(command: list[str], env: Mapping[str, str], *, cwd: Path | None = None, given: str = "") -> list[str]:
    done = subprocess.run(
        command, env=env, cwd=cwd, input=given, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="module", params=["databricks-sdk", "@databricks/sdk-experimental"])
def sdk(request: pytest.FixtureRequest, server: WarehouseServer) -> Client:
    command, folder = [sys.executable, "-c", _PYTHON_SDK], None
    if request.param != "databricks-sdk":
        node = install_node_package("node", "22") / "node_modules/node/bin/node"
        command, folder = [str(node), "-e", _NODE_SDK], install_node_package("@databricks/appkit", "0.38.1")
    return lambda *cases: output(command, variables(server), cwd=folder, given=json.dumps(cases))


def principal(credentials: Credentials) -> dict[str, str]:
    return {"DATABRICKS_CLIENT_ID": credentials.client_id, "DATABRICKS_CLIENT_SECRET": credentials.client_secret}


def test_an_sdk_takes_either_host(sdk: Client, credentials: Credentials) -> None:
    hosts, identities = (HOST, f"https://{HOST}"), ({"DATABRICKS_TOKEN": credentials.token}, principal(credentials))
    names = sdk(*({"DATABRICKS_HOST": host, **identity} for host in hosts for identity in identities))
    assert [name.startswith(credentials.client_id) for name in names] == [True] * 4, names


@pytest.mark.parametrize("scheme", ["", "https://"])
def test_pythons_connector_takes_either_host(server: WarehouseServer, credentials: Credentials, scheme: str) -> None:
    shown = {**variables(server), "DATABRICKS_HOST": scheme + HOST, "DATABRICKS_TOKEN": credentials.token}
    [name] = output([sys.executable, "-c", _CONNECTOR], shown)
    assert name.startswith(credentials.client_id)


def test_nodes_driver_takes_no_scheme(driver: NodeDriver, credentials: Credentials) -> None:
    shown = {"DATABRICKS_HOST": f"https://{HOST}", "DATABRICKS_TOKEN": credentials.token}
    answer = output(["node", "-e", _NODE_DRIVER], {**driver.environment(), **shown}, cwd=driver.folder)
    assert "https://https//" in answer[-1]


def test_an_sdk_refuses_two_identities(sdk: Client, credentials: Credentials) -> None:
    both = {"DATABRICKS_TOKEN": credentials.token, **principal(credentials)}
    refused, chosen = sdk(both, {**both, "DATABRICKS_AUTH_TYPE": "pat"})
    assert "more than one authorization method configured: oauth and pat" in refused
    assert chosen.startswith(credentials.client_id)


def test_an_sdk_refuses_a_users_token_beside_the_service_principal(sdk: Client, credentials: Credentials) -> None:
    """Unless the app names the type of its credentials, as AppKit does; the same happens on the platform."""
    [refused] = sdk({"USER_TOKEN": credentials.token, **principal(credentials)})
    assert "more than one authorization method" in refused


def test_a_type_of_credentials_in_the_variables_hides_the_user(
    sdk: Client, server: WarehouseServer, credentials: Credentials, app: str
) -> None:
    """Why we give no DATABRICKS_AUTH_TYPE: an app that acts for its user would act for itself."""
    user = server.grant(app, "visit", app)
    [name] = sdk({"USER_TOKEN": user.token, "DATABRICKS_AUTH_TYPE": "oauth-m2m", **principal(credentials)})
    assert name.startswith(credentials.client_id)
