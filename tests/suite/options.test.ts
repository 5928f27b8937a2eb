// Options: none is accepted and ignored. An unknown one, one of another type and one that an argument
// overrides are refused, in every call that takes options.

// Loaded first: the browser's own module has no retention.
import "../support/complete.js";
import {
  copy,
  getSessionManager,
  init,
  isSessionManagerAvailable,
  isTenureError,
  open,
  openSync,
  type Sessions,
  slotMessage,
  storeRules,
} from "tenure";
import * as compat from "tenure/compat";
import * as manager from "tenure/compat/manager";
import * as store from "tenure/compat/store";
import {
  checkStore,
  describeStore,
  givenSession,
  memorySessions,
  memorySessionsSync,
} from "tenure/testing";
import { beforeEach, describe, expect, it } from "vitest";
import { code, failure } from "../support/failures.js";
import { MapStore } from "../support/map-store.js";
import { inMemory } from "../support/stores.js";

type Call = (sessions: Sessions, options: never) => unknown;

/** Every call that takes options. */
const calls: Readonly<Record<string, Call>> = {
  start: (s, o) => s.start(o),
  get: (s, o) => s.get("s", o),
  update: (s, o) => s.update("s", { task: "t" }, o),
  "update, the patch": (s, o) => s.update("s", o),
  pause: (s, o) => s.pause("s", "r", o),
  resume: (s, o) => s.resume("s", o),
  complete: (s, o) => s.complete("s", "r", o),
  fail: (s, o) => s.fail("s", "e", o),
  abandon: (s, o) => s.abandon("s", "r", o),
  addEvent: (s, o) => s.addEvent("s", "note", {}, o),
  addEvents: (s, o) => s.addEvents("s", [{ type: "note" }], o),
  "addEvents, an event": (s, o) => s.addEvents("s", [o]),
  incrementIteration: (s, o) => s.incrementIteration("s", {}, o),
  recordToolCall: (s, o) => s.recordToolCall("s", "tool", {}, {}, o),
  startToolCall: (s, o) => s.startToolCall("s", "tool", {}, o),
  finishToolCall: (s, o) => s.finishToolCall("s", "c", {}, o),
  recordLearning: (s, o) => s.recordLearning("s", "i", "f", o),
  recordUsage: (s, o) => s.recordUsage("s", { cost: 1 }, o),
  "recordUsage, the usage": (s, o) => s.recordUsage("s", o),
  "recordUsage, the tokens": (s, o) => s.recordUsage("s", { tokens: o }),
  updateContext: (s, o) => s.updateContext("s", { a: 1 }, o),
  context: (s, o) => s.context("s", o),
  events: (s, o) => s.events("s", o),
  list: (s, o) => s.list(o),
  latest: (s, o) => s.latest(o),
  stats: (s, o) => s.stats(o),
  distribution: (s, o) => s.distribution(o),
  delete: (s, o) => s.delete("s", o),
  trash: (s, o) => s.trash("s", o),
  restore: (s, o) => s.restore("s", o),
  cleanup: (s, o) => s.cleanup(o),
  purge: (s, o) => s.purge(o),
  "purge, its options": (s, o) => s.purge({ olderThan: 0 }, o),
  cleanupRecords: (s, o) => s.cleanupRecords(o),
  export: (s, o) => s.export("s", o),
  override: (s, o) => s.override("s", { task: "t" }, o),
  "override, the updates": (s, o) => s.override("s", o),
  save: (s, o) => s.save({}, o),
  fork: (s, o) => s.fork("s", o),
  progress: (s, o) => s.progress("s", o),
  duration: (s, o) => s.duration("s", o),
  hold: (s, o) => s.hold("s", o),
  startInSlot: (s, o) =>
    s.startInSlot({ task: "t", mode: "m", taskId: "t", phase: "plan", model: "m" }, o),
  "startInSlot, the request": (s, o) => s.startInSlot(o),
  "startInSlots, a start": (s, o) => s.startInSlots([o]),
  setWebhook: (s, o) => s.setWebhook(o),
  "agents.create": (s, o) => s.agents.create(o),
  "agents.update": (s, o) => s.agents.update("s", o),
  "agents.shouldResume": (s, o) => s.agents.shouldResume("s", o),
  "agents.finalize": (s, o) => s.agents.finalize("s", "completed", o),
  "agents.requestApproval": (s, o) => s.agents.requestApproval("s", o),
  "agents.approve": (s, o) => s.agents.approve("s", o),
  "agents.deny": (s, o) => s.agents.deny("s", o),
  "agents.cleanup": (s, o) => s.agents.cleanup(o),
  "agents.list": (s, o) => s.agents.list(o),
  "agents.hooks.preDelegate": (s, o) => s.agents.hooks.preDelegate("{}", o),
  "agents.hooks.event": (s, o) => s.agents.hooks.event("{}", o),
  "agents.hooks.subagentStop": (s, o) => s.agents.hooks.subagentStop("{}", o),
  "leases.acquire": (s, o) => s.leases.acquire("k", o),
  "leases.renew": (s, o) => s.leases.renew("k", o),
  "leases.release": (s, o) => s.leases.release("k", o),
  "leases.transfer": (s, o) => s.leases.transfer("k", o),
  "leases.clear": (s, o) => s.leases.clear(o),
  "leases.hold": (s, o) => s.leases.hold("k", o),
  "leases.list": (s, o) => s.leases.list(o),
  "audit.entries": (s, o) => s.audit.entries(o),
  "audit.purge": (s, o) => s.audit.purge(o),
  open: (_, o) => open("memory:", o),
  "open, limits": (_, o) => open("memory:", { limits: o }),
  "open, redact": (_, o) => open("memory:", { redact: o }),
  "open, retention": (_, o) => open("memory:", { retention: o }),
  "open, webhook": (_, o) => open("memory:", { webhook: o }),
  "open, a store of one's own": (_, o) => open(new MapStore(), o),
  openSync: (_, o) => openSync("memory:", o),
  copy: (s, o) => copy(s, "memory:", o),
  init: (_, o) => init(o),
  memorySessionsSync: (_, o) => memorySessionsSync(o),
  checkStore: (_, o) => checkStore(() => new MapStore(), o),
  givenSession: (s, o) => givenSession(s, o),
  "session manager, sweep": (_, o) => getSessionManager().sweep(() => true, o),
  "session manager, onExit": (_, o) => getSessionManager().onExit(o),
};

