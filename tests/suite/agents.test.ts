// Agents in the JavaScript API: phases, approval, the resume decision, and the end.

// Loaded first: the browser's own module has no cleanup of agents.
import "../support/complete.js";
import { type AgentState, openSync, type ResumeDecision, type SessionHead } from "tenure";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { code, failure } from "../support/failures.js";
import { clockedStores, inMemory } from "../support/stores.js";

const BEGIN = new Date("2026-01-08T18:05:30.000Z");
const MINUTE = 60_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: BEGIN });
});

afterEach(() => {
  vi.useRealTimers();
});

/** Advances the time. */
function advance(millis: number): void {
  vi.setSystemTime(Date.now() + millis);
}

describe.each(clockedStores)("an agent %s", (_, openStore) => {
  it("goes through its phases and finishes", async () => {
    const { agents } = await openStore();
    const { id } = await agents.create({
      agentName: "terraform-architect",
      purpose: "approval_workflow",
      metadata: { task_id: "T001", tags: ["terraform"] },
    });
    expect(id).toMatch(/^agent-20260108-180530-[0-9a-f]{8}$/);
    advance(30_000);
    await agents.update(id, { phase: "investigating" });
    advance(250_000);
    await agents.update(id, { phase: "approval", metadata: { plan: "plan.json" } });
    expect(await agents.get(id)).toEqual({
      agentId: id,
      agentName: "terraform-architect",
      purpose: "approval_workflow",
      createdAt: "2026-01-08T18:05:30.000Z",
      lastUpdated: "2026-01-08T18:10:10.000Z",
      phase: "approval",
      metadata: { task_id: "T001", tags: ["terraform"], plan: "plan.json" },
      resumeReady: true,
      history: [
        {
          fromPhase: "initializing",
          toPhase: "investigating",
          timestamp: "2026-01-08T18:06:00.000Z",
        },
        { fromPhase: "investigating", toPhase: "approval", timestamp: "2026-01-08T18:10:10.000Z" },
      ],
      errorCount: 0,
      lastError: null,
      finalizedAt: null,
      durationSeconds: null,
      summary: null,
      approval: null,
    } satisfies AgentState);
    advance(10_000);
    expect(await agents.finalize(id, "completed", { summary: "Applied" })).toMatchObject({
      status: "completed",
      phase: "completed",
      summary: "Applied",
    });
    expect(await agents.get(id)).toMatchObject({
      finalizedAt: "2026-01-08T18:10:20.000Z",
      durationSeconds: 290,
      history: [{}, {}, { fromPhase: "approval", toPhase: "completed" }],
    });
  });

  it("is resumed until it is not resumable, with a reason", async () => {
    const { agents } = await openStore();
    const reason = async (id: string): Promise<ResumeDecision["reason"]> => {
      const decision = await agents.shouldResume(id);
      expect(decision.resume).toBe(decision.reason === "resumable");
      return decision.reason;
    };
    expect(await reason("agent-x")).toBe("not_found");
    const { id } = await agents.create({ agentName: "a" });
    expect(await reason(id)).toBe("phase_not_resumable");
    await agents.update(id, { phase: "planning" });
    expect(await reason(id)).toBe("resumable");
    await agents.update(id, { resumeReady: false });
    expect(await reason(id)).toBe("not_ready");
    await agents.update(id, { phase: "investigating" });
    advance(30 * MINUTE - 1);
    expect(await reason(id)).toBe("resumable");
    advance(1);
    expect(await reason(id)).toBe("idle_too_long");
    expect(await agents.shouldResume(id, { idle: "1h" })).toMatchObject({ resume: true });
    for (let n = 0; n < 3; n += 1) await agents.update(id, { error: `broken ${n}` });
    expect(await reason(id)).toBe("too_many_errors");
    expect(await agents.shouldResume(id, { maxErrors: 4 })).toMatchObject({ resume: true });
    expect(await agents.get(id)).toMatchObject({
      errorCount: 3,
      lastError: { message: "broken 2" },
    });
    await agents.update(id, { phase: "failed" });
    expect(await reason(id)).toBe("finished");
  });

  it("waits for an approval, which resumes it", async () => {
    const sessions = await openStore();
    const { agents } = sessions;
    const { id } = await agents.create({ agentName: "a" });
    expect(
      await agents.requestApproval(id, { reason: "May I apply?", metadata: { plan: 7 } }),
    ).toMatchObject({ status: "paused", phase: "approval", approval: { state: "pending" } });
    expect((await sessions.context(id))?.context).toMatchObject({ pauseReason: "May I apply?" });
    expect(await agents.shouldResume(id)).toMatchObject({ reason: "awaiting_approval" });
    expect(await sessions.isResumable(id)).toBe(false);
    expect(await code(sessions.resume(id))).toBe("APPROVAL_PENDING");
    expect(await code(agents.update(id, { phase: "executing" }))).toBe("APPROVAL_PENDING");
    expect(await agents.approve(id, { by: "ada" })).toMatchObject({
      status: "active",
      phase: "approval",
      approval: { state: "approved", by: "ada" },
    });
    await agents.approve(id, { by: "ada" });
    expect(await code(agents.deny(id, { by: "bob" }))).toBe("APPROVAL_DECIDED");
    expect(await agents.get(id)).toMatchObject({ approval: { state: "approved", by: "ada" } });
    const { history } = (await sessions.get(id)) ?? { history: [] };
    const approval = history.find(({ type }) => type === "approval");
    expect(approval?.data).toMatchObject({ approved: true, by: "ada" });
  });

  it("goes on without an approval by an override, which the audit log names", async () => {
    const sessions = await openStore();
    const { agents } = sessions;
    const { id } = await agents.create({ agentName: "a" });
    await agents.requestApproval(id);
    const resumed = await sessions.resume(id, { override: true });
    expect(resumed).toMatchObject({ status: "active" });
    expect(resumed).not.toHaveProperty("approval");
    const { items } = await sessions.audit.entries({ kind: "agent.approval_override" });
    expect(items).toMatchObject([{ subject: id }]);
  });

  it("that is denied is abandoned with the reason", async () => {
    const { agents } = await openStore();
    const { id } = await agents.create({ agentName: "a" });
    await agents.requestApproval(id);
    expect(await agents.deny(id, { reason: "too dear", by: "ada" })).toMatchObject({
      status: "abandoned",
      phase: "abandoned",
      summary: "too dear",
    });
  });

  it("is cleaned up when it has been idle too long, in any phase", async () => {
    const sessions = await openStore();
    const { agents } = sessions;
    const { id: old } = await agents.create({ agentName: "old" });
    const { id: ended } = await agents.create({ agentName: "ended" });
    await agents.finalize(ended, "completed");
    const { id: other } = await sessions.start({ task: "t", mode: "m" });
    advance(24 * 60 * MINUTE);
    const { id: young } = await agents.create({ agentName: "young" });
    expect(await agents.cleanup({ hours: 25 })).toMatchObject({ removed: 0 });
    expect(await agents.cleanup({ dryRun: true })).toMatchObject({ removed: 2 });
    expect(await agents.cleanup()).toMatchObject({ removed: 2 });
    expect(await agents.cleanup({ hours: 24 })).toMatchObject({ removed: 0 });
    expect((await agents.list()).items.map(({ id }) => id)).toEqual([young]);
    expect(await sessions.get(old, { trash: "include" })).toMatchObject({ phase: "abandoned" });
    expect(await sessions.get(ended, { trash: "include" })).toMatchObject({ phase: "completed" });
    expect(await sessions.get(other)).not.toBeNull();
  });

  it("is listed by its phase and by its name", async () => {
    const sessions = await openStore();
    const { agents } = sessions;
    await sessions.start({ id: "no-agent", task: "t", mode: "a" });
    const ids: Record<string, string> = {};
    for (const name of ["a", "b", "a2"]) {
      ids[name] = (await agents.create({ agentName: name.slice(0, 1), purpose: name })).id;
      advance(1000);
    }
    await agents.update(ids.b ?? "", { phase: "planning" });
    await agents.finalize(ids.a ?? "", "failed");
    const listed = async (list: AsyncIterable<SessionHead>): Promise<(string | undefined)[]> => {
      const purposes: (string | undefined)[] = [];
      for await (const { purpose } of list) purposes.push(purpose);
      return purposes;
    };
    expect(await listed(agents.list({ limit: 1 }))).toEqual(["a2", "b", "a"]);
    expect(await listed(agents.list({ activeOnly: true }))).toEqual(["a2", "b"]);
    expect(await listed(agents.list({ agentName: "a" }))).toEqual(["a2", "a"]);
    expect(await listed(agents.list({ resumable: true }))).toEqual(["b"]);
    expect((await agents.list({ limit: 2 })).items).toHaveLength(2);
  });
});

