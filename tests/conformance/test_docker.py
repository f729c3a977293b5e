"""The Docker sandbox with a real engine: images built from an app's Dockerfile, containers, networks, leftovers."""

from __future__ import annotations

import ipaddress
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from fixtures.errors import HarnessError
from fixtures.machine import Machine
from fixtures.sandbox import SANDBOXES
from fixtures.sandbox.base import Route
from fixtures.sandbox.docker import DockerHousekeeping
from fixtures.sandbox.docker.engine import client
from fixtures.sandbox.docker.labels import APP, KEPT
from fixtures.sandbox.docker.limits import build_group
from fixtures.sandbox.docker.toolchain import require_image
from fixtures.sandbox.relay import Relays, Tcp
from tests.world import World, until

_WHY_NOT = SANDBOXES["docker"].why_not()
pytestmark = pytest.mark.skipif(_WHY_NOT is not None, reason=f"docker: {_WHY_NOT}")

SERVER = """
import http from "node:http";
const answer = { ...process.env, from: "the container" };
http.createServer((request, response) => {
  const known = { "/health": { status: "fine" }, "/": answer, "/env": answer };
  response.writeHead(known[request.url] ? 200 : 404, { "content-type": "application/json" });
  response.end(JSON.stringify(known[request.url] ?? { error: "no such page" }));
}).listen(%s);
process.on("SIGTERM", () => process.exit(0));
"""
PORT = "Number(process.env.DATABRICKS_APP_PORT), '0.0.0.0'"
PACKAGE = json.dumps({"name": "tiny", "type": "module", "scripts": {"start": "node server.mjs"}})
DOCKERFILE = 'FROM node:22-slim\nWORKDIR /app\nCOPY . .\nCMD ["node", "server.mjs"]\n'


def files(dockerfile: str | None = DOCKERFILE, server: str = SERVER % PORT, **more: str) -> dict[str, str | bytes]:
    found: dict[str, str | bytes] = {"package.json": PACKAGE, "server.mjs": server, **more}
    return found if dockerfile is None else {**found, "Dockerfile": dockerfile}


@pytest.fixture
def world(tmp_path: Path, machine: Machine, request: pytest.FixtureRequest) -> Iterator[World]:
    settings: dict[str, Any] = getattr(request, "param", {})
    made = World(tmp_path / "w", machine, sandbox="docker", **settings)
    yield made
    made.close()
    assert list(DockerHousekeeping().reap(made.settings.run_dir)) == []


# ---------------------------------------------------------------------- images


def test_an_image_is_built_from_the_source_and_removed(world: World) -> None:
    world.use(files())
    (world.workspace.app / "built-here").write_text("not in the image")
    facts = world.stage("image").facts
    assert facts["base"] == "node:22-slim"
    assert facts["bytes"] > 50_000_000
    assert facts["secrets"] == []
    assert client().api.inspect_image(facts["tag"])["Id"] == facts["id"]
    server = world.context("start").start_image({})
    until(lambda: not server.alive(), 10)  # no port was given
    server.stop()
    found = client().containers.run(facts["tag"], ["ls"], remove=True).decode().split()
    assert sorted(found) == ["Dockerfile", "package.json", "server.mjs"]
    world.sandbox.close()
    assert client().api.images(name=facts["tag"]) == []


@pytest.mark.parametrize("world", [{"keep_images": True}], indirect=True)
def test_an_image_that_is_to_be_kept_is_nobodys_leftover(world: World) -> None:
    world.use(files())
    tag = world.stage("image").facts["tag"]
    world.sandbox.close()
    try:
        assert DockerHousekeeping().tidy(world.settings) == []
        assert client().api.inspect_image(tag)["Config"]["Labels"][KEPT] == "yes"
    finally:
        client().api.remove_image(tag)


