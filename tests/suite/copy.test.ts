// Complete and exact copies between any two kinds of stores, and the reported differences.

// Loaded first: the browser's own module does not copy.
import "../support/complete.js";
import { type CopyProgress, copy, openSync, type Sessions } from "tenure";
import { afterEach, describe, expect, it, vi } from "vitest";
import { code, failure } from "../support/failures.js";
import { asynchronous, MapStore } from "../support/map-store.js";
import { everyStore, inMemory, opening } from "../support/stores.js";

afterEach(() => {
  vi.useRealTimers();
});

const hostile = { "\ud800": "\udc00", __proto__x: { a: [1e308, -0, "  ", '"'] }, n: 2 ** 53 - 1 };

/** Sessions in every state, with idempotency keys, trash and unusual data. */
async function fill(sessions: Sessions): Promise<void> {
  for (const id of ["a", "b", "c", "d", "e"]) {
    await sessions.start({
      ...{ id, task: `task of ${id}`, mode: "m", userId: "u", maxIterations: 3 },
      ...{
        context: hostile,
        metadata: { cost: 0.25, own: hostile },
        idempotencyKey: `start ${id}`,
      },
    });
    await sessions.addEvent(id, "note", hostile, { idempotencyKey: "note \u{1f600}" });
  }
  await sessions.pause("a", "later");
  await sessions.complete("b", "r");
  await sessions.fail("c", "e");
  await sessions.trash("d");
  await sessions.fork("e", { newId: "f" });
}

/** All data of a store that a caller can read. */
async function contents(sessions: Sessions): Promise<unknown> {
  const heads = [];
  for await (const head of sessions.list({ trash: "include", direction: "asc" })) heads.push(head);
  const whole = heads.map(({ id }) => sessions.export(id));
  return { whole: await Promise.all(whole), stats: await sessions.stats({ trash: "include" }) };
}

// Each copy asks a database many times: copies from and to one are among the tests of PostgreSQL.
const stores = everyStore.filter(([name]) => name !== "in PostgreSQL");

describe.each(stores)("%s, sessions", (_, openSource) => {
  it.each(stores)("are copied unchanged to a store %s", async (_, openTarget) => {
    const [from, to] = [await openSource(), await openTarget()];
    await fill(from);
    const result = await copy(from, to);
    expect(result).toMatchObject({ sessions: 6, records: 11, same: 0, differing: 0 });
    expect(result).toMatchObject({ differences: [], problems: [] });
    expect(await contents(to)).toEqual(await contents(from));
    const again = await copy(from, to);
    expect(again).toMatchObject({ sessions: 0, records: 0, same: 6, bytes: 0, differing: 0 });

    // A repeated call finds its key in the copy as well.
    const note = () => to.addEvent("e", "note", hostile, { idempotencyKey: "note \u{1f600}" });
    expect(await note()).toMatchObject({ replayed: true });

    await from.incrementIteration("e");
    await to.incrementIteration("f");
    const later = await copy(from, to);
    expect(later).toMatchObject({
      sessions: 1,
      same: 4,
      differences: [{ what: "session", key: "f", target: "newer" }],
    });
    expect(await to.get("e")).toEqual(await from.get("e"));
    const overwritten = await copy(from, to, { overwrite: true });
    expect(overwritten).toMatchObject({ sessions: 1, same: 5, differing: 0 });
    expect(await contents(to)).toEqual(await contents(from));
  });

  it("are complete after a copy was aborted and started again", async () => {
    const [from, to] = [await inMemory(), await openSource()];
    await fill(from);
    for (let steps = 0; ; steps += 1) {
      const abort = new AbortController();
      let left = steps;
      const signal = new Proxy(abort.signal, {
        get(target, name) {
          if (name === "aborted" && left-- === 0) abort.abort("enough");
          return Reflect.get(target, name, target);
        },
      });
      const end = await copy(from, to, { signal }).then(
        () => "done",
        ({ code, cause }) => `${code} ${cause}`,
      );
      if (end === "done") {
        expect(steps).toBeGreaterThan(10);
        break;
      }
      expect(end).toBe("ABORTED enough");
    }
    expect(await contents(to)).toEqual(await contents(from));
  });
});

