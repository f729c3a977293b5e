"""What the generator of an app recorded, read with care: the record came with the app."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: Beyond this no count and no price is believed.
_MOST = 1e15


@dataclass(frozen=True, slots=True)
class Effort:
    """What one app took to make; None is not known. `cost` is in US dollars."""

    cost: float | None
    tokens: float | None
    turns: float | None
    validation_runs: float | None

    @property
    def units(self) -> float | None:
        """`tokens/1000 + turns + validation_runs` over the known parts; None if none is known."""
        tokens = None if self.tokens is None else self.tokens / 1000
        known = [part for part in (tokens, self.turns, self.validation_runs) if part is not None]
        return round(sum(known), 6) if known else None


def effort(generation: Mapping[str, Any]) -> Effort:
    """Reads `total_tokens` (or `input_tokens` + `output_tokens`, or the one of them that is known),
    `turns` or `num_turns`, `validation_runs`, `cost_usd` or `total_cost_usd`.

    Whatever is not a number, is negative, NaN or absurdly large counts as not known.
    """
    tokens = _first(generation, "total_tokens")
    if tokens is None:
        halves = [n for n in (_first(generation, "input_tokens"), _first(generation, "output_tokens")) if n is not None]
        tokens = sum(halves) if halves else None
    return Effort(
        cost=_first(generation, "cost_usd", "total_cost_usd"),
        tokens=tokens,
        turns=_first(generation, "turns", "num_turns"),
        validation_runs=_first(generation, "validation_runs"),
    )


def _first(generation: Mapping[str, Any], *names: str) -> float | None:
    for name in names:
        value = generation.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= _MOST:
            return float(value)
    return None
