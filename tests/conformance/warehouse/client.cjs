'use strict';
// Asks statements through the real `@databricks/sql` of the folder that it runs in. Standard input: JSON with `connect`
// (what goes to DBSQLClient#connect) and `asks` (statement, options, arrow, concurrently, cancelAfter). Output: JSON.
const { createRequire } = require('module');
const fromHere = createRequire(`${process.cwd()}/`);
const { DBSQLClient, DBSQLLogger, LogLevel, DBSQLParameter } = fromHere('@databricks/sql');

const plain = (value) => {
  if (typeof value === 'bigint') return { bigint: value.toString() };
  if (value instanceof Date) return { date: value.toISOString() };
  if (Buffer.isBuffer(value)) return { binary: value.toString('base64') };
  if (typeof value === 'number' && !Number.isFinite(value)) return { number: String(value) };
  if (Array.isArray(value)) return value.map(plain);
  if (value && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]));
  return value;
};
const bound = (value) => (value && typeof value === 'object' && value.type ? new DBSQLParameter(value) : value);
const parameters = (options = {}) => {
  const made = { ...options };
  if (made.namedParameters) {
    made.namedParameters = Object.fromEntries(Object.entries(made.namedParameters).map(([k, v]) => [k, bound(v)]));
  }
  if (made.ordinalParameters) made.ordinalParameters = made.ordinalParameters.map(bound);
  return made;
};

async function ask(session, { statement, options, cancelAfter, countOnly }) {
  const begin = process.hrtime.bigint();
  try {
    const operation = await session.executeStatement(statement, parameters(options));
    if (cancelAfter !== undefined) {
      setTimeout(() => operation.cancel().catch(() => {}), cancelAfter);
    }
    const rows = await operation.fetchAll();
    const schema = await operation.getSchema();
    await operation.close();
    const ms = Number(process.hrtime.bigint() - begin) / 1e6;
    const columns = (schema?.columns ?? []).map((column) => column.columnName);
    return countOnly ? { count: rows.length, ms, columns } : { rows: rows.map(plain), ms, columns };
  } catch (error) {
    return { error: String(error?.message ?? error), name: error?.constructor?.name, sqlState: error?.response?.sqlState };
  }
}

async function main() {
  const { connect, asks, concurrently, sessions = 1 } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
  const client = new DBSQLClient({ logger: new DBSQLLogger({ level: LogLevel.error }) });
  client.on('error', () => {});
  let answers;
  try {
    const connection = await client.connect({ telemetryEnabled: false, ...connect });
    const opened = await Promise.all(Array.from({ length: sessions }, () => connection.openSession()));
    answers = [];
    if (concurrently) {
      answers = await Promise.all(asks.map((one, index) => ask(opened[index % opened.length], one)));
    } else {
      for (const one of asks) answers.push(await ask(opened[0], one));
    }
    await Promise.all(opened.map((session) => session.close()));
    await connection.close();
  } catch (error) {
    answers = [{ error: String(error?.message ?? error), name: error?.constructor?.name, connecting: true }];
  }
  process.stdout.write(JSON.stringify(answers));
}

main().then(() => process.exit(0));