/** Calls that only the complete module has. */
const complete: Readonly<Record<string, Call>> = {
  exportParts: (s, o) => s.exportParts("s", o).next(),
  "agents.stats": (s, o) => s.agents.stats(o),
  "dedup.admit": (s, o) => s.dedup.admit(o),
  "dedup.check": (s, o) => s.dedup.check(o),
  "dedup.register": (s, o) => s.dedup.register(o),
  "dedup.cleanup": (s, o) => s.dedup.cleanup(o),
  "dedup.audit": (s, o) => s.dedup.audit(o),
  "dedup.list": (s, o) => s.dedup.list(o),
  "dedup.clear": (s, o) => s.dedup.clear(o),
  "audit.day": (s, o) => s.audit.day(o),
  importFile: (s, o) => s.importFile(o),
  "machines.active": (s, o) => s.machines.active(o),
  "machines.orphans": (s, o) => s.machines.orphans(o),
};

const all = Object.entries(__BUILD__ === "browser" ? calls : { ...calls, ...complete });

/** What is no options, or has an option that no call has. */
const hostile: readonly (readonly [what: string, options: unknown])[] = [
  ["a number", 5],
  ["a list", [1]],
  ["an empty list", []],
  ["a function", () => ({})],
  ["a Map", new Map([["limit", 1]])],
  ["a Date", new Date()],
  ["a symbol", Symbol("limit")],
  ["an unknown option", { unknownOption: 1 }],
  ["an unknown function", { unknownOption: () => {} }],
  ["an unknown object", { unknownOption: {} }],
];

