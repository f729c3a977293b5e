"""The options of commands that work with what we keep in MLflow, and the store that they name."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

from plugins.project import project_folder
from plugins.tracking.store import Store, TrackingError, destination_of, open_store


def add_store_options(parser: argparse.ArgumentParser) -> None:
    """`--mlflow` and `--experiment`, as pytest has them."""
    parser.add_argument(
        "--mlflow", metavar="URI", help="where MLflow keeps things (default: MLFLOW_TRACKING_URI, else mlflow.db here)"
    )
    parser.add_argument(
        "--experiment", metavar="NAME", help="MLflow's experiment (default: MLFLOW_EXPERIMENT_NAME, else appeval)"
    )
    parser.add_argument("--staging", action="store_true", help="the experiment's staging twin")


@contextmanager
def store_of(arguments: argparse.Namespace, *, reading: bool = False) -> Iterator[Store]:
    """The store that the arguments name, open; what they leave open is as in `destination_of`. Who is only reading
    makes no database: TrackingError where there is none."""
    try:
        place = destination_of(project_folder(), arguments.mlflow, arguments.experiment, staging=arguments.staging)
    except TrackingError as error:
        raise ValueError(str(error)) from None  # wrong usage, not trouble
    if reading and place.database is not None and not place.database.is_file():
        raise TrackingError(f"there is no {place.database} yet: log a run with --mlflow, or name another with --mlflow")
    with open_store(place) as store:
        yield store
