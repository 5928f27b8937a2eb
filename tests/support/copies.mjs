// A process with several copies of the package, which share a store: one in this thread, one in a
// second copy of the folder, and one of each in worker threads. Each appends to session `a`,
// synchronously and asynchronously in turn, and opens the store again and again. Every copy prints
// the number of its acknowledged events at the end.

import { isMainThread, Worker, workerData } from "node:worker_threads";

const [url, count, ...copies] = isMainThread ? process.argv.slice(2) : workerData;

/** Appends to the session with the copy of the package at a path. */
async function append(copy) {
  const { open, openSync } = await import(copy);
  const sync = openSync(url);
  let acknowledged = 0;
  for (let round = 0; round < Number(count) / 10; round += 1) {
    // Opening and closing a second handle must not end the locks of others.
    const sessions = await open(url);
    for (let i = 0; i < 5; i += 1) {
      sync.incrementIteration("a");
      await sessions.incrementIteration("a");
      acknowledged += 2;
    }
    await sessions.close();
  }
  sync.close();
  process.stdout.write(`${acknowledged}\n`);
}

if (isMainThread) {
  const workers = copies.map((copy) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: [url, count, copy] });
    return new Promise((resolve, reject) => worker.on("exit", resolve).on("error", reject));
  });
  await Promise.all([...copies.map(append), ...workers]);
} else {
  await append(copies[0]);
}
