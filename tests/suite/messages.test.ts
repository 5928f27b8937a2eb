// The messages about arguments of another kind, and about misspelt names. A program that is wrong is
// corrected by what they say.

// Loaded first: the browser's own module does not have all operations.
import "../support/complete.js";
import { init, open, openSync, type Sessions } from "tenure";
import { givenSession, memorySessions } from "tenure/testing";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { failure } from "../support/failures.js";

/** A value of any type, as a program without types passes it. */
const other = (value: unknown): never => value as never;

/** An object whose properties cannot be read. */
const trap = (): never => {
  throw new Error("trapped");
};
const hostile = other(new Proxy({}, { get: trap, has: trap, ownKeys: trap, getPrototypeOf: trap }));

let sessions: Sessions;
let id: string;

beforeAll(() => init());

beforeEach(async () => {
  sessions = await open("memory:");
  ({ id } = await sessions.start({ task: "t", mode: "m" }));
});

afterEach(() => sessions.close());

const calls: readonly (readonly [string, string | RegExp, () => unknown])[] = [
  // Arguments that are no objects, before arguments that are too many.
  [
    'start("t", "m")',
    'params: expected an object such as `{ task, mode }`, got "t"',
    () => (sessions.start as (...args: unknown[]) => unknown).call(sessions, "t", "m"),
  ],
  [
    "start()",
    "params: expected an object such as `{ task, mode }`, got nothing",
    () => sessions.start(other(undefined)),
  ],
  [
    "start([])",
    "params: expected an object such as `{ task, mode }`, got a list",
    () => sessions.start(other([])),
  ],
  [
    "start(map)",
    "params: expected an object such as `{ task, mode }`, got a Map",
    () => sessions.start(other(new Map())),
  ],
  [
    'get(id, "all")',
    'options: expected an object such as `{ history }`, got "all"',
    () => sessions.get(id, other("all")),
  ],
  [
    "update(id, null)",
    "patch: expected an object such as `{ task, userId }`, got null",
    () => sessions.update(id, other(null)),
  ],
  [
    "pause(id, reason, 5)",
    "options: expected an object such as `{ ifVersion, idempotencyKey }`, got 5",
    () => sessions.pause(id, "why", other(5)),
  ],
  [
    "resume(id, 5)",
    "options: expected an object such as `{ addIterations }`, got 5",
    () => sessions.resume(id, other(5)),
  ],
  [
    "recordUsage(id, 5)",
    "usage: expected an object such as `{ tokens, cost }`, got 5",
    () => sessions.recordUsage(id, other(5)),
  ],
  [
    'addEvent(id, "note", "hello")',
    'data: expected an object, got "hello"',
    () => sessions.addEvent(id, "note", other("hello")),
  ],
  [
    'cleanup("30d")',
    'params: expected an object such as `{ maxAge }`, got "30d"',
    () => sessions.cleanup(other("30d")),
  ],
  [
    'purge("30d")',
    'params: expected an object such as `{ olderThan }`, got "30d"',
    () => sessions.purge(other("30d")),
  ],
  [
    'stats("m")',
    'filter: expected an object such as `{ userId, mode }`, got "m"',
    () => sessions.stats(other("m")),
  ],
  [
    'list("active")',
    'options: expected an object such as `{ status, limit }`, got "active"',
    () => sessions.list(other("active")),
  ],
  [
    "latest(a function)",
    "filter: expected an object such as `{ status, mode }`, got a function",
    () => sessions.latest(other(() => true)),
  ],
  [
    "events(id, 5)",
    "options: expected an object such as `{ type, limit }`, got 5",
    () => sessions.events(id, other(5)),
  ],
  [
    "hold(id, 5)",
    "options: expected an object such as `{ leaseDurationMs }`, got 5",
    () => sessions.hold(id, other(5)),
  ],
  [
    'startInSlot("T-1")',
    'request: expected an object such as `{ taskId, phase, model, task, mode }`, got "T-1"',
    () => sessions.startInSlot(other("T-1")),
  ],
  [
    "startInSlots({})",
    "starts: expected a list, got an object",
    () => sessions.startInSlots(other({})),
  ],
  [
    "startInSlots([7])",
    "starts: expected an object, got 7",
    () => sessions.startInSlots(other([7])),
  ],
  [
    'agents.create("x")',
    'params: expected an object such as `{ agentName, purpose }`, got "x"',
    () => sessions.agents.create(other("x")),
  ],
  [
    'agents.requestApproval(id, "why")',
    'options: expected an object such as `{ reason }`, got "why"',
    () => sessions.agents.requestApproval(id, other("why")),
  ],
  [
    'agents.approve(id, "ada")',
    'options: expected an object such as `{ by, reason }`, got "ada"',
    () => sessions.agents.approve(id, other("ada")),
  ],
  [
    'agents.finalize(id, outcome, "done")',
    'options: expected an object such as `{ summary }`, got "done"',
    () => sessions.agents.finalize(id, "completed", other("done")),
  ],
  [
    "agents.list(true)",
    "options: expected an object such as `{ activeOnly, agentName }`, got true",
    () => sessions.agents.list(other(true)),
  ],
  [
    "leases.acquire(key, 5)",
    "options: expected an object such as `{ holder, leaseDurationMs }`, got 5",
    () => sessions.leases.acquire("k", other(5)),
  ],
  [
    "leases.renew(key, 5)",
    "lease: expected an object such as `{ token }`, got 5",
    () => sessions.leases.renew("k", other(5)),
  ],
  [
    'audit.entries("x")',
    'options: expected an object such as `{ kind, after }`, got "x"',
    () => sessions.audit.entries(other("x")),
  ],
  [
    "a long text",
    `params: expected an object such as \`{ task, mode }\`, got "${"x".repeat(40)}…"`,
    () => sessions.start(other("x".repeat(41))),
  ],
  // Properties of another kind, which the core refuses.
  [
    "start with a text for a number",
    'maxIterations: expected a whole number of 0 or more, got "5"',
    () => sessions.start({ task: "t", mode: "m", maxIterations: other("5") }),
  ],
  ["get(7)", "id: expected a text, got 7", () => sessions.get(other(7))],
  [
    "addEvents(id, {})",
    "events: expected a list, got an object",
    () => sessions.addEvents(id, other({})),
  ],
  ["trashMany([[]])", "ids[0]: expected a text, got a list", () => sessions.trashMany([other([])])],
  [
    'cleanup({ dryRun: "yes" })',
    'dryRun: expected true or false, got "yes"',
    () => sessions.cleanup({ maxAge: "1d", dryRun: other("yes") }),
  ],
  [
    "recordUsage with a text for a number",
    'cost: expected a number, got "x"',
    () => sessions.recordUsage(id, { cost: other("x") }),
  ],
  // Misspelt names.
  [
    "start({ taks })",
    /^start: `taks` is not known \(did you mean `task`\?\); expected `task`, /,
    () => sessions.start(other({ taks: "t", mode: "m" })),
  ],
  [
    'list({ status: "pased" })',
    /^status: `pased` is not known \(did you mean `paused`\?\); expected one of `active`, /,
    () => sessions.list({ status: other("pased") }),
  ],
  [
    "list({ stauts })",
    /^list: `stauts` is not known \(did you mean `status`\?\); expected `userId`, /,
    () => sessions.list(other({ stauts: "active" })),
  ],
  [
    "events(id, { typ })",
    /^events: `typ` is not known \(did you mean `type`\?\); expected `id`, /,
    () => sessions.events(id, other({ typ: "note" })),
  ],
  [
    "list({ colour })",
    /^list: `colour` is not known; expected `userId`, /,
    () => sessions.list(other({ colour: "red" })),
  ],
  [
    "open(url, { webhooks })",
    /^options: `webhooks` is not known \(did you mean `webhook`\?\); expected `limits`, /,
    () => openSync("memory:", other({ webhooks: "http://localhost" })),
  ],
  [
    "open(url, { webhook: { ulr } })",
    "webhook: `ulr` is not known (did you mean `url`?); expected `url`, `headers`, `events`, `timeoutMs`, `fetch`, `endpoint`, `secret`",
    () => openSync("memory:", { webhook: other({ ulr: "http://localhost" }) }),
  ],
  [
    "memorySessions({ sed })",
    /^options: `sed` is not known \(did you mean `seed`\?\); expected `now`, `seed`, /,
    () => memorySessions(other({ sed: 1 })),
  ],
  [
    "givenSession(sessions, { stauts })",
    /^given: `stauts` is not known \(did you mean `status`\?\); expected `id`, /,
    () => givenSession(sessions, other({ stauts: "paused" })),
  ],
  // What is no store, and no options of one.
  [
    "open({ webhook })",
    "store: expected a URL or an object with the methods of a store, got an object with `webhook`; options are the second argument",
    () => openSync(other({ webhook: "http://localhost" })),
  ],
  [
    "open(5)",
    "store: expected a URL or an object with the methods of a store, got 5",
    () => openSync(other(5)),
  ],
  ['open(url, "x")', 'options: expected an object, got "x"', () => openSync("memory:", other("x"))],
  // Objects that cannot be read.
  ["start(hostile)", "params: cannot be read: trapped", () => sessions.start(hostile)],
  ["get(id, hostile)", "options: cannot be read: trapped", () => sessions.get(id, hostile)],
  ["list(hostile)", "options: cannot be read: trapped", () => sessions.list(hostile)],
  ["open(hostile)", "store: cannot be read: trapped", () => openSync(hostile)],
  ["open(url, hostile)", "options: cannot be read: trapped", () => openSync("memory:", hostile)],
  ["setWebhook(hostile)", "webhook: cannot be read: trapped", () => sessions.setWebhook(hostile)],
];

