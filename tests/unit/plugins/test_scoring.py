"""score(), against hand-computed numbers and an independent copy of the older formula."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import pytest

from plugins.profiles import PROFILES, profile_named
from plugins.scoring import CAP, NOT_APPLICABLE, Score, Value, capped, eff_units, score, succeeds, verdict_value
from reports.model import State, Verdict

BINARY = (
    "build_success", "runtime_success", "type_safety", "tests_pass", "databricks_connectivity", "data_returned",
    "ui_renders",
)  # fmt: skip
SCORED = ("local_runability", "deployability")


def values(**changed: Any) -> dict[str, Value]:
    return {**dict.fromkeys(BINARY, 1.0), **dict.fromkeys(SCORED, 5.0), **changed}


def exactly(value: float) -> Score:
    return Score(value, value, value)


NOTHING: dict[str, Value] = {**dict.fromkeys(BINARY, 0.0), **dict.fromkeys(SCORED, 0.0)}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (values(), exactly(100.0)),
        (values(type_safety=0), exactly(85.0)),
        (NOTHING, exactly(0.0)),
        (values(databricks_connectivity=None, data_returned=None), Score(None, 85.0, 100.0)),
        (dict.fromkeys(values()), Score(None, 0.0, 100.0)),
        (values(local_runability=4, deployability=3), exactly(97.0)),
        (values(deployability=(1, 5)), Score(None, 96.0, 100.0)),
        (values(deployability=[2, 2]), exactly(97.0)),
        (values(build_success=True, runtime_success=False), exactly(80.0)),
        # 85 of 100 points are left: all passed is 100, and losing 20 of them leaves 65/85.
        (values(type_safety=NOT_APPLICABLE), exactly(100.0)),
        (values(type_safety=NOT_APPLICABLE, build_success=0), exactly(76.470588)),
        (values(databricks_connectivity=NOT_APPLICABLE, data_returned=NOT_APPLICABLE, ui_renders=None),
         Score(None, 88.235294, 100.0)),
        ({**dict.fromkeys(values(), NOT_APPLICABLE), "deployability": 2.0}, exactly(40.0)),
        (dict.fromkeys(values(), NOT_APPLICABLE), Score(None, 0.0, 100.0)),
    ],
)  # fmt: skip
def test_weighted(given: Mapping[str, Value], expected: Score) -> None:
    assert score(given) == expected


def test_the_weights_are_the_published_ones() -> None:
    profile = profile_named("weighted-1")
    assert list(profile.weights.values()) == [20, 20, 15, 10, 10, 5, 10, 5, 5]
    assert list(profile.weights) == list(profile.full) == [*BINARY, *SCORED]
    assert [name for name, full in profile.full.items() if full == 5] == list(SCORED)
    assert (profile.name, profile.version, profile.id) == ("weighted", 1, "weighted-1")


def test_no_combination_of_weights_shows_binary_noise() -> None:
    weights = profile_named("weighted-1").weights
    for marks in itertools.product((0, 1), repeat=7):
        for local, deploy in itertools.product(range(6), repeat=2):
            given = {**dict(zip(BINARY, marks, strict=True)), "local_runability": local, "deployability": deploy}
            expected = sum(int(weights[n]) * m for n, m in zip(BINARY, marks, strict=True)) + local + deploy
            assert score(given).value == expected


def older(marks: tuple[int, ...], local: int, deploy: int) -> float:
    """The older formula, written down a second time."""

    def gm(numbers: list[float]) -> float:
        product = 1.0
        for number in numbers:
            product *= max(number, 1e-6)
        return math.pow(product, 1 / len(numbers))

    b, r, t, s, c = (float(m) for m in marks)
    works = gm([b, r, t, s, c])
    ships = gm([min(max(local / 5, 0.0), 1.0), min(max(deploy / 5, 0.0), 1.0)])
    gate = (0.25 + 0.75 * b) * (0.25 + 0.75 * r) * (0.5 + 0.5 * c)
    return round(100 * (0.7 * works + 0.3 * ships) * gate, 1)


def test_gated_is_the_older_formula_in_all_combinations() -> None:
    for marks in itertools.product((0, 1), repeat=5):
        for local, deploy in itertools.product(range(6), repeat=2):
            given = values(**dict(zip(BINARY[:5], marks, strict=True)), local_runability=local, deployability=deploy)
            expected = older(marks, local, deploy)
            assert score(given, "gated-1") == exactly(expected), (marks, local, deploy)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"data_returned": 0, "ui_renders": None}, exactly(100.0)),
        ({"databricks_connectivity": NOT_APPLICABLE}, exactly(100.0)),
        # (1·1·1·1e-6)^¼ = 0.031623: 100·(0.7·0.031623 + 0.3) = 32.2, all gates open.
        ({"databricks_connectivity": NOT_APPLICABLE, "type_safety": 0}, exactly(32.2)),
        # Without the means of development, R alone: 100·(1e-6)^⅕ = 6.3.
        ({"local_runability": NOT_APPLICABLE, "deployability": NOT_APPLICABLE, "tests_pass": 0}, exactly(6.3)),
        ({**dict.fromkeys(BINARY, NOT_APPLICABLE), "local_runability": 1, "deployability": 4}, exactly(40.0)),
        (dict.fromkeys(values(), NOT_APPLICABLE), Score(None, 0.0, 100.0)),
        # Not known: (1e-6)^⅕ = 0.063096 → (0.7·0.063096+0.3)·100·½ = 17.2 … 100.
        ({"databricks_connectivity": None}, Score(None, 17.2, 100.0)),
    ],
)  # fmt: skip
def test_gated_where_something_does_not_apply(changed: dict[str, Value], expected: Score) -> None:
    assert score(values(**changed), "gated-1") == expected


@pytest.mark.parametrize("profile", PROFILES)
def test_a_score_never_falls_when_a_value_rises(profile: str) -> None:
    for base in (values(), NOTHING, values(type_safety=NOT_APPLICABLE, tests_pass=0, local_runability=2)):
        for name in (*BINARY, *SCORED):
            steps = [score({**base, name: float(v)}, profile).low for v in range(2 if name in BINARY else 6)]
            assert steps == sorted(steps)
            unknown = score({**base, name: None}, profile)
            assert (unknown.low, unknown.high) == (steps[0], steps[-1])


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"type_safety": math.nan}, "type_safety: nan is not a number from 0 to 1"),
        ({"type_safety": 1.01}, "type_safety: 1.01"),
        ({"type_safety": -0.1}, "type_safety: -0.1"),
        ({"type_safety": math.inf}, "type_safety: inf"),
        ({"deployability": 10**400}, "deployability: 1000"),
        ({"deployability": 6}, "from 0 to 5"),
        ({"deployability": (3, 2)}, "reversed"),
        ({"deployability": (1, 2, 3)}, "pair"),
        ({"deployability": (0, math.nan)}, "deployability: nan"),
        ({"deployability": (None, 2)}, "deployability: None"),
        ({"deployability": "5"}, "deployability: '5'"),
        ({"deployability": State.NOT_APPLICABLE}, "scoring.NOT_APPLICABLE"),
        ({"speed": 1.0}, "no metric named speed"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("profile", PROFILES)
def test_a_value_that_is_none_is_refused(changed: dict[str, Any], says: str, profile: str) -> None:
    with pytest.raises(ValueError, match=says):
        score(values(**changed), profile)


def test_missing_metrics_are_named() -> None:
    given = values()
    del given["ui_renders"], given["data_returned"]
    with pytest.raises(ValueError, match="no value for data_returned, ui_renders"):
        score(given)


def test_an_unknown_profile_names_the_others() -> None:
    with pytest.raises(ValueError, match=r"weighted-2.*weighted-1, gated-1"):
        score(values(), "weighted-2")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (exactly(85.0), exactly(CAP)),
        (Score(None, 70.0, 85.0), exactly(CAP)),
        (Score(None, 50.0, 85.0), Score(None, 50.0, CAP)),
        (exactly(10.0), exactly(10.0)),
    ],
)
def test_capped(before: Score, after: Score) -> None:
    assert capped(before) == after


YES, NO, UNKNOWN = (1.0, 1.0), (0.0, 0.0), (0.0, 1.0)
ALL = dict.fromkeys((*BINARY, *SCORED), State.PASS)


@pytest.mark.parametrize(
    ("given", "changed", "label", "expected"),
    [
        (exactly(100.0), {}, False, YES),
        (exactly(100.0), {}, True, NO),
        (exactly(70.0), {}, False, YES),
        (exactly(69.999999), {}, False, NO),
        (Score(None, 69.0, 100.0), {}, False, UNKNOWN),
        (Score(None, 10.0, 69.0), {}, False, NO),
        (exactly(85.0), {"type_safety": State.FAIL, "tests_pass": State.BLOCKED}, False, YES),
        *((exactly(90.0), {name: state}, False, NO)
          for name in ("build_success", "runtime_success", "ui_renders", "databricks_connectivity", "data_returned")
          for state in (State.FAIL, State.BLOCKED)),
        *((Score(None, 80.0, 90.0), {name: state}, False, UNKNOWN)
          for name in ("build_success", "runtime_success", "ui_renders")
          for state in (State.UNMEASURED, State.HARNESS_ERROR)),
        *((Score(None, 85.0, 90.0), {name: state}, False, YES)
          for name in ("databricks_connectivity", "data_returned")
          for state in (State.UNMEASURED, State.HARNESS_ERROR)),
        *((exactly(85.0), {name: State.NOT_APPLICABLE}, False, YES) for name in ALL),
    ],
)  # fmt: skip
def test_succeeds(given: Score, changed: dict[str, State], label: bool, expected: tuple[float, float]) -> None:
    assert succeeds(given, {**ALL, **changed}, label) == expected


def test_success_of_an_app_without_verdicts_is_not_known() -> None:
    assert succeeds(Score(None, 0.0, 100.0), {}, capped=False) == UNKNOWN


@pytest.mark.parametrize(
    ("generation", "expected"),
    [
        ({"input_tokens": 148230, "output_tokens": 11874, "turns": 38, "validation_runs": 4}, 202.104),
        ({"total_tokens": 2000, "input_tokens": 1, "num_turns": 3}, 5.0),
        ({"total_tokens": math.nan, "input_tokens": 1000, "output_tokens": 500}, 1.5),
        ({"input_tokens": 1000}, 1.0),
        ({"turns": 0}, 0.0),
        ({"turns": "7", "num_turns": 8}, 8.0),
        ({}, None),
        ({"turns": True, "validation_runs": -1, "total_tokens": "many", "input_tokens": None}, None),
        ({"turns": math.inf, "validation_runs": 10**400}, None),
        ({"total_tokens": [1]}, None),
    ],
)
def test_eff_units(generation: dict[str, Any], expected: float | None) -> None:
    assert eff_units(generation) == expected


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        (Verdict("ui_renders", 1, State.NOT_APPLICABLE, 0, 0), NOT_APPLICABLE),
        (Verdict("ui_renders", 1, State.BLOCKED, 0, 0), (0, 0)),
        (Verdict("ui_renders", 1, State.UNMEASURED, 0, 1), (0, 1)),
        (Verdict("deployability", 1, State.UNMEASURED, 2, 5), (2, 5)),
    ],
)
def test_verdict_value(verdict: Verdict, expected: Value) -> None:
    assert verdict_value(verdict) == expected
    score(values(**{verdict.metric: verdict_value(verdict)}))
