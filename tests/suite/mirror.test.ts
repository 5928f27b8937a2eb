// A mirror shows what the store that it mirrors has, whatever happens there, and nothing is written to it.

// Loaded first: the browser's own module has no operation `heads`.
import "../support/complete.js";
import fc from "fast-check";
import { open, openMirror, openSync, type Sessions, type SessionsSync } from "tenure";
import { describe, expect, it } from "vitest";
import { code } from "../support/failures.js";
import { asynchronous, MapStore } from "../support/map-store.js";
import { everyStore } from "../support/stores.js";

const start = { task: "t", mode: "m" } as const;

/** The lists and statistics by which a mirror is compared with its store. */
const looks = [
  {},
  { userId: "u1" },
  { status: "completed" },
  { userId: "u2", status: ["active", "paused"] },
  { mode: "n", trash: "include" },
  { trash: "only" },
  { text: "7" },
  { minIterations: 1, maxIterations: 2 },
  { orderBy: "updatedAt", direction: "asc" },
  { limit: 3, offset: 2 },
] as const;

/** A step of a random sequence: a number says which session, and what is done with it. */
const step = fc.tuple(fc.nat(12), fc.nat(7));

/** Performs a step. What the lifecycle refuses is refused. */
async function perform(sessions: Sessions, [number, action]: [number, number]): Promise<void> {
  const id = `s${number}`;
  const ignored = (): void => {};
  if (action === 0) await sessions.delete(id).catch(ignored);
  else if (action === 1) await sessions.trash(id).catch(ignored);
  else if (action === 2) await sessions.restore(id).catch(ignored);
  else if (action === 3) await sessions.complete(id, `result ${number}`).catch(ignored);
  else if (action === 4) await sessions.pause(id).catch(ignored);
  else if (action === 5) {
    await sessions.recordUsage(id, { tokens: { prompt: number } }).catch(ignored);
    await sessions.incrementIteration(id).catch(ignored);
  } else {
    const userId = number % 3 === 0 ? undefined : `u${number % 3}`;
    const task = `task ${number}`;
    const context = { number, text: "ä\u{1f600}\ud800" };
    await sessions
      .start({ id, task, mode: action === 6 ? "m" : "n", userId, context })
      .catch(ignored);
  }
}

describe.each(everyStore)("a mirror of a store %s", (_, opened) => {
  it("shows what the store has, after each of any changes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.nat(25), async (steps, loaded) => {
        const sessions = await opened();
        for (const each of steps.slice(0, loaded)) await perform(sessions, each);
        const follows = sessions.capabilities.feed;
        let changed = (): void => {};
        using mirror = await openMirror(sessions, { onChange: () => changed() });
        const check = async (): Promise<void> => {
          for (const look of looks) {
            expect(mirror.list(look)).toEqual(await sessions.list(look));
            const {
              limit: _,
              offset: __,
              orderBy: ___,
              direction: ____,
              ...filter
            } = {
              ...{ limit: 0, offset: 0, orderBy: "", direction: "" },
              ...look,
            };
            expect(mirror.stats(filter)).toEqual(await sessions.stats(filter));
            const by = { ...filter, by: "user" } as const;
            expect(mirror.distribution(by)).toEqual(await sessions.distribution(by));
          }
        };
        await check();
        if (follows) {
          for (const each of steps.slice(loaded)) await perform(sessions, each);
          await expect
            .poll(
              async () => {
                await new Promise<void>((resolve) => {
                  changed = resolve;
                  setTimeout(resolve, 5);
                });
                return check().then(
                  () => "same",
                  (problem: unknown) => String(problem),
                );
              },
              { timeout: 20_000 },
            )
            .toBe("same");
        }
        await sessions.close();
      }),
      { numRuns: 20 },
    );
  });
});

