"""Where the older framework judged otherwise: each entry is a difference that follows from the definitions alone.

An entry counts only when something recorded speaks for it: the reason code of our verdict, a measurement of ours, or
what the older report noted beside its value. A difference for which no entry counts is one to look at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from reports.older.difference import (
    BUILD,
    CONNECTED,
    START,
    Difference,
    Question,
    all_or_nothing,
    always_passed,
    both,
    failed_there,
    higher,
    issue,
    lower,
    no_dockerfile,
    other_kind,
    same_as_start,
    slow_start,
)
from reports.older.keys import BROKE, NOT_INSTALLED


@dataclass(frozen=True, slots=True)
class Definition:
    """How both sides judge, and whether that accounts for a given difference."""

    words: str
    accounts: Question


def explanation(difference: Difference) -> str | None:
    """The words of the first definition that accounts for it; None when none does.

    What is blocked here because the app does not start follows from that, and is explained exactly when that is.
    """
    found = next((d for d in DEFINITIONS.get(difference.metric, ()) if d.accounts(difference)), None)
    if found is not None:
        return found.words
    cause = _start_of(difference)
    words = explanation(cause) if cause is not None else None
    return None if words is None else f"follows from {START}: {words}"


def _start_of(difference: Difference) -> Difference | None:
    there = difference.older.values.get(START)
    if difference.metric == START or there != 1 or not higher("blocked.start")(difference):
        return None
    return Difference(START, difference.report, difference.older, difference.app, there, 0.0)


_BROKE = Definition("there the evaluation of this app broke, and what it had not come to stayed 0", lower(issue(BROKE)))
_NOT_RUNNING = Definition("there only apps that passed the runtime check were looked at", lower(failed_there(START)))
_BY_ITSELF = Definition(
    "there it was judged by itself; here what needs a stage that failed is blocked", higher("blocked.")
)
_NOT_INSTALLED = Definition(
    "there its packages could not be installed, and then nobody looked; here they can be",
    lower(issue(NOT_INSTALLED)),
)

_BUILD = (
    Definition(
        "there exit 0 of the build was enough; here it must leave a fresh artifact", higher("build.no_artifact")
    ),
    Definition("there an app without a build script passed", higher("build.no_script")),
    Definition(
        "there the build script of the template was run; here the image of the Dockerfile is built",
        both(higher("image."), lambda d: d.older.template not in ("", "docker")),
    ),
    Definition("there only images were built, and this app has no Dockerfile: nobody tried", lower(no_dockerfile)),
)
_RUNTIME = (
    Definition(
        "there any answer of / was health; here a health route must answer 2xx, and not what every path answers",
        higher("runtime.no_health_route", "runtime.unhealthy"),
    ),
    Definition("there one answer was enough; here it must still run at the end", higher("runtime.died")),
    Definition("there it was asked from inside its own container; here from outside", higher("runtime.loopback_only")),
    Definition(
        "there it was started though its build had failed; here what was not built is not started",
        both(higher("blocked."), failed_there(BUILD)),
    ),
    Definition("there only images were started, and this app has no Dockerfile: nobody tried", lower(no_dockerfile)),
    Definition(
        "there it was asked three times from 5 s on; here it has 30 s, and needed more than 5", lower(slow_start)
    ),
)
_TYPES = (
    Definition(
        "there exit 0 of tsc was enough, also where it read no file or there was no tsconfig.json",
        higher("types.nothing_checked", "types.unchecked", "types.no_typescript", "types.no_project"),
    ),
    Definition(
        "there tsc looked into server/ and client/ only; the errors are elsewhere",
        both(higher("types.errors"), lambda d: d.place not in ("", "server", "client", "frontend")),
    ),
    Definition(
        "there tsc --noEmit in client/ did not follow the references of its tsconfig.json, and reads no file where "
        "there is nothing else in it; here every project that is referred to is checked",
        both(higher("types.errors"), lambda d: d.place in ("client", "frontend")),
    ),
    _BY_ITSELF,
    _NOT_INSTALLED,
)
_TESTS = (
    Definition("there exit 0 of npm test was enough; here a test must have run", higher("tests.none_found")),
    Definition(
        "there the exit code was thrown away (npm test || true): every app of the report passed",
        both(higher("tests."), always_passed),
    ),
    Definition(
        "there exit 0 of npm test was enough; its own has_tests says that there are none",
        both(higher("tests."), lambda d: d.older.has_tests is False),
    ),
    _BY_ITSELF,
    Definition(
        "there only server/src/**/*.test.ts were tests (its has_tests: none); here every suite is found",
        lower(lambda d: d.older.has_tests is False),
    ),
    _NOT_INSTALLED,
)
_CONNECTIVITY = (
    Definition(
        "there an endpoint that answered was connected (in the oldest form a healthy server); here the warehouse must "
        "see the app complete a statement that reads a table",
        higher("connectivity."),
    ),
    _NOT_RUNNING,
    Definition(
        "there tRPC procedures named in server/src/index.ts were asked; this app is of another kind", lower(other_kind)
    ),
)
_DATA = (
    Definition(
        "there the text of a query was judged by a model; here rows must come, change with the data and return",
        higher("data."),
    ),
    _NOT_RUNNING,
    Definition(
        "there only apps that passed the connectivity check were looked at",
        lower(lambda d: d.older.values.get(CONNECTED) != 1),
    ),
    Definition(
        "there a model judged the text of the app's first query, or could not be asked; here rows came",
        lower(lambda d: any(_is_opinion(text) for text in d.older.issues)),
    ),
)
_UI = (
    Definition(
        "there it equals the runtime check for every app: a server that answered; here a browser shows the page",
        both(higher("ui.", "page."), same_as_start),
    ),
    Definition(
        "there a model looked at a screenshot; here what the browser records counts too",
        higher("ui.uncaught_error", "ui.resource_failed", "ui.http_error", "ui.no_page", "ui.unsteady"),
    ),
    _NOT_RUNNING,
    Definition(
        "there no screenshot or no model was at hand, and that was a failure",
        lower(issue("UI concerns: No screenshot", "UI concerns: Skipped")),
    ),
)
_RUNABILITY = (
    Definition(
        "other points: there files were counted (README, .env.example, a start script, an entry point); here the "
        "README is followed",
        lambda d: d.there > 0,
    ),
    Definition("there 5 points or none, after three attempts of a model; here point by point", lower(all_or_nothing)),
    Definition(
        "there a start script and an entry point in server/ were looked for; this app is of another kind",
        lower(other_kind),
    ),
)
_DEPLOYABILITY = (
    Definition(
        "other points: there the text of the Dockerfile (stages, HEALTHCHECK, a compose file), or in the newest form 5 "
        "or none by a model; here it is built, started and asked",
        lambda _: True,
    ),
)


def _is_opinion(text: str) -> bool:
    """In the newest form the data themselves were looked at ("Agentic …"), and a failure is none of a text."""
    return text.startswith("Data validity concerns") and "Agentic" not in text


#: By the name of our metric; the first that accounts for a difference is its explanation.
DEFINITIONS: Mapping[str, tuple[Definition, ...]] = MappingProxyType(
    {
        "build_success": (_BROKE, *_BUILD),
        "runtime_success": (_BROKE, *_RUNTIME),
        "type_safety": (_BROKE, *_TYPES),
        "tests_pass": (_BROKE, *_TESTS),
        "databricks_connectivity": (_BROKE, *_CONNECTIVITY),
        "data_returned": (_BROKE, *_DATA),
        "ui_renders": (_BROKE, *_UI),
        "local_runability": (_BROKE, *_RUNABILITY),
        "deployability": (_BROKE, *_DEPLOYABILITY),
    }
)
