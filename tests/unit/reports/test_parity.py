"""Several ways to a verdict side by side: every difference is found, counted and said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reports.model import State, Verdict
from reports.parity import PROMISED, Parity, Said, parity, parity_text

METRICS = ("types", "runs")
TYPES = Verdict("types", 1, State.FAIL, 0.0, 0.0, "types.errors", "3 errors", ("a.log",), 1.5)
RUNS = Verdict("runs", 1, State.PASS, 3.0, 4.0, "runs.readme", "missing: README")


def said(*verdicts: Verdict, app: str = "sales") -> Said:
    return {(app, verdict.epoch, verdict.metric): verdict for verdict in verdicts}


def compared(first: Said, second: Said) -> Parity:
    return parity(("pytest", first), ("stored", second), METRICS)


def test_equal_ways() -> None:
    found = compared(said(TYPES, RUNS), said(TYPES, RUNS))
    assert (found.differences, found.total, found.share) == ((), 2, 0.0)
    assert found.compared == {"types": 1, "runs": 1}
    assert parity_text([found]) == (
        "metric  pytest / stored\n"
        "types   1 of 1 equal\n"
        "runs    1 of 1 equal\n"
        "all     2 of 2 equal\n\n"
        "pytest and stored differ in 0.0 % of 2 verdicts (as promised: below 5 %)"
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"state": State.BLOCKED}, "stored BLOCKED 3–4 (runs.readme)"),
        ({"low": 2.0}, "stored PASS 2–4 (runs.readme)"),
        ({"high": 3.0}, "stored PASS 3 (runs.readme)"),
        ({"reason": ""}, "stored PASS 3–4"),
    ],
)
def test_each_part_of_a_verdict_counts(change: dict[str, Any], words: str) -> None:
    found = compared(said(TYPES, RUNS), said(TYPES, replace(RUNS, **change)))
    assert [(d.app, d.epoch, d.metric) for d in found.differences] == [("sales", 1, "runs")]
    assert found.share == 0.5
    text = parity_text([found])
    assert f"sales runs: pytest says PASS 3–4 (runs.readme), {words}\n" in text
    assert "runs    0 of 1 equal" in text
    assert "all     1 of 2 equal" in text
    assert "differ in 50.0 % of 2 verdicts (more than promised: below 5 %)" in text


@pytest.mark.parametrize("change", [{"evidence": "other words"}, {"links": ()}, {"seconds": 99.0}])
def test_words_and_times_may_differ(change: dict[str, Any]) -> None:
    assert compared(said(TYPES), said(replace(TYPES, **change))).differences == ()


def test_what_one_way_does_not_say_is_a_difference() -> None:
    found = compared(said(TYPES, RUNS), said(TYPES))
    assert [(d.metric, d.first, d.second) for d in found.differences] == [("runs", RUNS, None)]
    assert "sales runs: pytest says PASS 3–4 (runs.readme), stored nothing" in parity_text([found])
    other = compared(said(TYPES), said(TYPES, RUNS))
    assert [(d.metric, d.first, d.second) for d in other.differences] == [("runs", None, RUNS)]
    assert other.total == 2


def test_a_metric_that_only_a_verdict_names_is_compared_too() -> None:
    found = compared(said(TYPES, replace(TYPES, metric="older")), said(TYPES))
    assert found.metrics == ("types", "runs", "older")
    assert [d.metric for d in found.differences] == ["older"]
    assert (found.total, found.share) == (2, 0.5)


def test_epochs_are_compared_each() -> None:
    second = replace(TYPES, epoch=2)
    found = compared(said(TYPES, second), said(TYPES, replace(second, state=State.PASS, low=1.0, high=1.0)))
    assert [d.epoch for d in found.differences] == [2]
    assert "sales (epoch 2) types: " in parity_text([found])
    assert "sales types" not in parity_text([found])


def test_nothing_compared_is_no_agreement() -> None:
    found = compared({}, {})
    assert found.share == 1.0
    assert "(more than promised" in parity_text([found])


def test_the_promise_is_kept_only_below_it() -> None:
    ours = {(f"app-{number}", 1, "types"): TYPES for number in range(20)}
    theirs = {**ours, ("app-3", 1, "types"): replace(TYPES, reason="other")}
    found = compared(ours, theirs)
    assert found.share == PROMISED
    assert "more than promised" in parity_text([found])
    more = {("app-20", 1, "types"): TYPES}
    assert "as promised" in parity_text([compared({**ours, **more}, {**theirs, **more})])


def test_hostile_names_and_several_ways() -> None:
    name = "\x1b[31mred\nline" + "x" * 500
    one = compared(said(TYPES, app=name), {})
    text = parity_text([one, compared(said(TYPES, app=name), said(TYPES, app=name))])
    assert "\x1b" not in text
    assert "redline" not in text, "a line break is a space"
    assert max(len(line) for line in text.splitlines()) < 200
    assert text.splitlines()[0] == "metric  pytest / stored  pytest / stored"
    assert text.splitlines()[1] == "types   0 of 1 equal     1 of 1 equal"
