"""Questions about tables of apps: what is understood, what is refused, and what nobody knows."""

from __future__ import annotations

import pytest

from reports.query import Condition, answer, parse_query, refuse_unknown


def holds(text: str, **row: object) -> bool | None:
    return answer(row, parse_query(text))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("appeval_100 < 70", [Condition("appeval_100", "<", "70")]),
        ("appeval_100<=70", [Condition("appeval_100", "<=", "70")]),
        ("  stack == trpc  ", [Condition("stack", "==", "trpc")]),
        ("stack != 'a b'", [Condition("stack", "!=", "a b")]),
        ('label = "it\'s"', [Condition("label", "=", "it's")]),
        ("label = ''", [Condition("label", "=", "")]),
        ("a > 1 and b = x AND c >= -2.5", [Condition("a", ">", "1"), Condition("b", "=", "x"), Condition("c", ">=", "-2.5")]),
        ("prompt = 'sales and costs' and a = 1", [Condition("prompt", "=", "sales and costs"), Condition("a", "=", "1")]),
        ("android = 1 and band = x", [Condition("android", "=", "1"), Condition("band", "=", "x")]),
        ("a = and", [Condition("a", "=", "and")]),
    ],
)  # fmt: skip
def test_what_is_understood(text: str, wanted: list[Condition]) -> None:
    assert list(parse_query(text)) == wanted


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "''"),
        ("   ", "''"),
        ("appeval_100", "'appeval_100'"),
        ("a = 1 and", "'a = 1 and'"),
        ("a = 1 and ", "'a = 1 and'"),
        ("a = 1 and b", "'b'"),
        ("a = 1 or b = 2", "'a = 1 or b = 2'"),
        ("a = two words", "'a = two words'"),
        ("a = 'open", '"a = \'open"'),
        ("a => 1", "'a => 1'"),
        ("1 = a", "'1 = a'"),
        ("and a = 1", "'and a = 1'"),
    ],
)
def test_what_is_not_understood_is_named(text: str, named: str) -> None:
    with pytest.raises(ValueError, match="is not a condition") as refused:
        parse_query(text)
    assert str(refused.value).startswith(f"{named} is not a condition; write COLUMN")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("score < 70", True), ("score <= 60", True), ("score > 60", False), ("score >= 60", True), ("score = 60.0", True),
        ("score == 60", True), ("score != 60", False), ("score < 1e3", True), ("score = '60'", True), ("score < nan", False),
        ("stack = trpc", True), ("stack != trpc", False), ("stack = TRPC", False), ("stack = 'trpc'", True),
        ("score < 70 and stack = node", False), ("score < 70 and stack = trpc", True), ("yes = 1", True),
    ],
)  # fmt: skip
def test_numbers_and_words(text: str, wanted: bool) -> None:
    assert holds(text, score=60.0, stack="trpc", yes=True) is wanted


@pytest.mark.parametrize("name", ["007", "1234567", "1_000", "1e5", "nan"])
def test_a_text_that_looks_like_a_number_is_a_text(name: str) -> None:
    assert holds(f"app = {name}", app=name) is True
    assert holds(f"app = {name}", app=f"{name}0") is False
    assert holds(f"app != {name}", app=name) is False


def test_a_number_is_not_compared_with_a_word() -> None:
    with pytest.raises(ValueError, match="score holds numbers, and 'high' is none"):
        holds("score < high", score=60.0)


def test_what_nobody_knows_is_neither_yes_nor_no() -> None:
    assert holds("score < 70", score=None) is None
    assert holds("score != 70", score=None) is None
    assert holds("score < 70") is None, "a column that this run does not have"
    assert holds("score < 70 and stack = trpc", score=None, stack="trpc") is None
    assert holds("score < 70 and stack = node", score=None, stack="trpc") is False, "whatever the score is"


def test_unknown_columns_are_named_with_those_that_are_near() -> None:
    columns = ["app", "build_success", "build_success_low", *(f"c{i}" for i in range(30))]
    refuse_unknown(parse_query("app = x and build_success = 1"), columns)
    with pytest.raises(
        ValueError, match=r"no column 'BUILD'; there are for example: build_success, build_success_low$"
    ):
        refuse_unknown(parse_query("app = x and BUILD = 1"), columns)
    with pytest.raises(ValueError, match="no column 'zzz'; there are for example: app, ") as refused:
        refuse_unknown(parse_query("zzz = 1"), columns)
    assert str(refused.value).endswith("c8"), "not all of them"
