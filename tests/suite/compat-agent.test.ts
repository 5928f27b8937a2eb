// `SessionAwareAgent`: every run of an agent is a session, which completes or fails with the run.

import { open } from "tenure";
import {
  type AgentRun,
  configure,
  deleteSession,
  getActiveSessions,
  getSession,
  incrementIteration,
  isSessionResumable,
  resumeSession,
  SessionAwareAgent,
  startSession,
  updateContext,
} from "tenure/compat";
import { beforeEach, describe, expect, it } from "vitest";
import { compatStores, useStore } from "../support/compat.js";
import { code } from "../support/failures.js";
import { MapStore } from "../support/map-store.js";

const fail = (): never => {
  throw new Error("the store's");
};

describe.each(compatStores)("%s, an agent", (_, store) => {
  beforeEach(() => useStore(store));

  it("needs a function to run", () => {
    expect(() => new SessionAwareAgent("u", "c", 5 as never)).toThrow(
      "runner: expected a function",
    );
  });

  it("refuses options and results that are no objects", async () => {
    for (const result of [undefined, null, "done"]) {
      const agent = new SessionAwareAgent("u", "c", async () => result as never);
      expect(await code(agent.execute("t", "m"))).toBe("INVALID_ARGUMENT");
      expect(await code(agent.execute("t", "m", null as never))).toBe("INVALID_ARGUMENT");
    }
    expect(getActiveSessions()).toEqual([]);
  });

  it("runs in a session of its user and channel, which completes with its output", async () => {
    const runs: AgentRun[] = [];
    const agent = new SessionAwareAgent("user123", "channel456", async (run) => {
      runs.push(run);
      expect(agent.getActiveSessions().map(({ id }) => id)).toEqual([run.sessionId]);
      return { success: true, output: "looks good", learned: { insight: "i", expertiseFile: "f" } };
    });
    const result = await agent.execute("Review code", "code_review", { context: { pr: 7 } });
    expect(result).toBe("looks good");
    const sessionId = expect.any(String);
    expect(runs).toEqual([
      { task: "Review code", mode: "code_review", sessionId, context: { pr: 7 } },
    ]);
    const session = getSession(runs[0]?.sessionId ?? "");
    expect(session).toMatchObject({
      userId: "user123",
      channelId: "channel456",
      status: "completed",
      result: "looks good",
      maxIterations: 50,
    });
    expect(session?.history.map(({ type, data }) => [type, data])).toMatchObject([
      ["start", {}],
      ["learning", { insight: "i", expertiseFile: "f" }],
      ["complete", { result: "looks good" }],
    ]);
    expect(agent.getActiveSessions()).toEqual([]);
  });

  it.each([
    [undefined, "Failed"],
    ["", "Failed"],
    ["no tests", "no tests"],
  ])("without success and with the error %j fails with %j", async (error, expected) => {
    let id = "";
    const agent = new SessionAwareAgent("u", "c", ({ sessionId }) => {
      id = sessionId;
      return { success: false, output: "", error };
    });
    await expect(agent.execute("t", "m")).rejects.toThrow(expected);
    expect(getSession(id)).toMatchObject({ status: "failed", error: expected });
  });

  it("that throws fails, and the error is rethrown", async () => {
    let id = "";
    const thrown = new Error("broken");
    const agent = new SessionAwareAgent("u", "c", async ({ sessionId }) => {
      id = sessionId;
      throw thrown;
    });
    await expect(agent.execute("t", "m")).rejects.toBe(thrown);
    expect(getSession(id)).toMatchObject({ status: "failed", error: "broken" });
  });

  it("that stops after it was paused stays paused, and continues when it is resumed", async () => {
    const agent = new SessionAwareAgent("u", "c", async ({ sessionId, context }) => {
      await incrementIteration(sessionId);
      if (context.approved) return { success: true, output: "merged" };
      await agent.pause(sessionId, "May I merge?");
      return { success: false, output: "May I merge?" };
    });
    const id = "s";
    expect(await agent.execute("t", "m", { id, maxIterations: 9 })).toBe("May I merge?");
    expect(getSession(id)).toMatchObject({
      status: "paused",
      context: { pauseReason: "May I merge?" },
    });
    expect(isSessionResumable(id)).toBe(true);
    updateContext(id, { approved: true });
    expect(await agent.resume(id)).toBe("merged");
    expect(getSession(id)).toMatchObject({
      status: "completed",
      iterations: 2,
      maxIterations: 9,
      result: "merged",
    });
  });

  it("throws the agent's error also when the store fails", async () => {
    const agent = new SessionAwareAgent("u", "c", ({ sessionId }) => {
      deleteSession(sessionId);
      configure({ store: { ...new MapStore(), load: fail, commit: fail } as never });
      throw new Error("the agent's own");
    });
    await expect(agent.execute("t", "m")).rejects.toThrow("the agent's own");
  });

  it("recovers a session that a crash has left active", async () => {
    const { id } = await startSession("t", "m");
    const agent = new SessionAwareAgent("u", "c", () => ({ success: true, output: "done" }));
    expect(await agent.resume(id)).toBe("done");
    expect(getSession(id)?.status).toBe("completed");
  });

  it("does not run for a session that does not exist or is finished", async () => {
    let runs = 0;
    const agent = new SessionAwareAgent("u", "c", () => {
      runs += 1;
      return { success: true, output: "" };
    });
    expect(await code(agent.resume("unknown"))).toBe("SESSION_NOT_FOUND");
    expect(await agent.pause("unknown")).toBeNull();
    const { id } = await startSession("t", "m", { maxIterations: 1 });
    await incrementIteration(id);
    await agent.pause(id);
    expect(await code(agent.resume(id))).toBe("BUDGET_EXHAUSTED");
    await agent.execute("t", "m", { id: "done" });
    expect(await code(agent.resume("done"))).toBe("INVALID_TRANSITION");
    expect(runs).toBe(1);
  });
});

