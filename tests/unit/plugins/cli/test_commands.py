"""The `appeval` commands on a stored run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fixtures.sandbox.processes import Ledger, Owner
from plugins.cli import doctor, main
from plugins.summary import summarize
from reports.model import SCHEMA, AppResult, MetricInfo, Run, ScoreRange, State, Verdict, read_run, run_to_json
from tests.world import write

METRICS = (
    MetricInfo("types", 1, "Metric 1, types: no errors", "binary", "scored", 1),
    MetricInfo("runs", 2, "Metric 2, runs: it runs", "scored", "scored", 1),
)


def an_app(path: Path, name: str) -> AppResult:
    verdicts = (
        Verdict("types", 1, State.FAIL, 0, 0, "types.errors", "3 errors: a.ts:1 \x1b[31mTS2322", ("apps/x/log",), 1.5),
        Verdict("runs", 1, State.PASS, 4, 4, "runs.readme", "missing: README"),
    )
    score = ScoreRange(60.0, 60.0, 81.0, 100.0)
    return AppResult(
        name, name, str(path / name), "trpc", "sell things", verdicts, score, 0, 0, ("unmodified template",)
    )


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    apps = (an_app(tmp_path, "sales"), an_app(tmp_path, "sales-two"))
    run = Run(
        SCHEMA, "r1", "2026-01-01T00:00:00Z", 9.0, None, False, "weighted-1", 1, {}, {"sandbox": "local"}, METRICS, apps,
        summarize(apps, METRICS),
    )  # fmt: skip
    folder = tmp_path / "r1"
    folder.mkdir()
    (folder / "run.json").write_text(run_to_json(run))
    assert read_run(folder) == run
    return folder


def test_show_prints_the_table(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(run_dir)]) == 0
    out = capsys.readouterr().out
    assert "sales-two" in out
    assert "60.0*" in out


def test_show_one_app_says_everything_and_no_control_characters(
    run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", str(run_dir), "sales"]) == 0, "an exact name wins over a part of another"
    out = capsys.readouterr().out
    assert "capped because: unmodified template (without the cap 81.0–100.0)" in out
    assert "1 types: FAIL\n  3 errors: a.ts:1 TS2322  [types.errors]" in out
    assert "2 runs: PASS 4/5" in out
    assert f"see {run_dir / 'apps/x/log'}" in out
    assert "\x1b" not in out


def test_an_app_that_is_not_there_is_named(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(run_dir), "zzz"]) == 4
    assert "there are: sales, sales-two" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["no-such-run", "/"])
def test_a_run_that_is_not_there(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", name]) == 4
    assert "run" in capsys.readouterr().err


def test_emit_writes_the_summary_again(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["emit", "summary", str(run_dir)]) == 0
    first = (run_dir / "summary.md").read_text()
    assert "sales" in first
    assert main(["emit", "summary", str(run_dir)]) == 0
    assert (run_dir / "summary.md").read_text() == first, "twice is the same as once"
    assert (run_dir / "metrics.csv").read_text().count("\n") == 3


EXPECTED = """success = false
label = "unmodified template"
[verdicts]
types = { state = "FAIL", reason = "types.errors" }
runs = { state = "PASS", low = 4, high = 4 }
"""


def test_verify_says_yes(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("sales", "sales-two"):
        (run_dir.parent / name).mkdir()
        (run_dir.parent / name / "expected.toml").write_text(EXPECTED)
    assert main(["verify", str(run_dir)]) == 0
    assert "all 4 verdicts of 2 apps equal expected.toml" in capsys.readouterr().out


@pytest.mark.parametrize(("sandbox", "same"), [("local", True), ("docker", False)])
def test_verify_reads_the_table_of_the_sandbox(run_dir: Path, sandbox: str, same: bool) -> None:
    """Metric `runs` is PASS 4: `[verdicts]` says otherwise, and only the table of the run's own sandbox mends that."""
    (run_dir.parent / "sales").mkdir()
    wrong = EXPECTED.replace("high = 4", "high = 5")
    mended = f'{wrong}[{sandbox}]\nruns = {{ state = "PASS", low = 4, high = 4 }}\n'
    (run_dir.parent / "sales/expected.toml").write_text(mended)
    assert main(["verify", str(run_dir)]) == (0 if same else 1)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("success = false", "success = true", "success is False, expected True"),
        ('"unmodified template"', '""', "labels are ['unmodified template'], expected ''"),
        ('state = "FAIL"', 'state = "PASS"', "types state is FAIL, expected PASS"),
        ("types.errors", "types.other", "types reason is types.errors, expected types.other"),
        ("high = 4", "high = 5", "runs high is 4, expected 5"),
        ("runs =", "extra =", "extra is expected and was not judged"),
        ("runs =", "extra =", "runs is PASS, and expected.toml does not state it"),
    ],
)
def test_verify_names_every_difference(
    run_dir: Path, capsys: pytest.CaptureFixture[str], before: str, after: str, said: str
) -> None:
    (run_dir.parent / "sales").mkdir()
    (run_dir.parent / "sales/expected.toml").write_text(EXPECTED.replace(before, after))
    assert main(["verify", str(run_dir)]) == 1
    assert said in capsys.readouterr().out


