// Sessions that go: the trash, deletion, and what is cleaned up for its age.

import { openSync, type Sessions } from "tenure";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { code, failure } from "../support/failures.js";
import { everyStore, opening } from "../support/stores.js";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const BEGIN = Date.parse("2026-01-01T00:00:00.000Z");

const ids = async (sessions: Sessions, trash?: "only") =>
  (await sessions.list({ trash, direction: "asc" })).items.map(({ id }) => id);

beforeEach(() => {
  vi.useFakeTimers({ now: BEGIN });
});

afterEach(() => {
  vi.useRealTimers();
});

describe.each(everyStore)("%s, a session", (_, open) => {
  let sessions: Sessions;

  beforeEach(async () => {
    sessions = await open();
  });

  it("in the trash is in no list and takes no change, until it is restored", async () => {
    const { id } = await sessions.start({ task: "t", mode: "m" });
    const trashed = await sessions.trash(id);
    expect(trashed.deletedAt).toBe("2026-01-01T00:00:00.000Z");
    expect(await ids(sessions)).toEqual([]);
    expect(await ids(sessions, "only")).toEqual([id]);
    expect((await sessions.list({ trash: "include" })).items).toHaveLength(1);
    expect((await sessions.stats()).total).toBe(0);
    expect(await sessions.isResumable(id)).toBe(false);
    expect(await failure(sessions.addEvent(id, "x"))).toMatchObject({
      code: "SESSION_DELETED",
      details: { id },
    });
    expect(await code(sessions.pause(id))).toBe("SESSION_DELETED");
    expect(await sessions.get(id)).toMatchObject({ deletedAt: trashed.deletedAt });
    expect((await sessions.trash(id)).version).toBe(trashed.version);
    const restored = await sessions.restore(id);
    expect(restored).not.toHaveProperty("deletedAt");
    expect((await sessions.addEvent(id, "x")).status).toBe("active");
  });

  it("that is deleted is gone, and its id and keys are free again", async () => {
    await sessions.start({ task: "t", mode: "m", id: "a" });
    await sessions.addEvent("a", "x", {}, { idempotencyKey: "k" });
    expect(await sessions.delete("a")).toBeNull();
    expect(await sessions.get("a")).toBeNull();
    expect(await code(sessions.delete("a"))).toBe("SESSION_NOT_FOUND");
    await sessions.start({ task: "t", mode: "m", id: "a" });
    expect((await sessions.addEvent("a", "x", {}, { idempotencyKey: "k" })).replayed).toBe(false);
  });

  it("goes with its age, unless it is active or paused", async () => {
    for (const id of ["active", "completed", "paused", "timeout", "failed", "abandoned"]) {
      await sessions.start({ task: "t", mode: "m", id, maxIterations: 1 });
    }
    await sessions.complete("completed");
    await sessions.pause("paused");
    await sessions.incrementIteration("timeout");
    await sessions.fail("failed");
    await sessions.abandon("abandoned");
    vi.setSystemTime(BEGIN + 30 * DAY - 1);
    await sessions.start({ task: "t", mode: "m", id: "young" });
    await sessions.complete("young");
    expect(await sessions.cleanup({ maxAge: "30d" })).toMatchObject({ removed: 0, ids: [] });
    vi.setSystemTime(BEGIN + 30 * DAY);
    const old = ["abandoned", "completed", "failed", "timeout"];
    const plan = await sessions.cleanup({ maxAge: 30 * DAY, dryRun: true });
    expect({ ...plan, ids: [...plan.ids].sort() }).toEqual({ removed: 4, ids: old, dryRun: true });
    expect(await ids(sessions, "only")).toEqual([]);
    expect(await sessions.cleanup({ maxAge: "30d" })).toMatchObject({ removed: 4, dryRun: false });
    expect(await ids(sessions, "only")).toEqual(old);
    expect(await ids(sessions)).toEqual(["active", "paused", "young"]);
    vi.setSystemTime(BEGIN + 37 * DAY - 1);
    expect(await sessions.purge({ olderThan: "7d" })).toMatchObject({ removed: 0 });
    vi.setSystemTime(BEGIN + 37 * DAY);
    expect(await sessions.purge({ olderThan: "7d" })).toMatchObject({ removed: 4 });
    expect(await sessions.get("failed")).toBeNull();
  });

  it("goes for good at once when that is asked for, or for its idleness, or by status", async () => {
    await sessions.start({ task: "t", mode: "m", id: "idle" });
    await sessions.start({ task: "t", mode: "m", id: "busy" });
    vi.setSystemTime(BEGIN + 25 * HOUR);
    await sessions.addEvent("busy", "x");
    const params = {
      maxAge: "24h",
      measure: "updated",
      status: "active",
      permanent: true,
    } as const;
    expect(await sessions.cleanup(params)).toMatchObject({ removed: 1, ids: ["idle"] });
    expect(await sessions.get("idle")).toBeNull();
    expect(await ids(sessions, "only")).toEqual([]);
  });

  it("does not go for an age that is none", async () => {
    for (const maxAge of ["soon", "", -1, Number.NaN, null, undefined, "-1d"]) {
      expect(await code(sessions.cleanup({ maxAge } as never)), String(maxAge)).toBe(
        "INVALID_ARGUMENT",
      );
      expect(await code(sessions.purge({ olderThan: maxAge } as never))).toBe("INVALID_ARGUMENT");
    }
  });
});

