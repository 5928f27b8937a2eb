// Handles: opening, closing, and their properties.

// Loaded first: the browser's own module has no retention.
import "../support/complete.js";
import * as tenure from "tenure";
import { isTenureError, open, openSync, TenureError } from "tenure";
import { describe, expect, it } from "vitest";
import { code, failure } from "../support/failures.js";
import { asynchronous, MapStore } from "../support/map-store.js";
import { inMemory } from "../support/stores.js";

describe("opening", () => {
  it("reports the build and the capabilities of the store", async () => {
    const sessions = await inMemory();
    expect(sessions.binding).toBe(__BUILD__ === "native" ? "native" : "wasm");
    expect(sessions.capabilities).toEqual({
      persistent: false,
      shared: false,
      feed: true,
      reindents: false,
    });
    expect(tenure.VERSION).toMatch(/^\d+\.\d+\.\d+/);
  });

  it("uses the capabilities that a store declares", async () => {
    const store = Object.assign(new MapStore(), { capabilities: { persistent: true } });
    const sessions = await open(store);
    expect(sessions.capabilities).toEqual({
      persistent: true,
      shared: false,
      feed: false,
      reindents: false,
    });
    await sessions.close();
  });

  it.each(["", "nonsense", "memory", "mysql://x", "sqlite", "files:./x", "host:x", "\u0000"])(
    "refuses the URL %j",
    async (url) => {
      expect(await failure(open(url))).toMatchObject({
        code: "UNSUPPORTED_STORE",
        details: { url },
      });
      expect(await code(() => openSync(url))).toBe("UNSUPPORTED_STORE");
    },
  );

  it.each([
    { timeoutMS: 5 },
    { limits: { maxDepth: -1 } },
    { limits: { depth: 1 } },
    { timeoutMs: Number.NaN },
    { timeoutMs: -1 },
    { timeoutMs: "1s" },
    { durability: "half" },
  ])("refuses the options %j", async (options) => {
    expect(await code(open("memory:", options as never))).toBe("INVALID_ARGUMENT");
    expect(await code(() => openSync("memory:", options as never))).toBe("INVALID_ARGUMENT");
  });

  it.each([
    { webhook: "http://" },
    { webhook: 5 },
    { webhook: {} },
    { webhook: { url: "http://x.example", events: "start" } },
    { webhook: { url: "http://x.example", timeoutMs: 0 } },
    { webhook: { url: "http://x.example", timeoutMs: Number.NaN } },
    { retention: "30d" },
    { retention: { maxAge: "30d" } },
    { retention: { maxAge: "30d", every: 0 } },
    { retention: { maxAge: "30d", every: "daily" } },
    { retention: { maxAge: "30d", every: "24h", purge: "1d" } },
  ])("refuses the options %j before it opens the store", async (options) => {
    const [one, other] = [new MapStore(), new MapStore()];
    expect(await code(open(one, options as never))).toBe("INVALID_ARGUMENT");
    expect(await code(() => openSync(other, options as never))).toBe("INVALID_ARGUMENT");
    expect([one.closed, other.closed]).toEqual([0, 0]);
  });

  it("keeps stores in memory separate", async () => {
    const [a, b] = [await inMemory(), await inMemory()];
    await a.start({ task: "t", mode: "m" });
    expect((await b.stats()).total).toBe(0);
  });
});

describe("closing", () => {
  it("makes a handle refuse calls, and is idempotent", async () => {
    const sessions = await open("memory:");
    const list = sessions.list();
    await sessions.start({ task: "t", mode: "m" });
    await sessions.close();
    await sessions.close();
    expect(await failure(sessions.start({ task: "t", mode: "m" }))).toMatchObject({
      code: "CLOSED",
      details: {},
    });
    expect(await code(sessions.get("x"))).toBe("CLOSED");
    expect(await code(list)).toBe("CLOSED");
    const sync = openSync("memory:");
    sync.close();
    sync.close();
    expect(await code(() => sync.get("x"))).toBe("CLOSED");
  });

  it("happens at the end of a using block", async () => {
    let outer: tenure.Sessions | undefined;
    {
      await using sessions = await open("memory:");
      outer = sessions;
      await sessions.start({ task: "t", mode: "m" });
    }
    expect(await code(outer.get("x"))).toBe("CLOSED");
    let inner: tenure.SessionsSync | undefined;
    {
      using sessions = openSync("memory:");
      inner = sessions;
    }
    expect(await code(() => inner.get("x"))).toBe("CLOSED");
  });

  it("waits for pending calls, and then closes the store once", async () => {
    const gates: (() => void)[] = [];
    const store = new MapStore();
    const sessions = await open(
      asynchronous(store, () => new Promise<void>((go) => gates.push(go))),
    );
    const starting = sessions.start({ task: "t", mode: "m", id: "a" });
    const closing = sessions.close();
    expect(await code(sessions.get("a"))).toBe("CLOSED");
    expect(store.closed).toBe(0);
    gates.shift()?.();
    expect((await starting).id).toBe("a");
    await expect.poll(() => gates.length).toBe(1);
    gates.shift()?.();
    await closing;
    await sessions.close();
    expect(store.closed).toBe(1);
  });

  it("reports that the store did not close", async () => {
    const cause = new Error("disk on fire");
    const broken = Object.assign(new MapStore(), {
      close() {
        throw cause;
      },
    });
    expect(await failure((await open(broken)).close())).toMatchObject({
      code: "STORE_FAILED",
      cause,
    });
    expect(await code(() => openSync(broken).close())).toBe("STORE_FAILED");
  });
});

describe("listening", () => {
  it("accepts existing events and functions only", async () => {
    const sessions = await inMemory();
    for (const [event, listener] of [
      ["start", () => {}],
      ["__proto__", () => {}],
      ["lifecycle", undefined],
      ["error", {}],
    ]) {
      expect(await code(() => sessions.on(event as never, listener as never))).toBe(
        "INVALID_ARGUMENT",
      );
    }
    sessions.off("lifecycle", () => {});
  });
});

describe("errors", () => {
  it("have one class, a code, a message and details", async () => {
    const sessions = await inMemory();
    const error = await failure(sessions.pause("unknown"));
    expect(error).toBeInstanceOf(TenureError);
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe("TenureError");
    expect(error.message).toBe("there is no session unknown");
    expect(String(error)).toBe("TenureError: there is no session unknown");
    expect(error.stack).toContain("TenureError");
    expect(error).not.toHaveProperty("cause");
    expect(isTenureError(error)).toBe(true);
    expect(isTenureError(error, "SESSION_NOT_FOUND")).toBe(true);
    expect(isTenureError(error, "CLOSED")).toBe(false);
    expect(isTenureError(new Error("x"))).toBe(false);
    expect(isTenureError({ name: "TenureError", code: "CLOSED" })).toBe(false);
  });

  it("of asynchronous calls are rejections, never thrown synchronously", async () => {
    const sessions = await inMemory();
    const calls = [
      () => sessions.start(undefined as never),
      () => sessions.start({ task: "t", mode: "m", context: { n: 1n } }),
      () => sessions.get(Symbol("x") as never),
      () => sessions.import({ n: 1n }),
      () => sessions.addEvents("a", null as never),
      () => sessions.cleanup(undefined as never),
      () => open(null as never),
      () => open("memory:", null as never),
      () => open("memory:", { webhook: "http://" }),
    ];
    for (const call of calls) {
      const promise = call();
      expect(promise, String(call)).toBeInstanceOf(Promise);
      expect(await code(promise), String(call)).toBe("INVALID_ARGUMENT");
    }
  });
});