describe("an agent that does not exist", () => {
  it("is null or a reason, never an error", async () => {
    const { agents } = await inMemory();
    expect(await agents.get("agent-x")).toBeNull();
    expect(await agents.update("agent-x", { phase: "planning" })).toBeNull();
    expect(await agents.finalize("agent-x", "completed")).toBeNull();
    expect(await agents.shouldResume("agent-x")).toMatchObject({ resume: false });
  });

  it("cannot be approved or denied", async () => {
    const { agents } = await inMemory();
    for (const call of [agents.approve("agent-x"), agents.deny("agent-x")])
      expect(await code(call)).toBe("SESSION_NOT_FOUND");
  });
});

describe("the end of an agent", () => {
  it("is the end of its session, and the other way round", async () => {
    const sessions = await inMemory();
    const { agents } = sessions;
    const [one, other] = [
      await agents.create({ agentName: "a" }),
      await agents.create({ agentName: "a" }),
    ];
    await agents.update(one.id, { phase: "completed" });
    expect(await sessions.get(one.id)).toMatchObject({ status: "completed" });
    await sessions.fail(other.id, "broken");
    expect(await agents.get(other.id)).toMatchObject({ phase: "failed" });
  });

  it("is idempotent: the same outcome only adds a summary, another one is refused", async () => {
    const { agents } = await inMemory();
    const { id } = await agents.create({ agentName: "a" });
    await agents.finalize(id, "completed");
    advance(MINUTE);
    expect(await agents.finalize(id, "completed", { summary: "done" })).toMatchObject({
      summary: "done",
    });
    expect(await agents.get(id)).toMatchObject({
      finalizedAt: BEGIN.toISOString(),
      history: [{ toPhase: "completed" }],
    });
    await failure(agents.finalize(id, "failed"));
    await failure(agents.update(id, { phase: "planning" }));
    expect(await agents.get(id)).toMatchObject({ phase: "completed", summary: "done" });
  });
});

