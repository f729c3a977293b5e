// A small AppKit app as a generator writes it: the analytics plugin over config/queries, and one route of its own.
import { analytics, createApp, server } from '@databricks/appkit';

await createApp({
  plugins: [server(), analytics({})],
  onPluginsReady(appkit) {
    appkit.server.extend((app) => {
      app.get('/api/largest', async (_req, res) => {
        const { data } = await appkit.analytics.query(
          'SELECT r_name, count(*) AS nations FROM samples.tpch.region ' +
            'JOIN samples.tpch.nation ON n_regionkey = r_regionkey GROUP BY r_name ORDER BY r_name LIMIT 1',
        );
        res.json(data);
      });
    });
  },
});
