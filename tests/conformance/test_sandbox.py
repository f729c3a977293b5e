"""What every sandbox must do, written against the Protocol alone: a new one passes this suite or is none.

The code under test here is as hostile as an app may be: it ignores signals, daemonizes, forks, fills memory,
disk and pipes. Its programs are Python files, bounded by themselves, so that a sandbox that fails harms nobody.
"""

from __future__ import annotations

import os
import signal
import threading
import time

import httpx
import pytest

from fixtures.errors import Cancelled, HarnessError
from tests.world import MakeWorld, World, until

#: Starts a child that ignores SIGTERM and one that does not, in turn with children of their own.
FAMILY = """
import os, signal, sys, time
pids = [os.getpid()]
for stubborn in (False, True):
    pid = os.fork()
    if pid == 0:
        if stubborn: signal.signal(signal.SIGTERM, signal.SIG_IGN)
        inner = os.fork()
        if inner: print(os.getpid(), inner, flush=True)
        time.sleep(600)
print(os.getpid(), flush=True)
{then}
"""
DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.setsid()
        print(os.getpid(), flush=True)
        for stream in (0, 1, 2): os.close(stream)
        time.sleep(600)
    os._exit(0)
os.wait()
time.sleep(0.2)
"""
SERVER = """
import http.server, os, signal, sys, time
{before}
class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"hello")
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "0"))), Hello)
print("\\x1b[32mlistening\\x1b[0m on", server.server_port, flush=True)
server.serve_forever()
"""


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world()


def pids_in(text: str) -> list[int]:
    return [int(word) for word in text.split() if word.isdigit()]


def all_gone(world: World, pids: list[int], count: int) -> None:
    """As many processes as there should have been have run, and none is left. Their ids are those of the sandbox, which
    may have a namespace of its own."""
    assert len(set(pids)) == count
    until(lambda: world.left() == [], 3)


# ---------------------------------------------------------------------- results


@pytest.mark.parametrize("code", [0, 1, 7, 127, 255])
def test_an_exit_code_is_a_value(world: World, code: int) -> None:
    result = world.run("sh", "-c", f"exit {code}")
    assert (result.exit_code, result.ok, result.timed_out, result.killed_by) == (code, code == 0, False, None)


def test_a_command_that_ends_by_a_signal_failed(world: World) -> None:
    result = world.script("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    assert not result.ok
    assert result.exit_code not in (0, None)


def test_stdout_and_stderr_are_told_apart_and_the_log_has_both(world: World) -> None:
    result = world.run("sh", "-c", "echo to-out; echo to-err >&2")
    assert (result.stdout_tail, result.stderr_tail) == ("to-out\n", "to-err\n")
    log = world.log(result)
    assert "to-out" in log
    assert "to-err" in log
    assert result.argv == ("sh", "-c", "echo to-out; echo to-err >&2")


def test_the_tail_is_the_end(world: World) -> None:
    result = world.script("for i in range(100_000): print('line', i)")
    assert result.stdout_tail.endswith("line 99998\nline 99999\n")
    assert 1000 < len(result.stdout_tail) < 20_000


def test_what_is_written_just_before_the_exit_is_not_lost(world: World) -> None:
    for i in range(5):
        assert world.run("sh", "-c", f"printf 'last words {i}' >&2; exit 3").stderr_tail == f"last words {i}"


def test_tails_carry_no_terminal_codes(world: World) -> None:
    nasty = r"\x1b[31mred\x1b[0m \x1b]0;title\x07bell\x07 \x1b]8;;http://x\x1b\\link nul\x00 back\x08 \x9b31mc1 \u202eok\r\n"
    result = world.script(f"import sys; sys.stdout.buffer.write('{nasty}'.encode())")
    kept = [c for c in result.stdout_tail if (ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160]
    assert kept == []
    assert "red " in result.stdout_tail
    assert "title" not in result.stdout_tail


def test_a_tail_cut_inside_a_terminal_code_shows_no_rest_of_it(world: World) -> None:
    result = world.script("import sys; sys.stdout.write('\\x1b[38;5;200m##' * 5000)")
    assert set(result.stdout_tail) == {"#"}


def test_bytes_that_are_no_text_are_replaced(world: World) -> None:
    result = world.script("import sys; sys.stdout.buffer.write(b'caf\\xe9 \\xff\\xfe ok')")
    assert result.stdout_tail.startswith("caf\N{REPLACEMENT CHARACTER}")
    assert result.stdout_tail.endswith(" ok")


def test_nobody_types(world: World) -> None:
    assert world.run("sh", "-c", "read line && echo got $line || echo nobody").stdout_tail == "nobody\n"


def test_the_folder_and_the_variables_of_a_command(world: World) -> None:
    (world.workspace.app / "server").mkdir()
    result = world.run("sh", "-c", "pwd; echo $COLOUR", cwd="server", env={"COLOUR": "blue"})
    where, colour = result.stdout_tail.split()
    assert where.endswith("/app/server")
    assert colour == "blue"


# ---------------------------------------------------------------------- environment


def test_no_key_of_ours_reaches_the_app(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    planted = {
        "ANTHROPIC_API_KEY": "sk-planted-1", "DATABRICKS_TOKEN": "dapi-planted-2", "AWS_SECRET_ACCESS_KEY": "planted-3",
        "GITHUB_TOKEN": "ghp-planted-4", "npm_config__authToken": "planted-5", "NODE_OPTIONS": "--require=/planted-6",
        "MLFLOW_TRACKING_URI": "http://planted-7", "SLACK_WEBHOOK_URL": "http://planted-8", "PYTHONPATH": "/planted-9",
        "HTTPS_PROXY": "http://user:planted-10@proxy:3128", "DATABRICKS_HOST": "planted-11",
    }  # fmt: skip
    for key, value in planted.items():
        monkeypatch.setenv(key, value)
    result = world.run("env")
    assert result.ok
    assert "planted" not in result.stdout_tail
    inside = dict(line.split("=", 1) for line in result.stdout_tail.splitlines() if "=" in line)
    assert "PATH" in inside


def test_home_and_tmpdir_are_private_and_writable(world: World, make_world: MakeWorld) -> None:
    show = "echo $HOME; echo $TMPDIR; touch $HOME/mine $TMPDIR/mine && ls $HOME $TMPDIR"
    mine, other = (w.run("sh", "-c", show).stdout_tail.splitlines() for w in (world, make_world()))
    assert mine[0] != other[0]
    assert mine[1] != other[1]
    assert mine[0] != os.environ.get("HOME")
    assert mine.count("mine") == other.count("mine") == 2
    assert (world.workspace.home / "mine").exists()
    assert (world.workspace.tmp / "mine").exists()


# ---------------------------------------------------------------------- time and processes


def test_a_command_over_its_time_is_ended_with_all_its_children(world: World) -> None:
    begin = time.monotonic()
    result = world.script(FAMILY.format(then="time.sleep(600)"), timeout=1.0)
    assert (result.exit_code, result.timed_out, result.killed_by, result.ok) == (None, True, "time", False)
    assert time.monotonic() - begin < 6
    all_gone(world, pids_in(result.stdout_tail), 5)


def test_children_left_in_the_background_are_ended(world: World) -> None:
    result = world.script(FAMILY.format(then="time.sleep(0.1)"))
    assert result.ok
    all_gone(world, pids_in(result.stdout_tail), 5)


def test_a_daemon_is_found_and_ended(world: World) -> None:
    result = world.script(DAEMON)
    assert result.ok
    all_gone(world, pids_in(result.stdout_tail), 1)


def test_a_daemon_of_a_command_over_its_time_is_ended(world: World) -> None:
    result = world.script(DAEMON + "\ntime.sleep(600)", timeout=1.0)
    assert result.killed_by == "time"
    all_gone(world, pids_in(result.stdout_tail), 1)


def test_a_child_that_holds_the_pipes_does_not_hold_us(world: World) -> None:
    begin = time.monotonic()
    result = world.run("sh", "-c", "sleep 600 & echo done")
    assert result.stdout_tail == "done\n"
    assert time.monotonic() - begin < 4


def test_what_forks_on_and_on_is_ended(world: World) -> None:
    """Each generation leaves its group, starts the next one, and exits: 3,000 at most."""
    comet = """
