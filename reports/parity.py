"""Whether several ways to a verdict say the same: pytest, a judge in MLflow, stored evidence judged again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reports.model import Verdict
from reports.text import plain

#: The difference between ways that was promised, as a share of all verdicts.
PROMISED = 0.05

#: Verdicts by (app, epoch, metric).
Said = Mapping[tuple[str, int, str], Verdict]


@dataclass(frozen=True, slots=True)
class Difference:
    """One verdict that two ways see differently; None where a way says nothing."""

    app: str
    epoch: int
    metric: str
    first: Verdict | None
    second: Verdict | None


@dataclass(frozen=True, slots=True)
class Parity:
    """Two ways, named, over the verdicts that either gives."""

    first: str
    second: str
    metrics: tuple[str, ...]
    compared: Mapping[str, int]
    differences: tuple[Difference, ...]

    @property
    def total(self) -> int:
        return sum(self.compared.values())

    @property
    def share(self) -> float:
        """The share of verdicts that differ, 0–1; with nothing compared nobody knows, and 1 is said."""
        return len(self.differences) / self.total if self.total else 1.0


def parity(first: tuple[str, Said], second: tuple[str, Said], metrics: Sequence[str]) -> Parity:
    """Compares states, values and reasons; the words of the evidence may differ. `metrics` come first, in this order,
    then those that only verdicts name."""
    (one, ours), (other, theirs) = first, second
    asked = ours.keys() | theirs.keys()
    named = list(dict.fromkeys([*metrics, *sorted(key[2] for key in asked)]))
    keys = sorted(asked, key=lambda key: (key[0], key[1], named.index(key[2])))
    compared = {metric: sum(key[2] == metric for key in keys) for metric in named}
    found = [
        Difference(*key, ours.get(key), theirs.get(key))
        for key in keys
        if _core(ours.get(key)) != _core(theirs.get(key))
    ]
    return Parity(one, other, tuple(named), compared, tuple(found))


def _core(verdict: Verdict | None) -> object:
    return None if verdict is None else (verdict.state, verdict.low, verdict.high, verdict.reason)


def parity_text(all_ways: Sequence[Parity]) -> str:
    """A row per metric, a column per pair of ways, then every difference."""
    metrics = list(dict.fromkeys(metric for ways in all_ways for metric in ways.metrics))
    heads = ["metric", *(f"{ways.first} / {ways.second}" for ways in all_ways)]
    rows = [[metric, *(_cell(ways, metric) for ways in all_ways)] for metric in metrics]
    rows.append(["all", *(f"{ways.total - len(ways.differences)} of {ways.total} equal" for ways in all_ways)])
    widths = [max(len(row[place]) for row in [heads, *rows]) for place in range(len(heads))]
    lines = [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in [heads, *rows]
    ]
    return "\n".join([*lines, "", *(line for ways in all_ways for line in _lines(ways))])


def _cell(ways: Parity, metric: str) -> str:
    different = sum(difference.metric == metric for difference in ways.differences)
    compared = ways.compared.get(metric, 0)
    return f"{compared - different} of {compared} equal"


def _lines(ways: Parity) -> Iterator[str]:
    for d in ways.differences:
        epoch = f" (epoch {d.epoch})" if d.epoch != 1 else ""
        one, other = f"{ways.first} says {_words(d.first)}", f"{ways.second} {_words(d.second)}"
        yield f"{plain(d.app, 60)}{epoch} {d.metric}: {one}, {other}"
    verdict = "as promised" if ways.share < PROMISED else "more than promised"
    yield (
        f"{ways.first} and {ways.second} differ in {ways.share * 100:.1f} % of {ways.total} verdicts "
        f"({verdict}: below {PROMISED * 100:g} %)"
    )


def _words(verdict: Verdict | None) -> str:
    if verdict is None:
        return "nothing"
    value = f" {verdict.low:g}" if verdict.low == verdict.high else f" {verdict.low:g}–{verdict.high:g}"
    return f"{verdict.state}{value}" + (f" ({verdict.reason})" if verdict.reason else "")
