// Leases in the JavaScript API: the results of each call, and `hold`, which renews a lease until it
// is released.

// Loaded first: the browser's own module has no operations of administrators.
import "../support/complete.js";
import {
  type HeldSession,
  isTenureError,
  type LeaseView,
  open,
  openSync,
  type Sessions,
} from "tenure";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { code, failure } from "../support/failures.js";
import { MapStore } from "../support/map-store.js";
import { everyStore, inMemory, opening } from "../support/stores.js";

const keysOf = (leases: readonly LeaseView[]): string[] => leases.map(({ key }) => key);

describe.each(everyStore)("a lease %s", (_, openStore) => {
  it("belongs to its holder until it is released, and then gets a higher token", async () => {
    const { leases } = await openStore();
    const first = await leases.acquire("job", { holder: "a", data: { step: 1 } });
    expect(first).toMatchObject({
      outcome: "acquired",
      lease: { key: "job", holder: "a", state: "held", mine: false, data: { step: 1 } },
    });
    const token = first.lease?.token ?? 0;
    expect(await leases.acquire("job", { holder: "b" })).toEqual({
      outcome: "held",
      lease: first.lease,
    });
    expect(await leases.acquire("job", { holder: "a" })).toMatchObject({
      outcome: "renewed",
      lease: { token },
    });
    expect(await leases.release("job", { holder: "b" })).toMatchObject({ outcome: "not_owner" });
    expect(await leases.release("job", { holder: "a", token })).toMatchObject({
      outcome: "released",
    });
    expect(await leases.release("job", { holder: "a" })).toMatchObject({ outcome: "not_held" });
    expect(await leases.renew("job", { holder: "a", token })).toMatchObject({ outcome: "lost" });
    const next = await leases.acquire("job", { holder: "b" });
    expect(next.outcome).toBe("acquired");
    expect(next.lease?.token).toBeGreaterThan(token);
  });

  it("is transferred with a new token, which invalidates the old one", async () => {
    const { leases } = await openStore();
    const { lease } = await leases.acquire("job", { holder: "a", data: { step: 1 } });
    const token = lease?.token ?? 0;
    const handed = await leases.transfer("job", { holder: "a", token, to: "b" });
    expect(handed).toMatchObject({ outcome: "transferred", lease: { holder: "b" } });
    expect(handed.lease?.data).toEqual({ step: 1 });
    expect(handed.lease?.token).toBeGreaterThan(token);
    const late = await leases.transfer("job", { holder: "a", token, to: "c" });
    expect(late.outcome).toBe("lost");
    expect((await leases.get("job"))?.holder).toBe("b");
  });

  it("is found by its key, and listed by a prefix of its key", async () => {
    const { leases } = await openStore();
    expect(await leases.get("a/1")).toBeNull();
    for (const key of ["a/2", "b/1", "a/1", "a/3"]) await leases.acquire(key, { holder: "h" });
    await leases.release("a/3", { holder: "h" });
    expect(await leases.get("a/3")).toMatchObject({ state: "released" });
    const keys = async (list: AsyncIterable<LeaseView>): Promise<string[]> => {
      const all: LeaseView[] = [];
      for await (const lease of list) all.push(lease);
      return keysOf(all);
    };
    expect(await keys(leases.list({ limit: 1 }))).toEqual(["a/1", "a/2", "b/1"]);
    expect(await keys(leases.list({ prefix: "a/", limit: 1 }))).toEqual(["a/1", "a/2"]);
    expect(keysOf((await leases.list({ state: "released" })).items)).toEqual(["a/3"]);
    const page = await leases.list({ limit: 2 });
    expect(keysOf(page.items)).toEqual(["a/1", "a/2"]);
    const { nextCursor } = page;
    expect(keysOf((await leases.list({ cursor: nextCursor })).items)).toEqual(["b/1"]);
    expect(await leases.clear({ prefix: "a/" })).toEqual({ released: 2 });
    expect(keysOf((await leases.list()).items)).toEqual(["b/1"]);
  });

  it("that is held is renewed until it is released", async () => {
    const { leases } = await openStore();
    // Long enough for the calls of a busy machine.
    const leaseDurationMs = 1500;
    const lease = await leases.hold("job", { holder: "a", leaseDurationMs, data: { n: 1 } });
    expect(lease).toMatchObject({ key: "job", holder: "a", isHeld: true });
    expect(await leases.hold("job", { holder: "a" })).toBeNull();
    expect(await leases.hold("job", { holder: "b" })).toBeNull();
    const { acquiredAt } = (await leases.get("job")) ?? {};
    const length = async (): Promise<number> => {
      const { renewedAt } = (await leases.get("job")) ?? {};
      return Date.parse(renewedAt ?? "") - Date.parse(acquiredAt ?? "");
    };
    await expect.poll(length, { interval: 10, timeout: 20_000 }).toBeGreaterThan(leaseDurationMs);
    expect(await leases.get("job")).toMatchObject({ acquiredAt, token: lease?.token });
    expect(await lease?.release()).toBe(true);
    expect(lease).toMatchObject({ isHeld: false, lost: { aborted: false } });
    expect(await lease?.release()).toBe(false);
    expect(await leases.get("job")).toMatchObject({ state: "released" });
  });
});