describe.each(hostile)("%s", (_, options) => {
  let sessions: Sessions;

  beforeEach(async () => {
    sessions = await inMemory();
    await sessions.start({ task: "t", mode: "m", id: "s" });
  });

  it.each(all)("is refused by %s", async (_, call) => {
    // A list is a promise of its first page.
    const refused = await code(async () => await call(sessions, options as never));
    expect(refused).toBe("INVALID_ARGUMENT");
    expect((await sessions.get("s"))?.version).toBe(1);
  });
});

describe("an option", () => {
  it("that an argument overrides is refused, unless it is the same", async () => {
    const sessions = await inMemory();
    await sessions.start({ task: "t", mode: "m", id: "s" });
    const other = { id: "other" } as never;
    expect(await failure(sessions.get("s", other))).toMatchObject({
      code: "INVALID_ARGUMENT",
      details: { what: "id" },
    });
    expect(await code(sessions.pause("s", "r", { reason: "other" } as never))).toBe(
      "INVALID_ARGUMENT",
    );
    expect(await code(sessions.leases.hold("k", { once: false } as never))).toBe(
      "INVALID_ARGUMENT",
    );
    expect(await sessions.get("s", { id: "s" } as never)).toMatchObject({ id: "s", version: 1 });
  });

  it("in an argument that a call does not have is refused", async () => {
    const sessions = await inMemory();
    await sessions.start({ task: "t", mode: "m", id: "s" });
    await sessions.trash("s");
    const dryRun: unknown = { dryRun: true };
    const calls = sessions as unknown as Record<string, (...args: unknown[]) => unknown>;
    expect(await failure(async () => await calls.cleanup?.({ maxAge: 0 }, dryRun))).toMatchObject({
      code: "INVALID_ARGUMENT",
      message: "arguments: `cleanup` takes one argument, and got 2",
    });
    expect(await sessions.get("s", { trash: "include" })).not.toBeNull();
  });

  it("that the store does not have is refused", async () => {
    for (const options of [
      { durability: "full" },
      { busyTimeoutMs: 5 },
      { timeoutMs: 5 },
      { fileMode: 0o600 },
    ]) {
      expect(await failure(open("memory:", options as never))).toMatchObject({
        code: "INVALID_ARGUMENT",
        details: { what: Object.keys(options)[0] },
      });
    }
    for (const options of [{ durability: "full" }, { busyTimeoutMs: 5 }]) {
      expect(await code(open(new MapStore(), options as never))).toBe("INVALID_ARGUMENT");
    }
  });

  it("that is undefined is absent", async () => {
    const sessions = await inMemory({ durability: undefined, limits: { maxDepth: undefined } });
    const { id } = await sessions.start({ task: "t", mode: "m", userId: undefined });
    expect(await sessions.get(id, undefined)).toMatchObject({ id });
    expect((await sessions.list({ userId: undefined })).items).toHaveLength(1);
  });
});

/** The names of the methods of an object, also of the inherited ones. */
function methodsOf(target: object): string[] {
  const names = new Set<string>();
  const parentOf = (type: object) => Object.getPrototypeOf(type) as object;
  for (let type = parentOf(target); type !== Object.prototype; type = parentOf(type)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(type))) {
      if (typeof value === "function" && name !== "constructor") names.add(name);
    }
  }
  return [...names];
}

