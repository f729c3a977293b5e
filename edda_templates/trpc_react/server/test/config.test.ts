import assert from "node:assert/strict";
import { test } from "node:test";

import { loadConfig, parseHost } from "../src/config.js";
import { createCaller } from "../src/router.js";
import { DatabricksWarehouse } from "../src/warehouse.js";

const ENVIRONMENT = {
  DATABRICKS_HOST: "workspace.example.com",
  DATABRICKS_WAREHOUSE_ID: "w1",
  DATABRICKS_TOKEN: "t",
};

test("PORT wins over DATABRICKS_APP_PORT, and 8000 is the default", () => {
  assert.equal(loadConfig({ PORT: "3000", DATABRICKS_APP_PORT: "4000" }).port, 3000);
  assert.equal(loadConfig({ PORT: "", DATABRICKS_APP_PORT: "4000" }).port, 4000);
  assert.equal(loadConfig({}).port, 8000);
});

test("a host is accepted with and without scheme and port", () => {
  assert.deepEqual(parseHost("https://workspace.example.com/"), {
    host: "workspace.example.com",
    port: 443,
  });
  assert.deepEqual(parseHost("localhost:8443"), { host: "localhost", port: 8443 });
  assert.throws(() => parseHost("<workspace>"), /DATABRICKS_HOST/);
});

test("a token wins over a service principal", () => {
  const both = { ...ENVIRONMENT, DATABRICKS_CLIENT_ID: "id", DATABRICKS_CLIENT_SECRET: "s" };
  assert.equal(loadConfig(both).warehouse?.credentials.kind, "token");
  assert.equal(loadConfig({ ...both, DATABRICKS_TOKEN: "" }).warehouse?.credentials.kind, "oauth");
});

test("the healthcheck says whether a warehouse is configured", async () => {
  const health = async (environment: NodeJS.ProcessEnv) => {
    const warehouse = new DatabricksWarehouse(loadConfig(environment).warehouse);
    return (await createCaller({ warehouse }).healthcheck()).warehouse;
  };
  assert.equal(await health(ENVIRONMENT), "configured");
  assert.equal(await health({ ...ENVIRONMENT, DATABRICKS_TOKEN: "" }), "not configured");
});

test("a query without configuration rejects and names the variables", async () => {
  const warehouse = new DatabricksWarehouse(undefined);
  await assert.rejects(warehouse.query("SELECT 1"), /DATABRICKS_WAREHOUSE_ID/);
});
