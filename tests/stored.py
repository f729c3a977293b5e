"""A finished run on disk with its evidence, made by hand: nine metrics, and between its apps every state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from fixtures.evidence import CommandResult, EvidenceFile, Problem, StageResult
from plugins.assembly import score_of
from plugins.metric import load_metrics
from plugins.summary import summarize
from reports.model import SCHEMA, AppResult, Run, State, Verdict, run_to_json

STARTED = "2026-01-02T03:04:05Z"
_BEGIN = 1767323045.0
#: What the apps of such a run are about, one after the other.
KINDS = ("good", "failing", "blocked", "unmeasured", "broken", "inapplicable")


def stored_run(
    folder: Path, names: Sequence[str] = KINDS, *, run_id: str = "2026-01-02T03-04-05-abcd", epochs: int = 1
) -> tuple[Run, Path]:
    """The run, and its folder `folder/runs/<id>`. An app's kind is its name up to a dash; `good` if it is none."""
    run_dir = folder / "runs" / run_id
    metrics = list(load_metrics())
    apps = tuple(_app(folder, run_dir, name, epochs) for name in names)
    infos = tuple(metric.info for metric in metrics)
    run = Run(
        SCHEMA, run_id, STARTED, 60.5, "abc123", False, "weighted-1", epochs, {"node": "v20.1.0"},
        {"sandbox": "docker", "warehouse": "embedded", "pass_at": 3.0}, infos, apps, summarize(apps, infos),
    )  # fmt: skip
    run_dir.mkdir(parents=True, exist_ok=True)
    (run_dir / "run.json").write_text(run_to_json(run), encoding="utf-8")
    (run_dir / "summary.md").write_text("the summary", encoding="utf-8")
    return run, run_dir


def renamed(run: Run, run_id: str) -> Run:
    return replace(run, id=run_id)


def _app(folder: Path, run_dir: Path, name: str, epochs: int) -> AppResult:
    kind = name.partition("-")[0]
    verdicts = [_verdict(name, metric.info.name, metric.info.full, epoch)
                for epoch in range(1, epochs + 1) for metric in load_metrics()]  # fmt: skip
    for epoch in range(1, epochs + 1):
        place = run_dir / "apps" / name
        _write_evidence(place if epoch == 1 else place / f"epoch-{epoch}", name, epoch)
        (place / "screenshot.png").write_bytes(b"\x89PNG")
        (place / "logs").mkdir(exist_ok=True)
        for metric in load_metrics():
            (place / f"logs/{metric.name}.log").write_text(f"the log of {metric.name}", encoding="utf-8")
    first = [verdict for verdict in verdicts if verdict.epoch == 1]
    score, success = score_of(first, list(load_metrics()), "weighted-1", ())
    generation = {
        "model": "a-model", "cost_usd": 0.5, "total_tokens": 1000, "turns": 3, "category": "sales",
        "generated_at": "2026-01-01T00:00:00Z", "request_id": f"req-{name}",
    }  # fmt: skip
    return AppResult(
        name, name, str(folder / "apps" / name), "trpc", f"make {name}", tuple(verdicts), score, *success,
        generation=generation, measurements={"build_seconds": 2.0, "coverage_percent": 80.0},
        trace_ids={"generation": f"tr-{name}"}, issues=("something is wrong",) if kind == "failing" else (),
    )  # fmt: skip


def _verdict(name: str, metric: str, full: float, epoch: int) -> Verdict:
    kind = name.partition("-")[0]
    links = (f"apps/{name}/logs/{metric}.log",)
    passed = Verdict(metric, epoch, State.PASS, full, full, "", "it holds", links, 1.25)
    if (kind, metric) == ("failing", "type_safety"):
        return Verdict(metric, epoch, State.FAIL, 0.0, 0.0, "types.errors", "3 errors: a.ts:1 TS2322", links, 1.0)
    if (kind, metric) == ("blocked", "ui_renders"):
        return Verdict(metric, epoch, State.BLOCKED, 0.0, 0.0, "blocked.start", "start: it exited 1", links, 1.0)
    if (kind, metric) == ("unmeasured", "deployability"):
        return Verdict(metric, epoch, State.UNMEASURED, 1.0, 5.0, "unmeasured.no_engine", "no engine", links, 1.0)
    if (kind, metric) == ("broken", "tests_pass"):
        return Verdict(metric, epoch, State.HARNESS_ERROR, 0.0, 1.0, "harness.bug", "KeyError", links, 1.0)
    if (kind, metric) == ("inapplicable", "databricks_connectivity"):
        return Verdict(metric, epoch, State.NOT_APPLICABLE, 0.0, 0.0, "na.page_only", "a page only", links, 0.0)
    if (kind, metric) == ("inapplicable", "local_runability"):
        return Verdict(metric, epoch, State.PASS, 3.0, 4.0, "runability.readme", "missing: README", links, 1.0)
    return passed


def _write_evidence(folder: Path, name: str, epoch: int) -> None:
    file = EvidenceFile(folder / "evidence.json", name, epoch, f"digest-of-{name}")
    build = CommandResult(("npm", "run", "build"), ".", 0, 2.0, stdout_tail="built", log=f"apps/{name}/logs/build.log")
    file.put(StageResult("scan", True, 0.5, facts={"lines": {"ts": 10}}, started=_BEGIN))
    file.put(StageResult("build", True, 2.0, (build,), {"fresh": True}, started=_BEGIN + 1))
    problem = Problem("app", "runtime.exited", "the server exited 1", "start")
    file.put(StageResult("start", False, 3.0, problem=problem, started=_BEGIN + 4))
    file.put(StageResult("page", False, 0.0, problem=replace(problem, kind="blocked"), started=_BEGIN + 7))
