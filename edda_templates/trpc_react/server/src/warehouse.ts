import { DBSQLClient, DBSQLLogger, LogLevel } from "@databricks/sql";

import type { WarehouseConfig } from "./config.js";
import type { QueryParameters, Warehouse } from "./trpc.js";

type Connection = Awaited<ReturnType<DBSQLClient["connect"]>>;

const QUERY_TIMEOUT_MS = 60_000;
const RETRY_TIMEOUT_MS = 20_000;
const MAX_ATTEMPTS = 3;

export class WarehouseError extends Error {
  override name = "WarehouseError";
}

/** A Databricks SQL warehouse. Connects at the first query, with one session per query. */
export class DatabricksWarehouse implements Warehouse {
  readonly configured: boolean;
  readonly #config: WarehouseConfig | undefined;
  #connection: Promise<Connection> | undefined;

  constructor(config: WarehouseConfig | undefined) {
    this.#config = config;
    this.configured = config !== undefined;
  }

  async query(statement: string, parameters: QueryParameters = {}): Promise<unknown[]> {
    return withTimeout(this.#run(statement, parameters), QUERY_TIMEOUT_MS);
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection) {
      await (await connection).close();
    }
  }

  async #run(statement: string, parameters: QueryParameters): Promise<unknown[]> {
    const connection = await this.#connect();
    const session = await connection.openSession();
    try {
      const operation = await session.executeStatement(statement, { namedParameters: parameters });
      try {
        return await operation.fetchAll();
      } finally {
        await operation.close();
      }
    } finally {
      await session.close();
    }
  }

  #connect(): Promise<Connection> {
    if (!this.#config) {
      throw new WarehouseError(
        "The warehouse is not configured: set DATABRICKS_HOST, DATABRICKS_WAREHOUSE_ID and " +
          "either DATABRICKS_TOKEN or DATABRICKS_CLIENT_ID with DATABRICKS_CLIENT_SECRET",
      );
    }
    this.#connection ??= open(this.#config).catch((error: unknown) => {
      this.#connection = undefined;
      throw error;
    });
    return this.#connection;
  }
}

function open({ host, port, path, credentials }: WarehouseConfig): Promise<Connection> {
  const client = new DBSQLClient({ logger: new DBSQLLogger({ level: LogLevel.warn }) });
  // An "error" event without a listener would end the process.
  client.on("error", (error: Error) => console.error(`warehouse connection: ${error.message}`));
  return client.connect({
    host,
    port,
    path,
    retryMaxAttempts: MAX_ATTEMPTS,
    retriesTimeout: RETRY_TIMEOUT_MS,
    telemetryEnabled: false,
    ...(credentials.kind === "token"
      ? { token: credentials.token }
      : {
          authType: "databricks-oauth",
          oauthClientId: credentials.clientId,
          oauthClientSecret: credentials.clientSecret,
        }),
  });
}

async function withTimeout<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new WarehouseError(`The warehouse did not answer in ${milliseconds / 1000} s`)),
      milliseconds,
    );
  });
  try {
    return await Promise.race([work, expired]);
  } finally {
    clearTimeout(timer);
  }
}
