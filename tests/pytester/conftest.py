"""Tests of the plugin: pytest in pytest, on the fake and instant apps of an inner project."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pytester.project import Project


@pytest.fixture
def project(tmp_path: Path, bytecode: Path) -> Iterator[Project]:
    """An inner project with nine metrics and no app. At the end none of its processes may be left."""
    made = Project.make(tmp_path / "project", bytecode)
    yield made
    assert not made.processes()


@pytest.fixture(scope="session")
def bytecode(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compiled modules of all inner sessions, shared by the workers of the outer one."""
    return tmp_path_factory.getbasetemp().parent / "bytecode"


@pytest.fixture(params=[(), ("-n", "2")], ids=["serial", "n2"])
def workers(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The arguments for a serial session, and for one with two workers."""
    chosen: tuple[str, ...] = request.param
    return chosen