it("takes null for no options, as a handle does", async () => {
  await using sessions = await open("memory:");
  await sessions.start({ task: "t", mode: "m" });
  using mirror = await openMirror(sessions);
  // JavaScript passes what the types refuse.
  const none = null as never;
  expect((await sessions.list(none)).items).toHaveLength(1);
  expect(mirror.list(none).items).toHaveLength(1);
  expect((await sessions.latest(none))?.task).toBe("t");
  expect(mirror.stats(none)).toEqual(await sessions.stats(none));
  expect(mirror.distribution(none)).toEqual(await sessions.distribution(none));
});

describe("a mirror", () => {
  it("loads pages of heads as bytes and as text, the newest in place of older ones", async () => {
    using sessions: SessionsSync = openSync("memory:");
    for (const id of ["a", "b", "c"]) sessions.start({ ...start, id });
    using mirror = await openMirror();
    const first = sessions.heads({ limit: 2 });
    expect([first.count, mirror.load(first.bytes)]).toEqual([2, 2]);
    const second = sessions.heads({ limit: 2, cursor: first.nextCursor });
    expect(mirror.load(Uint8Array.from(atob(second.bytes), (c) => c.charCodeAt(0)))).toBe(1);
    expect(second.nextCursor).toBeUndefined();
    expect(mirror.list().items).toEqual(sessions.list().items);
    sessions.complete("a", "done");
    sessions.delete("b");
    expect(mirror.get("a")?.status).toBe("active");
    const { bytes, position, unread } = sessions.heads({ ids: ["a", "b", "unknown"] });
    expect([position, unread]).toEqual([sessions.changesSince().position, []]);
    mirror.load(bytes);
    expect(mirror.get("a")).toEqual({ ...sessions.list({ status: "completed" }).items[0] });
    expect([mirror.get("b"), mirror.stats().total]).toEqual([null, 2]);
  });

  it("marks sessions whose models are missing as a list of the handle does", async () => {
    const sessions = await open("memory:", { models: ["opus", "haiku"] });
    for (const [taskId, model] of [
      ["T1", "opus"],
      ["T2", "haiku"],
    ] as const) {
      await sessions.startInSlot({ ...start, id: model, taskId, phase: "plan", model });
    }
    await sessions.start({ ...start, id: "without", metadata: { model: "gone" } });
    sessions.setModels(["opus"]);
    const isOpus = (name: string): boolean => name === "opus";
    for (const models of [undefined, ["opus"], isOpus]) {
      using mirror = await openMirror(sessions, { models });
      expect(mirror.list()).toEqual(await sessions.list());
      const marked = mirror.list().items.filter(({ modelMissing }) => modelMissing === true);
      expect(marked.map(({ id }) => id)).toEqual(["haiku"]);
      const { history: _, ...head } = (await sessions.get("haiku")) ?? { history: [] };
      expect(mirror.get("haiku")).toEqual(head);
      mirror.setModels(["haiku"]);
      expect(mirror.get("haiku")?.modelMissing).toBeUndefined();
      expect(mirror.get("opus")?.modelMissing).toBe(true);
      mirror.setModels(null);
      expect(mirror.get("opus")?.modelMissing).toBeUndefined();
    }
    using unmarked = await openMirror(sessions, { models: null });
    expect(unmarked.get("haiku")?.modelMissing).toBeUndefined();
    for (const models of ["opus", [1], () => "yes"]) {
      const opening = openMirror(sessions, { models: models as never });
      expect(await code(opening.then((mirror) => mirror.list()))).toBe("INVALID_ARGUMENT");
    }
    await sessions.close();
  });

  it("refuses other bytes, and keeps what it has", async () => {
    using sessions = openSync("memory:");
    sessions.start({ ...start, id: "a" });
    using mirror = await openMirror();
    const { bytes } = sessions.heads();
    mirror.load(bytes);
    const others = [
      new Uint8Array(),
      new Uint8Array(1000),
      bytes.slice(0, -4),
      "€",
      btoa("tenureH1"),
    ];
    for (const other of others)
      expect(await code(() => mirror.load(other))).toBe("INVALID_ARGUMENT");
    for (const other of [undefined, 1, {}, []]) {
      expect(await code(() => mirror.load(other as never))).toBe("INVALID_ARGUMENT");
    }
    expect(mirror.list().items.map(({ id }) => id)).toEqual(["a"]);
    mirror.close();
    mirror.close();
    expect(await code(() => mirror.list())).toBe("CLOSED");
  });

  it("is for handles of `open`, and is opened by nothing else", async () => {
    const openAny = openMirror as (...args: unknown[]) => Promise<unknown>;
    for (const args of [
      [{}],
      [openSync("memory:")],
      [undefined, { onchange: 1 }],
      [undefined, {}, 1],
    ]) {
      expect(await code(openAny(...args))).toBe("INVALID_ARGUMENT");
    }
    const options = { mirror: true } as object;
    expect(await code(open("memory:", options))).toBe("INVALID_ARGUMENT");
  });

  it("stops at a signal, while it loads and later", async () => {
    await using sessions = await open("memory:");
    await sessions.start({ ...start, id: "a" });
    expect(await code(openMirror(sessions, { signal: AbortSignal.abort() }))).toBe("ABORTED");
    const controller = new AbortController();
    const errors: unknown[] = [];
    using mirror = await openMirror(sessions, {
      signal: controller.signal,
      onError: (error) => errors.push(error),
    });
    controller.abort();
    await sessions.start({ ...start, id: "b" });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([mirror.list().items.length, errors]).toEqual([1, []]);
  });

  it("ends with the handle of the store", async () => {
    const sessions = await open("memory:");
    const errors: unknown[] = [];
    using mirror = await openMirror(sessions, { onError: (error) => errors.push(error) });
    await sessions.close();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(errors).toEqual([]);
    expect(mirror.list().items).toEqual([]);
  });

  it("goes on after a failure of the store, and of a callback", async () => {
    const store = new MapStore();
    await using sessions = await open(asynchronous(store));
    await sessions.start({ ...start, id: "a" });
    const errors: string[] = [];
    using mirror = await openMirror(sessions, {
      onChange: () => {
        throw new Error("a callback");
      },
      onError: ({ code }) => errors.push(code),
    });
    const { load } = store;
    store.load = () => {
      throw new Error("once");
    };
    await sessions.start({ ...start, id: "b" });
    await expect.poll(() => errors, { timeout: 5000 }).toContain("STORE_FAILED");
    store.load = load;
    await expect.poll(() => mirror.get("b")?.id, { timeout: 10_000 }).toBe("b");
    await expect.poll(() => errors, { timeout: 5000 }).toContain("LISTENER_FAILED");
    expect(errors.filter((code) => code === "STORE_FAILED").length).toBeLessThanOrEqual(2);
  });

  it("drops what it was reading when it has fallen behind, and loads all sessions", async () => {
    const store = new MapStore();
    await using sessions = await open(asynchronous(store));
    await sessions.start({ ...start, id: "a" });
    using mirror = await openMirror(sessions);
    // The reading of the change below is as late as it can be.
    let release = (): void => {};
    const late = new Promise<void>((resolve) => {
      release = resolve;
    });
    const reading = sessions as unknown as { headBytes(params: object): Promise<unknown> };
    const read = reading.headBytes.bind(sessions);
    let reads = 0;
    reading.headBytes = async (params) => {
      const page = await read(params);
      reads += 1;
      if (reads === 1) await late;
      return page;
    };
    await sessions.complete("a", "done");
    await expect.poll(() => reads, { timeout: 5000 }).toBe(1);
    await sessions.delete("a");
    const { feed } = store;
    store.feed = (query) => ({ ...feed.call(store, query), keptAfter: 1000, newest: 1000 });
    await new Promise((resolve) => setTimeout(resolve, 400));
    store.feed = feed;
    release();
    await expect.poll(() => mirror.list().items, { timeout: 10_000 }).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(mirror.list().items).toEqual([]);
  });
});
