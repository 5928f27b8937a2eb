// The lifecycle of a session, and the effects of each transition.

import type { Session, Sessions, Status } from "tenure";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { code, failure } from "../support/failures.js";
import { clockedStores, everyStore, inMemory } from "../support/stores.js";

const BEGIN = new Date("2026-01-08T18:05:30.000Z");

/** Brings a new session of two iterations into a status. */
async function sessionThatIs(sessions: Sessions, status: Status): Promise<Session> {
  const session = await sessions.start({ task: "t", mode: "developer", maxIterations: 2 });
  const { id } = session;
  switch (status) {
    case "active":
      break;
    case "paused":
      await sessions.pause(id);
      break;
    case "completed":
      await sessions.complete(id);
      break;
    case "failed":
      await sessions.fail(id);
      break;
    case "timeout":
      await sessions.incrementIteration(id);
      await sessions.incrementIteration(id);
      break;
    case "abandoned":
      await sessions.abandon(id);
      break;
  }
  return session;
}

const steps = {
  pause: { to: "paused", from: ["active", "timeout"] },
  complete: { to: "completed", from: ["active", "paused", "timeout"] },
  fail: { to: "failed", from: ["active", "paused", "timeout"] },
  abandon: { to: "abandoned", from: ["active", "paused", "timeout"] },
  resume: { to: "active", from: ["active", "paused"] },
} as const;

const allowed = {
  active: ["paused", "completed", "failed", "timeout", "abandoned"],
  paused: ["active", "completed", "failed", "abandoned"],
  timeout: ["active", "paused", "completed", "failed", "abandoned"],
  completed: [],
  failed: [],
  abandoned: [],
} as const satisfies Record<Status, readonly Status[]>;

const statuses = ["active", "paused", "completed", "failed", "timeout", "abandoned"] as const;