describe("a held lease", () => {
  it("is released at the end of a using block, also after an error", async () => {
    const sessions = await inMemory();
    const work = async (): Promise<void> => {
      await using lease = await sessions.leases.hold("job");
      expect(lease?.isHeld).toBe(true);
      throw new Error("broken");
    };
    await expect(work()).rejects.toThrow("broken");
    expect(await sessions.leases.get("job")).toMatchObject({ state: "released" });
    const sync = openSync("memory:");
    {
      using lease = sync.leases.hold("job");
      expect(lease?.isHeld).toBe(true);
      expect(sync.leases.hold("job")).toBeNull();
    }
    expect(sync.leases.get("job")).toMatchObject({ state: "released" });
    expect([...sync.leases.list({ state: "released" })]).toHaveLength(1);
    sync.close();
  });

  it("belongs to the process if there is one, otherwise to a new holder", async () => {
    const sessions = await inMemory();
    const lease = await sessions.leases.hold("job");
    const other = await sessions.leases.hold("other");
    const isProcess = __BUILD__ === "native";
    expect(lease?.holder).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-.{12}$/);
    expect(other?.holder === lease?.holder).toBe(isProcess);
    expect(await sessions.leases.get("job")).toMatchObject({ mine: isProcess });
  });

  it("signals that another holder has acquired the lease", async () => {
    const sessions = await inMemory();
    const lease = await sessions.leases.hold("job", { holder: "a", leaseDurationMs: 30 });
    const lost = new Promise((resolve) => lease?.lost.addEventListener("abort", resolve));
    await sessions.leases.clear();
    await sessions.leases.acquire("job", { holder: "b" });
    await lost;
    const reason: unknown = lease?.lost.reason;
    expect(isTenureError(reason, "LEASE_LOST")).toBe(true);
    expect(reason).toMatchObject({ details: { key: "job" } });
    expect(lease?.isHeld).toBe(false);
    expect(await lease?.release()).toBe(false);
    expect(await sessions.leases.get("job")).toMatchObject({ holder: "b", state: "held" });
  });

  it("signals that the lease expired because it could not be renewed", async () => {
    const store = new MapStore();
    const sessions = await opening(store);
    const lease = await sessions.leases.hold("job", { holder: "a", leaseDurationMs: 90 });
    const lost = new Promise((resolve) => lease?.lost.addEventListener("abort", resolve));
    const { record } = store;
    store.record = () => {
      throw new Error("unavailable");
    };
    await lost;
    expect(lease?.lost.reason).toMatchObject({
      code: "LEASE_LOST",
      cause: { code: "STORE_FAILED" },
    });
    store.record = record;
  });

  it("survives a store that is unavailable for a moment", async () => {
    const store = new MapStore();
    const sessions = await opening(store);
    const lease = await sessions.leases.hold("job", { holder: "a", leaseDurationMs: 3000 });
    const { renewedAt } = (await sessions.leases.get("job")) ?? {};
    const record = store.record.bind(store);
    let failures = 0;
    store.record = (...args) => {
      failures += 1;
      if (failures === 1) throw new Error("away");
      return record(...args);
    };
    const renewed = async (): Promise<unknown> => (await sessions.leases.get("job"))?.renewedAt;
    await expect.poll(() => failures, { timeout: 20_000 }).toBeGreaterThan(0);
    await expect.poll(renewed, { timeout: 20_000 }).not.toBe(renewedAt);
    expect(lease?.isHeld).toBe(true);
    await lease?.release();
  });
});

