"""The two fixtures of a metric test: `app`, and `verdict`, which judges it and makes pytest say the same.

How a state looks in pytest: PASS passes, FAIL and BLOCKED fail with one line, UNMEASURED and NOT_APPLICABLE are
skipped with the reason, HARNESS_ERROR is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Protocol

import pytest

from fixtures.app import App
from plugins.metric import Metric
from plugins.session import SESSION, Case
from reports.model import State, Verdict
from reports.text import plain

PROPERTY = "appeval."


class GiveVerdict(Protocol):
    def __call__(self, metric: Metric, app: App) -> None: ...


class HarnessTrouble(Exception):
    """Carries a HARNESS_ERROR verdict out of a test; reported as an error, never as a failure."""


@pytest.fixture
def app(request: pytest.FixtureRequest) -> App:
    """The app under test: one for every folder that `--apps` finds, and for every epoch."""
    case: Case = request.param
    return case.app


@pytest.fixture
def verdict(request: pytest.FixtureRequest) -> GiveVerdict:
    """Judges the evidence of the app for a metric, waiting for the stages that it needs."""
    session = request.config.stash[SESSION]
    case: Case = request.node.callspec.params["app"]

    def give(metric: Metric, app: App) -> None:
        __tracebackhide__ = True
        if app is not case.app:
            raise ValueError(f"{metric.name} was given {app.name}, and its test is for {case.app.name}")
        given = session.verdict(metric, case)
        request.node.user_properties.extend(properties_of(given))
        say(given)

    return give


def properties_of(verdict: Verdict) -> list[tuple[str, str | float]]:
    """A verdict as primitives that cross the process boundary and appear in JUnit."""
    values = {**asdict(verdict), "state": verdict.state.value, "links": "\n".join(verdict.links)}
    return [(PROPERTY + name, value) for name, value in values.items()]


def verdict_of(properties: Mapping[str, object]) -> Verdict | None:
    """The verdict in a report's user properties, or None."""
    values = {key.removeprefix(PROPERTY): value for key, value in properties.items() if key.startswith(PROPERTY)}
    if not values:
        return None
    links = tuple(str(values["links"]).splitlines())
    return Verdict(**{**values, "state": State(str(values["state"])), "links": links})  # type: ignore[arg-type]


def say(verdict: Verdict) -> None:
    """End the test the way its state wants."""
    __tracebackhide__ = True
    line = plain(verdict.evidence, 400)
    if verdict.state is State.PASS:
        return
    if verdict.state is State.HARNESS_ERROR:
        raise HarnessTrouble(f"{verdict.reason}: {line}")
    if verdict.state is State.BLOCKED:
        pytest.fail(f"blocked by {line}", pytrace=False)
    if verdict.state is State.FAIL:
        pytest.fail(line, pytrace=False)
    pytest.skip(f"{verdict.state}: {line}")
