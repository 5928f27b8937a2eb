// The operations of administrators over every store: overriding any field of a session, and saving
// a complete session, without a write if nothing changes.

// Loaded first: the browser's own module has no operations of administrators.
import "../support/complete.js";
import type { Sessions } from "tenure";
import { beforeEach, describe, expect, it } from "vitest";
import { code } from "../support/failures.js";
import { everyStore } from "../support/stores.js";

describe.each(everyStore)("%s, a session", (_, open) => {
  let sessions: Sessions;
  let id: string;

  beforeEach(async () => {
    sessions = await open();
    const started = await sessions.start({ task: "t", mode: "m", context: { a: 1, b: 1 } });
    id = started.id;
  });

  it("is overridden without lifecycle checks or events", async () => {
    const events: string[] = [];
    sessions.on("lifecycle", ({ event }) => events.push(event));
    await sessions.complete(id, "done");
    const head = await sessions.override(id, {
      status: "active",
      result: null,
      iterations: 3,
      context: { b: 2 },
      createdAt: new Date("2020-01-01"),
    });
    expect(head).toMatchObject({
      status: "active",
      iterations: 3,
      context: { a: 1, b: 2 },
      createdAt: "2020-01-01T00:00:00.000Z",
      version: 3,
    });
    expect(head).not.toHaveProperty("result");
    const { history, ...rest } = (await sessions.get(id)) ?? { history: [] };
    expect(rest).toEqual(head);
    expect(history.map(({ type }) => type)).toEqual(["start", "complete"]);
    expect(events).toEqual(["complete"]);
    expect(await code(sessions.override(id, { task: "u" }, { ifVersion: 1 }))).toBe(
      "VERSION_CONFLICT",
    );
    expect(await code(sessions.override("unknown", {}))).toBe("SESSION_NOT_FOUND");
  });

  it("takes another history, and appends to it", async () => {
    await sessions.incrementIteration(id, {}, { idempotencyKey: "k" });
    const event = { timestamp: "2026-01-01", type: "note", data: { x: 1 } };
    await sessions.override(id, { history: [event, event, event] });
    await sessions.addEvent(id, "after");
    const page = await sessions.events(id);
    expect(page.items.map(({ sequence, type }) => [sequence, type])).toEqual([
      [1, "note"],
      [2, "note"],
      [3, "note"],
      [4, "after"],
    ]);
    const repeat = await sessions.incrementIteration(id, {}, { idempotencyKey: "k" });
    expect(repeat.replayed).toBe(true);
  });

  it("is saved as given, and only new events are written", async () => {
    const session = await sessions.get(id, { history: "all" });
    if (session === null) throw new Error("there is no session");
    const event = { timestamp: "2026-01-01T00:00:00.000Z", type: "note", data: { x: 1 } };
    const head = await sessions.save({
      ...session,
      context: { c: 3 },
      history: [...session.history, event],
    });
    expect(head).toMatchObject({ version: 2, eventCount: 2, context: { c: 3 } });
    const saved = await sessions.get(id, { history: "all" });
    expect(saved?.history).toEqual([...session.history, { ...event, sequence: 2 }]);
    expect(await code(sessions.save(session, { ifVersion: 1 }))).toBe("VERSION_CONFLICT");
    await sessions.save(session, { ifVersion: 2 });
    expect((await sessions.get(id))?.history).toEqual(session.history);
    await sessions.delete(id);
    expect(await sessions.save(session)).toMatchObject({ version: 1, eventCount: 1 });
    expect(await code(sessions.save("{}"))).toBe("INVALID_ARGUMENT");
  });

  it("is not written if nothing changes", async () => {
    const before = await sessions.get(id);
    await sessions.resume(id, { ifActive: "keep" });
    await sessions.override(id, { status: "active" });
    expect(await sessions.get(id)).toEqual(before);
    const ended = await sessions.complete(id, "done", { ifFinished: "keep" });
    expect(await sessions.fail(id, "late", { ifFinished: "keep" })).toEqual(ended);
    expect(await code(sessions.fail(id, "late"))).toBe("INVALID_TRANSITION");
  });

  it("without iterations becomes timeout immediately when it is resumed", async () => {
    await sessions.update(id, { maxIterations: 1 });
    await sessions.incrementIteration(id);
    await sessions.pause(id);
    expect(await code(sessions.resume(id))).toBe("BUDGET_EXHAUSTED");
    const resumed = await sessions.resume(id, { ifExhausted: "timeout" });
    expect(resumed.status).toBe("timeout");
  });

  it("in the trash can be excluded from reading and deleting", async () => {
    await sessions.trash(id);
    const out = { trash: "exclude" } as const;
    expect(await sessions.get(id, out)).toBeNull();
    expect(await sessions.context(id, out)).toBeNull();
    expect(await sessions.progress(id, out)).toBeNull();
    expect(await sessions.duration(id, out)).toBeNull();
    expect(await code(sessions.export(id, out))).toBe("SESSION_NOT_FOUND");
    expect(await code(sessions.delete(id, out))).toBe("SESSION_NOT_FOUND");
    expect(await code(sessions.save({ ...(await sessions.get(id)) }))).toBe("SESSION_DELETED");
    await sessions.delete(id, { trash: "only" });
    expect(await sessions.get(id)).toBeNull();
  });
});
