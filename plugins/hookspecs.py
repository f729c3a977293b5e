"""Hooks of this plugin, for plugins and conftest files of users. Called in the controller only."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.model import Run, Verdict


@pytest.hookspec
def pytest_appeval_verdict(case: str, verdict: Verdict) -> None:
    """A verdict has arrived and is on disk. `case` is the app's pytest id (with the epoch, if there are several)."""


@pytest.hookspec
def pytest_appeval_run_finished(run: Run, run_dir: Path) -> None:
    """The run is complete and `run.json` is written; sinks have not been called yet."""
