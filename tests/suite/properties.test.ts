// Properties for any input: user data is stored as its JSON text, and every store returns the same
// results for the same calls.

// Loaded first: the browser's own module does not have all operations.
import "../support/complete.js";
import fc from "fast-check";
import { openSync, type Sessions, type SessionsSync } from "tenure";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MapStore } from "../support/map-store.js";
import { clockedStores } from "../support/stores.js";

const BEGIN = Date.parse("2026-01-01T00:00:00.000Z");

beforeEach(() => {
  vi.useFakeTimers({ now: BEGIN, toFake: ["Date"] });
});

afterEach(() => {
  vi.useRealTimers();
});

const json = fc.jsonValue({ maxDepth: 4, stringUnit: "binary" });
const object = fc.dictionary(fc.string({ unit: "binary" }), json, { maxKeys: 6 });

describe("any user data", () => {
  it("is returned as JSON.parse of JSON.stringify", () => {
    const memory = openSync("memory:");
    const own = openSync(new MapStore());
    fc.assert(
      fc.property(object, object, (context, data) => {
        for (const sessions of [memory, own]) {
          const { id } = sessions.start({ task: "t", mode: "m", context });
          sessions.addEvent(id, "note", data);
          const session = sessions.get(id);
          expect(JSON.stringify(session?.context)).toBe(JSON.stringify(context));
          expect(JSON.stringify(session?.history[1]?.data)).toBe(JSON.stringify(data));
        }
      }),
      { numRuns: 200 },
    );
    memory.close();
    own.close();
  });

  it("merges as objects do, property by property", () => {
    const sessions = openSync("memory:");
    fc.assert(
      fc.property(object, object, (context, patch) => {
        const { id } = sessions.start({ task: "t", mode: "m", context });
        const merged = sessions.updateContext(id, patch).context;
        // `Object.assign` would lose a property named `__proto__`.
        const expected = {
          ...JSON.parse(JSON.stringify(context)),
          ...JSON.parse(JSON.stringify(patch)),
        };
        expect(JSON.stringify(merged)).toBe(JSON.stringify(expected));
      }),
      { numRuns: 200 },
    );
    sessions.close();
  });
});

/** A call on one of a few sessions, later than the call before. */
interface Step {
  readonly wait: number;
  readonly name: string;
  readonly run: (sessions: Sessions | SessionsSync) => unknown;
}

const id = fc.constantFrom("a", "b", "c");
const step = (name: string, run: fc.Arbitrary<Step["run"]>): fc.Arbitrary<Step> =>
  fc.record({ wait: fc.nat(5000), name: fc.constant(name), run });

const key = fc.option(fc.constantFrom("k1", "k2", "k3"), { nil: undefined, freq: 3 });

