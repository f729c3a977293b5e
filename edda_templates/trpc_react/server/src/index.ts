import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { createApp } from "./app.js";
import { loadConfig } from "./config.js";
import { DatabricksWarehouse } from "./warehouse.js";

const SHUTDOWN_GRACE_MS = 5_000;

// Variables that are already set win over those of the file.
const envFile = fileURLToPath(new URL("../../.env", import.meta.url));
if (existsSync(envFile)) {
  process.loadEnvFile(envFile);
}

const config = loadConfig(process.env);
const warehouse = new DatabricksWarehouse(config.warehouse);

const server = createApp({ warehouse }).listen(config.port, "0.0.0.0", (error?: Error) => {
  if (error) {
    console.error(error.message);
    process.exit(1);
  }
  console.log(`Listening on http://0.0.0.0:${config.port}`);
});

function shutDown(): void {
  setTimeout(() => process.exit(1), SHUTDOWN_GRACE_MS).unref();
  server.close(() => {
    warehouse
      .close()
      .catch((error: unknown) => console.error("closing the warehouse:", error))
      .finally(() => process.exit(0));
  });
  server.closeIdleConnections();
}

process.once("SIGTERM", shutDown);
process.once("SIGINT", shutDown);
