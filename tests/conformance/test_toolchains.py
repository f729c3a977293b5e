"""The programs that an app asks for come to its commands, in every sandbox: real Nodes, package managers, Pythons.

What is not in the cache yet is fetched once per machine.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fixtures.errors import AppError
from fixtures.sandbox.environment import node_headers
from fixtures.stacks.base import Stack, Tools
from fixtures.toolchain.npm_programs import program_version
from fixtures.toolchain.pypi import pinned
from fixtures.warehouse.redirect import redirect_environment
from tests.world import MakeWorld, World, write


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world()


def ask(world: World, monkeypatch: pytest.MonkeyPatch, tools: Tools) -> None:
    """Let the kind of the world's app ask for these."""
    monkeypatch.setattr(type(world.app.stack), "tools", lambda _self, _root: tools)
    world.live.clear()


def said(world: World, *argv: str) -> list[str]:
    """The words that a command of a stage says, which must end well."""
    result = world.context("install").run(argv)
    assert result.ok, (result.stdout_tail, result.stderr_tail)
    return result.stdout_tail.split()


@pytest.mark.hazard(31)
def test_an_app_that_needs_node_22_gets_it(world: World) -> None:
    """Hazard 31: `@databricks/appkit` needs Node 22; the machine may have another one."""
    world.use({"package.json": '{"engines": {"node": ">=22"}}', "log.js": "console.log(process.version)"})
    assert int(said(world, "node", "log.js")[0].removeprefix("v").split(".")[0]) >= 22
    assert said(world, "/usr/bin/env", "node", "log.js") == said(world, "node", "log.js")
    assert "(package.json (engines): >=22" in world.context("install").toolchain.versions["node"]


@pytest.mark.parametrize("major", [20, 24])
def test_the_line_of_node_that_an_app_names(world: World, monkeypatch: pytest.MonkeyPatch, major: int) -> None:
    ask(world, monkeypatch, Tools(node=f"^{major}", why=".nvmrc"))
    version = said(world, "node", "--version")[0]
    assert version.startswith(f"v{major}.")
    assert said(world, "node", "-p", "process.version") == [version]
    assert said(world, "npm", "exec", "--", "node", "--version") == [version]
    assert world.context("install").toolchain.versions["node"].startswith(version.removeprefix("v"))


