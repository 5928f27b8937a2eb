// The helpers for users' own suites: sessions with a controlled clock and ids, and sessions in any
// state.

import { init } from "tenure";
import {
  checkStore,
  describeStore,
  givenSession,
  memorySessions,
  memorySessionsSync,
} from "tenure/testing";
import { describe, expect, it } from "vitest";
import { code, failure } from "../support/failures.js";
import { MapStore } from "../support/map-store.js";

await init();

const START = "2026-01-01T00:00:00.000Z";

describe("sessions in memory for a test", () => {
  it("have a clock that only the test advances", async () => {
    const { sessions, clock } = await memorySessions();
    const { id, createdAt } = await sessions.start({ task: "t", mode: "m" });
    expect(createdAt).toBe(START);
    clock.advance("1h 30m");
    await sessions.addEvent(id, "note");
    clock.advance(250);
    await sessions.addEvent(id, "note");
    clock.set("2026-03-01");
    await sessions.pause(id);
    const times = (await sessions.get(id))?.history.map(({ timestamp }) => timestamp);
    expect(times).toEqual([
      START,
      "2026-01-01T01:30:00.000Z",
      "2026-01-01T01:30:00.250Z",
      "2026-03-01T00:00:00.000Z",
    ]);
    expect(clock.now).toBe(Date.UTC(2026, 2, 1));
    await sessions.close();
  });

  it("have reproducible ids, and others for another seed", () => {
    const ids = (seed?: number): readonly string[] => {
      const { sessions } = memorySessionsSync({ seed });
      const started = Array.from({ length: 20 }, () => sessions.start({ task: "t", mode: "m" }).id);
      sessions.close();
      return started;
    };
    // The same in every build, on every machine.
    expect(ids()[0]).toBe("session_mjuohs00_06ucukgko2leh");
    expect(ids()).toEqual(ids());
    // The clock stands still, and the later ones are the greater ones.
    expect([...ids()].sort()).toEqual(ids());
    expect(ids(7)).toEqual(ids(7));
    expect(new Set([...ids(), ...ids(7)]).size).toBe(40);
  });

  it("are isolated from each other", async () => {
    const [one, other] = await Promise.all([memorySessions(), memorySessions()]);
    await givenSession(one.sessions);
    one.clock.advance("1d");
    expect((await other.sessions.list()).items).toEqual([]);
    expect(other.clock.now).toBe(Date.parse(START));
  });

  it("take the options of open, and a start time", () => {
    const { sessions, clock } = memorySessionsSync({
      now: new Date("2020-02-02"),
      limits: { maxTaskBytes: 3 },
    });
    expect(clock.now).toBe(Date.UTC(2020, 1, 2));
    expect(() => sessions.start({ task: "long", mode: "m" })).toThrow("the limit is 3");
    sessions.close();
  });

  it.each(["5 parsecs", "", -1, Number.NaN, true, null, undefined, {}, ["5m"]])(
    "refuse to advance by %j",
    async (by) => {
      const { clock } = memorySessionsSync();
      expect(await failure(() => clock.advance(by as number))).toMatchObject({
        code: "INVALID_ARGUMENT",
        details: { what: "advance" },
      });
      expect(clock.now).toBe(Date.parse(START));
    },
  );

  it.each([
    "noon",
    "",
    "5",
    "1 Jan 2026",
    "2026-02-30",
    "2026-13-01",
    "2026-01-01T25:00:00Z",
    "2026-01-01T00:00:00",
    Number.NaN,
    1.5,
    1e300,
    true,
    null,
    {},
    [2026],
    new Date(Number.NaN),
  ])("refuse the time %j", async (time) => {
    const { clock } = memorySessionsSync();
    expect(await code(() => clock.set(time as number))).toBe("INVALID_ARGUMENT");
    const refused = { code: "INVALID_ARGUMENT", details: { what: "now" } };
    expect(await failure(() => memorySessionsSync({ now: time as number }))).toMatchObject(refused);
    expect(await failure(memorySessions({ now: time as number }))).toMatchObject(refused);
    expect(clock.now).toBe(Date.parse(START));
  });

  it("take a time in each of its forms", () => {
    const { clock } = memorySessionsSync();
    for (const time of [
      "2024-02-29",
      "2024-02-29T00:00:00Z",
      "2024-02-29T01:00:00.000+01:00",
      Date.UTC(2024, 1, 29),
      new Date(Date.UTC(2024, 1, 29)),
    ]) {
      clock.set(START);
      clock.set(time);
      expect(clock.now).toBe(Date.UTC(2024, 1, 29));
    }
  });
});

