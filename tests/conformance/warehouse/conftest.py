"""A real warehouse server with real sample data, and the drivers that talk to it, installed once per machine."""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fixtures.sandbox.environment import npm_configuration
from fixtures.warehouse.names import HOST, HTTP_PATH
from fixtures.warehouse.process import Credentials, WarehouseServer
from fixtures.warehouse.redirect import redirect_environment
from fixtures.warehouse.samples.cache import sample_files
from tests.world import CACHE

NODE_DRIVERS = ("1.12.0", "1.17.0", "2.0.0", "2.1.0")
_CLIENT = Path(__file__).with_name("client.cjs")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarehouseServer]:
    files = sample_files(CACHE, scale=0.01, today=dt.datetime.now(dt.UTC).date())
    running = WarehouseServer({"A": files.a, "B": files.b}, tmp_path_factory.mktemp("warehouse"))
    yield running
    running.close()


@pytest.fixture
def app(request: pytest.FixtureRequest) -> str:
    return f"app-{abs(hash(request.node.nodeid)):x}"


@pytest.fixture
def credentials(server: WarehouseServer, app: str) -> Credentials:
    return server.grant(app, "start", app)


@dataclass(frozen=True, slots=True)
class NodeDriver:
    """`@databricks/sql` of one version, under the fake workspace host."""

    version: str
    folder: Path
    server: WarehouseServer

    def environment(self) -> dict[str, str]:
        server = self.server
        redirect = redirect_environment(server.host, server.address, server.https_port, server.authority)
        return {**os.environ, **redirect}

    def ask(self, connect: Mapping[str, Any], asks: Sequence[Mapping[str, Any]], **how: Any) -> list[dict[str, Any]]:
        order = {"connect": {"host": HOST, "path": HTTP_PATH, **connect}, "asks": asks, **how}
        done = subprocess.run(
            ["node", str(_CLIENT)], cwd=self.folder, input=json.dumps(order), env=self.environment(), text=True,
            capture_output=True, timeout=100, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        answers: list[dict[str, Any]] = json.loads(done.stdout)
        return answers


def install_node_package(name: str, version: str) -> Path:
    """The folder in which a package of npm is installed; installs it when it is not there yet."""
    folder = CACHE / "tests" / f"{name.replace('/', '-').lstrip('@')}-{version}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "node_modules" / name / "package.json").is_file():
            shutil.rmtree(folder / "node_modules", ignore_errors=True)
            (folder / "package.json").write_text('{"private": true}')
            subprocess.run(
                ["npm", "install", "--no-audit", "--no-fund", "--silent", f"{name}@{version}"], cwd=folder, check=True,
                env={**os.environ, **npm_configuration()}, timeout=300,
            )  # fmt: skip
    return folder


@pytest.fixture(scope="session", params=NODE_DRIVERS)
def driver(request: pytest.FixtureRequest, server: WarehouseServer) -> NodeDriver:
    version: str = request.param
    return NodeDriver(version, install_node_package("@databricks/sql", version), server)
