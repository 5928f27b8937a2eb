// Stores in the PostgreSQL server of the tests, each in a schema of its own. The server is thrown away with all of
// them.

let last = 0;

/** The URL of a new store, with further parameters such as `pool_max=1`. */
export function newPostgres(...parameters: readonly string[]): string {
  const server = process.env.TENURE_TEST_POSTGRES;
  if (!server) {
    throw new Error(
      "TENURE_TEST_POSTGRES is not set: run the tests with `npm test`, or with `node scripts/postgres.mjs npx vitest ...`",
    );
  }
  last += 1;
  const schema = `schema=t_${process.pid}_${process.env.VITEST_WORKER_ID ?? 0}_${last}`;
  return `${server}?${[schema, ...parameters].join("&")}`;
}

/** Opens a new store with `open`. */
export function openerOf<Options, Handle>(
  open: (url: string, options?: Options) => Handle,
): (options?: Options) => Handle {
  // Each handle of a test has its own connections.
  return (options) => open(newPostgres("pool_max=4"), options);
}
