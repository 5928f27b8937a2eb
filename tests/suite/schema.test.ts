// Schemas of the caller: contexts and the data of events are checked before they reach the core, and are
// stored as they were given.

// Loaded first: the browser's own module does not have all operations.
import "../support/complete.js";
import { open, openSync } from "tenure";
import { memorySessions } from "tenure/testing";
import { describe, expect, it } from "vitest";
import { failure } from "../support/failures.js";
import { MapStore } from "../support/map-store.js";
import { later, objectOf, schemaOf } from "../support/schema.js";

interface State {
  readonly pr: number;
  readonly branch: string;
}
interface Deploy {
  readonly to: string;
}

const context = objectOf<State>({ pr: "number", branch: "string" });
const deploy = objectOf<Deploy>({ to: "string" });
const schema = { context, events: { deploy } };
const state: State = { pr: 1, branch: "b" };
const session = { task: "t", mode: "m", context: state };
const wrong = (value: object): never => value as never;

const refusal = (what: string, problem: string): object => ({
  code: "INVALID_ARGUMENT",
  message: `${what}: ${problem}`,
  details: { what, problem },
});

describe("a schema", () => {
  it("refuses a context that it does not accept, with the path", async () => {
    await using sessions = await open("memory:", { schema });
    const started = (given: object) =>
      failure(() => sessions.start({ ...session, context: wrong(given) }));
    expect(await started({ ...state, pr: "1" })).toMatchObject(
      refusal("context.pr", "expected a number"),
    );
    expect(await started({ pr: 1 })).toMatchObject(refusal("context.branch", "expected a string"));
    expect(await failure(() => sessions.start(wrong({ task: "t", mode: "m" })))).toMatchObject(
      refusal("context.pr", "expected a number"),
    );
    expect(await sessions.stats()).toMatchObject({ total: 0 });
  });

  it("leaves what it accepts as it was given", async () => {
    await using sessions = await open("memory:", { schema });
    const { id } = await sessions.start({ ...session, context: wrong({ ...state, more: [1] }) });
    await sessions.addEvent(id, "deploy", wrong({ to: "staging", more: 1 }));
    const { context, history } = (await sessions.get(id)) ?? {};
    expect(context).toEqual({ ...state, more: [1] });
    expect(history?.at(-1)?.data).toEqual({ to: "staging", more: 1 });
  });

  it("checks the properties of a patch that are there", async () => {
    await using sessions = await open("memory:", { schema });
    const { id } = await sessions.start(session);
    const patch = wrong({ pr: "2" });
    for (const call of [
      () => sessions.update(id, { context: patch }),
      () => sessions.updateContext(id, patch),
      () => sessions.fork(id, { context: patch }),
      async () => (await sessions.hold(id))?.updateContext(id, patch),
    ]) {
      expect(await failure(call)).toMatchObject(refusal("context.pr", "expected a number"));
    }
    await sessions.updateContext(id, { pr: 2 });
    await sessions.update(id, { context: { branch: "c" } });
    expect(await sessions.get(id)).toMatchObject({ context: { pr: 2, branch: "c" } });
  });

  it("counts issues of a patch that have no path", async () => {
    const empty = schemaOf<{ readonly a?: number }>(() => [{ message: "never" }]);
    await using sessions = await open("memory:", { schema: { context: empty } });
    expect(await failure(() => sessions.updateContext("s", { a: 1 }))).toMatchObject(
      refusal("context", "never"),
    );
  });

  it("checks a context that replaces another one as a whole", async () => {
    await using sessions = await open("memory:", { schema });
    const { id } = await sessions.start(session);
    const replaced = failure(() => sessions.updateContext(id, wrong({ pr: 2 }), { replace: true }));
    expect(await replaced).toMatchObject(refusal("context.branch", "expected a string"));
  });

  it("checks the data of its events, and of no others", async () => {
    await using sessions = await open("memory:", { schema });
    const { id } = await sessions.start(session);
    expect(await failure(() => sessions.addEvent(id, "deploy", undefined as never))).toMatchObject(
      refusal("data.to", "expected a string"),
    );
    const several = [{ type: "note" }, { type: "deploy", data: { to: 1 } }];
    expect(await failure(() => sessions.addEvents(id, wrong(several)))).toMatchObject(
      refusal("events[1].data.to", "expected a string"),
    );
    await sessions.addEvents(id, wrong([{ type: "note" }, { type: "toString", data: {} }]));
    expect(await sessions.get(id)).toMatchObject({ eventCount: 3 });
  });

  it("checks sessions in slots", async () => {
    await using sessions = await open("memory:", { schema });
    const start = { ...session, taskId: "T", phase: "plan", model: "m" } as const;
    const bad = { ...start, context: wrong({ pr: 1 }) };
    expect(await failure(() => sessions.startInSlot(bad))).toMatchObject(
      refusal("context.branch", "expected a string"),
    );
    expect(await failure(() => sessions.startInSlots([start, bad]))).toMatchObject(
      refusal("starts[1].context.branch", "expected a string"),
    );
    expect(await sessions.startInSlot(start)).toMatchObject({ outcome: "created" });
  });

  it("sees the JSON that would be stored", async () => {
    const at = objectOf<{ readonly at: string }>({ at: "string" });
    await using sessions = await open("memory:", { schema: { context: at } });
    const { context } = await sessions.start({ ...session, context: wrong({ at: new Date(0) }) });
    expect(context).toEqual({ at: "1970-01-01T00:00:00.000Z" });
  });

  it("names nested properties by their path", async () => {
    const path = ["steps", 0, { key: "name" }];
    const nested = schemaOf<object>(() => [{ message: "too long", path }]);
    await using sessions = await open("memory:", { schema: { context: nested } });
    expect(await failure(() => sessions.start(session))).toMatchObject(
      refusal("context.steps[0].name", "too long"),
    );
  });

  it("works in synchronous handles and in tests", async () => {
    using sync = openSync("memory:", { schema });
    expect(await failure(() => sync.start(wrong({ ...session, context: {} })))).toMatchObject(
      refusal("context.pr", "expected a number"),
    );
    expect(sync.start(session).context).toEqual(state);
    const { sessions } = await memorySessions({ schema });
    expect(await failure(() => sessions.updateContext("s", wrong({ pr: "" })))).toMatchObject(
      refusal("context.pr", "expected a number"),
    );
    await sessions.close();
  });
});

