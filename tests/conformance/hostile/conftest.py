"""The evaluations of the hostile apps: one per sandbox, shared by all tests and by all processes of a test session."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

import pytest

from fixtures.sandbox import SANDBOXES
from tests.conformance.hostile.fleet import Fleet, evaluate, restored, stored
from tests.world import require

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With containers an evaluation of all attacks takes minutes; what is quick there as well stays unmarked."""
    for item in items:
        by_engine = "docker" in getattr(getattr(item, "callspec", None), "params", {}).values()
        if by_engine and item.path.parent == HERE and item.path.stem != "test_limits":
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session", params=SANDBOXES.names())
def fleet(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """The evaluation in one sandbox. The first process that asks makes it, the others read what came of it."""
    sandbox = str(request.param)
    require(sandbox)
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / f"hostile-{sandbox}"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = folder / "fleet.json"
        if not result.exists():
            shutil.rmtree(folder / "project", ignore_errors=True)
            (folder / "project").mkdir()
            result.write_text(stored(evaluate(sandbox, folder / "project")), "utf-8")
        return restored(result.read_text("utf-8"))
