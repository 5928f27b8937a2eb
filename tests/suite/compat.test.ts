// `tenure/compat`: the effect and the result of each function, over every synchronous store.

// Loaded first: the browser's own module has no operations of administrators.
import "../support/complete.js";
import {
  type AgentSession,
  addEvent,
  cleanupOldSessions,
  cleanupSessions,
  completeSession,
  createSession,
  deleteSession,
  exportSession,
  failSession,
  findSessions,
  getActiveSessions,
  getCompletedSessions,
  getFailedSessions,
  getPausedSessions,
  getSession,
  getSessionContext,
  getSessionDuration,
  getSessionProgress,
  getSessionStats,
  getStats,
  importSession,
  incrementIteration,
  isSessionResumable,
  listSessions,
  loadSession,
  pauseSession,
  recordLearning,
  recordToolCall,
  removeSession,
  resumeSession,
  saveSession,
  startSession,
  updateContext,
  updateSession,
} from "tenure/compat";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { compatStores, useStore } from "../support/compat.js";
import { code } from "../support/failures.js";

const DAY = 86_400_000;
const BEGIN = Date.parse("2026-01-01T00:00:00.000Z");

beforeEach(() => {
  vi.useFakeTimers({ now: BEGIN, toFake: ["Date"] });
});

afterEach(() => {
  vi.useRealTimers();
});

const types = (session: AgentSession | null): string[] =>
  session?.history.map(({ type }) => type) ?? [];
const ids = (sessions: readonly { readonly id: string }[]): string[] =>
  sessions.map(({ id }) => id);

/** Advances the time. */
const pass = (ms: number): void => {
  vi.setSystemTime(Date.now() + ms);
};