describe("retention by itself", () => {
  it("puts old sessions into the trash and empties it, again and again", async () => {
    const sessions = await opening("memory:", {
      retention: { maxAge: "30d", every: "24h", purgeAfter: "7d" },
    });
    const { id } = await sessions.start({ task: "t", mode: "m" });
    await sessions.complete(id);
    await vi.advanceTimersByTimeAsync(30 * DAY);
    expect(await ids(sessions)).toEqual([id]);
    await vi.advanceTimersByTimeAsync(DAY);
    expect(await ids(sessions)).toEqual([]);
    expect(await ids(sessions, "only")).toEqual([id]);
    await vi.advanceTimersByTimeAsync(8 * DAY);
    expect(await sessions.get(id)).toBeNull();
    await sessions.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("looks within a minute of being opened, for processes that never live long", async () => {
    const sessions = openSync("memory:", { retention: { maxAge: "0s", every: "24h" } });
    const { id } = sessions.start({ task: "t", mode: "m" });
    sessions.complete(id);
    vi.advanceTimersByTime(60_000);
    expect(sessions.get(id)).toBeNull();
    sessions.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("waits longer than a timer can", async () => {
    const sessions = await opening("memory:", {
      retention: { maxAge: "1h", every: "60d", purgeAfter: "400d" },
    });
    await vi.advanceTimersByTimeAsync(60_000);
    const { id } = await sessions.start({ task: "t", mode: "m" });
    await sessions.complete(id);
    await vi.advanceTimersByTimeAsync(59 * DAY);
    expect(await ids(sessions)).toEqual([id]);
    await vi.advanceTimersByTimeAsync(DAY);
    expect(await ids(sessions)).toEqual([]);
  });

  it("reports what goes wrong, and goes on", async () => {
    const errors: string[] = [];
    let works = false;
    const sessions = await opening(
      {
        load: () => null,
        commit: () => ({ kind: "applied" }) as const,
        list: () => {
          if (!works) throw new Error("no list today");
          return { heads: [], more: false };
        },
        record: () => null,
        scan: () => [],
      },
      { retention: { maxAge: "1d", every: "1m" } },
    );
    sessions.on("error", ({ code, message }) => errors.push(`${code} ${message}`));
    await vi.advanceTimersByTimeAsync(120_000);
    expect(errors).toEqual([
      "STORE_FAILED the store's list failed: no list today",
      "STORE_FAILED the store's list failed: no list today",
    ]);
    works = true;
    await vi.advanceTimersByTimeAsync(120_000);
    expect(errors).toHaveLength(2);
  });

  it.each(["soon", "", 0, -5, Number.NaN, "1", null])("refuses to look every %j", async (every) => {
    const opened = opening("memory:", { retention: { maxAge: "1d", every: every as never } });
    expect(await code(opened)).toBe("INVALID_ARGUMENT");
    expect(vi.getTimerCount()).toBe(0);
  });
});
