"""The stage engine under everything that can go wrong in a stage, on fake, instant stages."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from fixtures.app import App
from fixtures.errors import AppError, Blocked, Cancelled, HarnessError, NotApplicable, Unmeasured
from fixtures.machine import Machine
from fixtures.sandbox.processes import MARK, marked
from fixtures.stages import engine as engine_module
from fixtures.stages.context import StageContext
from fixtures.stages.engine import StageEngine, app_folder
from tests.faults.fakes import fake_app, machine_in, spec, stages
from tests.world import until


@pytest.fixture
def app(tmp_path: Path) -> App:
    return fake_app(tmp_path)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = machine_in(tmp_path)
    yield made
    made.close()
    assert left_of(made_by=psutil.Process()) == [], "a process of the machine is left"


def left_of(made_by: psutil.Process) -> list[str]:
    """Marks of living processes that a sandbox of this process started (browsers are other tests')."""
    marks = []
    for pid in marked(f"{made_by.pid}-"):
        try:
            marks.append(psutil.Process(pid).environ()[MARK])
        except psutil.Error:
            continue
    return [mark for mark in marks if not mark.endswith((":driver", ":chromium"))]


def run_to_end(app: App, machine: Machine, *names: str) -> StageEngine:
    engine = StageEngine(app, 1, machine)
    engine.start(names)
    engine.evidence(names)
    engine.close()
    return engine


def test_a_stage_runs_once_whoever_asks(app: App, machine: Machine) -> None:
    runs: list[str] = []
    with stages(
        spec("fa", lambda c: runs.append("fa")),
        spec("fb", lambda c: runs.append("fb"), needs=["fa"]),
        spec("fc", lambda c: runs.append("fc"), needs=["fa"]),
    ):
        engine = StageEngine(app, 1, machine)
        engine.start(["fb", "fc"])
        askers = [threading.Thread(target=engine.evidence, args=(["fb", "fc"],)) for _ in range(8)]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join()
        engine.close()
    assert sorted(runs) == ["fa", "fb", "fc"]
    assert runs[0] == "fa"


def test_independent_stages_overlap(app: App, machine: Machine) -> None:
    both = threading.Barrier(2, timeout=10)
    with stages(spec("fa", lambda c: both.wait()), spec("fb", lambda c: both.wait())):
        engine = run_to_end(app, machine, "fa", "fb")
    assert all(engine.evidence([name])[name].ok for name in ("fa", "fb")), (
        "each waited for the other, and neither in vain"
    )


def test_cpu_stages_share_the_slots(app: App, tmp_path: Path) -> None:
    machine = machine_in(tmp_path, slots=1)
    inside, most = [0], [0]

    def compute(_context: StageContext) -> None:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        time.sleep(0.05)
        inside[0] -= 1

    with stages(*(spec(f"f{i}", compute, cpu=True) for i in range(4))):
        run_to_end(app, machine, *(f"f{i}" for i in range(4)))
    machine.close()
    assert most[0] == 1


def test_after_orders_without_needing(app: App, machine: Machine) -> None:
    order: list[str] = []

    def fail(_context: StageContext) -> None:
        time.sleep(0.1)
        order.append("first")
        raise AppError("x.y", "no")

    with stages(spec("ffirst", fail), spec("fsecond", lambda c: order.append("second"), after=["ffirst"])):
        engine = run_to_end(app, machine, "ffirst", "fsecond")
        alone = run_to_end(fake_app(app.path.parent, "other"), machine, "fsecond")
    assert order == ["first", "second", "second"]
    assert engine.evidence(["fsecond"])["fsecond"].ok
    assert alone.evidence(["fsecond"])["fsecond"].ok, "`after` asks for nothing by itself"


@pytest.mark.parametrize(
    ("error", "seen_by_dependents"),
    [
        (AppError("x.app", "the app's fault"), Blocked),
        (HarnessError("harness.x", "ours"), HarnessError),
        (Unmeasured("unmeasured.x", "nobody looked"), Unmeasured),
        (NotApplicable("x.na", "nothing there"), NotApplicable),
        (ValueError("a bug"), HarnessError),
        (SystemExit(0), HarnessError),
        (KeyError("a bug"), HarnessError),
    ],
)
def test_what_a_stage_raises_becomes_a_value(
    app: App, machine: Machine, error: BaseException, seen_by_dependents: type[Exception]
) -> None:
    def fail(context: StageContext) -> None:
        context.facts["before"] = 1
        raise error

    with stages(spec("fa", fail), spec("fb", needs=["fa"]), spec("fc", needs=["fb"]), spec("fneighbour")):
        engine = run_to_end(app, machine, "fc", "fneighbour")
        evidence = engine.evidence(["fa", "fc", "fneighbour"])
    assert evidence["fneighbour"].ok
    with pytest.raises(seen_by_dependents) as caught:
        evidence["fc"]
    if isinstance(caught.value, Blocked):
        assert (caught.value.stage, caught.value.code) == ("fa", "blocked.fa"), "the cause is named, not the middleman"
        assert evidence["fa"].facts == {"before": 1}, "facts survive a failure"
    stored = evidence.get("fa")
    assert stored is not None
    assert not stored.ok


def test_a_bug_is_ours_with_its_place(app: App, machine: Machine) -> None:
    def fail(_context: StageContext) -> None:
        raise RuntimeError("oh no")

    with stages(spec("fa", fail)):
        result = run_to_end(app, machine, "fa").evidence(["fa"]).get("fa")
    assert result is not None
    assert result.problem is not None
    assert result.problem.kind == "harness"
    assert result.problem.code == "harness.bug"
    assert "RuntimeError: oh no at test_engine.py:" in result.problem.message
    assert "Traceback" in result.problem.detail


def test_a_suspect_failure_is_tried_once_more_alone(app: App, machine: Machine) -> None:
    tries: list[int] = []

    def once(context: StageContext) -> None:
        tries.append(1)
        context.facts["try"] = len(tries)
        if len(tries) == 1:
            raise AppError("x.timeout", "too slow", suspect=True)

    with stages(spec("fa", once, cpu=True)):
        result = run_to_end(app, machine, "fa").evidence(["fa"])["fa"]
    assert result.ok
    assert result.attempts == 2
    assert result.facts == {"try": 2}


@pytest.mark.hazard(17)
def test_a_stage_begins_without_a_network(app: App, machine: Machine) -> None:
    """Hazard 17: it gets one only with the second try of a failure that may be ours."""
    networks: list[str] = []

    def calls_out(context: StageContext) -> None:
        networks.append(context.network)
        raise AppError("x.timeout", "too slow", suspect=True)

    with stages(spec("fa", calls_out, cpu=True)):
        run_to_end(app, machine, "fa")
    assert networks == ["none", "open"]


def test_a_suspect_failure_that_stays_is_a_verdict_after_two_tries(app: App, machine: Machine) -> None:
    tries: list[int] = []

    def always(_context: StageContext) -> None:
        tries.append(1)
        raise AppError("x.timeout", "too slow", suspect=True)

    with stages(spec("fa", always, cpu=True)):
        result = run_to_end(app, machine, "fa").evidence(["fa"])["fa"]
    assert len(tries) == 2
    assert result.problem is not None
    assert result.problem.code == "x.timeout"


@pytest.mark.parametrize(("transient", "expected"), [(True, 2), (False, 1)])
def test_only_transient_trouble_of_ours_is_tried_again(
    app: App, machine: Machine, transient: bool, expected: int
) -> None:
    tries: list[int] = []

    def fail(_context: StageContext) -> None:
        tries.append(1)
        raise HarnessError("harness.registry_unreachable", "no answer", transient=transient)

    with stages(spec("fa", fail)):
        run_to_end(app, machine, "fa")
    assert len(tries) == expected


def test_a_command_over_the_limit_is_the_apps_failure(app: App, machine: Machine) -> None:
    with stages(spec("fa", lambda c: c.run(["sleep", "60"]), limit=0.5)):
        begin = time.monotonic()
        result = run_to_end(app, machine, "fa").evidence(["fa"])["fa"]
    assert time.monotonic() - begin < 15
    assert result.problem is not None
    assert result.problem.code == "fa.timeout"
    assert result.attempts == 2, "tried again alone before it became a verdict"
    assert [c.timed_out for c in result.commands] == [True, True]


def test_a_stage_that_never_returns_is_given_up(app: App, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "_OVERRUN", 0.3)
    release = threading.Event()
    with stages(spec("fhang", lambda c: release.wait(30), limit=0.2), spec("fb", needs=["fhang"])):
        engine = StageEngine(app, 1, machine)
        engine.start(["fb"])
        evidence = engine.evidence(["fhang", "fb"])
        release.set()
        engine.close()
    for name in ("fhang", "fb"):
        with pytest.raises(HarnessError) as caught:
            evidence[name]
        assert caught.value.code == "harness.stage_over_limit"


def test_evidence_is_on_disk_when_it_is_known(app: App, machine: Machine) -> None:
    with stages(spec("fa", lambda c: c.facts.update(n=1))):
        engine = StageEngine(app, 1, machine)
        engine.start(["fa"])
        engine.evidence(["fa"])
        text = (app_folder(machine.settings.run_dir, app, 1) / "evidence.json").read_text()
        engine.close()
    assert '"n": 1' in text


def test_a_second_process_takes_up_what_is_stored(app: App, machine: Machine) -> None:
    runs: list[str] = []
    declared = (
        spec("fa", lambda c: runs.append("fa")),
        spec("fb", lambda c: runs.append("fb"), needs=["fa"]),
        spec("fc", lambda c: runs.append("fc"), needs=["fb"]),
    )
    with stages(*declared):
        first = StageEngine(app, 1, machine)
        first.start(["fb"])
        first.evidence(["fb"])
        first.close(discard=False)  # as after a crash: the copy is still there
        second = StageEngine(app, 1, machine)
        second.start(["fc"])
        assert second.evidence(["fc"])["fc"].ok
        second.close()
    assert runs == ["fa", "fb", "fc"]


def test_a_stored_stage_runs_again_when_its_effect_is_gone(app: App, machine: Machine) -> None:
    runs: list[str] = []
    with stages(spec("fa", lambda c: runs.append("fa")), spec("fb", lambda c: runs.append("fb"), needs=["fa"])):
        run_to_end(app, machine, "fa")  # closes with discard: the copy is gone
        run_to_end(app, machine, "fb")
    assert runs == ["fa", "fa", "fb"]


def test_a_live_stage_runs_again_in_a_new_process(app: App, machine: Machine) -> None:
    runs: list[str] = []
    with stages(
        spec("fserver", lambda c: runs.append("server"), live=True),
        spec("fprobe", lambda c: runs.append("probe"), needs=["fserver"]),
    ):
        first = StageEngine(app, 1, machine)
        first.start(["fserver"])
        first.evidence(["fserver"])
        first.close(discard=False)
        second = StageEngine(app, 1, machine)
        second.start(["fserver", "fprobe"])
        second.evidence(["fprobe"])
        second.close()
    assert runs == ["server", "server", "probe"]


def test_trouble_of_ours_is_not_taken_up(app: App, machine: Machine) -> None:
    outcome: list[Exception | None] = [HarnessError("harness.x", "ours"), None]

    def run(_context: StageContext) -> None:
        error = outcome.pop(0)
        if error is not None:
            raise error

    with stages(spec("fa", run), spec("fb", needs=["fa"])):
        run_to_end(app, machine, "fb")
        assert run_to_end(app, machine, "fb").evidence(["fb"])["fb"].ok


def test_a_changed_app_starts_anew(app: App, machine: Machine) -> None:
    runs: list[str] = []
    with stages(spec("fa", lambda c: runs.append("fa"))):
        run_to_end(app, machine, "fa")
        changed = fake_app(app.path.parent / "elsewhere", app.name)
        (changed.root / "main.ts").write_text("export const answer = 43;\n")
        run_to_end(changed, machine, "fa")
    assert runs == ["fa", "fa"]


def test_what_cannot_be_measured_runs_nothing(app: App, machine: Machine) -> None:
    runs: list[str] = []
    with stages(spec("fa", lambda c: runs.append("fa")), spec("fb", needs=["fa"], available="no_thing: no thing here")):
        engine = StageEngine(app, 1, machine)
        engine.start(["fb"])
        with pytest.raises(Unmeasured, match="no thing here") as caught:
            engine.evidence(["fb"])["fb"]
        engine.close()
    assert caught.value.code == "unmeasured.no_thing"
    assert runs == []


def test_closing_ends_commands_and_servers_at_once(app: App, machine: Machine) -> None:
    started = threading.Event()

    def serve(context: StageContext) -> None:
        context.start(["sleep", "300"])
        started.set()
        context.run(["sleep", "300"])

    with stages(spec("fa", serve, limit=600), spec("fb", needs=["fa"])):
        engine = StageEngine(app, 1, machine)
        engine.start(["fb"])
        assert started.wait(10)
        begin = time.monotonic()
        engine.close()
        assert time.monotonic() - begin < 10
        assert not [t for t in threading.enumerate() if t.name.startswith("stage-f")]
        with pytest.raises(Cancelled):
            engine.evidence(["fb"])
    assert not (machine.settings.work_dir / "w").exists()


def test_a_daemon_that_wipes_its_environment_is_found(app: App, machine: Machine) -> None:
    seconds = "300.7391"  # found by these among the processes of the machine: its id may be one of a namespace
    script = f"setsid env -i /bin/sh -c 'exec /bin/sleep {seconds}' >/dev/null 2>&1 &"
    script += " while [ ! -e seen ]; do sleep 0.02; done"
    seen: list[bool] = []

    def sleeping() -> bool:
        return any(process.info["cmdline"] == ["/bin/sleep", seconds] for process in psutil.process_iter(["cmdline"]))

    def look(context: StageContext) -> None:
        seen.append(until(sleeping))
        (context.root / "seen").touch()

    def work(context: StageContext) -> None:
        looking = threading.Thread(target=look, args=(context,))
        looking.start()
        context.run(["sh", "-c", script])
        looking.join()

    with stages(spec("fa", work)):
        run_to_end(app, machine, "fa")
    assert seen == [True]
    assert not sleeping()


def test_twenty_repeats_leave_nothing(app: App, machine: Machine) -> None:
    def work(context: StageContext) -> None:
        context.run(["sh", "-c", "sleep 300 & setsid sleep 300 & echo left two behind"])

    before = threading.active_count()
    with stages(spec("fa", work, cpu=True), spec("fb", work, needs=["fa"]), spec("fc", work, needs=["fa"])):
        for repeat in range(20):
            engine = StageEngine(app, repeat + 1, machine)
            engine.start(["fb", "fc"])
            assert engine.evidence(["fb", "fc"])["fc"].ok
            engine.close()
    assert list(machine.settings.work_dir.glob("*")) == []
    assert threading.active_count() <= before + 1
    assert left_of(psutil.Process()) == []


def test_below_the_floor_of_free_space_an_app_is_not_taken(
    app: App, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fixtures.sandbox.disk.free_bytes", lambda _: 1_000)
    with stages(spec("fa", lambda _: pytest.fail("it must not run")), spec("fb", lambda _: None, needs=["fa"])):
        engine = StageEngine(app, 1, machine)
        engine.start(["fb"])
        evidence = engine.evidence(["fa", "fb"])
        engine.close()
    for name in ("fa", "fb"):
        with pytest.raises(HarnessError, match="min_free_disk") as raised:
            _ = evidence[name]
        assert raised.value.code == "harness.disk_low"
