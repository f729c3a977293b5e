"""What all tests of the harness share: warnings are errors, in these tests only (an evaluation has its own rules)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mlflow_server import at_server as at_server
from tests.mlflow_server import made_database as made_database
from tests.mlflow_server import mlflow_uri as mlflow_uri
from tests.mlflow_server import place as place
from tests.mlflow_server import store as store

HERE = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes more than a few seconds; left out by `make test`")
    config.addinivalue_line("markers", "hazard(*numbers): the test of what real generated apps do to an evaluator")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.filterwarnings("error"), append=False)
