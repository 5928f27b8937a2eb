// A thread of threads.js: writes with synchronous and asynchronous calls, awaited or not.

import { workerData } from "node:worker_threads";
import { open, openSync } from "tenure";

const { url, name: writer, writes } = workerData;
const sessions = await open(url);
const sync = openSync(url);

for (let n = 0; n < writes; n += 10) {
  const calls = Array.from({ length: 9 }, (_, i) =>
    sessions.addEvent("shared", "note", { writer, n: n + i }),
  );
  await Promise.all(calls);
  sync.addEvent("shared", "note", { writer, n: n + 9 });
  sync.start({ mode: "own", task: `${writer} ${n}` });
}