describe("an argument too many", () => {
  type Method = (...args: unknown[]) => unknown;

  async function refused(method: Method, self?: unknown): Promise<void> {
    // Objects, as what is no object is refused before.
    const args = Array.from({ length: method.length + 1 }, () => ({}));
    expect(await failure(async () => await method.apply(self, args))).toMatchObject({
      code: "INVALID_ARGUMENT",
      details: { what: "arguments" },
    });
  }

  it("is refused by every method", async () => {
    const sessions = await inMemory();
    const sync = openSync("memory:");
    for (const handle of [sessions, sync]) await handle.start({ task: "t", mode: "m", id: "s" });
    const targets = [sessions, sync].flatMap((of) => [
      of,
      of.agents,
      of.agents.hooks,
      of.leases,
      of.dedup,
      of.audit,
      of.machines,
    ]);
    const held = [
      await sessions.hold("s"),
      sync.hold("s"),
      await sessions.leases.hold("k", { holder: "h", leaseDurationMs: 60_000 }),
      sync.leases.hold("k", { holder: "h", leaseDurationMs: 60_000 }),
    ];
    let methods = 0;
    for (const target of [...targets, ...held, getSessionManager()]) {
      if (target === null) throw new Error("expected a lease");
      for (const name of methodsOf(target)) {
        methods += 1;
        const method = Reflect.get(target, name) as Method;
        await refused(method, target).catch((cause: unknown) => {
          throw new Error(`${target.constructor.name}.${name}`, { cause });
        });
      }
    }
    expect(methods).toBeGreaterThan(250);
    expect(await sessions.get("s")).toMatchObject({ version: 1 });
    sync.close();
  });

  it.each<[string, Method]>([
    ["open", open as Method],
    ["openSync", openSync as Method],
    ["copy", copy as Method],
    ["init", init as Method],
    ["getSessionManager", getSessionManager as Method],
    ["isSessionManagerAvailable", isSessionManagerAvailable as Method],
    ["slotMessage", slotMessage as Method],
    ["storeRules.allows", storeRules.allows as Method],
    ["storeRules.rangeOf", storeRules.rangeOf as Method],
    ["storeRules.bytesOf", storeRules.bytesOf as Method],
    ["describeStore", describeStore as Method],
    ["checkStore", checkStore as Method],
    ["memorySessions", memorySessions as Method],
    ["memorySessionsSync", memorySessionsSync as Method],
    ["givenSession", givenSession as Method],
  ])("is refused by %s", async (_, method) => {
    await refused(method);
  });

  it("is refused by lists, their pages and the clock of a test", async () => {
    const { sessions, clock } = await memorySessions();
    const sync = memorySessionsSync().sessions;
    const list = sessions.list();
    const leases = sessions.leases.list();
    for (const [target, name] of [
      [list, "pages"],
      [list, "then"],
      [list, "catch"],
      [list, "finally"],
      [leases, "pages"],
      [sync.list(), "pages"],
      [sync.leases.list(), "pages"],
      [clock, "advance"],
      [clock, "set"],
    ] as const) {
      await refused(Reflect.get(target, name) as Method, target);
    }
    expect(clock.now).toBe(Date.UTC(2026, 0, 1));
  });

  it("is refused by isTenureError, and so is a code of another type", async () => {
    const check = isTenureError as Method;
    expect(await code(() => check(new Error(), undefined, 1))).toBe("INVALID_ARGUMENT");
    expect(await code(() => check(new Error(), 5))).toBe("INVALID_ARGUMENT");
    expect(isTenureError(new Error(), undefined)).toBe(false);
  });

  it("is refused by every function of tenure/compat", async () => {
    let functions = 0;
    for (const [name, value] of [compat, manager, store].flatMap(Object.entries)) {
      if (typeof value !== "function" || /^[A-Z]/.test(name) || name === "isTenureError") continue;
      functions += 1;
      await refused(value as Method).catch((cause: unknown) => {
        throw new Error(name, { cause });
      });
    }
    expect(functions).toBeGreaterThan(60);
    const agent = new compat.SessionAwareAgent("u", "c", async () => {
      throw new Error("it must not run");
    });
    for (const name of methodsOf(agent)) await refused(Reflect.get(agent, name) as Method, agent);
  });

  it("may be the index and the array that an array's method adds", async () => {
    compat.configure({ store: "memory:" });
    await compat.init();
    const ids = ["a", "b"].map((id) => compat.createSession({ task: "t", mode: "m", id }).id);
    expect(ids.map(compat.getSession)).toMatchObject([{ id: "a" }, { id: "b" }]);
    expect(await Promise.all(ids.map(compat.resumeSession))).toHaveLength(2);
    const get = compat.getSession as Method;
    for (const args of [
      ["a", 0],
      ["a", 0, "a"],
      ["a", 1, ids],
      ["a", "0", ids],
      ["a", 0, ids, 1],
    ]) {
      expect(await code(() => get(...args))).toBe("INVALID_ARGUMENT");
    }
    ids.forEach(compat.deleteSession);
    expect(compat.listSessions()).toEqual([]);
    await compat.closeStore();
  });
});
