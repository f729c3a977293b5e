import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { FakeWarehouse, withServer } from "./support.js";

let publicDir: string;

before(async () => {
  publicDir = await mkdtemp(join(tmpdir(), "page-"));
  await writeFile(join(publicDir, "index.html"), "<!doctype html><title>page</title>");
});

after(() => rm(publicDir, { recursive: true }));

test("GET /healthcheck answers JSON", async () => {
  await withServer({ warehouse: new FakeWarehouse(), publicDir }, async (origin) => {
    const response = await fetch(`${origin}/healthcheck`);
    assert.equal(response.status, 200);
    const body = (await response.json()) as Record<string, unknown>;
    assert.equal(body.status, "ok");
    assert.equal(body.warehouse, "configured");
  });
});

test("the healthcheck procedure is mounted under /api/trpc", async () => {
  await withServer({ warehouse: new FakeWarehouse(), publicDir }, async (origin) => {
    const response = await fetch(`${origin}/api/trpc/healthcheck`);
    assert.equal(response.status, 200);
    const body = (await response.json()) as { result: { data: { status: string } } };
    assert.equal(body.result.data.status, "ok");
  });
});

test("an unknown path under /api is a JSON 404, any other path is the page", async () => {
  await withServer({ warehouse: new FakeWarehouse(), publicDir }, async (origin) => {
    const api = await fetch(`${origin}/api/nowhere`);
    assert.equal(api.status, 404);
    assert.match(api.headers.get("content-type") ?? "", /application\/json/);

    const page = await fetch(`${origin}/some/view`);
    assert.equal(page.status, 200);
    assert.match(await page.text(), /<title>page<\/title>/);
  });
});
