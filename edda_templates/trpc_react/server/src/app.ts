import { fileURLToPath } from "node:url";

import { createExpressMiddleware } from "@trpc/server/adapters/express";
import express, { type ErrorRequestHandler, type Express } from "express";

import { appRouter, createCaller } from "./router.js";
import type { Warehouse } from "./trpc.js";

/** Where the client's build puts the page: server/public, from src/ and from dist/ alike. */
const PUBLIC_DIR = fileURLToPath(new URL("../public", import.meta.url));

export interface AppOptions {
  warehouse: Warehouse;
  publicDir?: string;
}

/** The HTTP application, not yet listening. */
export function createApp({ warehouse, publicDir = PUBLIC_DIR }: AppOptions): Express {
  const app = express();
  app.disable("x-powered-by");

  app.get("/healthcheck", async (_request, response) => {
    response.json(await createCaller({ warehouse }).healthcheck());
  });

  app.use(
    "/api/trpc",
    createExpressMiddleware({
      router: appRouter,
      createContext: () => ({ warehouse }),
      onError: ({ path, error }) => console.error(`${path ?? "(no procedure)"}: ${error.message}`),
    }),
  );
  app.use("/api", (request, response) => {
    response.status(404).json({ error: `No such route: ${request.method} ${request.originalUrl}` });
  });

  app.use(express.static(publicDir));
  app.get("/{*path}", (_request, response) => {
    response.sendFile("index.html", { root: publicDir });
  });

  app.use(handleError);
  return app;
}

const handleError: ErrorRequestHandler = (error: { status?: number; message: string }, _request, response, next) => {
  if (response.headersSent) {
    next(error);
    return;
  }
  const status = error.status ?? 500;
  if (status >= 500) {
    console.error(error);
  }
  response.status(status).json({ error: status >= 500 ? "Internal server error" : error.message });
};
