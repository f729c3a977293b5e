"""summary_markdown: what stands where, and that hostile names stay text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from markdown_it import MarkdownIt

from reports.markdown import summary_markdown
from reports.model import AppResult, MetricInfo, Run


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.replace("\\\\", ""))[1:-1]]


def row(text: str, app: str) -> list[str]:
    return next(cells(line) for line in text.splitlines() if line.startswith(f"| {app} |"))


def test_the_head_says_when_where_and_both_denominators(seven: Run) -> None:
    text = summary_markdown(seven)
    assert text.startswith("## AppEval run 20260102-030405\n\n2026-01-02T03:04:05Z · sandbox local · warehouse embe")
    assert "average 61.3–82.0 over 7 apps attempted, 5 of them with an exact score" in text
    assert "success rate 33–67 % of 7 apps" in text
    assert "PARTIAL" not in text


def test_a_partial_run_says_so_loudly(seven: Run) -> None:
    assert "> [!WARNING]\n> **PARTIAL RUN.**" in summary_markdown(replace(seven, partial=True))


def test_a_run_of_an_unknown_world_says_unknown(seven: Run) -> None:
    assert "sandbox unknown · warehouse unknown" in summary_markdown(replace(seven, settings={}))


def test_the_table(seven: Run) -> None:
    text = summary_markdown(seven)
    assert row(text, "app")[:5] == ["app", "score", "succeeds", "1 build", "2 runtime"]
    assert row(text, "churn") == ["churn", "82.0", "yes", "✅", "✅", "❌", "✅", "✅", "✅", "✅", "4/5", "3/5", ""]
    assert row(text, "unmeasured")[1:12] == [
        "81.0–100.0",
        "yes",
        "✅",
        "✅",
        "✅",
        "✅",
        "?",
        "?",
        "✅",
        "1–5/5",
        "5/5",
    ]
    assert row(text, "broken-build")[2:12] == ["no", "❌", "⛔", "❌", "⛔", "⛔", "⛔", "⛔", "1/5", "0/5"]
    assert row(text, "a-very-long-name-of-an-app-that-nobody-can-read-in-one-go")[4:8] == ["⚠", "❌", "✅", "—"]
    assert row(text, "template")[1::11] == ["60.0", "unmodified template (capped, 100.0 without)"]


def test_the_label_column_is_there_only_when_some_app_has_one(seven: Run) -> None:
    text = summary_markdown(replace(seven, apps=seven.apps[:2]))
    assert "label" not in row(text, "app")


def test_every_row_of_a_table_has_as_many_cells_as_its_head(seven: Run) -> None:
    widths = [len(cells(line)) for line in summary_markdown(seven).splitlines() if line.startswith("|")]
    assert set(widths[:9]) == {13}
    assert set(widths[9:]) == {5}
    assert len(widths) == 18


def test_epochs_show_shares_and_name_the_epochs(epochs: Run) -> None:
    text = summary_markdown(epochs)
    assert row(text, "flaky") == [
        "flaky", "40.0–60.0 (spread 15.0)", "no", "3/3", "2/3", "0/3", "1–2/3", "?", "—", "⚠", "3.7/5", "3.7–5/5",
    ]  # fmt: skip
    assert r"- ❌ runtime success: runtime\_success says F (runtime\_success.broken) \[epoch 2\]" in text
    assert r"says F (type\_safety.broken)" + "\n" in text  # in all of them: not named


def test_why_lists_what_is_not_passed_and_groups_what_nobody_measured(seven: Run) -> None:
    why = summary_markdown(seven).partition("### Why")[2].partition("###")[0]
    assert "**sales-pipeline**" not in why
    assert r"- ❌ type safety: type\_safety says F (type\_safety.broken)" in why
    assert "- ⛔ ui renders:" in why
    assert "- ⚠ runtime success:" in why
    assert "- ✅ local runability 4/5:" in why
    assert "- note: the app is nested in app/" in why
    assert why.count("warehouse.none") == 1
    assert "deployability, 2 apps: set DATABRICKS\\_HOST" in why


def test_failures_skipped_folders_and_measurements(seven: Run) -> None:
    text = summary_markdown(seven)
    assert r"- 2 apps: type\_safety.broken, for example churn: 3 errors \| &lt;b&gt;" in text
    assert "- /apps/notes: no package.json" in text
    assert "| app | lines of code | build s | coverage % | bundle kb |" in text
    assert "| sales-pipeline | 1,234 | 12.3 | 81 | 77 |" in text
    assert "| churn | — | — | — | — |" in text


def test_the_seconds_of_each_stage_are_no_columns(run_of: Callable[..., Run], app_of: Callable[..., AppResult]) -> None:
    app = app_of("a", "P P P P P P P 5 5", 100, 100, measurements={"stage_build_seconds": 3.0})
    assert "### Measurements" not in summary_markdown(run_of(app))


def test_hostile_text_stays_text(seven: Run) -> None:
    text = summary_markdown(seven)
    assert "<script" not in text
    assert not re.search(r"(?<!\\)\]\(", text)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e]", text)


def test_a_markdown_parser_finds_no_markup_in_hostile_text(
    run_of: Callable[..., Run], app_of: Callable[..., AppResult]
) -> None:
    evil = r"x](javascript:alert) **b** `c` ~~d~~ <img src=x> ![i](u) \| | [l]: u &lt; \\" + "\n# h\n- item\n\n    code"
    app = app_of(evil, "F F F F F F F 1 1", 0, 0, labels=(evil,), notes=(evil,), measurements={evil: 1.0})
    broken = tuple(replace(v, evidence=evil, reason=evil) for v in app.verdicts)
    text = summary_markdown(run_of(replace(app, verdicts=broken), id=evil, started=evil, skipped=((evil, evil),)))
    tokens = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(text)
    inline = {child.type for token in tokens for child in token.children or ()}
    assert inline <= {"text", "text_special", "strong_open", "strong_close", "softbreak"}
    block = {token.type.removesuffix("_open").removesuffix("_close") for token in tokens}
    assert block <= {
        "heading", "paragraph", "inline", "table", "thead", "tbody", "tr", "th", "td", "bullet_list", "list_item",
    }  # fmt: skip
    assert sum(token.type == "td_open" for token in tokens) == 13 + 2
    assert [token.tag for token in tokens if token.type == "heading_open"][1:] == ["h3"] * 5


def test_metrics_come_from_the_run_alone(seven: Run) -> None:
    extra = MetricInfo("speed_index", 10, "Speed", "binary", "info", 1)
    unseen = MetricInfo("error_rate", 11, "Errors", "binary", "runtime", 1)
    verdict = replace(seven.apps[0].verdicts[0], metric="speed_index")
    apps = tuple(replace(app, verdicts=(*app.verdicts, verdict)) for app in seven.apps)
    heads = row(summary_markdown(replace(seven, metrics=(*seven.metrics, extra, unseen), apps=apps)), "app")
    assert heads[-2:] == ["10 speed", "label"]
    assert len(heads) == 14


def test_a_missing_verdict_is_not_measured(seven: Run) -> None:
    apps = (replace(seven.apps[0], verdicts=()),)
    assert set(row(summary_markdown(replace(seven, apps=apps)), "sales-pipeline")[3:]) == {"?"}


def test_no_apps(no_apps: Run) -> None:
    assert "### Scores" in summary_markdown(no_apps)


def test_thousands_of_apps_still_fit_a_job_summary(
    run_of: Callable[..., Run], app_of: Callable[..., AppResult]
) -> None:
    one = app_of("<" * 200, "F F F F F F F 1 1", 0, 0, measurements={"build_seconds": 1.0})
    text = summary_markdown(run_of(*(replace(one, app=f"{i:05}{one.app}") for i in range(2000))))
    assert len(text.encode()) < 1_000_000
    assert re.search(r"… and [\d,]+ more apps", text)
