// The available models, as a list or a function, and sessions whose model is not available.

// Loaded first: the browser's own module does not have all operations.
import "../support/complete.js";
import { openSync } from "tenure";
import { describe, expect, it } from "vitest";
import { code, failure } from "../support/failures.js";
import { everyStore, inMemory } from "../support/stores.js";

const plan = { taskId: "T1", phase: "plan", task: "plan it", mode: "planner" } as const;
const opus = { ...plan, model: "opus" };
const replace = { onModelChange: "replace" } as const;

describe.each(everyStore)("a model that is no longer available, %s,", (_, openStore) => {
  it.each([
    ["list", () => ["opus"], () => ["haiku"]],
    ["function", () => (name: string) => name === "opus", () => (name: string) => name === "haiku"],
  ])("is missing according to a %s", async (_, before, after) => {
    const sessions = await openStore({ models: before() });
    const { session } = await sessions.startInSlot({ ...plan, model: { name: "opus" } });
    const id = session?.id ?? "";
    expect(await sessions.latestSession("T1", "plan")).toMatchObject({ modelMissing: false });
    await sessions.addEvent(id, "note", {});

    sessions.setModels(after());
    expect(await failure(sessions.addEvent(id, "note", {}))).toMatchObject({
      code: "MODEL_MISSING",
      details: { id, model: "opus" },
    });
    expect(await code(sessions.resume(id))).toBe("MODEL_MISSING");
    expect(await code(sessions.updateContext(id, { a: 1 }))).toBe("MODEL_MISSING");
    expect(await code(sessions.fork(id))).toBe("MODEL_MISSING");
    const marks = { modelMissing: true, message: expect.stringContaining("no longer available") };
    expect(await sessions.get(id)).toMatchObject(marks);
    expect((await sessions.list()).items).toEqual([expect.objectContaining({ id, ...marks })]);
    expect((await sessions.pause(id)).status).toBe("paused");
    const there = await sessions.latestSession("T1", "plan");
    expect(there).toMatchObject({ session: { id }, modelMissing: true });
    expect(there?.message).toMatch(/\.$/);
    expect((await sessions.slots("T1")).map(({ modelMissing }) => modelMissing)).toEqual([true]);
    expect(await code(sessions.startInSlot({ ...opus, taskId: "T2" }))).toBe("MODEL_MISSING");
    expect(JSON.parse(await sessions.export(id))).toMatchObject({ id });
    const asked = await sessions.startInSlot({ ...plan, model: "haiku" });
    expect(asked).toMatchObject({ outcome: "needs_confirmation", modelMissing: true });
    const replaced = await sessions.startInSlot({ ...plan, model: "haiku" }, replace);
    expect(replaced).toMatchObject({ outcome: "replaced", modelMissing: false });

    sessions.setModels(null);
    expect(await sessions.startInSlot(opus, replace)).toMatchObject({ outcome: "replaced" });
  });
});

