// Watching a store: each change once, in the order of the commits, and from where a reader left off.

import fc from "fast-check";
import { type Change, open, type Sessions, type Store, type StoredFeedQuery } from "tenure";
import { describe, expect, it } from "vitest";
import { code, failure } from "../support/failures.js";
import { asynchronous, MapStore } from "../support/map-store.js";

const start = { task: "t", mode: "m" } as const;

/** The number of changes that a store in memory keeps. */
const KEPT = 10_000;

/** The next changes of a watch. */
async function take(watch: AsyncIterator<Change>, count: number): Promise<Change[]> {
  const changes: Change[] = [];
  while (changes.length < count) {
    const { value, done } = await watch.next();
    if (done) break;
    changes.push(value);
  }
  return changes;
}

const gist = ({ kind, id, events }: Change): string =>
  [kind, id, ...(events ?? []).map(({ type }) => type)].join(" ");

const stores: readonly (readonly [name: string, () => Promise<Sessions>])[] = [
  ["in memory", () => open("memory:")],
  ["of one's own", () => open(new MapStore())],
  ["of one's own, with promises", () => open(asynchronous(new MapStore()))],
];

describe.each(stores)("a watch over a store %s", (_, opened) => {
  it("yields the changes after the call, in order", async () => {
    await using sessions = await opened();
    await sessions.start({ ...start, id: "before" });
    const watch = sessions.watch();
    await sessions.start({ ...start, id: "a" });
    await sessions.addEvents("a", [{ type: "x" }, { type: "y" }]);
    await sessions.trash("a");
    await sessions.restore("a");
    const changes = await take(watch, 6);
    const sessionsOnly = changes.filter(({ kind }) => kind !== "audit").map(gist);
    expect(sessionsOnly).toEqual(["created a start", "updated a x y", "trashed a", "restored a"]);
    const positions = changes.map(({ position }) => position);
    expect(positions).toEqual([...positions].sort((a, b) => a - b));
    expect(new Set(positions).size).toBe(positions.length);
    expect(watch.position).toBe(positions.at(-1));
  });

  it("waits for a change", async () => {
    await using sessions = await opened();
    const next = sessions.watch().next();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await sessions.start({ ...start, id: "a" });
    expect((await next).value).toMatchObject({ kind: "created", id: "a" });
  });

  it("goes on from a position", async () => {
    await using sessions = await opened();
    for (const id of ["a", "b", "c"]) await sessions.start({ ...start, id });
    const first = sessions.watch({}, { from: 0 });
    const [a] = await take(first, 1);
    await first.return();
    const rest = await take(sessions.watch({}, { from: a?.position }), 2);
    expect(rest.map(gist)).toEqual(["created b start", "created c start"]);
  });

  it("yields the changes of the sessions that a filter selects", async () => {
    await using sessions = await opened();
    const watch = sessions.watch({ userId: "ann" });
    await sessions.leases.acquire("k", { holder: "h", leaseDurationMs: 1000 });
    await sessions.start({ ...start, id: "b", userId: "bob" });
    await sessions.start({ ...start, id: "a", userId: "ann" });
    expect((await take(watch, 1)).map(gist)).toEqual(["created a start"]);
    expect(watch.position).toBe(3);
    await sessions.start({ ...start, id: "c", userId: "bob" });
    // What the filter does not select counts, too.
    const pending = watch.next();
    await expect.poll(() => watch.position).toBe(4);
    await watch.return();
    await pending;
  });

  it("ends at a break, and a pending call ends with it", async () => {
    await using sessions = await opened();
    await sessions.start({ ...start, id: "a" });
    const seen: string[] = [];
    for await (const { id } of sessions.watch({}, { from: 0 })) {
      seen.push(id);
      break;
    }
    expect(seen).toEqual(["a"]);
    const watch = sessions.watch();
    const pending = watch.next();
    await watch.return();
    expect(await pending).toEqual({ done: true, value: undefined });
    expect(await watch.next()).toEqual({ done: true, value: undefined });
  });

  it("ends when the handle is closed", async () => {
    const sessions = await opened();
    const pending = sessions.watch().next();
    await new Promise((resolve) => setTimeout(resolve, 5));
    await sessions.close();
    expect(await pending).toEqual({ done: true, value: undefined });
  });

  it("is aborted by a signal", async () => {
    await using sessions = await opened();
    const controller = new AbortController();
    const watch = sessions.watch({}, { signal: controller.signal });
    const pending = failure(watch.next());
    controller.abort(new Error("enough"));
    expect(await pending).toMatchObject({ code: "ABORTED", cause: { message: "enough" } });
    expect(await code(sessions.watch({}, { signal: AbortSignal.abort() }).next())).toBe("ABORTED");
  });

  it("tells listeners, through any handle on the store", async () => {
    await using sessions = await opened();
    const heard: string[] = [];
    const remove = sessions.on("change", ({ ids, changes }) => {
      heard.push(...ids);
      expect(changes.map(({ id }) => id)).toEqual(expect.arrayContaining([...ids]));
    });
    await sessions.start({ ...start, id: "a" });
    await sessions.start({ ...start, id: "b" });
    await expect.poll(() => heard).toEqual(["a", "b"]);
    remove();
    await sessions.start({ ...start, id: "c" });
    sessions.on("change", ({ ids }) => heard.push(...ids));
    await sessions.start({ ...start, id: "d" });
    await expect.poll(() => heard.at(-1)).toBe("d");
  });

  it("yields each change once, whatever the order of writes and reads", async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("write" as const), id: fc.constantFrom("a", "b", "c") }),
      fc.constant({ kind: "read" as const }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        await using sessions = await opened();
        const watch = sessions.watch();
        const seen: Change[] = [];
        let written = 0;
        for (const step of steps) {
          if (step.kind === "read") {
            if (seen.length < written) seen.push(...(await take(watch, 1)));
          } else {
            written += 1;
            if ((await sessions.get(step.id)) === null) {
              await sessions.start({ ...start, id: step.id });
            } else {
              await sessions.addEvent(step.id, "note", { n: written });
            }
          }
        }
        seen.push(...(await take(watch, written - seen.length)));
        const positions = Array.from({ length: written }, (_, index) => index + 1);
        expect(seen.map(({ position }) => position)).toEqual(positions);
      }),
      { numRuns: 20 },
    );
  });
});

