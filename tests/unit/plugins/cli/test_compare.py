"""`appeval compare`: what its two arguments may be, and what is printed for each."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from plugins.cli import main
from plugins.summary import summarize
from reports.model import SCHEMA, AppResult, MetricInfo, Run, ScoreRange, State, Verdict, run_to_json

METRICS = (
    MetricInfo("type_safety", 3, "Metric 3", "binary", "scored", 1),
    MetricInfo("deployability", 9, "Metric 9", "scored", "scored", 1),
)
OLDER = {"apps": [
    {"app_name": "sales", "metrics": {"type_safety": True, "deployability_score": 3, "appeval_100": 88.0}},
    {"app_name": "only-there", "metrics": {"type_safety": True}},
]}  # fmt: skip


def a_run(name: str, types: State, points: float, warehouse: str = "embedded") -> Run:
    value = 1.0 if types is State.PASS else 0.0
    verdicts = (
        Verdict("type_safety", 1, types, value, value, "types.errors", "3 type errors: server/a.ts:1 TS2322 no"),
        Verdict("deployability", 1, State.PASS, points, points, "deployability.builds", "missing: health"),
    )
    apps = (AppResult("sales", "sales", "/apps/sales", "trpc", None, verdicts, ScoreRange(80, 80, 80, 80), 1, 1),)
    settings = {"sandbox": "local", "warehouse": warehouse}
    return Run(
        SCHEMA, name, "2026-01-01T00:00:00Z", 9.0, None, False, "weighted-1", 1, {}, settings, METRICS, apps,
        summarize(apps, METRICS),
    )  # fmt: skip


def stored(folder: Path, run: Run) -> str:
    (folder / run.id).mkdir()
    (folder / run.id / "run.json").write_text(run_to_json(run))
    return str(folder / run.id)


@pytest.fixture
def good(tmp_path: Path) -> str:
    return stored(tmp_path, a_run("good", State.PASS, 5))


@pytest.fixture
def bad(tmp_path: Path) -> str:
    return stored(tmp_path, a_run("bad", State.FAIL, 4, "none"))


@pytest.fixture
def older(tmp_path: Path) -> str:
    path = tmp_path / "evaluation_report.json"
    path.write_text(json.dumps(OLDER))
    return str(path)


def test_two_runs(good: str, bad: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", good, bad]) == 0, "what they say is no reason for another exit code"
    out = capsys.readouterr().out
    assert "A  good: 2026-01-01" in out
    assert "DIFFERENT WORLDS, so a change may be theirs: warehouse: embedded, then none" in out
    assert "  broken   3 type  sales: PASS → FAIL: 3 type errors: server/a.ts:1 TS2322 no\n" in out
    assert "  changed  9 deployability  sales: 5/5 → 4/5: missing: health\n" in out
    assert main(["compare", bad, good]) == 0
    assert "  fixed    3 type  sales: FAIL → PASS" in capsys.readouterr().out


def test_run_json_is_its_run(good: str, bad: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", f"{good}/run.json", bad]) == 0
    assert "A  good:" in capsys.readouterr().out


def test_an_older_report_on_either_side(
    older: str, bad: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", older, bad]) == 0
    out = capsys.readouterr().out
    assert "A  evaluation_report.json: 2 apps, older framework" in out
    assert "CAUTION: evaluation_report.json is a report of the older framework" in out
    assert "3 type               0       1        0     0               0    0 %" in out
    assert "2 differences by definition:\n  9 deployability, 1 app: sales\n      other points" in out
    assert "  3 type  sales: PASS there, FAIL here: 3 type errors: server/a.ts:1 TS2322 no\n" in out
    assert "changed, from A to B" not in out, "each difference is told once"
    assert "only in A, 1 app: only-there" in out
    assert out.count("only-there") == 1
    assert main(["compare", bad, str(tmp_path)]) == 0, "the folder of a report"
    out = capsys.readouterr().out
    assert "3 type               1       0" in out, "from A to B"
    assert "  3 type  sales: PASS there, FAIL here" in out


def test_parity_prints_the_table(older: str, bad: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parity", bad, f"--old={older}"]) == 1, "a difference that no definition explains"
    out = capsys.readouterr().out
    assert out.startswith(
        "run bad beside the older report evaluation_report.json\nonly in the older report, 1 app: only-there"
    )
    assert "3 type              1         1      0              0              1\n" in out
    assert "9 deployability     1         1      0              1              0\n" in out
    assert main(["parity", bad, f"--old={bad}/run.json"]) == 4
    assert "an older report is evaluation_report.json" in capsys.readouterr().err


def test_two_older_reports_are_wrong_usage(older: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", older, older]) == 4
    assert "one of them must be a run" in capsys.readouterr().err


def test_what_cannot_be_read_is_wrong_usage(good: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "notes.json"
    other.write_text("[1, 2]")
    assert main(["compare", good, str(other)]) == 4
    assert "notes.json: no app with a name and metrics in it" in capsys.readouterr().err
    assert main(["compare", good, "no-such-run"]) == 4
    assert "no run 'no-such-run'" in capsys.readouterr().err


def test_a_run_folder_that_also_holds_a_report_is_a_run(
    good: str, bad: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(good, "evaluation_report.json").write_text(json.dumps(OLDER))
    assert main(["compare", good, bad]) == 0
    assert "CAUTION" not in capsys.readouterr().out


def test_a_partial_run_is_compared_with_a_caution(
    good: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    half = stored(tmp_path, replace(a_run("half", State.PASS, 5), partial=True))
    assert main(["compare", half, good]) == 0
    assert "CAUTION: half is a partial run" in capsys.readouterr().out
