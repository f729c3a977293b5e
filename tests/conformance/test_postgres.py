"""Python apps on a Postgres of their own: real FastAPI, psycopg, SQLAlchemy and asyncpg, and a real server.

One environment is installed for the module, and the program in it exchanged.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from evals.test_data_returned import judge as judge_data
from evals.test_databricks_connectivity import judge as judge_connectivity
from fixtures.machine import Machine
from fixtures.postgres.find import find_postgres
from fixtures.running.env_files import silence_env_files
from tests.world import CACHE, World, shared_machine, write

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_postgres(CACHE) is None, reason="this machine has no Postgres"),
]
_YAML = "command: [uvicorn, 'app:app', --host, 0.0.0.0, --port, $DATABRICKS_APP_PORT]\n"
_REQUIREMENTS = "fastapi\nuvicorn\npsycopg[binary]\nsqlalchemy[asyncio]\nasyncpg\npython-dotenv\n"
_HEAD = """
import os
from contextlib import asynccontextmanager
from fastapi import FastAPI
CREATE = "CREATE TABLE IF NOT EXISTS orders (id int PRIMARY KEY, customer text NOT NULL, total numeric NOT NULL)"
FILL = "INSERT INTO orders SELECT i, 'Customer number ' || i, i * 12.5 FROM generate_series(1, 8) i ON CONFLICT DO NOTHING"
READ = "SELECT id, customer, total FROM orders ORDER BY id"
"""
_ROUTES = """
@app.get("/health")
def health():
    return {"status": "ok"}
"""
_PSYCOPG = f"""{_HEAD}
import psycopg
@asynccontextmanager
async def made(app):
    with psycopg.connect(CONNINFO) as connection:
        connection.execute(CREATE)
        connection.execute(FILL)
    yield
app = FastAPI(lifespan=made)
{_ROUTES}
@app.get("/api/orders")
def orders():
    with psycopg.connect(CONNINFO) as connection:
        return [{{"id": row[0], "customer": row[1], "total": float(row[2])}} for row in connection.execute(READ)]
"""
_SQLALCHEMY = f"""{_HEAD}
from sqlalchemy import create_engine, text
engine = create_engine(os.environ["DATABASE_URL"])
with engine.begin() as connection:
    connection.execute(text(CREATE))
    connection.execute(text(FILL))
app = FastAPI()
{_ROUTES}
@app.get("/api/orders")
def orders():
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(READ)).mappings()]
"""
_ASYNCPG = f"""{_HEAD}
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
engine = create_async_engine(os.environ["SQLALCHEMY_DATABASE_URI"])
@asynccontextmanager
async def made(app):
    async with engine.begin() as connection:
        await connection.execute(text(CREATE))
        await connection.execute(text(FILL))
    yield
app = FastAPI(lifespan=made)
{_ROUTES}
@app.get("/api/orders")
async def orders():
    async with engine.connect() as connection:
        return [dict(row) for row in (await connection.execute(text(READ))).mappings()]
"""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with shared_machine(tmp_path_factory.mktemp("postgres")) as made:
        yield made


@pytest.fixture(scope="module")
def world(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("app"), machine, name="an-app-of-python")
    made.use({"app.py": _PSYCOPG, "app.yaml": _YAML, "requirements.txt": _REQUIREMENTS})
    assert made.app.stack.name == "fastapi"
    assert made.stage("install").problem is None, made.results["install"]
    yield made
    made.close()


@pytest.mark.parametrize(
    ("program", "example"),
    [
        (_PSYCOPG.replace("CONNINFO", "''"), ""),
        (_PSYCOPG.replace("CONNINFO", "os.environ['DATABASE_URL']"), ""),
        (_SQLALCHEMY, "DATABASE_URL=postgresql+psycopg://user:password@localhost:5432/orders\n"),
        (_ASYNCPG, "SQLALCHEMY_DATABASE_URI=postgresql+asyncpg://user:password@localhost/orders\n"),
    ],
    ids=["psycopg by PG variables", "psycopg by address", "SQLAlchemy with psycopg", "SQLAlchemy with asyncpg"],
)
def test_metrics_5_and_6_by_our_postgres(world: World, program: str, example: str) -> None:
    for root in (world.app.path, world.workspace.app):
        write(root, {"app.py": program, ".env.example": example})
    world.live.clear()
    world.results.clear()
    for stage in ("start", "probe", "queries", "canary", "stop"):
        assert world.stage(stage, 120).problem is None, world.results[stage]
    assert world.results["queries"].facts["read_at"] == ["its Postgres"]
    assert judge_connectivity(world.evidence()).low == 1
    found = judge_data(world.evidence())
    assert found.low == 1, world.results["canary"].facts
    assert "/api/orders" in found.line


_LOOK = """
import json, os
from dotenv import load_dotenv
load_dotenv(override=True)
print(json.dumps([os.environ["DATABRICKS_HOST"], os.environ["DATABASE_URL"], os.environ["API_MODE"]]))
"""
_FILE = (
    "DATABRICKS_HOST=https://adb-1.2.azuredatabricks.net\nexport DATABASE_URL='postgresql://them@db.example.com/real'\n"
    "API_MODE=strict\n"
)


@pytest.mark.hazard(22)
def test_a_file_that_python_dotenv_loads_over_the_environment_does_not_win(world: World) -> None:
    """Hazard 22: `.env` carries a real workspace and database, and the app loads it with `override=True`."""
    root = write(world.workspace.app, {"look.py": _LOOK, ".env": _FILE})
    try:
        silence_env_files(root, ["DATABRICKS_HOST"])
        given = {"DATABRICKS_HOST": "ours", "DATABASE_URL": "ours too"}
        result = world.context("start").run(["python", "look.py"], env=given)
    finally:
        (root / ".env").unlink()
    assert json.loads(result.stdout_tail.splitlines()[-1]) == ["ours", "ours too", "strict"], result