@pytest.mark.parametrize(
    ("dockerfile", "kind", "code", "said"),
    [
        (DOCKERFILE + "RUN echo 'src/a.ts(3,1): error TS2322: no' && exit 3\n", "app", "image.failed", "error TS2322"),
        (DOCKERFILE + "COPY nowhere.txt .\n", "app", "image.failed", "nowhere.txt"),
        (DOCKERFILE + "FETCH x\n", "app", "image.failed", "unknown instruction: FETCH"),
        ("FROM appeval-no-such-base:1\nCMD true\n", "harness", "harness.registry_unreachable", "could not be pulled"),
        (DOCKERFILE + "COPY --from=biuld /x /x\n", "app", "image.failed", "--from=biuld names no earlier stage"),
        (
            DOCKERFILE + "RUN (echo 'failed to copy: no such host' >&2; exit 1)\n",
            "app",
            "image.failed",
            "failed to copy",
        ),
        (DOCKERFILE + "ADD http://127.0.0.1:5000/ /x\n", "app", "image.reaches_in", "127.0.0.1:5000"),
        (DOCKERFILE + "ARG H=localhost\nADD http://$H/x /x\n", "app", "image.reaches_in", "localhost"),
        (DOCKERFILE + "ADD https://no-such.invalid/x /x\n", "harness", "harness.download_failed", "no-such.invalid"),
        (DOCKERFILE + "RUN --network=host true\n", "app", "image.failed", "network.host"),
        (DOCKERFILE + "RUN --security=insecure true\n", "app", "image.failed", ""),
    ],
)
def test_whose_fault_a_failed_build_is(world: World, dockerfile: str, kind: str, code: str, said: str) -> None:
    world.use(files(dockerfile))
    problem = world.problem("image")
    assert (problem.kind, problem.code) == (kind, code)
    assert said in problem.message


def test_a_syntax_line_whose_frontend_cannot_be_had_is_done_without(world: World) -> None:
    world.use(files("# syntax=docker/dockerfile:1\n" + DOCKERFILE + "RUN --mount=type=cache,target=/c touch /c/x\n"))
    result = world.stage("image")
    assert result.ok, result.problem
    assert result.facts["without_syntax"] is True


def test_a_build_over_its_time_is_ended(world: World) -> None:
    world.use(files(DOCKERFILE + "RUN sleep 100\n"))
    problem = world.problem("image", limit=4)
    assert problem.code == "image.timeout"


@pytest.mark.parametrize("world", [{"max_processes": 20, "cpu_slots": 1}], indirect=True)
def test_the_processes_of_a_build_are_limited(world: World) -> None:
    if build_group(world.settings) is None:
        pytest.skip("this machine lets us make no control group for builds")
    many = "for i in $(seq 150); do sleep 2 & done; wait"
    world.use(files(DOCKERFILE + f"RUN bash -c '{many}' 2>&1 | grep -q 'Resource temporarily unavailable'\n"))
    result = world.stage("image")
    assert result.ok, result.problem


def test_secrets_in_the_image_are_found_where_the_source_has_none(world: World) -> None:
    token = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    world.use(files(DOCKERFILE + f"RUN printf 'TOKEN=ghp_%s' {token[4:]} > .env\nRUN rm .env\n"))
    facts = world.stage("image").facts
    assert any(hit["file"] == "image:/app/.env" for hit in facts["secrets"])
    assert token not in json.dumps(facts["secrets"])


# ---------------------------------------------------------------------- containers


