"""Text from untrusted apps made safe for where it goes, and numbers as people read them."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_ESCAPES: Final = re.compile(
    r"\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)"  # a window title, a link, another string for the terminal
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours, cursor movements
    r"|\x1b[ -/]*[0-Z\\^-~]"  # the rest; not `[` and `]`, which open the two above
)
#: What is dropped: controls; format characters, which are invisible or turn the direction of text.
_INVISIBLE: Final = frozenset({"Cc", "Cf"})
#: Letters that show as empty space though Unicode calls them letters: names made of them look like nothing.
_BLANK_LETTERS: Final = frozenset("\u115f\u1160\u3164\uffa0\u2800")
_MOST: Final = 100_000

_MARKDOWN: Final = str.maketrans({
    **{char: f"\\{char}" for char in "\\`*_[]#!|~$"}, "<": "&lt;", ">": "&gt;", "&": "&amp;",
})  # fmt: skip
_FORMULA: Final = tuple("=+-@\t\r\n＝＋－＠")


def plain(text: str, limit: int = 300) -> str:
    """One line of at most `limit` characters, `…` at its end when it was cut.

    Terminal codes, control characters and text direction overrides are gone, white space is collapsed,
    half a surrogate pair is U+FFFD: the result can always be printed, and shows what it says.
    """
    text = text[:_MOST]
    if not (text.isascii() and text.isprintable()):  # most text is, and then only its spaces are to be seen to
        text = "".join(_visible(char) for char in _ESCAPES.sub("", text))
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: max(0, limit - 1)].rstrip() + "…"


def _visible(char: str) -> str:
    if char.isspace() or char in _BLANK_LETTERS:
        return " "
    category = unicodedata.category(char)
    if category == "Cs":
        return "\ufffd"
    return "" if category in _INVISIBLE else char


def markdown_text(text: str, limit: int = 300) -> str:
    """`plain`, then escaped so that GitHub's Markdown shows it as it is, in a table's cell as well: no markup,
    no HTML, no links (bare addresses neither) and nobody mentioned."""
    escaped = plain(text, limit).translate(_MARKDOWN)
    escaped = re.sub(r":(?=//)", r":\\", escaped)
    escaped = re.sub(r"(?i)\b(www)\.", r"\1\\.", escaped)
    return re.sub(r"@(?=\w)", "@\u200b", escaped)


def csv_text(text: str, limit: int = 2000) -> str:
    """`plain`, and a `'` before what a spreadsheet would take for a formula."""
    line = plain(text, limit)
    return f"'{line}" if text.startswith(_FORMULA) or line.startswith(_FORMULA) else line


def score_text(low: float, high: float) -> str:
    """`85.0`, or `70.0–85.0` when the two ends differ as printed."""
    return _range_text(f"{low:.1f}", f"{high:.1f}")


def share_text(low: float, high: float) -> str:
    """A share from 0 to 1 in percent: `67 %`, or `33–67 %`. Only all is 100 % and only nothing is 0 %."""
    return _range_text(_percent(low), _percent(high)) + " %"


def number_text(value: float) -> str:
    """With one decimal, without it when it would be 0: `4`, `3.7`."""
    return f"{value:.1f}".removesuffix(".0")


def count_text(count: int, noun: str) -> str:
    """`1 app`, `3 apps`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def range_text(low: float, high: float) -> str:
    """`4`, or `1–5`."""
    return _range_text(number_text(low), number_text(high))


def _range_text(low: str, high: str) -> str:
    return low if low == high else f"{low}–{high}"


def _percent(share: float) -> str:
    text = f"{100 * share:.0f}"
    if text == "100" and share < 1:
        return f"{min(100 * share, 99.9):.1f}"
    if text == "0" and share > 0:
        return f"{max(100 * share, 0.1):.1f}"
    return text
