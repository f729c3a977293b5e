"""`appeval evaluate-dataset NAME`: judge the apps of a dataset with MLflow's scorers; two datasets side by side."""

from __future__ import annotations

import argparse
import secrets
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fixtures.app import App, slug_of
from fixtures.discovery import Discovery
from fixtures.errors import Unmeasured
from fixtures.evidence import write_atomically
from fixtures.machine import Machine
from plugins.assembly import Gathered, assemble, now, score_of
from plugins.metric import Metric
from plugins.options import Request, request_for
from plugins.project import project_folder
from plugins.session import Case, EvaluationSession
from plugins.stage_pool import StagePool
from plugins.summary import summarize
from plugins.tracking.options import add_store_options, store_of
from reports.model import AppResult, Run, State, Verdict, run_to_json
from reports.terminal import score_table
from reports.text import count_text, plain

HELP = "judge the apps of a dataset with mlflow.genai.evaluate"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", metavar="NAME[@VERSION]", nargs="*", help="a dataset, or two to compare")
    parser.add_argument(
        "--dataset", metavar="NAME[@VERSION]", action="append", default=[], help="the same, as an option"
    )
    parser.add_argument("--sandbox", metavar="NAME", help="as pytest takes it")
    parser.add_argument("--warehouse", metavar="NAME", help="as pytest takes it")
    parser.add_argument("--limit", action="append", metavar="STAGE=SECONDS", help="as pytest takes it")
    add_store_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """0: everything that is expected came out; 1: something else did; 3: an app could not be judged, or we broke."""
    names = [*arguments.names, *arguments.dataset]
    if len(names) not in (1, 2):
        raise ValueError("name one dataset, or two to compare them")
    runs, worst = [], 0
    for name in names:
        judged, status = _evaluate(arguments, name)
        runs.append(judged)
        worst = max(worst, status)
    if len(runs) == 2:
        from reports.comparison import compare_runs
        from reports.comparison_text import comparison_text

        print(comparison_text(compare_runs(*runs)), end="")
    return worst


def _evaluate(arguments: argparse.Namespace, name: str) -> tuple[Run, int]:
    from plugins.tracking.datasets import records_of

    with store_of(arguments, reading=True) as store:
        records = records_of(store, name)
    if not records:
        raise ValueError(f"dataset {name} holds no apps")
    run_id = f"{time.strftime('%Y-%m-%dT%H-%M-%S', time.gmtime())}-{secrets.token_hex(2)}"
    asked: dict[str, Any] = {
        "--run-dir": str(project_folder() / "runs" / run_id), "--sandbox": arguments.sandbox,
        "--warehouse": arguments.warehouse, "--limit": arguments.limit,
        "--apps": [str(record["inputs"]["app_dir"]) for record in records],
    }  # fmt: skip
    return _judged(arguments, name, records, request_for(asked, project_folder()))