describe("a function that decides which models are available", () => {
  it("is called for needed models only", async () => {
    const asked: string[] = [];
    const models = (name: string) => {
      asked.push(name);
      return name !== "gone";
    };
    const sessions = await inMemory({ models });
    await sessions.start({ task: "t", mode: "m" });
    expect(asked).toEqual([]);
    await sessions.startInSlot(opus);
    expect(new Set(asked)).toEqual(new Set(["opus"]));
    expect(await code(sessions.startInSlot({ ...plan, model: "gone" }))).toBe("MODEL_MISSING");
    expect(asked.filter((name) => name === "gone")).toHaveLength(1);
  });

  it("is called for all sessions of a result together", async () => {
    const sessions = openSync("memory:");
    const tasks = Array.from({ length: 400 }, (_, index) => `T${index}`);
    for (const taskId of tasks) sessions.startInSlot({ ...plan, taskId, model: `of ${taskId}` });
    sessions.setModels((name) => name !== "of T7");
    const missing = sessions.slots(tasks).filter(({ modelMissing }) => modelMissing);
    expect(missing.map(({ session }) => session.slot?.taskId)).toEqual(["T7"]);
    expect(sessions.latestSession("T0", "plan")).toMatchObject({ modelMissing: false });
    sessions.close();
  });

  it.each(everyStore)("is called before a bulk start, %s", async (_, openStore) => {
    const sessions = await openStore();
    await sessions.startInSlot({ ...plan, taskId: "T1", model: "old" });
    await sessions.startInSlot({ ...plan, taskId: "T2", model: "older" });
    sessions.setModels((name) => !["gone", "older"].includes(name));
    const answers = await sessions.startInSlots(
      ["T1", "T2", "T3", "T4"].map((taskId) => ({
        ...plan,
        taskId,
        model: taskId === "T4" ? "gone" : "new",
      })),
    );
    expect(answers).toEqual([
      expect.objectContaining({ outcome: "needs_confirmation", modelMissing: false }),
      expect.objectContaining({ outcome: "needs_confirmation", modelMissing: true }),
      expect.objectContaining({ outcome: "created", modelMissing: false }),
      expect.objectContaining({ outcome: "failed", code: "MODEL_MISSING" }),
    ]);
    const { outcomes } = sessions.slotMetrics();
    expect(outcomes).toMatchObject({ created: 3, needs_confirmation: 2, failed: 1 });
    for (const starts of [undefined, null, 7, [null], [{ taskId: 7 }]]) {
      const call = () => sessions.startInSlots(starts as never);
      expect(await code(async () => call())).toBe("INVALID_ARGUMENT");
    }
  });

  it.each(everyStore)("is called once for each name and operation, %s", async (_, openStore) => {
    const sessions = await openStore();
    const { session } = await sessions.startInSlot({ ...plan, model: "old" });
    const asked: string[] = [];
    sessions.setModels((name) => {
      asked.push(name);
      return true;
    });
    const reply = await sessions.startInSlot({ ...plan, model: "new" });
    expect(reply).toMatchObject({ outcome: "needs_confirmation", modelMissing: false });
    expect(asked.splice(0)).toEqual(["new", "old"]);
    for (const locking of ["optimistic", "pessimistic"] as const) {
      const start = { ...plan, taskId: locking, model: "new", locking };
      await sessions.startInSlots([start, { ...start, phase: "run" }]);
      expect(asked.splice(0)).toEqual(["new"]);
    }
    await sessions.addEvent(session?.id ?? "", "note", {});
    await sessions.slots(["T1", "optimistic"]);
    expect(asked).toEqual(["old", "old", "new"]);
  });

  it.each(everyStore)("keeps the writes to a session in order, %s", async (_, openStore) => {
    const sessions = await openStore({ models: () => true });
    const { session } = await sessions.startInSlot(opus);
    const id = session?.id ?? "";
    const notes = Array.from({ length: 5 }, (_, index) => sessions.addEvent(id, `n${index}`, {}));
    await Promise.all([...notes, sessions.complete(id)]);
    const { history } = (await sessions.get(id)) ?? { history: [] };
    const types = history.map(({ type }) => type);
    expect(types).toEqual(["start", "n0", "n1", "n2", "n3", "n4", "complete"]);
  });

  it("is called again, so that removed models become missing", async () => {
    let there = true;
    const sessions = await inMemory({ models: () => there });
    const { session } = await sessions.startInSlot(opus);
    const id = session?.id ?? "";
    there = false;
    expect(await code(sessions.addEvent(id, "note", {}))).toBe("MODEL_MISSING");
    there = true;
    expect((await sessions.addEvent(id, "note", {})).status).toBe("active");
  });

  it("that throws fails only the calls that need it", async () => {
    const broken = new Error("no network");
    let throws = true;
    const models = () => {
      if (throws) throw broken;
      return true;
    };
    const sessions = await inMemory({ models });
    const { id } = await sessions.start({ task: "t", mode: "m" });
    expect(await failure(sessions.startInSlot(opus))).toMatchObject({
      code: "INVALID_ARGUMENT",
      details: { what: "models" },
      cause: broken,
    });
    expect(await sessions.slots("T1")).toEqual([]);
    throws = false;
    await sessions.startInSlot(opus);
    throws = true;
    expect((await sessions.addEvent(id, "note", {})).status).toBe("active");
    expect(await code(sessions.latestSession("T1", "plan"))).toBe("INVALID_ARGUMENT");
    throws = false;
    expect(await sessions.latestSession("T1", "plan")).toMatchObject({ modelMissing: false });
  });

  it.each([
    ["a promise", () => Promise.resolve(true)],
    ["nothing", () => undefined],
    ["a name", () => "opus"],
  ])("that returns %s is refused", async (_, models) => {
    const sessions = await inMemory({ models: models as never });
    expect(await failure(sessions.startInSlot(opus))).toMatchObject({
      code: "INVALID_ARGUMENT",
      details: { what: "models" },
    });
  });

  it("cannot call its own handle", async () => {
    const sessions = openSync("memory:");
    sessions.setModels(() => sessions.startInSlot(opus).outcome === "created");
    expect(await code(() => sessions.startInSlot(opus))).toBe("INVALID_ARGUMENT");
    expect(sessions.slots("T1")).toEqual([]);
    sessions.close();
  });

  it("with alternating results causes no endless loop", async () => {
    let times = 0;
    const sessions = await inMemory({
      models: () => {
        times += 1;
        return times % 2 === 1;
      },
    });
    const outcomes = [];
    for (let call = 0; call < 6; call += 1) {
      outcomes.push(await sessions.startInSlot(opus).catch(({ code }) => ({ outcome: code })));
    }
    const seen = new Set(outcomes.map(({ outcome }) => outcome));
    expect([...seen].every((one) => ["created", "existing", "MODEL_MISSING"].includes(one))).toBe(
      true,
    );
  });

  it("gets names as they are stored, with any characters", async () => {
    const asked: string[] = [];
    const sessions = await inMemory({
      models: (name) => {
        asked.push(name);
        return true;
      },
    });
    for (const name of ["__proto__", "constructor", '"', "\ud800", "x".repeat(4000)]) {
      const { session } = await sessions.startInSlot({
        ...plan,
        taskId: name.slice(0, 100),
        model: name,
      });
      expect(session?.slot?.model).toBe(asked.at(-1));
    }
    expect(asked).toContain("\ufffd");
  });
});

