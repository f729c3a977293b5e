"""Data that change for one token and not for another, and trouble on purpose."""

from __future__ import annotations

import time

import httpx
import pytest

from fixtures.errors import HarnessError
from fixtures.warehouse.process import Credentials, WarehouseServer

STATEMENT = "SELECT count(*) AS n, sum(o_totalprice) AS s FROM samples.tpch.orders"


def ask(server: WarehouseServer, token: str, statement: str = STATEMENT) -> httpx.Response:
    return httpx.post(
        f"http://127.0.0.1:{server.http_port}/api/2.0/sql/statements", json={"statement": statement, "warehouse_id": "w"},
        headers={"Authorization": f"Bearer {token}"}, timeout=30, trust_env=False,
    )  # fmt: skip


def rows(server: WarehouseServer, token: str, statement: str = STATEMENT) -> list[list[str]]:
    body = ask(server, token, statement).json()
    assert body["status"]["state"] == "SUCCEEDED", body
    found: list[list[str]] = body["result"]["data_array"]
    return found


def test_the_canary_changes_one_token_only(server: WarehouseServer, credentials: Credentials, app: str) -> None:
    other = server.grant("other", "start", "other")
    before = rows(server, credentials.token)
    assert rows(server, credentials.token) == before
    server.show(credentials.token, "B")
    changed = rows(server, credentials.token)
    assert changed[0][0] != before[0][0]
    assert changed[0][1] != before[0][1]
    assert rows(server, other.token) == before
    server.show(credentials.token, "A")
    assert rows(server, credentials.token) == before
    digests = [s.digest for s in server.record(app, "start").statements]
    assert digests[0] == digests[1] == digests[3] != digests[2]


def test_empty_tables(server: WarehouseServer, credentials: Credentials) -> None:
    server.show(credentials.token, "empty")
    assert rows(server, credentials.token)[0] == ["0", None]


@pytest.mark.parametrize(("kind", "status"), [("unauthorized", 401), ("forbidden", 403), ("throttled", 429)])
def test_refusals(server: WarehouseServer, credentials: Credentials, kind: str, status: int) -> None:
    server.fault(credentials.token, kind, seconds=2, count=1)
    refused = ask(server, credentials.token)
    assert refused.status_code == status
    assert refused.headers.get("retry-after") == ("2" if status == 429 else None)
    assert ask(server, credentials.token).status_code == 200


def test_a_dropped_connection(server: WarehouseServer, credentials: Credentials) -> None:
    server.fault(credentials.token, "dropped", count=1)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):  # closed, or reset while bytes were under way
        ask(server, credentials.token)
    assert ask(server, credentials.token).status_code == 200


def test_a_slow_warehouse(server: WarehouseServer, credentials: Credentials) -> None:
    server.fault(credentials.token, "slow", seconds=0.7)
    begin = time.monotonic()
    ask(server, credentials.token)
    assert time.monotonic() - begin >= 0.7


def test_a_stopped_warehouse_starts(server: WarehouseServer, credentials: Credentials) -> None:
    server.fault(credentials.token, "stopped", seconds=1)
    states = []
    for _ in range(2):
        headers = {"Authorization": f"Bearer {credentials.token}"}
        url = f"http://127.0.0.1:{server.http_port}/api/2.0/sql/warehouses/w"
        states.append(httpx.get(url, headers=headers, trust_env=False).json()["state"])
        if len(states) == 1:
            begin = time.monotonic()
            assert rows(server, credentials.token, "SELECT 1") == [["1"]]
            assert time.monotonic() - begin >= 0.9
    assert states == ["STOPPED", "RUNNING"]


def test_unknown_faults_and_tokens_are_ours_to_mend(server: WarehouseServer, credentials: Credentials) -> None:
    with pytest.raises(HarnessError, match="no fault 'gremlins'"):
        server.fault(credentials.token, "gremlins")
    with pytest.raises(HarnessError, match="no such token"):
        server.show("dapi-nobody", "B")


def test_apps_do_not_see_each_other(server: WarehouseServer, credentials: Credentials) -> None:
    other = server.grant("other", "start", "another-owner")
    rows_made = ask(server, other.token, "CREATE TABLE main.default.secret AS SELECT 42 AS x").json()
    assert rows_made["status"]["state"] == "SUCCEEDED", rows_made
    assert rows(server, other.token, "SELECT x FROM main.default.secret") == [["42"]]
    seen = ask(server, credentials.token, "SELECT x FROM main.default.secret").json()
    assert "TABLE_OR_VIEW_NOT_FOUND" in seen["status"]["error"]["message"]


@pytest.mark.parametrize("statement", [
    "SELECT * FROM read_csv('/etc/passwd')", "COPY samples.tpch.region TO '/tmp/out.csv'", "ATTACH '/tmp/x.db' AS x",
    "SELECT 1; DROP TABLE samples.tpch.region", "SELECT * FROM '/etc/passwd'", "SELECT * FROM read_text('/etc/passwd')",
    "INSTALL httpfs", "PRAGMA database_list", "SELECT getenv('HOME')", "SELECT * FROM duckdb_settings()",
    "SET memory_limit = '10GB'; SELECT 1", "SELECT * FROM glob('/*')", "EXPORT DATABASE '/tmp/x'",
])  # fmt: skip
def test_attempts_fail_and_are_on_record(
    server: WarehouseServer, credentials: Credentials, app: str, statement: str
) -> None:
    answer = ask(server, credentials.token, statement).json()
    assert answer["status"]["state"] == "FAILED", answer
    [seen] = server.record(app, "start").statements
    assert (seen.text, seen.rows) == (statement, 0)
    assert seen.state in ("failed", "unsupported")
    assert "root:" not in seen.error


def test_the_server_starts_fast_and_stays_small(server: WarehouseServer) -> None:
    import psutil

    assert server.start_seconds < 6  # 1.5 s on an idle machine; `make bench-warehouse` holds it to that
    assert psutil.Process(server.pid).memory_info().rss < 400e6


def test_it_ends_with_its_owner(server: WarehouseServer, tmp_path: object) -> None:
    from pathlib import Path

    assert isinstance(tmp_path, Path)
    again = WarehouseServer({}, tmp_path)
    again.close()
    again.close()
    with pytest.raises(HarnessError):
        again.grant("a", "start", "a")
