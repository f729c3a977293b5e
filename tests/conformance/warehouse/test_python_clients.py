"""Python's `databricks-sql-connector` and `databricks-sdk`, over Thrift and REST."""

from __future__ import annotations

import base64
import datetime as dt
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from databricks import sql
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.sql import Disposition, Format, StatementParameterListItem, StatementState

from fixtures.warehouse.names import HOST, HTTP_PATH
from fixtures.warehouse.process import Credentials, WarehouseServer
from fixtures.warehouse.redirect import redirect_environment


@pytest.fixture
def connection(server: WarehouseServer, credentials: Credentials) -> Iterator[Any]:
    with sql.connect(
        server_hostname="127.0.0.1", http_path=HTTP_PATH, access_token=credentials.token, _port=server.https_port,
        _tls_trusted_ca_file=str(server.authority), _retry_stop_after_attempts_count=1, enable_telemetry=False,
    ) as opened:  # fmt: skip
        yield opened


@pytest.fixture
def workspace(server: WarehouseServer, credentials: Credentials) -> WorkspaceClient:
    return WorkspaceClient(host=f"http://127.0.0.1:{server.http_port}", token=credentials.token, auth_type="pat")


def test_types_and_parameters(connection: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT CAST(1 AS INT) i, CAST(12.34 AS DECIMAL(10,2)) d, DATE'2024-02-29' dt, "
            "TIMESTAMP'2024-02-29 12:34:56.789' ts, array(1,2) a, named_struct('x',1) st, NULL n, 1.5D f, true b"
        )
        row = cursor.fetchall()[0]
        assert [c[1] for c in cursor.description][:4] == ["int", "decimal", "date", "timestamp"]
        cursor.execute("SELECT :a a, :b b, :c c", {"a": 1, "b": "x", "c": None})
        assert tuple(cursor.fetchall()[0]) == (1, "x", None)
    assert (row.i, row.d, row.dt, row.f, row.b, row.n) == (1, Decimal("12.34"), dt.date(2024, 2, 29), 1.5, True, None)
    assert row.ts.replace(tzinfo=None) == dt.datetime(2024, 2, 29, 12, 34, 56, 789000)
    assert list(row.a) == [1, 2]


