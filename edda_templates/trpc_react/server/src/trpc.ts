import { initTRPC } from "@trpc/server";

export type QueryParameters = Record<string, string | number | boolean>;

/** What a procedure may ask of the data. Tests put a fake in its place. */
export interface Warehouse {
  readonly configured: boolean;
  /** Runs one statement and returns all its rows; rejects when the warehouse does not answer. */
  query(statement: string, parameters?: QueryParameters): Promise<unknown[]>;
  close(): Promise<void>;
}

export interface Context {
  warehouse: Warehouse;
}

const t = initTRPC.context<Context>().create({ isDev: false });

export const router = t.router;
export const publicProcedure = t.procedure;
export const createCallerFactory = t.createCallerFactory;