def _judged(
    arguments: argparse.Namespace, name: str, records: Sequence[Mapping[str, Any]], request: Request
) -> tuple[Run, int]:
    """The stages run before the store is opened: nobody else can use a database meanwhile."""
    from plugins.judges import COMPOSITE, Pooled, composite_of, judges_of, scored_metrics, time_out
    from plugins.tracking.evaluation import Row, evaluate

    settings, begin, started = request.settings, time.monotonic(), now()
    metrics = scored_metrics()
    needs = dict.fromkeys(stage for metric in metrics for stage in metric.needs)
    tags = {"appeval.kind": "dataset", "appeval.dataset_judged": name, "appeval.judged_run_id": request.run_id}
    rows = [Row(r["inputs"], r["expectations"], r["tags"]) for r in records]
    with StagePool(settings, needs, print) as pool:
        apps = [_app(pool, record) for record in records]
        pool.warm([app for app in apps if app is not None])
        source, limit = Pooled(pool), time_out(settings.limits)
        judges = judges_of(metrics, source, limit=limit, pass_at=request.pass_at)
        judges.append(composite_of(metrics, source, limit=limit, pass_at=request.pass_at, profile=request.profile))
        with store_of(arguments) as store:
            found = evaluate(store, rows, judges, name=f"dataset {name}", tags=tags, composite=COMPOSITE)
    missing = [
        _unjudged(record, some, metrics, request.profile)
        for record, app, some in zip(records, apps, found.verdicts, strict=True)
        if app is None
    ]
    cases = tuple(Case(app, 1, app.slug) for app in apps if app is not None)
    verdicts = {
        (app.slug, verdict.metric): verdict
        for app, some in zip(apps, found.verdicts, strict=True)
        if app is not None
        for verdict in some
    }
    discovery = Discovery(tuple(case.app for case in cases), ())
    session = EvaluationSession(request, discovery, cases, Machine(settings, keeper=False), {})
    judged = assemble(session, metrics, Gathered(verdicts, False, started, time.monotonic() - begin))
    everybody = (*judged.apps, *missing)
    judged = replace(judged, apps=everybody, summary=summarize(everybody, judged.metrics))
    write_atomically(settings.run_dir / "run.json", run_to_json(judged))
    with store_of(arguments) as store:
        store.client.log_artifact(found.run_id, str(settings.run_dir / "run.json"))
    return judged, _told(name, judged, records, missing)


def _app(pool: StagePool, record: Mapping[str, Any]) -> App | None:
    try:
        return pool.app(Path(str(record["inputs"]["app_dir"])), record["inputs"].get("content_hash"))
    except Unmeasured as error:
        print(
            f"{plain(str(record['inputs'].get('app')), 60)} could not be judged: {plain(error.message, 300)}",
            file=sys.stderr,
        )
        return None


def _unjudged(
    record: Mapping[str, Any], verdicts: Sequence[Verdict], metrics: Sequence[Metric], profile: str
) -> AppResult:
    """An app that is gone, or another by now: nobody measured it, and it is left out of nothing."""
    inputs = {name: str(record["inputs"].get(name, "")) for name in ("app", "app_dir", "prompt")}
    by_metric = {verdict.metric: verdict for verdict in verdicts}
    in_order = tuple(by_metric[metric.name] for metric in metrics)
    score, success = score_of(in_order, metrics, profile, ())
    slug = slug_of(f"{inputs['app']} in {inputs['app_dir']}")
    return AppResult(
        inputs["app"], slug, inputs["app_dir"], "unknown", inputs["prompt"], in_order, score, *success,
        notes=(in_order[0].evidence,),
    )  # fmt: skip


def _told(name: str, judged: Run, records: Sequence[Mapping[str, Any]], missing: Sequence[AppResult]) -> int:
    print(f"dataset {name}, run {judged.id}")
    sys.stdout.write(score_table(judged, width=shutil.get_terminal_size((100, 24)).columns, colour=sys.stdout.isatty()))
    expected = {str(r["inputs"].get("app_dir")): r["expectations"] for r in records}
    stated = [
        (app, verdict, expected[app.path][verdict.metric])
        for app in judged.apps
        for verdict in app.verdicts
        if verdict.metric in expected.get(app.path, {})
    ]
    unknown = sum(verdict.state.unknown for _, verdict, _ in stated)
    other = [
        f"{plain(app.app, 60)}: {verdict.metric} is {verdict.state}, expected {plain(str(wanted), 40)}"
        for app, verdict, wanted in stated
        if not verdict.state.unknown and verdict.state.value != wanted
    ]
    for line in other:
        print(line)
    print(
        f"{count_text(len(other), 'verdict')} other than expected of {len(stated)} that were expected"
        + (f", {unknown} of them not known" if unknown else "")
    )
    broken = any(verdict.state is State.HARNESS_ERROR for app in judged.apps for verdict in app.verdicts)
    return 3 if missing or broken else 1 if other else 0
