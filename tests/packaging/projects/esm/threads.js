// Two threads write to one database concurrently; this one prints the final state.

import { Worker } from "node:worker_threads";
import { open } from "tenure";

const url = "sqlite:./threads.db";
const writes = 200;

const sessions = await open(url);
await sessions.start({ id: "shared", mode: "counter", task: "Count" });

const ended = ["a", "b"].map((name) => {
  const worker = new Worker(new URL("./writer.js", import.meta.url), {
    workerData: { url, name, writes },
  });
  return new Promise((resolve, reject) => {
    worker.once("error", reject);
    worker.once("exit", resolve);
  });
});
const codes = await Promise.all(ended);

const { items } = await sessions.events("shared", { limit: 1000 });
const inOrder = (writer) =>
  items
    .filter(({ data }) => data.writer === writer)
    .every(({ data }, i, all) => data.n === i && all.length === writes);
console.log(
  JSON.stringify({
    codes,
    events: items.length,
    inOrder: ["a", "b"].map(inOrder),
    own: (await sessions.stats({ mode: "own" })).total,
  }),
);
