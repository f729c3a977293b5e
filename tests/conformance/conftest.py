"""One machine for the whole session of conformance tests, and worlds in every sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.machine import Machine
from fixtures.sandbox import SANDBOXES
from tests.world import MakeWorld, World, require, shared_machine


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with shared_machine(tmp_path_factory.mktemp("machine")) as shared:
        yield shared


@pytest.fixture(params=SANDBOXES.names())
def make_world(request: pytest.FixtureRequest, tmp_path: Path, machine: Machine) -> Iterator[MakeWorld]:
    """Makes the world of one test in one sandbox, with the limits that it wants."""
    made: list[World] = []
    require(request.param)

    def make(**settings: Any) -> World:
        made.append(World(tmp_path / f"w{len(made)}", machine, sandbox=request.param, **settings))
        return made[-1]

    yield make
    for world in made:
        world.close()
