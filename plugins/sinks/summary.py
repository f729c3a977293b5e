"""The summary beside the run: `summary.md` for people and job pages, `metrics.csv` for spreadsheets. Always on."""

from __future__ import annotations

from pathlib import Path

from fixtures.evidence import write_atomically
from plugins.sinks import Options, SinkOption, sink
from reports.csv import metrics_csv
from reports.markdown import summary_markdown
from reports.model import Run


@sink
class SummarySink:
    name = "summary"
    options: tuple[SinkOption, ...] = ()
    takes_partial = True
    carries = False

    def wanted(self, _options: Options) -> bool:
        return True

    def warm(self, _run_dir: Path, _options: Options) -> None:
        return None

    def emit(self, run: Run, run_dir: Path, _options: Options) -> str:
        write_atomically(run_dir / "summary.md", summary_markdown(run))
        write_atomically(run_dir / "metrics.csv", metrics_csv(run))
        return f"report: {run_dir / 'summary.md'}"
