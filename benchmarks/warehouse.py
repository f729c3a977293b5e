"""How fast and how small the embedded warehouse is: a line per target, `NAME figure target ok|MISS`; exit 1 on a miss.

- `start_seconds`: from the start of the process to its ready line, with the sample files there already.
- `one_row_node_*`: a query of one row through `@databricks/sql` over TLS, from `executeStatement` to the closed
  operation, in milliseconds and as a multiple of the same query in DuckDB in this process. They take turns, statement
  by statement, so that both find the machine in the same state: DuckDB asked again and again in a loop, its caches
  hot, is about twice as fast (`info`). The first statements are left out: they measure how V8 compiles the driver.
- `rows_100k_vs_duckdb_arrow`: 100,000 rows, five columns, as record batches taken off the wire (HTTPS and Thrift) by
  the bare client of `thrift_client`, as a multiple of DuckDB's time for the same Arrow table. What the drivers do with
  the batches afterwards is theirs, not the warehouse's; the drivers' whole times stand beside it as `info`.
- `clients_50_errors`: failed clients of fifty at once. `memory_mb`: the server's resident memory after all of this.

DuckDB runs with its own settings over the same file. Ours and DuckDB's are always taken in turn; figures are medians.
Lines marked `info` go to standard error and hold no target.
"""

from __future__ import annotations

import datetime as dt
import json
import statistics
import subprocess
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

from benchmarks.thrift_client import ThriftClient
from fixtures.warehouse.names import HOST, HTTP_PATH
from fixtures.warehouse.process import WarehouseServer
from fixtures.warehouse.samples.cache import SampleFiles, sample_files
from tests.conformance.warehouse.conftest import NodeDriver, install_node_package
from tests.world import CACHE