describe("a lease whose renewal gets no answer", () => {
  it("is lost when it expires, and not when the store answers", async () => {
    const store = new MapStore();
    const sessions = await opening(store, { timeoutMs: 6000 });
    const lease = await sessions.leases.hold("job", { holder: "a", leaseDurationMs: 600 });
    const began = performance.now();
    Object.assign(store, { commit: () => new Promise(() => {}) });
    await new Promise((resolve) => lease?.lost.addEventListener("abort", resolve));
    expect(performance.now() - began).toBeLessThan(4000);
    expect(lease?.isHeld).toBe(false);
    expect(lease?.lost.reason).toMatchObject({
      code: "LEASE_LOST",
      cause: { code: "STORE_TIMEOUT" },
    });
  });
});

describe("leases", () => {
  it.each([
    ["", { holder: "a" }],
    ["x".repeat(513), { holder: "a" }],
    ["job", { holder: "" }],
    ["job", { holder: "a", leaseDurationMs: 0 }],
    ["job", { holder: "a", leaseDurationMs: "1m" }],
    ["job", { holder: "a", data: [] }],
    ["job", { owner: "a" }],
    [7, {}],
  ])("refuse the key %j with %j", async (key, options) => {
    const { leases } = await inMemory();
    expect(await code(leases.acquire(key as never, options as never))).toBe("INVALID_ARGUMENT");
    expect(await code(leases.hold(key as never, options as never))).toBe("INVALID_ARGUMENT");
  });

  it("accept any text as a key", async () => {
    const { leases } = await inMemory();
    for (const key of ["a b/c:d", "ключ", "\n", "__proto__", '"'.repeat(512)]) {
      expect(await leases.acquire(key, { holder: "h" })).toMatchObject({
        outcome: "acquired",
        lease: { key },
      });
      expect(await leases.get(key)).toMatchObject({ key, state: "held" });
    }
  });

  it("need a holder in builds without processes", async () => {
    const { leases } = await inMemory();
    if (__BUILD__ === "native") {
      expect(await leases.acquire("job")).toMatchObject({ lease: { mine: true } });
    } else {
      expect(await failure(leases.acquire("job"))).toMatchObject({
        code: "INVALID_ARGUMENT",
        details: { what: "holder" },
      });
    }
  });

  it("expire at their time and not before", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: new Date("2026-01-08T18:00:00Z") });
    const { leases } = await inMemory();
    await leases.acquire("job", { holder: "a", leaseDurationMs: 60_000 });
    vi.setSystemTime(new Date("2026-01-08T18:00:59.999Z"));
    expect(await leases.get("job")).toMatchObject({
      state: "held",
      expiresAt: "2026-01-08T18:01:00.000Z",
    });
    vi.setSystemTime(new Date("2026-01-08T18:01:00Z"));
    expect(await leases.get("job")).toMatchObject({ state: "stale" });
    expect(await leases.acquire("job", { holder: "b" })).toMatchObject({ outcome: "acquired" });
  });

  afterEach(() => {
    vi.useRealTimers();
  });
});

const SAVED = { id: "s", mode: "m", task: "t", createdAt: 0 };

