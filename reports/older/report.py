"""A report of the older framework as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OlderApp:
    """What an older report says about one app. `values` are by our metric's name, 0–1 or 0–5, None for what is not
    known; `composite` is its 0–100 score. The rest is what its checks noted beside them; None and "" are not known.
    Strings come from a stranger: escape them."""

    app: str
    values: Mapping[str, float | None]
    composite: float | None
    coverage: float | None
    has_tests: bool | None
    has_dockerfile: bool | None
    build_seconds: float | None
    template: str
    issues: tuple[str, ...]

    def speaks_of(self, *beginnings: str) -> bool:
        """Whether one of its issues begins so."""
        return any(issue.startswith(beginnings) for issue in self.issues)


@dataclass(frozen=True, slots=True)
class OlderReport:
    """`blind` says for which metrics nobody measured anything though values are stored; they are None in all apps.
    `notes` say what was read how."""

    name: str
    made: str
    apps: Mapping[str, OlderApp]
    blind: Mapping[str, str]
    notes: tuple[str, ...]

    def column(self, metric: str) -> tuple[float | None, ...]:
        return tuple(app.values.get(metric) for app in self.apps.values())
