// Several handles start sessions in the slots of a few tasks, with either locking; each slot has
// exactly the session that a simple model predicts. Any value given as a task or a model is stored,
// or refused with an error code.

import fc from "fast-check";
import { open, openSync, type SessionsSync, type SlotPhase, TenureError } from "tenure";
import { describe, expect, it } from "vitest";
import { MapStore } from "../support/map-store.js";
import { inMemory } from "../support/stores.js";

const HANDLES = 3;
const TASKS = ["T1", "T2"] as const;
const PHASES = ["plan", "run"] as const;
const MODELS = ["opus", "haiku"] as const;

/** A session in the model. */
interface Known {
  readonly slot: string;
  readonly model: string;
  status: "active" | "completed" | "failed";
  isTrashed: boolean;
}

/** A simple model of slots. */
class Model {
  readonly sessions = new Map<string, Known>();

  in(slot: string): string | undefined {
    const found = [...this.sessions].filter(([, known]) => known.slot === slot && !known.isTrashed);
    expect(found.length, slot).toBeLessThanOrEqual(1);
    return found[0]?.[0];
  }

  start(id: string, slot: string, model: string, options: StartOptions): string {
    const there = this.in(slot);
    const known = there === undefined ? undefined : this.sessions.get(there);
    const enter = (): void => {
      if (known) known.isTrashed = true;
      this.sessions.set(id, { slot, model, status: "active", isTrashed: false });
    };
    if (known === undefined) {
      enter();
      return "created";
    }
    if (known.status === "failed") {
      enter();
      return "replaced";
    }
    if (known.model === model) {
      if (known.status !== "completed" || !options.rerun) return "existing";
    } else if (options.onModelChange === "reject") {
      return "rejected";
    } else if (options.onModelChange === "confirm" && !options.agrees) {
      return "needs_confirmation";
    }
    enter();
    return "replaced";
  }
}

interface StartOptions {
  readonly onModelChange: "confirm" | "replace" | "reject";
  readonly agrees: boolean;
  readonly rerun: boolean;
}

type Step =
  | {
      readonly kind: "start";
      readonly handle: number;
      readonly taskId: string;
      readonly phase: SlotPhase;
      readonly model: string;
      readonly options: StartOptions;
    }
  | { readonly kind: "switch"; readonly handle: number; readonly enabled: boolean }
  | {
      readonly kind: "trash" | "restore" | "complete" | "fail";
      readonly handle: number;
      readonly which: number;
    };

const handle = fc.nat(HANDLES - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("start" as const),
      handle,
      taskId: fc.constantFrom(...TASKS),
      phase: fc.constantFrom(...PHASES),
      model: fc.constantFrom(...MODELS),
      options: fc.record({
        onModelChange: fc.constantFrom("confirm" as const, "replace" as const, "reject" as const),
        agrees: fc.boolean(),
        rerun: fc.boolean(),
      }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        "trash" as const,
        "restore" as const,
        "complete" as const,
        "fail" as const,
      ),
      handle,
      which: fc.nat(1000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("switch" as const), handle, enabled: fc.boolean() }),
  },
);

/** Performs a step with one of the handles, and compares the outcome with the model. */
function take(step: Step, sessions: SessionsSync, model: Model, number: number): void {
  if (step.kind === "switch") {
    sessions.pessimisticLockingEnabled = step.enabled;
  } else if (step.kind === "start") {
    const { taskId, phase, options } = step;
    const there = sessions.latestSession(taskId, phase)?.session;
    const confirm =
      options.agrees && there !== undefined ? { id: there.id, version: there.version } : undefined;
    const { onModelChange, rerun } = options;
    const id = `s${number}`;
    const request = { id, taskId, phase, model: step.model, task: "t", mode: "m" };
    const { outcome } = sessions.startInSlot(request, { onModelChange, rerun, confirm });
    const agrees = confirm !== undefined;
    expect(outcome).toBe(model.start(id, `${taskId}/${phase}`, step.model, { ...options, agrees }));
  } else {
    const ids = [...model.sessions.keys()];
    const id = ids[step.which % ids.length];
    const known = id === undefined ? undefined : model.sessions.get(id);
    if (id === undefined || known === undefined) return;
    expect(did(() => sessions[step.kind](id))).toBe(expected(step.kind, known, model));
  }
}

/** Applies a change to the model, and returns the predicted outcome. */
function expected(
  kind: "trash" | "restore" | "complete" | "fail",
  known: Known,
  model: Model,
): string {
  if (kind === "trash") {
    known.isTrashed = true;
    return "done";
  }
  if (kind === "restore") {
    if (known.isTrashed && model.in(known.slot) !== undefined) return "SLOT_TAKEN";
    known.isTrashed = false;
    return "done";
  }
  if (known.isTrashed) return "SESSION_DELETED";
  if (known.status !== "active") return "INVALID_TRANSITION";
  known.status = kind === "complete" ? "completed" : "failed";
  return "done";
}

function did(act: () => unknown): string {
  try {
    act();
    return "done";
  } catch (thrown) {
    if (thrown instanceof TenureError) return thrown.code;
    throw thrown;
  }
}

/** A store that several handles can be opened on: how to create it, and the number of runs. */
type Shared = readonly [name: string, make: () => MapStore | string, numRuns: number];

const onDisk: readonly Shared[] =
  __BUILD__ === "native"
    ? await Promise.all([import("../support/sqlite.js"), import("../support/folders.js")]).then(
        ([{ newDatabase }, { newFolder }]) => [
          ["database", () => `sqlite:${newDatabase()}`, 40],
          ["folder", () => `file:${newFolder()}`, 20],
        ],
      )
    : [];