const steps: fc.Arbitrary<Step> = fc.oneof(
  step(
    "start",
    fc
      .record({
        id,
        userId: fc.option(id, { nil: undefined }),
        maxIterations: fc.integer({ min: 1, max: 4 }),
        idempotencyKey: key,
      })
      .map((params) => (s) => s.start({ task: "t", mode: "m", ...params })),
  ),
  step(
    "pause",
    fc.tuple(id, key).map(
      ([id, idempotencyKey]) =>
        (s) =>
          s.pause(id, "p", { idempotencyKey }),
    ),
  ),
  step(
    "resume",
    fc.tuple(id, fc.nat(2)).map(
      ([id, addIterations]) =>
        (s) =>
          s.resume(id, { addIterations }),
    ),
  ),
  step(
    "complete",
    id.map((id) => (s) => s.complete(id, "r")),
  ),
  step(
    "fail",
    id.map((id) => (s) => s.fail(id, "e")),
  ),
  step(
    "abandon",
    id.map((id) => (s) => s.abandon(id)),
  ),
  step(
    "increment",
    fc.tuple(id, key).map(
      ([id, idempotencyKey]) =>
        (s) =>
          s.incrementIteration(id, undefined, { idempotencyKey }),
    ),
  ),
  step(
    "tool",
    fc.tuple(id, fc.constantFrom("bash", "read")).map(
      ([id, tool]) =>
        (s) =>
          s.recordToolCall(id, tool, {}, 1),
    ),
  ),
  step(
    "event",
    fc.tuple(id, fc.constantFrom("note", "pause", "timeout", "resume"), object).map(
      ([id, type, data]) =>
        (s) =>
          s.addEvent(id, type, data),
    ),
  ),
  step(
    "usage",
    fc.tuple(id, fc.nat(1000)).map(
      ([id, n]) =>
        (s) =>
          s.recordUsage(id, { tokens: { prompt: n }, cost: n / 8 }),
    ),
  ),
  step(
    "context",
    fc.tuple(id, object, fc.boolean()).map(
      ([id, context, replace]) =>
        (s) =>
          s.updateContext(id, context, { replace }),
    ),
  ),
  step(
    "update",
    fc.tuple(id, fc.integer({ min: 1, max: 6 })).map(
      ([id, maxIterations]) =>
        (s) =>
          s.update(id, { maxIterations, workspace: null }),
    ),
  ),
  step(
    "trash",
    id.map((id) => (s) => s.trash(id)),
  ),
  step(
    "restore",
    id.map((id) => (s) => s.restore(id)),
  ),
  step(
    "delete",
    id.map((id) => (s) => s.delete(id)),
  ),
  step(
    "fork",
    fc.tuple(id, id).map(
      ([id, newId]) =>
        (s) =>
          s.fork(id, { newId }),
    ),
  ),
  step(
    "cleanup",
    fc.nat(10_000).map((maxAge) => (s) => s.cleanup({ maxAge })),
  ),
  step(
    "purge",
    fc.nat(10_000).map((olderThan) => (s) => s.purge({ olderThan })),
  ),
  step(
    "get",
    fc.tuple(id, fc.constantFrom("all" as const, "none" as const, 2, 5)).map(
      ([id, history]) =>
        (s) =>
          s.get(id, { history }),
    ),
  ),
  step(
    "events",
    fc.tuple(id, fc.nat(5)).map(
      ([id, after]) =>
        (s) =>
          s.events(id, { after, limit: 2 }),
    ),
  ),
  step(
    "context of",
    id.map((id) => (s) => s.context(id)),
  ),
  step(
    "stats",
    fc.constant((s) => s.stats()),
  ),
  step(
    "list",
    fc.constantFrom("asc" as const, "desc" as const).map((direction) => async (s) => {
      const { items, nextCursor } = await s.list({ direction, limit: 2, orderBy: "updatedAt" });
      const rest =
        nextCursor === undefined
          ? []
          : (await s.list({ direction, orderBy: "updatedAt", cursor: nextCursor })).items;
      return [items, rest];
    }),
  ),
);

/** The outcome of a call, as text. */
async function outcome(run: () => unknown): Promise<string> {
  try {
    return JSON.stringify((await run()) ?? null);
  } catch (error) {
    return JSON.stringify(error, ["code", "message", "details", "id", "status", "from", "to"]);
  }
}

describe("any sequence of calls", () => {
  it("has equal results in every store, synchronously and asynchronously", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { maxLength: 40, size: "max" }), async (sequence) => {
        const handles: (Sessions | SessionsSync)[] = [
          openSync("memory:"),
          openSync(new MapStore()),
        ];
        for (const [, open] of clockedStores) handles.push(await open());
        vi.setSystemTime(BEGIN);
        for (const { wait, name, run } of sequence) {
          vi.setSystemTime(Date.now() + wait);
          const outcomes: string[] = [];
          for (const sessions of handles) outcomes.push(await outcome(() => run(sessions)));
          for (const other of outcomes) expect(other, name).toBe(outcomes[0]);
        }
        for (const sessions of handles) await sessions.close();
      }),
      { numRuns: 30 },
    );
  });
});