describe("the message of", () => {
  it.each(calls)("%s", async (_, message, call) => {
    const error = await failure(async () => call());
    expect(error.code).toBe("INVALID_ARGUMENT");
    if (typeof message === "string") expect(error.message).toBe(message);
    else expect(error.message).toMatch(message);
    expect(error.message).toBe(`${error.details.what}: ${error.details.problem}`);
    expect((await sessions.get(id))?.version).toBe(1);
  });

  it("a clock that throws", async () => {
    const clock = vi.spyOn(Date, "now").mockImplementation(() => {
      throw new Error("no clock");
    });
    const call = sessions.get(id);
    clock.mockRestore();
    expect(await failure(call)).toMatchObject({
      code: "INVALID_ARGUMENT",
      message: "now: the clock failed: no clock",
      cause: { message: "no clock" },
    });
  });
});

describe("a method that takes an object", () => {
  it("takes none where it may be left out", async () => {
    expect(await sessions.get(id, undefined)).not.toBeNull();
    expect(await sessions.get(id, other(null))).not.toBeNull();
    expect((await sessions.stats()).total).toBe(1);
  });

  it("refuses others over a synchronous handle by throwing", async () => {
    using sync = openSync("memory:");
    const error = await failure(() => sync.start(other("t")));
    expect(error.message).toBe('params: expected an object such as `{ task, mode }`, got "t"');
    expect(() => sync.list(other("t"))).toThrow("such as `{ status, limit }`");
  });
});
