// Export, import and fork of sessions.

import type { Sessions } from "tenure";
import { beforeEach, describe, expect, it } from "vitest";
import { code, failure } from "../support/failures.js";
import { everyStore, inMemory } from "../support/stores.js";

describe.each(everyStore)("%s, a session", (_, open) => {
  let sessions: Sessions;

  beforeEach(async () => {
    sessions = await open();
    await sessions.start({
      task: "t",
      mode: "m",
      id: "a",
      userId: "u",
      context: { n: 1 },
      metadata: { cost: 2, model: "x" },
      maxIterations: 5,
    });
    await sessions.incrementIteration("a");
    await sessions.addEvent("a", "note", { text: "\ud800" });
  });

  it("is the same after export and import, in this or another store", async () => {
    const text = await sessions.export("a");
    const before = await sessions.get("a", { history: "all" });
    expect(JSON.parse(text)).toEqual(before);
    const elsewhere = await inMemory();
    await elsewhere.import(text);
    expect(await elsewhere.get("a", { history: "all" })).toEqual(before);
    expect(await elsewhere.export("a")).toBe(text);
    expect((await elsewhere.stats()).usage.cost).toBe(2);
  });

  it("is not replaced by an import that is to replace none, in the trash neither", async () => {
    const text = await sessions.export("a");
    await sessions.complete("a", "r");
    const exists = { code: "SESSION_EXISTS", details: { id: "a" } };
    expect(await failure(sessions.import(text, { replace: false }))).toMatchObject(exists);
    await sessions.trash("a");
    expect(await failure(sessions.import(text, { replace: false }))).toMatchObject(exists);
    await sessions.restore("a");
    expect(await sessions.get("a")).toMatchObject({ status: "completed" });
    await sessions.delete("a");
    const [one, other] = await Promise.allSettled([
      sessions.import(text, { replace: false }),
      sessions.import(text, { replace: false }),
    ]);
    expect([one.status, other.status].sort()).toEqual(["fulfilled", "rejected"]);
  });

  it("is replaced by an imported session with the same id, and its version grows", async () => {
    const text = await sessions.export("a");
    await sessions.complete("a", "r");
    const head = await sessions.import(text);
    expect(head).toMatchObject({ status: "active", iterations: 1 });
    expect(head.version).toBeGreaterThan(4);
    expect((await sessions.get("a", { history: "all" }))?.history).toHaveLength(3);
  });

  it("can be imported as an object in the format of session.json", async () => {
    await sessions.import({
      id: "session_abc123_xyz",
      mode: "developer",
      task: "Implement feature X",
      status: "paused",
      createdAt: "2026-01-08T18:05:30.123Z",
      updatedAt: "2026-01-08T18:06:30.123Z",
      iterations: 3,
      maxIterations: 50,
      context: { priority: "high" },
      history: [
        { timestamp: "2026-01-08T18:05:30.123Z", type: "start", data: { task: "x" } },
        { timestamp: "2026-01-08T18:06:30.123Z", type: "pause", data: {} },
      ],
    });
    const session = await sessions.get("session_abc123_xyz");
    expect(session).toMatchObject({
      status: "paused",
      iterations: 3,
      createdAt: "2026-01-08T18:05:30.123Z",
      context: { priority: "high" },
    });
    expect(session?.history.map(({ sequence, type }) => [sequence, type])).toEqual([
      [1, "start"],
      [2, "pause"],
    ]);
    expect((await sessions.resume("session_abc123_xyz")).status).toBe("active");
  });

  it.each([
    "",
    "{",
    "null",
    "[]",
    "{}",
    '{"id":"b"}',
    '{"id":"../b","mode":"m","task":"t","status":"active"}',
  ])("cannot be imported from %j", async (text) => {
    expect(["INVALID_ARGUMENT", "INVALID_ID"]).toContain(await code(sessions.import(text)));
    expect((await sessions.stats()).total).toBe(1);
  });

  it("can be forked with its history, or with a part of it", async () => {
    const fork = await sessions.fork("a", { context: { branch: true } });
    expect(fork).toMatchObject({
      task: "t",
      mode: "m",
      userId: "u",
      status: "active",
      parentId: "a",
      iterations: 1,
      maxIterations: 5,
      context: { n: 1, branch: true },
      metadata: { model: "x" },
      version: 1,
    });
    expect(fork.id).toMatch(/^session_/);
    const copied = ["start", "iteration", "note", "fork"];
    expect(fork.history.map(({ type }) => type)).toEqual([...copied, "context_change"]);
    const early = await sessions.fork("a", {
      newId: "b",
      atSequence: 1,
      task: "u",
      maxIterations: 9,
    });
    expect(early).toMatchObject({ id: "b", task: "u", iterations: 0, maxIterations: 9 });
    expect(early.history.map(({ type }) => type)).toEqual(["start", "fork"]);
    expect((await sessions.list({ parentId: "a" })).items).toHaveLength(2);
    expect((await sessions.stats()).usage.cost).toBe(2);
    await sessions.addEvent("b", "note");
    expect((await sessions.get("a"))?.eventCount).toBe(3);
  });

  it("that is forked from an earlier event has the context and the tools of then", async () => {
    const { id } = await sessions.start({ task: "t", mode: "m", context: { plan: "A", step: 1 } });
    await sessions.updateContext(id, { step: 2 }, { unset: ["plan"] });
    await sessions.recordToolCall(id, "bash");
    await sessions.pause(id);
    await sessions.updateContext(id, { plan: "B" }, { replace: true });
    await sessions.recordToolCall(id, "read");
    const at = async (atSequence: number): Promise<[object, unknown]> => {
      const { context, metadata } = await sessions.fork(id, { atSequence });
      return [context, metadata?.toolsUsed];
    };
    expect(await at(1)).toEqual([{ plan: "A", step: 1 }, []]);
    expect(await at(2)).toEqual([{ step: 2 }, []]);
    expect(await at(4)).toEqual([{ step: 2 }, ["bash"]]);
    expect(await at(6)).toEqual([{ plan: "B" }, ["bash", "read"]]);
  });

  it("that is finished can be forked to continue", async () => {
    await sessions.complete("a", "r");
    const fork = await sessions.fork("a");
    expect(fork.status).toBe("active");
    expect(fork).not.toHaveProperty("result");
    expect(await failure(sessions.fork("a", { newId: "a" }))).toMatchObject({
      code: "SESSION_EXISTS",
    });
    expect(await code(sessions.fork("a", { atSequence: 99 }))).toBe("INVALID_ARGUMENT");
    expect(await code(sessions.fork("unknown"))).toBe("SESSION_NOT_FOUND");
  });
});
