// The history of a session, and how it is read.

// Loaded first: the browser's own module has neither archives nor retention.
import "../support/complete.js";
import { copy, type EventPage, type Sessions } from "tenure";
import { beforeEach, describe, expect, it } from "vitest";
import { code, failure } from "../support/failures.js";
import { MapStore } from "../support/map-store.js";
import { everyStore, inMemory, opening } from "../support/stores.js";

describe.each(everyStore)("the history of a session %s", (_, open) => {
  let sessions: Sessions;
  let id: string;

  beforeEach(async () => {
    sessions = await open();
    ({ id } = await sessions.start({ task: "t", mode: "m", workspace: "/w" }));
  });

  const notes = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ type: "note", data: { i: i + 2 } }));

  it("records the events of agents in the format of bots", async () => {
    await sessions.incrementIteration(id, { step: "analysis" });
    await sessions.recordToolCall(id, "bash", { command: "npm test" }, { exitCode: 0 });
    await sessions.recordToolCall(id, "bash");
    await sessions.recordToolCall(id, "read", ["a"], "text");
    await sessions.recordLearning(id, "edge case X", "expertise/developer.md");
    await sessions.recordLearning(id, "plain");
    await sessions.addEvent(id, "custom_event", { customField: "value" });
    await sessions.addEvent(id, "bare");
    const session = await sessions.get(id);
    expect(session?.history.map(({ type, data }) => [type, data])).toEqual([
      ["start", { task: "t", mode: "m", workspace: "/w" }],
      ["iteration", { step: "analysis" }],
      ["tool_call", { tool: "bash", args: { command: "npm test" }, result: { exitCode: 0 } }],
      ["tool_call", { tool: "bash", args: {}, result: null }],
      ["tool_call", { tool: "read", args: ["a"], result: "text" }],
      ["learning", { insight: "edge case X", expertiseFile: "expertise/developer.md" }],
      ["learning", { insight: "plain" }],
      ["custom_event", { customField: "value" }],
      ["bare", {}],
    ]);
    expect(session?.history.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(session?.metadata?.toolsUsed).toEqual(["bash", "read"]);
    expect(session?.eventCount).toBe(9);
  });

  it("is returned completely, partly or not at all, by default with the last hundred events", async () => {
    await sessions.addEvents(id, notes(149));
    const numbers = async (history?: "all" | "none" | number) =>
      (await sessions.get(id, { history }))?.history.map(({ sequence }) => sequence);
    const upTo150 = (from: number) => Array.from({ length: 151 - from }, (_, i) => from + i);
    expect(await numbers()).toEqual(upTo150(51));
    expect(await numbers("all")).toEqual(upTo150(1));
    expect(await numbers("none")).toEqual([]);
    expect(await numbers(0)).toEqual([]);
    expect(await numbers(3)).toEqual([148, 149, 150]);
    expect(await numbers(1000)).toEqual(upTo150(1));
    expect((await sessions.get(id, { history: "none" }))?.eventCount).toBe(150);
  });

  it("can be read page by page from the oldest event", async () => {
    await sessions.addEvents(id, notes(4));
    const first = await sessions.events(id, { limit: 2 });
    expect(first.items.map(({ sequence }) => sequence)).toEqual([1, 2]);
    expect(first.nextAfter).toBe(2);
    const second = await sessions.events(id, { after: first.nextAfter, limit: 2 });
    expect(second.items.map(({ sequence }) => sequence)).toEqual([3, 4]);
    const third = await sessions.events(id, { after: second.nextAfter, limit: 2 });
    expect(third.items.map(({ sequence }) => sequence)).toEqual([5]);
    expect(third).not.toHaveProperty("nextAfter");
    expect(await sessions.events(id, { after: 99 })).toEqual({ items: [] });
    expect(await code(sessions.events(id, { limit: 0 }))).toBe("INVALID_ARGUMENT");
    expect(await code(sessions.events(id, { limit: 1001 }))).toBe("INVALID_ARGUMENT");
    expect(await code(sessions.events(id, { after: -1 }))).toBe("INVALID_ARGUMENT");
  });

  it("can be read from either end, by type and between two events", async () => {
    await sessions.addEvents(id, notes(4));
    await sessions.recordToolCall(id, "bash");
    const numbers = async (options: Parameters<Sessions["events"]>[1]) =>
      (await sessions.events(id, options)).items.map(({ sequence }) => sequence);
    expect(await numbers({ order: "desc" })).toEqual([6, 5, 4, 3, 2, 1]);
    expect(await numbers({ type: ["start", "tool_call"] })).toEqual([1, 6]);
    expect(await numbers({ type: "note", after: 2, before: 5 })).toEqual([3, 4]);
    expect(await numbers({ type: [] })).toEqual([]);
    const newest = await sessions.events(id, { order: "desc", limit: 4 });
    expect(newest.nextBefore).toBe(3);
    expect(newest).not.toHaveProperty("nextAfter");
    const all: number[] = [];
    for await (const { sequence } of sessions.events(id, { order: "desc", limit: 4 })) {
      all.push(sequence);
    }
    expect(all).toEqual([6, 5, 4, 3, 2, 1]);
    expect(await code(sessions.events(id, { order: "newest" as never }))).toBe("INVALID_ARGUMENT");
    expect(await code(sessions.events(id, { cursor: "x" } as never))).toBe("INVALID_ARGUMENT");
  });

  it("has a start and an end of a tool call, and the context what is unfinished", async () => {
    const { callId, firstSequence } = await sessions.startToolCall(id, "deploy", { to: "prod" });
    expect(callId).toBe(`call_${firstSequence}`);
    await sessions.startToolCall(id, "read", undefined, { callId: "toolu_1" });
    const unfinished = async () => (await sessions.context(id))?.unfinishedToolCalls;
    expect(await unfinished()).toMatchObject([
      { callId, tool: "deploy", args: { to: "prod" }, startedAt: expect.any(String) },
      { callId: "toolu_1", tool: "read", args: {} },
    ]);
    const error = new Error("unreachable");
    await sessions.finishToolCall(id, callId, error);
    await sessions.finishToolCall(id, "toolu_1");
    expect(await unfinished()).toBeUndefined();
    expect(await code(sessions.finishToolCall(id, callId))).toBe("INVALID_ARGUMENT");
    const events = (await sessions.events(id, { type: ["tool_call_start", "tool_call"] })).items;
    expect(events.map(({ type, data }) => [type, data])).toEqual([
      ["tool_call_start", { tool: "deploy", args: { to: "prod" }, callId }],
      ["tool_call_start", { tool: "read", args: {}, callId: "toolu_1" }],
      [
        "tool_call",
        {
          tool: "deploy",
          args: { to: "prod" },
          result: { name: "Error", message: "unreachable", stack: error.stack },
          callId,
        },
      ],
      ["tool_call", { tool: "read", args: {}, result: null, callId: "toolu_1" }],
    ]);
    expect((await sessions.get(id))?.metadata?.toolsUsed).toEqual(["deploy", "read"]);
  });

  it("has as many recent events in the context as are asked for", async () => {
    await sessions.addEvents(id, notes(20));
    const recent = async (count?: number) =>
      (await sessions.context(id, { recent: count }))?.recentHistory.length;
    expect(await recent()).toBe(10);
    expect(await recent(5)).toBe(5);
    expect(await code(sessions.context(id, { recent: 1001 }))).toBe("INVALID_ARGUMENT");
  });

  it("keeps the stack of a failure, and not in the session's error", async () => {
    await sessions.fail(id, new TypeError("broken"));
    const session = await sessions.get(id);
    expect(session?.error).toBe("broken");
    const data = session?.history.at(-1)?.data;
    expect(data).toEqual({ error: "broken", stack: expect.stringContaining("TypeError: broken") });
    const other = await sessions.start({ task: "t", mode: "m", parentId: id });
    expect(other.parentId).toBe(id);
    await sessions.fail(other.id, { message: "m", stack: "s".repeat(10_000) } as Error);
    const kept = (await sessions.get(other.id))?.history.at(-1)?.data;
    expect(kept).toEqual({ error: "m", stack: "s".repeat(8192) });
  });

  it("takes several events atomically", async () => {
    expect(await sessions.addEvents(id, notes(3))).toMatchObject({
      firstSequence: 2,
      lastSequence: 4,
      version: 2,
    });
    const mixed = [{ type: "note" }, { type: "complete" }, { type: "note" }];
    expect(await code(sessions.addEvents(id, mixed))).toBe("SESSION_FINISHED");
    expect(await code(sessions.addEvents(id, []))).toBe("INVALID_ARGUMENT");
    const session = await sessions.get(id);
    expect(session).toMatchObject({ status: "active", eventCount: 4, version: 2 });
    const ended = await sessions.addEvents(id, [{ type: "note" }, { type: "complete" }]);
    expect(ended.status).toBe("completed");
  });

  it("provides exactly the context that an agent needs to continue", async () => {
    await sessions.updateContext(id, { step: 3 });
    await sessions.addEvents(id, notes(12));
    const context = await sessions.context(id);
    expect(Object.keys(context ?? {})).toEqual([
      "sessionId",
      "task",
      "mode",
      "workspace",
      "status",
      "iterations",
      "maxIterations",
      "context",
      "recentHistory",
    ]);
    expect(context).toMatchObject({
      sessionId: id,
      task: "t",
      mode: "m",
      workspace: "/w",
      status: "active",
      context: { step: 3 },
    });
    expect(context?.recentHistory.map(({ sequence }) => sequence)).toEqual([
      5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
    ]);
  });

  it("keeps concurrent appends, each with its own number", async () => {
    const appended = await Promise.all(
      Array.from({ length: 40 }, (_, i) => sessions.addEvent(id, "note", { i })),
    );
    const numbers = appended.map(({ firstSequence }) => firstSequence);
    expect(numbers).toEqual(Array.from({ length: 40 }, (_, i) => i + 2));
    const session = await sessions.get(id, { history: "all" });
    expect(session?.history.slice(1).map(({ data }) => data.i)).toEqual(
      Array.from({ length: 40 }, (_, i) => i),
    );
  });

  it("is read in pages of a limited size", async () => {
    const text = "x".repeat((1 << 20) - 100);
    for (let i = 0; i < 20; i += 1) await sessions.addEvent(id, "note", { i, text });
    const pages: number[] = [];
    const seen: unknown[] = [];
    let after: number | undefined = 1;
    while (after !== undefined) {
      const page: EventPage = await sessions.events(id, { after, limit: 1000 });
      pages.push(page.items.length);
      seen.push(...page.items.map(({ data }) => data.i));
      after = page.nextAfter;
    }
    // A page ends with the event that exceeds 8 MiB.
    expect(pages).toEqual([9, 9, 2]);
    expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });
});

