import { createCallerFactory, publicProcedure, router } from "./trpc.js";

export const appRouter = router({
  healthcheck: publicProcedure.query(({ ctx }) => ({
    status: "ok" as const,
    warehouse: ctx.warehouse.configured ? ("configured" as const) : ("not configured" as const),
    timestamp: new Date().toISOString(),
  })),
});

export type AppRouter = typeof appRouter;

export const createCaller = createCallerFactory(appRouter);
