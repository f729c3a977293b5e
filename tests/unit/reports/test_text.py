"""Hostile text in every format, and numbers as people read them."""

from __future__ import annotations

import csv
import io

import pytest

from reports.text import csv_text, markdown_text, number_text, plain, range_text, score_text, share_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m \x1b[2Jgone", "red gone"),
        ("\x1b]0;title\x07a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "alink"),
        ("\x9b31mred", "red"),
        ("\x1b]never ended", "]never ended"),
        ("\x1b[", "["),
        ("\x1bcreset\x1b(B", "reset"),
        ("a\x00b\x07c\x7fd\x85e", "abcd e"),
        ("a\r\nb\tc\u2028d\u00a0\u3000e", "a b c d e"),
        ("photo\u202egpj.exe\u2066x\u2069", "photogpj.exex"),
        ("in\u200bvis\u00adible\ufeff\U000e0041", "invisible"),
        ("\u3164\u2800name", "name"),
        ("half \ud800 pair", "half \ufffd pair"),
        ("  ", ""),
        ("naïve 日本語 ✓", "naïve 日本語 ✓"),
    ],
)
def test_plain(text: str, expected: str) -> None:
    assert plain(text) == expected
    plain(text).encode()


def test_plain_bounds_length() -> None:
    assert plain("abcdef", 6) == "abcdef"
    assert plain("abcdefg", 6) == "abcde…"
    assert plain("abcd fgh", 6) == "abcd…"
    assert plain("abc", 0) == "…"
    assert len(plain("x" * 10_000_000)) == 300


@pytest.mark.parametrize("evil", ["\x1b]" * 50_000, "\x1b[" * 50_000, "\x1b[" + "1;" * 50_000, "\x1b]" + "x" * 99_000])
def test_plain_is_quick_on_endless_codes(evil: str) -> None:
    plain(evil)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a|b", r"a\|b"),
        ("](javascript:alert(1))", r"\](javascript:alert(1))"),
        ("<script>&amp;</script>", "&lt;script&gt;&amp;amp;&lt;/script&gt;"),
        ("![x](y)", r"\!\[x\](y)"),
        ("*a* _b_ `c` ~d~ $e$ #1", r"\*a\* \_b\_ \`c\` \~d\~ \$e\$ \#1"),
        ("back\\|slash", r"back\\\|slash"),
        ("two\nlines | --- |", r"two lines \| --- \|"),
        ("https://evil.example", r"https:\//evil.example"),
        ("WWW.evil.example", r"WWW\.evil.example"),
        ("@team", "@\u200bteam"),
        ("client/src/App.tsx:12 TS2322", "client/src/App.tsx:12 TS2322"),
    ],
)
def test_markdown_text(text: str, expected: str) -> None:
    assert markdown_text(text) == expected


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\t=", " =", "\x1b[1m=", "\u200b=", "＝"])
def test_formulas_are_disarmed(start: str) -> None:
    cell = csv_text(f"{start}cmd|' /C calc'!A0")
    assert cell.startswith("'")
    stream = io.StringIO()
    csv.writer(stream).writerow([cell])
    assert list(csv.reader([stream.getvalue()])) == [[cell]]


def test_other_cells_stay_as_they_are() -> None:
    assert csv_text("churn, by segment") == "churn, by segment"
    assert csv_text("") == ""


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (85.0, 85.0, "85.0"),
        (70.0, 85.0, "70.0–85.0"),
        (84.98, 85.02, "85.0"),
        (84.94, 85.06, "84.9–85.1"),
        (0.0, 100.0, "0.0–100.0"),
        (61.333333, 61.333333, "61.3"),
    ],
)
def test_score_text(low: float, high: float, expected: str) -> None:
    assert score_text(low, high) == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0, 0.0, "0 %"), (1.0, 1.0, "100 %"), (0.333333, 0.666667, "33–67 %"), (0.0, 1.0, "0–100 %"),
        (0.999, 0.999, "99.9 %"), (0.99999, 1.0, "99.9–100 %"), (0.001, 0.001, "0.1 %"), (0.0, 0.0001, "0–0.1 %"),
        (0.666, 0.667, "67 %"),
    ],
)  # fmt: skip
def test_share_text(low: float, high: float, expected: str) -> None:
    assert share_text(low, high) == expected


def test_small_numbers() -> None:
    assert [number_text(n) for n in (4.0, 3.66, 0.04, 10.0)] == ["4", "3.7", "0", "10"]
    assert range_text(1, 5) == "1–5"
    assert range_text(3.96, 4.04) == "4"
