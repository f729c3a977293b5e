"""Cases of a test by name, of which `make test` runs the telling ones and `make test-all` the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest


def quick(cases: Mapping[str, Any], *named: str) -> list[Any]:
    """One pytest parameter per case, a tuple spread out; all but the named ones are slow."""
    assert set(named) <= set(cases), set(named) - set(cases)
    return [
        pytest.param(
            *(case if isinstance(case, tuple) else (case,)), id=name, marks=[] if name in named else [pytest.mark.slow]
        )
        for name, case in cases.items()
    ]
