'use strict';
// Asks one statement through the `@databricks/sql` of the folder that it runs in, once for every line of standard input,
// and answers each with a line: milliseconds from executeStatement to the closed operation, and the number of rows.
// The first line is JSON: `connect` (what goes to DBSQLClient#connect) and `statement`.
const { createRequire } = require('module');
const { DBSQLClient, DBSQLLogger, LogLevel } = createRequire(`${process.cwd()}/`)('@databricks/sql');
const lines = require('readline').createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function main() {
  const { connect, statement } = JSON.parse((await lines.next()).value);
  const client = new DBSQLClient({ logger: new DBSQLLogger({ level: LogLevel.error }) });
  client.on('error', () => {});
  const connection = await client.connect({ telemetryEnabled: false, ...connect });
  const session = await connection.openSession();
  while (!(await lines.next()).done) {
    const begin = process.hrtime.bigint();
    const operation = await session.executeStatement(statement);
    const rows = await operation.fetchAll();
    await operation.close();
    const ms = Number(process.hrtime.bigint() - begin) / 1e6;
    process.stdout.write(`${JSON.stringify({ ms, rows: rows.length })}\n`);
  }
  await session.close();
  await connection.close();
}

main().then(() => process.exit(0));
