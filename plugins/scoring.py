"""From the values of the metrics to one score, and from the score to success. Numbers in, numbers out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from plugins.profiles import DEFAULT_PROFILE, Profile, profile_named
from reports.generation import effort
from reports.model import State, Verdict


class Applicability(Enum):
    """The type of `NOT_APPLICABLE`, which has no other value."""

    NOT_APPLICABLE = "not applicable"


#: The value of a metric that has nothing to look at: its weight is shared out among the others.
NOT_APPLICABLE: Final = Applicability.NOT_APPLICABLE

#: What `score()` takes for one metric: a number, an interval, None (nobody knows), or NOT_APPLICABLE.
Value = float | tuple[float, float] | Applicability | None

#: The highest score of an app with a label that caps (an unmodified template, a placeholder page).
CAP: Final = 60.0
#: An app succeeds at this score or more,
SUCCESS_SCORE: Final = 70.0
#: with all of these passed
MUST_PASS: Final = ("build_success", "runtime_success", "ui_renders")
#: and none of these failed.
MUST_NOT_FAIL: Final = ("databricks_connectivity", "data_returned")


@dataclass(frozen=True, slots=True)
class Score:
    """0–100. `value` is None unless `low == high`: then the score lies somewhere between them."""

    value: float | None
    low: float
    high: float

    @classmethod
    def between(cls, low: float, high: float) -> Score:
        return cls(low if low == high else None, low, high)


def score(values: Mapping[str, Value], profile: str = DEFAULT_PROFILE) -> Score:
    """The score of one app from the values of all metrics of the profile.

    A value is a number (0–1 for a binary metric, 0–5 for a scored one), a `(low, high)` pair, None (nobody
    knows) or NOT_APPLICABLE. Scores never fall when a value rises, so the ends of the score are those of
    the values. When no metric applies, nothing is known: (None, 0, 100).

    Raises ValueError for a missing or unknown metric, an unknown profile, and a value that is NaN, out of
    range, reversed or of another type.
    """
    rules = profile_named(profile)
    _refuse_other_names(values, rules)
    ranges = {name: _range(name, values[name], full) for name, full in rules.full.items()}
    low = rules.combine({name: None if r is None else r[0] / rules.full[name] for name, r in ranges.items()})
    high = rules.combine({name: None if r is None else r[1] / rules.full[name] for name, r in ranges.items()})
    if low is None or high is None:
        return Score(None, 0.0, 100.0)
    return Score.between(low, high)


def _refuse_other_names(values: Mapping[str, Value], rules: Profile) -> None:
    missing = [name for name in rules.full if name not in values]
    unknown = [str(name) for name in values if name not in rules.full]
    if missing or unknown:
        trouble = [f"no value for {', '.join(missing)} (None says that it is not known)"] if missing else []
        trouble += [f"no metric named {', '.join(unknown)}"] if unknown else []
        raise ValueError(f"profile {rules.id} takes {', '.join(rules.full)}: {'; '.join(trouble)}")


def _range(name: str, value: object, full: float) -> tuple[float, float] | None:
    """A value as (low, high); None when the metric does not apply."""
    if value is NOT_APPLICABLE:
        return None
    if value is None:
        return 0.0, full
    ends = value if isinstance(value, Sequence) and not isinstance(value, str) else (value, value)
    if len(ends) != 2:
        raise ValueError(f"{name}: {value!r} is not a (low, high) pair")
    low, high = (_number(name, end, full) for end in ends)
    if low > high:
        raise ValueError(f"{name}: the pair {value!r} is reversed; it is (low, high)")
    return low, high


def _number(name: str, value: object, full: float) -> float:
    if not isinstance(value, (int, float)) or not 0 <= value <= full:  # NaN as well
        takes = f"a number from 0 to {full:g}, a (low, high) pair of them, None or scoring.NOT_APPLICABLE"
        raise ValueError(f"{name}: {value!r} is not {takes}")
    return float(value)


def verdict_value(verdict: Verdict) -> Value:
    """What `score()` takes for a verdict."""
    if verdict.state is State.NOT_APPLICABLE:
        return NOT_APPLICABLE
    return verdict.low, verdict.high


def capped(uncapped: Score, cap: float = CAP) -> Score:
    """The score of an app with a label that caps, at `cap` points."""
    return Score.between(min(uncapped.low, cap), min(uncapped.high, cap))


def succeeds(score: Score, states: Mapping[str, State], capped: bool) -> tuple[float, float]:
    """Whether one epoch of an app succeeded, as (low, high): (0, 0) no, (1, 1) yes, (0, 1) nobody knows.

    A metric that is absent from `states` is unmeasured. What does not apply stands in nobody's way.
    """

    def state(name: str) -> State:
        return states.get(name, State.UNMEASURED)

    if capped or score.high < SUCCESS_SCORE or any(state(name).failed for name in (*MUST_PASS, *MUST_NOT_FAIL)):
        return 0.0, 0.0
    passed = all(state(name) in (State.PASS, State.NOT_APPLICABLE) for name in MUST_PASS)
    return (1.0, 1.0) if passed and score.low >= SUCCESS_SCORE else (0.0, 1.0)


def eff_units(generation: Mapping[str, Any]) -> float | None:
    """`tokens/1000 + turns + validation_runs` over the parts that the generator recorded; None if it recorded none."""
    return effort(generation).units
