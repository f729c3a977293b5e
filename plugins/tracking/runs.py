"""An evaluation as one MLflow run: parameters, averages, tags, files, the table of apps, and a trace per app. Found
again by the id of our run, so that telling twice changes nothing and what was cut off is completed."""

from __future__ import annotations

import json
import math
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fixtures.evidence import Evidence, load_evidence
from plugins.metric import load_metrics
from plugins.tracking.datasets import Merged
from plugins.tracking.links import app_trace_ids
from plugins.tracking.store import Store, TrackingError
from plugins.tracking.traces import RUN, Case, cases_of, run_key, with_app_traces, write_traces
from reports.app_table import app_table
from reports.generation import effort
from reports.headline import average_line, success_line
from reports.measurements import all_columns
from reports.model import Run
from reports.text import count_text, plain

if TYPE_CHECKING:
    from mlflow.entities import Run as MlflowRun

TABLE = "app_metrics.json"
_LOGGED = "mlflow.loggedArtifacts"
_FILES = ("run.json", "session.json", "summary.md", "metrics.csv", "report.html", "junit.xml")
_OF_APPS = ("screenshot.png", "evidence.json", "queries.jsonl")
#: A file of an app that is larger is not shown by anybody and fills a store.
_LARGEST = 5_000_000
_BATCH = 100
_KEY = re.compile(r"[^\w.\- /]")


@dataclass(frozen=True, slots=True)
class Written:
    """`run_id` is MLflow's. `traces` maps each app to the ids of its evaluation traces, one per epoch."""

    run_id: str
    traces: Mapping[str, tuple[str, ...]]


def write_run(store: Store, run: Run, run_dir: Path) -> Written:
    """Everything of it; complete when this returns, else TrackingError is raised."""
    metrics = {metric.name: metric for metric in load_metrics()}
    cases = [_linked(store, case) for case in cases_of(store.experiment_id, run, _evidence(run, run_dir))]
    found = find_run(store, run_key(run)) or _begin(store, run)
    run_id = found.info.run_id
    _tell(store, found, run)
    count = write_traces(store, cases, run_id, metrics)
    traces: dict[str, tuple[str, ...]] = {}
    for case in cases:
        traces[case.app.app] = (*traces.get(case.app.app, ()), case.trace_id)
    _keep_files(store, run, run_dir, run_id)
    store.client.log_text(run_id, app_table(run, traces).to_json(), TABLE)
    store.client.set_tag(run_id, _LOGGED, json.dumps([{"path": TABLE, "type": "table"}]))
    store.client.set_tag(run_id, "appeval.traces", str(count))
    store.client.set_terminated(run_id, "FINISHED", end_time=_milliseconds(run.started) + int(run.seconds * 1000))
    return Written(run_id, traces)


def link_dataset(store: Store, run_id: str, merged: Merged) -> None:
    """Show on the run which dataset, as it was, holds its apps. Once: a run was of one."""
    from mlflow.entities import Dataset, DatasetInput

    inputs = store.client.get_run(run_id).inputs
    if inputs is None or not inputs.dataset_inputs:
        source = json.dumps({"dataset": merged.name, "version": merged.version.number})
        dataset = Dataset(merged.name, merged.version.digest, "code", source)
        store.client.log_inputs(run_id, [DatasetInput(dataset, [])])


def find_run(store: Store, key: str) -> MlflowRun | None:
    """The MLflow run of a run of ours, by its key. Raises TrackingError when there are several: which one counts?"""
    found = store.client.search_runs([store.experiment_id], f"tags.`{RUN}` = '{key}'", max_results=2)
    if len(found) > 1:
        ids = ", ".join(run.info.run_id for run in found)
        raise TrackingError(f"several MLflow runs are of run {key} ({ids}): delete those that do not count")
    return found[0] if found else None


def _begin(store: Store, run: Run) -> MlflowRun:
    """Named and tagged in one step: a run that was begun and no more is found again."""
    tags = {RUN: run_key(run), "mlflow.runName": plain(run.id, 200)}
    return store.client.create_run(store.experiment_id, start_time=_milliseconds(run.started), tags=tags)


def _evidence(run: Run, run_dir: Path) -> dict[tuple[str, int], Evidence]:
    found: dict[tuple[str, int], Evidence] = {}
    for app in run.apps:
        for epoch in {verdict.epoch for verdict in app.verdicts}:
            folder = run_dir / "apps" / app.slug
            stored = load_evidence((folder if epoch == 1 else folder / f"epoch-{epoch}") / "evidence.json")
            if stored is not None:
                found[app.slug, epoch] = stored
    return found


def _linked(store: Store, case: Case) -> Case:
    store.in_time()
    generation = case.app.trace_ids.get("generation")
    return with_app_traces(case, app_trace_ids(store, generation)) if generation else case


# ---------------------------------------------------------------------- what is told


def _tell(store: Store, found: MlflowRun, run: Run) -> None:
    """Parameters cannot change: those that are there stay."""
    from mlflow.entities import Metric, Param, RunTag

    run_id, at = found.info.run_id, _milliseconds(run.started)
    params = [Param(name, text) for name, text in parameters(run).items() if name not in found.data.params]
    metrics = [Metric(name, value, at, 0) for name, value in averages(run).items()]
    tags = [RunTag(name, text) for name, text in _tags(store, run).items()]
    for some in _batches(params):
        store.client.log_batch(run_id, params=some)
    for more in _batches(metrics):
        store.client.log_batch(run_id, metrics=more)
    for others in _batches(tags):
        store.client.log_batch(run_id, tags=others)


