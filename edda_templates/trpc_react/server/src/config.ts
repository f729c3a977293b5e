import { z } from "zod";

/** An empty line in a .env file means "not set". */
const optional = z
  .string()
  .trim()
  .optional()
  .transform((value) => value || undefined);

const environmentSchema = z.object({
  PORT: optional,
  DATABRICKS_APP_PORT: optional,
  DATABRICKS_HOST: optional,
  DATABRICKS_WAREHOUSE_ID: optional,
  DATABRICKS_TOKEN: optional,
  DATABRICKS_CLIENT_ID: optional,
  DATABRICKS_CLIENT_SECRET: optional,
});

const portSchema = z.coerce.number().int().min(0).max(65535);

const DEFAULT_PORT = 8000;

export type WarehouseCredentials =
  | { kind: "token"; token: string }
  | { kind: "oauth"; clientId: string; clientSecret: string };

export interface WarehouseConfig {
  host: string;
  port: number;
  path: string;
  credentials: WarehouseCredentials;
}

export interface Config {
  port: number;
  /** Undefined while the Databricks variables are incomplete: the server runs, its queries fail. */
  warehouse: WarehouseConfig | undefined;
}

/** Accepts `host`, `host:port` and both with a scheme, as the platform and people write it. */
export function parseHost(host: string): { host: string; port: number } {
  const address = host.includes("://") ? host : `https://${host}`;
  if (!URL.canParse(address)) {
    throw new Error(`DATABRICKS_HOST is not a host name: ${host}`);
  }
  const url = new URL(address);
  return { host: url.hostname, port: url.port ? Number(url.port) : 443 };
}

export function loadConfig(environment: NodeJS.ProcessEnv): Config {
  const env = environmentSchema.parse(environment);
  const port = portSchema.parse(env.PORT ?? env.DATABRICKS_APP_PORT ?? DEFAULT_PORT);

  const credentials: WarehouseCredentials | undefined = env.DATABRICKS_TOKEN
    ? { kind: "token", token: env.DATABRICKS_TOKEN }
    : env.DATABRICKS_CLIENT_ID && env.DATABRICKS_CLIENT_SECRET
      ? {
          kind: "oauth",
          clientId: env.DATABRICKS_CLIENT_ID,
          clientSecret: env.DATABRICKS_CLIENT_SECRET,
        }
      : undefined;

  if (!env.DATABRICKS_HOST || !env.DATABRICKS_WAREHOUSE_ID || !credentials) {
    return { port, warehouse: undefined };
  }
  return {
    port,
    warehouse: {
      ...parseHost(env.DATABRICKS_HOST),
      path: `/sql/1.0/warehouses/${env.DATABRICKS_WAREHOUSE_ID}`,
      credentials,
    },
  };
}
