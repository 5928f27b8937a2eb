// What the types say of replies and of built-in events is what the core writes: each outcome has the
// properties of its type and no others, and so has the data of each event.

import { type BuiltInEventType, open, type SessionEvent, type SlotStart } from "tenure";
import { describe, expect, it } from "vitest";

type Kind = "string" | "number" | "boolean" | "object";

/** The properties that Tenure writes into the data of each type of event, and their types. */
const written: Readonly<Record<BuiltInEventType, Readonly<Record<string, Kind | "any">>>> = {
  start: { task: "string", mode: "string", workspace: "string" },
  iteration: { iteration: "number" },
  tool_call: { tool: "string", args: "any", result: "any", callId: "string" },
  tool_call_start: { tool: "string", args: "any", callId: "string" },
  learning: { insight: "string", expertiseFile: "string" },
  pause: { reason: "string" },
  resume: { pausedDuration: "number", recovered: "boolean", addIterations: "number" },
  complete: { result: "string", resultData: "any" },
  error: { error: "string", stack: "string" },
  timeout: { iterations: "number", maxIterations: "number" },
  abandoned: { reason: "string" },
  context_change: { set: "object", was: "object", changed: "object" },
  fork: { parentId: "string", atSequence: "number" },
  phase: { from: "string", to: "string" },
  agent_error: { message: "string" },
  approval: { approved: "boolean", reason: "string", by: "string", override: "string" },
};

it("built-in events have the data of their types", async () => {
  await using sessions = await open("memory:");
  const events: SessionEvent[] = [];
  const ended = async (id: string): Promise<void> => {
    events.push(...((await sessions.get(id, { history: "all" }))?.history ?? []));
  };
  const params = { task: "t", mode: "m", workspace: "w", maxIterations: 1 };

  const { id } = await sessions.start(params);
  await sessions.recordToolCall(id, "bash", { a: 1 }, "done");
  const { callId } = await sessions.startToolCall(id, "bash", { a: 1 });
  await sessions.finishToolCall(id, callId, "done");
  await sessions.recordLearning(id, "insight", "file");
  await sessions.updateContext(id, { step: 1, plan: "x".repeat(5000) });
  await sessions.updateContext(id, {}, { unset: ["step"] });
  await sessions.resume(id);
  await sessions.pause(id, "why");
  await sessions.resume(id, { addIterations: 1 });
  const fork = await sessions.fork(id);
  await sessions.abandon(fork.id, "why");
  await ended(fork.id);
  await sessions.incrementIteration(id);
  await sessions.incrementIteration(id);
  await ended(id);
  const completed = await sessions.start(params);
  await sessions.complete(completed.id, "done", { resultData: [1] });
  await ended(completed.id);
  const failed = await sessions.start(params);
  await sessions.fail(failed.id, new Error("broken"));
  await ended(failed.id);
  for (const end of ["approve", "override"] as const) {
    const agent = await sessions.agents.create({ agentName: "a" });
    await sessions.agents.update(agent.id, { error: "broken", phase: "planning" });
    await sessions.agents.requestApproval(agent.id);
    if (end === "approve") {
      await sessions.agents.approve(agent.id, { by: "ada", reason: "fine" });
    } else {
      await sessions.complete(agent.id, "done", { override: true });
    }
    await ended(agent.id);
  }

  const seen: Record<string, Set<string>> = {};
  for (const { type, data } of events) {
    const kinds = written[type as BuiltInEventType];
    const names = seen[type] ?? new Set();
    seen[type] = names;
    for (const [name, value] of Object.entries(data)) {
      names.add(name);
      if (kinds[name] !== "any") expect(typeof value, `${type}.${name}`).toBe(kinds[name]);
    }
  }
  const all = Object.entries(written).map(([type, kinds]) => [type, Object.keys(kinds).sort()]);
  const found = Object.entries(seen).map(([type, names]) => [type, [...names].sort()]);
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries(all));
});

describe("starting a session in a slot", () => {
  const common = ["code", "conflicts", "finished", "message", "modelMissing", "outcome"];
  /** The properties that each result has besides those, as the union has them. */
  const own: Readonly<Record<SlotStart["code"], readonly string[]>> = {
    SLOT_CREATED: ["session"],
    SAME_MODEL_ACTIVE: ["session"],
    SAME_MODEL_FINISHED: ["session"],
    MODEL_CHANGED: ["change", "session", "warning"],
    REPLACEMENT_REQUESTED: ["session", "warning"],
    SLOT_REPLACED: ["cancelled", "change", "exported", "reason", "replaced", "session"],
    SESSION_CHANGED: ["change", "session"],
    SLOT_LOCKED: [],
    MODEL_REJECTED: ["change", "session"],
  };

  it("has the properties of its outcome", async () => {
    await using sessions = await open("memory:");
    const request = { taskId: "T", phase: "plan", task: "t", mode: "m" } as const;
    const results: SlotStart[] = [];
    const start = async (
      model: string,
      options: Parameters<typeof sessions.startInSlot>[1] = {},
    ): Promise<SlotStart> => {
      const result = await sessions.startInSlot({ ...request, model }, options);
      results.push(result);
      return result;
    };
    const { session } = await start("opus");
    await start("opus");
    await start("opus", { replace: true });
    const asked = await start("sonnet");
    await start("sonnet", { onModelChange: "reject" });
    const id = session?.id ?? "";
    await start("sonnet", { confirm: { id, version: 99 } });
    if (asked.outcome !== "needs_confirmation") throw new Error(asked.outcome);
    const { version } = asked.session;
    const replaced = await start("sonnet", { confirm: { id, version }, exportOld: true });
    await sessions.complete(replaced.session?.id ?? "", "done");
    const finished = await start("sonnet");
    if (finished.outcome !== "existing") throw new Error(finished.outcome);
    expect(finished.finished).toBe(true);

    const codes = Object.keys(own).filter((code) => code !== "SLOT_LOCKED");
    expect([...new Set(results.map(({ code }) => code))].sort()).toEqual(codes.sort());
    for (const result of results) {
      expect(Object.keys(result).sort(), result.code).toEqual(
        [...common, ...own[result.code]].sort(),
      );
    }
    for (const { change, code } of results) {
      if (code === "MODEL_CHANGED" || code === "MODEL_REJECTED") expect(change).toBe("major");
    }
  });
});
