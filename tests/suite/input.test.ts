// Input of callers: user data that is stored unchanged, and everything that is refused.

import { openSync, type Sessions } from "tenure";
import { beforeEach, describe, expect, it } from "vitest";
import { code, failure } from "../support/failures.js";
import { everyStore, inMemory } from "../support/stores.js";

const nested = (depth: number): Record<string, unknown> => {
  let value: Record<string, unknown> = {};
  for (let i = 1; i < depth; i += 1) value = { a: value };
  return value;
};

describe.each(everyStore)("user data %s", (_, open) => {
  let sessions: Sessions;

  beforeEach(async () => {
    sessions = await open();
  });

  it.each([
    ["lone surrogates", { "\ud800": "\udc00x", ok: "😀" }],
    ["empty keys and values", { "": { "": [] }, list: [[], {}, null, "", 0] }],
    ["keys that objects have", JSON.parse('{"__proto__":{"x":1},"constructor":2,"toString":3}')],
    ["numbers at the edge", { a: 1e308, b: 5e-324, c: 2 ** 53, d: -0.1, e: 1.0000000000000002 }],
    ["control characters", { text: '\u0000\u0001\u001f\u007f\u2028\u2029\ufeff\\"/' }],
    ["a deep nest", nested(127)],
    ["many keys", Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`k${i}`, i]))],
  ])("comes back as it went in: %s", async (_, data) => {
    const { id } = await sessions.start({ task: "t", mode: "m", context: data, metadata: data });
    await sessions.addEvent(id, "note", data);
    await sessions.recordToolCall(id, "tool", data, "result");
    const session = await sessions.get(id);
    expect(session?.context).toEqual(data);
    expect(JSON.stringify(session?.context)).toBe(JSON.stringify(data));
    expect(JSON.stringify(session?.history[1]?.data)).toBe(JSON.stringify(data));
    expect(JSON.stringify(session?.history[2]?.data.args)).toBe(JSON.stringify(data));
    await sessions.updateContext(id, { last: 1 });
    expect(Object.getPrototypeOf((await sessions.get(id))?.context)).toBe(Object.prototype);
    const copy = JSON.parse(await sessions.export(id));
    expect(JSON.stringify(copy.context)).toBe(JSON.stringify({ ...data, last: 1 }));
  });

  it("is captured at the call, and later modifications have no effect", async () => {
    const context: Record<string, unknown> = { a: 1 };
    const starting = sessions.start({ task: "t", mode: "m", context });
    context.a = 2;
    expect((await starting).context).toEqual({ a: 1 });
  });

  it("is stored as JSON.stringify writes it", async () => {
    const context = { a: undefined, c: new Date(0), e: [undefined], f: Object("boxed") };
    const stored = (await sessions.start({ task: "t", mode: "m", context })).context;
    expect(stored).toEqual({ c: "1970-01-01T00:00:00.000Z", e: [null], f: "boxed" });
    const bare = Object.assign(Object.create(null), {
      a: { toJSON: () => new Map([[1, 2]]).size },
    });
    const { id } = await sessions.start({ task: "t", mode: "m", context: bare });
    expect((await sessions.get(id))?.context).toEqual({ a: 1 });
    class Point {
      readonly x = 1;
    }
    await sessions.updateContext(id, { point: new Point(), bytes: new Uint8Array([7]) });
    expect((await sessions.get(id))?.context).toMatchObject({ point: { x: 1 }, bytes: { 0: 7 } });
  });

  it("that JSON would lose is refused with its path", async () => {
    const { id } = await sessions.start({ task: "t", mode: "m" });
    class Private {
      readonly #secret = 1;
      reveal(): number {
        return this.#secret;
      }
    }
    for (const [lost, named] of [
      [Number.NaN, "NaN"],
      [Number.NEGATIVE_INFINITY, "-Infinity"],
      [Object(Number.NaN), "Number"],
      [() => 1, "function"],
      [Symbol("s"), "symbol"],
      [10n, "bigint"],
      [new Date(Number.NaN), "invalid Date"],
      [new Map([["a", 1]]), "Map"],
      [Object.assign(new Set([1]), { a: 1 }), "Set"],
      [new WeakMap(), "WeakMap"],
      [Promise.resolve(), "Promise"],
      [/x/, "RegExp"],
      [new ArrayBuffer(8), "ArrayBuffer"],
      [new DataView(new ArrayBuffer(8)), "DataView"],
      [new Private(), "Private"],
    ] as const) {
      const list = [{}, { "b c": lost }];
      for (const [call, path] of [
        [sessions.updateContext(id, { list }), "context.list[1].b c"],
        [sessions.recordToolCall(id, "tool", { list }, lost), "args.list[1].b c"],
        [sessions.recordToolCall(id, "tool", { toJSON: () => lost }), "args"],
        [sessions.addEvents(id, [{ type: "note", data: { lost } }]), "events[0].data.lost"],
        [sessions.import({ context: { lost } }), "context.lost"],
      ] as const) {
        const error = await failure(call);
        // A date that `toJSON` returns is refused as an object without properties.
        if (path === "args" && lost instanceof Date) continue;
        expect(error).toMatchObject({ code: "INVALID_ARGUMENT", details: { what: path } });
        expect(error.message).toContain(named);
      }
    }
    expect((await sessions.get(id))?.version).toBe(1);
  });

  it("that is an error is stored with its name, message, stack and cause", async () => {
    const { id } = await sessions.start({ task: "t", mode: "m" });
    const cause = Object.assign(new Error("no such file"), { code: "ENOENT", errno: -2 });
    const error = new TypeError("cannot be read", { cause });
    const both = new AggregateError([cause, "text"], "both failed");
    await sessions.recordToolCall(id, "read", { path: "x" }, error);
    await sessions.updateContext(id, {
      last: [both],
      thrown: new DOMException("gone", "AbortError"),
    });
    const session = await sessions.get(id);
    const written = {
      name: "Error",
      message: "no such file",
      stack: cause.stack,
      code: "ENOENT",
      errno: -2,
    };
    expect(session?.history[1]?.data.result).toEqual({
      name: "TypeError",
      message: "cannot be read",
      stack: error.stack,
      cause: written,
    });
    const { message, stack } = both;
    expect(session?.context).toMatchObject({
      last: [{ name: "AggregateError", message, stack, errors: [written, "text"] }],
      thrown: { name: "AbortError", message: "gone" },
    });
    const circular = new Error("circular");
    circular.cause = circular;
    expect(await code(sessions.recordToolCall(id, "tool", {}, circular))).toBe("INVALID_ARGUMENT");
    const lossy = new Error("lossy", { cause: { map: new Map() } });
    expect(await failure(sessions.recordToolCall(id, "tool", {}, lossy))).toMatchObject({
      details: { what: "result.cause.map" },
    });
  });

  it("that cannot be written as JSON is refused without a change", async () => {
    const { id } = await sessions.start({ task: "t", mode: "m" });
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    const hostile: readonly Record<string, unknown>[] = [
      cycle,
      { n: 10n },
      {
        get trap() {
          throw new Error("trap");
        },
      },
      {
        toJSON() {
          throw null;
        },
      },
    ];
    for (const data of hostile) {
      const error = await failure(sessions.addEvent(id, "note", data));
      expect(error.code).toBe("INVALID_ARGUMENT");
      expect(await code(sessions.start({ task: "t", mode: "m", context: data }))).toBe(
        "INVALID_ARGUMENT",
      );
    }
    expect((await sessions.get(id))?.version).toBe(1);
    expect((await sessions.stats()).total).toBe(1);
  });

  it("may be as large as the limits", async () => {
    const { id } = await sessions.start({ task: "t", mode: "m" });
    const filling = (bytes: number) => ({ x: "y".repeat(bytes - 8) });
    const limit = 1 << 20;
    await sessions.addEvent(id, "note", filling(limit));
    await sessions.updateContext(id, filling(limit), { replace: true });
    for (const call of [
      sessions.addEvent(id, "note", filling(limit + 1)),
      sessions.updateContext(id, filling(limit + 1), { replace: true }),
      sessions.updateContext(id, { more: 1 }),
      sessions.recordToolCall(id, "tool", filling(limit)),
    ]) {
      const error = await failure(call);
      expect(error.code).toBe("TOO_LARGE");
      expect(error.details).toMatchObject({ limit });
      expect(error.details.actual).toBeGreaterThan(limit);
    }
    expect(await failure(sessions.start({ task: "é".repeat(32769), mode: "m" }))).toMatchObject({
      code: "TOO_LARGE",
      details: { what: "task", actual: 65538, limit: 65536 },
    });
    expect(await code(sessions.start({ task: "t", mode: "m".repeat(5000) }))).toBe("TOO_LARGE");
    expect(await failure(sessions.addEvent(id, "note", nested(129)))).toMatchObject({
      code: "TOO_DEEP",
      details: { what: "data", limit: 128 },
    });
    expect(await code(sessions.addEvent(id, "note", nested(3000)))).toBe("TOO_DEEP");
    expect((await sessions.get(id))?.version).toBe(3);
  });

  it("has configurable limits", async () => {
    const small = await open({
      limits: { maxDataBytes: 20, maxContextBytes: 30, maxTaskBytes: 5, maxDepth: 2, maxBatch: 2 },
    });
    const { id } = await small.start({ task: "12345", mode: "m" });
    expect(await code(small.start({ task: "123456", mode: "m" }))).toBe("TOO_LARGE");
    expect(await code(small.addEvent(id, "note", { text: "0123456789" }))).toBe("TOO_LARGE");
    expect(await code(small.addEvent(id, "note", { a: { b: {} } }))).toBe("TOO_DEEP");
    expect(await code(small.updateContext(id, { text: "0".repeat(30) }))).toBe("TOO_LARGE");
    const three = [{ type: "a" }, { type: "b" }, { type: "c" }];
    expect(await code(small.addEvents(id, three))).toBe("INVALID_ARGUMENT");
    expect((await small.get(id))?.version).toBe(1);
  });

  it("keeps text complete, with lone surrogates and NUL replaced", async () => {
    const { id, task } = await sessions.start({
      task: "cut \ud83d, zero \u0000, ok 😀",
      mode: "m",
    });
    expect(task).toBe("cut \ufffd, zero \ufffd, ok 😀");
    expect((await sessions.complete(id, "\udc00")).result).toBe("\ufffd");
  });
});