def _batches(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for begin in range(0, len(values), _BATCH):
        yield values[begin : begin + _BATCH]


def parameters(run: Run) -> dict[str, str]:
    """What was evaluated, by what and where: fixed for a run."""
    recorded = [app.generation for app in run.apps]
    held = {
        "mode": _common(r.get("mode") for r in recorded),
        "generator": _common(r.get("generator") for r in recorded),
        "model": _common(r.get("model") for r in recorded),
        "prompts_version": _common(r.get("prompts_version", r.get("prompt_set_version")) for r in recorded),
        "profile": run.profile.rpartition("-")[0] or run.profile,
        "profile_version": run.profile.rpartition("-")[2],
        "sandbox": str(run.settings.get("sandbox", "unknown")),
        "warehouse": str(run.settings.get("warehouse", "unknown")),
        "git_commit": run.git_commit or "unknown",
        "epochs": str(run.epochs),
        "apps": str(len(run.apps)),
    }
    versions = {f"metric_version.{metric.name}": str(metric.version) for metric in run.metrics}
    tools = {f"toolchain.{name}": text for name, text in run.toolchain.items()}
    return {_key(name): plain(text, 500) for name, text in {**held, **versions, **tools}.items()}


def _common(values: Iterable[object]) -> str:
    """The value that all of them have; `mixed: …` where they differ, `unknown` where none has one."""
    texts = sorted({plain(str(value), 100) for value in values if isinstance(value, (str, int, float)) and value != ""})
    if not texts:
        return "unknown"
    return texts[0] if len(texts) == 1 else f"mixed: {', '.join(texts)}"


def averages(run: Run) -> dict[str, float]:
    """Numbers of the whole run. What nobody knows is left out, never a zero: an average of scores that is an interval
    has its ends only. `known.<name>` says of how many apps a mean of something measured is."""
    summary = run.summary
    held: dict[str, float | None] = {
        **_interval("avg_appeval_100", summary.avg_low, summary.avg_high),
        **_interval("success_rate", summary.success_low, summary.success_high),
        "apps_attempted": summary.apps_attempted,
        "apps_scored": summary.apps_scored,
        "seconds": run.seconds,
    }
    for metric, (low, high) in summary.pass_rate.items():
        held |= _interval(f"pass_rate.{metric}", low, high)
    for state, count in summary.states.items():
        held[f"verdicts.{state}"] = count
    made = [effort(app.generation) for app in run.apps]
    measured: dict[str, list[float | None]] = {
        name: [app.measurements.get(name) for app in run.apps] for name in all_columns(run.apps)
    }
    measured |= {
        "eff_units": [one.units for one in made], "cost_usd": [one.cost for one in made],
        "tokens": [one.tokens for one in made], "turns": [one.turns for one in made],
    }  # fmt: skip
    for name, values in measured.items():
        known = [value for value in values if value is not None and math.isfinite(value)]
        if known:
            held |= {f"avg_{name}": math.fsum(known) / len(known), f"known.{name}": len(known)}
    return {_key(name): float(value) for name, value in held.items() if value is not None and math.isfinite(value)}


def _interval(name: str, low: float, high: float) -> dict[str, float | None]:
    return {name: low if low == high else None, f"{name}_low": low, f"{name}_high": high}


def _tags(store: Store, run: Run) -> dict[str, str]:
    """What may change, and what runs are looked for by."""
    return {
        "environment": "staging" if store.destination.staging else "production",
        "world": "live" if run.settings.get("warehouse") == "live" else "embedded",
        "partial": str(run.partial).lower(),
        "appeval.schema": str(run.schema),
        "appeval.profile": run.profile,
        "mlflow.runName": plain(run.id, 200),
        "mlflow.source.name": "appeval",
        "mlflow.note.content": f"{average_line(run.summary)}; {success_line(run.summary)}",
        **{f"failure.{place}": f"{count_text(count, 'app')}: {plain(code, 100)}: {plain(example, 400)}"
           for place, (code, count, example) in enumerate(run.summary.common_failures, 1)},
    }  # fmt: skip


def _key(name: str) -> str:
    """A name that MLflow takes."""
    return _KEY.sub("_", name)[:200]


def _milliseconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


# ---------------------------------------------------------------------- files


def _keep_files(store: Store, run: Run, run_dir: Path, run_id: str) -> None:
    """Under the names that the run has for them, so that links of verdicts lead to them. Gathered, and given over at
    once: one by one they take longer than everything else."""
    store.in_time()
    with tempfile.TemporaryDirectory(prefix="appeval-files-") as gathered:
        for name in _kept(run):
            path, to = run_dir / name, Path(gathered, name)
            if path.is_file() and path.resolve() == run_dir.resolve() / name and path.stat().st_size <= _LARGEST:
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, to)
        store.client.log_artifacts(run_id, gathered)


def _kept(run: Run) -> Iterator[str]:
    """Names below the run's folder: what verdicts link to may be anything."""
    yield from _FILES
    for app in run.apps:
        yield from (f"apps/{app.slug}/{name}" for name in _OF_APPS)
        links = (link for verdict in app.verdicts for link in verdict.links)
        yield from (link for link in dict.fromkeys(links) if not {"..", "/"} & set(Path(link).parts))
