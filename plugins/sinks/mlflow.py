"""MLflow: the run with its averages, files and table, a trace for each app with its verdicts, the dataset of apps, and
the apps that people should look at. Asked for with `--mlflow`; imports mlflow only then."""

from __future__ import annotations

from pathlib import Path

from fixtures.evidence import read_evidence_json
from plugins.metric import load_metrics
from plugins.sinks import Options, SinkError, SinkOption, sink
from plugins.tracking.store import Destination, Store, TrackingError, destination_of, open_store, project_of
from reports.model import Run
from reports.text import count_text

_NONE = "none"


def _address(text: str) -> str:
    try:
        destination_of(Path.cwd(), text)
    except TrackingError as error:
        raise ValueError(str(error)) from None
    return text


def _yes(text: str) -> str:
    if text not in ("yes", "no"):
        raise ValueError(f"{text!r}: yes or no")
    return text


@sink
class MlflowSink:
    name = "mlflow"
    options: tuple[SinkOption, ...] = (
        SinkOption(
            "--mlflow", "URI", "log the run to MLflow (default: MLFLOW_TRACKING_URI, else mlflow.db in the project)",
            bare="default", parse=_address,
        ),
        SinkOption("--experiment", "NAME", "MLflow's experiment (default: MLFLOW_EXPERIMENT_NAME, else appeval)"),
        SinkOption("--staging", "yes|no", "log to the experiment's staging twin: a trial", bare="yes", parse=_yes),
        SinkOption("--dataset", "NAME", "the dataset that the apps go to (default: appeval-apps; none: to none)"),
    )  # fmt: skip
    takes_partial = False
    carries = True

    def wanted(self, options: Options) -> bool:
        return any(options.get(option.key) for option in self.options)

    def warm(self, run_dir: Path, options: Options) -> None:
        """Importing mlflow takes three seconds, opening a database two."""
        with open_store(_place(run_dir, options)):
            load_metrics()

    def emit(self, run: Run, run_dir: Path, options: Options) -> str:
        try:
            with open_store(_place(run_dir, options)) as store:
                return _emit(store, run, run_dir, options.get("dataset") or "appeval-apps")
        except TrackingError as error:
            raise SinkError(str(error)) from error


def _place(run_dir: Path, options: Options) -> Destination:
    staging = options.get("staging") == "yes"
    return destination_of(project_of(run_dir), options.get("mlflow"), options.get("experiment"), staging=staging)


def _emit(store: Store, run: Run, run_dir: Path, dataset: str) -> str:
    from plugins.tracking.datasets import merge
    from plugins.tracking.records import record_of_result
    from plugins.tracking.reviews import request_reviews, to_review
    from plugins.tracking.runs import link_dataset, write_run

    written = write_run(store, run, run_dir)
    told = [f"MLflow run {written.run_id} with {count_text(sum(map(len, written.traces.values())), 'trace')}"]
    if dataset != _NONE:
        records = [
            record_of_result(run, app, digest) for app in run.apps if (digest := _digest(run_dir, app.slug)) is not None
        ]
        merged = merge(store, dataset, records)
        link_dataset(store, written.run_id, merged)
        told.append(f"dataset {dataset} version {merged.version.number} ({count_text(merged.version.records, 'app')})")
    asked = request_reviews(store, run, written, to_review(run))
    if asked.apps:
        told.append(f"{count_text(len(asked.apps), 'app')} to look at in {asked.where}")
    return f"{'; '.join(told)}; {_where(store.destination, store.experiment_id, written.run_id)}"


def _digest(run_dir: Path, slug: str) -> str | None:
    """Of the content that was judged: the folder may hold something else by now."""
    stored = read_evidence_json(run_dir / "apps" / slug / "evidence.json")
    return str(stored["digest"]) if stored is not None else None


def _where(place: Destination, experiment_id: str, run_id: str) -> str:
    if place.databricks:
        return f"experiment {place.experiment_name}"
    if place.database is not None:
        return f"see it with: mlflow ui --backend-store-uri {place.shown()}"
    return f"{place.shown().rstrip('/')}/#/experiments/{experiment_id}/runs/{run_id}"
