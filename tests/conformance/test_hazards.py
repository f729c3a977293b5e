"""Each of the 32 hazards of real generated apps has a test that is named for it, and docs/HAZARDS.md says which."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
PAGE = ROOT / "docs/HAZARDS.md"
HAZARDS = range(1, 33)
_ROW = re.compile(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]*) \|$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Marked:
    """A test with the marker `hazard`."""

    file: str
    name: str
    numbers: tuple[int, ...]
    docstring: str


@cache
def marked_tests() -> tuple[Marked, ...]:
    return tuple(found for path in sorted(TESTS.rglob("test_*.py")) for found in _of_file(path))


def _of_file(path: Path) -> Iterator[Marked]:
    text = path.read_text(encoding="utf-8")
    if "hazard(" not in text:
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name.lower().startswith("test"):
            numbers = tuple(number for decorator in node.decorator_list for number in _numbers(decorator))
            if numbers:
                name = path.relative_to(TESTS).as_posix()
                yield Marked(name, node.name, numbers, ast.get_docstring(node) or "")


def _numbers(decorator: ast.expr) -> list[int]:
    """The arguments of `pytest.mark.hazard(…)`, none for another decorator."""
    if not (isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Attribute)):
        return []
    if decorator.func.attr != "hazard":
        return []
    return [argument.value for argument in decorator.args if isinstance(argument, ast.Constant)
            and isinstance(argument.value, int)]  # fmt: skip


def rows() -> dict[int, tuple[str, str, str]]:
    """Hazard, handling and files of tests, by number."""
    page = PAGE.read_text(encoding="utf-8")
    return {int(match[1]): (match[2], match[3], match[4]) for match in _ROW.finditer(page)}


@pytest.mark.parametrize("number", HAZARDS)
def test_a_hazard_has_a_test(number: int) -> None:
    found = [test for test in marked_tests() if number in test.numbers]
    assert found, f"no test is marked with @pytest.mark.hazard({number})"


def test_no_other_number_is_a_hazard() -> None:
    assert [test for test in marked_tests() if not set(test.numbers) <= set(HAZARDS)] == []


@pytest.mark.parametrize("number", HAZARDS)
def test_a_hazard_is_named_where_it_is_tested(number: int) -> None:
    """In the name or docstring of one of its tests at least: whoever reads it knows what it is for."""
    found = [test for test in marked_tests() if number in test.numbers]
    words = re.compile(rf"\bhazards?\b[^.:]*\b{number}\b|\bhazard_{number}(?!\d)", re.IGNORECASE)
    named = [test for test in found if words.search(test.docstring) or words.search(test.name.removeprefix("test_"))]
    assert named, f"none of {[f'{test.file}: {test.name}' for test in found]} says `Hazard {number}`"


def test_the_page_lists_all_hazards_with_their_tests() -> None:
    listed = rows()
    assert sorted(listed) == list(HAZARDS)
    for number, (hazard, handling, files) in listed.items():
        assert hazard.strip()
        assert handling.strip()
        there = {test.file for test in marked_tests() if number in test.numbers}
        named = set(re.findall(r"`([^`]+)`", files))
        assert named, f"hazard {number} names no file of tests; marked are {sorted(there)}"
        assert named <= there, f"hazard {number}: no test in {sorted(named - there)} is marked with it"