describe.each(everyStore)("sessions %s", (_, open) => {
  let sessions: Sessions;

  beforeEach(async () => {
    sessions = await open();
  });

  describe.each(Object.entries(steps))("%s", (name, { to, from }) => {
    it.each(statuses)(`from %s leads to ${to} or is refused`, async (status) => {
      const { id } = await sessionThatIs(sessions, status);
      const before = await sessions.get(id);
      const step = sessions[name as keyof typeof steps].bind(sessions);
      if ((from as readonly Status[]).includes(status)) {
        const head = await step(id);
        expect(head.status).toBe(to);
        expect((await sessions.get(id))?.status).toBe(to);
        return;
      }
      const error = await failure(step(id));
      if (name === "resume" && status === "timeout") {
        expect(error.code).toBe("BUDGET_EXHAUSTED");
        expect((await sessions.resume(id, { addIterations: 1 })).status).toBe("active");
        return;
      }
      expect(error.code).toBe("INVALID_TRANSITION");
      expect(error.details).toMatchObject({ id, from: status, to });
      expect(error.details.allowed).toEqual(allowed[status]);
      expect(error.message).toContain(status);
      expect(await sessions.get(id)).toEqual(before);
    });
  });

  it("start active, with a start event and a hundred iterations", async () => {
    const session = await sessions.start({
      task: "Fix the build",
      mode: "developer",
      userId: "u1",
      channelId: "c1",
      workspace: "/srv/repo",
      context: { priority: "high" },
      metadata: { model: "m-1", timeout: 60, own: [1] },
    });
    expect(session).toMatchObject({
      status: "active",
      task: "Fix the build",
      mode: "developer",
      userId: "u1",
      channelId: "c1",
      workspace: "/srv/repo",
      iterations: 0,
      maxIterations: 100,
      context: { priority: "high" },
      metadata: { model: "m-1", timeout: 60, own: [1] },
      version: 1,
      eventCount: 1,
    });
    expect(session.id).toMatch(/^session_[0-9a-z]{8,}_[0-9a-z]{12,}$/);
    expect(session.createdAt).toBe(session.updatedAt);
    expect(session.history).toEqual([
      {
        sequence: 1,
        timestamp: session.createdAt,
        type: "start",
        data: { task: "Fix the build", mode: "developer", workspace: "/srv/repo" },
      },
    ]);
    expect(await sessions.get(session.id)).toEqual(session);
  });

  it("can start paused, with the reason in the context", async () => {
    const session = await sessions.start({
      task: "t",
      mode: "m",
      paused: true,
      pauseReason: "wait for approval",
    });
    expect(session.status).toBe("paused");
    expect(session.context).toEqual({
      pausedAt: session.createdAt,
      pauseReason: "wait for approval",
    });
    expect(session.history.map(({ type }) => type)).toEqual(["start", "pause"]);
  });

  it("become timeout with the last iteration of the budget, with an event", async () => {
    const { id } = await sessions.start({ task: "t", mode: "m", maxIterations: 2 });
    expect(await sessions.incrementIteration(id, { phase: "one" })).toMatchObject({
      status: "active",
      iterations: 1,
      firstSequence: 2,
      lastSequence: 2,
    });
    expect(await sessions.incrementIteration(id)).toMatchObject({
      status: "timeout",
      iterations: 2,
      maxIterations: 2,
      firstSequence: 3,
      lastSequence: 4,
    });
    const session = await sessions.get(id);
    expect(session?.history.map(({ type, data }) => [type, data])).toEqual([
      ["start", { task: "t", mode: "m" }],
      ["iteration", { phase: "one" }],
      ["iteration", { iteration: 2 }],
      ["timeout", expect.any(Object)],
    ]);
    expect(await failure(sessions.incrementIteration(id))).toMatchObject({
      code: "BUDGET_EXHAUSTED",
      details: { id, iterations: 2, maxIterations: 2 },
    });
  });

  it("pause at the limit and continue only with more iterations", async () => {
    const { id } = await sessionThatIs(sessions, "timeout");
    await sessions.pause(id, "Max iterations reached");
    expect(await code(sessions.resume(id))).toBe("BUDGET_EXHAUSTED");
    const head = await sessions.resume(id, { addIterations: 3 });
    expect(head).toMatchObject({ status: "active", iterations: 2, maxIterations: 5 });
  });

  it("complete with a result, fail with an error, and are abandoned with a reason", async () => {
    const completed = await sessionThatIs(sessions, "active");
    expect(await sessions.complete(completed.id, "done")).toMatchObject({ result: "done" });
    const failed = await sessionThatIs(sessions, "active");
    expect(await sessions.fail(failed.id, new TypeError("no such file"))).toMatchObject({
      error: "no such file",
    });
    const wrong = { message: 5 } as never;
    expect(await code(sessions.fail(failed.id, wrong))).toBe("INVALID_ARGUMENT");
    const abandoned = await sessionThatIs(sessions, "active");
    await sessions.abandon(abandoned.id, "superseded");
    const last = async ({ id }: Session) => {
      const session = await sessions.get(id, { history: 1 });
      expect(session?.finalizedAt).toBe(session?.updatedAt);
      return session?.history.map(({ type, data }) => [type, data]);
    };
    expect(await last(completed)).toEqual([["complete", { result: "done" }]]);
    const stack = expect.stringContaining("TypeError: no such file");
    expect(await last(failed)).toEqual([["error", { error: "no such file", stack }]]);
    expect(await last(abandoned)).toEqual([["abandoned", { reason: "superseded" }]]);
  });

  it.each(["completed", "failed", "abandoned"] as const)(
    "accept no events when they are %s",
    async (status) => {
      const { id } = await sessionThatIs(sessions, status);
      expect(await failure(sessions.addEvent(id, "note"))).toMatchObject({
        code: "SESSION_FINISHED",
        details: { id, status },
      });
      expect(await code(sessions.incrementIteration(id))).toBe("SESSION_FINISHED");
      expect(await code(sessions.recordToolCall(id, "bash"))).toBe("SESSION_FINISHED");
      expect(await code(sessions.recordLearning(id, "x"))).toBe("SESSION_FINISHED");
    },
  );

  it("can be resumed when they are paused, or active with remaining iterations", async () => {
    const resumable = async (status: Status) =>
      sessions.isResumable((await sessionThatIs(sessions, status)).id);
    expect(await Promise.all(statuses.map(resumable))).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
    expect(await sessions.isResumable("unknown")).toBe(false);
  });

  it.each([
    ["pause", { reason: "break" }, "paused"],
    ["complete", { result: "r" }, "completed"],
    ["error", { error: "e" }, "failed"],
    ["timeout", {}, "timeout"],
    ["abandoned", { reason: "r" }, "abandoned"],
  ] as const)("treat an event of type %s as the transition", async (type, data, status) => {
    const { id } = await sessionThatIs(sessions, "active");
    const appended = await sessions.addEvent(id, type, data);
    expect(appended.status).toBe(status);
    const session = await sessions.get(id, { history: 1 });
    expect(session?.history[0]).toMatchObject({ type, data });
    if (type === "pause") expect(session?.context.pauseReason).toBe("break");
    if (type === "complete") expect(session?.result).toBe("r");
    if (type === "error") expect(session?.error).toBe("e");
  });

  it("treat a resume event as the transition, and an iteration event as an iteration", async () => {
    const { id } = await sessionThatIs(sessions, "paused");
    expect((await sessions.addEvent(id, "resume")).status).toBe("active");
    expect((await sessions.addEvent(id, "iteration")).iterations).toBe(1);
    await sessions.pause(id);
    expect((await sessions.addEvent(id, "resume", { addIterations: 5 })).maxIterations).toBe(7);
    expect(await code(sessions.addEvent(id, "start" as string))).toBe("INVALID_ARGUMENT");
    expect(await code(sessions.addEvent(id, "context_change" as string))).toBe("INVALID_ARGUMENT");
  });

  it("do not treat an event of another type as anything but an event", async () => {
    const { id } = await sessions.start({ task: "t", mode: "m", context: { a: 1 } });
    const { callId } = await sessions.startToolCall(id, "bash");
    for (const type of ["note", "phase", "agent_error", "approval", "learning", "fork"]) {
      const appended = await sessions.addEvent(id, type, { error: "e", result: "r", to: "done" });
      expect(appended).toMatchObject({ status: "active", iterations: 0 });
    }
    await sessions.addEvent(id, "tool_call", { tool: "read", callId });
    const session = await sessions.get(id);
    expect(session).toMatchObject({ context: { a: 1 }, metadata: { toolsUsed: ["bash", "read"] } });
    for (const absent of ["result", "error", "phase"]) expect(session).not.toHaveProperty(absent);
    expect((await sessions.context(id))?.unfinishedToolCalls).toHaveLength(1);
  });

  it("lose properties of their context before others are merged into it", async () => {
    const { id } = await sessions.start({ task: "t", mode: "m", context: { a: 1, b: 2, c: 3 } });
    const context = async (properties: object, unset: readonly string[]) =>
      (await sessions.updateContext(id, properties, { unset })).context;
    expect(await context({}, ["a", "unknown"])).toEqual({ b: 2, c: 3 });
    expect(await context({ b: 9 }, ["b", "c"])).toEqual({ b: 9 });
    expect(await context({ unset: ["b"] }, [])).toEqual({ b: 9, unset: ["b"] });
    const both = { replace: true, unset: ["b"] } as never;
    expect(await code(sessions.updateContext(id, { b: 1 }, both))).toBe("INVALID_ARGUMENT");
    const { context: replaced } = await sessions.updateContext(id, { d: 1 }, { replace: true });
    expect(replaced).toEqual({ d: 1 });
  });

  it("have descriptive fields that can be set, merged and cleared", async () => {
    const { id } = await sessions.start({
      task: "t",
      mode: "m",
      userId: "u",
      workspace: "w",
      context: { a: 1, b: 2 },
      metadata: { model: "x", own: 1 },
    });
    const head = await sessions.update(id, {
      task: "t2",
      mode: "m2",
      userId: null,
      channelId: "c",
      maxIterations: 7,
      context: { b: 3, c: 4 },
      metadata: { own: 2 },
    });
    expect(head).toMatchObject({
      task: "t2",
      mode: "m2",
      channelId: "c",
      workspace: "w",
      maxIterations: 7,
      context: { a: 1, b: 3, c: 4 },
      metadata: { model: "x", own: 2 },
      version: 2,
      eventCount: 2,
    });
    expect(head).not.toHaveProperty("userId");
    expect(await sessions.updateContext(id, { d: 5 })).toMatchObject({
      context: { a: 1, b: 3, c: 4, d: 5 },
    });
    const replaced = await sessions.updateContext(id, { only: true }, { replace: true });
    expect(replaced.context).toEqual({ only: true });
  });

  it("are null for an unknown id, which cannot be changed", async () => {
    expect(await sessions.get("unknown")).toBeNull();
    expect(await sessions.context("unknown")).toBeNull();
    expect(await sessions.progress("unknown")).toBeNull();
    expect(await sessions.duration("unknown")).toBeNull();
    expect(await failure(sessions.pause("unknown"))).toMatchObject({
      code: "SESSION_NOT_FOUND",
      details: { id: "unknown" },
    });
    expect(await code(sessions.addEvent("unknown", "x"))).toBe("SESSION_NOT_FOUND");
    expect(await code(sessions.events("unknown"))).toBe("SESSION_NOT_FOUND");
    expect(await code(sessions.delete("unknown"))).toBe("SESSION_NOT_FOUND");
    expect(await code(sessions.export("unknown"))).toBe("SESSION_NOT_FOUND");
  });
});

