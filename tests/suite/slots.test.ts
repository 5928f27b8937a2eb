// Slots in the JavaScript API: one session for each phase of a task, and the outcomes of starting
// another.

// Loaded first: the browser's own module has no audit log.
import "../support/complete.js";
import { openSync } from "tenure";
import { describe, expect, it } from "vitest";
import { code, failure } from "../support/failures.js";
import { everyStore, inMemory } from "../support/stores.js";

const slot = { taskId: "T1", phase: "plan", task: "plan it", mode: "planner" } as const;

describe.each(everyStore)("a slot %s", (_, openStore) => {
  it("has one session, which a second start returns", async () => {
    const sessions = await openStore();
    const first = await sessions.startInSlot({ ...slot, model: "opus" });
    expect(first).toMatchObject({ outcome: "created", code: "SLOT_CREATED" });
    const second = await sessions.startInSlot({ ...slot, model: "opus" });
    expect(second).toMatchObject({ outcome: "existing", finished: false });
    expect(second.session?.id).toBe(first.session?.id);
    const latest = await sessions.latestSession("T1", "plan");
    expect(latest).toMatchObject({ session: { id: first.session?.id }, modelMissing: false });
    expect(await sessions.latestSession("T1", "run")).toBeNull();
  });

  it("replaces its session by one of another model after confirmation", async () => {
    const sessions = await openStore();
    const { session: old } = await sessions.startInSlot({ ...slot, model: "opus" });
    const asked = await sessions.startInSlot({ ...slot, model: "haiku" });
    expect(asked).toMatchObject({ outcome: "needs_confirmation", session: { id: old?.id } });
    expect(asked.message).toMatch(/[.?]$/);
    const { id = "", version = 0 } = asked.session ?? {};
    const stale = { id, version: version + 1 };
    expect(
      await sessions.startInSlot({ ...slot, model: "haiku" }, { confirm: stale }),
    ).toMatchObject({
      outcome: "busy",
      code: "SESSION_CHANGED",
    });
    const done = await sessions.startInSlot(
      { ...slot, model: "haiku" },
      { confirm: { id, version }, exportOld: true },
    );
    expect(done).toMatchObject({
      outcome: "replaced",
      replaced: { id, status: "abandoned" },
      session: { slot: { taskId: "T1", phase: "plan", model: "haiku" } },
    });
    expect(JSON.parse(done.exported ?? "")).toMatchObject({ id, status: "active" });
    expect(await code(sessions.addEvent(id, "note", {}))).toBe("SESSION_DELETED");
    const { items } = await sessions.audit.entries({ subject: id });
    expect(items.length).toBeGreaterThan(0);
  });

  it("keeps or replaces its session without confirmation on request", async () => {
    const sessions = await openStore();
    await sessions.startInSlot({ ...slot, model: "opus" });
    const start = (onModelChange: "reject" | "replace") =>
      sessions.startInSlot({ ...slot, model: "haiku" }, { onModelChange });
    expect(await start("reject")).toMatchObject({ outcome: "rejected" });
    expect(await start("replace")).toMatchObject({ outcome: "replaced" });
  });

  it("is listed with the other slots of its task", async () => {
    const sessions = await openStore();
    for (const phase of ["plan", "run"] as const) {
      await sessions.startInSlot({ ...slot, phase, model: "opus" });
    }
    await sessions.startInSlot({ ...slot, taskId: "T2", model: "opus" });
    const phases = async (tasks: string | readonly string[]) =>
      (await sessions.slots(tasks)).map(({ session }) => session.slot?.phase).sort();
    expect(await phases("T1")).toEqual(["plan", "run"]);
    expect(await phases(["T1", "T2", "T3"])).toEqual(["plan", "plan", "run"]);
    expect(await sessions.slotPhase("Verification: the parser")).toBe("verify");
    expect(await sessions.slotPhase("Lunch")).toBeNull();
  });
});

describe("the parameters of startInSlot", () => {
  const request = { ...slot, model: "opus" };

  it.each([
    ["onModelChange", "replace"],
    ["locking", "pessimistic"],
    ["confirm", undefined],
    ["retries", 1],
    ["signal", undefined],
  ])("have %s among the options only", async (name, value) => {
    const sessions = await inMemory();
    const call = sessions.startInSlot({ ...request, [name]: value } as never);
    const problem = "expected it among the options, which are the second argument";
    expect(await failure(call)).toMatchObject({
      code: "INVALID_ARGUMENT",
      details: { what: name, problem },
    });
  });

  it.each([
    { retries: -1 },
    { retries: 1.5 },
    { retries: Number.NaN },
    { retries: 1000 },
    { signal: "now" },
    { locking: "none" },
    { onModelChange: "ask" },
    { confirm: "yes" },
    { rerun: "yes" },
    { unknown: 1 },
  ])("are refused with %j", async (options) => {
    const sessions = await inMemory();
    const call = sessions.startInSlot(request, options as never);
    expect(await code(call)).toBe("INVALID_ARGUMENT");
    expect(await sessions.slots("T1")).toEqual([]);
  });

  it("are refused by a synchronous handle if it has to wait", async () => {
    const sessions = openSync("memory:");
    const call = () => sessions.startInSlot(request, { retries: 1 } as never);
    expect(await code(call)).toBe("INVALID_ARGUMENT");
    sessions.close();
  });
});