describe("the available models", () => {
  it.each([7, "opus", [7], { name: "opus" }])("cannot be %j", async (models) => {
    expect(await code(inMemory({ models: models as never }))).toBe("INVALID_ARGUMENT");
    const sessions = await inMemory({ models: ["opus"] });
    expect(await code(() => sessions.setModels(models as never))).toBe("INVALID_ARGUMENT");
    expect(await code(sessions.startInSlot({ ...plan, model: "haiku" }))).toBe("MODEL_MISSING");
  });

  it("cannot be set on a closed handle", async () => {
    const sessions = openSync("memory:");
    sessions.close();
    expect(await code(() => sessions.setModels([]))).toBe("CLOSED");
  });

  it("apply to every later call, also during pending ones", async () => {
    const sessions = await inMemory({ models: ["opus"] });
    const before = sessions.startInSlot(opus);
    sessions.setModels(["haiku"]);
    const after = sessions.startInSlot({ ...opus, taskId: "T2" });
    expect(await before).toMatchObject({ outcome: "created" });
    expect(await code(after)).toBe("MODEL_MISSING");
  });
});

describe("a function that returns a promise", () => {
  it("is refused, and a rejection does not end the process", async () => {
    const models = (async () => {
      throw new Error("away");
    }) as unknown as (model: string) => boolean;
    const sessions = await inMemory({ models });
    expect(await code(sessions.startInSlot(opus))).toBe("INVALID_ARGUMENT");
    // An unhandled rejection would fail this run.
    await new Promise((resolve) => setTimeout(resolve, 10));
  });
});
