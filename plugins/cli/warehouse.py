"""`appeval warehouse`: the embedded Databricks SQL warehouse for people, so that apps run without a workspace."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType

from fixtures.endpoints.calls import today
from fixtures.errors import BadInput, HarnessError
from fixtures.warehouse.names import HOST, HTTP_PATH, WAREHOUSE_ID
from fixtures.warehouse.process import Credentials, WarehouseServer
from fixtures.warehouse.records import StatementRecord
from fixtures.warehouse.redirect import redirect_environment
from fixtures.warehouse.server.faults import KINDS
from plugins.project import project_folder

HELP = "run the embedded SQL warehouse and print the environment that an app needs, or run an app in it"

_EVERY, _LONGEST = 0.3, 160
_FOR_SCRIPTS = ("PATH", "APPEVAL_NODE", "APPEVAL_PRELOAD")
_APP = "app"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--scale", type=float, default=0.01, help="size of the sample data: 0.01 (default), 0.1 or 1")
    parser.add_argument("--tables", type=Path, nargs="+", default=[], help="your own .sql and .parquet files to load")
    parser.add_argument("--http-port", type=int, default=0, help="port of plain HTTP (default: any free one)")
    parser.add_argument("--https-port", type=int, default=0, help="port of HTTPS (default: any free one)")
    parser.add_argument("--oauth", action="store_true", help="give a service principal in place of a token")
    parser.add_argument("--data", choices=("A", "B", "empty"), default="A", help="B: other values; empty: no rows")
    parser.add_argument(
        "--fault", type=_fault, metavar="KIND[:SECONDS[:TIMES]]",
        help=f"trouble on purpose: {', '.join(kind for kind in KINDS if kind)} (`throttled:2:3`)",
    )  # fmt: skip
    parser.add_argument("--quiet", action="store_true", help="do not print the statements that arrive")
    parser.add_argument("app", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="run this with the environment")


def _fault(text: str) -> tuple[str, float, int | None]:
    kind, _, rest = text.partition(":")
    seconds, _, times = rest.partition(":")
    if not kind or kind not in KINDS:
        raise argparse.ArgumentTypeError(f"no fault {kind!r}; there are: {', '.join(k for k in KINDS if k)}")
    try:
        return kind, float(seconds or 1), int(times) if times else None
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not KIND[:SECONDS[:TIMES]]") from None


def run(arguments: argparse.Namespace) -> int:
    """Until Ctrl-C (0), or until the command ends (its exit code). 3 when the warehouse does not start."""
    command = arguments.app[1:] if arguments.app[:1] == ["--"] else arguments.app
    if arguments.app and not command:
        raise BadInput("there is no command after --")
    if command and shutil.which(command[0]) is None:
        raise BadInput(f"no such command: {command[0]}")
    signal.signal(signal.SIGTERM, _interrupted)
    missing = [str(path) for path in arguments.tables if not path.is_file()]
    if missing:
        raise BadInput(f"no such file: {', '.join(missing)}")
    if arguments.scale <= 0 or arguments.scale > 1:
        raise BadInput("--scale is above 0 and at most 1")
    from fixtures.warehouse.samples.cache import sample_files  # imports duckdb

    files = sample_files(project_folder() / ".cache", scale=arguments.scale, today=today())
    with tempfile.TemporaryDirectory(prefix="appeval-warehouse-") as folder:
        try:
            server = WarehouseServer(
                {"A": files.a, "B": files.b},
                Path(folder),
                http_port=arguments.http_port,
                https_port=arguments.https_port,
            )
        except HarnessError as error:
            print(f"appeval: {error}", file=sys.stderr)
            return 3
        try:
            return _serve(server, command, arguments)
        except HarnessError as error:
            print(f"appeval: {error}", file=sys.stderr)
            return 3
        except KeyboardInterrupt:
            return 0
        finally:
            server.close()


def _serve(server: WarehouseServer, command: list[str], arguments: argparse.Namespace) -> int:
    refused = server.bring(_APP, [path.resolve() for path in arguments.tables])
    if refused:
        raise BadInput(refused)
    credentials = server.grant(_APP, "start", _APP)
    if arguments.data != "A":
        server.show(credentials.token, arguments.data)
    if arguments.fault is not None:
        kind, seconds, count = arguments.fault
        server.fault(credentials.token, kind, seconds=seconds, count=count)
    environment = _environment(server, credentials, oauth=arguments.oauth)
    if not command:
        _explain(server, environment)
    process = subprocess.Popen(command, env={**os.environ, **environment}) if command else None  # noqa: S603 - the user's
    shown = _Shown(server)
    try:
        while process is None or process.poll() is None:
            if not arguments.quiet:
                shown.print_new()
            time.sleep(_EVERY)
        if not arguments.quiet:
            shown.print_new()
    finally:
        if process is not None and process.poll() is None:
            process.terminate()
            process.wait()
    return process.returncode


class _Shown:
    """What arrived, a line each, printed once."""

    def __init__(self, server: WarehouseServer) -> None:
        self._server, self._statements, self._events = server, 0, 0

    def print_new(self) -> None:
        record = self._server.record(_APP, "start")
        events = [event for event in record.events if event.kind in ("rejected", "fault")]
        lines = [(s.at, _line(s)) for s in record.statements[self._statements :]]
        lines += [(e.at, f"{_clock(e.at)} {e.kind}: {e.detail}") for e in events[self._events :]]
        self._statements, self._events = len(record.statements), len(events)
        for _, line in sorted(lines):
            print(line, file=sys.stderr, flush=True)


def _interrupted(_signal: int, _frame: FrameType | None) -> None:
    """A polite end, however it is asked for: what was made is removed."""
    raise KeyboardInterrupt


def _environment(server: WarehouseServer, credentials: Credentials, *, oauth: bool) -> dict[str, str]:
    options = os.environ.get("NODE_OPTIONS", "")
    redirect = redirect_environment(
        server.host, server.address, server.https_port, server.authority, node_options=options
    )
    who = (
        {"DATABRICKS_CLIENT_ID": credentials.client_id, "DATABRICKS_CLIENT_SECRET": credentials.client_secret}
        if oauth
        else {"DATABRICKS_TOKEN": credentials.token}
    )
    return {
        "DATABRICKS_HOST": HOST, "DATABRICKS_SERVER_HOSTNAME": HOST, "DATABRICKS_HTTP_PATH": HTTP_PATH,
        "DATABRICKS_WAREHOUSE_ID": WAREHOUSE_ID, **who, **redirect,
    }  # fmt: skip


def _explain(server: WarehouseServer, environment: dict[str, str]) -> None:
    print("# The embedded warehouse runs. Paste this into the shell of your app (Node or Python):")
    for name, value in environment.items():
        if name in _FOR_SCRIPTS:
            continue  # only for scripts that set NODE_OPTIONS anew; a pasted PATH would hide the shell's own
        print(f"export {name}={shlex.quote(value)}")
    print(f"# Other runtimes and the SDKs: DATABRICKS_HOST=http://{server.address}:{server.http_port}")
    print(
        "# Catalogs: samples (tpch, tpcds_sf1, nyctaxi, bakehouse, …) and main.default; what you write stays in memory."
    )
    print("# Statements appear below as they arrive. Ctrl-C ends it.", flush=True)


def _line(statement: StatementRecord) -> str:
    text = " ".join(statement.text.split())
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    outcome = f"{statement.rows} rows" if statement.state == "succeeded" else f"{statement.state}: {statement.error}"
    return f"{_clock(statement.at)} {statement.seconds * 1000:6.0f} ms  {text}  → {outcome[:300]}"


def _clock(at: float) -> str:
    return dt.datetime.fromtimestamp(at).strftime("%H:%M:%S")
