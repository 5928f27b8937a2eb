// The complete module in a page: what the browser's own module leaves out.

// Loaded first, before the browser's own module.
import "../support/complete.js";
import { copy, getSessionManager } from "tenure";
import { expect, it } from "vitest";
import { newDatabase } from "../support/indexeddb.js";
import { opening } from "../support/stores.js";

it("copies from and to IndexedDB", async () => {
  const memory = await opening("memory:");
  for (let n = 0; n < 30; n += 1) {
    const { id } = await memory.start({ mode: "m", task: "t", idempotencyKey: `k${n}` });
    await memory.addEvent(id, "note", { n });
  }
  const [first, second] = [`indexeddb:${newDatabase()}`, `indexeddb:${newDatabase()}`];
  expect(await copy(memory, first)).toMatchObject({ sessions: 30, differing: 0 });
  expect(await copy(first, second)).toMatchObject({ sessions: 30, differing: 0 });
  expect(await copy(second, memory)).toMatchObject({ sessions: 0, same: 30, differing: 0 });
});

it("queues changes of an IndexedDB store for endpoints of webhooks, and attempts them", async () => {
  const sessions = await opening(`indexeddb:${newDatabase()}`);
  // Nothing listens there, and a page may not reach it.
  await sessions.webhooks.add({ id: "bot", url: "http://127.0.0.1:1/hooks" });
  const { id } = await sessions.start({ mode: "m", task: "t" });
  await sessions.complete(id);
  const attempted = await sessions.webhooks.deliver({ allowPrivate: true });
  // The second waits until the first has arrived.
  expect(attempted).toEqual({
    delivered: 0,
    retried: 1,
    failed: 0,
    disabled: [],
    failing: [{ endpoint: "bot", problem: expect.any(String) }],
    problem: null,
  });
  expect(await sessions.webhooks.deliver()).toMatchObject({ retried: 0 });
  expect(await sessions.webhooks.remove("bot")).toEqual({ removed: true, dropped: 2 });
});

it("deduplicates runs, and registers virtual machines", async () => {
  const sessions = await opening("memory:");
  const run = { eventType: "push", workflow: "CI", commitSha: "0123456789abcdef" };
  expect(await sessions.dedup.admit({ ...run, runId: "1" })).toMatchObject({ skip: false });
  expect(await sessions.dedup.check(run)).toMatchObject({ skip: true });
  expect(await getSessionManager().orphans()).toEqual([]);
});
