"""What a command of the local sandbox can see, reach and use up, where bubblewrap works.

Each attack bounds itself as well, and each limit is proven by a harmless probe before an attack leans on it.
"""

from __future__ import annotations

import os
import pwd
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from fixtures.machine import Machine
from fixtures.sandbox.local.confinement import bubblewrap, view_of, wrap
from fixtures.sandbox.local.limits import THREADS, binds_processes, hierarchies, open_files
from fixtures.sandbox.processes import descendants
from tests.world import PROJECT, World, gone, until

MakeWorld = Callable[..., World]
HOME = Path(pwd.getpwuid(os.getuid()).pw_dir)
#: Threads count for the kernel, and not for the watcher, which would end the command first.
THREADED = """
import threading, time
count = 0
try:
    for _ in range({most}):
        threading.Thread(target=time.sleep, args=(1,)).start()
        count += 1
except RuntimeError:
    pass
print(count, flush=True)
"""
#: Doubles itself eight times: 256 processes at most, for three seconds.
BOMB = """
import os, time
end = time.time() + 3
for _ in range(8):
    for _ in range(30):
        try:
            os.fork()
            break
        except OSError:
            time.sleep(0.01)
while time.time() < end:
    time.sleep(0.1)
"""


@pytest.fixture
def make_world(tmp_path: Path, machine: Machine) -> Iterator[MakeWorld]:
    made: list[World] = []

    def make(**settings: Any) -> World:
        made.append(World(tmp_path / f"w{len(made)}", machine, sandbox="local", **settings))
        return made[-1]

    yield make
    for world in made:
        world.close()


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world()


@pytest.fixture
def confined(world: World) -> World:
    if bubblewrap().program is None:
        pytest.skip(bubblewrap().why)
    return world


@pytest.fixture
def secret(tmp_path: Path) -> Iterator[Callable[[Path], Path]]:
    """Plants a readable file in a folder, and takes it away again."""
    planted: list[Path] = []

    def plant(folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix="appeval-canary-", dir=folder)
        os.write(descriptor, b"CANARY-4711\n")
        os.close(descriptor)
        planted.append(Path(name))
        return planted[-1]

    yield plant
    for path in planted:
        path.unlink()


# ---------------------------------------------------------------------- what is seen


@pytest.mark.parametrize("place", ["home", "other app", "original", "tmp", "project", "run", "cache"])
def test_what_is_not_the_apps_is_not_seen(
    confined: World, make_world: MakeWorld, secret: Callable[[Path], Path], place: str
) -> None:
    folder = {
        "home": lambda: HOME, "other app": lambda: make_world().workspace.app, "original": lambda: confined.app.path,
        "tmp": lambda: Path(tempfile.gettempdir()), "project": lambda: PROJECT / ".cache",
        "run": lambda: confined.settings.run_dir, "cache": lambda: confined.settings.cache_dir / "warehouse",
    }[place]()  # fmt: skip
    canary = secret(folder)
    link = confined.workspace.app / "link"
    link.symlink_to(canary)
    result = confined.run("sh", "-c", f"cat '{canary}'; cat link; ls -R '{folder}'; true")
    assert result.ok
    assert "CANARY" not in confined.log(result)
    assert canary.name not in result.stdout_tail
    assert "CANARY" in confined.run("sh", "-c", "echo CANARY > mine; cat mine").stdout_tail, (
        "the probe finds what is there"
    )


@pytest.mark.parametrize(
    "place", ["/run/docker.sock", "/var/run/docker.sock", "/run/dbus", "/sys/fs/cgroup", "/proc/kcore"]
)
def test_sockets_and_devices_of_the_machine_are_not_there(confined: World, place: str) -> None:
    assert not confined.run("sh", "-c", f"head -c 1 '{place}' || ls '{place}/'").ok


def test_what_is_masked_below_the_system_is_empty(confined: World) -> None:
    view = replace(view_of(confined.workspace, confined.settings, {}), masked=(Path("/usr/share"),))
    argv = wrap(["sh", "-c", "ls /usr; ls -A /usr/share | wc -l"], confined.workspace.app, view, shut=True)
    seen = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()
    assert seen[-1] == "0"
    assert "bin" in seen


def test_no_file_of_passwords_is_readable(confined: World) -> None:
    result = confined.run("sh", "-c", "cat /etc/passwd >/dev/null && echo users; cat /etc/shadow /etc/gshadow")
    assert result.stdout_tail == "users\n"