import os, time
os.setsid() if os.fork() == 0 else os._exit(0)
for i in range(3000):
    if os.fork(): os._exit(0)
    os.setsid()
    time.sleep(0.005)
"""
    result = world.script(comet)
    assert result.ok
    until(lambda: world.left() == [], 3)


def test_cancel_ends_the_process_and_raises(world: World) -> None:
    raised: list[BaseException] = []

    def run() -> None:
        try:
            world.script("import os, time; open('pid', 'w').write(str(os.getpid())); time.sleep(600)")
        except BaseException as error:  # noqa: BLE001 - looked at below
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    path = world.workspace.app / "pid"
    pid = int(until(lambda: path.read_text() if path.exists() else ""))
    world.cancel.set()
    thread.join(5)
    assert not thread.is_alive()
    assert [type(error) for error in raised] == [Cancelled]
    all_gone(world, [pid], 1)
    with pytest.raises(Cancelled):
        world.run("true")


def test_a_command_that_is_not_installed_is_our_trouble(world: World) -> None:
    with pytest.raises(HarnessError, match="no-such-program-7f3a") as raised:
        world.run("no-such-program-7f3a")
    assert raised.value.code == "harness.no_tool"


def test_a_program_of_the_app_that_is_missing_is_a_value(world: World) -> None:
    assert world.run("./node_modules/.bin/missing").exit_code in (126, 127)


# ---------------------------------------------------------------------- output, disk, memory


def test_endless_output_is_bounded_and_does_not_stop_the_command(make_world: MakeWorld) -> None:
    world = make_world(max_output=100_000)
    result = world.script("import sys\nfor _ in range(300): sys.stdout.write('x' * 99_999 + '\\n')\nprint('the end')")
    assert result.ok
    assert result.stdout_tail.endswith("the end\n")
    log = world.log(result)
    assert 100_000 <= len(log) < 101_000
    assert "longer than the limit" in log


def test_output_without_end_meets_the_time_limit(make_world: MakeWorld) -> None:
    world = make_world(max_output=100_000)
    result = world.run("yes", timeout=0.5)
    assert result.killed_by == "time"
    assert len(world.log(result)) < 101_000


def test_one_huge_line(world: World) -> None:
    result = world.script("import sys; sys.stdout.write('y' * 30_000_000 + 'z')")
    assert result.ok
    assert result.stdout_tail.endswith("yyz")
    assert len(result.stdout_tail) < 20_000
    assert (world.settings.run_dir / result.log).stat().st_size < world.settings.max_output + 1000


def test_a_file_cannot_grow_beyond_the_limit(make_world: MakeWorld) -> None:
    world = make_world(max_file=1_000_000)
    result = world.script("with open('big', 'wb') as f:\n  for _ in range(50): f.write(b'x' * 100_000); f.flush()")
    assert not result.ok
    assert (world.workspace.app / "big").stat().st_size <= 1_000_000


def test_memory_is_limited(make_world: MakeWorld) -> None:
    world = make_world(max_memory=200_000_000)
    hungry = "import time\nheld = []\nfor _ in range(20):\n  held.append(bytearray(b'x' * 50_000_000)); time.sleep(0.1)"
    result = world.script(hungry)
    assert (result.killed_by, result.exit_code, result.ok) == ("memory", None, False)


def test_memory_of_what_left_the_group_counts(make_world: MakeWorld) -> None:
    world = make_world(max_memory=200_000_000)
    hungry = """
