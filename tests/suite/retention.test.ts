// The trash, deletion, cleanup by age, and retention.

// Loaded first: the browser's own module has neither archives nor retention.
import "../support/complete.js";
import { openSync, type Sessions } from "tenure";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { code, failure } from "../support/failures.js";
import { MapStore } from "../support/map-store.js";
import { clockedStores, opening } from "../support/stores.js";

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

describe.each(clockedStores)("%s, a session", (_, open) => {
  let sessions: Sessions;

  beforeEach(async () => {
    sessions = await open();
  });

  it("in the trash is not listed and cannot be changed until it is restored", async () => {
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

  it("that is deleted frees its id and its idempotency keys", async () => {
    await sessions.start({ task: "t", mode: "m", id: "a" });
    await sessions.addEvent("a", "x", {}, { idempotencyKey: "k" });
    expect(await sessions.delete("a")).toBeNull();
    expect(await sessions.get("a")).toBeNull();
    expect(await code(sessions.delete("a"))).toBe("SESSION_NOT_FOUND");
    await sessions.start({ task: "t", mode: "m", id: "a" });
    expect((await sessions.addEvent("a", "x", {}, { idempotencyKey: "k" })).replayed).toBe(false);
  });

  it("is cleaned up by its age, unless it is active or paused", async () => {
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
    expect({ ...plan, ids: [...plan.ids].sort() }).toEqual({
      removed: 4,
      ids: old,
      failed: [],
      dryRun: true,
    });
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

  it("is cleaned up permanently on request, or by idle time, or by status", async () => {
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

  it("is not cleaned up for an invalid age", async () => {
    for (const maxAge of ["soon", "", -1, Number.NaN, null, undefined, "-1d"]) {
      expect(await code(sessions.cleanup({ maxAge } as never)), String(maxAge)).toBe(
        "INVALID_ARGUMENT",
      );
      expect(await code(sessions.purge({ olderThan: maxAge } as never))).toBe("INVALID_ARGUMENT");
    }
  });
});

/** A store that refuses to delete one session. */
class StubbornStore extends MapStore {
  override commit(changes: Parameters<MapStore["commit"]>[0]): ReturnType<MapStore["commit"]> {
    const going = changes.sessions.filter(({ write }) => write.kind === "delete");
    if (!going.some(({ id }) => id === "stubborn")) return super.commit(changes);
    if (going.length === 1) throw new Error("it stays");
    // Then each is deleted on its own.
    return { kind: "sessionConflict", id: "stubborn", current: 99 };
  }
}

describe("retention", () => {
  it("moves old sessions to the trash and purges it, periodically", async () => {
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

  it("removes its entries from the audit log after a time", async () => {
    const sessions = await opening("memory:", {
      retention: { maxAge: "30d", every: "24h", keepAudit: "2d" },
    });
    const { id } = await sessions.start({ task: "t", mode: "m" });
    await sessions.trash(id);
    const subjects = async () =>
      (await sessions.audit.entries()).items.map(({ subject }) => subject);
    await vi.advanceTimersByTimeAsync(DAY);
    expect(await subjects()).toEqual([id]);
    await vi.advanceTimersByTimeAsync(2 * DAY);
    expect(await subjects()).toEqual([]);
  });

  it("runs within a minute after opening, for short-lived processes", async () => {
    const sessions = openSync("memory:", { retention: { maxAge: "0s", every: "24h" } });
    const { id } = sessions.start({ task: "t", mode: "m" });
    sessions.complete(id);
    vi.advanceTimersByTime(60_000);
    expect(sessions.get(id)).toBeNull();
    sessions.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("runs over a synchronous handle too, also after failures", () => {
    const store = new MapStore();
    const sessions = openSync(store, { retention: { maxAge: "0s", every: "24h" } });
    const errors: string[] = [];
    sessions.on("error", ({ code }) => errors.push(code));
    const list = store.list.bind(store);
    for (let day = 0; day < 3; day += 1) {
      const { id } = sessions.start({ task: "t", mode: "m" });
      sessions.complete(id);
      store.list = () => {
        throw new Error("no list today");
      };
      vi.advanceTimersByTime(DAY);
      expect(errors).toEqual(Array.from({ length: day + 1 }, () => "STORE_FAILED"));
      store.list = list;
      expect(sessions.get(id)).not.toBeNull();
      vi.advanceTimersByTime(DAY);
      expect(sessions.get(id)).toBeNull();
    }
    sessions.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("supports intervals longer than the maximum of a timer", async () => {
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

  it.each([
    ["open", "archive"],
    ["openSync", "archive"],
    ["open", "archiveParts"],
    ["openSync", "archiveParts"],
  ])("archives each session before it purges it, over %s with %s", async (how, name) => {
    const archived: string[] = [];
    let works = false;
    const archive = async (session: string, id: string): Promise<void> => {
      if (id === "stays" && !works) throw new Error("no room");
      expect(JSON.parse(session)).toMatchObject({ id, status: "completed" });
      archived.push(id);
    };
    const archiveParts = async (parts: AsyncIterable<string>, id: string): Promise<void> => {
      let session = "";
      for await (const part of parts) session += part;
      await archive(session, id);
    };
    const archiving = name === "archive" ? { archive } : { archiveParts };
    const options = { retention: { maxAge: "30d", every: "24h", purgeAfter: "7d", ...archiving } };
    const sessions =
      how === "open" ? await opening("memory:", options) : openSync("memory:", options);
    const errors: string[] = [];
    sessions.on("error", ({ code }) => errors.push(code));
    for (const id of ["goes", "stays"]) {
      await sessions.start({ task: "t", mode: "m", id });
      await sessions.complete(id);
    }
    await vi.advanceTimersByTimeAsync(38 * DAY);
    expect(archived).toEqual(["goes"]);
    expect(await sessions.get("goes")).toBeNull();
    expect(await sessions.get("stays")).toMatchObject({ deletedAt: expect.any(String) });
    expect(sessions.slotMetrics().retention?.failed).toEqual([
      { id: "stays", code: "ARCHIVE_FAILED", message: "no room" },
    ]);
    expect(errors).toEqual(["NOT_REMOVED"]);
    works = true;
    await vi.advanceTimersByTimeAsync(DAY);
    expect(archived).toEqual(["goes", "stays"]);
    expect(await sessions.get("stays")).toBeNull();
    await sessions.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each([true, "x", {}, null])("refuses the archive %j", async (archive) => {
    const retention = { maxAge: "1d", every: "1d", archive: archive as never };
    expect(await failure(opening("memory:", { retention }))).toMatchObject({
      code: "INVALID_ARGUMENT",
      // A text is the URL of an archive.
      details: { what: archive === "x" ? "archive" : "retention.archive" },
    });
    const archiveParts = archive as never;
    const parts = { maxAge: "1d", every: "1d", archiveParts };
    expect(await failure(opening("memory:", { retention: parts }))).toMatchObject({
      code: "INVALID_ARGUMENT",
      details: { what: "retention.archiveParts" },
    });
  });

  const MINUTE = 60_000;
  const problem = "STORE_FAILED the store's list failed: no list today";

  /** A handle on an empty store, which can be listed only if `works` returns true. */
  async function failing(every: string, works: () => boolean) {
    const errors: string[] = [];
    const sessions = await opening(
      {
        load: () => null,
        commit: () => ({ kind: "applied" }) as const,
        list: () => {
          if (!works()) throw new Error("no list today");
          return { heads: [], more: false };
        },
        record: () => null,
        scan: () => [],
      },
      { retention: { maxAge: "1d", every } },
    );
    sessions.on("error", ({ code, message }) => errors.push(`${code} ${message}`));
    return { sessions, errors };
  }

  it("retries after one, five and fifteen minutes, and then reports the error", async () => {
    const { sessions, errors } = await failing("24h", () => false);
    const lastPass = () => Date.parse(sessions.slotMetrics().retention?.at ?? "");
    const seen = [BEGIN];
    while (seen.length < 5) {
      expect(errors).toEqual([]);
      await vi.advanceTimersByTimeAsync(MINUTE / 4);
      const last = lastPass();
      if (!Number.isNaN(last) && last !== seen.at(-1)) seen.push(last);
    }
    // A retry is up to a quarter later, at random.
    for (const [index, minutes] of [1, 1, 5, 15].entries()) {
      const pause = ((seen[index + 1] ?? 0) - (seen[index] ?? 0)) / MINUTE;
      expect(pause).toBeGreaterThanOrEqual(minutes);
      expect(pause).toBeLessThanOrEqual(index === 0 ? minutes : minutes * 1.25);
    }
    expect(errors).toEqual([problem]);
    await vi.advanceTimersByTimeAsync(DAY);
    expect(lastPass()).toBe((seen.at(-1) ?? 0) + DAY);
    expect(errors).toEqual([problem]);
  });

  it("returns to its interval after a successful retry", async () => {
    let works = false;
    const { sessions, errors } = await failing("24h", () => works);
    await vi.advanceTimersByTimeAsync(MINUTE);
    expect(sessions.slotMetrics().retention).toMatchObject({ error: "STORE_FAILED", batches: 0 });
    works = true;
    await vi.advanceTimersByTimeAsync(1.25 * MINUTE);
    expect(sessions.slotMetrics().retention).toMatchObject({ error: null, batches: 2, removed: 0 });
    works = false;
    await vi.advanceTimersByTimeAsync(DAY + 20 * MINUTE);
    expect(errors).toEqual([]);
    await vi.advanceTimersByTimeAsync(7 * MINUTE);
    expect(errors).toEqual([problem]);
  });

  it("never retries later than its interval", async () => {
    const { errors } = await failing("1m", () => false);
    await vi.advanceTimersByTimeAsync(8 * MINUTE);
    expect(errors).toEqual([problem, problem]);
  });

  it("stops with its handle, also during a pass", async () => {
    const { sessions, errors } = await failing("24h", () => false);
    await vi.advanceTimersByTimeAsync(MINUTE);
    await sessions.close();
    expect(vi.getTimerCount()).toBe(0);
    expect(errors).toEqual([]);
  });

  it("counts removed sessions, and lists those that it could not remove", async () => {
    const sessions = await opening(new StubbornStore(), {
      retention: { maxAge: "30d", every: "24h", purgeAfter: "0s" },
    });
    const errors: unknown[] = [];
    sessions.on("error", ({ code, details }) => errors.push([code, details.failed]));
    expect(sessions.slotMetrics().retention).toBeNull();
    const putIntoTrash = async (id: string, createdAt: number) => {
      await sessions.start({ task: "t", mode: "m", id });
      await sessions.override(id, { createdAt });
      await sessions.trash(id);
    };
    await putIntoTrash("stubborn", BEGIN + DAY);
    const failed = [expect.objectContaining({ id: "stubborn", code: "STORE_FAILED" })];
    // Each is the latest time of a retry.
    for (const minutes of [1, 1.25, 6.25, 18.75]) {
      expect(errors).toEqual([]);
      await putIntoTrash("other", BEGIN);
      await vi.advanceTimersByTimeAsync(minutes * MINUTE);
      const { retention } = sessions.slotMetrics();
      expect(retention).toMatchObject({ batches: 2, removed: 1, failed, error: null });
      expect(await ids(sessions, "only")).toEqual(["stubborn"]);
    }
    expect(errors).toEqual([["NOT_REMOVED", failed]]);
  });

  it.each(["soon", "", 0, -5, Number.NaN, "1", null])("refuses the interval %j", async (every) => {
    const opened = opening("memory:", { retention: { maxAge: "1d", every: every as never } });
    expect(await code(opened)).toBe("INVALID_ARGUMENT");
    expect(vi.getTimerCount()).toBe(0);
  });
});

it("is refused where its options cannot be read", async () => {
  const trap = (): never => {
    throw new Error("trapped");
  };
  const retention = new Proxy({}, { get: trap, ownKeys: trap }) as never;
  expect(await failure(async () => openSync("memory:", { retention }))).toMatchObject({
    code: "INVALID_ARGUMENT",
    message: "retention: cannot be read: trapped",
  });
});
