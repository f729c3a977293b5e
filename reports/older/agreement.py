"""A run beside an older report: how far they agree, and which differences the definitions account for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.cells import shown_metrics
from reports.comparison import Change, Pair, Row, compare
from reports.comparison_text import aligned, names_text
from reports.model import AppResult, MetricInfo, Run
from reports.older.definitions import explanation
from reports.older.difference import Difference
from reports.older.keys import COMPOSITE, PASS_AT
from reports.older.report import OlderApp, OlderReport
from reports.sides import Reading, Side, SideApp, side_of_run
from reports.text import count_text, number_text, plain, score_text

_MOST_LINES = 200
#: The score profiles that are the older formula.
_OLDER_FORMULA = "gated-"
_OTHER_FORMULA = "another formula (the profile gated-1 is the older one: [tool.appeval] profile)"


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One app in which the two differ. `definition` is None when no difference of definition accounts for it; `there`,
    `here` are short, `line` is our evidence: escape it."""

    app: str
    there: str
    here: str
    line: str
    definition: str | None


@dataclass(frozen=True, slots=True)
class AgreementRow:
    """One metric, or the score. `apps` are those on both sides; `compared` those of which both know the value.
    `blind` says why a whole column was not compared."""

    head: str
    apps: int
    compared: int
    equal: int
    disagreements: tuple[Disagreement, ...]
    blind: str

    @property
    def explained(self) -> tuple[Disagreement, ...]:
        return tuple(d for d in self.disagreements if d.definition is not None)

    @property
    def unexplained(self) -> tuple[Disagreement, ...]:
        return tuple(d for d in self.disagreements if d.definition is None)


@dataclass(frozen=True, slots=True)
class Agreement:
    """`only_older`, `only_run`: apps that the other side does not have. `notes`: how the older report was read.
    Names of apps come from strangers: escape them."""

    run: str
    older: str
    made: str
    rows: tuple[AgreementRow, ...]
    only_older: tuple[str, ...]
    only_run: tuple[str, ...]
    cautions: tuple[str, ...]
    notes: tuple[str, ...]


def side_of_older(report: OlderReport, metrics: Sequence[MetricInfo]) -> Side:
    """An older report as a side of a comparison; the metrics are those of the run beside it."""
    apps = {
        name: SideApp(_composite(app), {metric.name: _reading(app, metric) for metric in metrics})
        for name, app in report.apps.items()
    }
    caution = f"{report.name} is a report of the older framework: other definitions, and a world that it does not state"
    made = f"made {report.made}, " if report.made else ""
    about = f"{made}{count_text(len(apps), 'app')}, older framework"
    return Side(report.name, about, None, (caution,), apps)


def parity_with_older(run: Run, older: OlderReport) -> Agreement:
    """Per metric and for the score: apps compared, equal, different by definition, different without explanation."""
    metrics = shown_metrics(run)
    comparison = compare(side_of_older(older, metrics), side_of_run(run), metrics)
    results = {app.app: app for app in run.apps}
    rows = tuple(_row(row, older, results) for row in comparison.rows)
    score = _score_row(comparison.score, run, older, rows)
    return Agreement(
        run=plain(run.id, 80),
        older=older.name,
        made=older.made,
        rows=(*rows, score),
        only_older=comparison.gone,
        only_run=comparison.added,
        cautions=comparison.new.cautions,
        notes=older.notes,
    )


def agreement_text(agreement: Agreement) -> str:
    """Who was compared, the table, and the lines below it."""
    made = f" (made {agreement.made})" if agreement.made else ""
    lines = [f"run {agreement.run} beside the older report {agreement.older}{made}"]
    lines += [f"CAUTION: {caution}" for caution in agreement.cautions]
    for names, words in ((agreement.only_older, "the older report"), (agreement.only_run, "the run")):
        if names:
            lines.append(f"only in {words}, {count_text(len(names), 'app')}: {names_text(names)}")
    return "\n".join([*lines, "", *agreement_table(agreement), "", *agreement_lines(agreement)]) + "\n"


def agreement_table(agreement: Agreement) -> list[str]:
    heads = ["", "apps", "compared", "equal", "by definition", "not explained"]
    rows = [
        [row.head, *(str(n) for n in (row.apps, row.compared, row.equal, len(row.explained), len(row.unexplained)))]
        for row in agreement.rows
    ]
    return aligned([heads, *rows])


