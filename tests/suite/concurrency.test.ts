// Concurrent callers on one session: versions, repeated calls, and order.

import type { Sessions } from "tenure";
import { beforeEach, describe, expect, it } from "vitest";
import { code, failure } from "../support/failures.js";
import { everyStore } from "../support/stores.js";

describe.each(everyStore)("several callers %s", (_, open) => {
  let sessions: Sessions;
  let id: string;

  beforeEach(async () => {
    sessions = await open();
    ({ id } = await sessions.start({ task: "t", mode: "m" }));
  });

  it("change the version that they read, or get the current one in the error", async () => {
    expect((await sessions.pause(id, undefined, { ifVersion: 1 })).version).toBe(2);
    expect(await failure(sessions.resume(id, { ifVersion: 1 }))).toMatchObject({
      code: "VERSION_CONFLICT",
      details: { id, expected: 1, current: 2 },
    });
    expect((await sessions.resume(id, { ifVersion: 2 })).version).toBe(3);
    for (const call of [
      () => sessions.update(id, { task: "u" }, { ifVersion: 1 }),
      () => sessions.complete(id, "r", { ifVersion: 1 }),
      () => sessions.fail(id, "e", { ifVersion: 1 }),
      () => sessions.abandon(id, "r", { ifVersion: 1 }),
      () => sessions.addEvent(id, "x", {}, { ifVersion: 1 }),
      () => sessions.addEvents(id, [{ type: "x" }], { ifVersion: 1 }),
      () => sessions.incrementIteration(id, {}, { ifVersion: 1 }),
      () => sessions.recordToolCall(id, "x", {}, {}, { ifVersion: 1 }),
      () => sessions.recordLearning(id, "x", "f", { ifVersion: 1 }),
      () => sessions.recordUsage(id, { cost: 1 }, { ifVersion: 1 }),
      () => sessions.updateContext(id, {}, { ifVersion: 1 }),
      () => sessions.trash(id, { ifVersion: 1 }),
      () => sessions.restore(id, { ifVersion: 1 }),
    ]) {
      expect(await code(call()), String(call)).toBe("VERSION_CONFLICT");
    }
    expect(await sessions.get(id)).toMatchObject({ version: 3, eventCount: 3 });
  });

  it("append concurrently without losing anything, and finish a session once", async () => {
    const append = Array.from({ length: 20 }, (_, i) => sessions.addEvent(id, "note", { i }));
    const end = [sessions.complete(id, "a"), sessions.complete(id, "b"), sessions.fail(id, "c")];
    await Promise.all(append);
    const outcomes = await Promise.allSettled(end);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected"]);
    const session = await sessions.get(id, { history: "all" });
    expect(session).toMatchObject({ status: "completed", result: "a", eventCount: 22 });
  });

  it("repeat a start with the same key and get the same session", async () => {
    const params = { task: "t", mode: "m", idempotencyKey: "message-1" };
    const first = await sessions.start(params);
    await sessions.addEvent(first.id, "note");
    const same = await sessions.start(params);
    expect(same.id).toBe(first.id);
    expect(same.version).toBe(2);
    expect(await code(sessions.start({ ...params, task: "other" }))).toBe("IDEMPOTENCY_MISMATCH");
    expect((await sessions.stats()).total).toBe(2);
    await sessions.delete(first.id);
    expect((await sessions.start(params)).id).not.toBe(first.id);
  });

  it("repeat a change with the same key without a further change", async () => {
    const once = await sessions.addEvent(id, "note", { a: 1 }, { idempotencyKey: "k" });
    const again = await sessions.addEvent(id, "note", { a: 1 }, { idempotencyKey: "k" });
    expect(once.replayed).toBe(false);
    expect(again).toEqual({ ...once, replayed: true });
    expect(
      await failure(sessions.addEvent(id, "note", { a: 2 }, { idempotencyKey: "k" })),
    ).toMatchObject({ code: "IDEMPOTENCY_MISMATCH", details: { key: "k" } });
    expect(await code(sessions.pause(id, undefined, { idempotencyKey: "k" }))).toBe(
      "IDEMPOTENCY_MISMATCH",
    );
    await sessions.incrementIteration(id, undefined, { idempotencyKey: "i" });
    await sessions.incrementIteration(id, undefined, { idempotencyKey: "i" });
    await sessions.recordUsage(id, { cost: 1 }, { idempotencyKey: "u" });
    await sessions.recordUsage(id, { cost: 1 }, { idempotencyKey: "u" });
    await sessions.complete(id, "r", { idempotencyKey: "c" });
    expect((await sessions.complete(id, "r", { idempotencyKey: "c" })).status).toBe("completed");
    // A repeated call returns its result even when the session is finished.
    expect(await sessions.addEvent(id, "note", { a: 1 }, { idempotencyKey: "k" })).toMatchObject({
      replayed: true,
      firstSequence: 2,
    });
    expect(await sessions.get(id)).toMatchObject({
      iterations: 1,
      eventCount: 4,
      metadata: { cost: 1 },
    });
  });

  it("have separate keys in each session", async () => {
    const other = await sessions.start({ task: "t", mode: "m" });
    await sessions.addEvent(id, "note", { a: 1 }, { idempotencyKey: "k" });
    const elsewhere = await sessions.addEvent(other.id, "note", { a: 2 }, { idempotencyKey: "k" });
    expect(elsewhere.replayed).toBe(false);
  });

  it("repeat a change concurrently and perform it once", async () => {
    const starts = await Promise.all(
      Array.from({ length: 10 }, () =>
        sessions.start({ task: "once", mode: "m", idempotencyKey: "s" }),
      ),
    );
    expect(new Set(starts.map((session) => session.id)).size).toBe(1);
    const events = await Promise.all(
      Array.from({ length: 10 }, () =>
        sessions.addEvent(id, "note", undefined, { idempotencyKey: "k" }),
      ),
    );
    expect(events.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect((await sessions.get(id))?.eventCount).toBe(2);
  });

  it("refuse keys that are empty or too long", async () => {
    for (const idempotencyKey of ["", "k".repeat(513), 7 as never]) {
      expect(await code(sessions.start({ task: "t", mode: "m", idempotencyKey }))).toBe(
        "INVALID_ARGUMENT",
      );
    }
  });

  it("start a session with a given id once", async () => {
    await sessions.start({ task: "t", mode: "m", id: "mine" });
    expect(await failure(sessions.start({ task: "t", mode: "m", id: "mine" }))).toMatchObject({
      code: "SESSION_EXISTS",
      details: { id: "mine" },
    });
  });
});
