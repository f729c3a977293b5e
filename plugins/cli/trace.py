"""`appeval trace APP`: where MLflow has the making of an app, what the running app sent, and its evaluations."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace

from fixtures.errors import BadInput
from plugins.cli import run_folder
from plugins.tracking.links import (
    Linked,
    evaluations_of_app,
    generations_of_app,
    is_of_run,
    linked_to,
    page_of,
    trace_info,
)
from plugins.tracking.options import add_store_options, store_of
from plugins.tracking.store import ELSEWHERE, Store
from plugins.tracking.traces import EPOCH, GENERATION_TRACE, RUN, id_of, run_key
from reports.model import read_run
from reports.text import plain

HELP = "print the traces of an app: of its making, of the running app, of its evaluations"
_MOST_SHOWN = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("app", metavar="APP", help="an app's name, or the id of a trace of any level")
    parser.add_argument("--run", dest="run_name", metavar="RUN", help="only the evaluations of this run")
    add_store_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """1 when nothing is known of it."""
    run_id = _run_id(arguments.run_name) if arguments.run_name else None
    with store_of(arguments, reading=True) as store:
        linked = _linked(store, arguments.app, run_id)
        if linked is None:
            print(f"appeval: {_unknown(store, arguments.app, run_id)}", file=sys.stderr)
            return 1
        for line in _lines(store, linked):
            print(line)
    return 0


def _unknown(store: Store, name: str, run_id: str | None) -> str:
    place, of = store.destination, f" in run {run_id}" if run_id else ""
    return (
        f"MLflow at {place.shown()}, experiment {place.experiment_name}, knows no app or trace {plain(name, 100)!r}{of}"
        ": evaluate it with `pytest evals/ --mlflow`, or bring in its trajectory with `appeval import-trajectories`"
    )


def _run_id(name: str) -> str:
    """Of a run that is here, or the id of one that was elsewhere."""
    try:
        return run_key(read_run(run_folder(name)))
    except (BadInput, ValueError):
        return name


def _linked(store: Store, name: str, run_id: str | None) -> Linked | None:
    info = trace_info(store, name)
    if info is not None:
        return _of_run(store, linked_to(store, name), run_id)
    evaluations = [one.trace_id for one in evaluations_of_app(store, name, run_id)]
    generations = [one.trace_id for one in generations_of_app(store, name)]
    if evaluations:
        found = linked_to(store, evaluations[0])
        if found.generation is None and generations:
            found = linked_to(store, generations[0])
        joined = tuple(dict.fromkeys((*evaluations, *found.evaluations)))
        return _of_run(store, replace(found, evaluations=joined), run_id)
    if generations and run_id is None:
        return linked_to(store, generations[0])
    found = linked_to(store, name)  # the id of a generation that MLflow does not have
    return _of_run(store, found, run_id) if found.apps or found.evaluations else None


def _of_run(store: Store, found: Linked, run_id: str | None) -> Linked:
    if run_id is None:
        return found
    infos = [(one, trace_info(store, one)) for one in found.evaluations]
    return replace(found, evaluations=tuple(one for one, info in infos if info is not None and is_of_run(info, run_id)))


def _lines(store: Store, linked: Linked) -> Iterator[str]:
    if linked.generation is not None and linked.generation_found:
        yield from _level(store, "generation", [linked.generation])
    elif linked.generation is not None:
        yield (
            f"generation  {plain(linked.generation, 200)}: the app's files name it, and MLflow does not have it; "
            "`appeval import-trajectories` brings it in where there is a trajectory.jsonl"
        )
    else:
        yield (
            "generation  none: the app's files name no trace, and no trajectory was brought in; a generator that "
            "traces leaves the id in trajectory.jsonl, generation_metrics.json or .env, and "
            "`appeval import-trajectories` brings in a trajectory.jsonl"
        )
    if linked.apps:
        yield from _level(store, "app", linked.apps)
    else:
        yield f"app         none: {_why_no_app(store, linked.generation)}"
    if linked.evaluations:
        yield from _level(store, "evaluation", linked.evaluations)
    else:
        yield "evaluation  none: `pytest evals/ --apps=… --mlflow` evaluates the app and tells MLflow"


def _why_no_app(store: Store, generation: str | None) -> str:
    if generation is None:
        return "the app's own traces are found by the id of its generation, which nobody knows"
    at = (
        "a database alone receives none: have `mlflow server` before it"
        if store.destination.database is not None
        else f"those in another experiment are looked for if {ELSEWHERE} names it"
    )
    return (
        f"the running app sent no trace with the tag {GENERATION_TRACE} = {plain(generation, 200)}; "
        f"an instrumented app sends them to MLflow's /v1/traces ({at})"
    )


def _level(store: Store, name: str, trace_ids: Sequence[str]) -> Iterator[str]:
    for trace_id in trace_ids[:_MOST_SHOWN]:
        info = trace_info(store, trace_id)
        page = page_of(store, info) if info is not None else None
        run = info.tags.get(RUN) if info is not None and name == "evaluation" else None
        told = (
            f"run {plain(id_of(run), 80)}, epoch {plain(info.tags.get(EPOCH, '1'), 5)}"
            if info is not None and run
            else ""
        )
        yield "  ".join(filter(None, (f"{name:<10}", plain(trace_id, 200), told, page)))
    more = len(trace_ids) - _MOST_SHOWN
    if more > 0:
        yield f"{name:<10}  and {more} more"
