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

it("deduplicates runs, and registers virtual machines", async () => {
  const sessions = await opening("memory:");
  const run = { eventType: "push", workflow: "CI", commitSha: "0123456789abcdef" };
  expect(await sessions.dedup.admit({ ...run, runId: "1" })).toMatchObject({ skip: false });
  expect(await sessions.dedup.check(run)).toMatchObject({ skip: true });
  expect(await getSessionManager().orphans()).toEqual([]);
});