describe("a copy", () => {
  it("ignores what a progress callback returns", async () => {
    const from = await inMemory();
    await fill(from);
    const circular: { self?: unknown } = {};
    circular.self = circular;
    for (const returned of [circular, 1n, new Promise(() => {}), { toJSON: () => circular }]) {
      const onProgress = (): unknown => returned;
      expect(await copy(from, "memory:", { onProgress })).toMatchObject({ sessions: 6 });
    }
  });

  it("rejects with what a progress callback throws, whatever that is", async () => {
    const from = await inMemory();
    await fill(from);
    const named = Object.defineProperty(new Error("odd"), "name", { value: "TenureError" });
    const throwing = Object.defineProperty(named, "code", {
      get: () => {
        throw new Error("no code");
      },
    });
    for (const thrown of [undefined, null, 1n, Symbol("s"), throwing]) {
      const onProgress = (): void => {
        throw thrown;
      };
      const caught = await copy(from, "memory:", { onProgress }).then(
        () => "done",
        (caught: unknown) => ({ caught }),
      );
      expect(caught).toEqual({ caught: thrown });
    }
  });

  it("rejects with what a promise of a progress callback rejects with", async () => {
    const from = await inMemory();
    await fill(from);
    const thrown = new Error("asynchronous");
    const onProgress = async (): Promise<void> => {
      throw thrown;
    };
    await expect(copy(from, "memory:", { onProgress })).rejects.toBe(thrown);
  });

  it("refuses options and stores that it does not know", async () => {
    const from = await inMemory();
    const copying = copy as (...args: unknown[]) => Promise<unknown>;
    for (const args of [
      [from, "memory:", { overwite: true }],
      [from, "memory:", { onProgress: "x" }],
      [from, "memory:", { signal: new AbortController() }],
      [from, "memory:", { verify: 1 }],
      [from, "memory:", []],
      [undefined, "memory:"],
      [from, undefined],
    ]) {
      expect(await code(copying(...args))).toBe("INVALID_ARGUMENT");
    }
  });

  it("reports its progress", async () => {
    const from = await inMemory();
    for (let n = 0; n < 1100; n += 1) await from.start({ task: "t", mode: "m" });
    const steps: CopyProgress[] = [];
    await copy(from, "memory:", { onProgress: (progress) => steps.push(progress) });
    const last = (phase: string) => steps.filter((step) => step.phase === phase).at(-1);
    expect(last("copy")).toMatchObject({ sessions: 1100, of: 1100 });
    expect(last("verify")).toMatchObject({ sessions: 1100, of: 1100 });
    const counts = steps.filter(({ phase }) => phase === "copy").map(({ sessions }) => sessions);
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect([...new Set(counts)]).toEqual([500, 1000, 1100]);
  });

  it("lets timers run, so that it can be aborted", async () => {
    const from = await inMemory();
    for (let n = 0; n < 2000; n += 1) await from.start({ task: "t", mode: "m" });
    const signal = AbortSignal.timeout(1);
    expect(await code(copy(from, "memory:", { signal }))).toBe("ABORTED");
    expect(await code(copy(from, "memory:", { signal }))).toBe("ABORTED");
  });

  it("takes stores and handles of either kind, and does not close open handles", async () => {
    const own = new MapStore();
    const from = openSync("memory:");
    from.start({ id: "a", task: "t", mode: "m" });
    await copy(from, own);
    expect(own.sessions.size).toBe(1);
    expect(own.closed).toBe(1);
    expect(from.get("a")).not.toBeNull();
    const to = openSync("memory:");
    expect(await copy(own, to)).toMatchObject({ sessions: 1 });
    expect(to.export("a")).toBe(from.export("a"));
    from.close();
    to.close();
  });

  it("from a store to itself is refused", async () => {
    const own = new MapStore();
    const handle = await opening(own);
    const memory = await inMemory();
    for (const [from, to] of [
      [own, own],
      [handle, handle],
      [handle, own],
      [memory, memory],
      ["sqlite:./x.db", "sqlite:x.db"],
    ] as const) {
      expect(await failure(copy(from, to))).toMatchObject({
        code: "INVALID_ARGUMENT",
        details: { what: "to" },
      });
    }
    expect(await copy("memory:", "memory:")).toMatchObject({ sessions: 0, differing: 0 });
  });

  it("lists the sessions that cannot be read, and copies the others", async () => {
    const own = new MapStore();
    const from = await opening(own);
    await fill(from);
    const load = own.load.bind(own);
    own.load = (id, history) => {
      if (id !== "c") return load(id, history);
      throw Object.assign(new Error("torn"), { code: "CORRUPT_SESSION" });
    };
    const to = await inMemory();
    const result = await copy(from, to);
    expect(result.problems).toEqual([{ id: "c", problem: "torn" }]);
    expect(result).toMatchObject({ sessions: 5, differing: 0 });
    expect(await to.get("c")).toBeNull();
    own.load = load;
    expect(await copy(from, to)).toMatchObject({ sessions: 1, problems: [] });
    expect(await contents(to)).toEqual(await contents(from));
  });

  it("rejects with the error of a store, and continues when it is started again", async () => {
    const from = await inMemory();
    await fill(from);
    const own = new MapStore();
    const full = asynchronous(own);
    full.commit = async () => {
      throw Object.assign(new Error("no room"), { code: "STORAGE_FULL" });
    };
    expect(await code(copy(from, full))).toBe("STORAGE_FULL");
    expect(own.sessions.size).toBe(0);
    expect(await copy(from, own)).toMatchObject({ sessions: 6, differing: 0 });
  });

  it("without verification still lists the sessions that it did not overwrite", async () => {
    const [from, to] = [await inMemory(), await inMemory()];
    await fill(from);
    await copy(from, to);
    await to.incrementIteration("f");
    const seen = new Set<string>();
    const onProgress = ({ phase }: CopyProgress): unknown => seen.add(phase);
    const result = await copy(from, to, { verify: false, onProgress });
    expect(result.differences).toEqual([{ what: "session", key: "f", target: "newer" }]);
    expect([...seen]).toEqual(["copy"]);
  });
});
