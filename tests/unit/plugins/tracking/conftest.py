"""A store of each test's own: a copy of one database that is made once, because that takes seconds."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugins.tracking.store import Destination, Store, open_store


@pytest.fixture(scope="session")
def made_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mlflow-template") / "mlflow.db"
    with open_store(Destination(f"sqlite:///{path}", "template")):
        pass
    return path


@pytest.fixture
def place(made_database: Path, tmp_path: Path) -> Destination:
    """A database that nobody has written to."""
    shutil.copy(made_database, tmp_path / "mlflow.db")
    return Destination(f"sqlite:///{tmp_path / 'mlflow.db'}", "appeval")


@pytest.fixture
def store(place: Destination) -> Iterator[Store]:
    with open_store(place) as opened:
        yield opened