describe("checkStore", () => {
  const factory = () => new MapStore();

  it.each([
    ["a factory that is no function", 5, {}, "factory"],
    ["a store instead of its factory", new MapStore(), {}, "factory"],
    ["a name instead of a list", factory, { only: "x" }, "only"],
    ["a list of other values", factory, { only: [5] }, "only"],
    ["an unknown name", factory, { only: ["x"] }, "only"],
    ["a timeout that no timer has", factory, { timeoutMs: Number.POSITIVE_INFINITY }, "timeoutMs"],
    ["a longer timeout", factory, { caseTimeoutMs: 2 ** 31 }, "caseTimeoutMs"],
    ["an infinite scale", factory, { scale: Number.POSITIVE_INFINITY }, "scale"],
  ])("refuses %s, and so does describeStore", async (_, made, options, what) => {
    const args = [made as () => MapStore, options as object] as const;
    const refused = { code: "INVALID_ARGUMENT", details: { what } };
    expect(await failure(checkStore(...args))).toMatchObject(refused);
    if (what === "only" && Array.isArray(Reflect.get(options, "only"))) return;
    expect(await failure(() => describeStore("a store", ...args))).toMatchObject(refused);
  });

  it("refuses a name of the tests that is no text", async () => {
    expect(await code(() => describeStore(5 as never, factory))).toBe("INVALID_ARGUMENT");
  });
});

describe("givenSession", () => {
  it.each([[{}], [null], [undefined], ["memory:"], [{ import: 1 }]])(
    "refuses %j, which is no handle",
    async (handle) => {
      expect(await failure(() => givenSession(handle as never, {}))).toMatchObject({
        code: "INVALID_ARGUMENT",
        details: { what: "sessions" },
      });
    },
  );

  it.each([5, "events", {}, null, [null], [5]])("refuses the events %j", async (events) => {
    const { sessions } = memorySessionsSync();
    expect(await code(() => givenSession(sessions, { events: events as never }))).toBe(
      "INVALID_ARGUMENT",
    );
  });

  it("has defaults for everything", async () => {
    const { sessions } = await memorySessions();
    const head = await givenSession(sessions);
    expect(head).toMatchObject({
      id: "given-1",
      status: "active",
      createdAt: START,
      eventCount: 0,
    });
    expect((await givenSession(sessions, { id: undefined })).id).toBe("given-2");
    expect((await sessions.addEvent(head.id, "note")).firstSequence).toBe(1);
  });

  it("creates a session as given, with its history", async () => {
    const { sessions } = await memorySessions();
    const { id } = await givenSession(sessions, {
      status: "failed",
      task: "Merge",
      iterations: 4,
      maxIterations: 5,
      createdAt: new Date("2025-05-05"),
      context: { pr: 7 },
      metadata: { model: "m-1" },
      userId: "ann",
      error: "conflict",
      events: [{ type: "start" }, { type: "note", timestamp: "2025-05-06", data: { n: 1 } }],
    });
    expect(await sessions.get(id)).toMatchObject({
      status: "failed",
      task: "Merge",
      iterations: 4,
      maxIterations: 5,
      createdAt: "2025-05-05T00:00:00.000Z",
      updatedAt: "2025-05-06T00:00:00.000Z",
      context: { pr: 7 },
      metadata: { model: "m-1" },
      userId: "ann",
      error: "conflict",
      history: [
        { sequence: 1, type: "start", timestamp: "2025-05-05T00:00:00.000Z" },
        { sequence: 2, type: "note", timestamp: "2025-05-06T00:00:00.000Z", data: { n: 1 } },
      ],
    });
  });

  it.each(["active", "paused", "completed", "failed", "timeout", "abandoned"] as const)(
    "creates a session that is %s, and listed as such",
    (status) => {
      const { sessions } = memorySessionsSync();
      givenSession(sessions, { status });
      expect(sessions.list({ status }).items).toHaveLength(1);
    },
  );

  it("creates a paused session with pausedAt of its last change", async () => {
    const { sessions, clock } = await memorySessions();
    const { id } = await givenSession(sessions, { status: "paused" });
    clock.advance("2h");
    await sessions.resume(id);
    expect((await sessions.get(id))?.history.at(-1)).toMatchObject({
      type: "resume",
      data: { pausedDuration: 7_200_000 },
    });
  });

  it("refuses an invalid session", async () => {
    const { sessions } = await memorySessions();
    expect(await code(givenSession(sessions, { id: "../x" }))).toBe("INVALID_ID");
    const invalid = { createdAt: new Date(Number.NaN) };
    expect(await code(() => givenSession(sessions, invalid))).toBe("INVALID_ARGUMENT");
  });
});
