"""A run that is still going on is not gone on with by somebody else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fixtures.errors import BadInput
from fixtures.sandbox.processes import Ledger
from plugins.options import Asked, _run_dir


def asked(folder: Path, **options: str) -> Asked:
    return Asked(lambda name: options.get(name.strip("-").replace("-", "_")), folder)


def test_a_live_run_is_not_resumed(tmp_path: Path) -> None:
    run = tmp_path / "runs/r1"
    run.mkdir(parents=True)
    (run / "session.json").write_text("{}")
    ledger = Ledger(run / "processes")
    with pytest.raises(BadInput, match=rf"r1: this run is still going on \(process {os.getpid()}\)"):
        _run_dir(asked(tmp_path, resume="r1"), tmp_path)
    ledger.close()
    assert _run_dir(asked(tmp_path, resume="r1"), tmp_path) == (run, True)