const shared: readonly Shared[] = [["JavaScript", () => new MapStore(), 150], ...onDisk];
const everyWay = shared.flatMap((one) => [false, true].map((locks) => [...one, locks] as const));

describe("several handles on one", () => {
  it.each(everyWay)("%s agree on the session in each slot", (_, make, numRuns, enabled) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const store = make();
        const handles = Array.from({ length: HANDLES }, () =>
          openSync(store, { pessimisticLockingEnabled: enabled }),
        );
        const model = new Model();
        steps.forEach((step, number) => {
          const sessions = handles[step.handle];
          if (sessions) take(step, sessions, model, number);
        });
        for (const sessions of handles) {
          for (const taskId of TASKS) {
            for (const phase of PHASES) {
              const there = sessions.latestSession(taskId, phase);
              expect(there?.session.id).toBe(model.in(`${taskId}/${phase}`));
            }
          }
          const listed = sessions.slots([...TASKS]).map(({ session }) => session.id);
          const alive = [...model.sessions].filter(([, known]) => !known.isTrashed);
          expect(listed.sort()).toEqual(alive.map(([id]) => id).sort());
        }
        for (const sessions of handles) sessions.close();
      }),
      { numRuns, seed: 2 },
    );
  });

  it("store admit one of many concurrent starts, and lose none", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ locks: fc.boolean(), model: fc.constantFrom(...MODELS) }), {
          minLength: 2,
          maxLength: 8,
        }),
        async (starters) => {
          const sessions = await open("memory:");
          const request = { taskId: "T1", phase: "run", task: "t", mode: "m" } as const;
          const answers = await Promise.all(
            starters.map(({ locks, model }, place) =>
              sessions.startInSlot(
                { ...request, model, id: `s${place}` },
                { onModelChange: "replace", locking: locks ? "pessimistic" : "optimistic" },
              ),
            ),
          );
          const started = answers.filter(({ session }, place) => session?.id === `s${place}`);
          const replaced = answers.flatMap(({ replaced }) => replaced?.id ?? []);
          expect(new Set(replaced).size).toBe(replaced.length);
          expect(started.length - replaced.length).toBe(1);
          expect(await sessions.slots("T1")).toHaveLength(1);
          await sessions.close();
        },
      ),
      { numRuns: 50, seed: 3 },
    );
  });
});

/** Texts that are likely to break something. */
const hostile = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.constantFrom(
    "",
    "__proto__",
    "constructor",
    "hasOwnProperty",
    "\ud800",
    "a\udfff",
    "\u0000",
    "T1/plan",
    "/",
    "slot:T1/plan",
    "../../etc",
    "'; drop table sessions; --",
    '{"name":"x"}',
    "x".repeat(500),
    "x".repeat(501),
    "é".repeat(251),
    "x".repeat(5000),
  ),
);

describe("a task, a phase or a model", () => {
  it("of any text is stored unchanged, or refused with a code", async () => {
    const sessions = await inMemory();
    await fc.assert(
      fc.asyncProperty(hostile, hostile, async (taskId, model) => {
        const request = { taskId, phase: "debug", model, task: "t", mode: "m" } as const;
        const started = await sessions.startInSlot(request).catch((thrown: TenureError) => thrown);
        if (started instanceof Error) {
          expect(["INVALID_ARGUMENT", "TOO_LARGE"]).toContain(started.code);
          return;
        }
        const { session } = started;
        // Lone surrogates and NUL are not valid characters.
        const kept = (text: string) => text.replace(/\p{Surrogate}|\0/gu, "\ufffd");
        expect(session?.slot?.taskId).toBe(kept(taskId));
        const there = await sessions.latestSession(taskId, "debug");
        expect(there?.session.id).toBe(session?.id);
        if (started.outcome === "created") expect(session?.slot?.model).toBe(kept(model));
        expect((await sessions.slots([taskId])).map(({ session }) => session.id)).toEqual([
          session?.id,
        ]);
      }),
      { numRuns: 200, seed: 4 },
    );
  });

  it("of any other type is refused with a code, and starts nothing", async () => {
    const sessions = await inMemory();
    const good = { taskId: "T1", phase: "plan", model: "opus", task: "t", mode: "m" } as const;
    const anything = fc.oneof(
      fc.constantFrom(null, 7, true, [], ["T1"], 1n, Symbol("s"), { name: 7 }, { version: "1" }),
      fc.object({ maxDepth: 2 }),
    );
    const where = fc.constantFrom("taskId", "phase", "model");
    await fc.assert(
      fc.asyncProperty(where, anything, async (property, value) => {
        const request = { ...good, [property]: value };
        const failed = await sessions.startInSlot(request as never).then(
          () => undefined,
          (thrown: TenureError) => thrown.code,
        );
        expect(failed).toBe("INVALID_ARGUMENT");
        expect(await sessions.slots("T1")).toEqual([]);
      }),
      { numRuns: 100, seed: 5 },
    );
  });

  it.each([undefined, null, 7, "T1", []])(
    "cannot be read from %j, nor can the options",
    async (request) => {
      const sessions = await inMemory();
      const failed = await sessions.startInSlot(request as never).catch((thrown) => thrown);
      expect(failed).toMatchObject({ name: "TenureError", code: "INVALID_ARGUMENT" });
      const fine = { taskId: "T1", phase: "plan", model: "m", task: "t", mode: "m" } as const;
      if (request === undefined) return;
      const options = await sessions.startInSlot(fine, request as never).catch((thrown) => thrown);
      expect(options).toMatchObject({ code: "INVALID_ARGUMENT" });
    },
  );
});
