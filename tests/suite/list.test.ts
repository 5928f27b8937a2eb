// Lists of sessions: filters, order and paging.

import { openSync, type SessionHead, type Sessions } from "tenure";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { code, failure } from "../support/failures.js";
import { clockedStores, inMemory } from "../support/stores.js";

const DAY = 86_400_000;
const BEGIN = Date.parse("2026-01-01T00:00:00.000Z");

const tasks = (items: readonly SessionHead[]): string[] => items.map(({ task }) => task);

beforeEach(() => {
  vi.useFakeTimers({ now: BEGIN, toFake: ["Date"] });
});

afterEach(() => {
  vi.useRealTimers();
});

describe.each(clockedStores)("a list %s", (_, open) => {
  let sessions: Sessions;

  /** Five sessions, a day apart. */
  beforeEach(async () => {
    sessions = await open();
    const starts = [
      { task: "Fix the BUILD", mode: "developer", userId: "ann", channelId: "x" },
      { task: "review code", mode: "reviewer", userId: "ann", channelId: "y" },
      { task: "build docs", mode: "developer", userId: "ben", channelId: "x" },
      { task: "deploy", mode: "developer" },
      { task: "Übung", mode: "reviewer", userId: "ben" },
    ];
    for (const [day, params] of starts.entries()) {
      vi.setSystemTime(BEGIN + day * DAY);
      await sessions.start({ ...params, id: `s${day}` });
    }
    vi.setSystemTime(BEGIN + 5 * DAY);
    for (const id of ["s1", "s1", "s2", "s2", "s2"]) await sessions.incrementIteration(id);
    await sessions.pause("s1");
    await sessions.complete("s2");
    vi.setSystemTime(BEGIN + 6 * DAY);
    await sessions.addEvent("s0", "note");
    await sessions.incrementIteration("s0");
  });

  const ids = async (filter: Parameters<Sessions["list"]>[0]) =>
    (await sessions.list(filter)).items.map(({ id }) => id);

  it("has all sessions, newest first", async () => {
    const page = await sessions.list();
    expect(page.items.map(({ id }) => id)).toEqual(["s4", "s3", "s2", "s1", "s0"]);
    expect(page.problems).toEqual([]);
    expect(page).not.toHaveProperty("nextCursor");
    expect(page.items[0]).not.toHaveProperty("history");
  });

  it.each([
    [{ userId: "ann" }, ["s1", "s0"]],
    [{ channelId: "x" }, ["s2", "s0"]],
    [{ mode: "developer" }, ["s3", "s2", "s0"]],
    [{ status: "active" }, ["s4", "s3", "s0"]],
    [{ status: ["paused", "completed"] }, ["s2", "s1"]],
    [{ status: [] }, []],
    [{ text: "build" }, ["s2", "s0"]],
    [{ text: "übung" }, []],
    [{ text: "Übung" }, ["s4"]],
    [{ userId: "ben", mode: "developer", status: "completed" }, ["s2"]],
    [{ userId: "unknown" }, []],
    [{ createdAfter: new Date(BEGIN + 3 * DAY) }, ["s4", "s3"]],
    [{ createdAfter: BEGIN + 3 * DAY + 1 }, ["s4"]],
    [{ createdBefore: "2026-01-02" }, ["s1", "s0"]],
    [{ createdBefore: "2026-01-01T23:59:59.999Z" }, ["s0"]],
    [{ updatedAfter: "2026-01-06T00:00:00Z" }, ["s2", "s1", "s0"]],
    [{ updatedBefore: new Date(BEGIN + 4 * DAY) }, ["s4", "s3"]],
    [{ minIterations: 2 }, ["s2", "s1"]],
    [{ maxIterations: 1 }, ["s4", "s3", "s0"]],
    [{ minIterations: 1, maxIterations: 2 }, ["s1", "s0"]],
    [{ minIterations: 3, maxIterations: 2 }, []],
    [{ orderBy: "updatedAt" }, ["s0", "s2", "s1", "s4", "s3"]],
    [{ orderBy: "updatedAt", direction: "asc" }, ["s3", "s4", "s1", "s2", "s0"]],
    [{ direction: "asc" }, ["s0", "s1", "s2", "s3", "s4"]],
    [{ limit: 2 }, ["s4", "s3"]],
    [{ limit: 2, offset: 1 }, ["s3", "s2"]],
    [{ offset: 9 }, []],
  ] as const)("with %j has %j", async (filter, expected) => {
    expect(await ids(filter)).toEqual(expected);
  });

  it("continues after a page while sessions are added", async () => {
    const first = await sessions.list({ limit: 2 });
    expect(tasks(first.items)).toEqual(["Übung", "deploy"]);
    await sessions.start({ task: "newer", mode: "m" });
    const second = await sessions.list({ limit: 2, cursor: first.nextCursor });
    expect(tasks(second.items)).toEqual(["build docs", "review code"]);
    await sessions.delete("s1");
    const third = await sessions.list({ limit: 2, cursor: second.nextCursor });
    expect(tasks(third.items)).toEqual(["Fix the BUILD"]);
    expect(third).not.toHaveProperty("nextCursor");
  });

  it("is iterated over all of its pages", async () => {
    const seen: string[] = [];
    for await (const { id } of sessions.list({ limit: 2, offset: 1 })) seen.push(id);
    expect(seen).toEqual(["s3", "s2", "s1", "s0"]);
    const sizes: number[] = [];
    for await (const { items } of sessions.list({ limit: 2 }).pages()) sizes.push(items.length);
    expect(sizes).toEqual([2, 2, 1]);
  });

  it("has a newest session, also of those that a filter selects", async () => {
    expect((await sessions.latest())?.id).toBe("s4");
    expect((await sessions.latest({ userId: "ann" }))?.id).toBe("s1");
    expect(await sessions.latest({ userId: "nobody" })).toBeNull();
    expect((await sessions.latest({ orderBy: "updatedAt" }))?.id).toBe("s0");
    const nothing = { userId: undefined, limit: undefined } as Parameters<Sessions["latest"]>[0];
    expect((await sessions.latest(nothing))?.id).toBe("s4");
    expect((await sessions.latest(null as never))?.id).toBe("s4");
    const sync = openSync("memory:");
    expect(sync.latest()).toBeNull();
    const { id } = sync.start({ task: "t", mode: "m" });
    expect(sync.latest()?.id).toBe(id);
    sync.close();
  });

  it.each([
    [{ limit: 2 }, "latest: `limit` is for `list`: this returns the newest session by `orderBy`"],
    [{ direction: "asc" }, "latest: `direction` is for `list`: this returns the newest "],
    [{ direction: "desc" }, "latest: `direction` is for `list`: this returns the newest "],
    [{ offset: 1 }, "latest: `offset` is for `list`: this returns the newest "],
    [{ cursor: "c" }, "latest: `cursor` is for `list`: this returns the newest "],
    [{ order: "desc" }, "latest: `order` is not known; expected `userId`, "],
    [
      { userID: "a" },
      "latest: `userID` is not known (did you mean `userId`?); expected `userId`, ",
    ],
    [{ orderBy: "task" }, "orderBy: `task` is not known; expected "],
  ])("has no newest session with %j", async (filter, message) => {
    using sync = openSync("memory:");
    const failures = [
      await failure(async () => sessions.latest(filter as never)),
      await failure(() => sync.latest(filter as never)),
    ];
    for (const { code, message: said } of failures) {
      expect(code).toBe("INVALID_ARGUMENT");
      expect(said.slice(0, message.length)).toBe(message);
    }
  });

  it("refuses a cursor of another order or filter", async () => {
    const { nextCursor } = await sessions.list({ limit: 1 });
    for (const wrong of [
      { cursor: nextCursor, direction: "asc" },
      { cursor: nextCursor, orderBy: "updatedAt" },
      { cursor: "nonsense" },
      { cursor: "" },
      { cursor: "cd.9e99.s1" },
      { cursor: "cd.1.../x" },
    ] as const) {
      expect(await code(sessions.list(wrong))).toBe("INVALID_CURSOR");
    }
  });

  it("refuses pages with no or too many sessions", async () => {
    for (const limit of [0, -1, 1.5, 1001, Number.NaN]) {
      expect(await code(sessions.list({ limit }))).toBe("INVALID_ARGUMENT");
    }
  });

  it("refuses unknown filters", async () => {
    for (const wrong of [
      { statuses: ["active"] },
      { status: "running" },
      { createdAfter: "yesterday" },
      { createdAfter: new Date(Number.NaN) },
      { createdBefore: 1e300 },
      { userId: 7 },
      { trash: "all" },
      { orderBy: "task" },
    ]) {
      expect(await code(sessions.list(wrong as never)), JSON.stringify(wrong)).toBe(
        "INVALID_ARGUMENT",
      );
    }
  });
});

