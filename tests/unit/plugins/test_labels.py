"""Labels that cap a score."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugins.measurements import CAPS, labels_of
from plugins.scoring import CAP, Score, capped, succeeds
from reports.model import State, Verdict


@pytest.mark.hazard(27)
@pytest.mark.parametrize(
    ("state", "reason", "labels"),
    [
        (State.PASS, "ui.placeholder", ("placeholder page",)),
        (State.PASS, "", ()),
        (State.FAIL, "ui.blank", ()),
        (State.FAIL, "ui.placeholder", ()),
    ],
)
def test_hazard_27_a_placeholder_page_is_labelled(
    tmp_path: Path, state: State, reason: str, labels: tuple[str, ...]
) -> None:
    verdict = Verdict("ui_renders", 1, state, 1, 1, reason)
    assert labels_of(True, [], [verdict]) == labels


@pytest.mark.hazard(32)
def test_hazard_32_a_placeholder_is_no_success() -> None:
    """A published label called one a success."""
    full = Score(100.0, 100.0, 100.0)
    assert capped(full, CAPS["placeholder page"]).value == CAP
    assert succeeds(
        full, dict.fromkeys(("build_success", "runtime_success", "ui_renders"), State.PASS), capped=True
    ) == (0, 0)
