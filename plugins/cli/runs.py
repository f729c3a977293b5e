"""`appeval runs [RUN RUN]`: the runs that MLflow knows, two of them side by side, or their apps by a question."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from plugins.tracking.history import Known, app_rows, known_run, known_runs
from plugins.tracking.options import add_store_options, store_of
from reports.query import answer, parse_query, refuse_unknown
from reports.text import count_text, plain, score_text, share_text

HELP = "list the runs in MLflow, compare two, or find their apps: --query 'appeval_100 < 70'"
_HEADS = ("run", "started (UTC)", "apps", "average", "success", "sandbox", "model", "")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "names", metavar="RUN", nargs="*", help="two runs to compare: ids, beginnings of ids, or latest"
    )
    parser.add_argument("--last", metavar="N", type=int, default=20, help="how many runs to look at (20)")
    parser.add_argument(
        "--query", metavar="CONDITIONS", help='columns of app_metrics: "appeval_100 < 70 and stack = trpc"'
    )
    add_store_options(parser)


def run(arguments: argparse.Namespace) -> int:
    if arguments.last < 1:
        raise ValueError(f"--last {arguments.last}: give a number of runs, 1 or more")
    if len(arguments.names) not in (0, 2):
        raise ValueError("give no run for a list, or two to compare them")
    conditions = parse_query(arguments.query) if arguments.query else ()
    with store_of(arguments, reading=True) as store:
        if arguments.names:
            from reports.comparison import compare_runs
            from reports.comparison_text import comparison_text

            first, second = (known_run(store, name).run() for name in arguments.names)
            print(comparison_text(compare_runs(first, second)), end="")
            return 0
        runs = known_runs(store, arguments.last)
        if not conditions:
            _list(runs)
            return 0
        found, unknown, rows = 0, 0, list(app_rows(runs))
        columns = dict.fromkeys(column for _, row in rows for column in row)  # those of generators come and go
        if rows:
            refuse_unknown(conditions, list(columns))
        for known, row in rows:
            holds = answer(row, conditions)
            unknown += holds is None
            if holds:
                found += 1
                _app(known, row)
    doubt = f", and {unknown} of which nobody knows: ask for a `_low` or `_high` column" if unknown else ""
    print(f"{count_text(found, 'app')} in {count_text(len(runs), 'run')}{doubt}")
    return 0


def _app(known: Known, row: dict[str, object]) -> None:
    score = score_text(float(str(row["appeval_100_low"])), float(str(row["appeval_100_high"])))
    print(f"{plain(str(row['app']), 60)}  {score}  run {known.id}")
    print(f"    evaluation {row['evaluation_trace_id']}  generation {row['trace_id'] or 'not recorded'}")
    if row.get("issues"):
        print(f"    {plain(str(row['issues']), 200)}")


def _list(runs: list[Known]) -> None:
    rows = [_HEADS, *(_row(known) for known in runs)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(_HEADS))]
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def _row(known: Known) -> tuple[str, ...]:
    held = known.metrics
    average = (
        score_text(held["avg_appeval_100_low"], held["avg_appeval_100_high"]) if "avg_appeval_100_low" in held else "?"
    )
    success = share_text(held["success_rate_low"], held["success_rate_high"]) if "success_rate_low" in held else "?"
    started = datetime.fromtimestamp(known.started / 1000, UTC).strftime("%Y-%m-%d %H:%M")
    remark = "" if known.whole else f"not whole: appeval emit mlflow {known.id}"
    return (
        known.id, started, known.params.get("apps", "?"), average, success, known.params.get("sandbox", "?"),
        plain(known.params.get("model", "?"), 40), remark,
    )  # fmt: skip
