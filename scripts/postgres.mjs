// Runs a command with a throw-away PostgreSQL server, whose address is in TENURE_TEST_POSTGRES:
//
//   node scripts/postgres.mjs cargo test -p tenure-postgres

import { ensurePostgres, startPostgres } from "./lib/postgres.mjs";
import { handOver, main, Problem } from "./lib/run.mjs";

await main(async () => {
  const [command, ...args] = process.argv.slice(2);
  if (command === undefined)
    throw new Problem("name a command, such as cargo test -p tenure-postgres");
  const { env, stop } = await startPostgres(await ensurePostgres());
  try {
    return await handOver(command, args, { env });
  } finally {
    stop();
  }
});
