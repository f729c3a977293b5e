import { useEffect, useState } from "react";

export type QueryState<T> =
  | { status: "loading" }
  | { status: "failed"; message: string }
  | { status: "ready"; data: T };

/** Runs `load` once, when the component appears. `load` must be a stable function. */
export function useQuery<T>(load: () => Promise<T>): QueryState<T> {
  const [state, setState] = useState<QueryState<T>>({ status: "loading" });

  useEffect(() => {
    let current = true;
    load().then(
      (data) => {
        if (current) setState({ status: "ready", data });
      },
      (error: unknown) => {
        const message = error instanceof Error ? error.message : String(error);
        if (current) setState({ status: "failed", message });
      },
    );
    return () => {
      current = false;
    };
  }, [load]);

  return state;
}