import os, time
if os.fork() == 0:
    os.setsid()
    held = []
    for _ in range(20): held.append(bytearray(b'x' * 50_000_000)); time.sleep(0.1)
    os._exit(0)
os.wait()
"""
    assert world.script(hungry).killed_by == "memory"


@pytest.mark.parametrize("leave", ["", "os.setsid()"])
def test_the_number_of_processes_is_limited(make_world: MakeWorld, leave: str) -> None:
    world = make_world(max_processes=20)
    many = f"""
import os, time
for i in range(60):
    if os.fork() == 0:
        {leave or "pass"}
        time.sleep(20)
        os._exit(0)
    print(i, flush=True)
os.wait()
"""
    result = world.script(many)
    assert not result.ok
    refused = len(pids_in(result.stdout_tail)) < 20  # by the kernel, and the program took it as an error of its own
    assert refused or (result.killed_by, result.exit_code) == ("processes", None)


# ---------------------------------------------------------------------- servers


def test_a_server_is_seen_and_stopped(world: World) -> None:
    server = world.serve("python3", world.program(SERVER.format(before="")))
    port = until(server.ports)[0]
    base = server.base(port)
    assert httpx.get(base, timeout=5).text == "hello"
    assert server.addresses(port) == ("127.0.0.1",)
    assert server.alive()
    assert server.exit_code() is None
    until(lambda: server.tail() == f"listening on {port}")
    stopped = server.stop()
    assert (stopped.alive, stopped.killed) == (True, False)
    assert stopped.seconds < 3
    assert server.stop() == stopped
    assert not server.alive()
    assert server.ports() == ()
    with pytest.raises(httpx.TransportError):
        httpx.get(base, timeout=2)


def test_a_server_that_ignores_sigterm_is_killed_after_a_grace(world: World) -> None:
    program = world.program(SERVER.format(before="signal.signal(signal.SIGTERM, signal.SIG_IGN)"))
    server = world.serve("python3", program)
    until(server.ports)
    stopped = server.stop()
    assert (stopped.alive, stopped.killed) == (True, True)
    assert 1 < stopped.seconds < 8


def test_a_server_gets_the_time_to_say_goodbye(world: World) -> None:
    before = """
