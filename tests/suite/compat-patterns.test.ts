// Typical uses of `tenure/compat` in bots.

// Loaded first: the browser's own module has no operations of administrators.
import "../support/complete.js";
import {
  type AgentSession,
  cleanupSessions,
  completeSession,
  deleteSession,
  failSession,
  getSession,
  getSessionContext,
  getSessionProgress,
  incrementIteration,
  isSessionResumable,
  listSessions,
  pauseSession,
  recordLearning,
  recordToolCall,
  resumeSession,
  saveSession,
  startSession,
  updateContext,
  updateSession,
} from "tenure/compat";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { compatStores, useStore } from "../support/compat.js";

const types = (id: string): readonly string[] =>
  getSession(id)?.history.map(({ type }) => type) ?? [];

describe.each(compatStores)("%s, a bot", (_, store) => {
  beforeEach(() => useStore(store));
  afterEach(() => vi.useRealTimers());

  it("counts iterations in a loop, and pauses for a review when they are consumed", async () => {
    const session = await startSession("task", "mode", { maxIterations: 5 });
    let worked = 0;
    for (let i = 0; i < session.maxIterations; i++) {
      await incrementIteration(session.id);
      const current = getSession(session.id);
      if (current?.status === "timeout") {
        await pauseSession(session.id, "Max iterations reached");
        break;
      }
      worked += 1;
    }
    expect(worked).toBe(4);
    expect(getSession(session.id)).toMatchObject({
      status: "paused",
      iterations: 5,
      context: { pauseReason: "Max iterations reached", pausedAt: expect.any(String) },
    });
    expect(types(session.id).slice(-2)).toEqual(["timeout", "pause"]);
  });

  it("never exceeds its iterations, however often it resumes", async () => {
    const { id, maxIterations } = await startSession("task", "mode", { maxIterations: 3 });
    const loop = async (): Promise<number> => {
      let worked = 0;
      while (getSession(id)?.status === "active") {
        worked += 1;
        if (worked > 100) throw new Error("it runs away");
        await incrementIteration(id);
      }
      return worked;
    };
    expect(await loop()).toBe(maxIterations);
    for (let i = 0; i < 3; i++) {
      await pauseSession(id);
      expect(isSessionResumable(id)).toBe(true);
      await resumeSession(id);
      expect(await loop()).toBe(0);
    }
    updateSession(id, { maxIterations: 5, status: "active" });
    expect(await loop()).toBe(2);
  });

  it("can resume every session that is resumable", async () => {
    const changes: readonly ((id: string) => unknown)[] = [
      () => undefined,
      (id) => pauseSession(id),
      (id) => incrementIteration(id),
      async (id) => {
        await incrementIteration(id);
        await incrementIteration(id);
      },
      async (id) => {
        await incrementIteration(id);
        await incrementIteration(id);
        await pauseSession(id);
      },
      (id) => completeSession(id),
      (id) => failSession(id),
      (id) => updateSession(id, { status: "abandoned" }),
      (id) => deleteSession(id),
    ];
    for (const change of changes) {
      const { id } = await startSession("task", "mode", { maxIterations: 2 });
      await change(id);
      if (isSessionResumable(id)) expect(await resumeSession(id)).not.toBeNull();
    }
  });

  it("fails the session in its catch block, and rethrows the error", async () => {
    const run = async (agent: (id: string) => Promise<string>): Promise<AgentSession | null> => {
      const session = await startSession("task", "mode");
      try {
        await completeSession(session.id, await agent(session.id));
        throw new Error("after the end");
      } catch (error) {
        await failSession(session.id, (error as Error).message);
        return getSession(session.id);
      }
    };
    expect(await run(async () => "output")).toMatchObject({
      status: "completed",
      result: "output",
    });
    const broken = await run(async () => {
      throw new Error("before the end");
    });
    expect(broken).toMatchObject({ status: "failed", error: "before the end" });
    const removed = await run(async (id) => {
      deleteSession(id);
      throw new Error("unavailable");
    });
    expect(removed).toBeNull();
  });

  it("continues where it stopped, from the context", async () => {
    const session = await startSession("task", "developer", { maxIterations: 50 });
    await incrementIteration(session.id, { step: "analysis", phase: "planning" });
    await recordToolCall(session.id, "bash", { command: "npm test" }, { exitCode: 0 });
    await recordLearning(session.id, "Learned to handle edge case X", "expertise/developer.md");
    updateContext(session.id, {
      currentPhase: "implementation",
      completedSteps: ["analysis", "planning"],
      nextStep: "write_tests",
    });
    await pauseSession(session.id, "User requested pause");
    // ... another day ...
    if (!isSessionResumable(session.id)) throw new Error("it cannot be resumed");
    const context = getSessionContext(session.id);
    expect(context?.context.nextStep).toBe("write_tests");
    expect(context?.recentHistory.map(({ type }) => type)).toEqual([
      "start",
      "iteration",
      "tool_call",
      "learning",
      "pause",
    ]);
    expect(await resumeSession(session.id)).toMatchObject({ status: "active" });
    expect(getSessionContext(session.id)?.context).not.toHaveProperty("pauseReason");
    expect(getSessionProgress(session.id)).toBe(2);
  });

  it("modifies a session that it has read, and saves it", async () => {
    const { id } = await startSession("task", "mode");
    for (let i = 0; i < 3; i++) {
      const session = getSession(id);
      if (session === null) throw new Error("there is no session");
      session.context[`step${i}`] = i;
      session.iterations += 1;
      session.history.push({
        timestamp: new Date().toISOString(),
        type: "iteration",
        data: { step: i },
      });
      saveSession(session);
    }
    const session = getSession(id);
    expect(session).toMatchObject({ iterations: 3, context: { step0: 0, step1: 1, step2: 2 } });
    expect(session?.history.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
  });

  it("cleans up once a day", async () => {
    vi.useFakeTimers();
    const cleaned: number[] = [];
    const timer = setInterval(() => cleaned.push(cleanupSessions(30)), 86_400_000);
    const { id } = await startSession("task", "mode");
    await completeSession(id);
    const waiting = await startSession("task", "mode");
    await pauseSession(waiting.id);
    vi.advanceTimersByTime(40 * 86_400_000);
    clearInterval(timer);
    expect(cleaned).toHaveLength(40);
    expect(cleaned.reduce((sum, count) => sum + count, 0)).toBe(1);
    expect(cleaned[29]).toBe(1);
    expect(listSessions().map((session) => session.id)).toEqual([waiting.id]);
  });
});