describe("a page of many events", () => {
  it("is read from a JavaScript store in parts of 100", async () => {
    const store = new MapStore();
    const parts: unknown[] = [];
    const load = store.load.bind(store);
    store.load = (id, history) => {
      if (history.kind === "after") parts.push([history.sequence, history.limit]);
      return load(id, history);
    };
    const sessions = await opening(store);
    const { id } = await sessions.start({ task: "t", mode: "m" });
    const events = Array.from({ length: 250 }, (_, i) => ({ type: "note", data: { i } }));
    await sessions.addEvents(id, events);
    const page = await sessions.events(id, { after: 1, limit: 1000 });
    expect(page.items.map(({ data }) => data.i)).toEqual(events.map(({ data }) => data.i));
    expect(page.nextAfter).toBeUndefined();
    expect((await sessions.events(id, { after: 101, limit: 120 })).nextAfter).toBe(221);
    expect(parts).toEqual([
      [1, 100],
      [101, 100],
      [201, 100],
      [101, 100],
      [201, 20],
    ]);
  });
});

describe("a history that is too large for one reply", () => {
  /** The text of a history in that of a session. */
  const history = (text: string): string => text.slice(text.indexOf('"history":['));

  it("is refused with the limit, before anything is written", async () => {
    const sessions = await inMemory();
    const { id } = await sessions.start({ task: "t", mode: "m" });
    const text = "x".repeat((1 << 20) - 100);
    for (let i = 0; i < 13; i += 1) {
      const events = Array.from({ length: 10 }, () => ({ type: "note", data: { text } }));
      await sessions.addEvents(id, events);
    }
    const limit = 128 << 20;
    for (const call of [
      () => sessions.get(id, { history: "all" }),
      () => sessions.get(id, { history: 1000 }),
      () => sessions.export(id),
      () => sessions.fork(id, { newId: "fork" }),
    ]) {
      const error = await failure(call());
      expect(error).toMatchObject({ code: "TOO_LARGE", details: { what: "history", limit } });
      expect(error.details.actual).toBeGreaterThan(limit);
    }
    expect(await sessions.get("fork")).toBeNull();
    expect((await sessions.fork(id, { atSequence: 20 })).history).toHaveLength(21);
    expect((await sessions.get(id))?.history).toHaveLength(100);
    if (__BUILD__ === "browser") return;
    let length = 0;
    for await (const part of sessions.exportParts(id)) {
      expect(part.length).toBeLessThan(10 << 20);
      length += part.length;
    }
    expect(length).toBeGreaterThan(limit);
    await sessions.trash(id);
    let archived = "";
    const archive = (session: string): void => {
      archived = session;
    };
    const copied = await copy(sessions, "memory:");
    expect(copied.problems).toEqual([{ id, problem: expect.stringContaining(`${limit}`) }]);
    expect((await sessions.purge({ olderThan: 0 }, { archive })).ids).toEqual([id]);
    expect(archived.length).toBeGreaterThan(length);
    if (__BUILD__ !== "native") return;
    expect(await sessions.import(archived)).toMatchObject({ id, eventCount: 131 });
    const parts: string[] = [];
    for await (const part of sessions.exportParts(id)) parts.push(part);
    const again = parts.join("");
    expect(history(again) === history(archived)).toBe(true);
  });
});
