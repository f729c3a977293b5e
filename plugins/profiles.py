"""Score profiles: which metrics count, and the formula that makes them one number from 0 to 100.

A profile is versioned: a change of definition is a new one, so that trends break visibly there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType

#: Each metric's value as a share of its highest, 0–1; None where the metric does not apply.
Shares = Mapping[str, float | None]

_FLOOR = 1e-6


@dataclass(frozen=True, slots=True)
class Profile:
    """`full` maps every metric that it requires, in order, to that metric's highest value (1 or 5).

    `weights` are the shares of a weighted sum, empty for a profile that is none. `combine` gives 0–100,
    or None when no metric that it looks at applies; it must never fall when a share rises.
    """

    name: str
    version: int
    full: Mapping[str, float]
    weights: Mapping[str, float]
    combine: Callable[[Shares], float | None] = field(repr=False)
    formula: str = field(repr=False)

    @property
    def id(self) -> str:
        return f"{self.name}-{self.version}"


def profile_named(profile: str) -> Profile:
    """Raises ValueError with the names that there are."""
    try:
        return PROFILES[profile]
    except KeyError:
        raise ValueError(f"no score profile named {profile!r}; there are: {', '.join(PROFILES)}") from None


def _weighted_sum(weights: Mapping[str, float], shares: Shares) -> float | None:
    """The weights of what does not apply are shared out among the others, in proportion to theirs."""
    present = {name: share for name, share in shares.items() if share is not None}
    total = math.fsum(weights[name] for name in present)
    if total == 0:
        return None
    # 6 digits: finer than any definition here, and 84.99999999999999 never decides about a threshold.
    return round(100 * math.fsum(weights[name] * share for name, share in present.items()) / total, 6)


def _gated(shares: Shares) -> float | None:
    """The older published formula. Its order of operations is part of it: results are equal to the last bit.

    Only its seven metrics are looked at. What does not apply leaves its geometric mean and opens its gate;
    a mean over nothing leaves the whole score to the other.
    """
    works = _geometric_mean(shares[name] for name in _GATED_MEAN)
    ships = _geometric_mean(shares[name] for name in _GATED_DEVELOPER)
    build, runtime, connected = (1.0 if share is None else share for share in (shares[name] for name in _GATES))
    gate = (0.25 + 0.75 * build) * (0.25 + 0.75 * runtime) * (0.5 + 0.5 * connected)
    if works is None and ships is None:
        return None
    if works is None or ships is None:
        (only,) = (mean for mean in (works, ships) if mean is not None)
        return round(100 * only * gate, 1)
    return round(100 * (0.7 * works + 0.3 * ships) * gate, 1)


def _geometric_mean(shares: Iterable[float | None]) -> float | None:
    present = [max(share, _FLOOR) for share in shares if share is not None]
    return math.prod(present) ** (1 / len(present)) if present else None


_GATED_MEAN = ("build_success", "runtime_success", "type_safety", "tests_pass", "databricks_connectivity")
_GATED_DEVELOPER = ("local_runability", "deployability")
_GATES = ("build_success", "runtime_success", "databricks_connectivity")

_WEIGHTS: Mapping[str, float] = MappingProxyType({
    "build_success": 20.0, "runtime_success": 20.0, "type_safety": 15.0, "tests_pass": 10.0,
    "databricks_connectivity": 10.0, "data_returned": 5.0, "ui_renders": 10.0, "local_runability": 5.0,
    "deployability": 5.0,
})  # fmt: skip
_FULL: Mapping[str, float] = MappingProxyType({
    name: 5.0 if name in ("local_runability", "deployability") else 1.0 for name in _WEIGHTS
})  # fmt: skip

_WEIGHTED_FORMULA = (
    "The weighted sum of the values (0–1, a scored metric as a fifth of its points). A metric that does not apply "
    "shares its weight out among the others."
)
_GATED_FORMULA = (
    "The older published formula, equal to the last bit: `R` the geometric mean (each value at least 1e-6) of metrics "
    "1 to 5, `D` that of the two scored metrics / 5, `G` = (0.25 + 0.75 build)(0.25 + 0.75 runtime)(0.5 + 0.5 "
    "connectivity), the score 100 (0.7 R + 0.3 D) G rounded to 0.1."
)

DEFAULT_PROFILE = "weighted-1"
PROFILES: Mapping[str, Profile] = MappingProxyType({
    profile.id: profile
    for profile in (
        Profile("weighted", 1, _FULL, _WEIGHTS, partial(_weighted_sum, _WEIGHTS), _WEIGHTED_FORMULA),
        Profile("gated", 1, _FULL, MappingProxyType({}), _gated, _GATED_FORMULA),
    )
})  # fmt: skip
