"""`results.jsonl` and `session.json`: what survives of a run that is killed, and what `--resume` goes on with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fixtures.evidence import write_atomically
from reports.model import State, Verdict, verdict_from_json

SCHEMA = 1
#: States that a resumed run does not ask for again. Where nobody looked, or we broke, it tries again.
FINAL = frozenset({State.PASS, State.FAIL, State.BLOCKED, State.NOT_APPLICABLE})


def append_verdict(run_dir: Path, case: str, digest: str, verdict: Verdict) -> None:
    """Write a verdict down the moment it arrives: one line, one write."""
    line = json.dumps({"case": case, "digest": digest, "verdict": asdict(verdict)})
    with (run_dir / "results.jsonl").open("a", encoding="utf-8") as stream:
        stream.write(line + "\n")


def end_cut_line(run_dir: Path) -> None:
    """A line that a killed run could not finish gets its end, so that the next verdict has a line of its own."""
    path = run_dir / "results.jsonl"
    if path.exists() and not path.read_bytes().endswith(b"\n"):
        with path.open("a", encoding="utf-8") as stream:
            stream.write("\n")


def stored_verdicts(run_dir: Path, digests: Mapping[str, str]) -> dict[tuple[str, str], Verdict]:
    """The final verdicts of an earlier part of the run by (case, metric), for apps that have not changed since.

    The last line of a killed run may be cut short; it is passed over.
    """
    found: dict[tuple[str, str], Verdict] = {}
    try:
        lines = (run_dir / "results.jsonl").read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    for line in lines:
        try:
            raw = json.loads(line)
            case, digest, verdict = raw["case"], raw["digest"], verdict_from_json(raw["verdict"])
        except (ValueError, KeyError, TypeError):
            continue
        key = (case, verdict.metric)
        if digests.get(case) == digest and verdict.state in FINAL:
            found[key] = verdict
        else:
            found.pop(key, None)
    return found


def write_session(run_dir: Path, started: str, settings: Mapping[str, Any], versions: Mapping[str, int]) -> None:
    """Say at the beginning what a run is, so that it can be gone on with."""
    head = {"schema": SCHEMA, "id": run_dir.name, "started": started, "settings": settings, "metrics": versions}
    write_atomically(run_dir / "session.json", json.dumps(head, indent=1))


def read_session(run_dir: Path) -> dict[str, Any]:
    """Raises ValueError when the folder holds no run that we can go on with."""
    try:
        raw = json.loads((run_dir / "session.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{run_dir / 'session.json'} cannot be read: {error}") from None
    if not isinstance(raw, dict) or raw.get("schema") != SCHEMA:
        raise ValueError(f"{run_dir} was written by another version of AppEval and cannot be gone on with")
    return raw


def changed_settings(run_dir: Path, settings: Mapping[str, Any], versions: Mapping[str, int]) -> list[str]:
    """One line for every setting or metric version that differs from the run's first part."""
    before = read_session(run_dir)
    now = json.loads(json.dumps({**settings, "metrics": versions}))
    then = {**before["settings"], "metrics": before["metrics"]}
    return [
        f"{key}: {then.get(key)!r} then, {now.get(key)!r} now"
        for key in sorted({*then, *now})
        if then.get(key) != now.get(key)
    ]
