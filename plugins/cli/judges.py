"""`appeval judges list|register`: the metrics as MLflow scorers, and where they can be put to work."""

from __future__ import annotations

import argparse
import sys

from plugins.tracking.options import add_store_options, store_of
from reports.text import count_text

HELP = "the metrics as MLflow scorers: list them, register them where the platform runs them"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="list|register")
    verbs.add_parser("list", help="their names, kinds and versions")
    register = verbs.add_parser("register", help="register and start them (Databricks)")
    register.add_argument("--sample-rate", metavar="SHARE", type=float, default=0.1, help="of the traces, 0-1 (0.1)")
    add_store_options(register)


def run(arguments: argparse.Namespace) -> int:
    return _register(arguments) if arguments.verb == "register" else _list()


def _list() -> int:
    from plugins.judges import COMPOSITE, scored_metrics

    for metric in scored_metrics():
        print(f"{metric.name:24} {metric.info.kind:7} version {metric.info.version}  {metric.info.title}")
    print(f"{COMPOSITE:24} {'scored':7} composite of all of them")
    return 0


def _register(arguments: argparse.Namespace) -> int:
    from plugins.judges import registrable, scored_metrics

    if not 0 < arguments.sample_rate <= 1:
        raise ValueError(f"--sample-rate {arguments.sample_rate}: give a share above 0, up to 1")
    metrics = scored_metrics()
    with store_of(arguments) as store:
        if not store.destination.databricks:
            print(
                f"{store.destination.shown()} cannot run them: open-source MLflow starts only scorers that ask a model "
                "through its gateway, and these are code.\nThey run in `pytest evals/ --use-judges=100%`, in `appeval "
                "evaluate-dataset`, and wherever you call mlflow.genai.evaluate(scorers=plugins.judges.ALL_JUDGES).\n"
                "On Databricks (--mlflow=databricks) they can be registered and started.",
                file=sys.stderr,
            )
            return 1
        from mlflow.genai.scorers import ScorerSamplingConfig

        for metric in metrics:
            made = registrable(metric).register(name=metric.name)
            made.start(sampling_config=ScorerSamplingConfig(sample_rate=arguments.sample_rate))
            print(f"{metric.name}: registered, and started on {arguments.sample_rate:.0%} of the traces")
    print(
        f"{count_text(len(metrics), 'judge')} started. They judge traces whose inputs name an app_dir or a run that "
        "the platform's machine can read, and say UNMEASURED of others; appeval must be installed there."
    )
    return 0
