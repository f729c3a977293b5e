"""What must come of the attacks by Dockerfile: on the engine, and through it on this machine."""

from __future__ import annotations

import pytest

from fixtures.sandbox import SANDBOXES
from tests.conformance.hostile.fleet import Fleet
from tests.conformance.hostile.test_fleet import GOOD, said

#: By app: the verdict of its build, and what its evidence says.
REFUSED = {
    "host-network": ("FAIL image.failed", "network.host is not allowed"),
    "insecure": ("FAIL image.failed", "unknown flag: security"),
    "adds-here": ("FAIL image.reaches_in", "an address of whoever builds it"),
    "from-here": ("FAIL image.reaches_in", "an address of whoever builds it"),
    "copies-here": ("FAIL image.reaches_in", "an address of whoever builds it"),
    "frontend-here": ("FAIL image.reaches_in", "an address of whoever builds it"),
    "adds-nowhere": ("HARNESS_ERROR harness.download_failed", "no such host"),
    "image-fills": ("FAIL image.disk", "went over the disk limit"),
}


@pytest.fixture(autouse=True)
def _by_engine(fleet: Fleet) -> None:
    if not SANDBOXES[fleet.sandbox].images:
        pytest.skip(f"{fleet.sandbox}: it builds no images")


@pytest.mark.parametrize("app", REFUSED)
def test_what_a_build_may_not_do_is_no_success(fleet: Fleet, app: str) -> None:
    """Its tests run without an image, and so does what the README documents."""
    state, why = REFUSED[app]
    verdicts = said(fleet, app)
    assert verdicts["build_success"] == state
    assert why in fleet.verdicts(app)["build_success"].evidence
    ours = state.startswith("HARNESS_ERROR")
    assert verdicts["runtime_success"] == (state if ours else "BLOCKED blocked.image")
    assert {verdicts[name] for name in ("tests_pass", "local_runability")} == {"PASS"}
    assert verdicts["deployability"].split()[0] == ("HARNESS_ERROR" if ours else "FAIL")


def test_what_listens_on_loopback_is_not_reachable_as_deployed(fleet: Fleet) -> None:
    verdicts = said(fleet, "loopback")
    assert verdicts["runtime_success"] == "FAIL runtime.loopback_only"
    assert verdicts["deployability"] == "PASS deployability.starts_deployed"
    assert verdicts["local_runability"] == "PASS"


def test_a_build_knocks_at_no_service_of_this_machine(fleet: Fleet) -> None:
    assert [knock for knock in fleet.knocks if knock != "/gateway"] == []


def test_a_container_that_knocks_at_its_gateway_runs_as_any_other(fleet: Fleet) -> None:
    assert said(fleet, "gateway") == GOOD
    assert "knocks at " in fleet.logs("gateway"), "it tried"


def test_a_container_reaches_no_service_of_this_machine(fleet: Fleet) -> None:
    assert "/gateway" not in fleet.knocks