describe("a session that is held", () => {
  let sessions: Sessions;
  let holder: HeldSession | null;

  beforeEach(async () => {
    sessions = await inMemory();
    await sessions.start({ id: "s", task: "t", mode: "m" });
    holder = await sessions.hold("s", { holder: "other" });
  });

  it("is not resumed by other holders until it is released", async () => {
    expect(await failure(sessions.resume("s"))).toMatchObject({
      code: "SESSION_HELD",
      details: { id: "s", holder: "other" },
    });
    expect(await sessions.hold("s")).toBeNull();
    await holder?.release();
    expect(await sessions.resume("s")).toMatchObject({ status: "active" });
    expect(await sessions.hold("s")).not.toBeNull();
  });

  it("is resumed by its holder, and accepts events of others", async () => {
    expect(await holder?.resume("s")).toMatchObject({ status: "active" });
    expect(await sessions.addEvent("s", "note")).toMatchObject({ id: "s" });
  });

  it("is moved by its holder alone", async () => {
    const calls = (by: Sessions | HeldSession | null) => [
      () => by?.incrementIteration("s"),
      () => by?.pause("s"),
      () => by?.resume("s"),
      () => by?.agents.update("s", { phase: "planning" }),
      () => by?.trash("s"),
      () => by?.save({ ...SAVED, status: "completed" }),
      () => by?.delete("s"),
    ];
    for (const call of calls(sessions)) {
      const thrown = await failure(Promise.resolve(call()));
      expect(thrown, String(call)).toMatchObject({ code: "SESSION_HELD" });
    }
    const before = await sessions.get("s");
    expect(before).toMatchObject({ status: "active", iterations: 0 });
    expect(await sessions.trashMany(["s"])).toMatchObject({ refused: [{ code: "SESSION_HELD" }] });
    for (const call of calls(holder)) {
      await call();
      await holder?.restoreMany(["s"]);
    }
    expect(await sessions.get("s")).toBeNull();
  });

  it("refuses its holder once the lease is lost", async () => {
    expect(await holder?.trashMany(["s"])).toMatchObject({ refused: [] });
    await holder?.restoreMany(["s"]);
    await sessions.leases.clear();
    const token = holder?.token;
    expect(holder).toMatchObject({ isHeld: true, lost: { aborted: false } });
    const refusal = await failure(holder?.addEvent("s", "note") as Promise<unknown>);
    expect(refusal).toMatchObject({ code: "LEASE_LOST", details: { key: "session:s", token } });
    expect(holder).toMatchObject({ isHeld: false, lost: { aborted: true, reason: refusal } });
    await sessions.hold("s");
    expect(await failure(sessions.complete("s", "r", { token }))).toMatchObject({
      code: "LEASE_LOST",
    });
    expect(await sessions.get("s")).toMatchObject({ status: "active" });
  });

  it("leaves other sessions as they are", async () => {
    await sessions.start({ id: "t", task: "t", mode: "m" });
    expect(await holder?.pause("t")).toMatchObject({ status: "paused" });
    expect(await holder?.fork("s", { newId: "u" })).toMatchObject({ id: "u" });
    expect(await failure(sessions.hold("nobody"))).toMatchObject({ code: "SESSION_NOT_FOUND" });
  });
});

describe("a store that is fenced", () => {
  it("needs the token for appends to a held session, too", async () => {
    await using sessions = await open("memory:", { fenced: true });
    await sessions.start({ id: "s", task: "t", mode: "m" });
    await sessions.addEvent("s", "note");
    const held = await sessions.hold("s", { holder: "a" });
    expect(await failure(sessions.addEvent("s", "note"))).toMatchObject({ code: "SESSION_HELD" });
    await held?.addEvent("s", "note");
    await held?.release();
    await sessions.addEvent("s", "note");
  });

  it("works without promises", () => {
    using sessions = openSync("memory:", { fenced: true });
    sessions.start({ id: "s", task: "t", mode: "m" });
    using held = sessions.hold("s", { holder: "a" });
    expect(() => sessions.addEvent("s", "note")).toThrow(
      expect.objectContaining({ code: "SESSION_HELD" }),
    );
    expect(held?.complete("s")).toMatchObject({ status: "completed" });
    expect(() => sessions.hold("nobody")).toThrow(
      expect.objectContaining({ code: "SESSION_NOT_FOUND" }),
    );
  });
});
