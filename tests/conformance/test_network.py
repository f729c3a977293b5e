"""Stages that need no network run without one, in every sandbox that can shut it; what fails for want of it runs again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.machine import Machine
from fixtures.sandbox import SANDBOXES
from fixtures.stages import STAGES
from fixtures.stages.context import StageContext, wants_network
from tests.world import World, require

#: Reports what it finds when it looks for a name, and fails as programs do when there is no network.
LOOKS = """
import dns from "node:dns"; import os from "node:os"; import fs from "node:fs";
fs.appendFileSync("tries", Object.keys(os.networkInterfaces()).join(" ") + "\\n");
const others = Object.keys(os.networkInterfaces()).filter((name) => name !== "lo");
if (others.length === 0) { console.error("Error: getaddrinfo EAI_AGAIN example.com"); process.exit(1); }
"""


@pytest.fixture(params=SANDBOXES.names())
def context(request: pytest.FixtureRequest, tmp_path: Path, machine: Machine) -> Iterator[StageContext]:
    require(request.param)
    world = World(tmp_path / "w", machine, sandbox=request.param)
    if not world.sandbox.shuts_network:
        world.close()
        pytest.skip(f"{request.param} cannot shut the network on this machine")
    made = world.context("build")
    made.network = "none"
    yield made
    world.close()


def tries(context: StageContext) -> list[str]:
    return (context.root / "tries").read_text().splitlines()


@pytest.mark.hazard(17)
def test_what_may_reach_a_network() -> None:
    """Hazard 17: a script that is called a test may call out. Beside installs and images, no command of an app begins
    with a network."""
    assert {spec.name for spec in STAGES if spec.network != "none"} == {"install", "image", "look"}


@pytest.mark.hazard(17)
def test_a_command_that_wants_a_network_runs_again_with_one(context: StageContext) -> None:
    (context.root / "looks.mjs").write_text(LOOKS)
    assert context.run(["node", "looks.mjs"]).ok
    first, second = tries(context)
    assert first in ("", "lo")
    assert second not in ("", "lo")
    assert "`node looks.mjs` failed without a network" in context.facts["network"]
    assert context.run(["node", "looks.mjs"]).ok
    assert len(tries(context)) == 3, "the stage has the network from then on"


def test_a_command_that_fails_for_another_reason_does_not(context: StageContext) -> None:
    (context.root / "fails.mjs").write_text(
        "import fs from 'node:fs'; fs.appendFileSync('tries', 'x\\n'); throw Error('no');"
    )
    assert not context.run(["node", "fails.mjs"]).ok
    assert tries(context) == ["x"]
    assert "network" not in context.facts


@pytest.mark.parametrize(
    ("said", "wants"),
    [
        ("Error: getaddrinfo EAI_AGAIN registry.example", True),
        ("connect ECONNREFUSED 127.0.0.1:8443", True),
        ("curl: (6) Could not resolve host: example.com", True),
        ("TypeError: fetch failed", True),
        ("src/a.ts(1,1): error TS2322: Type 'x'", False),
        ("AssertionError: expected 1 to equal 2", False),
    ],
)
def test_words_for_a_missing_network(said: str, wants: bool) -> None:
    from fixtures.evidence import CommandResult

    assert wants_network(CommandResult((), "", 1, 0.1, stderr_tail=said)) is wants