def bye(*_):
    time.sleep(0.3); open("goodbye", "w").close(); os._exit(0)
signal.signal(signal.SIGTERM, bye)
"""
    server = world.serve("python3", world.program(SERVER.format(before=before)))
    until(server.ports)
    assert not server.stop().killed
    assert (world.workspace.app / "goodbye").exists()


def test_a_port_of_a_grandchild_is_found(world: World) -> None:
    world.program(SERVER.format(before=""), "inner.py")
    server = world.serve("sh", "-c", "sh -c 'python3 inner.py'; true")
    assert len(until(server.ports)) == 1
    assert server.stop().alive


def test_a_server_on_all_addresses_and_ipv6_is_found(world: World) -> None:
    program = world.program("""
import socket, time
a = socket.create_server(("", 0)); b = socket.create_server(("::", 0), family=socket.AF_INET6)
time.sleep(600)
""")
    server = world.serve("python3", program)
    until(lambda: len(server.ports()) == 2)
    server.stop()


def test_a_server_that_ends_by_itself_was_not_alive(world: World) -> None:
    server = world.serve("sh", "-c", "echo sorry >&2; sleep 600 & exit 4")
    until(lambda: not server.alive())
    assert server.exit_code() == 4
    stopped = server.stop()
    assert (stopped.alive, stopped.exit_code) == (False, 4)
    assert server.tail() == "sorry"
    until(lambda: world.left() == [], 3)


def test_close_ends_the_servers(world: World) -> None:
    servers = [world.serve("python3", world.program(SERVER.format(before=""))) for _ in range(2)]
    for server in servers:
        until(server.ports)
    world.sandbox.close()
    assert [server.alive() for server in servers] == [False, False]
    world.sandbox.close()


def test_a_server_that_talks_much_does_not_stand_still(make_world: MakeWorld) -> None:
    world = make_world(max_output=50_000)
    before = "sys.stdout.write('z' * 5_000_000 + '\\n'); sys.stdout.flush()"
    server = world.serve("python3", world.program(SERVER.format(before=before)))
    assert until(server.ports)
    assert server.stop().alive


def test_a_stranger_is_not_touched(world: World) -> None:
    """A process of somebody else in the same folder, with the same name, lives on."""
    import subprocess

    program = world.program("import time; time.sleep(60)", "shared.py")
    stranger = subprocess.Popen(["python3", program], cwd=world.workspace.app, start_new_session=True)
    try:
        world.run("python3", program, timeout=0.3)
        world.sandbox.close()
        assert stranger.poll() is None
    finally:
        stranger.send_signal(signal.SIGKILL)
        stranger.wait()
