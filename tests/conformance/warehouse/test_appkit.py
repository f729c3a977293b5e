"""An app of `@databricks/appkit`, unmodified, led to the warehouse: its type generator, its server, its two identities."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import requests

from fixtures.warehouse.names import HOST, ORGANIZATION, WAREHOUSE_ID
from fixtures.warehouse.process import Credentials, WarehouseServer
from fixtures.warehouse.records import StatementRecord
from fixtures.warehouse.redirect import redirect_environment
from tests.conformance.warehouse.conftest import install_node_package

_VERSION = "0.38.1"
_APP = Path(__file__).with_name("appkit")
_WRONG = "SELECT n_nme FROM samples.tpch.nation"
_START = 30.0
#: `/** @sqlType BIGINT */ n_nationkey: number;` of a query's result in the generated file.
_COLUMN = re.compile(r'/\*\* @sqlType (.+?) \*/\s+"?([^":]+?)"?: ([^;]+);')
_PARAMETER = re.compile(r"/\*\* (\w+) - use [\w.]+\(\) \*/\s+(\w+): (\w+);")
_QUERY = re.compile(r'name: "(\w+)";(.*?)(?=name: "|\Z)', re.DOTALL)


@pytest.fixture(scope="module")
def node() -> Path:
    """Node 22, which AppKit needs, whatever Node is installed here."""
    return install_node_package("node", "22") / "node_modules/node/bin/node"


def write_app(folder: Path) -> Path:
    shutil.copytree(_APP, folder)
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    (folder / "node_modules").mkdir()  # a folder of its own: AppKit keeps the generated types in there
    for package in (install_node_package("@databricks/appkit", _VERSION) / "node_modules").glob("[!.]*"):
        (folder / "node_modules" / package.name).symlink_to(package)
    return folder


def environment(server: WarehouseServer, **more: str) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("DATABRICKS_")}
    redirect = redirect_environment(server.host, server.address, server.https_port, server.authority)
    return {**ours, **redirect, "DATABRICKS_HOST": HOST, "DATABRICKS_WAREHOUSE_ID": WAREHOUSE_ID, **more}


def principal(credentials: Credentials) -> dict[str, str]:
    return {"DATABRICKS_CLIENT_ID": credentials.client_id, "DATABRICKS_CLIENT_SECRET": credentials.client_secret}


def generate_types(node: Path, app: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    command = [str(node), "node_modules/@databricks/appkit/bin/appkit.js", "generate-types"]
    return subprocess.run(command, cwd=app, env=env, capture_output=True, text=True, timeout=60, check=False)


def described(app: Path) -> dict[str, dict[str, tuple[str, str]]]:
    """Column to (SQL type, TypeScript type), for each query of the generated file."""
    text = (app / "shared/appkit-types/analytics.d.ts").read_text()
    return {
        query: {name: (kind, typed) for kind, name, typed in _COLUMN.findall(body)}
        for query, body in _QUERY.findall(text)
    }


@pytest.mark.parametrize("identity", ["token", "service principal"])
def test_generate_types(
    identity: str, node: Path, server: WarehouseServer, credentials: Credentials, app: str, tmp_path: Path
) -> None:
    folder = write_app(tmp_path / "app")
    shown = {"DATABRICKS_TOKEN": credentials.token} if identity == "token" else principal(credentials)
    done = generate_types(node, folder, environment(server, **shown))
    assert done.returncode == 0, done.stdout + done.stderr
    number, text = "number", "string"
    assert described(folder) == {
        "many": {"id": ("BIGINT", number), "value": ("DOUBLE", number)},
        "nations": {"n_nationkey": ("BIGINT", number), "n_name": ("STRING", text), "region name": ("STRING", text)},
        "orders_since": {
            "o_orderdate": ("DATE", text), "month": ("TIMESTAMP", text), "orders": ("BIGINT", number),
            "revenue": ("DECIMAL(20,2)", number), "average": ("DOUBLE", number), "large": ("BOOLEAN", "boolean"),
        },
        "shapes": {
            "numbers": ("ARRAY<INT>", "unknown[]"), "pair": ("STRUCT<A:INT,B:STRING>", "Record<string, unknown>"),
            "lookup": ("MAP<STRING,INT>", "Record<string, unknown>"), "at": ("TIMESTAMP", text),
            "nothing": ("STRING", text), "bytes": ("BINARY", text), "document": ("STRING", text),
            "small": ("TINYINT", number),
        },
        "whoami": {"me": ("STRING", text), "regions": ("BIGINT", number)},
        "workspace": {"workspace": ("STRING", text), "regions": ("BIGINT", number)},
    }  # fmt: skip
    generated = (folder / "shared/appkit-types/analytics.d.ts").read_text()
    assert _PARAMETER.findall(generated) == [
        ("INT", "rows", "SQLNumberMarker"), ("STRING", "region", "SQLStringMarker"), ("INT", "most", "SQLNumberMarker"),
        ("DATE", "since", "SQLDateMarker"), ("DECIMAL", "floor", "SQLNumberMarker"),
    ]  # fmt: skip
    statements = server.record(app, "start").statements
    assert {s.state for s in statements} == {"succeeded"}
    assert all(s.text.startswith("DESCRIBE QUERY ") for s in statements)
    assert len(statements) == len(described(folder))


def test_generate_types_fails_for_a_wrong_column(
    node: Path, server: WarehouseServer, credentials: Credentials, tmp_path: Path
) -> None:
    folder = write_app(tmp_path / "app")
    (folder / "config/queries/wrong.sql").write_text(_WRONG)
    done = generate_types(node, folder, environment(server, **principal(credentials)))
    assert done.returncode != 0
    assert "1 query could not be described: wrong" in done.stderr
    assert "UNRESOLVED_COLUMN" in done.stdout
    assert not (folder / "shared").exists()


@dataclass(frozen=True, slots=True)
class Answer:
    """One server-sent event."""

    event: str
    data: Any


@dataclass(frozen=True, slots=True)
class RunningApp:
    """The app's server. `service` is its own identity, `user` somebody who visits it."""

    address: str
    name: str
    warehouse: WarehouseServer
    service: Credentials
    user: Credentials

    def post(self, key: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> requests.Response:
        return requests.post(f"{self.address}/api/analytics/query/{key}", json=body, headers=headers, timeout=30)

    def ask(self, key: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Answer:
        response = self.post(key, body, headers)
        assert response.status_code == 200, response.text
        fields = dict(line.split(": ", 1) for line in response.text.splitlines() if ": " in line)
        return Answer(fields["event"], json.loads(fields["data"]))

    def rows(self, key: str, parameters: Mapping[str, Any] | int | None = None) -> list[dict[str, Any]]:
        answer = self.ask(key, {"parameters": parameters} if parameters is not None else {})
        assert answer.event == "result", answer
        rows: list[dict[str, Any]] = answer.data["data"]
        return rows

    def statements(self, stage: str, part: str) -> list[StatementRecord]:
        return [s for s in self.warehouse.record(self.name, stage).statements if part in s.text]


@pytest.fixture(scope="module")
def running(node: Path, server: WarehouseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    folder, name = write_app(tmp_path_factory.mktemp("appkit") / "app"), "appkit"
    (folder / "config/queries/wrong.sql").write_text(_WRONG)
    service, user = server.grant(name, "start", name), server.grant(name, "visit", name)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = environment(
        server, **principal(service), NODE_ENV="production", FLASK_RUN_HOST="127.0.0.1", DATABRICKS_APP_PORT=str(port),
    )  # fmt: skip
    log = folder / "server.log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [str(node), "server.mjs"], cwd=folder, env=env, stdout=stream, stderr=stream, start_new_session=True
        )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until_healthy(address, process, log)
        yield RunningApp(address, name, server, service, user)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until_healthy(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _START
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(requests.ConnectionError):
            if requests.get(f"{address}/health", timeout=5).json() == {"status": "ok"}:
                return
        time.sleep(0.05)
    pytest.fail(f"the app did not start: {log.read_text()[-2000:]}")


def marker(kind: str, value: str) -> dict[str, str]:
    """A parameter as AppKit's `sql` helpers in the page make it."""
    return {"__sql_type": kind, "value": value}


EUROPE = {"region": marker("STRING", "EUROPE"), "most": marker("INT", "2")}


def test_rows_with_parameters(running: RunningApp) -> None:
    assert running.rows("nations", EUROPE) == [
        {"n_nationkey": "6", "n_name": "FRANCE", "region name": "EUROPE"},
        {"n_nationkey": "7", "n_name": "GERMANY", "region name": "EUROPE"},
    ]
    rows = running.rows("orders_since", {"since": marker("DATE", "2024-01-01"), "floor": marker("NUMERIC", "1000.5")})
    assert len(rows) == 5
    assert rows[0]["o_orderdate"] >= "2024-01-01"
    assert re.fullmatch(r"\d{4}-\d\d-01T00:00:00.000Z", rows[0]["month"])
    assert re.fullmatch(r"\d+\.\d\d", rows[0]["revenue"])
    assert rows[0]["large"] in ("true", "false")


def test_values(running: RunningApp) -> None:
    assert running.rows("shapes") == [
        {"numbers": '["1","2"]', "pair": '{"a":"1","b":"z"}', "lookup": '{"k":"1"}', "at": "2024-02-29T12:34:56.789Z",
         "nothing": None, "bytes": "YWI=", "document": {"a": [1, 2]}, "small": "7"}
    ]  # fmt: skip


def test_the_workspace_is_known(running: RunningApp) -> None:
    """AppKit reads it from a header of the current user's answer, because no variable says it."""
    assert running.rows("workspace") == [{"workspace": ORGANIZATION, "regions": "5"}]


def test_a_query_of_a_route_of_its_own(running: RunningApp) -> None:
    assert requests.get(f"{running.address}/api/largest", timeout=30).json() == [{"r_name": "AFRICA", "nations": "5"}]


def test_arrow_has_every_row(running: RunningApp) -> None:
    """AppKit downloads only the links of the first answer."""
    answer = running.ask("many", {"format": "ARROW_STREAM", "parameters": {"rows": marker("INT", "12000")}})
    assert (answer.event, answer.data["status"]["state"]) == ("arrow", "SUCCEEDED")
    link = f"{running.address}/api/analytics/arrow-result/{answer.data['statement_id']}"
    table = pa.ipc.open_stream(requests.get(link, timeout=30).content).read_all()
    assert table.column("id").to_pylist() == list(range(12_000))


def test_no_rows_is_a_result_without_data(running: RunningApp) -> None:
    answer = running.ask("many", {"parameters": {"rows": marker("INT", "0")}})
    assert (answer.event, answer.data) == ("result", {"type": "result"})


def test_on_behalf_of_a_user(running: RunningApp) -> None:
    headers = {"x-forwarded-access-token": running.user.token, "x-forwarded-user": "someone"}
    answer = running.ask("whoami", {}, headers)
    [row] = answer.data["data"]
    assert row["me"].startswith(running.user.client_id)
    assert [s.rows for s in running.statements("visit", "current_user()")] == [1]
    assert running.statements("start", "current_user()") == []


def test_a_users_unknown_token_is_an_error(running: RunningApp) -> None:
    headers = {"x-forwarded-access-token": "wrong", "x-forwarded-user": "stranger"}
    answer = running.ask("whoami", {}, headers)
    assert answer.event == "error"
    assert "rejected" in {event.kind for event in running.warehouse.record(running.name, "start").events}


def test_an_unknown_query_is_not_found(running: RunningApp) -> None:
    response = running.post("nothing", {})
    assert (response.status_code, response.json()) == (404, {"error": "Query not found"})


def test_an_sql_error_is_shown(running: RunningApp) -> None:
    answer = running.ask("wrong", {})
    assert answer.event == "error"
    assert "UNRESOLVED_COLUMN" in answer.data["error"]
    unbound = running.ask("nations", {"parameters": {"region": EUROPE["region"]}})
    assert "UNBOUND_SQL_PARAMETER" in unbound.data["error"]


def test_statements_are_on_record(running: RunningApp) -> None:
    running.rows("nations", {"region": marker("STRING", "ASIA"), "most": marker("INT", "3")})
    [seen] = [s for s in running.statements("start", "Nations of a region") if s.parameters.get("region") == "ASIA"]
    assert (seen.app, seen.stage, seen.protocol, seen.state, seen.rows) == ("appkit", "start", "rest", "succeeded", 3)
    assert set(seen.reads) == {"samples.tpch.nation", "samples.tpch.region"}
    assert seen.text == (_APP / "config/queries/nations.sql").read_text()
    assert seen.principal.startswith(running.service.client_id)
    assert seen.user_agent.startswith(f"@databricks/appkit/{_VERSION} databricks-sdk-js/")
    assert "oauth_token" in {event.kind for event in running.warehouse.record(running.name, "start").events}


def test_its_cache_is_passed_by_another_spelling_of_no_parameters(running: RunningApp) -> None:
    """AppKit keeps an answer for an hour; its key is the text of the parameters, and a number has no parameters."""
    before = len(running.statements("start", "named_struct"))
    assert running.rows("shapes", 1) == running.rows("shapes", 1) == running.rows("shapes", 2)
    assert len(running.statements("start", "named_struct")) == before + 2
