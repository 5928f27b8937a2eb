// Every sequence of calls to `tenure/compat` behaves as a simple model of its specification, call
// by call, over every synchronous store.

// Loaded first: the browser's own module has no operations of administrators.
import "../support/complete.js";
import fc from "fast-check";
import { isTenureError } from "tenure";
import {
  type AgentSession,
  addEvent,
  cleanupOldSessions,
  completeSession,
  createSession,
  deleteSession,
  exportSession,
  failSession,
  findSessions,
  getSession,
  getSessionContext,
  getSessionDuration,
  getSessionProgress,
  getSessionStats,
  importSession,
  incrementIteration,
  isSessionResumable,
  pauseSession,
  recordLearning,
  recordToolCall,
  resumeSession,
  type SessionUpdates,
  saveSession,
  startSession,
  updateContext,
  updateSession,
} from "tenure/compat";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { compatStores, useStore } from "../support/compat.js";
import { Model, type Outcome } from "../support/compat-model.js";

const BEGIN = Date.parse("2026-01-01T00:00:00.000Z");
const scale = __BUILD__ === "browser" ? 0.1 : Number(process.env.TENURE_TEST_SCALE ?? "1");
const runs = Math.max(20, Math.round(50 * scale));
const IDS = ["a", "b"];

/** Sessions and texts of earlier steps, which later steps can use. */
interface Past {
  readonly sessions: AgentSession[];
  readonly texts: string[];
}

/** A call, on the real functions and on the model. */
interface Step {
  readonly name: string;
  readonly wait: number;
  readonly real: (past: Past) => unknown;
  readonly model: (model: Model, past: Past) => Outcome;
}

beforeEach(() => {
  vi.useFakeTimers({ now: BEGIN, toFake: ["Date"] });
});

afterEach(() => {
  vi.useRealTimers();
});

const id = fc.constantFrom(...IDS);
const text = fc.option(fc.constantFrom("one", "two", ""), { nil: undefined });
// No numeric keys: JavaScript orders those first, so that saving a session unchanged would change
// the order.
const key = fc.constantFrom("k", "l", "m", "__proto__");
const object = fc.dictionary(key, fc.jsonValue({ maxDepth: 2, stringUnit: "binary" }), {
  maxKeys: 3,
});
const data = fc.option(object, { nil: undefined });
const tool = fc.constantFrom("bash", "read");
const status = fc.constantFrom(
  ...(["active", "paused", "completed", "failed", "timeout", "abandoned"] as const),
);

const options = fc.record(
  {
    id,
    task: fc.constant("t"),
    mode: fc.constant("m"),
    userId: fc.constantFrom("u", "v"),
    maxIterations: fc.integer({ min: 1, max: 4 }),
    context: object,
  },
  { requiredKeys: ["id", "task", "mode"] },
);

const updates = fc.record(
  {
    status,
    task: fc.constantFrom("t", "u"),
    iterations: fc.nat(4),
    maxIterations: fc.integer({ min: 1, max: 5 }),
    context: object,
    metadata: fc.record({ model: tool }, { requiredKeys: [] }),
    error: fc.constantFrom("e", "f"),
    createdAt: fc.nat(10_000).map((age) => new Date(BEGIN - age).toISOString()),
  },
  { requiredKeys: [] },
);

/** A modification of a session before it is saved. */
const edit = fc.oneof(
  fc.constant<(session: AgentSession) => void>(() => {}),
  object.map((data) => (session: AgentSession) => {
    session.history.push({ timestamp: new Date(BEGIN).toISOString(), type: "note", data });
  }),
  fc.nat(3).map((count) => (session: AgentSession) => {
    session.history.splice(count, 1);
  }),
  status.map((status) => (session: AgentSession) => {
    session.status = status as AgentSession["status"];
  }),
  object.map((context) => (session: AgentSession) => {
    session.context = context;
  }),
);

function step<T>(
  name: string,
  given: fc.Arbitrary<T>,
  real: (given: T, past: Past) => unknown,
  model: (model: Model, given: T, past: Past) => Outcome,
  weight = 1,
): fc.WeightedArbitrary<Step> {
  const arbitrary = fc.tuple(given, fc.constantFrom(0, 1, 1000, 4000)).map(([given, wait]) => ({
    name: `${name} ${JSON.stringify(given)}`,
    wait,
    real: (past: Past) => real(given, past),
    model: (rules: Model, past: Past) => model(rules, given, past),
  }));
  return { arbitrary, weight };
}

/** A value from an earlier step, or `undefined` if there is none. */
const earlier = <T>(from: readonly T[], which: number): T | undefined => from[which % from.length];
const nothing: Outcome = { value: undefined };