describe("invalid parameters of agents", () => {
  it.each([
    { phase: "thinking" },
    { phase: 7 },
    { metadata: [] },
    { resumeReady: "yes" },
    { phases: "planning" },
  ])("include the update %j", async (patch) => {
    const { agents } = await inMemory();
    const { id } = await agents.create({ agentName: "a" });
    expect(await code(agents.update(id, patch as never))).toBe("INVALID_ARGUMENT");
    expect(await agents.get(id)).toMatchObject({ phase: "initializing", errorCount: 0 });
  });

  it.each([Number.NaN, -1, "soon", "24", [5], 1n, true])(
    "include a cleanup after %s hours",
    async (hours) => {
      const { agents } = await inMemory();
      expect(await code(agents.cleanup({ hours: hours as never }))).toBe("INVALID_ARGUMENT");
    },
  );

  it("include hook input that is not JSON", async () => {
    const { hooks } = (await inMemory()).agents;
    expect(await code(hooks.preDelegate({ n: 1n }))).toBe("INVALID_ARGUMENT");
    for (const name of ["preDelegate", "event", "subagentStop"] as const) {
      expect(await failure(() => hooks[name](5 as never))).toMatchObject({
        code: "INVALID_ARGUMENT",
        message: "input: expected what the host passes, as JSON text or an object, got 5",
      });
    }
  });

  it("include an agent without a name", async () => {
    const { agents } = await inMemory();
    expect(await code(agents.create({} as never))).toBe("INVALID_ARGUMENT");
    expect(await code(agents.create(undefined as never))).toBe("INVALID_ARGUMENT");
  });
});

describe("synchronous agents", () => {
  it("return results instead of promises", () => {
    using sessions = openSync("memory:");
    const { agents } = sessions;
    const { id } = agents.create({ agentName: "a", purpose: "p" });
    agents.update(id, { phase: "planning" });
    expect(agents.shouldResume(id).resume).toBe(true);
    expect([...agents.list({ limit: 1 })].map(({ agentName }) => agentName)).toEqual(["a"]);
    expect(agents.finalize(id, "completed")).toMatchObject({ phase: "completed" });
    expect(agents.get(id)?.history).toHaveLength(2);
  });
});
