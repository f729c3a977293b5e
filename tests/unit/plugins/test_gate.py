"""--gate: what it takes, what it refuses, and that an interval never opens it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from plugins.gate import EXAMPLE, Condition, Outcome, check, parse
from reports.model import MetricInfo, Run, Summary

SUMMARY = Summary(
    apps_attempted=6, apps_scored=4, avg_low=61.3, avg_high=82.0, success_low=0.85, success_high=0.9,
    pass_rate={"build_success": (0.9, 1.0)}, common_failures=(), states={"PASS": 50, "HARNESS_ERROR": 2},
)  # fmt: skip
METRICS = (
    MetricInfo("build_success", 1, "Build", "binary", "scored", 1),
    MetricInfo("ui_renders", 7, "UI", "binary", "scored", 1),
)
RUN = Run(1, "r", "", 0.0, None, False, "weighted-1", 1, {}, {}, METRICS, (), SUMMARY)


def test_the_example_parses() -> None:
    assert parse(EXAMPLE) == (
        Condition("avg_appeval_100", ">=", 80.0), Condition("success_rate", ">=", 0.85),
        Condition("pass_rate.build_success", ">=", 0.9), Condition("harness_errors", "<=", 0.0),
    )  # fmt: skip
    assert ",".join(map(str, parse(EXAMPLE))) == EXAMPLE


def test_spaces_are_allowed() -> None:
    assert parse(" avg_appeval_100 > 8e1 , success_rate == 1 ") == (
        Condition("avg_appeval_100", ">", 80.0), Condition("success_rate", "==", 1.0),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not a condition; write NAME"),
        ("avg_appeval_100>=80,", "is not a condition"),
        ("avg_appeval_100", "is not a condition"),
        ("avg_appeval_100=80", "is not a condition"),
        ("avg_appeval_100=>80", "is not a condition"),
        ("avg_appeval_100>=<80", "is not a condition"),
        ("80<=avg_appeval_100", "is not a condition"),
        ("avg_appeval_100>=eighty", "'eighty' .* is not a number"),
        ("avg_appeval_100>=80%", "'80%' .* is not a number"),
        ("avg_appeval_100>=nan", "is not finite"),
        ("avg_appeval_100<=inf", "is not finite"),
        ("avg_appeval_100>=-1e999", "is not finite"),
        ("average>=80", "no number named 'average'; there are: avg_appeval_100, success_rate"),
        ("success_rate>=85", "for 85 % write success_rate>=0.85"),
        ("pass_rate.build_success>=-1", "is a share from 0 to 1"),
        ("pass_rate.speed>=0.9", "'pass_rate.speed' names no metric; there are: build_success"),
        ("pass_rate.>=0.9", "names no metric"),
    ],
)
def test_a_bad_gate_is_refused_with_the_fix(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse(text, ["build_success"])


def test_metrics_are_checked_against_the_run_where_they_were_not_known_before() -> None:
    conditions = parse("pass_rate.speed>=0.9")
    with pytest.raises(ValueError, match="names no metric; there are: build_success, ui_renders"):
        check(conditions, RUN)


@pytest.mark.parametrize(
    ("text", "value", "holds"),
    [
        ("avg_appeval_100>=61.3", 61.3, True),
        ("avg_appeval_100>61.3", 61.3, False),
        ("avg_appeval_100>=80", 61.3, False),
        ("avg_appeval_100<=82", 82.0, True),
        ("avg_appeval_100<82", 82.0, False),
        ("avg_appeval_100<=70", 82.0, False),
        ("avg_appeval_100==61.3", None, False),
        ("success_rate>=0.85", 0.85, True),
        ("pass_rate.build_success>=0.9", 0.9, True),
        ("pass_rate.ui_renders>=0", None, False),
        ("pass_rate.ui_renders<=1", None, False),
        ("harness_errors<=0", 2.0, False),
        ("harness_errors==2", 2.0, True),
        ("apps_attempted>=6", 6.0, True),
        ("apps_scored>=6", 4.0, False),
    ],
)
def test_the_unfavourable_end_decides(text: str, value: float | None, holds: bool) -> None:
    conditions = parse(text)
    assert check(conditions, RUN) == (Outcome(conditions[0], value, holds),)


def test_a_run_whose_numbers_are_not_finite_holds_nothing() -> None:
    run = replace(RUN, summary=replace(SUMMARY, avg_low=math.inf, avg_high=math.nan))
    assert [o.holds for o in check(parse("avg_appeval_100>=1,avg_appeval_100<=99"), run)] == [False, False]


def test_no_harness_error_is_none() -> None:
    run = replace(RUN, summary=replace(SUMMARY, states={}))
    assert check(parse("harness_errors<=0"), run)[0].holds
