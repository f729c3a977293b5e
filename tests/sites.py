"""Small servers in this process that a browser visits, and what visits them."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from fixtures.evidence import StageResult
from fixtures.running.asking import Answer
from fixtures.running.serving import Serving
from fixtures.sandbox.base import Listener, Server, Stopped
from tests.world import World

HTML = "text/html; charset=utf-8"


@dataclass
class Reply:
    body: bytes
    status: int = 200
    kind: str = HTML
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0


class _Nothing:
    """The process behind these servers is this one: nothing to stop."""

    def alive(self) -> bool:
        return True

    def exit_code(self) -> int | None:
        return None

    def killed_by(self) -> str | None:
        return None

    def ports(self) -> tuple[int, ...]:
        return ()

    def addresses(self, port: int) -> tuple[str, ...]:
        assert port
        return ()

    def reaches(self, port: int) -> bool:
        return port > 0

    def base(self, port: int) -> str:
        return f"http://127.0.0.1:{port}"

    def listener(self, port: int) -> Listener | None:
        assert port
        return None

    def tail(self) -> str:
        return ""

    def stop(self) -> Stopped:
        return Stopped(True, None, 0.0, False)


class Site:
    """A server in this process; `pages` maps paths to replies, and `asked` remembers requests with their headers."""

    def __init__(self) -> None:
        site = self
        self.pages: dict[str, Reply] = {}
        self.asked: list[tuple[str, Mapping[str, str]]] = []
        self.release = threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append((self.path, dict(self.headers)))
                reply = site.pages.get(self.path, Reply(b"not found", 404, "text/plain"))
                if reply.delay:
                    site.release.wait(reply.delay)
                try:
                    if reply.status == 0:
                        self.connection.close()
                        return
                    self.send_response(reply.status)
                    self.send_header("content-type", reply.kind)
                    for key, value in reply.headers.items():
                        self.send_header(key, value)
                    self.send_header("content-length", str(len(reply.body)))
                    self.end_headers()
                    self.wfile.write(reply.body)
                except (OSError, ValueError):
                    return

            def log_message(self, *_: object) -> None:
                return

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a browser may hang up
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def serving(self) -> Serving:
        port = self.server.server_port
        server: Server = _Nothing()
        headers = {"x-forwarded-email": "appeval@example.com", "x-forwarded-access-token": "dummy-token"}
        return Serving(server, port, self.base, Answer("/health", 200, 0.0), 0.1, port, headers)

    def close(self) -> None:
        self.release.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


#: Loads `/` (and other paths) in the page stage of a world and gives the world.
Visit = Callable[..., World]


def visitor(world: World, site: Site) -> Visit:
    """A function that loads `/` of a site (its other paths given as a mapping) in the page stage of this world."""

    def look(html: str | Reply, others: Mapping[str, Reply] | None = None, limit: float = 60) -> World:
        site.pages = {"/": html if isinstance(html, Reply) else Reply(html.encode()), **(others or {})}
        world.live["serving"] = site.serving()
        world.results.setdefault("start", StageResult("start", True, 0.1, started=time.time()))
        world.stage("page", limit)
        return world

    return look
