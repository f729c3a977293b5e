"""`appeval doctor --apps=DIR`: of what kind each app is, by which evidence, and what follows from that."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fixtures.app import App
from fixtures.discovery import discover
from fixtures.errors import AppEvalError, NotApplicable, Unmeasured
from fixtures.stacks.base import Stack, Tools
from reports.text import plain


@dataclass(frozen=True, slots=True)
class Kinds:
    """`all_known`: every folder is an app of a kind that a stack knows."""

    lines: tuple[str, ...]
    all_known: bool


#: What a stack is asked, by the words for it. Nothing is run.
_QUESTIONS: Mapping[str, Callable[[Stack, Path], object]] = {
    "build": lambda stack, root: stack.build(root), "types": lambda stack, root: stack.checkers(root),
    "tests": lambda stack, root: stack.suites(root), "data": lambda stack, root: stack.stores(root),
    "page": lambda stack, root: stack.page(root),
}  # fmt: skip


def kinds(places: Sequence[str], base: Path) -> Kinds:
    """What is said of the apps at `places` (relative to `base`). Raises BadInput where there is none."""
    discovery = discover(places, base)
    lines = [line for app in discovery.apps for line in kind_lines(app)]
    lines += [f"{plain(s.path.name, 80)}: left out: {plain(s.reason, 200)}" for s in discovery.skipped]
    unknown = [app for app in discovery.apps if app.stack.name == "unknown"]
    return Kinds(tuple(lines), all_known=not unknown and all(s.large for s in discovery.skipped))


def kind_lines(app: App) -> list[str]:
    """The app's name, stack and the reason for it; below them what it asks for and what does not apply."""
    lines = [f"{plain(app.name, 80)}: {app.stack.name} ({plain(app.why, 200)})"]
    details = [*_tools(app), *_stores(app), *_exceptions(app), *(f"note: {note}" for note in app.notes)]
    return lines + [f"    {plain(detail, 300)}" for detail in details]


def _tools(app: App) -> Iterator[str]:
    try:
        tools = app.stack.tools(app.root)
    except AppEvalError as error:
        yield f"asks for: {error.message}"
        return
    asked = _asked(tools)
    if asked:
        yield f"asks for: {', '.join(asked)}" + (f" ({tools.why})" if tools.why else "")


def _asked(tools: Tools) -> list[str]:
    ranges = [f"{name} {text}" for name, text in (("Node", tools.node), ("Python", tools.python)) if text]
    return [*ranges, *tools.programs]


def _stores(app: App) -> Iterator[str]:
    try:
        yield f"its data are expected from: {', '.join(sorted(app.stack.stores(app.root)))}"
    except AppEvalError:
        return  # said among the exceptions


def _exceptions(app: App) -> Iterator[str]:
    for words, ask in _QUESTIONS.items():
        try:
            ask(app.stack, app.root)
        except NotApplicable as nothing:
            if nothing.code == "build.by_image":
                continue  # the image is the build
            yield f"does not apply: {words} ({nothing.message})"
        except Unmeasured as nobody:
            yield f"cannot be measured: {words} ({nobody.message})"
        except AppEvalError as error:
            yield f"will fail: {words} ({error.message})"
