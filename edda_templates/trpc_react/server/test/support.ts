import type { AddressInfo } from "node:net";

import { createApp, type AppOptions } from "../src/app.js";
import type { QueryParameters, Warehouse } from "../src/trpc.js";

/** A warehouse that answers from a function and remembers what it was asked. */
export class FakeWarehouse implements Warehouse {
  readonly configured = true;
  readonly statements: { statement: string; parameters: QueryParameters }[] = [];
  readonly #answer: (statement: string) => unknown[];

  constructor(answer: (statement: string) => unknown[] = () => []) {
    this.#answer = answer;
  }

  async query(statement: string, parameters: QueryParameters = {}): Promise<unknown[]> {
    this.statements.push({ statement, parameters });
    return this.#answer(statement);
  }

  async close(): Promise<void> {}
}

/** Serves the app on a free port for as long as `use` runs. */
export async function withServer(
  options: AppOptions,
  use: (origin: string) => Promise<void>,
): Promise<void> {
  const server = createApp(options).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    await use(`http://127.0.0.1:${port}`);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}