describe("an agent in a session that waits for an approval", () => {
  it("does not run, also if the session is active", async () => {
    const store = new MapStore();
    useStore(() => store);
    const sessions = await open(store);
    const { id } = await sessions.agents.create({ agentName: "a", purpose: "p" });
    await sessions.agents.requestApproval(id);
    const fork = await sessions.fork(id);
    expect(fork.status).toBe("active");

    let runs = 0;
    const agent = new SessionAwareAgent("u", "c", () => {
      runs += 1;
      return { success: true, output: "" };
    });
    for (const waiting of [id, fork.id]) {
      expect(await code(agent.resume(waiting))).toBe("APPROVAL_PENDING");
      expect(await code(resumeSession(waiting))).toBe("APPROVAL_PENDING");
      const held = await sessions.hold(waiting);
      const kept = async () => held?.resume(waiting, { ifActive: "keep" });
      expect(await code(kept())).toBe("APPROVAL_PENDING");
      await held?.release();
      expect(await sessions.agents.get(waiting)).toMatchObject({ approval: { state: "pending" } });
    }
    expect(runs).toBe(0);
    await sessions.agents.approve(fork.id, { by: "ada" });
    await agent.resume(fork.id);
    expect(runs).toBe(1);
    await sessions.close();
  });

  it("keeps its request if it ends as if it did not wait", async () => {
    const store = new MapStore();
    useStore(() => store);
    const sessions = await open(store);
    const agent = new SessionAwareAgent("u", "c", async ({ sessionId }) => {
      await sessions.agents.requestApproval(sessionId, { reason: "apply?" });
      return { success: true, output: "done" };
    });
    expect(await code(agent.execute("t", "m", { id: "s" }))).toBe("APPROVAL_PENDING");
    expect(getSession("s")).toMatchObject({ status: "paused" });
    expect(await sessions.agents.get("s")).toMatchObject({ approval: { state: "pending" } });
    await sessions.close();
  });
});