@pytest.mark.parametrize("place", ["/usr", "/etc", "/", "/opt", str(PROJECT / "fixtures/warehouse/redirect"), "/dev"])
def test_nothing_of_the_machine_can_be_written(confined: World, place: str) -> None:
    assert not confined.run("sh", "-c", f"echo > '{place}/appeval-was-here'").ok
    assert not Path(place, "appeval-was-here").exists()


def test_no_setting_of_the_kernel_can_be_written(confined: World) -> None:
    """Only asked, never tried: where this fails the machine would be changed."""
    look = "find /proc -path '/proc/[0-9]*' -prune -o -type f -perm /222 -writable -print 2>/dev/null | grep -v -E '^/proc/(self|thread-self)/'"
    assert confined.run("sh", "-c", look).stdout_tail == ""


def test_tmp_is_the_commands_own(confined: World) -> None:
    place = Path("/", "tmp", f"appeval-{os.getpid()}-left")
    assert confined.run("sh", "-c", f"echo mine > {place} && cat {place}").stdout_tail == "mine\n"
    assert not place.exists()
    assert not confined.run("cat", str(place)).ok


@pytest.mark.parametrize("name", ["/tmp", "/dev/shm"])  # noqa: S108 - inside
def test_what_lies_in_memory_is_bounded(confined: World, name: str) -> None:
    free = "import os, sys; s = os.statvfs(sys.argv[1]); print(s.f_blocks * s.f_frsize)"
    assert int(confined.run("python3", "-c", free, name).stdout_tail) <= 600_000_000


@pytest.mark.parametrize("name", ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "npm_config_cafile"])
def test_a_variable_shows_certificates_and_nothing_else(confined: World, tmp_path: Path, name: str) -> None:
    certificate, key = tmp_path / "authority.pem", tmp_path / "key.pem"
    certificate.write_text("-----BEGIN CERTIFICATE-----\n")
    key.write_text("-----BEGIN CERTIFICATE-----\n-----BEGIN RSA PRIVATE KEY-----\n")
    assert confined.run("cat", str(certificate), env={name: str(certificate)}).ok
    assert not confined.run("cat", str(key), env={name: str(key)}).ok
    assert not confined.run("ls", str(tmp_path), env={name: str(tmp_path)}).stdout_tail.count("key.pem")


def test_the_toolchains_are_those_of_this_machine(confined: World) -> None:
    say = "node --version; npm --version; python3 --version"
    outside = subprocess.run(["sh", "-c", say], capture_output=True, text=True, check=True, cwd=confined.base)
    assert confined.run("sh", "-c", say).stdout_tail == outside.stdout


def test_no_process_of_this_machine_is_seen_or_ended(confined: World) -> None:
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        ours = f"/proc/{os.getpid()}/environ"
        result = confined.run("sh", "-c", f"ls -d /proc/[0-9]* | wc -l; kill -9 {stranger.pid}; cat {ours}")
        assert int(result.stdout_tail.split()[0]) < 8
        assert not result.ok
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_command_that_kills_its_group_ends_only_itself(confined: World) -> None:
    result = confined.run("sh", "-c", "echo before; kill -9 0; echo after")
    assert (result.stdout_tail, result.exit_code) == ("before\n", 137)


def test_no_capability_reaches_beyond(confined: World) -> None:
    result = confined.run(
        "sh", "-c", "grep CapEff /proc/self/status; grep NoNewPrivs /proc/self/status; mount -t tmpfs x /opt"
    )
    held = int(result.stdout_tail.split()[1], 16)
    beyond = {
        "SYS_ADMIN": 21,
        "SYS_PTRACE": 19,
        "SYS_MODULE": 16,
        "SYS_RAWIO": 17,
        "NET_ADMIN": 12,
        "MKNOD": 27,
        "KILL": 5,
    }
    assert [name for name, bit in beyond.items() if held >> bit & 1] == []
    assert result.stdout_tail.split()[3] == "1"
    assert not result.ok


# ---------------------------------------------------------------------- the network


def test_without_a_network_nothing_is_reached_but_itself(confined: World) -> None:
    if not confined.sandbox.shuts_network:
        pytest.skip(bubblewrap().why)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        reach = f"""
import socket, threading
try: socket.create_connection(("127.0.0.1", {port}), timeout=2); print("reached")
except OSError as error: print(type(error).__name__)
try: socket.create_connection(("192.0.2.1", 80), timeout=2); print("reached")
except OSError as error: print(type(error).__name__)
own = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=lambda: own.accept()[0].sendall(b"hello"), daemon=True).start()
print(socket.create_connection(own.getsockname(), timeout=2).recv(5).decode())
"""
        program = confined.program(reach)
        shut = confined.sandbox.run(replace(confined.command("python3", program), network="none"))
        assert shut.stdout_tail.split() == ["ConnectionRefusedError", "OSError", "hello"], shut.stderr_tail
        closed = confined.sandbox.run(replace(confined.command("python3", program), network="closed"))
        assert closed.stdout_tail.split()[0] == "reached", "an app reaches the warehouse on this machine"


