"""Dashboard-like statements and single functions: each gives what Spark gives. No server: the engine itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest

from fixtures.warehouse.engine.engine import Engine
from fixtures.warehouse.engine.session import Session
from fixtures.warehouse.samples.cache import SampleFiles, sample_files
from tests.conformance.warehouse.answers import Expected, difference, expectations, outcome
from tests.world import CACHE

TODAY = dt.date(2026, 3, 15)  # the expected values are of the data that end the day before
STATEMENTS = expectations()


@pytest.fixture(scope="module")
def files() -> SampleFiles:
    return sample_files(CACHE, scale=0.01, today=TODAY)


@pytest.fixture(scope="module")
def session(files: SampleFiles) -> Iterator[Session]:
    engine = Engine({"A": files.a})
    yield engine.session("statements")
    engine.close()


def test_there_are_enough() -> None:
    assert len(STATEMENTS) >= 240
    assert sum("samples." in wanted.sql for wanted in STATEMENTS) >= 40
    assert len({wanted.sql for wanted in STATEMENTS}) == len(STATEMENTS)


@pytest.mark.parametrize("wanted", STATEMENTS, ids=lambda wanted: wanted.sql[:60])
def test_it_gives_what_spark_gives(session: Session, wanted: Expected) -> None:
    assert difference(wanted, outcome(session, wanted.sql)) == ""
