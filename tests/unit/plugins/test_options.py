"""A run that is still going on is not gone on with by somebody else."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from fixtures.errors import BadInput
from fixtures.sandbox.processes import Ledger
from plugins.options import _run_dir


def config(folder: Path, **options: str) -> Any:
    return SimpleNamespace(
        getoption=lambda name: options.get(name.strip("-").replace("-", "_")),
        invocation_params=SimpleNamespace(dir=folder),
    )


def test_a_live_run_is_not_resumed(tmp_path: Path) -> None:
    run = tmp_path / "runs/r1"
    run.mkdir(parents=True)
    (run / "session.json").write_text("{}")
    ledger = Ledger(run / "processes")
    with pytest.raises(BadInput, match=rf"r1: this run is still going on \(process {os.getpid()}\)"):
        _run_dir(cast(pytest.Config, config(tmp_path, resume="r1")), tmp_path)
    ledger.close()
    assert _run_dir(cast(pytest.Config, config(tmp_path, resume="r1")), tmp_path) == (run, True)