def test_the_container_gets_the_platforms_variables_and_nothing_of_ours(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "planted-1")
    monkeypatch.setenv("DATABRICKS_TOKEN", "planted-2")
    yaml = 'command: ["node", "server.mjs"]\nenv:\n  - name: COLOUR\n    value: blue\n'
    world.use(files(**{"app.yaml": yaml}))
    assert world.stage("image").ok
    started = world.stage("start")
    assert started.facts["form"] == "container"
    serving = world.live["serving"]
    inside = httpx.get(f"{serving.base}/env").json()
    serving.server.stop()
    assert "planted" not in json.dumps(inside)
    assert inside["DATABRICKS_APP_PORT"] == inside["PORT"] == str(started.facts["given_port"])
    assert inside["DATABRICKS_HOST"]
    of_image = {entry.partition("=")[0] for entry in client().api.inspect_image("node:22-slim")["Config"]["Env"]}
    assert not [name for name in inside.keys() - of_image if name.startswith(("APPEVAL", "npm_", "ANTHROPIC"))]
    deployed = world.stage("deployment").facts
    assert deployed["form"] == "container"
    assert deployed["everywhere"]
    assert deployed["port"] == deployed["given_port"]
    assert deployed["smoke"]["ok"]
    assert deployed["variables"] == ["COLOUR"]


def test_without_a_dockerfile_the_descriptors_command_is_deployed(world: World) -> None:
    server = SERVER % "Number(process.argv[2]), '::'"
    yaml = 'command: ["node", "server.mjs", "$DATABRICKS_APP_PORT"]\n'
    world.use(files(None, server, **{"app.yaml": yaml}))
    for stage in ("install", "build"):
        assert world.stage(stage).ok
    facts = world.stage("deployment").facts
    assert facts["form"] == "command"
    assert facts["listens"] == ["::"]
    assert facts["port"] == facts["given_port"]


def test_an_image_that_listens_on_loopback_only_cannot_be_reached(world: World) -> None:
    world.use(files(server=SERVER % "Number(process.env.PORT), '127.0.0.1'"))
    assert world.stage("image").ok
    problem = world.problem("start", limit=5)
    assert problem.code == "runtime.loopback_only"
    assert "127.0.0.1" in problem.message


def test_an_image_without_a_command_does_not_start(world: World) -> None:
    world.use(files("FROM scratch\nCOPY . .\n"))
    assert world.stage("image").ok
    problem = world.problem("start", limit=5)
    assert problem.code == "runtime.exited"


def test_an_image_whose_user_is_not_there_does_not_start(world: World) -> None:
    world.use(files(DOCKERFILE + "USER nosuchuser\n"))
    assert world.stage("image").ok
    problem = world.problem("start", limit=5)
    assert (problem.kind, problem.code) == ("app", "runtime.exited")
    assert "nosuchuser" in problem.message


def test_what_is_deployed_must_keep_running(world: World) -> None:
    world.use(files(server=SERVER % PORT + "setTimeout(() => process.exit(3), 3000);"))
    assert world.stage("image").ok
    problem = world.problem("deployment")
    assert problem.code == "deployment.died"
    assert "exited 3" in problem.message
    assert world.stage("start").ok
    assert world.stage("stop").facts["alive"] is False, "whatever else was asked of it"


def test_a_descriptor_that_the_platform_refuses_deploys_nothing(world: World) -> None:
    world.use(files(None, **{"app.yaml": "command: npm start\n"}))
    problem = world.problem("deployment")
    assert problem.code == "deployment.refused"
    assert "app.yaml: command" in problem.message


def test_a_program_that_the_toolchain_lacks_is_nobodys_fault(world: World) -> None:
    world.use(files(None, **{"app.yaml": 'command: ["gunicorn", "app:app"]\n'}))
    problem = world.problem("deployment")
    assert (problem.kind, problem.code) == ("unmeasured", "unmeasured.no_tool")


def test_the_descriptors_variables_are_given_to_the_running_app(world: World) -> None:
    yaml = "env:\n  - name: GREETING\n    value: hello\n  - name: WAREHOUSE\n    valueFrom: sql-warehouse\n"
    world.use(files(**{"app.yaml": yaml}))
    assert world.stage("image").ok
    assert world.stage("start").ok
    serving = world.live["serving"]
    inside = httpx.get(f"{serving.base}/env").json()
    serving.server.stop()
    assert inside["GREETING"] == "hello"
    assert inside["WAREHOUSE"] == inside["DATABRICKS_WAREHOUSE_ID"]


