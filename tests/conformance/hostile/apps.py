"""A small Node app that does everything right, and how an attack is made of it: other scripts, other files."""

from __future__ import annotations

import json
from collections.abc import Mapping

Files = dict[str, str]

SERVER = """\
const http = require("node:http");
const page = "<!doctype html><title>Stock</title><h1>Stock of the day</h1><p>Three apples and two pears.</p>";
const server = http.createServer((request, response) => {
  if (request.url === "/health") return response.end('{"status":"ok"}');
  if (request.url !== "/") return response.writeHead(404).end("no such page");
  response.setHeader("content-type", "text/html; charset=utf-8");
  response.end(page);
});
server.listen(Number(process.env.PORT || 8000), "0.0.0.0");
process.on("SIGTERM", () => process.exit(0));
"""
BUILD = 'require("node:fs").mkdirSync("dist", { recursive: true });\nrequire("node:fs").copyFileSync("server.js", "dist/server.js");\n'
TEST = 'const test = require("node:test");\ntest("apples are counted", () => require("node:assert").equal(1 + 2, 3));\n'
README = "# Stock\n\n## Set-up\n\n```sh\nnpm ci\nnpm run build\nnpm start\n```\n"
DOCKERFILE = """\
FROM node:22-slim
WORKDIR /app
COPY . .
ENV NODE_ENV=production
EXPOSE 8000
CMD ["node", "server.js"]
"""
#: By its own process, so that npm's wrapper need not pass a signal on.
START = "exec node server.js"


def app(
    name: str, *, scripts: Mapping[str, str] | None = None, dockerfile: str | None = None,
    files: Mapping[str, str] | None = None,
) -> Files:  # fmt: skip
    """The files of an app: the honest one with these scripts, this Dockerfile and these files instead of its own."""
    wanted = {"start": START, "build": "node build.js", "test": "node --test", **(scripts or {})}
    package = {"name": name, "version": "1.0.0", "private": True, "scripts": wanted}
    locked = {"name": name, "version": "1.0.0", "hasInstallScript": any("install" in script for script in wanted)}
    lock = {"name": name, "version": "1.0.0", "lockfileVersion": 3, "requires": True, "packages": {"": locked}}
    made = {
        "package.json": json.dumps(package, indent=2), "package-lock.json": json.dumps(lock, indent=2),
        "server.js": SERVER, "build.js": BUILD, "stock.test.js": TEST, "README.md": README,
        ".env.example": "PORT=8000\n", **({"Dockerfile": dockerfile} if dockerfile else {}), **(files or {}),
    }  # fmt: skip
    return {path: text for path, text in made.items() if text}
