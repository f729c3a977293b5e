"""Numbers beside the verdicts, and the labels that cap a score, read from evidence. Absent means not measured."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fixtures.evidence import Evidence, StageResult
from fixtures.static.templates import UNMODIFIED_BELOW
from plugins.scoring import CAP
from reports.model import State, Verdict

UNMODIFIED, PLACEHOLDER, NOT_GENERATED = "unmodified template", "placeholder page", "failed generation"
#: Labels that cap a score, and at what. An app that failed to generate counts 0, whatever could not be measured.
CAPS = {UNMODIFIED: CAP, PLACEHOLDER: CAP, NOT_GENERATED: 0.0}
#: Reasons that a verdict can give although it passed, and the label that each stands for.
_LABELS = {"ui.placeholder": PLACEHOLDER}


def measurements_of(evidence: Evidence) -> dict[str, float]:
    """Lines of code, seconds of build, image and start, tests and coverage %, bytes of build and image, and the seconds
    of each stage."""
    found: dict[str, float] = {}
    scan, build, image, start, tests = (evidence.get(name) for name in ("scan", "build", "image", "start", "tests"))
    if scan is not None and "lines" in scan.facts:
        found["lines_of_code"] = float(sum(scan.facts["lines"].values()))
    _take(found, "build_seconds", build, "seconds")
    _take(found, "build_bytes", build, "bytes")
    _take(found, "image_seconds", image, "seconds")
    _take(found, "image_bytes", image, "bytes")
    _take(found, "start_seconds", start, "seconds")
    _take(found, "tests_total", tests, "total")
    _take(found, "coverage_percent", tests, "coverage")
    for name in evidence:
        result = evidence.get(name)
        if result is not None and result.seconds:
            found[f"stage_{name}_seconds"] = result.seconds
    return found


def _take(found: dict[str, float], name: str, result: StageResult | None, fact: str) -> None:
    value = result.facts.get(fact) if result is not None else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        found[name] = float(value)


def mean_of(measured: Sequence[dict[str, float]]) -> dict[str, float]:
    """The mean of each number over the epochs in which it was measured."""
    names = dict.fromkeys(name for one in measured for name in one)
    values = {name: [one[name] for one in measured if name in one] for name in names}
    means = {name: sum(some) / len(some) for name, some in values.items()}
    return {name: round(mean, 3 if abs(mean) >= 1 else 6) for name, mean in means.items()}  # a page costs little


def labels_of(generated: bool, evidence: Sequence[Evidence], verdicts: Iterable[Verdict]) -> tuple[str, ...]:
    """Findings that cap a score: the generator left no app, or its template with (almost) nothing added, or a page that
    says only that it is still to be made."""
    if not generated:
        return (NOT_GENERATED,)
    scans = [scan.facts for one in evidence if (scan := one.get("scan")) is not None]
    templates = [facts["template"] for facts in scans if facts.get("template")]
    untouched = [UNMODIFIED] if any(t["changed_share"] < UNMODIFIED_BELOW for t in templates) else []
    found = [_LABELS[v.reason] for v in verdicts if v.state is State.PASS and v.reason in _LABELS]
    return tuple(dict.fromkeys([*untouched, *found]))


def notes_of(evidence: Sequence[Evidence]) -> tuple[str, ...]:
    """Remarks that cost no point and that people should see: what was left out of the copy, a port of its own."""
    notes: dict[str, None] = {}
    for one in evidence:
        scan, start, image = one.get("scan"), one.get("start"), one.get("image")
        if scan is not None:
            notes.update(dict.fromkeys(scan.facts.get("left_out", ())))
        if start is not None and start.facts.get("port_ignored"):
            port = start.facts["port"]
            notes[f"listens on port {port} whatever it is told: where another one is given, it is missed"] = None
        if image is not None and image.facts.get("without_syntax"):
            notes["its Dockerfile was built without its `# syntax=` line, whose frontend could not be pulled"] = None
        for name in one:
            result = one.get(name)
            if result is not None and "network" in result.facts:
                notes[f"{name}: {result.facts['network']}"] = None
    return tuple(notes)
