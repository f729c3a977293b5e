"""Two runs side by side: what was fixed, what broke, and what nobody can compare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from reports.comparison import Change, Comparison, Row, compare_runs
from reports.comparison_text import change_lines, comparison_text, table_lines
from reports.model import AppResult, MetricInfo, Run, ScoreRange, State
from reports.sides import side_of_run

MakeApp = Callable[..., AppResult]
MakeRun = Callable[..., Run]
ALL = "P P P P P P P 5 5"


@pytest.fixture
def beside(app_of: MakeApp, run_of: MakeRun) -> Callable[[str, str], Comparison]:
    """One app of which the two runs have these marks."""

    def build(old: str, new: str) -> Comparison:
        return compare_runs(run_of(app_of("a", old, 50, 50)), run_of(app_of("a", new, 50, 50), id="two"))

    return build


def row(comparison: Comparison, number: int) -> Row:
    return comparison.rows[number - 1]


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        ("P", "P", Change.SAME),
        ("F", "F", Change.SAME),
        ("F", "B", Change.SAME),
        ("F", "P", Change.FIXED),
        ("B", "P", Change.FIXED),
        ("P", "F", Change.BROKEN),
        ("P", "B", Change.BROKEN),
        *((known, unknown, Change.NOT_COMPARABLE) for known in "PFB" for unknown in "?!-"),
        *((unknown, known, Change.NOT_COMPARABLE) for known in "PFB" for unknown in "?!-"),
        ("?", "?", Change.NOT_COMPARABLE),
        ("-", "-", Change.NOT_COMPARABLE),
        ("P,F", "P,P", Change.FIXED),
        ("P,P", "F,P", Change.BROKEN),
        ("P,F,F", "P,P,F", Change.CHANGED),
        ("P,F", "F,P", Change.SAME),
        ("P,P", "P,?", Change.NOT_COMPARABLE),
        ("P,-", "P,P", Change.SAME),
    ],
)
def test_a_binary_metric(beside: Callable[[str, str], Comparison], old: str, new: str, change: Change) -> None:
    rest = " P P P P P P 5 5"
    found = row(beside(old + rest, new + rest), 1)
    assert [pair.change for pair in found.pairs] == [change]


@pytest.mark.parametrize(
    ("old", "new", "change", "step"),
    [
        ("5", "5", Change.SAME, "5/5 → 5/5"),
        ("5", "4", Change.CHANGED, "5/5 → 4/5"),
        ("2", "1", Change.CHANGED, "2/5 → 1/5"),
        ("2", "3", Change.FIXED, "2/5 → 3/5"),
        ("4", "1", Change.BROKEN, "4/5 → 1/5"),
        ("15", "5", Change.NOT_COMPARABLE, "UNMEASURED → 5/5"),
        ("4,5", "5,5", Change.CHANGED, "4.5/5 → 5/5"),
    ],
)
def test_a_scored_metric(
    beside: Callable[[str, str], Comparison], old: str, new: str, change: Change, step: str
) -> None:
    rest = "P P P P P P P 5 "
    pair = row(beside(rest + old, rest + new), 9).pairs[0]
    assert pair.change is change
    assert pair.old is not None
    assert pair.new is not None
    assert f"{pair.old.text} → {pair.new.text}" == step


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        ((85, 85), (85, 85), Change.SAME),
        ((85, 85), (70, 70), Change.CHANGED),
        ((80, 90), (95, 100), Change.CHANGED),
        ((80, 90), (10, 20), Change.CHANGED),
        ((80, 90), (90, 95), Change.NOT_COMPARABLE),
        ((80, 90), (80, 90), Change.NOT_COMPARABLE),
        ((80, 90), (85, 85), Change.NOT_COMPARABLE),
    ],
)
def test_the_score(
    app_of: MakeApp, run_of: MakeRun, old: tuple[float, float], new: tuple[float, float], change: Change
) -> None:
    """Exact scores by value, others by their intervals."""
    comparison = compare_runs(run_of(app_of("a", ALL, *old)), run_of(app_of("a", ALL, *new)))
    assert comparison.score.pairs[0].change is change


def test_apps_of_one_side_are_new_or_gone_and_counted_nowhere_else(app_of: MakeApp, run_of: MakeRun) -> None:
    old = run_of(app_of("a", ALL, 100, 100), app_of("left", ALL, 100, 100))
    new = run_of(app_of("came", "F" + ALL[1:], 80, 80), app_of("a", ALL, 100, 100))
    comparison = compare_runs(old, new)
    assert (comparison.both, comparison.gone, comparison.added) == (("a",), ("left",), ("came",))
    for found in (*comparison.rows, comparison.score):
        assert [(pair.app, pair.change) for pair in found.pairs] == [
            ("a", Change.SAME), ("left", Change.GONE), ("came", Change.NEW),
        ]  # fmt: skip
        assert found.comparable == 1
        assert found.agreement == 1.0


def test_agreement_is_over_what_both_know(app_of: MakeApp, run_of: MakeRun) -> None:
    old = run_of(*(app_of(n, f"{m}{ALL[1:]}", 50, 50) for n, m in (("a", "P"), ("b", "P"), ("c", "F"), ("d", "?"))))
    new = run_of(*(app_of(n, f"{m}{ALL[1:]}", 50, 50) for n, m in (("a", "P"), ("b", "F"), ("c", "P"), ("d", "P"))))
    found = row(compare_runs(old, new), 1)
    assert found.comparable == 3
    assert found.agreement == pytest.approx(1 / 3)
    assert found.count(Change.NOT_COMPARABLE) == 1
    nothing = compare_runs(old, run_of())
    assert row(nothing, 1).agreement is None


def test_one_world_is_not_mentioned(seven: Run) -> None:
    comparison = compare_runs(seven, replace(seven, id="again"))
    assert comparison.worlds == ()
    text = comparison_text(comparison)
    assert "WORLDS" not in text
    assert "CAUTION" not in text
    assert "nothing changed that can be compared" in text


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"settings": {"sandbox": "docker", "warehouse": "embedded"}}, "sandbox: local, then docker"),
        ({"settings": {"sandbox": "local"}}, "warehouse: embedded, then unknown"),
        ({"profile": "gated-1"}, "profile: weighted-1, then gated-1"),
        ({"epochs": 3}, "epochs: 1, then 3"),
    ],
)
def test_different_worlds_are_said_at_the_head(seven: Run, other: dict[str, object], said: str) -> None:
    comparison = compare_runs(seven, replace(seven, **other))  # type: ignore[arg-type]
    assert comparison.worlds == (said,)
    assert f"DIFFERENT WORLDS, so a change may be theirs: {said}" in comparison_text(comparison).splitlines()[2]


def test_another_version_of_a_metric_is_another_world(seven: Run) -> None:
    metrics = (replace(seven.metrics[0], version=2), *seven.metrics[1:])
    assert compare_runs(seven, replace(seven, metrics=metrics)).worlds == ("version of 1 build: 1, then 2",)


def test_a_metric_that_only_one_run_has_is_not_comparable(seven: Run) -> None:
    tenth = MetricInfo("accessible", 10, "Metric 10", "binary", "scored", 1)
    for old, new in (
        (seven, replace(seven, metrics=(*seven.metrics, tenth))),
        (replace(seven, metrics=(*seven.metrics, tenth)), seven),
    ):
        comparison = compare_runs(old, new)
        assert [r.head for r in comparison.rows][-1] == "10 accessible"
        assert {pair.change for pair in comparison.rows[-1].pairs} == {Change.NOT_COMPARABLE}
        assert comparison.worlds == ()


def test_a_partial_run_is_a_caution(seven: Run) -> None:
    text = comparison_text(compare_runs(seven, replace(seven, partial=True, id="half")))
    assert "CAUTION: half is a partial run" in text


def test_changes_have_the_evidence_of_the_side_that_is_wrong(app_of: MakeApp, run_of: MakeRun) -> None:
    old = run_of(app_of("shop", "F P P P P P P 5 5", 80, 80))
    new = run_of(app_of("shop", "P P F P P P P 4 5", 84.5, 84.5, labels=("placeholder page",)))
    assert change_lines(compare_runs(old, new)) == [
        "changed, from A to B:",
        "  fixed    1 build  shop: FAIL → PASS: build_success says F",
        "  broken   3 type  shop: PASS → FAIL: type_safety says F",
        "  changed  8 local  shop: 5/5 → 4/5: local_runability says 4",
        "  changed  score  shop: 80.0 → 84.5: placeholder page",
    ]


def test_what_was_missing_before_explains_what_is_better_now(app_of: MakeApp, run_of: MakeRun) -> None:
    old = run_of(app_of("shop", "P P P P P P P 1 4", 80, 80))
    new = run_of(app_of("shop", "P P P P P P P 4 5", 80, 80))
    assert change_lines(compare_runs(old, new))[1:] == [
        "  fixed    8 local  shop: 1/5 → 4/5: local_runability says 1",
        "  changed  9 deployability  shop: 4/5 → 5/5: deployability says 4",
    ]


def test_the_table_counts_and_the_score_cannot_be_fixed(app_of: MakeApp, run_of: MakeRun) -> None:
    old = run_of(app_of("a", "F" + ALL[1:], 80, 80), app_of("b", ALL, 100, 100))
    new = run_of(app_of("a", ALL, 100, 100), app_of("b", ALL, 100, 100))
    lines = table_lines(compare_runs(old, new))
    assert lines[0].split() == ["fixed", "broken", "changed", "same", "not", "comparable", "agree"]
    assert lines[1].split() == ["1", "build", "1", "0", "0", "1", "0", "50", "%"]
    assert lines[2].split() == ["2", "runtime", "0", "0", "0", "2", "0", "100", "%"]
    assert lines[-1].split() == ["score", "–", "–", "1", "1", "0", "50", "%"]


def test_epochs_are_shown_as_a_share(beside: Callable[[str, str], Comparison]) -> None:
    rest = " P P P P P P 5 5"
    lines = change_lines(beside("P,P" + rest, "P,F" + rest))
    assert lines[1] == "  broken   1 build  a: PASS → 50% passed: build_success says F"


def test_text_from_apps_is_made_safe(app_of: MakeApp, run_of: MakeRun) -> None:
    hostile = "\x1b[31mevil\u202e\r\nname"
    old = run_of(app_of(hostile, ALL, 100, 100), app_of("\x1b[2Jgone", ALL, 1, 1))
    broken = app_of(hostile, "F" + ALL[1:], 80, 80)
    told = replace(broken.verdicts[0], evidence="\x1b]0;title\x07line\nline")
    text = comparison_text(compare_runs(old, run_of(replace(broken, verdicts=(told, *broken.verdicts[1:])))))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "  broken   1 build  evil name: PASS → FAIL: line line\n" in text
    assert "only in A, 1 app: gone\n" in text


def test_long_lists_are_cut(app_of: MakeApp, run_of: MakeRun) -> None:
    old = run_of(*(app_of(f"app-{i}", ALL, 100, 100) for i in range(250)))
    new = run_of(*(app_of(f"app-{i}", "F" + ALL[1:], 100, 100) for i in range(250)))
    lines = change_lines(compare_runs(old, new))
    assert len(lines) == 202
    assert lines[-1] == "  … and 50 more"
    assert "app-9 and 240 more" in comparison_text(compare_runs(old, run_of()))


def test_a_side_says_what_it_knows_of_a_verdict(app_of: MakeApp, run_of: MakeRun) -> None:
    run = run_of(app_of("a", "P ! F B - ? P 4 15", 10, 20))
    found = side_of_run(run).apps["a"].metrics
    assert [r.text for r in found.values()] == [
        "PASS", "HARNESS_ERROR", "FAIL", "BLOCKED", "NOT_APPLICABLE", "UNMEASURED", "PASS", "4/5", "UNMEASURED",
    ]  # fmt: skip
    assert [r.passed for r in found.values()] == [True, None, False, False, None, None, True, True, None]
    empty = replace(run.apps[0], verdicts=())
    nothing = side_of_run(replace(run, apps=(empty,))).apps["a"].metrics["tests_pass"]
    assert (nothing.passed, nothing.text) == (None, State.UNMEASURED.value)
    assert side_of_run(run).apps["a"].score is not None


def test_an_equal_value_is_the_same_wherever_the_bar_for_passing_lies(app_of: MakeApp, run_of: MakeRun) -> None:
    run = run_of(app_of("a", "P P P P P P P 5 3", 90, 90))
    last = replace(run.apps[0].verdicts[-1], state=State.FAIL)
    stricter = replace(run, apps=(replace(run.apps[0], verdicts=(*run.apps[0].verdicts[:-1], last)),))
    assert row(compare_runs(run, stricter), 9).pairs[0].change is Change.SAME


def test_a_capped_score_is_compared_as_it_is(app_of: MakeApp, run_of: MakeRun) -> None:
    capped = app_of("a", ALL, 60, 60, score=ScoreRange(60, 60, 100, 100), labels=("unmodified template",))
    pair = compare_runs(run_of(app_of("a", ALL, 100, 100)), run_of(capped)).score.pairs[0]
    assert pair.change is Change.CHANGED
