// Waiting for a slot that another caller has locked, and the metrics of slots.

import { open, openSync, type Sessions, type SlotMetrics } from "tenure";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { code, failure } from "../support/failures.js";
import { asynchronous, MapStore } from "../support/map-store.js";
import { inMemory, opening } from "../support/stores.js";

const plan = { taskId: "T1", phase: "plan", task: "plan it", mode: "planner" } as const;
const opus = { ...plan, model: "opus" };
const haiku = { ...plan, model: "haiku" };
const pessimistic = { locking: "pessimistic" } as const;

/** The key of the lease that locks the slot. */
const LOCK = "slot:T1/plan";

/** Locks the slot, as a caller does that is starting a session in it. */
const lock = (sessions: Sessions, leaseDurationMs = 5000) =>
  sessions.leases.acquire(LOCK, { holder: "other", leaseDurationMs });

describe("the time until a lock is acquired", () => {
  it("includes the acquisition", async () => {
    const pause = () => new Promise((go) => setTimeout(go, 20));
    const sessions = await opening(asynchronous(new MapStore(), pause));
    await sessions.startInSlot(opus, pessimistic);
    const { waited } = sessions.slotMetrics().locks;
    expect(waited.count).toBe(1);
    expect(waited.sum).toBeGreaterThanOrEqual(19);
  });
});

describe("a store that is unavailable for a moment", () => {
  it("is asked again", async () => {
    class Away extends MapStore {
      left = 2;
      override record(...args: Parameters<MapStore["record"]>): ReturnType<MapStore["record"]> {
        if (this.left === 0) return super.record(...args);
        this.left -= 1;
        throw Object.assign(new Error("no route"), { code: "STORE_UNAVAILABLE" });
      }
    }
    const sessions = await opening(new Away());
    expect(await sessions.startInSlot(opus)).toMatchObject({ outcome: "created" });
    expect(sessions.slotMetrics().retries).toBe(2);
  });
});

describe("a slot that another caller has locked", () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: Date.parse("2026-01-01T00:00:00.000Z") });
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it("is retried until it is free", async () => {
    const sessions = await inMemory();
    await lock(sessions);
    const started = sessions.startInSlot(opus, pessimistic);
    await vi.advanceTimersByTimeAsync(50);
    await sessions.leases.release(LOCK, { holder: "other" });
    await vi.advanceTimersByTimeAsync(200);
    expect(await started).toMatchObject({ outcome: "created" });
    const { locks, retries, outcomes } = sessions.slotMetrics();
    expect(locks).toMatchObject({ acquired: 1, contended: 2, timedOut: 0 });
    expect(locks.waited.count).toBe(1);
    expect(locks.waited.sum).toBeGreaterThanOrEqual(125);
    expect(locks.waited.sum).toBeLessThanOrEqual(250);
    expect(retries).toBe(2);
    expect(outcomes).toMatchObject({ created: 1, busy: 0 });
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each([
    [undefined, 3],
    [0, 0],
    [1, 1],
    [10, 10],
  ])("with %s retries is busy after %i", async (retries, tries) => {
    const sessions = await inMemory();
    await lock(sessions, 86_400_000);
    const started = sessions.startInSlot(opus, { ...pessimistic, retries });
    await vi.runAllTimersAsync();
    expect(await started).toMatchObject({ outcome: "busy", code: "SLOT_LOCKED" });
    const { locks, ...counted } = sessions.slotMetrics();
    expect(locks).toMatchObject({ acquired: 0, contended: tries + 1, timedOut: 1 });
    expect(counted).toMatchObject({ retries: tries, outcomes: { busy: 1 } });
    expect(await sessions.latestSession("T1", "plan")).toBeNull();
  });

  it("is not waited for after the signal aborts", async () => {
    const sessions = await inMemory();
    await lock(sessions);
    const stop = new AbortController();
    const { signal } = stop;
    const ended = failure(sessions.startInSlot(opus, { ...pessimistic, signal }));
    await vi.advanceTimersByTimeAsync(10);
    stop.abort("enough");
    expect(await ended).toMatchObject({ code: "ABORTED", cause: "enough" });
    expect(vi.getTimerCount()).toBe(0);
    expect(await code(sessions.startInSlot(opus, { signal }))).toBe("ABORTED");
    expect(await sessions.latestSession("T1", "plan")).toBeNull();
    expect(sessions.slotMetrics().outcomes).toMatchObject({ created: 0, failed: 2 });
  });

  it("is busy immediately for a synchronous handle", () => {
    const sessions = openSync("memory:");
    sessions.leases.acquire(LOCK, { holder: "other", leaseDurationMs: 5000 });
    expect(sessions.startInSlot(opus, pessimistic)).toMatchObject({ code: "SLOT_LOCKED" });
    const { locks, retries } = sessions.slotMetrics();
    expect({ ...locks, retries }).toMatchObject({ contended: 1, timedOut: 1, retries: 0 });
    vi.advanceTimersByTime(5000);
    expect(sessions.startInSlot(opus, pessimistic)).toMatchObject({ outcome: "created" });
    sessions.close();
  });

  it("is free five seconds after the process that locked it has ended", async () => {
    const sessions = await inMemory();
    await lock(sessions);
    vi.setSystemTime(Date.now() + 5000);
    expect(await sessions.startInSlot(opus, pessimistic)).toMatchObject({ outcome: "created" });
  });

  it("stops the waiting when the handle is closed", async () => {
    const sessions = await open("memory:");
    await lock(sessions);
    const ended = failure(sessions.startInSlot(opus, pessimistic));
    await vi.advanceTimersByTimeAsync(1);
    await sessions.close();
    await vi.runAllTimersAsync();
    expect(await ended).toMatchObject({ code: "CLOSED" });
  });
});

