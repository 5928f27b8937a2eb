// JavaScript stores and their failures: every failure has a code, nothing is lost, and no timer is
// left.

import { open, openSync, type Sessions, type Store } from "tenure";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { code, failure } from "../support/failures.js";
import { asynchronous, MapStore } from "../support/map-store.js";
import { opening } from "../support/stores.js";

const methods = ["load", "commit", "list", "record", "scan"] as const;
type Method = "load" | "commit" | "list" | "record";

/** A call that uses the method. */
const callOf: Record<Method, (sessions: Sessions) => Promise<unknown>> = {
  load: (sessions) => sessions.get("a"),
  commit: (sessions) => sessions.start({ task: "t", mode: "m" }),
  list: (sessions) => sessions.list().then((page) => page),
  record: (sessions) => sessions.start({ task: "t", mode: "m", idempotencyKey: "k" }),
};

/** A store with another implementation of one method. */
function storeWith(method: string, behaviour: (...args: never[]) => unknown): Store {
  const store = new MapStore();
  const changed: Store = Object.assign(Object.create(store), { [method]: behaviour });
  return changed;
}

const rejections: unknown[] = [];
const onRejection = (event: { reason?: unknown } | unknown): void => {
  rejections.push(event);
};

beforeEach(() => {
  rejections.length = 0;
  if (__BUILD__ === "browser") addEventListener("unhandledrejection", onRejection);
  else process.on("unhandledRejection", onRejection);
});

afterEach(async () => {
  vi.useRealTimers();
  await new Promise((go) => setTimeout(go));
  if (__BUILD__ === "browser") removeEventListener("unhandledrejection", onRejection);
  else process.off("unhandledRejection", onRejection);
  expect(rejections).toEqual([]);
});

