"""Places for MLflow: a database to copy, and a real server on the loopback at a free port, ended with its group."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from plugins.tracking.store import Destination, Store, open_store

_SECONDS = 90.0
_SETTINGS = {
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # seven processes that nobody needs
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def mlflow_server(folder: Path) -> Iterator[str]:
    """Its address, once it is healthy; data, artifacts and log are in `folder`."""
    port = free_port()
    uri, log = f"http://127.0.0.1:{port}", folder / "server.log"
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{folder / 'server.db'}", "--artifacts-destination", str(folder / "artifacts"),
    ]  # fmt: skip
    environment = {name: text for name, text in os.environ.items() if not name.startswith("MLFLOW_")} | _SETTINGS
    with log.open("wb") as stream:
        server = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=stream, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        _wait(server, uri, log)
        yield uri
    finally:
        _stop(server)


def _wait(server: subprocess.Popen[bytes], uri: str, log: Path) -> None:
    end = time.monotonic() + _SECONDS
    while True:
        try:
            if httpx.get(f"{uri}/health", timeout=5, trust_env=False).is_success:
                return
        except httpx.HTTPError:
            pass
        said = log.read_text(encoding="utf-8", errors="replace")[-3000:]
        assert server.poll() is None, f"the MLflow server ended at once:\n{said}"
        assert time.monotonic() < end, f"no MLflow server after {_SECONDS:g} s:\n{said}"
        time.sleep(0.2)


def _stop(server: subprocess.Popen[bytes]) -> None:
    for number, patience in ((signal.SIGTERM, 10.0), (signal.SIGKILL, 10.0)):
        try:
            os.killpg(server.pid, number)
            server.wait(patience)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
    server.wait(1)


@pytest.fixture(scope="session")
def made_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database to copy: making one takes seconds."""
    path = tmp_path_factory.mktemp("mlflow-template") / "mlflow.db"
    with open_store(Destination(f"sqlite:///{path}", "template")):
        pass
    return path


@pytest.fixture(scope="session")
def mlflow_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server for all tests of a session: they keep apart by experiments of their own."""
    with mlflow_server(tmp_path_factory.mktemp("mlflow")) as uri:
        yield uri


@pytest.fixture
def at_server(mlflow_uri: str, request: pytest.FixtureRequest) -> Destination:
    """An experiment of the test's own at that server."""
    return Destination(mlflow_uri, request.node.name)


@pytest.fixture
def place(made_database: Path, tmp_path: Path) -> Destination:
    """A database that nobody has written to."""
    shutil.copy(made_database, tmp_path / "mlflow.db")
    return Destination(f"sqlite:///{tmp_path / 'mlflow.db'}", "appeval")


@pytest.fixture
def store(place: Destination) -> Iterator[Store]:
    """Open while the test runs: nobody else of this process can open one."""
    with open_store(place) as opened:
        yield opened
