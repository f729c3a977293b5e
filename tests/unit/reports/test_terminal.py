"""score_table: fits its width, says everything without colour, prints nothing raw."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.cells import cell_len

from reports.model import AppResult, MetricInfo, Run
from reports.terminal import LEGEND, score_table

CODES = re.compile(r"\x1b\[[0-9;]*m")
BINARY_APP = "P P P P P P P 5 5"


def line_of(text: str, start: str) -> list[str]:
    return next(line for line in text.splitlines() if line.startswith(start)).split()


@pytest.mark.parametrize("width", [40, 60, 79, 80, 100, 120, 200])
@pytest.mark.parametrize("colour", [False, True])
def test_no_line_is_wider_than_the_terminal(seven: Run, width: int, colour: bool) -> None:
    text = score_table(replace(seven, partial=True), width, colour)
    assert max(cell_len(CODES.sub("", line)) for line in text.splitlines()) <= width
    assert ("\x1b[" in text) is colour


def test_colour_adds_nothing_but_colour(seven: Run) -> None:
    plain = [line.rstrip() for line in CODES.sub("", score_table(seven, 120, True)).splitlines()]
    assert plain == score_table(seven, 120, False).splitlines()


def test_at_120_columns_heads_are_words(seven: Run) -> None:
    text = score_table(seven, 120, False)
    assert line_of(text, "app")[:6] == ["app", "score", "1", "build", "2", "runtime"]
    assert "5 databricks" in text
    assert "9 deployability" in text
    assert LEGEND in text


def test_at_80_columns_heads_are_numbers_with_a_key(seven: Run) -> None:
    text = score_table(seven, 80, False)
    assert line_of(text, "app") == ["app", "score", *"123456789"]
    assert "1=build 2=runtime 3=type" in text
    assert line_of(text, "churn") == ["churn", "82.0", "✓", "✓", "✗", "✓", "✓", "✓", "✓", "4/5", "3/5"]
    assert line_of(text, "unmeasured") == ["unmeasured", "81.0–100.0", *"✓✓✓✓??✓", "1–5/5", "5/5"]
    assert line_of(text, "broken-build") == ["broken-build", "1.0", *"✗⊘✗⊘⊘⊘⊘", "1/5", "0/5"]


def test_long_names_are_cut_on_one_line(seven: Run) -> None:
    for width in (80, 120):
        lines = [line for line in score_table(seven, width, False).splitlines() if line.startswith("a-very-long")]
        assert len(lines) == 1
        assert "…" in lines[0]


def test_below_the_table(seven: Run) -> None:
    text = score_table(seven, 100, False)
    assert "average 61.3–82.0 over 7 apps attempted, 5 of them with an exact score" in text
    assert "success rate 33–67 % of 7 apps" in text
    assert "  2 apps  type_safety.broken  churn: 3 errors | <b>" in text
    assert "* template: unmodified template (capped, 100.0 without)" in text
    assert "skipped 2 folders:\n  notes: no package.json" in text
    assert "PARTIAL" not in text
    assert "PARTIAL RUN" in score_table(replace(seven, partial=True), 100, False)


def test_epochs(epochs: Run) -> None:
    assert line_of(score_table(epochs, 80, False), "flaky")[1:] == [
        "40.0–60.0", "3/3", "2/3", "0/3", "1–2/3", "?", "–", "!", "3.7/5", "3.7–5/5",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name", ["\x1b[2Jwipe", "[bold]markup[/bold]", ":smile:", "a\nb\rc", "\u202eexe.txt", "日本語" * 30]
)
def test_hostile_names(name: str, run_of: Callable[..., Run], app_of: Callable[..., AppResult]) -> None:
    run = run_of(app_of(name, BINARY_APP, 100, 100, labels=(name,)), skipped=((name, name),))
    text = score_table(run, 80, False)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\x9b\u202e]", text)
    assert max(cell_len(line) for line in text.splitlines()) <= 80
    if name.startswith(("[", ":")):
        assert name in text


def test_more_metrics_and_no_apps(seven: Run, no_apps: Run) -> None:
    more = tuple(MetricInfo(f"extra{i}_x", i, "Extra", "binary", "scored", 1) for i in range(10, 16))
    text = score_table(replace(seven, metrics=(*seven.metrics, *more)), 80, False)
    assert max(map(cell_len, text.splitlines())) <= 80
    assert "15" in line_of(text, "app")
    assert "app" in score_table(no_apps, 80, False)


def test_many_skipped_folders_are_not_all_listed(seven: Run) -> None:
    text = score_table(replace(seven, skipped=tuple((f"/x/{i}", "no") for i in range(14))), 80, False)
    assert "skipped 14 folders:" in text
    assert "… and 4 more" in text
