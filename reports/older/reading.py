"""Reading `evaluation_report.json`, in all generations of it. Whatever stands there: what is no value is not known."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from reports.older.keys import APPS, COMPOSITE, COVERAGE, KEYS, NOT_EVALUATED, PASS_AT, VALUES, Key
from reports.older.report import OlderApp, OlderReport
from reports.text import count_text, plain

FILE = "evaluation_report.json"
_MOST_BYTES = 50_000_000
_MOST_ISSUES, _LONGEST = 50, 500
_WHAT = f"an older report is {FILE}, as evaluate_all.py of the older framework wrote it"


def read_older(path: Path) -> OlderReport:
    """Raises ValueError with what to do for a file that is none, is too large, or cannot be read."""
    try:
        if not path.is_file():
            raise ValueError(f"{path} is no file; {_WHAT}")
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError(f"{path} is larger than {_MOST_BYTES / 1e6:.0f} MB; {_WHAT}")
        text = path.read_bytes().decode("utf-8-sig", "replace")
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}") from None
    try:
        return older_from_json(text, path.name)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def older_from_json(text: str, name: str = FILE) -> OlderReport:
    """Raises ValueError for text that is no older report: not JSON, or without any app that has values."""
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise ValueError(f"not JSON ({plain(reason, 120)}); {_WHAT}") from None
    entries = _entries(raw)
    found = [app for entry in entries if (app := _app(entry)) is not None]
    if not found:
        raise ValueError(f"no app with a name and metrics in it; {_WHAT}")
    apps = {app.app: app for app in found}
    blind = _blind(tuple(apps.values()), _summary(raw))
    notes = tuple(_notes(entries, found, apps))
    seen = {
        app.app: replace(app, values={name: None if name in blind else value for name, value in app.values.items()})
        for app in apps.values()
    }
    return OlderReport(plain(name, 120), _made(raw), seen, blind, notes)


def _entries(raw: object) -> list[Any]:
    """The apps of a report of many, or the one whose own file this is."""
    if not isinstance(raw, dict):
        return []
    listed = next((raw[key] for key in APPS if isinstance(raw.get(key), list)), None)
    return [raw] if listed is None else listed


def _app(entry: object) -> OlderApp | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("app_name"), str) or not entry["app_name"].strip():
        return None
    metrics = _metrics(entry)
    if metrics is None:
        return None
    issues = entry.get("issues")
    texts = [text for text in issues if isinstance(text, str)] if isinstance(issues, list) else []
    app = OlderApp(
        app=entry["app_name"],
        values={name: _value(metrics, key) for name, key in KEYS.items()},
        composite=_number(metrics.get(COMPOSITE), 100),
        coverage=_number(metrics.get(COVERAGE), 100),
        has_tests=_flag(metrics.get("has_tests")),
        has_dockerfile=_flag(metrics.get("has_dockerfile")),
        build_seconds=_number(metrics.get("build_time_sec"), 1e6),
        template=metrics["template_type"][:80] if isinstance(metrics.get("template_type"), str) else "",
        issues=tuple(text[:_LONGEST] for text in texts[:_MOST_ISSUES]),
    )
    if app.speaks_of(NOT_EVALUATED):
        return replace(app, values=dict.fromkeys(KEYS), composite=None)
    return app


def _metrics(entry: Mapping[str, Any]) -> dict[str, Any] | None:
    return next((entry[key] for key in VALUES if isinstance(entry.get(key), dict)), None)


def _value(metrics: Mapping[str, Any], key: Key) -> float | None:
    name = next((name for name in key.names if name in metrics), None)
    if name is None:
        return None
    value = metrics[name]
    if key.full > 1:
        return _number(value, key.full)
    if isinstance(value, bool):
        return float(value)
    if name.endswith("_score"):
        points = _number(value, 5)
        return None if points is None else float(points >= PASS_AT)
    number = _number(value, 1)
    return number if number in (0.0, 1.0) else None


def _number(value: object, most: float) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= most:  # NaN as well
        return None
    return float(value)


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _summary(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    summary = raw.get("summary")
    counts = summary.get("metrics_summary") if isinstance(summary, dict) else None
    return counts if isinstance(counts, dict) else {}


def _blind(apps: Sequence[OlderApp], summary: Mapping[str, Any]) -> dict[str, str]:
    """What was stored as 0 for every app because its check was left out, so that nobody looked."""
    found = {}
    for name, key in KEYS.items():
        values = [value for app in apps if (value := app.values[name]) is not None]
        stored = f"stored as 0 for all {count_text(len(values), 'app')}: nobody measured it"
        if not values or any(values):
            continue
        if _counted_nothing(summary, key):
            found[name] = f"{stored} (its summary counts no app as passed and none as failed)"
        elif key.concern and len(values) > 1 and not any(app.speaks_of(key.concern) for app in apps):
            found[name] = stored
    return found


def _counted_nothing(summary: Mapping[str, Any], key: Key) -> bool:
    counts = next((summary[name] for name in key.names if isinstance(summary.get(name), dict)), None)
    return counts is not None and counts.get("pass") == 0 and counts.get("fail") == 0


def _made(raw: Mapping[str, Any]) -> str:
    summary = raw.get("summary")
    places = (summary.get("evaluated_at") if isinstance(summary, dict) else None, raw.get("eval_timestamp"))
    stated = next((text for text in (*places, raw.get("timestamp")) if isinstance(text, str)), "")
    return plain(stated, 40)


def _notes(entries: Sequence[Any], found: Sequence[OlderApp], apps: Mapping[str, OlderApp]) -> Iterator[str]:
    if len(found) < len(entries):
        yield f"left out without a name or metrics: {len(entries) - len(found):,} of {len(entries):,}"
    if len(apps) < len(found):
        yield f"{count_text(len(found) - len(apps), 'app')} listed more than once: the last one counts"
    skipped = sum(app.speaks_of(NOT_EVALUATED) for app in apps.values())
    if skipped:
        yield f"{count_text(skipped, 'app')} of a kind that was not evaluated, and stored as 0: not known"
    covered = [app.coverage for app in apps.values() if app.coverage is not None]
    if len(covered) > 1 and not any(covered):
        yield f"{COVERAGE} is stored as 0 for all {count_text(len(covered), 'app')}: nobody measured it"
    for name, key in KEYS.items():
        yield from _key_notes(name, key, entries)


def _key_notes(name: str, key: Key, entries: Sequence[Any]) -> Iterator[str]:
    stored = [metrics for entry in entries if isinstance(entry, dict) and (metrics := _metrics(entry)) is not None]
    used = [next((known for known in key.names if known in metrics), None) for metrics in stored]
    for other in dict.fromkeys(known for known in used if known is not None and known != key.names[0]):
        how = f", {PASS_AT:g} of 5 points as passed" if other.endswith("_score") and key.full == 1 else ""
        yield f"{name} was read from {other}{how}"
    wrong = sum(known is not None and _value(m, key) is None for known, m in zip(used, stored, strict=True))
    if wrong:
        yield f"{name}: {count_text(wrong, 'value')} of no use (a wrong type, or out of range): not known"
    if all(known is None for known in used):
        yield f"{name} does not occur in it"
