import { trpc } from "./trpc";
import { useQuery } from "./useQuery";

const loadHealth = () => trpc.healthcheck.query();

export function App() {
  const health = useQuery(loadHealth);

  return (
    <main className="page">
      <header>
        <h1>Databricks app starter</h1>
        <p className="lead">
          A React page, a typed tRPC server and a Databricks SQL warehouse. Describe the app that
          you want, and build it from here.
        </p>
      </header>

      <section className="card" aria-label="Status">
        <h2>Status</h2>
        <p>
          <span className={`dot ${health.status}`} aria-hidden="true" />
          Server: {SERVER_STATUS[health.status]}
        </p>
        {health.status === "ready" && <p className="detail">Warehouse: {health.data.warehouse}</p>}
      </section>

      <section className="card">
        <h2>Where things are</h2>
        <dl>
          <dt>server/src/router.ts</dt>
          <dd>The procedures. Add one, and the client knows its types.</dd>
          <dt>server/src/warehouse.ts</dt>
          <dd>The connection to the SQL warehouse, for every procedure in its context.</dd>
          <dt>client/src/App.tsx</dt>
          <dd>This page.</dd>
        </dl>
      </section>
    </main>
  );
}

const SERVER_STATUS = {
  loading: "connecting …",
  ready: "connected",
  failed: "not connected",
} as const;