describe("a confirmed session that has changed in the meantime", () => {
  it("is not retried, because the user has to confirm again", async () => {
    const sessions = await inMemory();
    const { session } = await sessions.startInSlot(opus);
    const confirm = { id: session?.id ?? "", version: 99 };
    const answer = await sessions.startInSlot(haiku, { ...pessimistic, confirm });
    expect(answer).toMatchObject({ outcome: "busy", code: "SESSION_CHANGED" });
    expect(sessions.slotMetrics()).toMatchObject({ retries: 0, locks: { contended: 0 } });
  });
});

/** More than the number of retries before a call fails with STORE_BUSY. */
const MORE_THAN_ONE_CALL_TRIES = 300;

/** A store with a conflicting write before every commit. */
class ContestedStore extends MapStore {
  refusals = 0;

  override commit(changes: Parameters<MapStore["commit"]>[0]): ReturnType<MapStore["commit"]> {
    const record = changes.records.find(({ kind }) => kind === "slot");
    if (record === undefined || this.refusals === 0) return super.commit(changes);
    this.refusals -= 1;
    return { kind: "recordConflict", recordKind: record.kind, key: record.key, current: 7 };
  }
}

describe("a busy store", () => {
  it("is retried, and then reported as STORE_BUSY", async () => {
    const store = new ContestedStore();
    const sessions = await opening(store);
    store.refusals = MORE_THAN_ONE_CALL_TRIES;
    expect(await sessions.startInSlot(opus)).toMatchObject({ outcome: "created" });
    const { retries, conflicts } = sessions.slotMetrics();
    expect(retries).toBeGreaterThan(0);
    expect(conflicts).toBeGreaterThan(0);
    store.refusals = Number.POSITIVE_INFINITY;
    const call = sessions.startInSlot({ ...opus, taskId: "T2" }, { retries: 1 });
    expect(await code(call)).toBe("STORE_BUSY");
    expect(sessions.slotMetrics().outcomes).toMatchObject({ created: 1, failed: 1 });
  });
});