describe("a list", () => {
  it("loads nothing until it is awaited, and then once", async () => {
    const sessions = await inMemory();
    const list = sessions.list();
    await sessions.start({ task: "t", mode: "m" });
    expect(tasks((await list).items)).toEqual(["t"]);
    await sessions.start({ task: "u", mode: "m" });
    expect(tasks((await list).items)).toEqual(["t"]);
    expect(await list.catch(() => undefined)).toBe(await list.finally(() => {}));
  });

  it("orders sessions of one millisecond by their ids, in either direction", async () => {
    const sessions = await inMemory();
    for (const id of ["b", "a", "c", "B", "1"]) {
      await sessions.start({ task: "t", mode: "m", id });
    }
    const ids: string[] = [];
    for await (const { id } of sessions.list({ limit: 1 })) ids.push(id);
    expect(ids).toEqual(["c", "b", "a", "B", "1"]);
    const up = await sessions.list({ direction: "asc" });
    expect(up.items.map(({ id }) => id)).toEqual(ids.reverse());
  });

  it("of a synchronous handle is a page that continues when it is iterated", () => {
    using sessions = openSync("memory:");
    for (let i = 0; i < 5; i += 1) sessions.start({ task: "t", mode: "m", id: `s${i}` });
    const page = sessions.list({ limit: 2 });
    expect(page.items.map(({ id }) => id)).toEqual(["s4", "s3"]);
    expect([...page].map(({ id }) => id)).toEqual(["s4", "s3", "s2", "s1", "s0"]);
    expect([...page.pages()].map(({ items }) => items.length)).toEqual([2, 2, 1]);
    expect([...sessions.list({ limit: 2, cursor: page.nextCursor })]).toHaveLength(3);
  });
});