_STARTS, _ROUNDS = 5, 21
_ASKS, _WARM_UP = 600, 200
_CLIENT = Path(__file__).with_name("one_row.cjs")
_DRIVER = "2.0.0"
_ONE_ROW = "SELECT c_name, c_acctbal FROM samples.tpch.customer WHERE c_custkey = 42"
_MANY = "SELECT l_orderkey, l_quantity, l_extendedprice, l_shipdate, l_shipmode FROM samples.tpch.lineitem"
_MANY_ROWS = f"SELECT * FROM ({_MANY} UNION ALL {_MANY}) LIMIT 100000"  # noqa: S608 - both are ours
_AT_ONCE = "SELECT o_orderstatus, sum(o_totalprice) FROM samples.tpch.orders GROUP BY 1"


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure and the most that it may be; None for one that is only shown."""

    name: str
    figure: float
    most: float | None = None

    def line(self) -> str:
        if self.most is None:
            return f"{self.name:<28} {self.figure:8.2f} {'':>10} info"
        return f"{self.name:<28} {self.figure:8.2f} {'<= ' + format(self.most, 'g'):>10} {'ok' if self.ok else 'MISS'}"

    @property
    def ok(self) -> bool:
        return self.most is None or self.figure <= self.most


class Native:
    """DuckDB in this process, over the same file."""

    def __init__(self, file: Path) -> None:
        self._connection = duckdb.connect()
        self._connection.execute(f"ATTACH '{file}' AS a (READ_ONLY)")

    def rows(self, text: str) -> int:
        table = self._connection.execute(text.replace("samples.tpch.", 'a."samples.tpch".')).to_arrow_table()
        return int(table.num_rows)


def _milliseconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - begin)


def _median(work: Callable[[], object], times: int) -> float:
    return statistics.median(_milliseconds(work) for _ in range(times))


def _starts(files: SampleFiles, folder: Path) -> tuple[WarehouseServer, Measured]:
    seconds = []
    for number in range(_STARTS):
        server = WarehouseServer({"A": files.a, "B": files.b}, folder / str(number))
        seconds.append(server.start_seconds)
        if number < _STARTS - 1:
            server.close()
    return server, Measured("start_seconds", statistics.median(seconds), 1.5)


class OneRow:
    """The query of one row in a Node process of its own, asked once for every call."""

    def __init__(self, driver: NodeDriver, token: str) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own client
            ["node", str(_CLIENT)], cwd=driver.folder, env=driver.environment(), text=True, bufsize=1,  # noqa: S607
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self._send(json.dumps({"connect": {"host": HOST, "path": HTTP_PATH, "token": token}, "statement": _ONE_ROW}))

    def milliseconds(self) -> float:
        self._send("")
        assert self._process.stdout is not None
        answer = json.loads(self._process.stdout.readline())
        assert answer["rows"] == 1, answer
        return float(answer["ms"])

    def close(self) -> None:
        self._process.communicate()

    def _send(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")


def _one_row(driver: NodeDriver, token: str, native: Native) -> list[Measured]:
    client = OneRow(driver, token)
    pairs = [(client.milliseconds(), _milliseconds(lambda: native.rows(_ONE_ROW))) for _ in range(_WARM_UP + _ASKS)]
    client.close()
    mine, base = (statistics.median(side) for side in zip(*pairs[_WARM_UP:], strict=True))
    hot = _median(lambda: native.rows(_ONE_ROW), _ASKS)
    return [
        Measured("one_row_node_vs_duckdb", mine / base, 10),
        Measured("one_row_node_ms", mine, 15),
        Measured("one_row_duckdb_ms", base),
        Measured("one_row_duckdb_in_a_loop_ms", hot),
    ]


def _many_rows(server: WarehouseServer, token: str, native: Native) -> Measured:
    client = ThriftClient(server, token)

    def mine() -> None:
        assert client.rows(_MANY_ROWS) == 100_000

    def base() -> None:
        assert native.rows(_MANY_ROWS) == 100_000

    mine()
    ratios = [_milliseconds(mine) / _milliseconds(base) for _ in range(_ROUNDS)]
    client.close()
    return Measured("rows_100k_vs_duckdb_arrow", statistics.median(ratios), 3)


def _many_rows_in_drivers(driver: NodeDriver, server: WarehouseServer, token: str, native: Native) -> list[Measured]:
    asks = [{"statement": _MANY_ROWS, "countOnly": True}] * 5
    answers = driver.ask({"token": token}, asks)
    assert {answer["count"] for answer in answers} == {100_000}
    with _connect(server, token) as connection, connection.cursor() as cursor:

        def python() -> None:
            cursor.execute(_MANY_ROWS)
            assert cursor.fetchall_arrow().num_rows == 100_000

        return [
            Measured("rows_100k_duckdb_ms", _median(lambda: native.rows(_MANY_ROWS), len(asks))),
            Measured("rows_100k_node_ms", statistics.median(answer["ms"] for answer in answers)),
            Measured("rows_100k_python_ms", _median(python, len(asks))),
        ]


def _connect(server: WarehouseServer, token: str) -> Any:
    return sql.connect(
        server_hostname=server.address, http_path=HTTP_PATH, access_token=token, _port=server.https_port,
        _tls_trusted_ca_file=str(server.authority), enable_telemetry=False,
    )  # fmt: skip


def _many_clients(server: WarehouseServer, token: str) -> Measured:
    failures: list[str] = []

    def work() -> None:
        try:
            with _connect(server, token) as connection, connection.cursor() as cursor:
                for _ in range(4):
                    cursor.execute(_AT_ONCE)
                    assert len(cursor.fetchall()) == 3
        except Exception as error:  # noqa: BLE001 - whatever it is, it counts
            failures.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Measured("clients_50_errors", len(failures), 0)


def _measure(files: SampleFiles, folder: Path) -> list[Measured]:
    server, start = _starts(files, folder)
    try:
        token, native = server.grant("bench", "start", "bench").token, Native(files.a)
        driver = NodeDriver(_DRIVER, install_node_package("@databricks/sql", _DRIVER), server)
        return [
            start,
            *_one_row(driver, token, native),
            _many_rows(server, token, native),
            *_many_rows_in_drivers(driver, server, token, native),
            _many_clients(server, token),
            Measured("memory_mb", psutil.Process(server.pid).memory_info().rss / 1e6, 300),
        ]
    finally:
        server.close()


def main() -> int:
    files = sample_files(CACHE, scale=0.01, today=dt.datetime.now(dt.UTC).date())
    with tempfile.TemporaryDirectory() as folder:
        measured = _measure(files, Path(folder))
    for one in measured:
        print(one.line(), file=sys.stderr if one.most is None else sys.stdout, flush=True)
    return 0 if all(one.ok for one in measured) else 1


if __name__ == "__main__":
    sys.exit(main())
