"""How fast and how small the embedded warehouse is: a line per target, `NAME figure target ok|MISS`; exit 1 on a miss.

Ratios compare with DuckDB in this process over the same file, taken alternately with ours; figures are medians.
"""

from __future__ import annotations

import datetime as dt
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import psutil
from databricks import sql

from fixtures.warehouse.names import HTTP_PATH
from fixtures.warehouse.process import Credentials, WarehouseServer
from fixtures.warehouse.samples.cache import sample_files
from tests.conformance.warehouse.conftest import NodeDriver, install_node_package
from tests.world import CACHE

_ROUNDS, _ASKS = 7, 60
_DRIVER = "2.0.0"
_ONE_ROW = "SELECT c_name, c_acctbal FROM samples.tpch.customer WHERE c_custkey = 42"
_MANY = "SELECT l_orderkey, l_quantity, l_extendedprice, l_shipdate, l_shipmode FROM samples.tpch.lineitem"
_MANY_ROWS = f"SELECT * FROM ({_MANY} UNION ALL {_MANY}) LIMIT 100000"  # noqa: S608 - both are ours


@dataclass(frozen=True, slots=True)
class Measured:
    name: str
    figure: float
    most: float

    def line(self) -> str:
        return f"{self.name:<28} {self.figure:8.2f} {'<= ' + format(self.most, 'g'):>10} {'ok' if self.ok else 'MISS'}"

    @property
    def ok(self) -> bool:
        return self.figure <= self.most


def _native(text: str) -> str:
    return text.replace("samples.tpch.", 'a."samples.tpch".')


def _seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _one_row(driver: NodeDriver, credentials: Credentials, native: duckdb.DuckDBPyConnection) -> list[Measured]:
    ours, theirs = [], []
    for _ in range(_ROUNDS):
        answers = driver.ask({"token": credentials.token}, [{"statement": _ONE_ROW}] * _ASKS)
        assert all(len(answer["rows"]) == 1 for answer in answers), answers[0]
        ours += [answer["ms"] for answer in answers[5:]]
        theirs += [1000 * _seconds(lambda: native.execute(_native(_ONE_ROW)).to_arrow_table()) for _ in range(_ASKS)]
    mine, base = statistics.median(ours), statistics.median(theirs)
    return [Measured("one_row_node_vs_duckdb", mine / base, 10), Measured("one_row_node_ms", mine, 15)]


def _many_rows(server: WarehouseServer, credentials: Credentials, native: duckdb.DuckDBPyConnection) -> Measured:
    ratios = []
    with _connect(server, credentials) as connection, connection.cursor() as cursor:

        def mine() -> None:
            cursor.execute(_MANY_ROWS)
            assert cursor.fetchall_arrow().num_rows == 100_000

        def base() -> None:
            assert native.execute(_native(_MANY_ROWS)).to_arrow_table().num_rows == 100_000

        mine()
        for _ in range(_ROUNDS):
            ratios.append(_seconds(mine) / _seconds(base))
    return Measured("rows_100k_vs_duckdb_arrow", statistics.median(ratios), 3)


def _connect(server: WarehouseServer, credentials: Credentials) -> Any:
    return sql.connect(
        server_hostname="127.0.0.1", http_path=HTTP_PATH, access_token=credentials.token, _port=server.https_port,
        _tls_trusted_ca_file=str(server.authority), enable_telemetry=False,
    )  # fmt: skip


def _many_clients(server: WarehouseServer, credentials: Credentials) -> Measured:
    failures: list[str] = []

    def work() -> None:
        try:
            with _connect(server, credentials) as connection, connection.cursor() as cursor:
                for _ in range(4):
                    cursor.execute("SELECT o_orderstatus, sum(o_totalprice) FROM samples.tpch.orders GROUP BY 1")
                    assert len(cursor.fetchall()) == 3
        except Exception as error:  # noqa: BLE001 - whatever it is, it counts
            failures.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Measured("clients_50_errors", len(failures), 0)


def main() -> int:
    files = sample_files(CACHE, scale=0.01, today=dt.datetime.now(dt.UTC).date())
    samples = {"A": files.a, "B": files.b}
    measured: list[Measured] = []
    with tempfile.TemporaryDirectory() as folder:
        starts = []
        for number in range(3):
            server = WarehouseServer(samples, Path(folder) / str(number))
            starts.append(server.start_seconds)
            if number < 2:
                server.close()
        measured.append(Measured("start_seconds", statistics.median(starts), 1.5))
        try:
            credentials = server.grant("bench", "start", "bench")
            native = duckdb.connect()
            native.execute(f"ATTACH '{files.a}' AS a (READ_ONLY)")
            driver = NodeDriver(_DRIVER, install_node_package("@databricks/sql", _DRIVER), server)
            measured += _one_row(driver, credentials, native)
            measured.append(_many_rows(server, credentials, native))
            measured.append(_many_clients(server, credentials))
            measured.append(Measured("memory_mb", psutil.Process(server.pid).memory_info().rss / 1e6, 300))
        finally:
            server.close()
    for one in measured:
        print(one.line())
    return 0 if all(one.ok for one in measured) else 1


if __name__ == "__main__":
    sys.exit(main())