describe("pessimisticLockingEnabled", () => {
  it("is false by default, and applies to later calls", async () => {
    expect((await inMemory()).pessimisticLockingEnabled).toBe(false);
    const sessions = await inMemory({ pessimisticLockingEnabled: true });
    expect(sessions.pessimisticLockingEnabled).toBe(true);
    await lock(sessions);
    expect(await sessions.startInSlot(opus, { retries: 0 })).toMatchObject({ outcome: "busy" });
    sessions.pessimisticLockingEnabled = false;
    expect(await sessions.startInSlot(opus)).toMatchObject({ outcome: "created" });
    sessions.pessimisticLockingEnabled = true;
    const call = sessions.startInSlot(haiku, { retries: 0 });
    expect(await call).toMatchObject({ outcome: "busy" });
    const own = sessions.startInSlot(haiku, { locking: "optimistic", onModelChange: "replace" });
    expect(await own).toMatchObject({ outcome: "replaced" });
  });

  it.each([1, "on", null])("refuses %j", async (enabled) => {
    const options = { pessimisticLockingEnabled: enabled as never };
    expect(await code(opening("memory:", options))).toBe("INVALID_ARGUMENT");
    expect(await code(() => openSync("memory:", options))).toBe("INVALID_ARGUMENT");
    const sessions = await inMemory();
    const set = () => {
      sessions.pessimisticLockingEnabled = enabled as never;
    };
    expect(await code(set)).toBe("INVALID_ARGUMENT");
  });

  it("admits one session into a slot while concurrent callers race and it is changed", async () => {
    const store = new MapStore();
    const handles = await Promise.all(
      Array.from({ length: 4 }, () => opening(asynchronous(store))),
    );
    for (let round = 0; round < 20; round += 1) {
      const taskId = `T${round}`;
      const starts = handles.flatMap((handle, place) => {
        handle.pessimisticLockingEnabled = (round + place) % 2 === 0;
        const first = handle.startInSlot({ ...opus, taskId });
        handle.pessimisticLockingEnabled = !handle.pessimisticLockingEnabled;
        return [first, handle.startInSlot({ ...opus, taskId })];
      });
      const answers = await Promise.all(starts);
      const created = answers.filter(({ outcome }) => outcome === "created");
      expect(created).toHaveLength(1);
      const there = await handles[0]?.list({ taskIds: [taskId] });
      expect(there?.items.map(({ id }) => id)).toEqual([created[0]?.session?.id]);
    }
  });
});

describe("the metrics of slots", () => {
  const buckets = ({ lookupTime }: SlotMetrics) => lookupTime.optimistic.buckets;

  it("count outcomes, replacements by reason, and durations", async () => {
    const sessions = await inMemory();
    await sessions.startInSlot(opus);
    await sessions.startInSlot(opus);
    const { session } = await sessions.startInSlot(haiku);
    await sessions.startInSlot(haiku, { onModelChange: "reject" });
    await sessions.startInSlot(haiku, { onModelChange: "replace", ...pessimistic });
    const there = await sessions.latestSession("T1", "plan");
    await sessions.fail(there?.session.id ?? "", "no more");
    await sessions.startInSlot(opus);
    await sessions.slots("T1");
    expect(await code(sessions.startInSlot({ ...opus, taskId: "" }))).toBe("INVALID_ARGUMENT");
    const counted = sessions.slotMetrics();
    expect(session?.status).toBe("active");
    expect(counted.outcomes).toEqual({
      created: 1,
      existing: 1,
      needs_confirmation: 1,
      rejected: 1,
      replaced: 2,
      busy: 0,
      failed: 1,
    });
    const none = { user_request: 0, rerun: 0, timeout: 0, abandoned: 0 };
    expect(counted.replacements).toEqual({ ...none, model_change: 1, failed: 1 });
    expect(counted.replacementTime.pessimistic.count).toBe(1);
    expect(counted.replacementTime.optimistic.count).toBe(1);
    expect(counted.lookupTime.optimistic.count).toBe(2);
    expect(counted.lookupTime.pessimistic.count).toBe(0);
    expect(counted.locks).toMatchObject({ acquired: 1, contended: 0, timedOut: 0 });
  });

  it("have cumulative buckets, and are valid JSON", async () => {
    const sessions = await inMemory();
    for (let time = 0; time < 20; time += 1) await sessions.latestSession("T1", "plan");
    const counted = sessions.slotMetrics();
    expect(JSON.parse(JSON.stringify(counted))).toEqual(counted);
    const counts = buckets(counted).map(({ count }) => count);
    expect(counts).toEqual([...counts].sort((one, other) => one - other));
    expect(buckets(counted).at(-1)).toEqual({ le: "+Inf", count: 20 });
  });

  it("are reset on request, and are a snapshot", async () => {
    const sessions = await inMemory();
    await sessions.startInSlot(opus);
    const before = sessions.slotMetrics();
    sessions.resetSlotMetrics();
    expect(before.outcomes.created).toBe(1);
    expect(sessions.slotMetrics().outcomes.created).toBe(0);
    await sessions.startInSlot(opus);
    expect(sessions.slotMetrics().outcomes).toMatchObject({ created: 0, existing: 1 });
  });
});
