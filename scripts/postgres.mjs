// Runs a command with a throw-away PostgreSQL server, whose address is in TENURE_TEST_POSTGRES:
//
//   node scripts/postgres.mjs cargo test -p tenure-postgres

import { ensurePostgres, startPostgres } from "./lib/postgres.mjs";
import { runBeside } from "./lib/with-server.mjs";

await runBeside(async () => startPostgres(await ensurePostgres()), "cargo test -p tenure-postgres");