@pytest.mark.hazard(5)
def test_a_node_that_we_install_has_its_headers(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hazard 5: native modules (lz4 through `@databricks/sql`) need headers, those of the Node that they are built for."""
    if world.sandbox.contained:
        pytest.skip("the image has its own")
    ask(world, monkeypatch, Tools(node="^24"))
    show = "cat $npm_package_config_node_gyp_nodedir/include/node/node_version.h"
    assert said(world, "sh", "-c", f"{show} | grep 'define NODE_MAJOR_VERSION'")[-1] == "24"


@pytest.mark.hazard(5)
def test_the_machines_own_node_has_its_headers(world: World) -> None:
    """Hazard 5: so have those of the Node that is there already, where they are installed."""
    if world.sandbox.contained or node_headers() is None:
        pytest.skip("the image has its own, or this machine has none")
    version, headers = said(world, "sh", "-c", "node -p 'process.versions.node.split(`.`)[0]'; "
                            "grep 'define NODE_MAJOR_VERSION' $npm_package_config_node_gyp_nodedir/include/node/node_version.h"
                            " | tr -dc 0-9; echo")  # fmt: skip
    assert version == headers


@pytest.mark.hazard(5)
def test_a_node_that_nobody_has_is_the_platforms(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hazard 5: a range that cannot be met is a warning to npm; the platform runs its Node 22 all the same."""
    ask(world, monkeypatch, Tools(node="16.x", why=".nvmrc"))
    assert said(world, "node", "--version")[-1].startswith("v22.")


def test_the_package_managers_answer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = ("bun", "pnpm", "pyright", "uv", "yarn")
    ask(world, monkeypatch, Tools(programs=programs, why="its lockfiles"))
    answers = " ".join(said(world, "sh", "-c", "; ".join(f"{name} --version" for name in programs)))
    for name in programs:
        version = pinned("uv") if name == "uv" else program_version(name)
        assert version in answers, name
        assert world.context("install").toolchain.versions[name] == version


def test_both_generations_of_yarn_can_be_asked_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(world, monkeypatch, Tools(programs=("yarn-berry",)))
    assert said(world, "yarn", "--version") == [program_version("yarn-berry")]
    assert program_version("yarn-berry").startswith("4.")


def test_a_virtual_environment_made_by_uv_is_what_later_commands_run_in(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(
        world, monkeypatch, Tools(python=">=3.11,<3.12", programs=("uv",), folders=(".venv/bin",), why="pyproject.toml")
    )
    assert "VIRTUAL_ENV" not in " ".join(said(world, "env"))
    said(world, "uv", "venv", "--quiet", ".venv")
    script = 'printf "%s\\n" "#!/bin/sh" "echo mine" > .venv/bin/own && chmod +x .venv/bin/own'
    said(world, "sh", "-c", script)
    assert said(world, "own") == ["mine"], "its programs are in PATH"
    code = "import sys; print(sys.prefix, *sys.version_info[:2])"
    assert said(world, "python", "-c", code) == [str(world.workspace.app / ".venv"), "3", "11"]
    result = world.context("tests").run(["uv", "pip", "list", "--offline"])
    assert result.ok, result.stderr_tail


def test_an_app_cannot_change_what_others_are_given(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(world, monkeypatch, Tools(node="^24", programs=("bun", "uv"), python="3.11"))
    chain = world.context("install").toolchain
    for place in (*chain.folders, world.settings.cache_dir / "tools"):
        result = world.context("install").run(["sh", "-c", f"echo x > {place}/appeval-was-here"])
        assert not (place / "appeval-was-here").exists(), place
        assert not result.ok
    shared = world.settings.cache_dir / "packages" / "appeval-was-here"
    assert world.context("install").run(["touch", str(shared)]).ok, "what managers keep is shared"
    shared.unlink()


def test_what_an_app_says_wrongly_is_its_own_fault(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def tools(_self: Stack, _root: Path) -> Tools:
        raise AppError("install.manifest", "pyproject.toml cannot be read")

    monkeypatch.setattr(type(world.app.stack), "tools", tools)
    world.use({"package.json": "{}"})
    problem = world.problem("install")
    assert (problem.kind, problem.code) == ("app", "install.manifest")


def test_the_evidence_names_the_versions(world: World) -> None:
    world.use({"package.json": json.dumps({"engines": {"node": "^24"}})})
    facts = world.stage("install").facts
    assert facts["toolchain"]["node"].startswith("24."), facts
    assert "engines" in facts["toolchain"]["node"]


def test_toolchains_are_found_once_per_app(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(world, monkeypatch, Tools(node="^22"))
    first = world.context("install").toolchain
    monkeypatch.setattr("fixtures.stages.context.provide", None)
    assert world.context("build").toolchain is first


def test_the_preload_stays_in_force_for_the_apps_own_node(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script that clears NODE_OPTIONS still reaches the warehouse, on the Node that the app asks for."""
    if world.sandbox.contained:
        pytest.skip("there a name leads to the warehouse, whatever the program")
    ask(world, monkeypatch, Tools(node="^24", folders=(".venv/bin",)))
    authority = write(world.base, {"authority.pem": "-----BEGIN CERTIFICATE-----\n"}) / "authority.pem"
    lead = redirect_environment("warehouse.invalid", "127.0.0.1", 9, authority)
    write(world.workspace.app, {".venv/pyvenv.cfg": "", ".venv/bin/node": "#!/bin/sh\necho another"})
    (world.workspace.app / ".venv/bin/node").chmod(0o755)
    code = "console.log(process.version, process.env.NODE_OPTIONS.includes('preload.cjs'))"
    result = world.context("start").run(["sh", "-c", f'NODE_OPTIONS="" node -e "{code}"'], env=lead)
    assert result.ok, result.stderr_tail
    assert result.stdout_tail.startswith("v24.")
    assert "true" in result.stdout_tail
