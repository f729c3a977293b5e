import { createTRPCClient, httpLink } from "@trpc/client";

import type { AppRouter } from "../../server/src/router.js";

export const trpc = createTRPCClient<AppRouter>({
  links: [httpLink({ url: "/api/trpc" })],
});
