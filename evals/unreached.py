"""When silence at the warehouse says nothing about the app; for the two metrics that listen there."""

from collections.abc import Mapping
from typing import Any

from fixtures.errors import Unmeasured


def refuse_unreached(facts: Mapping[str, Any]) -> None:
    """Raise Unmeasured when the app has code that talks to its store and either cannot be led to ours or was not made
    to use it. `facts` are those of the stage `queries`, which saw no statement that read a table."""
    if facts["asked"] or facts["connections"] or facts["sessions"] or not facts["driver_files"]:
        return
    if facts.get("ended"):
        return  # nobody kept it from asking
    driver = facts["driver_files"][0]
    if facts["unasked"] or not facts["called"]:
        left = facts["unasked"]
        why = f"{left[0]['path']}: {left[0]['why']}" if left else "no endpoint was found"
        line = f"{driver} talks to {_store(facts)}, and nothing that was called reached it ({why})"
        line += f"; perhaps it cannot: {facts['astray']}" if facts["astray"] else ""
        raise Unmeasured("unmeasured.not_exercised", line)
    if facts["astray"]:
        raise Unmeasured(
            "unmeasured.not_led", f"{driver} talks to {_store(facts)} that it cannot reach: {facts['astray']}"
        )


def _store(facts: Mapping[str, Any]) -> str:
    return (
        "a warehouse"
        if facts.get("store", "the warehouse") == "the warehouse"
        else str(facts.get("store", "the warehouse"))
    )