describe("an asynchronous schema", () => {
  const slow = { context: later(context), events: { deploy: later(deploy) } };

  it.each([
    ["a native store", "memory:"],
    ["a store in JavaScript", new MapStore()],
  ])("is waited for, over %s", async (_, store) => {
    await using sessions = await open(store, { schema: slow });
    const bad = sessions.start({ ...session, context: wrong({ pr: 1 }) });
    expect(await failure(bad)).toMatchObject(refusal("context.branch", "expected a string"));
    const { id } = await sessions.start(session);
    const first = sessions.addEvent(id, "deploy", { to: "staging" });
    const refused = sessions.addEvent(id, "deploy", wrong({}));
    const last = sessions.addEvent(id, "deploy", { to: "production" });
    expect((await last).lastSequence).toBe((await first).lastSequence + 1);
    expect(await failure(refused)).toMatchObject(refusal("data.to", "expected a string"));
  });

  it("is waited for when the handle closes", async () => {
    const sessions = await open("memory:", { schema: slow });
    const started = sessions.start(session);
    await sessions.close();
    expect(await started).toMatchObject({ context: state });
  });

  it("is refused by a synchronous handle", async () => {
    using sessions = openSync("memory:", { schema: slow });
    expect(await failure(() => sessions.start(session))).toMatchObject(
      refusal("schema", "is asynchronous: open the store with `open`, not `openSync`"),
    );
    expect(sessions.stats().total).toBe(0);
  });
});

describe("a schema that is none", () => {
  it.each([
    [
      "schema.context",
      { context: {} },
      "expected a schema that follows https://standardschema.dev",
    ],
    [
      "schema.events.a",
      { events: { a: 1 } },
      "expected a schema that follows https://standardschema.dev",
    ],
    ["schema.events.pause", { events: { pause: deploy } }, "expected a type that is not built in"],
    [
      "schema",
      { contexts: context },
      "`contexts` is not known (did you mean `context`?); expected `context`, `events`",
    ],
    ["schema", 1, "expected an object, got 1"],
  ])("is refused when the store is opened: %s", async (what, given, problem) => {
    const opened = failure(() => open("memory:", { schema: wrong(given as object) }));
    expect(await opened).toMatchObject(refusal(what, problem));
  });

  it("fails the operation if it throws or returns nothing", async () => {
    const broken = schemaOf<object>(() => {
      throw new Error("no such table");
    });
    await using sessions = await open("memory:", { schema: { context: broken } });
    const thrown = await failure(() => sessions.start(session));
    expect(thrown).toMatchObject(refusal("schema.context", "failed: no such table"));
    expect(thrown.cause).toBeInstanceOf(Error);
    const silent = {
      "~standard": { version: 1, vendor: "tests", validate: () => wrong(undefined as never) },
    } as const;
    await using others = await open("memory:", { schema: { context: silent } });
    expect(await failure(() => others.start(session))).toMatchObject(
      refusal("schema.context", "expected its result to be an object"),
    );
  });
});