def test_arrow_of_many_rows(connection: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, CAST(id AS STRING) AS t FROM range(100000)")
        table = cursor.fetchall_arrow()
    assert table.num_rows == 100_000
    assert table.column(0)[99_999].as_py() == 99_999


def test_metadata_calls(connection: Any) -> None:
    with connection.cursor() as cursor:
        assert "samples" in {row[0] for row in cursor.catalogs().fetchall()}
        assert "tpch" in {row[0] for row in cursor.schemas(catalog_name="samples").fetchall()}
        tables = cursor.tables(catalog_name="samples", schema_name="tpch").fetchall()
        assert {row[2] for row in tables} >= {"orders", "lineitem"}
        columns = cursor.columns(catalog_name="samples", schema_name="tpch", table_name="region").fetchall()
    assert [row[3] for row in columns] == ["r_regionkey", "r_name", "r_comment"]


def test_errors(connection: Any) -> None:
    with connection.cursor() as cursor, pytest.raises(sql.exc.ServerOperationError, match="UNRESOLVED_COLUMN"):
        cursor.execute("SELECT nope FROM samples.tpch.region")


def test_rest_statement(workspace: WorkspaceClient) -> None:
    [warehouse] = list(workspace.warehouses.list())
    assert warehouse.id
    answer = workspace.statement_execution.execute_statement(
        warehouse_id=warehouse.id, catalog="samples", schema="tpch",
        statement="SELECT n_nationkey, n_name, CAST(NULL AS STRING) AS n, 1.50BD AS d, true AS b, array(1, 2) AS a FROM nation "
        "WHERE n_name = :name",
        parameters=[StatementParameterListItem(name="name", value="FRANCE", type="STRING")],
    )  # fmt: skip
    assert answer.status is not None
    assert answer.status.state is StatementState.SUCCEEDED, answer.status
    assert answer.result is not None
    assert answer.result.data_array == [["6", "FRANCE", None, "1.50", "true", '["1","2"]']]
    assert answer.manifest is not None
    assert answer.manifest.schema is not None
    kinds = [c.type_name.value for c in answer.manifest.schema.columns or [] if c.type_name]
    assert kinds == ["LONG", "STRING", "STRING", "DECIMAL", "BOOLEAN", "ARRAY"]


def test_an_untyped_null_is_void(workspace: WorkspaceClient) -> None:
    answer = workspace.statement_execution.execute_statement(warehouse_id="w", statement="SELECT NULL AS n")
    assert answer.manifest is not None
    assert answer.manifest.schema is not None
    assert [c.type_text for c in answer.manifest.schema.columns or []] == ["VOID"]


def test_rest_chunks_and_polling(workspace: WorkspaceClient) -> None:
    answer = workspace.statement_execution.execute_statement(
        warehouse_id="w", statement="SELECT id FROM range(12345)", wait_timeout="0s"
    )
    statement_id = answer.statement_id
    assert statement_id
    until = time.monotonic() + 20
    while answer.status and answer.status.state in (StatementState.PENDING, StatementState.RUNNING):
        assert time.monotonic() < until
        time.sleep(0.02)
        answer = workspace.statement_execution.get_statement(statement_id)
    assert answer.result is not None
    rows = list(answer.result.data_array or [])
    following = answer.result.next_chunk_index
    while following:
        chunk = workspace.statement_execution.get_statement_result_chunk_n(statement_id, following)
        rows += chunk.data_array or []
        following = chunk.next_chunk_index
    assert [int(row[0]) for row in rows] == list(range(12345))


def test_rest_arrow(workspace: WorkspaceClient) -> None:
    import requests

    external = workspace.statement_execution.execute_statement(
        warehouse_id="w", statement="SELECT * FROM samples.tpch.nation", format=Format.ARROW_STREAM,
        disposition=Disposition.EXTERNAL_LINKS,
    )  # fmt: skip
    assert external.result is not None
    [link] = external.result.external_links or []
    content = requests.get(link.external_link or "", timeout=10).content
    assert pa.ipc.open_stream(content).read_all().shape == (25, 4)
    body = {"warehouse_id": "w", "statement": "SELECT * FROM samples.tpch.nation", "format": "ARROW_STREAM",
            "disposition": "INLINE", "wait_timeout": "30s"}  # fmt: skip
    inline: Any = workspace.api_client.do("POST", "/api/2.0/sql/statements", body=body)
    attachment = base64.b64decode(inline["result"]["attachment"])
    assert pa.ipc.open_stream(attachment).read_all().shape == (25, 4)


def test_rest_errors(workspace: WorkspaceClient) -> None:
    answer = workspace.statement_execution.execute_statement(warehouse_id="w", statement="SELECT nope FROM nowhere")
    assert answer.status is not None
    assert answer.status.state is StatementState.FAILED
    assert answer.status.error is not None
    assert "TABLE_OR_VIEW_NOT_FOUND" in (answer.status.error.message or "")


def test_unity_catalog(workspace: WorkspaceClient) -> None:
    assert "samples" in {c.name for c in workspace.catalogs.list()}
    assert "tpch" in {s.name for s in workspace.schemas.list("samples")}
    assert len(list(workspace.tables.list("samples", "tpch"))) == 8
    region = workspace.tables.get("samples.tpch.region")
    assert [c.name for c in region.columns or []] == ["r_regionkey", "r_name", "r_comment"]


def test_service_principal(server: WarehouseServer, credentials: Credentials) -> None:
    client = WorkspaceClient(
        host=f"http://127.0.0.1:{server.http_port}", client_id=credentials.client_id,
        client_secret=credentials.client_secret, auth_type="oauth-m2m",
    )  # fmt: skip
    assert (client.current_user.me().user_name or "").startswith(credentials.client_id)


def test_unmodified_process_reaches_it_by_name(server: WarehouseServer, credentials: Credentials) -> None:
    redirect = redirect_environment(server.host, server.address, server.https_port, server.authority)
    code = (
        "from databricks import sql\n"
        "import sys; host, path, token = sys.argv[1:]\n"
        "c = sql.connect(server_hostname=host, http_path=path, access_token=token, enable_telemetry=False)\n"
        "k = c.cursor(); k.execute('SELECT count(*) FROM samples.tpch.region'); print(k.fetchall()[0][0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, HOST, HTTP_PATH, credentials.token],
        env={**os.environ, **redirect},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.strip() == "5", done.stderr


def test_fifty_clients_at_once(server: WarehouseServer, credentials: Credentials) -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            with sql.connect(
                server_hostname="127.0.0.1", http_path=HTTP_PATH, access_token=credentials.token,
                _port=server.https_port, _tls_trusted_ca_file=str(server.authority), enable_telemetry=False,
            ) as own, own.cursor() as cursor:  # fmt: skip
                cursor.execute("SELECT :n AS n, count(*) AS c FROM samples.tpch.orders", {"n": number})
                assert cursor.fetchall()[0][0] == number
        except BaseException as error:  # noqa: BLE001 - carried to the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
