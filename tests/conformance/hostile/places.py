"""What an evaluation must not give away or let itself be changed in: canaries, decoys, and who knocks where."""

from __future__ import annotations

import base64
import http.server
import os
import secrets
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: What a planted secret looks like, so that an attack can find one without knowing it.
CANARY = "appeval-canary-"
#: Names under which keys of ours lie in the environment of an evaluation.
KEYS = ("ANTHROPIC_API_KEY", "AWS_SECRET_ACCESS_KEY", "DATABRICKS_CLIENT_SECRET", "GITHUB_TOKEN", "NPM_TOKEN",
        "SLACK_WEBHOOK_URL")  # fmt: skip


def new_canary() -> str:
    return CANARY + secrets.token_hex(12)


def spellings(canary: str) -> tuple[bytes, ...]:
    """A canary as it is and as it may be disguised."""
    plain = canary.encode()
    return plain, base64.b64encode(plain)[:28], plain.hex().encode(), plain[::-1]


def containing(folder: Path, words: tuple[bytes, ...]) -> list[str]:
    """The files below a folder that hold one of these words, or bear it in their name."""
    found = []
    for path in sorted(folder.rglob("*")):
        held = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        if any(word in held or word in str(path).encode() for word in words):
            found.append(str(path.relative_to(folder)))
    return found


@dataclass(slots=True)
class Door:
    """A service of this machine that nobody invited: `knocks` are the requests that it got."""

    port: int
    knocks: list[str] = field(default_factory=list)


@contextmanager
def door() -> Iterator[Door]:
    """On all addresses of this machine, as databases of developers often are."""
    here = Door(0)

    class Service(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            here.knocks.append(self.path)
            self.send_response(404)
            self.end_headers()

        do_HEAD = do_POST = do_GET  # noqa: N815 - the names of http.server

        def log_message(self, *_: Any) -> None:
            return

    server = http.server.ThreadingHTTPServer(("0.0.0.0", 0), Service)  # noqa: S104 - that is the point
    here.port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield here
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def decoy(word: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of somebody else that bears a word by which an attack looks for it."""
    argv = ["sh", "-c", "sleep 600; true", word, "pytest"]
    process = subprocess.Popen(argv, start_new_session=True)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
