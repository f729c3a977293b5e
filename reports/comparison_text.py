"""A comparison as text for a terminal: who was compared, a table of counts, and a line for everything that changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reports.comparison import Change, Comparison, Pair, Row
from reports.text import count_text, plain, share_text

#: What is counted in the table, with the head of its column.
_COLUMNS = (Change.FIXED, Change.BROKEN, Change.CHANGED, Change.SAME, Change.NOT_COMPARABLE)
_MOST_NAMES, _MOST_LINES = 10, 200


def comparison_text(comparison: Comparison) -> str:
    """Head, table and changes."""
    return "\n".join([*head_lines(comparison), "", *table_lines(comparison), "", *change_lines(comparison)]) + "\n"


def head_lines(comparison: Comparison) -> list[str]:
    """What A and B are, the differences between their worlds, and the apps that only one of them has."""
    old, new = comparison.old, comparison.new
    lines = [f"A  {old.name}: {old.about}", f"B  {new.name}: {new.about}"]
    if comparison.worlds:
        lines.append(f"DIFFERENT WORLDS, so a change may be theirs: {'; '.join(comparison.worlds)}")
    lines += [f"CAUTION: {caution}" for side in (old, new) for caution in side.cautions]
    lines.append(f"{count_text(len(comparison.both), 'app')} on both sides")
    for names, words in ((comparison.gone, "only in A"), (comparison.added, "only in B")):
        if names:
            lines.append(f"{words}, {count_text(len(names), 'app')}: {names_text(names)}")
    return lines


def table_lines(comparison: Comparison) -> list[str]:
    """Per metric and for the score: how many of each kind of change, and the share of the comparable that agree."""
    heads = ["", *(change.value for change in _COLUMNS), "agree"]
    rows = [heads, *(_cells(row) for row in (*comparison.rows, comparison.score))]
    return aligned(rows)


def change_lines(comparison: Comparison) -> list[str]:
    """A line for everything that was fixed, broke or changed, with the evidence of the side on which it is wrong."""
    lines = [line for row in (*comparison.rows, comparison.score) for line in _changes(row)]
    if not lines:
        return ["nothing changed that can be compared"]
    more = len(lines) - _MOST_LINES
    return ["changed, from A to B:", *lines[:_MOST_LINES], *([f"  … and {more:,} more"] if more > 0 else [])]


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as lines: the first column to the left, the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(cells)).rstrip()
        for cells in (list(zip(row, widths, strict=True)) for row in rows)
    ]


def names_text(names: Sequence[str]) -> str:
    """The first names, made safe, and how many more there are."""
    shown = ", ".join(plain(name, 60) for name in names[:_MOST_NAMES])
    more = len(names) - _MOST_NAMES
    return f"{shown} and {more:,} more" if more > 0 else shown


def _cells(row: Row) -> list[str]:
    counts = [str(row.count(change)) for change in _COLUMNS]
    if row.metric is None:
        counts[0] = counts[1] = "–"  # a score does not pass
    share = row.agreement
    return [row.head, *counts, "–" if share is None else share_text(share, share)]


def _changes(row: Row) -> Iterator[str]:
    for pair in row.of(Change.BROKEN, Change.FIXED, Change.CHANGED):
        yield f"  {pair.change.value:7}  {row.head}  {plain(pair.app, 60)}: {_step(pair)}"


def _step(pair: Pair) -> str:
    if pair.old is None or pair.new is None:
        return ""
    line = pair.new.line if pair.change is not Change.FIXED else pair.old.line
    evidence = plain(line or pair.old.line)
    return f"{pair.old.text} → {pair.new.text}" + (f": {evidence}" if evidence else "")