# ---------------------------------------------------------------------- what is used up


def test_the_kernel_bounds_the_number_of_processes(make_world: MakeWorld) -> None:
    if not (binds_processes() or "pids" in hierarchies()):
        pytest.skip("no control group can be made here, and RLIMIT_NPROC does not bind root")
    most = 10 * THREADS
    harmless = make_world(max_processes=10).script(THREADED.format(most=most + 60))
    assert int(harmless.stdout_tail) <= most + 10
    if not binds_processes():  # then the kernel tells us; RLIMIT_NPROC tells the program only
        assert harmless.killed_by == "processes"

    world = make_world(max_processes=10)
    peak, over = 0, threading.Event()

    def look() -> None:
        nonlocal peak
        while not over.wait(0.02):
            peak = max(peak, len(world.left()))

    watcher = threading.Thread(target=look)
    watcher.start()
    result = world.script(BOMB, timeout=10)
    over.set()
    watcher.join()
    assert result.killed_by == "processes"
    assert peak <= most + 10
    assert world.left() == []


def test_a_command_within_its_limit_is_not_blamed(world: World) -> None:
    result = world.script(THREADED.format(most=30))
    assert (result.ok, result.killed_by, result.stdout_tail) == (True, None, "30\n")


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_DATA counts mappings on Linux only")
def test_memory_that_is_taken_at_once_is_refused(make_world: MakeWorld) -> None:
    """Between two looks: the watcher sees what stays for half a second."""
    world = make_world(max_memory=100_000_000)
    result = world.script("bytearray(2_200_000_000)")
    assert not result.ok
    assert "MemoryError" in result.stderr_tail or result.killed_by == "memory"


def test_open_files_are_bounded(world: World) -> None:
    hold = (
        "import os\nheld = []\ntry:\n  for _ in range(70_000): held.append(os.dup(0))\nexcept OSError: print(len(held))"
    )
    assert int(world.script(hold).stdout_tail) < open_files()


# ---------------------------------------------------------------------- the end


def test_the_others_get_the_time_to_say_goodbye(confined: World) -> None:
    """The leader ends at once; what it started is still writing."""
    say = "trap 'sleep 0.5; echo bye > goodbye; exit' TERM; echo ready; while true; do sleep 0.05; done"
    server = confined.serve("sh", "-c", f'sh -c "{say}" & sleep 600')
    until(lambda: "ready" in server.tail())
    stopped = server.stop()
    assert (stopped.alive, stopped.killed) == (True, False)
    assert (confined.workspace.app / "goodbye").read_text() == "bye\n"


def test_nothing_outlives_the_leader_whatever_it_hides(confined: World) -> None:
    """A daemon with no environment, in a session of its own, under another name."""
    hide = "import os, time\nif os.fork() == 0:\n  os.setsid()\n  os.execve('/usr/bin/sleep', ['kworker', '600'], {})\ntime.sleep(0.3)"
    seen: set[int] = set()

    def look() -> None:
        while len(seen) < 4 and not over.wait(0.01):
            seen.update(descendants(os.getpid()))

    over = threading.Event()
    before = set(descendants(os.getpid()))
    watcher = threading.Thread(target=look)
    watcher.start()
    result = confined.script(hide)
    over.set()
    watcher.join()
    assert result.ok
    assert seen - before
    until(lambda: all(gone(pid) for pid in seen - before), 3)


def test_no_zombie_is_left_to_us(confined: World) -> None:
    before = {child.pid for child in psutil.Process().children()}
    for argv, limit in ((("true",), 20.0), (("sleep", "600"), 0.3)):
        confined.run(*argv, timeout=limit)
    until(lambda: {child.pid for child in psutil.Process().children()} <= before, 3)


def test_the_first_process_says_nothing_of_its_own(confined: World) -> None:
    result = confined.script("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert (result.exit_code, result.stderr_tail) == (137, "")


def test_it_can_be_turned_off(confined: World) -> None:
    say = "from fixtures.sandbox.local.confinement import bubblewrap; print(bubblewrap().program, bubblewrap().why)"
    environment = {**os.environ, "APPEVAL_CONFINE": "off", "PYTHONPATH": str(PROJECT)}
    done = subprocess.run([sys.executable, "-c", say], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == "None turned off by APPEVAL_CONFINE=off\n"