def test_verify_without_expectations(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(run_dir)]) == 1
    assert "no app states what it expects" in capsys.readouterr().out


def test_doctor_cleans_what_a_killed_run_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "project_folder", lambda: tmp_path)
    dead = tmp_path / "runs/dead/processes/999999-1.00.jsonl"
    dead.parent.mkdir(parents=True)
    dead.write_text('{"pgid": 999999, "started": 1.0}\n')
    alive = tmp_path / "runs/alive/processes"
    ledger = Ledger(alive)
    assert ledger.owner == Owner.me()
    assert main(["doctor"]) == 1
    assert "missing  left by killed runs: dead" in capsys.readouterr().out
    main(["doctor", "--clean"])
    out = capsys.readouterr().out
    assert "cleaned dead: 0 processes ended" in out
    assert "ok       left by killed runs: nothing" in out
    assert not dead.exists()
    assert ledger.path.exists(), "a run that is going on is left alone"


def test_doctor_says_what_is_wrong_with_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "project_folder", lambda: tmp_path)
    write(tmp_path, {"pyproject.toml": "[tool.appeval]\nvison_model = 'x'\n"})
    assert main(["doctor"]) == 1
    assert "missing  settings: [tool.appeval] knows no vison_model; it knows build_cache" in capsys.readouterr().out
    write(tmp_path, {"pyproject.toml": "[tool.appeval]\nvision_model = 'x'\n"})
    main(["doctor"])
    assert "ok       settings: vision_model\n" in capsys.readouterr().out


def test_manifest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "t").mkdir()
    (tmp_path / "t/main.ts").write_text("export function answer(): number { return 42; }\n")
    assert main(["manifest", str(tmp_path / "t"), "-o", str(tmp_path / "t.json"), "--name", "mine"]) == 0
    assert capsys.readouterr().out.startswith("mine: ")
    assert main(["manifest", str(tmp_path / "nothing"), "-o", str(tmp_path / "x.json")]) == 4


def test_verify_reads_success_of_the_sandbox(run_dir: Path) -> None:
    """What a sandbox cannot measure may leave open whether the app succeeds."""
    (run_dir.parent / "sales").mkdir()
    path = run_dir.parent / "sales/expected.toml"
    path.write_text(EXPECTED.replace("success = false", "success = true") + "[local]\nsuccess = false\n")
    assert main(["verify", str(run_dir)]) == 0
    path.write_text(EXPECTED + '[local]\nsuccess = "unknown"\n')
    assert main(["verify", str(run_dir)]) == 1


def test_verify_names_apps_that_state_nothing(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run_dir.parent / "sales").mkdir()
    (run_dir.parent / "sales/expected.toml").write_text(EXPECTED)
    assert main(["verify", str(run_dir)]) == 0
    assert "without an expected.toml: sales-two" in capsys.readouterr().out


def test_show_says_why_an_app_is_of_its_kind(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = read_run(run_dir)
    first = replace(run.apps[0], why="server/ and client/, each with a package.json", notes=("unknown stack: x",))
    (run_dir / "run.json").write_text(run_to_json(replace(run, apps=(first, *run.apps[1:]))))
    assert main(["show", str(run_dir), "sales"]) == 0
    out = capsys.readouterr().out
    assert "sales (trpc: server/ and client/, each with a package.json), run r1" in out
    assert "note: unknown stack: x" in out


def test_doctor_says_of_what_kind_apps_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "apps", {
        "web/package.json": '{"engines": {"node": ">=22"}, "scripts": {"start": "node a.js"}}', "web/a.js": "1",
        "odd/Makefile": "run:\n\tgo run .\n", "odd/main.go": "package main",
        "nested/README.md": "x", "nested/app/package.json": "{}", "nested/app/a.js": "1",
    })  # fmt: skip
    assert main(["doctor", f"--apps={tmp_path / 'apps'}"]) == 1, "one is of no known kind"
    out = capsys.readouterr().out
    assert "web: node (a package.json)\n    asks for: Node >=22" in out
    assert (
        "    its data are expected from: warehouse\n    does not apply: build (a Node app written in JavaScript" in out
    )
    assert "nested: node (a package.json)" in out
    assert "    note: the app is nested in app/" in out
    assert "odd: unknown (no stack knows it)" in out
    assert "    cannot be measured: types (nobody here checks the types of Go)" in out
    assert "    note: unknown stack: no stack knows this kind of app (Makefile); it is started as Makefile says" in out
    assert main(["doctor", f"--apps={tmp_path / 'apps/web'}"]) == 0
    assert main(["doctor", f"--apps={tmp_path / 'nowhere'}"]) == 4
