"""One machine for the whole session of conformance tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fixtures.machine import Machine
from tests.world import shared_machine


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with shared_machine(tmp_path_factory.mktemp("machine")) as shared:
        yield shared
