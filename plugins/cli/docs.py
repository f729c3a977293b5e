"""`appeval docs`: write docs/METRICS.md from the registry."""

from __future__ import annotations

import argparse
from pathlib import Path

from plugins.metric import Metric, load_metrics
from plugins.profiles import PROFILES
from plugins.project import project_folder

HELP = "write docs/METRICS.md from the registry of metrics"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", type=Path, default=project_folder() / "docs/METRICS.md", metavar="FILE")


def run(arguments: argparse.Namespace) -> int:
    arguments.output.write_text(metrics_page(), encoding="utf-8")
    print(f"written: {arguments.output}")
    return 0


def metrics_page() -> str:
    """The whole page; a test compares it with the file."""
    metrics = [m for m in load_metrics() if m.info.role != "runtime"]
    lines = [
        "# Metrics", "",
        "Generated from the registry by `appeval docs`; do not edit. Each metric is one file, `evals/test_*.py`.", "",
        "| # | metric | kind | role | version | needs the stages | passes when |", "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for metric in metrics:
        info = metric.info
        passes = info.title.partition(": ")[2] or info.title
        lines.append(
            f"| {info.number} | `{info.name}` | {info.kind} | {info.role} | {info.version} | "
            f"{', '.join(f'`{n}`' for n in metric.needs)} | {passes} |"
        )
    lines += ["", *_POINTS, "", *_STATES, "", "## Score profiles", "", *_profiles(metrics), "", *_COLUMNS]
    return "\n".join(lines) + "\n"


def _profiles(metrics: list[Metric]) -> list[str]:
    lines = []
    for profile in PROFILES.values():
        lines.append(f"### `{profile.id}`\n")
        if profile.weights:
            lines.append("| metric | weight |\n|---|---|")
            lines += [f"| `{m.name}` | {profile.weights[m.name]:g} |" for m in metrics if m.name in profile.weights]
            lines.append("")
        lines += [profile.formula, ""]
    return lines


_POINTS = """## The points of scored metrics

| | local_runability | deployability |
|---|---|---|
| 1 | the README says how to install and start it | a valid descriptor: Dockerfile, `app.yaml` or `databricks.yml` |
| 2 | `.env.example` covers all variables that the server needs (perhaps none) | what is deployed builds |
| 3 | its lockfile, or pins alone, decide the versions | it starts deployed, on 0.0.0.0 and the injected port |
| 4 | the documented command starts it with only those variables | health and smoke answer in that form |
| 5 | health and smoke answer | no secret in sources or image |

An app **succeeds** at 70 or more with `build_success`, `runtime_success` and `ui_renders` passed (or not applicable),
neither connectivity nor data failed, and no label that caps it: an unmodified template or a placeholder page stays
at 60 and never succeeds.
""".splitlines()

_STATES = """## States

| state | in pytest | in the score |
|---|---|---|
| `PASS` | passes; a scored metric at 3 of 5 or more (`pass_at` in `[tool.appeval]`) | its value |
| `FAIL` | fails with one line | its value, 0 for a binary metric |
| `BLOCKED` | fails, naming the stage that failed before it | 0 |
| `NOT_APPLICABLE` | skipped; only a stack may say so | its weight is shared out among the others |
| `UNMEASURED` | skipped with the reason: nobody looked | an interval, never a zero |
| `HARNESS_ERROR` | an error, not a failure: we broke | an interval, never a zero |

A scored metric whose unmeasured points could decide either way is `UNMEASURED` and keeps the interval of its points.
An app with anything unknown among its scored metrics has a score interval: from all of it failing to all of it passing.
""".splitlines()

_COLUMNS = """## Columns of metrics.csv

One row per app: `app`, `stack`, then

- `appeval_100` (empty unless it is known exactly), `appeval_100_low`, `appeval_100_high`, `appeval_100_spread` over
  epochs, `uncapped_low`, `uncapped_high` (without the cap of a label), `success_low`, `success_high`, `label`;
- for every metric `<metric>_state`, `<metric>_low`, `<metric>_high` and `<metric>_reason`, joined by `;` where epochs
  differ;
- the measurements that any app has (`lines_of_code`, `build_seconds`, `start_seconds`, `tests_total`,
  `coverage_percent`, the seconds of each stage);
- from the generator `cost_usd`, `tokens`, `turns`, `validation_runs`, and `eff_units` = tokens / 1000 + turns +
  validation runs, over the parts that are known.

An empty cell is a value that nobody knows. Text that a spreadsheet would take for a formula begins with an apostrophe.
""".splitlines()
