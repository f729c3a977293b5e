"""A server in this process that speaks the Messages API, as far as the vision judge uses it, and can misbehave."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

YES = {"not_blank": True, "no_visible_error": True, "some_content": True, "reason": "a table of deals"}


@dataclass
class Says:
    """One reply: a message of the API, or a status with an error. `hangs` seconds pass before it."""

    body: Mapping[str, Any]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    hangs: float = 0.0


def message(text: str, stop: str = "end_turn", **more: Any) -> Says:
    return Says({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-haiku-5-5", "stop_reason": stop,
        "stop_sequence": None, "content": [{"type": "text", "text": text}],
        "usage": {"input_tokens": 2000, "output_tokens": 100}, **more,
    })  # fmt: skip


def answer(**changed: Any) -> Says:
    return message(json.dumps({**YES, **changed}))


def refusal(status: int, kind: str, words: str = "no", **headers: str) -> Says:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Says({"type": "error", "error": {"type": kind, "message": words}}, status, named)


class MessagesApi:
    """`says` are its replies in order, the last for ever; `reply` decides by the request instead, if it is given."""

    def __init__(self) -> None:
        api = self
        self.says: list[Says] = [answer()]
        self.reply: Callable[[Mapping[str, Any]], Says] | None = None
        self.asked: list[Mapping[str, Any]] = []
        self.headers: list[Mapping[str, str]] = []
        self.release = threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = json.loads(self.rfile.read(int(self.headers["content-length"])))
                api.asked.append(raw)
                api.headers.append({k.lower(): v for k, v in self.headers.items()})
                says = api.reply(raw) if api.reply else api.says[min(len(api.asked), len(api.says)) - 1]
                if says.hangs:
                    api.release.wait(says.hangs)
                body = json.dumps(says.body).encode()
                try:
                    self.send_response(says.status)
                    for name, value in {"content-type": "application/json", **says.headers}.items():
                        self.send_header(name, value)
                    self.send_header("content-length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    return

            def log_message(self, *_: object) -> None:
                return

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.release.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