describe.each(Object.keys(callOf) as Method[])("a store whose %s", (method) => {
  const call = callOf[method];

  it.each([
    [
      "throws",
      () => {
        throw new Error("broken");
      },
    ],
    ["rejects", () => Promise.reject(new Error("broken"))],
    [
      "rejects later",
      async () => {
        await new Promise((go) => setTimeout(go, 5));
        throw new Error("broken");
      },
    ],
    [
      "throws a text",
      () => {
        throw "broken";
      },
    ],
    [
      "has a code that is not for stores",
      () => {
        throw Object.assign(new Error("broken"), { code: "CLOSED" });
      },
    ],
  ])("%s fails the call with STORE_FAILED", async (_, behaviour) => {
    const sessions = await opening(storeWith(method, behaviour));
    const error = await failure(call(sessions));
    expect(error).toMatchObject({ code: "STORE_FAILED", details: { method, problem: "broken" } });
    expect(error.message).toBe(`the store's ${method} failed: broken`);
    expect(error.cause).toSatisfy(
      (cause) => cause === "broken" || (cause instanceof Error && cause.message === "broken"),
    );
  });

  it.each([null, undefined, 0, Symbol("s"), Object.create(null)])(
    "throws the unusual value %s fails the call with STORE_FAILED",
    async (thrown) => {
      const store = storeWith(method, () => {
        throw thrown;
      });
      expect(await code(call(await opening(store)))).toBe("STORE_FAILED");
    },
  );

  it.each(["STORAGE_FULL", "STORE_UNAVAILABLE"])(
    "fails with the code %s keeps the code",
    async (own) => {
      const cause = Object.assign(new Error("no room"), { code: own });
      const store = storeWith(method, async () => {
        throw cause;
      });
      const error = await failure(call(await opening(store)));
      expect(error).toMatchObject({ code: own, details: { problem: "no room" }, cause });
    },
  );

  const cycle: unknown[] = [];
  cycle.push(cycle);

  it.each([
    ["a number", 7],
    ["a text", "applied"],
    ["true", true],
    ["a list", [1]],
    ["an empty object", {}],
    ["an unknown kind", { kind: "perhaps" }],
    ["a big integer", 7n],
    ["a cycle", cycle],
    ["a broken head", { head: { id: "a" }, events: [] }],
    ["all heads that are none", { all: [{ id: "a" }] }],
    ["all heads that are no list", { all: 7 }],
    ["a page of nonsense", { heads: [7], more: "no" }],
    ["another store's record", { kind: "x", key: "y", version: 1, body: "" }],
  ])("returns %s fails the call with STORE_MISBEHAVED", async (_, reply) => {
    for (const answer of [() => reply, async () => reply]) {
      const sessions = await opening(storeWith(method, answer));
      const error = await failure(call(sessions));
      expect(error.code).toBe("STORE_MISBEHAVED");
      expect(error.details.method).toBe(method);
    }
  });

  it("is missing fails the call with STORE_FAILED", async () => {
    const sessions = await opening(storeWith(method, undefined as never));
    expect(await code(call(sessions))).toBe("STORE_FAILED");
  });

  it("never settles fails the call after the timeout, and a late reply is ignored", async () => {
    vi.useFakeTimers();
    let answer: ((value: unknown) => void) | undefined;
    const store = storeWith(method, () => new Promise((resolve) => (answer = resolve)));
    const sessions = await opening(store, { timeoutMs: 250 });
    const outcome = failure(call(sessions));
    await vi.advanceTimersByTimeAsync(249);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    const error = await outcome;
    if (method === "commit") expect(error.code).toBe("OUTCOME_UNKNOWN");
    else
      expect(error).toMatchObject({ code: "STORE_TIMEOUT", details: { method, timeoutMs: 250 } });
    expect(vi.getTimerCount()).toBe(0);
    answer?.({ kind: "applied" });
    await vi.advanceTimersByTimeAsync(1000);
  });

  it("settles in time leaves no timer", async () => {
    vi.useFakeTimers();
    const sessions = await opening(asynchronous(new MapStore()));
    await call(sessions);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("settles more than once is used once", async () => {
    const inner = new MapStore();
    const store: Store = Object.assign(Object.create(inner), {
      [method]: (...args: never[]) => ({
        // biome-ignore lint/suspicious/noThenProperty: a thenable that misbehaves.
        then(resolve: (value: unknown) => void, reject: (error: unknown) => void) {
          const run = inner[method] as (...args: never[]) => unknown;
          resolve(run.apply(inner, args));
          resolve({ kind: "sessionConflict", id: "x", current: 9 });
          reject(new Error("second thoughts"));
          throw new Error("third thoughts");
        },
      }),
    });
    const sessions = await opening(store);
    await call(sessions);
    expect((await sessions.stats()).total).toBe(method === "commit" || method === "record" ? 1 : 0);
  });

  it("returns a broken thenable fails the call", async () => {
    const thenables = [
      {
        // biome-ignore lint/suspicious/noThenProperty: a thenable that misbehaves.
        then() {
          throw new Error("broken");
        },
      },
      {
        // biome-ignore lint/suspicious/noThenProperty: a thenable that misbehaves.
        get then() {
          throw new Error("broken");
        },
      },
    ];
    for (const thenable of thenables) {
      const sessions = await opening(storeWith(method, () => thenable));
      expect(await code(call(sessions))).toBe("STORE_FAILED");
    }
  });

  it("calls the handle gets STORE_REENTERED, and the first call continues", async () => {
    const inner = new MapStore();
    const errors: unknown[] = [];
    const store: Store = Object.assign(Object.create(inner), {
      [method]: (...args: never[]) => {
        sessions.get("x").catch((error: unknown) => errors.push(error));
        const run = inner[method] as (...args: never[]) => unknown;
        return run.apply(inner, args);
      },
    });
    const sessions: Sessions = await opening(store);
    await call(sessions);
    expect(errors).toEqual([expect.objectContaining({ code: "STORE_REENTERED" })]);
  });

  it("returns a promise cannot be used by openSync", async () => {
    const store = storeWith(method, () => Promise.reject(new Error("late")));
    const sessions = openSync(store);
    const calls: Record<Method, () => unknown> = {
      load: () => sessions.get("a"),
      commit: () => sessions.start({ task: "t", mode: "m" }),
      list: () => sessions.list(),
      record: () => sessions.start({ task: "t", mode: "m", idempotencyKey: "k" }),
    };
    expect(await code(calls[method])).toBe("STORE_IS_ASYNC");
    sessions.close();
  });
});

describe("a JavaScript store", () => {
  it("can be used by a synchronous handle", () => {
    using sessions = openSync(new MapStore());
    const { id } = sessions.start({ task: "t", mode: "m", idempotencyKey: "k" });
    sessions.addEvent(id, "note");
    expect(sessions.get(id)?.history).toHaveLength(2);
    expect([...sessions.list()]).toHaveLength(1);
    expect(sessions.stats().total).toBe(1);
    expect(sessions.start({ task: "t", mode: "m", idempotencyKey: "k" }).id).toBe(id);
  });

  it("is called with its own `this`, and only for what is needed", async () => {
    const store = new MapStore();
    const asked: string[] = [];
    for (const method of methods) {
      const original = store[method].bind(store) as (...args: never[]) => unknown;
      Object.assign(store, {
        [method](this: unknown, ...args: never[]) {
          expect(this).toBe(store);
          asked.push(method);
          return original(...args);
        },
      });
    }
    const sessions = await opening(store);
    const { id } = await sessions.start({ task: "t", mode: "m" });
    await sessions.addEvent(id, "note");
    await sessions.get(id);
    await sessions.delete(id);
    // An append needs no lease; the deletion is refused while a runner holds the session.
    expect(asked).toEqual(["commit", "load", "commit", "load", "load", "record", "commit"]);
  });

  it("loses no update when it replies in any order", async () => {
    const waiting: (() => void)[] = [];
    let shuffling = true;
    const pause = () =>
      new Promise<void>((go) => {
        if (shuffling) waiting.push(go);
        else go();
      });
    const sessions = await opening(asynchronous(new MapStore(), pause));
    const shuffle = setInterval(() => {
      const index = Math.floor(Math.random() * waiting.length);
      waiting.splice(index, 1)[0]?.();
    });
    try {
      await Promise.all(["a", "b"].map((id) => sessions.start({ task: "t", mode: "m", id })));
      await Promise.all(
        Array.from({ length: 60 }, (_, i) =>
          i % 3 === 0
            ? sessions.get("a")
            : sessions.addEvent(i % 2 === 0 ? "a" : "b", "note", { i }),
        ),
      );
      shuffling = false;
      for (const id of ["a", "b"]) {
        const session = await sessions.get(id);
        const numbers = session?.history.slice(1).map(({ data }) => data.i as number) ?? [];
        expect(numbers).toHaveLength(20);
        expect(numbers).toEqual([...numbers].sort((x, y) => x - y));
      }
    } finally {
      shuffling = false;
      clearInterval(shuffle);
      for (const go of waiting) go();
    }
  });

  it("with other writers loses no write of any of them", async () => {
    const store = new MapStore();
    const pause = () => new Promise((go) => setTimeout(go, Math.random() * 4));
    const handles = await Promise.all([
      opening(asynchronous(store, pause)),
      opening(asynchronous(store, pause)),
      opening(asynchronous(store, pause)),
    ]);
    await handles[0]?.start({ task: "t", mode: "m", id: "a", maxIterations: 1000 });
    await Promise.all(
      handles.flatMap((sessions) =>
        Array.from({ length: 10 }, () => sessions.incrementIteration("a")),
      ),
    );
    expect(await handles[1]?.get("a")).toMatchObject({ iterations: 30, eventCount: 31 });
  });

  it("with a conflict at every commit fails with STORE_BUSY", async () => {
    const store = storeWith("commit", (changes: never) => {
      const { sessions } = changes as { sessions: { id: string; expect: { version?: number } }[] };
      const [change] = sessions;
      return {
        kind: "sessionConflict",
        id: change?.id,
        current: (change?.expect.version ?? 0) + 1,
      };
    });
    const seed = new MapStore();
    const seeded = await opening(seed);
    await seeded.start({ task: "t", mode: "m", id: "a" });
    Object.assign(store, { load: seed.load.bind(seed) });
    expect(await code((await opening(store)).addEvent("a", "note"))).toBe("STORE_BUSY");
  });

  it("can report that a session cannot be read", async () => {
    const cause = Object.assign(new Error("half a file"), { code: "CORRUPT_SESSION" });
    const store = storeWith("load", () => {
      throw cause;
    });
    const error = await failure((await opening(store)).get("a"));
    expect(error).toMatchObject({
      code: "CORRUPT_SESSION",
      details: { id: "a", problem: "half a file" },
      cause,
    });
  });

  it("can list unreadable sessions together with readable ones", async () => {
    const problems = [{ id: "bad", problem: "half a file" }];
    const store = storeWith("list", () => ({ heads: [], more: false, problems }));
    expect((await (await opening(store)).list()).problems).toEqual(problems);
  });

  it("performs the next write to a session after a timeout", async () => {
    vi.useFakeTimers();
    const inner = new MapStore();
    let silent = false;
    const store: Store = Object.assign(Object.create(inner), {
      commit: (changes: never) => (silent ? new Promise(() => {}) : inner.commit(changes)),
    });
    const sessions = await opening(store, { timeoutMs: 100 });
    await sessions.start({ task: "t", mode: "m", id: "a" });
    silent = true;
    const lost = code(sessions.addEvent("a", "lost"));
    const next = sessions.addEvent("a", "next");
    await vi.advanceTimersByTimeAsync(50);
    silent = false;
    await vi.advanceTimersByTimeAsync(50);
    expect(await lost).toBe("OUTCOME_UNKNOWN");
    expect((await next).firstSequence).toBe(2);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("whose close never settles does not block closing the handle", async () => {
    vi.useFakeTimers();
    const store = Object.assign(new MapStore(), { close: () => new Promise(() => {}) });
    const sessions = await open(store, { timeoutMs: 100 });
    const outcome = failure(sessions.close());
    await vi.advanceTimersByTimeAsync(100);
    expect(await outcome).toMatchObject({ code: "STORE_FAILED", details: { method: "close" } });
    expect(vi.getTimerCount()).toBe(0);
  });
});