def agreement_lines(agreement: Agreement) -> list[str]:
    """What differs and why, what nobody can explain, what was not compared, and how the older report was read."""
    lines = _explained_lines(agreement.rows) + _unexplained_lines(agreement.rows)
    blind = [f"  {row.head}: {row.blind}" for row in agreement.rows if row.blind]
    lines += ["not compared:", *blind] if blind else []
    return lines + [f"note: {note}" for note in agreement.notes]


def _explained_lines(rows: Sequence[AgreementRow]) -> list[str]:
    total = sum(len(row.explained) for row in rows)
    if not total:
        return ["no difference follows from the definitions"]
    lines = []
    for row in rows:
        by_words: dict[str, list[str]] = {}
        for difference in row.explained:
            by_words.setdefault(difference.definition or "", []).append(difference.app)
        for words, apps in by_words.items():
            lines += [f"  {row.head}, {count_text(len(apps), 'app')}: {names_text(apps)}", f"      {words}"]
    return [f"{count_text(total, 'difference')} by definition:", *lines]


def _unexplained_lines(rows: Sequence[AgreementRow]) -> list[str]:
    lines = [
        f"  {row.head}  {plain(d.app, 60)}: {d.there} there, {d.here} here" + (f": {plain(d.line)}" if d.line else "")
        for row in rows
        for d in row.unexplained
    ]
    if not lines:
        return ["every difference is explained"] if any(row.disagreements for row in rows) else ["no difference"]
    more = len(lines) - _MOST_LINES
    tail = [f"  … and {more:,} more"] if more > 0 else []
    return [f"{count_text(len(lines), 'difference')} that no definition explains:", *lines[:_MOST_LINES], *tail]


def _row(row: Row, older: OlderReport, results: dict[str, AppResult]) -> AgreementRow:
    metric = row.metric
    name = metric.name if metric else ""
    found = []
    for pair in row.of(Change.FIXED, Change.BROKEN, Change.CHANGED):
        if pair.old is not None and pair.new is not None:
            difference = Difference(name, older, older.apps[pair.app], results[pair.app], pair.old.low, pair.new.low)
            found.append(_disagreement(pair, explanation(difference)))
    return _agreement_row(row, tuple(found), older.blind.get(name, ""))


def _score_row(row: Row, run: Run, older: OlderReport, metrics: Sequence[AgreementRow]) -> AgreementRow:
    """The score follows from the metrics: by definition when all that differ in this app do so by definition."""
    results = {app.app: app for app in run.apps}
    reasons: dict[str, list[str | None]] = {}
    for difference in (d for metric in metrics for d in metric.disagreements):
        reasons.setdefault(difference.app, []).append(difference.definition)
    found = tuple(
        _disagreement(pair, _score_explanation(results[pair.app], run, older, reasons.get(pair.app, ())))
        for pair in row.of(Change.CHANGED)
    )
    missing = all(app.composite is None for app in older.apps.values())
    return _agreement_row(row, found, f"no {COMPOSITE} is stored" if missing else "")


def _score_explanation(app: AppResult, run: Run, older: OlderReport, reasons: Sequence[str | None]) -> str | None:
    """`reasons`: the definitions behind the metrics of this app that differ, None for one that nothing explains."""
    if not run.profile.startswith(_OLDER_FORMULA):
        return _OTHER_FORMULA
    if reasons:
        return None if None in reasons else "follows from the metrics that differ, all of them by definition"
    if app.labels:
        return "here a label caps the score (an unmodified template, a placeholder page); there nothing does"
    if older.blind:
        return "there what nobody measured counted as 0"
    return None


def _agreement_row(row: Row, found: tuple[Disagreement, ...], blind: str) -> AgreementRow:
    apps = len(row.pairs) - row.count(Change.NEW, Change.GONE)
    return AgreementRow(row.head, apps, row.comparable, row.count(Change.SAME), found, blind)


def _disagreement(pair: Pair, definition: str | None) -> Disagreement:
    there, here, line = (pair.old, pair.new, pair.new.line) if pair.new else (pair.old, None, "")
    return Disagreement(pair.app, there.text if there else "", here.text if here else "", line, definition)


def _composite(app: OlderApp) -> Reading | None:
    score = app.composite
    return None if score is None else Reading(score, score, None, score_text(score, score))


def _reading(app: OlderApp, metric: MetricInfo) -> Reading:
    value = app.values.get(metric.name)
    if value is None:
        return Reading(0, metric.full, None, "not known")
    if metric.kind == "scored":
        return Reading(value, value, value >= PASS_AT, f"{number_text(value)}/{metric.full:g}")
    return Reading(value, value, value == 1, "PASS" if value == 1 else "FAIL")
