// A process that increments the iterations of session `a` in a store, synchronously or
// asynchronously, and prints the acknowledged number after each.

import { open, openSync } from "tenure";

const [url, mode, count] = process.argv.slice(2);
const sessions = mode === "sync" ? openSync(url) : await open(url);
for (let i = 0; i < Number(count); i += 1) {
  const { iterations } = await sessions.incrementIteration("a");
  process.stdout.write(`${iterations}\n`);
}
await sessions.close();