const steps = fc.oneof(
  step(
    "create",
    options,
    (o) => createSession(o),
    (m, o) => m.create(o),
    4,
  ),
  step(
    "start",
    options,
    (o) => startSession(o.task, o.mode, o),
    (m, o) => m.create(o),
    2,
  ),
  step(
    "pause",
    fc.tuple(id, text),
    (a) => pauseSession(...a),
    (m, a) => m.pause(...a),
    4,
  ),
  step(
    "resume",
    id,
    (id) => resumeSession(id),
    (m, id) => m.resume(id),
    4,
  ),
  step(
    "complete",
    fc.tuple(id, text),
    (a) => completeSession(...a),
    (m, [id, result]) => m.end(id, "completed", result),
    2,
  ),
  step(
    "fail",
    fc.tuple(id, text),
    (a) => failSession(...a),
    (m, [id, error]) => m.end(id, "failed", error),
    2,
  ),
  step(
    "event",
    fc.tuple(id, fc.constantFrom("note", "custom_event"), data),
    (a) => addEvent(...a),
    (m, [id, type, data = {}]) => m.record(id, type, () => data),
    6,
  ),
  step(
    "increment",
    fc.tuple(id, data),
    (a) => incrementIteration(...a),
    (m, a) => m.increment(...a),
    8,
  ),
  step(
    "tool",
    fc.tuple(id, tool, data, fc.constantFrom(undefined, null, 7, { exitCode: 0 })),
    (a) => recordToolCall(...a),
    (m, a) => m.toolCall(...a),
    5,
  ),
  step(
    "learning",
    fc.tuple(id, fc.constantFrom("i", ""), text),
    (a) => recordLearning(...a),
    (m, [id, insight, expertiseFile]) =>
      m.record(id, "learning", () => ({ insight, expertiseFile })),
  ),
  step(
    "context",
    fc.tuple(id, object),
    (a) => updateContext(...a),
    (m, a) => m.updateContext(...a),
    2,
  ),
  step(
    "update",
    fc.tuple(id, updates),
    (a) => updateSession(...(a as [string, SessionUpdates])),
    (m, a) => m.update(...(a as [string, Partial<AgentSession>])),
    7,
  ),
  step(
    "save",
    fc.tuple(fc.nat(1000), edit),
    ([which, edit], { sessions }) => {
      const session = earlier(sessions, which);
      if (session === undefined) return undefined;
      const edited = structuredClone(session);
      edit(edited);
      return saveSession(edited);
    },
    (m, [which, edit], { sessions }) => {
      const session = earlier(sessions, which);
      if (session === undefined) return nothing;
      const edited = structuredClone(session);
      edit(edited);
      return m.save(edited);
    },
    4,
  ),
  step(
    "import",
    fc.nat(1000),
    (which, { texts }) => {
      const text = earlier(texts, which);
      return text && importSession(which % 2 === 0 ? text : JSON.parse(text));
    },
    (m, which, { texts }) => {
      const text = earlier(texts, which);
      return text ? m.import(JSON.parse(text)) : nothing;
    },
  ),
  step(
    "delete",
    id,
    (id) => deleteSession(id),
    (m, id) => m.delete(id),
  ),
  step(
    "cleanup",
    fc.constantFrom(0, 4000, 8000),
    (age) => cleanupOldSessions(age),
    (m, age) => m.cleanup(age),
    2,
  ),
);

/**
 * The outcome of a call of the real functions. `look` is called as soon as the call returns, because
 * a function that returns a promise completes before it is awaited, and again when it is settled.
 */
async function outcomeOf(call: () => unknown, look: () => void): Promise<Outcome> {
  try {
    const value = call();
    look();
    if (!(value instanceof Promise)) return { value };
    const settled = await value;
    look();
    return { value: settled };
  } catch (thrown) {
    if (!isTenureError(thrown)) throw thrown;
    look();
    return { code: thrown.code };
  }
}

/** Compares all readable state with the model. */
function compare(model: Model): void {
  for (const id of IDS) {
    expect(getSession(id)).toEqual(model.get(id));
    expect(getSessionContext(id)).toEqual(model.context(id));
    expect(isSessionResumable(id)).toBe(model.isResumable(id));
    expect(getSessionProgress(id)).toBe(model.progress(id));
    expect(getSessionDuration(id)).toBe(model.duration(id));
  }
  const listed = (filter: Parameters<Model["list"]>[0]): readonly string[] =>
    findSessions(filter).map(({ id }) => id);
  for (const filter of [
    {},
    { userId: "u" },
    { status: ["active", "paused"] as const },
    { limit: 1 },
    { limit: 2, offset: 1 },
  ]) {
    expect(listed(filter)).toEqual(model.list(filter));
  }
  expect(getSessionStats()).toMatchObject(model.stats());
}

describe.each(compatStores)("%s", (_, store) => {
  it("every sequence of calls behaves as the model", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { maxLength: 80, size: "max" }), async (sequence) => {
        vi.setSystemTime(BEGIN);
        useStore(store);
        const model = new Model();
        const past: Past = { sessions: [], texts: [] };
        for (const { wait, real, model: rules } of sequence) {
          vi.setSystemTime(Date.now() + wait);
          model.now = Date.now();
          const expected = rules(model, past);
          const actual = await outcomeOf(
            () => real(past),
            () => compare(model),
          );
          expect(actual).toEqual(expected);
          for (const id of IDS) {
            const session = getSession(id);
            if (session === null || past.sessions.length >= 30) continue;
            past.sessions.push(session);
            past.texts.push(exportSession(id) ?? "");
          }
        }
      }),
      { numRuns: runs, seed: 20_260_101 },
    );
  }, 600_000);
});
