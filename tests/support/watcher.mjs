// A process that watches a store from a position on, and prints a line for each change: its position,
// its kind, the id, and the numbers of its events.

import { open } from "tenure";

const [url, from, keepAlive] = process.argv.slice(2);
const sessions = await open(url);
const watch = sessions.watch({}, { from: Number(from), keepAlive: keepAlive !== "no" });
process.stdout.write("watching\n");
for await (const { position, kind, id, events } of watch) {
  const numbers = (events ?? []).map(({ sequence }) => sequence).join(",");
  process.stdout.write(`${position} ${kind} ${id} ${numbers}\n`);
}
