"""`appeval review request|status RUN`: ask people about the apps of a run, and what they said."""

from __future__ import annotations

import argparse

from plugins.cli import run_folder
from plugins.tracking.options import add_store_options, store_of
from reports.model import read_run
from reports.text import count_text, plain, score_text

HELP = "ask people about the apps of a run, and read what they said"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="request|status")
    request = verbs.add_parser("request", help="put the apps with low scores into MLflow's review queue")
    request.add_argument("--below", metavar="SCORE", type=float, default=70.0, help="the low end of a score (70)")
    status = verbs.add_parser("status", help="who answered what, and what is still open")
    for verb in (request, status):
        verb.add_argument("run_name", metavar="RUN", nargs="?", default="latest", help="run id, folder, or latest")
        add_store_options(verb)


def run(arguments: argparse.Namespace) -> int:
    return (_request if arguments.verb == "request" else _status)(arguments)


def _request(arguments: argparse.Namespace) -> int:
    from plugins.tracking.reviews import request_reviews, to_review
    from plugins.tracking.runs import write_run

    folder = run_folder(arguments.run_name)
    shown = read_run(folder)
    if shown.partial:
        raise ValueError(f"{shown.id} is a partial run: people are asked about whole ones only")
    with store_of(arguments) as store:
        asked = request_reviews(store, shown, write_run(store, shown, folder), to_review(shown, arguments.below))
    for name in asked.apps:
        print(plain(name, 80))
    where = f" to look at in {asked.where}" if asked.apps else f" below {arguments.below:g}"
    print(f"{count_text(len(asked.apps), 'app')}{where}")
    return 0


def _status(arguments: argparse.Namespace) -> int:
    from plugins.tracking.reviews import QUESTIONS, answers, requested, statuses
    from plugins.tracking.traces import run_key

    shown = read_run(run_folder(arguments.run_name))
    titles = {question.name: question.title for question in QUESTIONS}
    with store_of(arguments, reading=True) as store:
        said, asked = answers(store, run_key(shown)), requested(store, run_key(shown))
        open_or_not = statuses(store, list(asked.values()))
    scores = {app.app: score_text(app.score.low, app.score.high) for app in shown.apps}
    for app, trace in asked.items():
        print(f"{plain(app, 80)} ({scores.get(app, '?')}): {open_or_not.get(trace, 'not in the queue')}  {trace}")
    for answer in said:
        comment = f" ({answer.comment})" if answer.comment else ""
        print(f"  {plain(answer.app, 60)}: {titles.get(answer.question, answer.question)} "
              f"{answer.value}{comment}, says {answer.reviewer}")  # fmt: skip
    done = sum(state != "pending" for state in open_or_not.values())
    print(f"{count_text(len(asked), 'app')} asked about, {done} done, {count_text(len(said), 'answer')}")
    return 0