@pytest.mark.parametrize("world", [{"max_memory": 150_000_000}], indirect=True)
def test_a_container_over_its_memory_is_ended(world: World) -> None:
    hungry = "const held = []; setInterval(() => held.push(Buffer.alloc(20e6, 1)), 20);" + SERVER % PORT
    world.use(files(server='import "./later.mjs";' + hungry, **{"later.mjs": ""}))
    assert world.stage("image").ok
    server = world.context("start").start_image({"DATABRICKS_APP_PORT": "3000"})
    until(lambda: not server.alive(), 15)
    assert server.killed_by() == "memory"


# ---------------------------------------------------------------------- networks

REACH = """
import socket, sys
def reached(host, port):
    try:
        with socket.create_connection((host, port), timeout=2) as s: return s.recv(20).decode()
    except OSError as error: return type(error).__name__
print(*[reached(host, int(port)) for host, port in (a.split("=") for a in sys.argv[1:])], sep="|")
"""


def listening(text: bytes, address: str = "127.0.0.1") -> tuple[socket.socket, int]:
    """A server of this machine that says something to whoever connects."""
    server = socket.create_server((address, 0))

    def say() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.sendall(text)

    threading.Thread(target=say, daemon=True).start()
    return server, server.getsockname()[1]


def test_what_is_led_there_is_all_that_a_closed_network_reaches(world: World) -> None:
    server, port = listening(b"the warehouse")
    other, secret = listening(b"a secret", "0.0.0.0")  # noqa: S104 - what an app must not reach
    led = world.sandbox.lead(Route("dbc-1.cloud.example.com", "127.0.0.1", port))
    assert led is not None
    program = world.program(REACH)
    here = [a.address for nic in psutil.net_if_addrs().values() for a in nic if a.family == socket.AF_INET]
    result = world.run("python3", program, "dbc-1.cloud.example.com=443", network="closed")
    assert result.stdout_tail == "the warehouse\n", result
    (network,) = client().api.networks(filters={"label": f"{APP}={world.workspace.base}"})
    gateways = [str(ipaddress.ip_network(c["Subnet"])[1]) for c in network["IPAM"]["Config"]]
    places = ["1.1.1.1=80", "example.com=80", *(f"{address}={secret}" for address in (*here, *gateways))]
    reached = world.run("python3", program, *places, network="closed").stdout_tail.strip().split("|")
    assert len(reached) == len(places)
    assert set(reached) <= {"TimeoutError", "gaierror", "OSError", "ConnectionRefusedError"}
    alone = world.run("python3", program, "dbc-1.cloud.example.com=443", *places, network="none").stdout_tail
    assert "warehouse" not in alone
    assert "secret" not in alone
    server.close()
    other.close()


def test_a_relay_passes_on_what_it_is_given_and_ends() -> None:
    relays = Relays()
    server, port = listening(b"x" * 20)
    here = relays.open_port(0, Tcp("127.0.0.1", port))

    for _ in range(3):
        with socket.create_connection(("127.0.0.1", here), timeout=2) as connection:
            assert connection.recv(100) == b"x" * 20
    nobody = relays.open_port(0, Tcp("127.0.0.1", 1))
    with socket.create_connection(("127.0.0.1", nobody), timeout=2) as connection:
        assert connection.recv(1) == b""
    relays.close()
    relays.close()
    server.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", here), timeout=2)


def test_a_toolchain_image_that_cannot_be_had_is_our_trouble(world: World) -> None:
    said: list[str] = []
    settings = replace(world.settings, toolchain_image="appeval-no-such-toolchain:1")
    DockerHousekeeping().prepare(settings, said.append)
    assert said == ["pulling appeval-no-such-toolchain:1, in which commands of apps run (once)"]
    with pytest.raises(HarnessError) as raised:
        require_image("appeval-no-such-toolchain:1")
    assert raised.value.code == "harness.registry_unreachable"
    DockerHousekeeping().prepare(world.settings, said.append)
    assert len(said) == 1, "what is there is not pulled"