describe("a watch", () => {
  it("that is behind by more than the store keeps lags, and goes on from the position that it names", async () => {
    await using sessions = await open("memory:");
    await sessions.start({ ...start, id: "a" });
    const watch = sessions.watch({}, { from: 0 });
    await take(watch, 1);
    for (let n = 0; n <= KEPT; n += 1) await sessions.addEvent("a", "note", { n });
    const lagged = await failure(take(watch, 1));
    expect(lagged).toMatchObject({ code: "LAGGED", details: { position: KEPT + 2 } });
    const from = Number(lagged.details.position);
    const again = sessions.watch({}, { from });
    await sessions.complete("a", "done");
    expect((await take(again, 1)).map(gist)).toEqual(["updated a complete"]);
    // Positions that are not kept, and those of another store.
    for (const from of [0, KEPT + 100]) {
      const expired = await failure(sessions.watch({}, { from }).next());
      expect(expired).toMatchObject({
        code: "POSITION_EXPIRED",
        details: { after: from, keptAfter: 3, newest: KEPT + 3 },
      });
    }
  });

  it.each([
    { from: -1 },
    { from: 1.5 },
    { from: "1" },
    { signal: 1 },
    { keepAlive: 1 },
    { since: 1 },
  ])("refuses the options %j", async (options) => {
    await using sessions = await open("memory:");
    expect(await code(() => sessions.watch({}, options as never))).toBe("INVALID_ARGUMENT");
  });

  it("refuses an unknown property of a filter", async () => {
    await using sessions = await open("memory:");
    expect(await code(sessions.watch({ user: "ann" } as never).next())).toBe("INVALID_ARGUMENT");
  });

  it("needs a store with a feed", async () => {
    await using sessions = await open(Object.assign(new MapStore(), { capabilities: {} }));
    expect(await code(() => sessions.watch())).toBe("NO_FEED");
    expect(await code(sessions.changesSince())).toBe("NO_FEED");
    expect(await code(() => sessions.on("change", () => {}))).toBe("NO_FEED");
  });
});

