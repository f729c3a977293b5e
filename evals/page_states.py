"""Which state a page is in, from what the stage `page` read out of it: an error screen, still loading, a placeholder.

Judged is what fills the main content: navigation, headings and buttons stand around every state, and a page of data may
speak of errors.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from fixtures.running.page_script import is_waiting
from fixtures.running.page_words import ERROR_LINE, ERROR_SCREEN, LOADING, NOTHING_YET, SCAFFOLD, TRACEBACK, VALUE

_ASIDE = ("frame", "control")
_LITTLE, _SOME, _MUCH = 80, 200, 1500  # characters
_STACK = re.compile(r"^\s*at .*[:(]\d+|File \"[^\"]+\", line \d+|\.[jt]sx?:\d+:\d+", re.MULTILINE)
_LOG = re.compile(r"\blogs?\b|\bconsole\b|\berrors\b|\bevents\b|traceback", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the page, how long it is, and where it stands: "" is the content itself."""

    text: str
    length: int
    place: str


@dataclass(frozen=True)
class Shown:
    """What a page showed in the end."""

    facts: Mapping[str, Any]

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """All of them; of evidence from before the stage recorded places, the lines of the text."""
        if "lines" in self.facts:
            return tuple(Line(line["text"], line["length"], line["in"]) for line in self.facts["lines"])
        texts = [text.strip() for text in self.facts["text"].splitlines() if text.strip()]
        return tuple(Line(text, len(text), "") for text in texts)

    @cached_property
    def main(self) -> tuple[Line, ...]:
        """Without what stands around the content."""
        return tuple(line for line in self.lines if line.place not in _ASIDE)

    @cached_property
    def body(self) -> tuple[Line, ...]:
        return tuple(line for line in self.main if line.place != "heading")

    @property
    def pictures(self) -> int:
        return int(self.facts.get("pictures", 0))

    @property
    def inputs(self) -> int:
        return int(self.facts.get("inputs", 0))


def _size(lines: Sequence[Line]) -> int:
    return sum(line.length for line in lines)


def _is_data(lines: Sequence[Line]) -> bool:
    """Whether somebody sees values here: cells of a table, numbers that stand alone."""
    values = sum(VALUE.match(line.text) is not None for line in lines)
    return values >= 2 or sum(line.place == "table" for line in lines) >= 3


def trouble(shown: Shown) -> tuple[str, str] | None:
    """The reason and the words of an error that the page shows instead of its content, or None."""
    for marker in shown.facts.get("markers", ()):
        if marker["kind"] == "overlay":
            return "ui.error_screen", marker["text"] or marker["selector"]
        if marker["kind"] == "traceback":
            return "ui.traceback", marker["text"] or marker["selector"]
    parts = [marker for marker in shown.facts.get("markers", ()) if marker["kind"] == "part"]
    if parts and not shown.pictures and not _is_data(shown.body):
        return "ui.error_screen", parts[0]["text"] or parts[0]["selector"]
    if (line := _screen(shown)) is not None:
        found = TRACEBACK.search(line.text) or TRACEBACK.search("\n".join(other.text for other in shown.main))
        return ("ui.traceback" if found else "ui.error_screen"), line.text
    if (text := _parts(shown)) is not None:
        return "ui.error_screen", text
    return None


def _screen(shown: Shown) -> Line | None:
    """The line with which an error screen begins, if one fills the content."""
    for number, line in enumerate(shown.main):
        if line.place in ("table", "list") or not (ERROR_SCREEN.search(line.text) or TRACEBACK.search(line.text)):
            continue
        before = [other for other in shown.main[:number] if other.place != "heading"]
        after = shown.main[number + 1 :]
        if line.place == "code" and (shown.inputs or any(_LOG.search(other.text) for other in shown.main[:number])):
            continue  # a viewer of logs
        stack = sum(_STACK.search(other.text) is not None for other in (line, *after)) > 0
        alone = _size(before) <= _SOME and not _is_data(before + list(after)) and not shown.pictures
        if alone and (stack or _size(after) <= (_MUCH if line.place == "heading" or number == 0 else 2 * _SOME)):
            return line
        return None
    return None


def _parts(shown: Shown) -> str | None:
    """The first of the errors that together make up most of the content, or None."""
    if shown.pictures or _is_data(shown.body):
        return None
    wrong = [line for line in shown.body if line.place not in ("table", "list") and ERROR_LINE.search(line.text)]
    severe = [alert for alert in shown.facts.get("alerts", ()) if alert["severe"]]
    said = max(_size(wrong), sum(alert["length"] for alert in severe))
    if said == 0 or 2 * said < _size(shown.body) or _size(shown.body) > _MUCH:
        return None
    return wrong[0].text if wrong else str(severe[0]["text"])


def loading(shown: Shown) -> str | None:
    """What is still waited for, if that is what fills the content, or None."""
    said = [line for line in shown.body if line.place == "waiting" or LOADING.match(line.text)]
    elements = [e for e in shown.facts.get("waiting", ()) if is_waiting(e, LOADING.match(e["text"]) is not None)]
    count = max(len(said), len(elements))
    rest = [line for line in shown.body if line not in said]
    if count == 0 or shown.pictures or _is_data(rest) or (_size(rest) > _LITTLE and count < len(rest)):
        return None
    return said[0].text if said else f"{count} × {elements[0]['selector']}"


def left_waiting(shown: Shown) -> int:
    """How many skeletons and spinners are still there, whatever fills the page."""
    return sum(is_waiting(e, LOADING.match(e["text"]) is not None) for e in shown.facts.get("waiting", ()))


def placeholder(shown: Shown) -> str | None:
    """The words that stand in for a page that is still to be made, if there is essentially nothing else, or None."""
    whole = _size(shown.main)
    if scaffold := SCAFFOLD.search("\n".join(line.text for line in shown.main)):
        return scaffold[0] if whole <= 3 * _SOME and not _is_data(shown.body) else None
    found = next((line for line in shown.main if NOTHING_YET.match(line.text)), None)
    if found is None or shown.inputs or _is_data(shown.main):
        return None
    rest = whole - found.length - max((line.length for line in shown.main if line.place == "heading"), default=0)
    return found.text if rest <= _SOME else None


def only_frame(shown: Shown) -> bool:
    """Whether there is navigation, a header or a footer, and nothing in between."""
    controls = any(line.place == "control" for line in shown.lines)
    framed = any(line.place == "frame" for line in shown.lines)
    return framed and not (shown.main or controls or shown.pictures or shown.inputs)
