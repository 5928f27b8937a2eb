// A PostgreSQL server for a part of the benchmark, with durable settings and its data on a disk.

import { durable, ensurePostgres, startPostgres } from "../../scripts/lib/postgres.mjs";

/** Calls `body` with a server, which is stopped afterwards. */
export async function withPostgres(body) {
  const server = await startPostgres(await ensurePostgres(), { settings: durable });
  try {
    return await body(server);
  } finally {
    server.stop();
  }
}

/** What a table of its measurements says of the server. */
export const settingsNote = `The server's settings: ${durable.join(", ")}. Client and server are on one machine.`;