it("a watch and listeners have what is written after the call, however slowly the store says where they begin", async () => {
  const store = new MapStore();
  const slow = asynchronous(store);
  const sessions = await open({
    ...slow,
    async feed(query) {
      if (query.after === null) await new Promise((resolve) => setTimeout(resolve, 50));
      return store.feed(query);
    },
  });
  const heard: string[] = [];
  sessions.on("change", ({ ids }) => heard.push(...ids));
  const watch = sessions.watch();
  await sessions.start({ ...start, id: "a" });
  expect((await watch.next()).value).toMatchObject({ kind: "created", id: "a" });
  await sessions.close();
  expect(heard).toEqual(["a"]);
});

it("listeners have all changes when the handle is closed, also those of pending calls", async () => {
  const sessions = await open("memory:");
  const heard: string[] = [];
  sessions.on("change", ({ ids }) => heard.push(...ids));
  for (let n = 0; n < 250; n += 1) void sessions.start({ ...start, id: `s${n}` });
  const closing = sessions.close();
  expect(await code(sessions.get("s0"))).toBe("CLOSED");
  await closing;
  expect(heard).toHaveLength(250);
});

it.each(["close", "abort"])(
  "a watch yields nothing more after %s in the middle of a page",
  async (how) => {
    const sessions = await open("memory:");
    const controller = new AbortController();
    const watch = sessions.watch({}, { from: 0, signal: controller.signal });
    for (let n = 0; n < 10; n += 1) await sessions.start({ ...start, id: `s${n}` });
    await take(watch, 3);
    if (how === "close") {
      await sessions.close();
      expect(await watch.next()).toEqual({ done: true, value: undefined });
      expect(await code(() => sessions.watch())).toBe("CLOSED");
      expect(await code(() => sessions.on("change", () => {}))).toBe("CLOSED");
    } else {
      controller.abort();
      expect(await code(watch.next())).toBe("ABORTED");
      await sessions.close();
    }
  },
);

it("a listener that writes lets other things run", async () => {
  await using sessions = await open("memory:");
  let count = 0;
  const remove = sessions.on("change", () => {
    count += 1;
    void sessions.start({ ...start, id: `s${count}` });
  });
  await sessions.start({ ...start, id: "first" });
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(count).toBeGreaterThan(1);
  remove();
});

it.each(["position", "limit"])("`%s` is no property of the filter of a watch", async (name) => {
  await using sessions = await open("memory:");
  const refused = await failure(() => sessions.watch({ [name]: 1 } as never));
  expect(refused).toMatchObject({ code: "INVALID_ARGUMENT", details: { what: name } });
});

it.each(["from", "signal", "keepAlive"])(
  "`%s` of a watch is among its options only",
  async (name) => {
    await using sessions = await open("memory:");
    const refused = await failure(() => sessions.watch({ [name]: undefined } as never));
    expect(refused).toMatchObject({ code: "INVALID_ARGUMENT", details: { what: name } });
    expect(refused.message).toContain("the options, which are the second argument");
  },
);

it("a handle is closed while its listeners wait for a store that fails", async () => {
  let fails = false;
  const store = new MapStore();
  const failing: Store = Object.assign(Object.create(store) as MapStore, {
    feed(query: StoredFeedQuery) {
      if (fails) throw new Error("down");
      return store.feed(query);
    },
  });
  const sessions = await open(failing);
  sessions.on("change", () => {});
  await sessions.start({ ...start, id: "a" });
  fails = true;
  await sessions.start({ ...start, id: "b" });
  await new Promise((resolve) => setTimeout(resolve, 20));
  await sessions.close();
});

it("a feed that hides its changes is refused", async () => {
  const store = new MapStore();
  const hiding = Object.assign(Object.create(store) as MapStore, {
    feed: () => ({ changes: [], keptAfter: 0, newest: 5 }),
  });
  await using sessions = await open(hiding);
  expect(await code(sessions.watch({}, { from: 0 }).next())).toBe("STORE_MISBEHAVED");
});
