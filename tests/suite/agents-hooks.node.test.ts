// The hooks of agents in the JavaScript API. The module for browsers has none.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { clockedStores } from "../support/stores.js";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: new Date("2026-01-08T18:05:30.000Z") });
});

afterEach(() => {
  vi.useRealTimers();
});

describe.each(clockedStores)("an agent %s", (_, openStore) => {
  it("is found by the hook before delegation, and finished by the hook after it", async () => {
    const { agents } = await openStore();
    const { hooks } = agents;
    const { id } = await agents.create({ agentName: "a", metadata: { task_id: "T001" } });
    await agents.update(id, { phase: "planning", metadata: { plan: 7 } });
    const input = { agent_name: "a", task_id: "T001", agent_id: id };
    expect(await hooks.preDelegate(input)).toMatchObject({
      exitCode: 0,
      output: {
        should_resume: true,
        reason: "session_resumable",
        agent_id: id,
        resume_metadata: {
          previous_phase: "planning",
          created_at: "2026-01-08T18:05:30Z",
          session_metadata: { plan: 7 },
        },
        original_context: input,
      },
    });
    expect(await hooks.preDelegate(input, { idle: 0 })).toMatchObject({
      output: { should_resume: false, reason: "session_not_resumable" },
    });
    const stop = { task_info: { agent_id: id }, workflow_metrics: { exit_code: 2 } };
    expect(await hooks.subagentStop(JSON.stringify(stop))).toMatchObject({ exitCode: 0 });
    expect(await agents.get(id)).toMatchObject({ phase: "failed" });
    expect(await hooks.preDelegate("{")).toMatchObject({
      exitCode: 1,
      output: { reason: "invalid_json" },
    });
    expect(await hooks.preDelegate({ agent_id: "agent-x" })).toMatchObject({
      exitCode: 0,
      output: { should_resume: false, reason: "no_existing_session" },
    });
    const { byAgent, byPhase, resumeRate, decisions } = await agents.stats();
    expect({ byAgent, failed: byPhase.failed }).toEqual({ byAgent: { a: 1 }, failed: 1 });
    expect(decisions).toBeGreaterThan(1);
    expect(resumeRate).toMatchObject({ target: 60, met: false });
    expect(await agents.stats({ agentName: "b" })).toMatchObject({ total: 0 });
  });

  it("is named at the start of a conversation only if its model is available", async () => {
    const asked: string[] = [];
    const sessions = await openStore();
    const plan = { taskId: "T", phase: "plan", task: "p", mode: "m", model: "opus" } as const;
    const { session } = await sessions.startInSlot(plan);
    const id = session?.id ?? "";
    await sessions.agents.update(id, { phase: "planning" });
    for (const isAvailable of [false, true]) {
      sessions.setModels((name) => {
        asked.push(name);
        return isAvailable;
      });
      // The first event of a conversation writes its session.
      const payload = { hook_event_name: "SessionStart", session_id: `c-${isAvailable}` };
      const { output } = await sessions.agents.hooks.event(payload);
      expect(JSON.stringify(output).includes(id)).toBe(isAvailable);
    }
    expect(asked).toEqual(["opus", "opus"]);
  });
});