describe.each(compatStores)("%s", (_, store) => {
  beforeEach(() => useStore(store));

  it("a started session has the properties of the original API", async () => {
    const session = await startSession("Implement it", "developer", {
      userId: "user123",
      channelId: "channel456",
      workspace: "/srv",
      maxIterations: 50,
      context: { priority: "high" },
      metadata: { model: "m" },
    });
    expect(session).toMatchObject({
      id: expect.any(String),
      userId: "user123",
      channelId: "channel456",
      workspace: "/srv",
      mode: "developer",
      task: "Implement it",
      status: "active",
      createdAt: "2026-01-01T00:00:00.000Z",
      updatedAt: "2026-01-01T00:00:00.000Z",
      iterations: 0,
      maxIterations: 50,
      context: { priority: "high" },
      metadata: { model: "m" },
      history: [
        {
          timestamp: "2026-01-01T00:00:00.000Z",
          type: "start",
          data: { task: "Implement it", mode: "developer", workspace: "/srv" },
        },
      ],
    });
    expect(getSession(session.id)).toEqual(session);
    expect(loadSession(session.id)).toEqual(session);
  });

  it("a session can be created synchronously", () => {
    const session = createSession({ task: "t", mode: "m", id: "mine", userId: "u" });
    expect(session).toMatchObject({ id: "mine", userId: "u", maxIterations: 100 });
    expect(types(session)).toEqual(["start"]);
    expect(getSession("mine")).toEqual(session);
  });

  it("every lifecycle function returns the complete session", async () => {
    const { id } = await startSession("t", "m");
    const paused = await pauseSession(id, "later");
    expect(paused).toMatchObject({ status: "paused", context: { pauseReason: "later" } });
    expect(types(paused)).toEqual(["start", "pause"]);
    const resumed = await resumeSession(id);
    expect(resumed).toMatchObject({ status: "active", context: {} });
    const completed = await completeSession(id, "done");
    expect(completed).toMatchObject({ status: "completed", result: "done" });
    expect(types(completed)).toEqual(["start", "pause", "resume", "complete"]);
    expect(completed?.history.at(-1)?.data).toEqual({ result: "done" });
    const other = await startSession("t", "m");
    const failed = await failSession(other.id, "broken");
    expect(failed).toMatchObject({ status: "failed", error: "broken" });
    expect(failed?.history.at(-1)).toMatchObject({ type: "error", data: { error: "broken" } });
  });

  it("functions that return promises complete before they return", () => {
    void startSession("t", "m", { id: "s", maxIterations: 9 });
    void incrementIteration("s", { step: "analysis" });
    void recordToolCall("s", "bash", { command: "ls" }, { exitCode: 0 });
    void recordLearning("s", "it works", "expertise/developer.md");
    void addEvent("s", "custom_event", { a: 1 });
    void pauseSession("s");
    void resumeSession("s");
    const session = getSession("s");
    expect(session).toMatchObject({ iterations: 1, metadata: { toolsUsed: ["bash"] } });
    expect(session?.history.slice(1, 5)).toMatchObject([
      { type: "iteration", data: { step: "analysis" } },
      {
        type: "tool_call",
        data: { tool: "bash", args: { command: "ls" }, result: { exitCode: 0 } },
      },
      { type: "learning", data: { insight: "it works", expertiseFile: "expertise/developer.md" } },
      { type: "custom_event", data: { a: 1 } },
    ]);
    void completeSession("s");
    expect(getSession("s")?.status).toBe("completed");
  });

  it("the last iteration makes the session timeout, which can be paused but not incremented", async () => {
    const { id } = await startSession("t", "m", { maxIterations: 2 });
    expect(await incrementIteration(id)).toBe(true);
    expect(await incrementIteration(id)).toBe(true);
    expect(getSession(id)?.status).toBe("timeout");
    expect(await incrementIteration(id)).toBe(false);
    expect(isSessionResumable(id)).toBe(false);
    expect(await pauseSession(id, "Max iterations reached")).toMatchObject({ status: "paused" });
    expect(isSessionResumable(id)).toBe(true);
    expect(await resumeSession(id)).toMatchObject({ status: "timeout" });
    expect(updateSession(id, { maxIterations: 3, status: "paused" })?.status).toBe("paused");
    expect(await resumeSession(id)).toMatchObject({ status: "active" });
    expect(await incrementIteration(id)).toBe(true);
    expect(getSession(id)).toMatchObject({ status: "timeout", iterations: 3 });
  });

  it("resuming an active session returns it unchanged", async () => {
    const session = await startSession("t", "m");
    pass(1000);
    expect(await resumeSession(session.id)).toEqual(session);
  });

  it("finishing a finished session changes nothing, so that a catch block never replaces the error", async () => {
    const { id } = await startSession("t", "m");
    const completed = await completeSession(id, "done");
    pass(1000);
    expect(await failSession(id, "late")).toEqual(completed);
    expect(await completeSession(id, "again")).toEqual(completed);
    const other = await startSession("t", "m");
    await failSession(other.id, "first");
    expect(await failSession(other.id, "second")).toMatchObject({ error: "first" });
  });

  it("pausing a session that is neither active nor timeout throws", async () => {
    const { id } = await startSession("t", "m");
    await pauseSession(id);
    expect(await code(pauseSession(id))).toBe("INVALID_TRANSITION");
    await completeSession(id);
    expect(await code(pauseSession(id))).toBe("INVALID_TRANSITION");
    expect(await code(resumeSession(id))).toBe("INVALID_TRANSITION");
  });

  it("a finished session accepts no event, and returns false", async () => {
    const { id } = await startSession("t", "m");
    await failSession(id);
    const before = getSession(id);
    expect(await addEvent(id, "note")).toBe(false);
    expect(await incrementIteration(id)).toBe(false);
    expect(await recordToolCall(id, "bash", {}, {})).toBe(false);
    expect(await recordLearning(id, "late")).toBe(false);
    expect(getSession(id)).toEqual(before);
  });

  it.each(["unknown", "../../etc/passwd", "", "x".repeat(200)])(
    "every function reports that the session %j does not exist",
    async (id) => {
      for (const change of [pauseSession, resumeSession, completeSession, failSession]) {
        expect(await change(id)).toBeNull();
      }
      expect(await addEvent(id, "note")).toBe(false);
      expect(await incrementIteration(id)).toBe(false);
      expect(await recordToolCall(id, "bash", {}, {})).toBe(false);
      expect(await recordLearning(id, "i")).toBe(false);
      for (const read of [
        getSession,
        getSessionContext,
        getSessionDuration,
        getSessionProgress,
        exportSession,
      ]) {
        expect(read(id)).toBeNull();
      }
      expect(updateSession(id, { task: "t" })).toBeNull();
      expect(updateContext(id, {})).toBeNull();
      expect(isSessionResumable(id)).toBe(false);
      expect(deleteSession(id)).toBe(false);
      expect(listSessions()).toEqual([]);
    },
  );

  it("an update sets the given properties in any status", async () => {
    const { id } = await startSession("t", "m", {
      userId: "u",
      context: { a: 1, b: 1 },
      metadata: { model: "m", timeout: 60 },
    });
    await completeSession(id, "done");
    pass(1000);
    const updated = updateSession(id, {
      status: "active",
      task: "another",
      iterations: 7,
      context: { b: 2 },
      metadata: { timeout: 90 },
      result: null,
    });
    expect(updated).toMatchObject({
      status: "active",
      task: "another",
      iterations: 7,
      context: { a: 1, b: 2 },
      metadata: { model: "m", timeout: 90 },
      userId: "u",
      updatedAt: "2026-01-01T00:00:01.000Z",
    });
    expect(updated).not.toHaveProperty("result");
    expect(updated).not.toHaveProperty("finalizedAt");
    expect(types(updated)).toEqual(["start", "complete"]);
    expect(getSession(id)).toEqual(updated);
    expect(updateSession(id, { ...updated, task: "a third" })?.task).toBe("a third");
  });

  it("an invalid update is refused", async () => {
    const session = await startSession("t", "m");
    const refused = [{ status: "running" }, { maxIterations: 0 }, { tsk: "t" }, { context: [] }];
    for (const updates of refused as unknown as Parameters<typeof updateSession>[1][]) {
      expect(await code(() => updateSession(session.id, updates))).toBe("INVALID_ARGUMENT");
    }
    expect(getSession(session.id)).toEqual(session);
  });

  it("the context is merged, also in a finished session", async () => {
    const { id } = await startSession("t", "m", { context: { a: 1, b: 1 } });
    expect(updateContext(id, { b: { c: 2 } })?.context).toEqual({ a: 1, b: { c: 2 } });
    await completeSession(id);
    expect(updateContext(id, { d: 3 })?.context).toEqual({ a: 1, b: { c: 2 }, d: 3 });
  });

  it("a session is saved as the bot has modified it", async () => {
    const { id } = await startSession("t", "m", { userId: "u", context: { a: 1 } });
    const session = getSession(id);
    if (session === null) throw new Error("there is no session");
    session.context = { b: 2 };
    session.status = "failed";
    session.error = "by hand";
    session.metadata = { model: "m" };
    delete session.userId;
    session.history.push({ timestamp: "2026-01-01T00:00:00Z", type: "note", data: { x: 1 } });
    pass(1000);
    expect(saveSession(session)).toBeUndefined();
    const saved = getSession(id);
    expect(saved).toMatchObject({
      context: { b: 2 },
      status: "failed",
      error: "by hand",
      metadata: { model: "m" },
      updatedAt: "2026-01-01T00:00:01.000Z",
      version: 2,
    });
    expect(saved).not.toHaveProperty("userId");
    expect(types(saved)).toEqual(["start", "note"]);
    saveSession({ ...session, history: session.history.slice(1) });
    expect(types(getSession(id))).toEqual(["note"]);
  });

  it("a session that the bot has built itself can be saved", () => {
    const session: AgentSession = {
      id: "session_abc123_xyz",
      mode: "m",
      task: "t",
      status: "paused",
      createdAt: "2025-01-01T00:00:00.000Z",
      updatedAt: "2025-01-01T00:00:00.000Z",
      iterations: 3,
      maxIterations: 10,
      context: {},
      history: [{ timestamp: "2025-01-01T00:00:00.000Z", type: "start", data: {} }],
    };
    saveSession(session);
    expect(getSession(session.id)).toMatchObject({
      ...session,
      updatedAt: "2026-01-01T00:00:00.000Z",
      history: [{ ...session.history[0], sequence: 1 }],
    });
  });

  it("an exported session can be imported over an existing one", async () => {
    const { id } = await startSession("t", "m");
    await incrementIteration(id);
    const session = getSession(id);
    const text = exportSession(id) ?? "";
    expect(JSON.parse(text)).toEqual(session);
    await completeSession(id);
    const { version: _, ...back } = importSession(text) ?? {};
    expect(back).toEqual({ ...back, ...session, version: undefined });
    deleteSession(id);
    expect(importSession(JSON.parse(text))).toEqual(session);
    expect(getSession(id)).toEqual(session);
    for (const wrong of ["no session", "{}", "[]", `{"id":"../x"}`, `${text}}`]) {
      expect(importSession(wrong)).toBeNull();
    }
    expect(getSession(id)).toEqual(session);
  });

  it("properties of the bot's own are kept where they are", async () => {
    const { id } = await startSession("t", "m", { metadata: { model: "m" } });
    const session = { ...getSession(id), guildId: "g", tags: ["a"] } as AgentSession;
    session.history = [
      { ...session.history[0], by: "ada" } as AgentSession["history"][number],
      { timestamp: session.createdAt, type: "note", data: { n: 1 } },
    ];
    saveSession(session);
    const saved = getSession(id);
    expect(saved).toMatchObject({
      guildId: "g",
      tags: ["a"],
      metadata: { model: "m" },
      history: [{ by: "ada" }, { data: { n: 1 } }],
    });
    expect(saved?.history[0]?.data).toEqual({ task: "t", mode: "m" });
    await recordToolCall(id, "bash");
    const used = await pauseSession(id);
    expect(used).toMatchObject({ guildId: "g", metadata: { model: "m", toolsUsed: ["bash"] } });
    expect(updateSession(id, { ...used, task: "u" })).toMatchObject({ guildId: "g", task: "u" });
    const text = exportSession(id) ?? "";
    expect(JSON.parse(text)).toMatchObject({ guildId: "g", history: [{ by: "ada" }, {}, {}, {}] });
    deleteSession(id);
    expect(importSession(text)).toMatchObject({ guildId: "g", tags: ["a"] });
  });

  it("no iterations and no context mean the defaults", async () => {
    const none = { maxIterations: 0, context: null } as never;
    expect(await startSession("t", "m", none)).toMatchObject({ maxIterations: 100, context: {} });
    const given = { task: "t", mode: "m", maxIterations: 0 };
    expect(createSession(given)).toMatchObject({ maxIterations: 100 });
  });

  it("a pause without a reason says so in its event alone", async () => {
    for (const reason of [undefined, ""]) {
      const { id } = await startSession("t", "m");
      const paused = await pauseSession(id, reason);
      expect(paused?.history.at(-1)?.data).toEqual({ reason: "User requested pause" });
      expect(paused?.context.pauseReason || undefined).toBeUndefined();
    }
  });

  it("unknown properties of a filter are ignored", async () => {
    const { id } = await startSession("t", "m", { userId: "u" });
    const filter = { userId: "u", user: "v", guildId: "g", trash: "only" };
    expect(ids(listSessions(filter))).toEqual([id]);
    expect(ids(getActiveSessions(filter))).toEqual([id]);
    expect(getStats(filter).total).toBe(1);
  });

  it("a session is deleted once", async () => {
    const { id } = await startSession("t", "m");
    expect(removeSession(id)).toBe(true);
    expect(getSession(id)).toBeNull();
    expect(removeSession(id)).toBe(false);
    expect(await pauseSession(id)).toBeNull();
  });

  it("lists have the matching sessions, newest first, without histories", async () => {
    for (const [id, userId, mode] of [
      ["a", "u", "developer"],
      ["b", "u", "reviewer"],
      ["c", "v", "developer"],
      ["d", "u", "developer"],
    ] as const) {
      createSession({ id, task: "t", mode, userId, channelId: `in ${mode}` });
      pass(1000);
    }
    await pauseSession("a");
    await completeSession("b");
    await failSession("c");
    expect(ids(listSessions())).toEqual(["d", "c", "b", "a"]);
    expect(listSessions().every((session) => !("history" in session))).toBe(true);
    expect(ids(findSessions({ userId: "u", mode: "developer" }))).toEqual(["d", "a"]);
    expect(ids(findSessions({ channelId: "in reviewer" }))).toEqual(["b"]);
    expect(ids(findSessions({ status: ["active", "paused"] }))).toEqual(["d", "a"]);
    expect(ids(findSessions({ status: "failed" }))).toEqual(["c"]);
    expect(ids(findSessions({ createdAfter: new Date(BEGIN + 1000).toISOString() }))).toEqual([
      "d",
      "c",
      "b",
    ]);
    expect(ids(findSessions({ createdBefore: new Date(BEGIN + 1000) }))).toEqual(["b", "a"]);
    expect(ids(findSessions({ limit: 2 }))).toEqual(["d", "c"]);
    expect(ids(findSessions({ limit: 2, offset: 1 }))).toEqual(["c", "b"]);
    expect(ids(findSessions({ offset: 3 }))).toEqual(["a"]);
    expect(findSessions({ limit: 0 })).toEqual([]);
    expect(await code(() => findSessions({ limit: -1 }))).toBe("INVALID_ARGUMENT");
    expect(ids(getActiveSessions())).toEqual(["d"]);
    expect(ids(getPausedSessions({ userId: "u" }))).toEqual(["a"]);
    expect(ids(getPausedSessions({ userId: "v" }))).toEqual([]);
    expect(ids(getCompletedSessions({ createdAfter: new Date(BEGIN).toISOString() }))).toEqual([
      "b",
    ]);
    expect(ids(getFailedSessions())).toEqual(["c"]);
  });

  it("statistics count the matching sessions", async () => {
    expect(getStats()).toMatchObject({ total: 0, successRate: 0, averageIterations: 0 });
    const { id } = await startSession("t", "m", { userId: "u" });
    await incrementIteration(id);
    await completeSession(id);
    await startSession("t", "n");
    expect(getStats()).toMatchObject({
      total: 2,
      byStatus: { active: 1, completed: 1, paused: 0, failed: 0, timeout: 0 },
      byMode: { m: 1, n: 1 },
      averageIterations: 0.5,
      successRate: 50,
    });
    expect(getSessionStats({ userId: "u", limit: 1, offset: 5 })).toMatchObject({ total: 1 });
  });

  it("the session context has nine properties", async () => {
    const { id } = await startSession("t", "m", { workspace: "w", context: { nextStep: "tests" } });
    for (let i = 0; i < 11; i++) await incrementIteration(id);
    const context = getSessionContext(id);
    expect(Object.keys(context ?? {}).sort()).toEqual([
      "context",
      "iterations",
      "maxIterations",
      "mode",
      "recentHistory",
      "sessionId",
      "status",
      "task",
      "workspace",
    ]);
    expect(context).toMatchObject({
      sessionId: id,
      iterations: 11,
      context: { nextStep: "tests" },
    });
    expect(context?.recentHistory.map(({ sequence }) => sequence)).toEqual([
      3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
    ]);
  });

  it("duration and progress are computed from the session", async () => {
    const { id } = await startSession("t", "m", { maxIterations: 4 });
    await incrementIteration(id);
    pass(500);
    expect(getSessionDuration(id)).toBe(500);
    expect(getSessionProgress(id)).toBe(25);
    await completeSession(id);
    pass(500);
    expect(getSessionDuration(id)).toBe(500);
  });

  it("cleanup trashes old sessions but active and paused ones, and purges those that were trashed as long ago", async () => {
    for (const id of ["active", "paused", "completed", "failed", "timeout"]) {
      createSession({ id, task: "t", mode: "m", maxIterations: 1 });
    }
    await pauseSession("paused");
    await completeSession("completed");
    await failSession("failed");
    await incrementIteration("timeout");
    expect(cleanupSessions(30)).toBe(0);
    pass(30 * DAY);
    createSession({ id: "young", task: "t", mode: "m" });
    await completeSession("young");
    expect(cleanupSessions()).toBe(3);
    expect(cleanupSessions()).toBe(0);
    expect(ids(listSessions()).sort()).toEqual(["active", "paused", "young"]);

    // A session in the trash does not exist for these functions.
    expect(getSession("completed")).toBeNull();
    expect(getSessionContext("completed")).toBeNull();
    expect(getSessionProgress("completed")).toBeNull();
    expect(getSessionDuration("completed")).toBeNull();
    expect(exportSession("completed")).toBeNull();
    expect(isSessionResumable("timeout")).toBe(false);
    expect(updateSession("completed", { task: "t" })).toBeNull();
    expect(updateContext("completed", {})).toBeNull();
    expect(await completeSession("timeout")).toBeNull();
    expect(await addEvent("timeout", "note")).toBe(false);
    expect(deleteSession("completed")).toBe(false);
    expect(getStats().total).toBe(3);
    // But its id is still in use.
    const taken = { task: "t", mode: "m", id: "completed" };
    expect(await code(() => createSession(taken))).toBe("SESSION_EXISTS");
    pass(30 * DAY);
    expect(cleanupOldSessions(30 * DAY)).toBe(1);
    expect(createSession(taken).status).toBe("active");
  });

  it("a single cleanup of all ages deletes no session permanently", async () => {
    const { id } = await startSession("t", "m");
    await completeSession(id);
    expect(cleanupOldSessions(0)).toBe(1);
    expect(await code(() => createSession({ id, task: "t", mode: "m" }))).toBe("SESSION_EXISTS");
    expect(cleanupOldSessions(0)).toBe(0);
    expect(createSession({ id, task: "t", mode: "m" }).id).toBe(id);
  });

  it("lists have all sessions without a limit, and no more than the limit", () => {
    for (let i = 0; i < 1101; i++) createSession({ id: `s${i}`, task: "t", mode: "m" });
    expect(new Set(ids(listSessions())).size).toBe(1101);
    expect(listSessions({ limit: 1050 })).toHaveLength(1050);
    expect(ids(listSessions({ limit: 1050, offset: 100 }))).toEqual(ids(listSessions()).slice(100));
    expect(listSessions({ limit: Number.POSITIVE_INFINITY })).toHaveLength(1101);
  });
});
