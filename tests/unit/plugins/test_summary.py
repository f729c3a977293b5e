"""summarize(): nothing leaves a denominator."""

from __future__ import annotations

from typing import Any

from plugins.summary import summarize
from reports.model import AppResult, MetricInfo, ScoreRange, State, Verdict

BUILD = MetricInfo("build", 1, "Build", "binary", "scored", 1)
TYPES = MetricInfo("types", 2, "Types", "binary", "scored", 1)
DEPLOY = MetricInfo("deploy", 3, "Deploy", "scored", "scored", 1)
METRICS = (BUILD, TYPES, DEPLOY)


def verdict(metric: MetricInfo, state: State, reason: str = "", **more: Any) -> Verdict:
    low = metric.full if state is State.PASS else 0.0
    high = metric.full if state is State.PASS or state.unknown else 0.0
    return Verdict(**{
        "metric": metric.name, "epoch": 1, "state": state, "low": low, "high": high, "reason": reason,
        "evidence": "seen" if reason else "", **more,
    })  # fmt: skip


def app(name: str, *verdicts: Verdict, low: float = 50.0, high: float = 50.0, **more: Any) -> AppResult:
    success = more.pop("success", (0.0, 0.0))
    return AppResult(name, name, name, "trpc", None, verdicts, ScoreRange(low, high, low, high), *success, **more)


def test_averages_use_every_app_and_its_interval() -> None:
    summary = summarize([
        app("a", low=100, high=100, success=(1.0, 1.0)), app("failed-generation", low=0, high=0),
        app("b", low=40, high=85, success=(0.0, 1.0)),
    ], METRICS)  # fmt: skip
    assert (summary.apps_attempted, summary.apps_scored) == (3, 2)
    assert (summary.avg_low, summary.avg_high) == (46.666667, 61.666667)
    assert (summary.success_low, summary.success_high) == (0.333333, 0.666667)


def test_no_apps_is_nothing_known_rather_than_zero() -> None:
    summary = summarize([], METRICS)
    assert (summary.apps_attempted, summary.apps_scored) == (0, 0)
    assert (summary.avg_low, summary.avg_high, summary.success_low, summary.success_high) == (0, 100, 0, 1)
    assert summary.pass_rate == {}
    assert summary.common_failures == ()
    assert summary.states == {}


def test_pass_rates_leave_out_only_what_does_not_apply() -> None:
    summary = summarize([
        app("a", verdict(BUILD, State.PASS), verdict(TYPES, State.NOT_APPLICABLE),
            verdict(DEPLOY, State.PASS, low=4, high=4)),
        app("b", verdict(BUILD, State.BLOCKED), verdict(TYPES, State.NOT_APPLICABLE),
            verdict(DEPLOY, State.UNMEASURED, low=1, high=5)),
        app("c", verdict(BUILD, State.HARNESS_ERROR), verdict(TYPES, State.NOT_APPLICABLE),
            verdict(DEPLOY, State.FAIL)),
        app("no verdict"),
    ], METRICS[:1] + METRICS[2:])  # fmt: skip
    assert summary.pass_rate == {"build": (0.25, 0.75), "deploy": (0.25, 0.7)}


def test_a_metric_that_applies_nowhere_or_was_never_judged_has_no_rate() -> None:
    summary = summarize([app("a", verdict(TYPES, State.NOT_APPLICABLE))], METRICS)
    assert summary.pass_rate == {}


def test_epochs_are_averaged_before_apps() -> None:
    flaky = [verdict(BUILD, s, epoch=i) for i, s in enumerate((State.PASS, State.FAIL, State.NOT_APPLICABLE), 1)]
    summary = summarize([app("flaky", *flaky), app("fine", verdict(BUILD, State.PASS))], METRICS)
    assert summary.pass_rate["build"] == (0.75, 0.75)


def test_common_failures_count_apps_not_verdicts() -> None:
    fails = [
        app("a", verdict(TYPES, State.FAIL, "types.errors", evidence="3 errors"),
            verdict(TYPES, State.FAIL, "types.errors", epoch=2), verdict(DEPLOY, State.FAIL, "deploy.secret")),
        app("b", verdict(BUILD, State.FAIL, "build.exit"), verdict(TYPES, State.BLOCKED, "blocked.build", evidence="build: seen"),
            verdict(DEPLOY, State.BLOCKED, "blocked.build", evidence="build: seen")),
        app("c", verdict(BUILD, State.PASS), verdict(TYPES, State.FAIL, "types.errors")),
        app("d", verdict(BUILD, State.HARNESS_ERROR, "harness.port"), verdict(TYPES, State.UNMEASURED, "no.engine")),
        app("e", verdict(BUILD, State.BLOCKED, "blocked.install")),
    ]  # fmt: skip
    assert summarize(fails, METRICS).common_failures == (
        ("types.errors", 2, "a: 3 errors"), ("blocked.install", 1, "e: seen"), ("build.exit", 1, "b: seen"),
    )  # fmt: skip


def test_blocked_counts_where_nothing_else_is_wrong() -> None:
    blocked = [app("a", verdict(BUILD, State.BLOCKED, "blocked.install"), verdict(TYPES, State.PASS))]
    assert summarize(blocked, METRICS).common_failures == (("blocked.install", 1, "a: seen"),)


def test_a_failure_without_reason_or_evidence_still_has_a_name() -> None:
    assert summarize([app("a", verdict(TYPES, State.FAIL))], METRICS).common_failures == (("types.fail", 1, "a"),)


def test_states_are_counted_over_all_verdicts() -> None:
    apps = [app("a", verdict(BUILD, State.PASS), verdict(TYPES, State.FAIL)), app("b", verdict(BUILD, State.PASS))]
    summary = summarize(apps, METRICS)
    assert summary.states == {"PASS": 2, "FAIL": 1}
    assert all(type(name) is str for name in summary.states)