describe("parameters", () => {
  it.each([
    ["no task", { mode: "m" }],
    ["no mode", { task: "t" }],
    ["a task of another type", { task: 7, mode: "m" }],
    ["a task that is null", { task: null, mode: "m" }],
    ["no iterations", { task: "t", mode: "m", maxIterations: 0 }],
    ["less than no iterations", { task: "t", mode: "m", maxIterations: -1 }],
    ["half an iteration", { task: "t", mode: "m", maxIterations: 0.5 }],
    ["NaN iterations", { task: "t", mode: "m", maxIterations: Number.NaN }],
    ["endless iterations", { task: "t", mode: "m", maxIterations: Number.POSITIVE_INFINITY }],
    ["2^32 iterations", { task: "t", mode: "m", maxIterations: 2 ** 32 }],
    ["a context that is no object", { task: "t", mode: "m", context: [1] }],
    ["a context that is text", { task: "t", mode: "m", context: "{}" }],
    ["metadata that is no object", { task: "t", mode: "m", metadata: 5 }],
    ["paused as text", { task: "t", mode: "m", paused: "yes" }],
    ["a misspelt property", { task: "t", mode: "m", maxIteration: 5 }],
    ["nothing", undefined],
    ["null", null],
    ["a text", "task"],
    ["a list", [1]],
    ["a function", () => 1],
    ["a symbol", Symbol("s")],
  ])("of start with %s are refused", async (_, params) => {
    const sessions = await inMemory();
    const error = await failure(sessions.start(params as never));
    expect(error.code).toBe("INVALID_ARGUMENT");
    expect(error.message.length).toBeGreaterThan(10);
    expect((await sessions.stats()).total).toBe(0);
  });

  it("that are invalid are named", async () => {
    const sessions = await inMemory();
    const what = async (params: object) =>
      (await failure(sessions.start({ task: "t", mode: "m", ...params } as never))).details.what;
    expect(await what({ maxIterations: -1 })).toBe("maxIterations");
    expect(await what({ maxIterations: Number.NaN })).toBe("maxIterations");
    expect(await what({ context: 5 })).toBe("context");
    expect(await what({ userId: {} })).toBe("userId");
  });

  it("may be undefined where they are optional", async () => {
    const sessions = await inMemory();
    const session = await sessions.start({ task: "t", mode: "m", userId: undefined });
    expect(session).not.toHaveProperty("userId");
    expect((await sessions.list({ userId: undefined, limit: undefined })).items).toHaveLength(1);
    expect((await sessions.update(session.id, { workspace: undefined })).version).toBe(1);
  });

  it.each([
    "",
    ".",
    "..",
    "../etc/passwd",
    "a/b",
    "a\\b",
    "-a",
    "_a",
    "a b",
    "a\u0000",
    "ä",
    "%2e%2e",
    "a".repeat(129),
    "😀",
    "\ud800",
  ])("with the id %j access nothing", async (id) => {
    const sessions = await inMemory();
    const calls = [
      () => sessions.start({ task: "t", mode: "m", id }),
      () => sessions.get(id),
      () => sessions.pause(id),
      () => sessions.addEvent(id, "x"),
      () => sessions.context(id),
      () => sessions.events(id),
      () => sessions.delete(id),
      () => sessions.trash(id),
      () => sessions.export(id),
      () => sessions.fork(id),
      () => sessions.list({ parentId: id }),
      () => sessions.isResumable(id),
      () => sessions.progress(id),
      () => sessions.duration(id),
    ];
    for (const call of calls) expect(await code(call()), String(call)).toBe("INVALID_ID");
  });

  it.each([undefined, null, 7, {}, [], true, Symbol("x"), 1n])(
    "with %s as an id are refused",
    async (id) => {
      const sessions = await inMemory();
      expect(await code(sessions.get(id as never))).toBe("INVALID_ARGUMENT");
      expect(await code(sessions.addEvent(id as never, "x"))).toBe("INVALID_ARGUMENT");
    },
  );

  it("with safe ids of any form are accepted", async () => {
    const sessions = await inMemory();
    for (const id of ["a", "0", "agent-20260108-180530-abc12345", "A.b_c-d", "a".repeat(128)]) {
      expect((await sessions.start({ task: "t", mode: "m", id })).id).toBe(id);
    }
  });

  it("fail in the same way in synchronous calls", () => {
    using sessions = openSync("memory:");
    expect(() => sessions.get("../x")).toThrowError(
      expect.objectContaining({ code: "INVALID_ID" }),
    );
    expect(() => sessions.start({ task: "t", mode: "m", context: { n: 1n } })).toThrowError(
      expect.objectContaining({ code: "INVALID_ARGUMENT" }),
    );
  });

  it("whose getters throw fail the call and not the caller", async () => {
    const sessions = await inMemory();
    const trap = {
      get task(): string {
        throw new Error("trap");
      },
    };
    const calls = [sessions.start(trap as never), sessions.update("a", trap)];
    for (const call of calls) {
      const error = await failure(call);
      expect(error.code).toBe("INVALID_ARGUMENT");
      expect(error.cause).toEqual(new Error("trap"));
    }
  });
});