describe("the clock", () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: BEGIN });
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it.each(clockedStores)("is the clock of the caller, %s", async (_, open) => {
    const sessions = await open();
    const { id, createdAt } = await sessions.start({ task: "t", mode: "m", maxIterations: 4 });
    expect(createdAt).toBe("2026-01-08T18:05:30.000Z");
    vi.setSystemTime(BEGIN.getTime() + 1500);
    const paused = await sessions.pause(id, "lunch");
    expect(paused.context).toEqual({
      pausedAt: "2026-01-08T18:05:31.500Z",
      pauseReason: "lunch",
    });
    vi.setSystemTime(BEGIN.getTime() + 61_500);
    const resumed = await sessions.resume(id);
    expect(resumed.context).toEqual({});
    const session = await sessions.get(id);
    expect(session?.history.at(-1)).toEqual({
      sequence: 3,
      timestamp: "2026-01-08T18:06:31.500Z",
      type: "resume",
      data: { pausedDuration: 60_000 },
    });
    await sessions.incrementIteration(id);
    expect(await sessions.progress(id)).toBe(25);
    expect(await sessions.duration(id)).toBe(61_500);
    vi.setSystemTime(BEGIN.getTime() + 100_000);
    await sessions.complete(id);
    vi.setSystemTime(BEGIN.getTime() + 900_000);
    expect(await sessions.duration(id)).toBe(100_000);
  });

  it("that goes backwards never decreases updatedAt", async () => {
    const sessions = await inMemory();
    const { id } = await sessions.start({ task: "t", mode: "m" });
    vi.setSystemTime(BEGIN.getTime() - 5000);
    const appended = await sessions.addEvent(id, "note");
    expect(appended?.updatedAt).toBe(BEGIN.toISOString());
    const session = await sessions.get(id);
    expect(session?.history.map(({ sequence }) => sequence)).toEqual([1, 2]);
    expect(session?.history[1]?.timestamp).toBe("2026-01-08T18:05:25.000Z");
  });

  it("resume recovers an orphaned active session", async () => {
    const sessions = await inMemory();
    const { id } = await sessions.start({ task: "t", mode: "m" });
    expect((await sessions.resume(id))?.status).toBe("active");
    const session = await sessions.get(id, { history: 1 });
    expect(session?.history[0]).toMatchObject({
      type: "resume",
      data: { pausedDuration: 0, recovered: true },
    });
  });
});
