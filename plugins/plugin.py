"""pytest hooks and options of AppEval, and nothing else.

An evaluation is a session one of whose arguments lies in `evals/`. In any other session (the harness's own
tests) only the options exist. What an evaluation does is in `process.py` (every process that runs metrics)
and `controller.py` (the one that collects).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from plugins import hookspecs
from plugins.options import add_options
from plugins.start import evaluation_root, start_evaluation
from plugins.verdict import app, verdict

__all__ = ["app", "verdict"]  # the fixtures of a metric test


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    pluginmanager.add_hookspecs(hookspecs)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    project = evaluation_root(config)
    if project is not None:
        start_evaluation(config, project)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """`pytest .` never evaluates: `evals/` is collected only when it is asked for."""
    if collection_path == config.rootpath / "evals" and evaluation_root(config) is None:
        return True
    return None
